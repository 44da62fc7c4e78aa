"""Many raters at once, on both databases: no vote over the overlap, nothing twice, nothing acknowledged lost."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, true, update

from app.domain import Campaign, RoundRules, utc_now
from app.errors import Conflict, LeaseLost, SteelyardError
from app.services.assigning import next_assignment
from app.services.campaigns import create_campaign, open_round
from app.services.importing import import_file
from app.services.judging import Receipt, revise, skip, submit
from app.services.lookup import find_account
from app.services.queueing import recount
from app.services.watching import return_places
from app.store import tables
from app.store.engine import Store
from tests.conftest import emptied_postgres_store, give_back_postgres
from tests.services.house import (
    MINIMAL,
    bring,
    count,
    gold,
    line,
    make_campaign,
    many_raters,
    prefers,
    rows,
    vote,
    wait_until_waiting,
    write_lines,
    wrong_counters,
)

N_RATERS = 64
N_COMPARISONS = 30
OVERLAP = 3
MINUTE = timedelta(minutes=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ROUNDS = ("main", "second")


class Crowd:
    """Sixty-four raters with habits of their own; remembers what they were told."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.receipts: list[tuple[str, int, Receipt]] = []
        self.given: list[tuple[str, str, int]] = []
        self.n_lost = 0
        self._lock = threading.Lock()
        self._start = threading.Barrier(N_RATERS)
        self._clock = utc_now()

    def run(self) -> None:
        with ThreadPoolExecutor(N_RATERS) as pool:
            for future in [pool.submit(self._work, n) for n in range(N_RATERS)]:
                future.result()

    def _work(self, n: int) -> None:
        """Rater n: every fourth skips now and then, every fourth lets leases run out, submits twice, has two tabs."""
        name, chance, now, n_late = f"r{n:02}", random.Random(n), self._clock, 0
        self._start.wait()
        while True:
            view = self._ask(name, two_tabs=n % 4 == 3, now=now)
            if view is None:
                return
            with self._lock:
                self.given.append((name, view.comparison_id, view.id))
            if n % 4 == 0 and chance.random() < 0.3:
                skip(self.store, name, view.id, reason="no", now=now)
                continue
            if n % 4 == 1 and n_late < 3:
                n_late += 1
                now += 90 * MINUTE  # past the lease of everybody whose clock stands still
            self._submit(name, view.id, twice=n % 4 == 2, now=now)

    def _ask(self, name: str, *, two_tabs: bool, now):
        if not two_tabs:
            return next_assignment(self.store, name, "c", now=now)
        with ThreadPoolExecutor(2) as tabs:
            views = list(tabs.map(lambda _: next_assignment(self.store, name, "c", now=now), range(2)))
        return views[1] or views[0]  # they differ where a colleague with a later clock swept the first in between

    def _submit(self, name: str, assignment_id: int, *, twice: bool, now) -> None:
        def one(_: int) -> Receipt | None:
            try:
                return submit(self.store, name, assignment_id, prefers("ab"[assignment_id % 2]), now=now)
            except LeaseLost:
                with self._lock:
                    self.n_lost += 1
                return None

        if twice:
            with ThreadPoolExecutor(2) as clicks:
                receipts = list(clicks.map(one, range(2)))
        else:
            receipts = [one(0)]
        with self._lock:
            self.receipts += [(name, assignment_id, receipt) for receipt in receipts if receipt is not None]


def test_sixty_four_raters_at_overlap_three(store: Store, tmp_path: Path) -> None:
    campaign = make_campaign(store, tmp_path, [line(f"x{n}") for n in range(N_COMPARISONS)], raters=(), overlap=OVERLAP)
    many_raters(store, campaign, [f"r{n:02}" for n in range(N_RATERS)])
    crowd = Crowd(store)
    crowd.run()
    check_ledger(store, crowd)
    n_votes = Counter(row.comparison_id for row in rows(store, tables.assignment) if row.state == "submitted")
    assert len(n_votes) == N_COMPARISONS
    assert set(n_votes.values()) == {OVERLAP}


def check_ledger(store: Store, crowd: Crowd) -> None:
    """What must hold whatever the order of events was."""
    assignments = rows(store, tables.assignment)
    judgments = {row.id: row for row in rows(store, tables.judgment)}
    submitted = [row for row in assignments if row.state == "submitted"]
    assert max(Counter(row.comparison_id for row in submitted).values()) <= OVERLAP
    assert max(Counter((row.comparison_id, row.rater_id) for row in assignments).values()) == 1
    assert len(judgments) == len(submitted) == count(store, tables.verdict)
    assert wrong_counters(store) == []
    told: dict[int, set[int]] = {}
    for _, assignment_id, receipt in crowd.receipts:
        assert judgments[receipt.judgment_id].assignment_id == assignment_id
        told.setdefault(assignment_id, set()).add(receipt.judgment_id)
    assert all(len(ids) == 1 for ids in told.values())
    assert {row.id for row in submitted} == set(told)
    owner = {row.id: row.rater_id for row in assignments}
    names = {row.id: row.name for row in rows(store, tables.rater)}
    assert all(names[owner[assignment_id]] == name for name, _, assignment_id in crowd.given)


def test_tabs_of_one_rater_show_one_assignment(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(50)])
    for _ in range(5):
        with ThreadPoolExecutor(8) as tabs:
            views = list(tabs.map(lambda _: next_assignment(store, "ann", "c"), range(8)))
        assert len({view.id for view in views if view is not None}) == 1
        assert None not in views
        submit(store, "ann", views[0].id, prefers())


def test_double_revisions_are_one(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")])
    view = next_assignment(store, "ann", "c")
    assert view is not None
    submit(store, "ann", view.id, prefers("a"))
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: revise(store, "ann", view.id, prefers("b")), range(8)))
    assert {receipt.revision for receipt in receipts} == {1}
    assert sum(not receipt.was_known for receipt in receipts) == 1


def test_importing_and_recounting_while_people_judge(store: Store, tmp_path: Path) -> None:
    """Judgments for the very comparisons that are being judged arrive in a file: all counters stay true."""
    names = [f"r{n}" for n in range(8)]
    lines = [line(f"x{n}") for n in range(40)]
    campaign = make_campaign(store, tmp_path, lines, raters=(), overlap=4)
    many_raters(store, campaign, names)
    history = write_lines(tmp_path / "votes.jsonl", [{**one, "judgments": [vote("w1"), vote("w2")]} for one in lines])

    def work(name: str) -> None:
        while (view := next_assignment(store, name, "c")) is not None:
            submit(store, name, view.id, prefers())

    def repair() -> None:
        for _ in range(10):
            with store.write() as connection:
                recount(connection, chosen=tables.queue_item.c.n_slots > 0)

    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(work, name) for name in names]
        futures.append(pool.submit(import_file, store, "c", history))
        futures.append(pool.submit(repair))
        for future in futures:
            future.result()
    assert wrong_counters(store) == []
    live = Counter(row.comparison_id for row in rows(store, tables.assignment) if row.policy != "imported")
    assert max(live.values()) <= 4
    assert count(store, tables.judgment) == sum(live.values()) + 2 * len(lines)


def test_two_imports_at_once(store: Store, tmp_path: Path, monkeypatch) -> None:
    """One of two imports into a campaign is told to wait; imports into two campaigns do not disturb each other."""
    monkeypatch.setattr("app.services.importing.CHUNK", 10)
    make_campaign(store, tmp_path, raters=())
    create_campaign(store, "d", rubric=MINIMAL)
    first = write_lines(tmp_path / "first.jsonl", [line(f"x{n}") for n in range(200)])
    second = write_lines(tmp_path / "second.jsonl", [line(f"x{n}") for n in reversed(range(200))])

    def bring_in(campaign: str, path: Path):
        try:
            return import_file(store, campaign, path)
        except SteelyardError as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        jobs = [("c", first), ("d", second), ("c", second)]
        done = list(pool.map(lambda job: bring_in(*job), jobs))
    assert not isinstance(done[1], SteelyardError), done[1]
    conflicts = [one for one in done if isinstance(one, SteelyardError)]
    assert all(isinstance(one, Conflict) and "is running since" in str(one) for one in conflicts)
    assert count(store, tables.comparison) == 400
    assert count(store, tables.content) == 600


def test_a_second_import_meets_the_first(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, raters=())
    path = write_lines(tmp_path / "lines.jsonl", [line("x1")])
    met: list[str] = []

    def import_again(n_lines: int) -> None:
        try:
            import_file(store, "c", path)
        except Conflict as error:
            met.append(str(error))

    assert import_file(store, "c", path, progress=import_again).n_comparisons == 1
    assert len(met) == 1
    assert "An import of lines.jsonl into campaign 'c' is running" in met[0]


def test_gold_under_contention_is_met_once_by_each(store: Store, tmp_path: Path) -> None:
    names = [f"r{n}" for n in range(12)]
    campaign = make_campaign(
        store, tmp_path, [*(gold(f"g{n}") for n in range(3)), *(line(f"x{n}") for n in range(3))],
        raters=(), overlap=12, gold_rate=0.5,
    )  # fmt: skip
    many_raters(store, campaign, names)

    def work(name: str) -> None:
        while (view := next_assignment(store, name, "c")) is not None:
            submit(store, name, view.id, prefers())

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, names))
    assert max(Counter((r.rater_id, r.comparison_id) for r in rows(store, tables.assignment)).values()) == 1
    assert not any(row.takes_place for row in rows(store, tables.assignment) if row.purpose == "gold")
    assert wrong_counters(store) == []


def test_a_lease_swept_while_its_holder_asks(store: Store, tmp_path: Path) -> None:
    """Expired leases are swept by others while their holders come back: one state, one place, in any order."""
    names = [f"r{n}" for n in range(10)]
    campaign = make_campaign(store, tmp_path, [line(f"x{n}") for n in range(10)], raters=(), overlap=1)
    many_raters(store, campaign, names)
    for _ in range(3):
        for name in names:
            next_assignment(store, name, "c")
        with store.write() as connection:
            connection.execute(
                update(tables.assignment).values(lease_expires_at=utc_now() - MINUTE).where(
                    tables.assignment.c.state == "open"
                )
            )  # fmt: skip
        with ThreadPoolExecutor(10) as pool:
            views = list(pool.map(lambda name: next_assignment(store, name, "c"), names))
        held = [view.id for view in views if view is not None]
        with store.read() as connection:
            open_ = set(connection.scalars(select(tables.assignment.c.id).where(tables.assignment.c.state == "open")))
        assert set(held) == open_
        assert len({view.comparison_id for view in views if view is not None}) == len(held)
        assert wrong_counters(store) == []
        bring(store, tmp_path, [])


@pytest.mark.postgres
def test_places_are_returned_in_the_order_in_which_everybody_locks(postgres_url: str, tmp_path: Path) -> None:
    """Who waits for a queue item holds none that comes after it, so that two who return places never wait in a ring.

    The items lie in the table in the opposite order, and the rounds in the other one, as updates leave them.
    """
    store = emptied_postgres_store(postgres_url)
    votes = [vote(name, "a", round=round_, at="2026-01-31T10:00:00Z") for name in ("ann", "bob") for round_ in ROUNDS]
    campaign = make_campaign(store, tmp_path, raters=["ann", "bob"], overlap=5)
    add_second_round(store)
    bring(store, tmp_path, [line(f"x{n}", judgments=votes) for n in range(4)])
    item = tables.queue_item
    items = rows(store, item)
    order = sorted((row.comparison_id, row.round_id) for row in items)
    assert len(order) == 8
    for comparison_id, round_id in reversed(order):
        with store.write() as connection:
            here = (item.c.comparison_id == comparison_id) & (item.c.round_id == round_id)
            connection.execute(update(item).where(here).values(sort_key=item.c.sort_key))
    for place, (comparison_id, round_id) in enumerate(order):
        with ThreadPoolExecutor(2) as pool:
            with store.write() as holding:
                here = (item.c.comparison_id == comparison_id) & (item.c.round_id == round_id)
                holding.execute(select(item.c.round_id).where(here).with_for_update()).all()
                futures = [pool.submit(return_all, store, campaign, name) for name in ("ann", "bob")]
                wait_until_waiting(store, 2)
                free = holding.execute(select(item.c.comparison_id, item.c.round_id).with_for_update(skip_locked=True))
                not_held = {tuple(row) for row in free}
                held = set(order) - not_held
            assert [future.result(timeout=60) for future in futures] == [8, 8]
        assert held <= set(order[:place]), "it waits for one and holds a later one"
        with store.write() as connection:
            connection.execute(update(tables.assignment).values(takes_place=True))
            recount(connection, chosen=true())
    assert wrong_counters(store) == []
    give_back_postgres(store)


def add_second_round(store: Store) -> None:
    """Another round of the same comparisons."""
    open_round(store, "c", name=ROUNDS[1], rubric=MINIMAL, rules=RoundRules(overlap=5, gold_rate=0.0), actor="test")


def return_all(store: Store, campaign: Campaign, name: str) -> int:
    """Give every place of a rater's work back; how many."""
    with store.write() as connection:
        return return_places(connection, find_account(connection, name), campaign, since=LONG_AGO)
