"""CUSUM, trends and sittings."""

import numpy as np
import pandas as pd
import pytest

from app.stats.coding import code_votes
from app.stats.drift import cochran_armitage, cusum, rolling_accuracy, sittings, time_order
from tests.stats.build import KINDS, votes


def test_cusum_is_its_recursion():
    right = np.random.default_rng(1).random(200) < 0.75
    level, path = 0.0, []
    for answer in right:
        level = max(0.0, level + (np.log(0.65 / 0.85) if answer else np.log(0.35 / 0.15)))
        path.append(level)
    result = cusum(right)
    np.testing.assert_allclose(result.path, path, atol=1e-12)
    assert result.highest == pytest.approx(max(path))
    assert result.n == 200


def test_rolling_accuracy_by_hand():
    # 1; 1, 0; then the last three of 1 0 0 1
    assert rolling_accuracy([True, False, False, True], window=3).tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 3])
    assert len(rolling_accuracy([])) == 0


def test_cusum_by_hand():
    # wrong answers add log(.35/.15) = .847; six of them reach 4.5 (5.08), five do not (4.24)
    assert cusum([False] * 5).alarm_at is None
    assert cusum([False] * 6).alarm_at == 5
    assert cusum([True] * 50).level == 0.0
    assert cusum([]).n == 0


def test_cusum_notices_a_collapse_as_soon_as_the_study_says():
    # 10 % gold: a mean delay of about 323 tasks is 32 gold answers at .65
    rng = np.random.default_rng(2)
    delays = [cusum(rng.random(400) < 0.65).alarm_at for _ in range(400)]
    assert np.mean([delay for delay in delays if delay is not None]) == pytest.approx(32, abs=6)


def test_the_trend_of_agrestis_infants():
    # Agresti, Categorical Data Analysis, table 2.5: malformation by alcohol, scores 0 .5 1.5 4 7; Z² = 6.57
    absent, present = [17066, 14464, 788, 126, 37], [48, 38, 5, 1, 1]
    score = np.array([0, 0.5, 1.5, 4, 7])
    x = np.concatenate([np.repeat(score, present), np.repeat(score, absent)])
    y = np.repeat([1, 0], [sum(present), sum(absent)])
    trend = cochran_armitage(y, x, np.zeros(len(y), int))
    assert trend.z**2 == pytest.approx(6.57, abs=5e-3)
    assert trend.z > 0


def test_differences_between_strata_are_no_trend():
    rng = np.random.default_rng(3)
    stratum = np.repeat(np.arange(40), 25)
    position = np.tile(np.arange(25), 40)
    rate = np.repeat(rng.random(40), 25)
    y = rng.random(1000) < rate
    assert abs(cochran_armitage(y, position, stratum).z) < 3
    tired = rng.random(1000) < np.clip(rate + position / 50, 0, 1)
    assert cochran_armitage(tired, position, stratum).z > 3
    assert cochran_armitage(np.ones(5), np.arange(5), np.zeros(5, int)).z is None
    assert cochran_armitage([], [], []).undefined_reason == "no observations"


def timed(minutes, raters):
    frame = votes([(f"c{k}", rater, "first") for k, rater in enumerate(raters)])
    at = [pd.NaT if m is None else pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(minutes=m) for m in minutes]
    frame["at"] = pd.to_datetime(pd.Series(at), utc=True)
    return frame, code_votes(frame, kinds=KINDS)


def test_a_long_pause_starts_a_new_sitting():
    frame, coded = timed([0, 5, 60, 62, 10, None], ["ann", "ann", "ann", "ann", "bob", "ann"])
    table = sittings(coded, frame)
    assert table["sitting"].tolist() == [0, 0, 1, 1, 2]
    assert table["position"].tolist() == [0, 1, 0, 1, 0]
    assert len(table) == 5


def test_time_orders_votes_of_a_rater():
    frame, coded = timed([30, 10, None, 20], ["ann", "ann", "ann", "ann"])
    assert time_order(coded, frame).tolist() == [1, 3, 0, 2]
