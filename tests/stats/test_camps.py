"""Camps of raters, and rules proposed from the votes."""

import copy

import numpy as np
import pytest

from app.stats.camps import camps_document, find_camps
from app.stats.coding import code_votes
from app.stats.proposal import propose_rule
from app.stats.reports import tension_report
from app.stats.tension import build_profiles
from tests.stats.build import KINDS, votes


def torn_votes(seed, shares, *, n_each=25):
    """Judgments in which `kind` and `true` always pull apart; rater r follows `kind` with probability shares[r]."""
    rng = np.random.default_rng(seed)
    rows = []
    for r, share in enumerate(shares):
        for k in range(n_each):
            side = rng.choice([-1.0, 1.0])
            verdict = side if rng.random() < share else -side
            for name, value in (("overall", verdict), ("kind", side), ("true", -side)):
                rows.append((f"c{r}-{k}", f"r{r:02d}", value, name))
    return votes(rows)


def test_two_camps_are_cut_where_they_were_planted():
    shares = [0.1] * 6 + [0.9] * 8
    frame = torn_votes(1, shares)
    (pair,) = camps_document(frame, kinds=KINDS)["pairs"]
    assert pair["z"] > 3
    low, high = pair["camps"]
    assert (low["n"], high["n"]) == (6 * 25, 8 * 25)
    assert low["value"] == pytest.approx(0.1, abs=0.07)
    assert high["value"] == pytest.approx(0.9, abs=0.07)
    camp_of = {one["rater_id"]: one["camp"] for one in pair["raters"]}
    assert [camp_of[f"r{r:02d}"] for r in range(14)] == [0] * 6 + [1] * 8


def test_raters_who_are_alike_form_no_camps():
    for seed in range(10):
        (pair,) = camps_document(torn_votes(seed, [0.6] * 12), kinds=KINDS)["pairs"]
        assert pair["camps"] == []
        assert {one["camp"] for one in pair["raters"]} == {None}


def test_few_conflicts_and_few_raters_are_told():
    assert camps_document(torn_votes(1, [0.5], n_each=10), kinds=KINDS) == {"pairs": []}
    frame = torn_votes(1, [0.1, 0.9])
    found = find_camps(build_profiles(code_votes(frame, kinds=KINDS), frame), "kind", "true")
    assert found.split is None
    assert "5 are needed" in found.heterogeneity.undefined_reason


def pair_of(shares, **options):
    return tension_report(torn_votes(3, shares), kinds=KINDS, **options).to_json()["pairs"][0]


def test_the_one_that_prevails_is_proposed_with_its_evidence():
    proposal = propose_rule(pair_of([0.85] * 12))
    assert (proposal.between, proposal.precedence, proposal.is_change) == (("kind", "true"), "kind", True)
    assert "better on kind, even where it is worse on true" in proposal.guidance
    assert (
        proposal.evidence[0]
        == "They pull apart in 100.0 % [98.7 %, 100.0 %] of 300 judgments that favour a side on both."
    )
    assert any("kind prevails over true in " in said for said in proposal.evidence)
    same = propose_rule(pair_of([0.85] * 12, precedence=[("kind", "true", "kind")]))
    assert not same.is_change


def test_communities_and_close_calls_are_left_to_the_context():
    split = propose_rule(pair_of([0.1] * 6 + [0.95] * 8))
    assert split.precedence == "context"
    assert any("Raters follow different rules" in said for said in split.evidence)
    assert propose_rule(pair_of([0.5] * 12)).precedence == "context"
    few = copy.deepcopy(pair_of([0.9] * 12))
    few["enough_to_show"] = False
    assert propose_rule(few) is None
