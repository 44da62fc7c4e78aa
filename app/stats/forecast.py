"""When a collection will be complete, at the pace of the last days.

The days to come are taken to be like the recent ones: the daily counts are resampled, and for each resample with mean
m and variance s2 the time to collect R further judgments is drawn from a normal with mean R/m and variance
R s2 / m^3 (the first two moments of the first passage of a random walk; Wald 1947, and Cox 1962, section 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.stats.results import Estimate, undefined

WINDOW_DAYS = 14
"""The recent past: so many full days."""

MIN_DAYS = 3
"""Full days, and days with judgments among them, below which no pace can be told."""

N_DRAWS = 4000


@dataclass(frozen=True)
class Forecast:
    """How long collecting will still take.

    Attributes:
        n_remaining: judgments still wanted.
        per_day: mean judgments a day in the window, with n = days in it; undefined where it is too short or empty.
        days: days from now until all are there, 95 % interval; undefined for the same reasons, and when none remain.
    """

    n_remaining: int
    per_day: Estimate
    days: Estimate


def forecast(n_remaining: int, daily: Sequence[int], *, seed: int = 0) -> Forecast:
    """The forecast from the counts of the last full days, oldest first.

    Args:
        n_remaining: judgments still wanted, 0 or more.
        daily: judgments on each full day since collecting began, days without any included, today left out.
        seed: of the resampling.

    Returns:
        Undefined estimates, with the reason, where fewer than 3 full days have passed, or judgments came on fewer
        than 3 days of the window. The upper end is None where a standstill is as likely as 2.5 %.
    """
    window = np.asarray(daily[-WINDOW_DAYS:], dtype=float)
    reason = _reason(window)
    if reason is not None:
        return Forecast(n_remaining, undefined(reason, n=len(window)), undefined(reason, n=len(window)))
    pace = Estimate(float(window.mean()), len(window))
    if n_remaining == 0:
        return Forecast(0, pace, undefined("nothing is left to collect", n=len(window)))
    rng = np.random.default_rng(seed)
    resampled = rng.choice(window, size=(N_DRAWS, len(window)))
    mean, variance = resampled.mean(axis=1), resampled.var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = n_remaining / mean + rng.normal(size=N_DRAWS) * np.sqrt(n_remaining * variance / mean**3)
    draws = np.where(mean > 0, np.maximum(draws, 0.0), np.inf)
    low, high = np.quantile(draws, (0.025, 0.975), method="inverted_cdf")
    days = Estimate(
        value=n_remaining / pace.value if pace.value else None,
        n=len(window),
        low=float(low),
        high=float(high) if np.isfinite(high) else None,
        method="days resampled, first-passage normal",
    )
    return Forecast(n_remaining, pace, days)


def _reason(window: np.ndarray) -> str | None:
    n_days, n_active = len(window), int((window > 0).sum())
    if n_days < MIN_DAYS:
        days = "day has" if n_days == 1 else "days have"
        return f"{n_days} full {days} passed since the first judgment, and a pace needs {MIN_DAYS}"
    if n_active == 0:
        return f"no judgment came in the last {n_days} full days"
    if n_active < MIN_DAYS:
        return f"judgments came on {n_active} of the last {n_days} full days, and a pace needs {MIN_DAYS}"
    return None
