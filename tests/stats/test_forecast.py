"""The forecast of collecting: derived by hand, against simulated collections, and undefined with its reason."""

from __future__ import annotations

import numpy as np
import pytest

from app.stats.forecast import forecast


def test_a_steady_pace_has_no_spread():
    found = forecast(100, [10] * 14)
    assert (found.per_day.value, found.days.value) == (10, 10)
    assert (found.days.low, found.days.high) == (10, 10)


def test_only_the_last_fourteen_days_count():
    assert forecast(70, [1000] * 30 + [5] * 14).days.value == 14


@pytest.mark.parametrize(
    ("daily", "reason"),
    [
        ([], "0 full days have passed"),
        ([4], "1 full day has passed"),
        ([9] * 3 + [0] * 14, "no judgment came in the last 14 full days"),
        ([0] * 12 + [5, 5], "judgments came on 2 of the last 14 full days"),
    ],
)
def test_it_says_why_it_cannot_be_told(daily, reason):
    found = forecast(10, daily)
    assert found.days.value is None
    assert found.days.undefined_reason.startswith(reason)


def test_nothing_left_is_not_a_forecast():
    found = forecast(0, [3, 4, 5])
    assert found.per_day.value == 4
    assert found.days.undefined_reason == "nothing is left to collect"


def test_a_fitful_pace_may_have_no_late_end():
    found = forecast(1000, [1, 0, 0, 1, 0, 0, 1])
    assert found.days.low < 1000 / (3 / 7) < (found.days.high or np.inf)


def test_the_interval_covers_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        past, future = rng.poisson(8, 14), np.cumsum(rng.poisson(8, 200))
        took = int(np.searchsorted(future, 300)) + 1
        found = forecast(300, list(past)).days
        covered += found.low - 1 <= took <= found.high + 1
    assert covered >= 0.85 * 200  # 14 days say little of their own spread: resampling them covers somewhat under 95 %
