"""Acceptance sampling against the published table, exact small cases and its own promises."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stats.sampling_plans import acceptance_probability, find_plan, outgoing_quality

MONTGOMERY = {
    0.005: 0.9897, 0.01: 0.9397, 0.02: 0.7366, 0.03: 0.4985, 0.04: 0.3042,
    0.05: 0.1721, 0.06: 0.0919, 0.07: 0.0468, 0.08: 0.0230, 0.09: 0.0109,
}  # fmt: skip
"""P(accept) of the plan n = 89, c = 2: Montgomery (2013), table 15.2."""


def test_the_published_operating_characteristic() -> None:
    shares = np.array(list(MONTGOMERY))
    assert acceptance_probability(89, 2, shares) == pytest.approx(list(MONTGOMERY.values()), abs=5e-5)


def test_a_small_batch_by_hand() -> None:
    """Two defects among ten, three inspected, none allowed: C(8, 3) / C(10, 3) = 7 / 15."""
    assert float(acceptance_probability(3, 0, 0.2, batch=10)) == pytest.approx(float(Fraction(comb(8, 3), comb(10, 3))))


def test_the_smallest_plan_is_the_smallest() -> None:
    plan = find_plan(None, good=0.05, bad=0.15)
    assert plan.risk_good <= 0.05
    assert plan.risk_bad <= 0.10
    for c in range(plan.n):
        keeps_good = acceptance_probability(plan.n - 1, c, 0.05) >= 0.95
        assert not (keeps_good and acceptance_probability(plan.n - 1, c, 0.15) <= 0.10)


@given(batch=st.integers(1, 400), good=st.sampled_from([0.0, 0.02, 0.05]), bad=st.sampled_from([0.1, 0.15, 0.3]))
def test_a_plan_keeps_its_promises_or_inspects_everything(batch: int, good: float, bad: float) -> None:
    plan = find_plan(batch, good=good, bad=bad)
    assert 1 <= plan.n <= batch
    assert 0 <= plan.c <= plan.n
    assert plan.n == batch or (plan.risk_good <= 0.05 + 1e-9 and plan.risk_bad <= 0.10 + 1e-9)


def test_more_defects_never_help() -> None:
    accepted = acceptance_probability(50, 3, np.linspace(0, 1, 101))
    assert (np.diff(accepted) <= 1e-12).all()
    assert accepted[0] == 1
    assert accepted[-1] == 0


def test_outgoing_quality_is_best_at_both_ends() -> None:
    plan = find_plan(None)
    quality = outgoing_quality(plan, np.array([0.0, 0.08, 1.0]))
    assert quality[0] == quality[2] == 0
    assert 0 < quality[1] < 0.08


@pytest.mark.parametrize("options", [{"good": 0.2, "bad": 0.1}, {"risk_bad": 0.0}, {"good": 0.1, "bad": 0.1001}])
def test_plans_that_cannot_be_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match="find_plan"):
        find_plan(None, **options)


def test_samples_larger_than_their_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="need 0 <= c <= n <= batch"):
        acceptance_probability(11, 0, 0.1, batch=10)
