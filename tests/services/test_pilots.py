"""Pilots: a sample drawn when the round opens, simulated raters who stay in it, a report of that round alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.demo.simulate import simulate
from app.domain import RaterKind, RoundPurpose, RoundRules
from app.errors import InvalidInput, NotFound
from app.services.assigning import next_assignment
from app.services.campaigns import open_round
from app.services.reporting import campaign_report
from app.store import tables
from app.store.engine import Store
from tests.services.house import bring, count, line, make_campaign, rows
from tests.services.ledgers import TWO_CRITERIA

LINES = [line(f"x{i:02d}") for i in range(50)]
KINDS = [RaterKind.SIMULATED]


@pytest.fixture
def piloted(store: Store, tmp_path: Path) -> Store:
    make_campaign(store, tmp_path, LINES, rubric=TWO_CRITERIA)
    rules = RoundRules(overlap=3, gold_rate=0, sample=30)
    open_round(store, "c", name="try", rubric=TWO_CRITERIA, purpose=RoundPurpose.PILOT, rules=rules)
    return store


def queued(store: Store, name: str) -> int:
    (round_,) = rows(store, tables.round_, tables.round_.c.name == name)
    return count(store, tables.queue_item, tables.queue_item.c.round_id == round_.id)


def test_a_sample_is_drawn_once_and_imports_leave_it_alone(piloted: Store, tmp_path: Path) -> None:
    assert (queued(piloted, "main"), queued(piloted, "try")) == (50, 30)
    bring(piloted, tmp_path, [line("late")])
    assert (queued(piloted, "main"), queued(piloted, "try")) == (51, 30)


def test_a_sample_is_of_the_comparisons_named(piloted: Store) -> None:
    rules = RoundRules(sample=3)
    open_round(piloted, "c", name="few", rubric=TWO_CRITERIA, rules=rules, among=["x01", "x02"])
    assert queued(piloted, "few") == 2
    with pytest.raises(InvalidInput, match="sample is 0"):
        open_round(piloted, "c", name="none", rubric=TWO_CRITERIA, rules=RoundRules(sample=0))


def test_raters_get_the_sample_before_the_rest(piloted: Store) -> None:
    (pilot,) = rows(piloted, tables.round_, tables.round_.c.name == "try")
    held = next_assignment(piloted, "ann", "c")
    assert held is not None
    assert held.round_id == pilot.id


def test_simulated_raters_fill_the_pilot_and_the_report_is_of_it(piloted: Store) -> None:
    done = simulate(piloted, "c", n_raters=3, n_judgments=90, seed=1, round_name="try")
    assert (done.n_judgments, done.is_exhausted) == (90, False)
    simulate(piloted, "c", n_raters=2, n_judgments=10, seed=2, round_name="main")
    document = campaign_report(piloted, "pilot", "c", kinds=KINDS).to_json()
    assert (document["n_comparisons"], document["n_judgments"]) == (30, 90)
    assert len(document["ambiguity"]) == 3
    assert all(row["enough_to_show"] for row in document["ambiguity"])
    assert campaign_report(piloted, "pilot", "c", kinds=KINDS, round_name="main").to_json()["n_judgments"] == 10
    with pytest.raises(NotFound, match="has no round 'nope'"):
        campaign_report(piloted, "pilot", "c", round_name="nope")
    with pytest.raises(NotFound, match="no open round 'nope'"):
        simulate(piloted, "c", n_raters=1, n_judgments=1, seed=1, round_name="nope")
