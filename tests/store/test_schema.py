"""The migrations and `app.store.tables` describe one schema, on both databases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from app.errors import StoreError
from app.store import tables
from app.store.engine import Store
from app.store.migrate import MIGRATIONS, current_revision, newest_revision, require_current, upgrade
from tests.conftest import new_postgres_store

Schema = dict[str, dict[str, Any]]
PARTS = ("columns", "pk_constraint", "foreign_keys", "unique_constraints", "check_constraints", "indexes")


def described(engine: Engine) -> Schema:
    """Everything that the database itself knows of its schema, in plain values."""
    inspector = inspect(engine)
    found = {part: getattr(inspector, f"get_multi_{part}")() for part in PARTS}  # all tables of a part at once
    tables_found = {name for _, name in found["columns"]} - {"alembic_version"}
    return {name: _table({part: found[part][None, name] for part in PARTS}) for name in sorted(tables_found)}


def _table(found: dict[str, Any]) -> dict[str, Any]:
    primary = found["pk_constraint"]
    return {
        "columns": {
            column["name"]: (repr(column["type"]), column["nullable"], _plain(column["default"]))
            for column in found["columns"]
        },
        "primary": (primary["name"], tuple(primary["constrained_columns"])),
        "foreign": {
            (key["name"], *key["constrained_columns"], key["referred_table"], *key["referred_columns"])
            for key in found["foreign_keys"]
        },
        "unique": {(key["name"], *key["column_names"]) for key in found["unique_constraints"]},
        "checks": {(key["name"], _plain(key["sqltext"])) for key in found["check_constraints"]},
        "indexes": {_index(index) for index in found["indexes"]},
    }


def _plain(sql: object) -> str:
    return re.sub(r"[()\s]+", " ", str(sql)).strip()


def _index(index: Any) -> tuple[Any, ...]:
    where = [str(value) for key, value in sorted(index.get("dialect_options", {}).items()) if key.endswith("where")]
    return index["name"], tuple(index["column_names"]), bool(index["unique"]), *map(_plain, where)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def two_schemas(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Schema, Schema]:
    """The schema that the migrations make, and the one made straight from the tables."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("schemas")
        migrated = Store(f"sqlite:///{folder / 'migrated.db'}")
        upgrade(migrated)
        direct = create_engine(f"sqlite:///{folder / 'direct.db'}")
    else:
        server = request.getfixturevalue("postgres_url")
        migrated, other = new_postgres_store(server), new_postgres_store(server)
        direct = other.engine
        with direct.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    tables.metadata.create_all(direct)
    schemas = described(migrated.engine), described(direct)
    migrated.close()
    direct.dispose()
    return schemas


def test_migrations_make_the_schema_of_the_tables(two_schemas: tuple[Schema, Schema]) -> None:
    migrated, direct = two_schemas
    assert migrated.keys() == direct.keys() == set(tables.metadata.tables)
    for table, schema in direct.items():
        for part, expected in schema.items():
            assert migrated[table][part] == expected, f"{table}, {part}"


def test_every_constraint_and_index_is_named(two_schemas: tuple[Schema, Schema]) -> None:
    for table, schema in two_schemas[0].items():
        names = [schema["primary"][0]]
        names += [entry[0] for part in ("foreign", "unique", "checks", "indexes") for entry in schema[part]]
        assert all(name and re.match(r"(pk|fk|uq|ck|ix)_", name) for name in names), (table, names)


def test_partial_indexes_are_partial(two_schemas: tuple[Schema, Schema]) -> None:
    partial = {index[0] for table in two_schemas[0].values() for index in table["indexes"] if len(index) > 3}
    assert partial == {
        "ix_queue_item_open",
        "ix_queue_item_fresh",
        "uq_assignment_one_open",
        "ix_content_erased",
        "ix_assignment_lease",
    }


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    before = described(store.engine)
    upgrade(store)
    assert described(store.engine) == before
    assert current_revision(store) == newest_revision()
    require_current(store)


def test_the_newest_file_is_alembics_head(store: Store) -> None:
    history = ScriptDirectory(str(MIGRATIONS))
    assert newest_revision() == history.get_current_head()
    for script in history.walk_revisions():
        assert Path(script.path).name.startswith(f"{script.revision}_")
    with store.read() as connection:
        assert current_revision(store) == MigrationContext.configure(connection).get_current_revision()


def test_an_empty_database_is_told_to_upgrade(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    assert current_revision(store) is None
    with pytest.raises(StoreError, match=r"has schema \(none\).*steelyard db upgrade"):
        require_current(store)
    store.close()


def test_a_newer_database_is_left_alone(sqlite_store: Store) -> None:
    with sqlite_store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999"):
        upgrade(sqlite_store)
    with pytest.raises(StoreError, match="has schema 9999"):
        require_current(sqlite_store)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    store = Store(f"postgresql+psycopg://someone:s3cret@/{tmp_path.name}?host={tmp_path}")
    for attempt in (lambda: store.read().__enter__(), lambda: require_current(store), lambda: upgrade(store)):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert "s3cret" not in str(caught.value)
    store.close()


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("INSERT INTO campaign (name, title, counted_kinds, state, created_at) "
         "VALUES ('c', 'c', '[]', 'lost', '2026-01-01 00:00:00')", "ck_campaign_state"),
        ("INSERT INTO content (hash, body) VALUES ('h', NULL)", "ck_content_tombstone"),
        ("INSERT INTO rater (name, kind, state, roles, created_at) "
         "VALUES ('r', 'ghost', 'qualified', '[]', '2026-01-01 00:00:00')", "ck_rater_kind"),
    ],
)  # fmt: skip
def test_constraints_hold_in_the_database(store: Store, statement: str, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), store.write() as connection:
        connection.execute(text(statement))
