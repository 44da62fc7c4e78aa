"""Imports killed without warning: nothing half is seen, and the next import sweeps up and succeeds."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from app.services.assigning import next_assignment
from app.services.campaigns import show_campaign
from app.services.importing import import_file
from app.services.judging import submit
from app.store import tables
from app.store.engine import Store
from tests.services.doomed import Doomed
from tests.services.house import contents, count, four, gold, line, make_campaign, prefers, vote, write_lines

N_LINES = 600

IMPORT = """
import sys
from app.services import importing
from app.store.engine import Store

importing.CHUNK = 25
print("ready", flush=True)
importing.import_file(Store(sys.argv[1]), "c", sys.argv[2], progress=lambda n: print(n, flush=True))
"""

SUBMIT = """
import sys
from app.domain import OVERALL
from app.services.assigning import next_assignment
from app.services.judging import Submission, submit
from app.store.engine import Store
from rubrics.answers import Answer

store = Store(sys.argv[1])
while (view := next_assignment(store, "ann", "c")) is not None:
    print(submit(store, "ann", view.id, Submission({OVERALL: Answer(preferred="a")})).judgment_id, flush=True)
"""


def kill_after(child: Doomed, n_lines: int, *, delay: float) -> list[str]:
    """Let a process print so many lines, wait a moment, kill it; returns all that it printed."""
    printed = [child.stdout.readline() for _ in range(n_lines)]
    time.sleep(delay)
    return printed + child.kill()


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    votes = [vote("w1"), vote("w2", "b", round="pilot")]
    return write_lines(
        tmp_path / "big.jsonl",
        (
            four(f"k{n}", judgments=[{"rater": "w1", "ranking": [["a"], ["b", "c"], ["d"]]}])
            if n % 10 == 5
            else gold(f"g{n}") if n % 10 == 7 else line(f"x{n}", judgments=votes)
            for n in range(N_LINES)
        ),
    )  # fmt: skip


def test_an_import_killed_at_any_moment_leaves_nothing(store: Store, tmp_path: Path, big_file: Path) -> None:
    make_campaign(store, tmp_path, [line("before", judgments=[vote("w0")])])
    before = contents(store)
    n_begun = 0
    chance = random.Random(7)
    for n_chunks in (1, 2, 8):
        kill_after(Doomed(store, IMPORT, big_file), n_chunks, delay=chance.uniform(0.0, 0.03))
        n_begun += count(store, tables.import_batch) > before["import_batch"]
        overview = show_campaign(store, "c")
        assert [one.round.name for one in overview.rounds] == ["main"]
        assert (overview.n_comparisons, overview.n_gold, overview.n_raters) == (1, 0, 1)
        view = next_assignment(store, "ann", "c")
        assert view is not None
        assert view.comparison_id == "before"
    assert n_begun >= 2
    summary = import_file(store, "c", write_lines(tmp_path / "none.jsonl", []))
    assert summary.n_lines == 0
    after = contents(store)
    assert after == {**before, "import_batch": before["import_batch"] + 1, "assignment": before["assignment"] + 1}
    summary = import_file(store, "c", big_file)
    assert (summary.n_comparisons, summary.n_judgments) == (N_LINES, 8 * N_LINES // 10 * 2 + N_LINES // 10)
    assert count(store, tables.import_batch, tables.import_batch.c.completed_at.is_(None)) == 0


def test_an_acknowledged_judgment_survives_the_kill(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(100)], overlap=1)
    printed = kill_after(Doomed(store, SUBMIT), 25, delay=0.01)
    acknowledged = {int(one) for one in printed}
    with store.read() as connection:
        stored = set(connection.scalars(tables.judgment.select().with_only_columns(tables.judgment.c.id)))
    assert acknowledged <= stored
    assert len(stored) - len(acknowledged) <= 1
    assert count(store, tables.verdict) == len(stored)
    submitted = tables.assignment.c.state == "submitted"
    assert count(store, tables.assignment, submitted) == len(stored)
    held = next_assignment(store, "ann", "c")
    assert held is not None
    submit(store, "ann", held.id, prefers())
