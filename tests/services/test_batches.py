"""Who owns an import batch, and when it counts as dead."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from app.domain import Campaign, utc_now
from app.errors import Conflict
from app.services import batches
from app.services.campaigns import create_campaign
from app.services.importing import import_file
from app.store import tables
from app.store.engine import Store
from tests.services.house import MINIMAL, bring, contents, count, line, make_campaign, rows, vote, write_lines


def leave_behind(store: Store, campaign: Campaign, owner: str, *, silent: timedelta = timedelta()) -> int:
    """A batch that somebody began and did not complete, with a comparison."""
    row = {
        "campaign_id": campaign.id, "source": "old.jsonl", "format": "native", "owner": owner,
        "started_at": utc_now() - silent, "heartbeat_at": utc_now() - silent,
    }  # fmt: skip
    with store.write() as connection:
        statement = insert(tables.import_batch).returning(tables.import_batch.c.id)
        return connection.execute(statement, row).scalar_one()


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.fixture
def campaign(sqlite_store: Store, tmp_path: Path) -> Campaign:
    return make_campaign(sqlite_store, tmp_path, raters=())


def test_a_batch_of_a_dead_process_is_swept(sqlite_store: Store, tmp_path: Path, campaign: Campaign) -> None:
    leave_behind(sqlite_store, campaign, f"{socket.gethostname()}:{dead_process()}")
    assert bring(sqlite_store, tmp_path, [line("x1")]).n_comparisons == 1
    assert [row.source for row in rows(sqlite_store, tables.import_batch)] == ["lines.jsonl"]


def test_a_batch_of_this_process_that_nobody_works_on_is_dead(
    sqlite_store: Store, tmp_path: Path, campaign: Campaign
) -> None:
    leave_behind(sqlite_store, campaign, f"{socket.gethostname()}:{os.getpid()}")
    bring(sqlite_store, tmp_path, [line("x1")])
    assert count(sqlite_store, tables.import_batch) == 1


@pytest.mark.parametrize("owner", ["elsewhere:17", f"{socket.gethostname()}:{os.getppid()}"])
def test_a_living_batch_is_waited_for_and_a_silent_one_swept(
    sqlite_store: Store, tmp_path: Path, campaign: Campaign, owner: str
) -> None:
    before = contents(sqlite_store)
    batch_id = leave_behind(sqlite_store, campaign, owner)
    with pytest.raises(Conflict, match=r"An import of old\.jsonl into campaign 'c' is running since .*wait for it"):
        bring(sqlite_store, tmp_path, [line("x1")])
    assert contents(sqlite_store) == {**before, "import_batch": 1}
    silent = utc_now() - batches.SILENCE - timedelta(seconds=1)
    with sqlite_store.write() as connection:
        chosen = update(tables.import_batch).where(tables.import_batch.c.id == batch_id)
        connection.execute(chosen.values(heartbeat_at=silent))
    assert bring(sqlite_store, tmp_path, [line("x1")]).n_comparisons == 1


@pytest.mark.parametrize("when", ["in the middle", "at the end"])
def test_a_batch_that_was_taken_for_dead_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """A process that slept for an hour wakes up and finds its batch swept: it stops, and leaves nothing."""
    monkeypatch.setattr("app.services.importing.CHUNK", 2)
    campaign = make_campaign(store, tmp_path, raters=())
    before = contents(store)
    path = write_lines(tmp_path / "lines.jsonl", [line(f"x{n}", judgments=[vote("w1")]) for n in range(6)])

    def lose(n_lines: int) -> None:
        if n_lines == (6 if when == "at the end" else 2):
            with store.write() as connection:
                batches._remove(connection, campaign, rows(store, tables.import_batch)[0].id)

    with pytest.raises(Conflict, match="was taken for dead"):
        import_file(store, "c", path, progress=lose)
    assert contents(store) == before


def test_two_campaigns_have_pseudonyms_of_their_own(sqlite_store: Store, tmp_path: Path, campaign: Campaign) -> None:
    """Sweeping up in one campaign takes nothing from another, texts that both have included."""
    create_campaign(sqlite_store, "d", rubric=MINIMAL)
    path = write_lines(tmp_path / "lines.jsonl", [line("x1", judgments=[vote("w1")])])
    import_file(sqlite_store, "d", path)
    before = contents(sqlite_store)

    def fail(n_lines: int) -> None:
        raise RuntimeError("disk")

    with pytest.raises(RuntimeError):
        import_file(sqlite_store, "c", path, progress=fail)
    assert contents(sqlite_store) == before
    assert {(row.namespace, row.name) for row in rows(sqlite_store, tables.rater)} == {("d", "w1")}
