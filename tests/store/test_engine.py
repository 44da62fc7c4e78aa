"""The two ways into a database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app.services import events
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


def test_many_rows_go_in_once_with_their_json_and_their_gaps(store: Store) -> None:
    rows = [{"hash": f"h{number}", "body": f'body \' {number} "%s" :x'} for number in range(2500)]
    with store.write() as connection:
        insert_rows(connection, tables.content, rows, skip_known_by="hash")
        insert_rows(connection, tables.content, [{"hash": "h1", "body": "other"}], skip_known_by="hash")
        insert_rows(connection, tables.content, [])
    content = tables.content
    with store.read() as connection:
        found = connection.execute(
            select(content.c.hash, content.c.body).where(
                is_among(connection, content.c.hash, [row["hash"] for row in rows])
            )
        ).all()
    assert dict(map(tuple, found)) == {row["hash"]: row["body"] for row in rows}
