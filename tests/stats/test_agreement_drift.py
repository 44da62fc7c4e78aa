"""What the votes bring to the inbox: agreement that drops."""

import numpy as np
import pandas as pd
import pytest

from app.stats.agreement_drift import agreement_drifts
from tests.stats.build import KINDS, votes

START = pd.Timestamp("2026-01-01", tz="UTC")


def judged_over_time(seed, *, late_noise, n=120):
    """Three raters a comparison, one comparison an hour; the last third is seen through `late_noise`."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(0, 0.4, n)
    rows, at = [], []
    for u in range(n):
        noise = late_noise if u >= 0.7 * n else 0.15
        for r in range(3):
            rows.append((f"c{u:03d}", f"r{r}", float(np.clip(quality[u] + rng.normal(0, noise), -1, 1)), "clear"))
            at.append(START + pd.Timedelta(hours=u, minutes=r))
    return votes(rows, at=at)


def test_a_drop_is_found_and_told_with_both_numbers():
    (found,) = agreement_drifts(judged_over_time(1, late_noise=0.5), kinds=KINDS)
    assert found.has_dropped
    assert found.recent < found.before - 0.3
    assert (found.change.n, found.n_before) == (36, 84)
    assert found.change.value == pytest.approx(found.recent - found.before)
    assert pd.Timestamp(found.since, unit="s", tz="UTC") == START + pd.Timedelta(hours=84, minutes=2)


def test_steady_agreement_seldom_alarms():
    alarms = sum(agreement_drifts(judged_over_time(s, late_noise=0.15), kinds=KINDS)[0].has_dropped for s in range(40))
    assert alarms <= 2


def test_too_little_or_untimed_says_nothing():
    (few,) = agreement_drifts(judged_over_time(2, late_noise=0.5, n=30), kinds=KINDS)
    assert not few.has_dropped
    assert "20 are needed" in few.change.undefined_reason
    (untimed,) = agreement_drifts(judged_over_time(2, late_noise=0.5).assign(at=pd.NaT), kinds=KINDS)
    assert (untimed.has_dropped, untimed.change.n) == (False, 0)
