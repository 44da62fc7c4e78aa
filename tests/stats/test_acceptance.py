"""A calibrated threshold keeps its promise, and an audit may be read after every case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stats.acceptance import audit, choose_threshold


def test_without_an_error_29_cases_are_needed_for_one_in_ten():
    """.9^28 = .0523 is above .05, .9^29 = .0471 is not."""
    surely = np.linspace(1, 2, 29)
    assert choose_threshold(surely[:28], np.zeros(28, bool), max_error=0.1).undefined_reason.startswith("28 ")
    found = choose_threshold(surely, np.zeros(29, bool), max_error=0.1)
    assert (found.value, found.n, found.error.value) == (1.0, 29, 0.0)


def test_the_threshold_stands_where_errors_begin():
    confidence = np.linspace(1, 0, 1000)
    is_error = (np.arange(1000) >= 500) & (np.arange(1000) % 2 == 0)  # half of what is below .5 is wrong
    found = choose_threshold(confidence, is_error, max_error=0.1)
    assert 0.35 < found.value < 0.5
    assert found.error.high < 0.12
    nowhere = choose_threshold(confidence, np.ones(1000, bool), max_error=0.1)
    assert nowhere.value is None
    assert nowhere.undefined_reason == "the 29 surest cases hold 29 errors: too many for 0.1"


def test_equal_confidences_are_accepted_together():
    found = choose_threshold(np.ones(200), np.zeros(200, bool), max_error=0.1)
    assert (found.value, found.n) == (1.0, 200)


def test_a_threshold_is_rarely_too_low():
    """With an error of .2 wherever one looks and a bound of .15, at most 5 % of the draws may find a threshold."""
    rng = np.random.default_rng(0)
    found = [
        choose_threshold(rng.random(300), rng.random(300) < 0.2, max_error=0.15).value is not None for _ in range(400)
    ]
    assert np.mean(found) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def crossings(*, n: int, bound: float) -> np.ndarray:
    """For 1 to n audited cases, the fewest errors at which the bound is crossed."""
    fewest, found = 1, []
    for size in range(1, n + 1):
        while fewest <= size and not audit(fewest, size, max_error=bound).is_crossed:
            fewest += 1
        found.append(fewest)
    return np.array(found)


def test_an_audit_may_be_read_after_every_case():
    """An error at the bound rarely crosses it in 200 looks; one of .3 nearly always does within 60."""
    rng, needed = np.random.default_rng(1), crossings(n=200, bound=0.1)
    at_bound = (np.cumsum(rng.random((2000, 200)) < 0.1, axis=1) >= needed).any(axis=1).mean()
    assert at_bound <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 2000)
    bad = (np.cumsum(rng.random((2000, 60)) < 0.3, axis=1) >= needed[:60]).any(axis=1).mean()
    assert bad > 0.85


@given(n=st.integers(0, 200), share=st.floats(0, 1), bound=st.floats(0.01, 0.9))
def test_an_audit_says_one_thing(n, share, bound):
    """The lower limit lies below the observed share, and crosses the bound exactly where the audit says so."""
    n_errors = round(share * n)
    found = audit(n_errors, n, max_error=bound)
    assert 0 <= found.low <= (n_errors / n if n else 0)
    assert found.is_crossed == (found.low > bound) or abs(found.low - bound) < 1e-6
    assert (found.error.value is None) == (n == 0)


def test_a_bound_is_a_share():
    with pytest.raises(ValueError, match="between 0 and 1"):
        audit(0, 1, max_error=1)
