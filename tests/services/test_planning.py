"""The work plan: what policies would cost, what a round costs and gives, how often early stops hold."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.domain import OverlapPolicy, RaterState
from app.errors import InvalidInput, NotAllowed
from app.services import audits, planning, raters
from app.services.assigning import next_assignment
from app.services.judging import submit
from app.services.lookup import THE_HOUSE
from app.services.people import add_account
from app.services.waiting import report_waiting
from app.store.engine import Store
from tests.services.house import gold, line, make_campaign, prefers, vote

RATERS = [f"r{n}" for n in range(4)]


def test_a_plan_before_anybody_votes(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(50)], gold_rate=0.2, policy=OverlapPolicy.CURTAILED)
    assumed, rows = planning.plan(store, THE_HOUSE, "c", pay=0.5)
    assert assumed.n_comparisons == 50
    assert "assumed: 20 raters, 80% right on average; 0 gold answers are too few" in assumed.source
    assert [(row.result.policy, row.result.overlap) for row in rows if row.is_current] == [("curtailed", 3)]
    fixed = rows[0]
    assert (fixed.result.policy, fixed.n_votes, fixed.n_judgments, fixed.cost) == ("fixed", 150, 188, 94.0)
    assert all(row.result.accuracy.low < row.result.accuracy.value < row.result.accuracy.high for row in rows)
    assert rows[1].cost_per_label < fixed.cost_per_label


def test_a_plan_knows_the_raters_from_gold(store: Store, tmp_path: Path) -> None:
    answers = [[vote(name, "ab"[n % 10 == 0], purpose="gold", shown=["a", "b"]) for name in RATERS] for n in range(30)]
    golds = [{**gold(f"g{n}"), "judgments": answers[n]} for n in range(30)]
    make_campaign(store, tmp_path, [*golds, line("x1")], raters=RATERS)
    assumed, rows = planning.plan(store, THE_HOUSE, "c")
    assert assumed.source == "120 gold answers of 4 raters"
    assert assumed.crowd.accuracies == pytest.approx([(27 + 8 * 109 / 122) / 38] * 4)
    assert {row.result.overlap for row in rows} == {3}  # four raters give no five votes
    assert (
        planning.plan(store, THE_HOUSE, "c", accuracy=0.7, n_raters=6)[0].source
        == "assumed: 6 raters, 70% right on average"
    )


@pytest.mark.parametrize("options", [{"accuracy": 0.3}, {"n_raters": 2, "accuracy": 0.8}, {"pay": -1.0}])
def test_assumptions_that_cannot_be_are_refused(sqlite_store: Store, tmp_path: Path, options: dict) -> None:
    make_campaign(sqlite_store, tmp_path, [line("x1")])
    with pytest.raises(InvalidInput):
        planning.plan(sqlite_store, THE_HOUSE, "c", **options)


def test_what_a_round_costs_and_gives(store: Store, tmp_path: Path) -> None:
    """Two agree on four comparisons; two of those are audited, and there the third disagrees: the stop held."""
    rules = {"policy": OverlapPolicy.CURTAILED, "audit_share": 1.0}
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(4)], raters=RATERS, **rules)
    (empty,) = planning.running(store, THE_HOUSE, "c", pay=1.0)
    assert (empty.n_votes, empty.votes_per_label, empty.audited.n, empty.cost_per_label) == (0, None, 0, None)
    assert empty.saved.value is None
    for rater, says in zip(RATERS[:3], ("a", "a", "b"), strict=True):
        for _ in range(4):
            given = next_assignment(store, rater, "c", chance=random.Random(0))
            assert given is not None
            submit(store, rater, given.id, prefers(says))
    (one,) = planning.running(store, THE_HOUSE, "c", pay=1.0)
    assert (one.n_settled, one.n_contested, one.n_votes, one.n_judgments) == (4, 0, 12, 12)
    assert (one.votes_per_label, one.cost, one.cost_per_label) == (3.0, 12.0, 3.0)
    assert (one.audited.value, one.audited.n) == (1.0, 4)
    assert one.saved.value == 0.0
    assert one.per_day == pytest.approx(12 / 7)


def test_nobody_plans_or_audits_what_they_may_not_see(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, [line("x")])
    for asked in (planning.plan, planning.running, report_waiting, audits.list_audits, audits.n_waiting):
        with pytest.raises(NotAllowed):
            asked(sqlite_store, "ann", "c")
        asked(sqlite_store, THE_HOUSE, "c")
    add_account(sqlite_store, "guest")
    assert raters.state_in(sqlite_store, "ann", "c") is RaterState.QUALIFIED
    with pytest.raises(NotAllowed):
        raters.state_in(sqlite_store, "guest", "c")
