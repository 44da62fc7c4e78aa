"""Bridge rounds and what-if on a real ledger."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.demo.simulate import simulate
from app.domain import RaterKind, Role, RoundPurpose
from app.errors import AlreadyExists, InvalidInput, NotAllowed, NotFound
from app.services import bridging, trying_out
from app.services.bridging import Plan
from app.services.campaigns import add_member, publish_rubric
from app.services.people import add_account
from app.stats.implied import Weighing
from app.store import tables
from app.store.engine import Store
from rubrics.model import Rubric
from tests.services.house import bring, count, line, make_campaign, rows, vote

KINDS = [RaterKind.SIMULATED]


def rubric(**weights: float) -> Rubric:
    return Rubric.from_dict(
        {
            "key": "two",
            "title": "Two",
            "criteria": [
                {"key": key, "name": key.title(), "question": f"Which is more {key}?", "type": "preference_scale",
                 "weight": weight}
                for key, weight in weights.items()
            ],
        }
    )  # fmt: skip


OLD, NEW = rubric(kind=0.7, true=0.3), rubric(kind=0.3, true=0.7)


@pytest.fixture
def house(store: Store, tmp_path: Path) -> Store:
    """Forty comparisons judged under the old version, the new one published, a designer."""
    make_campaign(store, tmp_path, [line(f"x{i:02d}") for i in range(40)], rubric=OLD, counted_kinds=KINDS, raters=())
    simulate(store, "c", n_raters=4, n_judgments=100, seed=3)
    with store.write() as connection:
        publish_rubric(connection, NEW, actor="test")
    for name, role in (("dee", Role.DESIGNER), ("ray", Role.RATER)):
        add_account(store, name, roles=[role])
        add_member(store, "c", name, roles=[role])
    return store


def test_a_bridge_takes_a_sample_of_what_was_judged_and_reports_what_moved(house: Store) -> None:
    made = bridging.start_bridge(house, "dee", "c", Plan(NEW.version, n_comparisons=25))
    assert (made.purpose, made.rules.sample, made.rubric_version) == (RoundPurpose.BRIDGE, 25, NEW.version)
    assert count(house, tables.queue_item, tables.queue_item.c.round_id == made.id) == 25
    before = bridging.report_bridge(house, "c").to_json()
    assert "No comparison was judged under both" in before["reading"]
    simulate(house, "c", n_raters=4, n_judgments=75, seed=3, round_name="bridge")
    after = bridging.report_bridge(house, "c", margin=2.5).to_json()
    assert [row["criterion"] for row in after["criteria"]] == ["overall", "kind", "true"]
    assert all(row["shift"]["n_comparisons"] == 25 for row in after["criteria"])
    assert after["may_carry_over"] is True, "simulated raters see the same under both versions"
    assert [one.name for one in bridging.bridges_in(house, "c")] == ["bridge"]
    assert [row.action for row in rows(house, tables.event, tables.event.c.subject == "round bridge")] == [
        "round.opened"
    ]


def test_what_a_bridge_needs(house: Store) -> None:
    with pytest.raises(NotAllowed):
        bridging.start_bridge(house, "ray", "c", Plan(NEW.version))
    with pytest.raises(InvalidInput, match="nothing to bridge from"):
        bridging.start_bridge(house, "dee", "c", Plan(OLD.version))
    with pytest.raises(InvalidInput, match="already: bridge to another"):
        bridging.start_bridge(house, "dee", "c", Plan(OLD.version, from_round="main"))
    with pytest.raises(NotFound, match="No rubric version"):
        bridging.start_bridge(house, "dee", "c", Plan("0" * 64))
    with pytest.raises(InvalidInput, match="Round name"):
        bridging.start_bridge(house, "dee", "c", Plan(NEW.version, name="a b"))
    with pytest.raises(InvalidInput, match="has no bridge round"):
        bridging.report_bridge(house, "c")
    bridging.open_bridge(house, "c", Plan(NEW.version), actor="command line")
    with pytest.raises(AlreadyExists):
        bridging.open_bridge(house, "c", Plan(NEW.version), actor="command line")
    with pytest.raises(InvalidInput, match="margin is 0"):
        bridging.report_bridge(house, "c", margin=0)


@pytest.fixture
def judged(sqlite_store: Store, tmp_path: Path) -> Store:
    """Votes on two criteria that often pull apart; verdicts follow `kind`."""
    draw = random.Random(1)
    make_campaign(sqlite_store, tmp_path, rubric=OLD, raters=())
    lines = []
    for i in range(30):
        judgments = []
        for rater in ("ann", "bob", "cy"):
            kind, true = draw.choice("ab"), draw.choice("ab")
            criteria = {key: {"preferred": side, "strength": 2} for key, side in (("kind", kind), ("true", true))}
            judgments.append(vote(rater, kind, strength=2, criteria=criteria))
        lines.append(line(f"x{i:02d}", judgments=judgments))
    bring(sqlite_store, tmp_path, lines)
    add_account(sqlite_store, "dee", roles=[Role.DESIGNER])
    add_member(sqlite_store, "c", "dee", roles=[Role.DESIGNER])
    return sqlite_store


def test_what_if_names_the_labels_that_flip(judged: Store) -> None:
    before, after = trying_out.weighing_of(OLD), trying_out.weighing_of(NEW)
    found = trying_out.try_out(judged, "dee", "c", round_name="main", before=before, after=after)
    assert (found.fits_before.value, found.share.n) == (1.0, 30)
    assert found.fits_after.value < 0.8
    assert len(found.flips) == round(found.share.value * 30) > 5
    assert all(flip.before == flip.raters != flip.after for flip in found.flips)
    assert {flip.n_judgments for flip in found.flips} == {3}
    same = trying_out.try_out(judged, "dee", "c", round_name="main", before=before, after=before)
    assert (same.flips, same.share.value) == ((), 0.0)


def test_precedence_of_a_rule_becomes_a_weighing(judged: Store) -> None:
    ruled = Rubric.from_dict({**OLD.to_dict(), "tensions": [{"between": ["kind", "true"], "precedence": "true"}]})
    assert trying_out.weighing_of(ruled).precedence == {("kind", "true")}
    found = trying_out.try_out(
        judged, "dee", "c", round_name="main", before=Weighing(), after=trying_out.weighing_of(ruled)
    )
    assert found.criteria == ("kind", "true")
    assert all(flip.after == "tie" or flip.after != flip.before for flip in found.flips)
