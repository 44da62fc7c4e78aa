"""The two ways into a database."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, func, insert, select
from sqlalchemy import event as sqlalchemy_event

from app.errors import StoreError
from app.services import events
from app.store import engine as engines
from app.store import tables
from app.store.bulk import insert_rows, is_among
from app.store.engine import Store
from tests.conftest import emptied_postgres_store, give_back_postgres


@pytest.mark.postgres
def test_a_settled_view_waits_for_smaller_event_numbers(postgres_url: str) -> None:
    """One writer has its number and is slow to commit, a second one is ready first: the view holds both."""
    store = emptied_postgres_store(postgres_url)
    has_number, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with store.write() as connection:
            events.record(connection, actor="slow", action="test.done", subject="first")
            has_number.set()
            assert may_commit.wait(20)

    def look(*, settled: bool) -> list[str]:
        with store.read(settled=settled) as connection:
            return list(connection.scalars(select(tables.event.c.subject).order_by(tables.event.c.id)))

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(write_slowly)
        assert has_number.wait(20)
        with store.write() as connection:
            events.record(connection, actor="quick", action="test.done", subject="second")
        assert look(settled=False) == ["second"]
        seen = pool.submit(look, settled=True)
        with pytest.raises(TimeoutError):
            seen.result(0.3)
        may_commit.set()
        slow.result(20)
        assert seen.result(20) == ["first", "second"]
    give_back_postgres(store)


def test_what_the_product_commits_to_a_file_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "create_engine", create_engine)
    store = Store(f"sqlite:///{tmp_path / 'steelyard.db'}")
    for way in (store.read, store.write):
        with way() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "FULL"
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    store.close()


def test_many_rows_go_in_once_with_their_json_and_their_gaps(store: Store) -> None:
    rows = [{"hash": f"h{number}", "body": f'body \' {number} "%s" :x'} for number in range(17_000)]
    with store.write() as connection:
        written = insert_rows(connection, tables.content, rows, skip_known_by="hash", returning=("hash",))
        assert {row.hash for row in written} == {row["hash"] for row in rows}
        known = [{"hash": "h1", "body": "other"}]
        assert insert_rows(connection, tables.content, known, skip_known_by="hash", returning=("hash",)) == []
        assert insert_rows(connection, tables.content, [], returning=("hash",)) == []
    content = tables.content
    with store.read() as connection:
        found = connection.execute(
            select(content.c.hash, content.c.body).where(
                is_among(connection, content.c.hash, [row["hash"] for row in rows])
            )
        ).all()
    assert dict(map(tuple, found)) == {row["hash"]: row["body"] for row in rows}


def test_imports_of_any_size_keep_few_statements(store: Store) -> None:
    """SQLite's driver keeps each statement with its values: one per number of rows would fill the memory."""
    seen: set[str] = set()
    sqlalchemy_event.listen(
        store.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: seen.add(statement)
    )
    for size in range(1, 1500, 37):
        rows = [{"hash": f"{size}-{number}", "body": "b"} for number in range(size)]
        with store.write() as connection:
            insert_rows(connection, tables.content, rows)
    assert len([one for one in seen if "INSERT" in one]) <= 10
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.content)) == sum(range(1, 1500, 37))


def test_values_arrive_as_their_columns_take_them(store: Store) -> None:
    """JSON, times, truth values and gaps: the same from one statement of many rows as from an insert of one."""
    now = datetime(2026, 1, 31, 10, tzinfo=UTC)
    common = {"actor": "a", "action": "test.done", "subject": "s", "campaign_id": None, "payload_hash": "h"}
    rows = [{**common, "at": now, "detail": {"n": 1, "of": ["ü", None, True]}}, {**common, "at": now, "detail": {}}]
    with store.write() as connection:
        insert_rows(connection, tables.event, rows)
        connection.execute(insert(tables.event), rows)
    with store.read() as connection:
        found = connection.execute(select(*(tables.event.c[name] for name in rows[0]))).all()
    assert [dict(row._mapping) for row in found] == [*rows, *rows]


def test_what_is_not_flushed_says_so_to_the_database_and_to_nobody_after_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, flushed, unflushed = "PRAGMA synchronous", 2, 1
    if store.is_sqlite:
        monkeypatch.setattr(engines, "create_engine", create_engine)  # the tests' engines flush nothing
        store = Store(store.url.render_as_string())
    else:
        asked, flushed, unflushed = "SHOW synchronous_commit", "on", "off"
        store.engine.dispose()
        sqlalchemy_event.listen(store.engine, "connect", _wait_for_the_disk)  # the tests' server does not
    for is_flushed, expected in ((False, unflushed), (True, flushed)):
        with store.write(is_flushed=is_flushed) as connection:
            assert connection.exec_driver_sql(asked).scalar_one() == expected
    with pytest.raises(ValueError, match="fails"):
        _write_and_fail(store)
    with store.write() as connection:
        assert connection.exec_driver_sql(asked).scalar_one() == flushed
        assert connection.scalars(select(tables.event.c.id)).all() == []
    if not store.is_sqlite:
        sqlalchemy_event.remove(store.engine, "connect", _wait_for_the_disk)
    store.close()


def _wait_for_the_disk(connection: Any, _record: object) -> None:
    connection.execute("SET synchronous_commit TO on")
    connection.commit()


def _write_and_fail(store: Store) -> None:
    with store.write(is_flushed=False) as connection:
        events.record(connection, actor="a", action="test.done", subject="s")
        raise ValueError("fails")


def test_what_many_threads_write_is_stored_and_each_hears_of_its_own_failure(store: Store) -> None:
    """One that fails takes nothing of the others with it, and nothing of its own stays."""

    def work(number: int) -> int:
        def note(connection: Connection) -> int:
            events.record(connection, actor="many", action="test.done", subject=str(number))
            if number % 5 == 0:
                raise ValueError(number)
            return number

        return store.write_together(note)

    with ThreadPoolExecutor(32) as pool:
        told = [pool.submit(work, number) for number in range(200)]
    for number, one in enumerate(told):
        if number % 5 == 0:
            with pytest.raises(ValueError, match=f"^{number}$"):
                one.result()
        else:
            assert one.result() == number
    with store.read() as connection:
        stored = sorted(int(name) for name in connection.scalars(select(tables.event.c.subject)))
    assert stored == [number for number in range(200) if number % 5]


def test_what_gathers_while_another_writes_is_committed_at_once(sqlite_store: Store) -> None:
    commits: list[int] = []
    sqlalchemy_event.listen(sqlite_store.engine, "commit", lambda _connection: commits.append(1))
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        sqlite_store.write_together(lambda connection: connection.execute(select(1)))

    with ThreadPoolExecutor(20) as pool, sqlite_store.write():
        told = [pool.submit(work, number) for number in range(20)]
        while len(begun) < 20:
            time.sleep(0.01)
        time.sleep(0.2)  # from the last line before the call into it
    for one in told:
        one.result(20)
    assert len(commits) == 2


def test_a_commit_that_fails_fails_for_everybody_and_for_nobody_after(sqlite_store: Store) -> None:
    def fill(connection: Connection) -> None:
        events.record(connection, actor="x", action="test.done", subject="lost")
        connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself where a disk is full

    def late(connection: Connection) -> None:
        events.record(connection, actor="x", action="test.done", subject="late")

    with ThreadPoolExecutor(2) as pool, sqlite_store.write():
        told = []
        for work in (fill, late):
            told.append(pool.submit(sqlite_store.write_together, work))
            while len(sqlite_store._gathering._waiting) < len(told):
                time.sleep(0.01)
    for one in told:
        with pytest.raises(StoreError, match="did not do it"):
            one.result(20)
    sqlite_store.write_together(lambda c: events.record(c, actor="x", action="test.done", subject="kept"))
    with sqlite_store.read() as connection:
        assert list(connection.scalars(select(tables.event.c.subject))) == ["kept"]
