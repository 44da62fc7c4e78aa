"""Watching a rater: hand-made paths, delays and false alarms at a small size, and the schedule of gold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stats.drift import cusum
from app.stats.probing import gold_share
from app.stats.watch import MIN_GOLD, baseline_of, peer_threshold, watch
from tests.bench.calibration import peer_alarm_line, peer_lines

FLOOR = 0.65


def on_gold(right: np.ndarray, *, baseline: float = 0.8):
    return watch(np.ones(len(right), bool), right, baseline=baseline, floor=FLOOR)


def test_gold_alone_is_the_cusum_of_the_card():
    rng = np.random.default_rng(1)
    right = rng.random(200) < 0.8
    assert on_gold(right).level == pytest.approx(cusum(right).level)
    assert on_gold(right).peer_level == pytest.approx(cusum(right).level)


def test_six_wrong_answers_in_a_row_stop_and_the_change_is_the_first_of_them():
    # a wrong answer adds log(.35/.15) = .8473: five make 4.24, six 5.08
    right = np.r_[np.ones(40, bool), np.zeros(5, bool)]
    assert (on_gold(right).verdict, on_gold(right).cause) == ("warn", "gold")
    seen = on_gold(np.r_[right, False])
    assert (seen.verdict, seen.changed_at, seen.n_gold) == ("stop", 40, 46)
    assert seen.level == pytest.approx(6 * np.log(0.35 / 0.15))


def test_peers_alone_stop_and_say_so_and_at_half_they_say_nothing():
    disagrees = np.r_[np.ones(60, bool), np.zeros(20, bool)]
    seen = watch(np.zeros(80, bool), disagrees, baseline=0.83, floor=FLOOR)
    assert (seen.verdict, seen.cause, seen.changed_at, seen.n_peers) == ("stop", "peers", 60, 80)
    assert watch(np.zeros(80, bool), disagrees, baseline=0.5, floor=FLOOR).peer_level == 0


def test_who_was_never_good_is_found_by_the_bound_but_not_before_thirty_answers():
    right = np.tile([True, True, True, False], 20)
    slow = np.array([True, False, True] * 20)[:MIN_GOLD]
    assert on_gold(right).verdict == "steady"
    assert on_gold(slow[: MIN_GOLD - 1]).cause != "bound"
    weak = np.array([True, True, False, True, True, True, True, False, True, False] * 4)
    assert on_gold(weak).accuracy.low < 0.65
    assert on_gold(weak).verdict in ("warn", "stop")


def test_no_answers_are_steady_and_the_accuracy_undefined():
    seen = on_gold(np.zeros(0, bool))
    assert (seen.verdict, seen.accuracy.value, seen.n_gold, seen.changed_at) == ("steady", None, 0, None)


@given(st.lists(st.booleans(), max_size=80))
def test_the_level_never_falls_below_zero_and_right_answers_never_raise_it(right):
    before = on_gold(np.array(right, bool))
    assert before.level >= 0
    assert on_gold(np.array([*right, True], bool)).level <= before.level
    assert on_gold(np.array([*right, False], bool)).level > before.level


def test_delay_and_false_alarms_are_as_stated():
    rng = np.random.default_rng(0)
    delays = [int(np.argmax(cusum(rng.random(400) < 0.65).path >= 4.5)) + 1 for _ in range(200)]
    assert np.median(delays) <= 40
    steady = [cusum(rng.random(1000) < 0.85).alarm_at is not None for _ in range(100)]
    assert np.mean(steady) < 0.75  # one alarm in 1,000 answers: 1 - 1/e = .63 have any


def test_the_threshold_with_peers_falls_as_gold_grows_and_stays_in_range():
    def limit(n_gold: int, n: int) -> float:
        return peer_threshold(np.arange(n) < n_gold)

    assert limit(0, 0) == pytest.approx(9.1 - 1.7 * np.log(1 / 8 / 0.066))
    assert [limit(n, 100) for n in (0, 6, 13, 25, 100)] == sorted(limit(n, 100) for n in (0, 6, 13, 25, 100))[::-1]
    assert limit(100, 100) >= 4.5
    assert limit(0, 5000) == pytest.approx(9.1 - 1.7 * np.log(0.03 / 0.066))


def test_with_peers_the_delay_is_at_most_half_of_gold_alone_and_few_steady_raters_are_stopped():
    for rate in (0.05, 0.2):
        (line,) = peer_lines(rate)
        assert line["ratio"] <= 0.5
        assert peer_alarm_line(rate)["low"] <= 1.0


def test_baseline_is_drawn_to_the_pool_and_stays_in_range():
    assert baseline_of(0, 0, pool=0.75) == 0.75
    assert baseline_of(50, 50, pool=0.7) == pytest.approx(0.85)
    assert baseline_of(0, 1000, pool=0.7) == 0.5
    assert baseline_of(5000, 5000, pool=1.0) == 0.99


def test_the_gold_schedule():
    assert [gold_share(n) for n in (0, 49, 50, 199, 200, 9999)] == [0.2, 0.2, 0.1, 0.1, 0.05, 0.05]
    assert gold_share(500, is_warned=True) == pytest.approx(0.15)
