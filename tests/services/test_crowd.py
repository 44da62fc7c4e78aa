"""A small crowd under the default policy: 64 threads, and a process killed again and again."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.domain import OverlapPolicy
from app.errors import Conflict
from app.services.assigning import next_assignment
from app.services.judging import submit
from app.store import tables
from app.store.engine import Store
from tests.services.doomed import Doomed
from tests.services.house import line, make_campaign, many_raters, prefers, rows, wrong_counters

N_RATERS, N_COMPARISONS, OVERLAP = 64, 60, 3
RULES = {"overlap": OVERLAP, "policy": OverlapPolicy.CURTAILED, "audit_share": 0.1}

WORK = """
import random, sys
from app.domain import OVERALL
from app.services.assigning import next_assignment
from app.services.judging import Submission, submit
from app.store.engine import Store
from rubrics.answers import Answer

store, chance = Store(sys.argv[1]), random.Random()
idle = 0
while idle < 30:
    name = f"r{chance.randrange(64):02}"
    view = next_assignment(store, name, "c")
    idle = idle + 1 if view is None else 0
    if view is not None:
        answer = Answer(preferred="ab"[chance.random() < 0.3])
        print(submit(store, name, view.id, Submission({OVERALL: answer})).judgment_id, flush=True)
"""


def crowded(store: Store, tmp_path: Path) -> None:
    """A campaign and 64 raters."""
    lines = [line(f"x{n}") for n in range(N_COMPARISONS)]
    campaign = make_campaign(store, tmp_path, lines, raters=(), **RULES)
    many_raters(store, campaign, [f"r{n:02}" for n in range(N_RATERS)])


def check(store: Store) -> None:
    """Everything decided, nothing over the overlap, nothing twice to one rater, every counter true."""
    votes = [row for row in rows(store, tables.assignment) if row.state == "submitted"]
    assert max(Counter(row.comparison_id for row in votes).values()) <= OVERLAP
    assert max(Counter((row.comparison_id, row.rater_id) for row in votes).values()) == 1
    assert len(rows(store, tables.judgment)) == len(votes)
    assert Counter(row.state for row in rows(store, tables.queue_item)).keys() <= {"settled", "contested"}
    last = {row.comparison_id: row for row in sorted(rows(store, tables.overlap_decision), key=lambda row: row.id)}
    n_votes = Counter(row.comparison_id for row in votes)
    assert {one: row.n_votes for one, row in last.items()} == n_votes
    assert wrong_counters(store) == []


def test_sixty_four_threads_curtail_as_one_would(store: Store, tmp_path: Path) -> None:
    crowded(store, tmp_path)

    def work(number: int) -> None:
        chance, idle = random.Random(number), 0
        while idle < 5:
            try:
                view = next_assignment(store, f"r{number:02}", "c", chance=chance)
            except Conflict:
                continue
            idle = idle + 1 if view is None else 0
            if view is None:
                time.sleep(0.02)
            else:
                submit(store, f"r{number:02}", view.id, prefers("ab"[chance.random() < 0.3]))

    with ThreadPoolExecutor(N_RATERS) as pool:
        list(pool.map(work, range(N_RATERS)))
    check(store)


def test_a_process_killed_again_and_again_loses_nothing_acknowledged(store: Store, tmp_path: Path) -> None:
    crowded(store, tmp_path)
    told: set[int] = set()
    for kill in range(4):
        child = Doomed(store, WORK)
        printed = [child.stdout.readline() for _ in range(5 + 3 * kill)] if kill < 3 else []
        printed += child.kill() if kill < 3 else child.wait()
        told.update(int(one) for one in printed)
    stored = {row.id for row in rows(store, tables.judgment)}
    assert told <= stored
    assert len(stored) - len(told) <= 3
    check(store)
