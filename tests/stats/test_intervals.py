"""Intervals against published numbers."""

import numpy as np
import pytest
from scipy import stats

from app.stats.intervals import jeffreys, percentile_interval, wilson, wilson_clustered


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_newcombes_table(successes, n, low, high):
    estimate = wilson(successes, n)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (low, high)
    assert estimate.n == n
    assert estimate.method == "Wilson"


def test_wilson_is_a_mirror():
    few, many = wilson(3, 17), wilson(14, 17)
    assert few.low == pytest.approx(1 - many.high)
    assert few.high == pytest.approx(1 - many.low)


def test_no_observations_are_undefined():
    assert wilson(0, 0).value is None
    assert jeffreys(0, 0).undefined_reason == "no observations"
    assert wilson_clustered(np.array([]), []).value is None


@pytest.mark.parametrize("estimate", [wilson, jeffreys])
def test_impossible_counts_are_refused(estimate):
    with pytest.raises(ValueError, match="5 successes out of 4"):
        estimate(5, 4)


def test_jeffreys_is_the_beta_quantile_and_reaches_the_ends():
    estimate = jeffreys(7, 10)
    assert estimate.low == pytest.approx(stats.beta.ppf(0.025, 7.5, 3.5))
    assert jeffreys(0, 10).low == 0.0
    assert jeffreys(10, 10).high == 1.0


def test_clusters_of_copies_widen_the_interval_as_if_each_counted_once():
    rng = np.random.default_rng(1)
    once = rng.random(400) < 0.3
    copies, cluster = np.repeat(once, 5), np.repeat(np.arange(400), 5)
    clustered = wilson_clustered(copies, [cluster])
    alone = wilson(int(once.sum()), 400)
    assert clustered.low == pytest.approx(alone.low, abs=1e-3)
    assert clustered.high == pytest.approx(alone.high, abs=1e-3)
    assert "effective n" in clustered.method


def test_few_clusters_are_left_out():
    success = np.arange(100) < 30
    assert wilson_clustered(success, [np.arange(100) % 5]).method == "Wilson"


def test_an_interval_needs_half_of_the_draws():
    draws = np.r_[np.full(60, np.nan), np.linspace(0, 1, 40)]
    assert percentile_interval(draws) is None
    assert percentile_interval(np.linspace(0, 1, 101)) == pytest.approx((0.025, 0.975))
