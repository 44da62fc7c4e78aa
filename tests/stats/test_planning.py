"""The simulator of policies: what must hold whatever is assumed, and a case by hand."""

from __future__ import annotations

import pytest

from app.stats.planning import Crowd, drawn_crowd, simulate_policies


def by_policy(rows, overlap=3):
    return {row.policy: row for row in rows if row.overlap == overlap}


def test_perfect_raters_need_two_votes_of_three() -> None:
    rows = by_policy(simulate_policies(Crowd((0.999,) * 5, hard_share=0.0), n=500, audit_share=0.0))
    assert rows["fixed"].votes_per_comparison == 3
    assert rows["curtailed"].votes_per_comparison == pytest.approx(2.0, abs=0.02)
    assert rows["curtailed"].accuracy.value == pytest.approx(1.0, abs=0.01)


def test_curtailment_decides_as_the_full_overlap_does() -> None:
    rows = simulate_policies(drawn_crowd(12, mean=0.75, spread=0.1), n=2000)
    for overlap in (3, 5, 7):
        found = by_policy(rows, overlap)
        assert found["curtailed"].accuracy.value == found["fixed"].accuracy.value
        assert found["curtailed"].settled_share == found["fixed"].settled_share
        assert found["curtailed"].votes_per_comparison < found["fixed"].votes_per_comparison == overlap


def test_two_of_three_by_hand() -> None:
    """Accuracy p on two sides: three votes are right with p^3 + 3 p^2 (1 - p) and two agree with p^2 + (1 - p)^2."""
    p = 0.8
    rows = by_policy(simulate_policies(Crowd((p,) * 6, hard_share=0.0, tie_share=0.0), n=20_000, audit_share=0.0))
    assert rows["fixed"].accuracy.value == pytest.approx(p**3 + 3 * p**2 * (1 - p), abs=0.01)
    assert rows["curtailed"].votes_per_comparison == pytest.approx(3 - (p**2 + (1 - p) ** 2), abs=0.015)


def test_an_audit_costs_its_share() -> None:
    crowd = drawn_crowd(8, mean=0.85, spread=0.05)
    free, audited = (
        by_policy(simulate_policies(crowd, n=1000, audit_share=share))["curtailed"] for share in (0.0, 0.5)
    )
    saved = 3 - free.votes_per_comparison
    assert audited.votes_per_comparison == pytest.approx(3 - saved / 2)


def test_overlaps_beyond_the_raters_are_left_out() -> None:
    assert {row.overlap for row in simulate_policies(drawn_crowd(4, mean=0.8, spread=0.0), n=100)} == {3}
    assert simulate_policies(drawn_crowd(2, mean=0.8, spread=0.0), n=100) == []
    with pytest.raises(ValueError, match="drawn_crowd"):
        drawn_crowd(0, mean=0.8, spread=0.1)
