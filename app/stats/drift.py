"""Change over time: CUSUM on gold answers, and the trend of errors within a sitting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from app.stats.coding import CodedVotes

GOOD, BAD = 0.85, 0.65
WARN_AT, STOP_AT = 3.5, 4.5
WINDOW = 20
"""Gold answers behind a rolling accuracy: half-width .18 at .8, so read the line and not its last point."""
SITTING_GAP_SECONDS = 1800.0


@dataclass(frozen=True)
class Cusum:
    """A one-sided CUSUM on right and wrong answers.

    Attributes:
        path: (n,) statistic after each answer; 0 is no evidence of decline.
        level: its last value.
        highest: its highest value.
        alarm_at: position of the first answer at which it reached the threshold, or None.
        n: answers.
    """

    path: np.ndarray
    level: float
    highest: float
    alarm_at: int | None
    n: int


@dataclass(frozen=True)
class Trend:
    """A trend of a proportion over ordered scores.

    Attributes:
        z: standard normal under no trend; above 0 the proportion rises. None when undefined.
        p_value: two-sided.
        n: observations in strata that carry information.
        n_strata: such strata.
        undefined_reason: why there is no z, or None.
    """

    z: float | None
    p_value: float | None
    n: int
    n_strata: int
    undefined_reason: str | None = None


def cusum(right: np.ndarray, *, good: float = GOOD, bad: float = BAD, threshold: float = STOP_AT) -> Cusum:
    """Return the CUSUM of a rater's gold answers in time order.

    S_t = max(0, S_{t-1} + log[P(answer | bad) / P(answer | good)]): a wrong answer adds log((1-bad)/(1-good)), a right
    one log(bad/good), which is below 0. With 10 % gold, .85 to .65 is noticed after about 320 tasks at threshold 4.5.

    Args:
        right: (n,) bool, oldest first.
        good: accuracy before.
        bad: accuracy that must be noticed, below `good`.
        threshold: alarm level.

    Source: Page (1954).
    """
    steps = np.where(np.asarray(right, bool), np.log(bad / good), np.log((1 - bad) / (1 - good)))
    total = np.cumsum(steps)
    path = total - np.minimum(np.minimum.accumulate(total), 0.0)  # the same as the recursion
    alarms = np.flatnonzero(path >= threshold)
    return Cusum(
        path=path,
        level=float(path[-1]) if len(path) else 0.0,
        highest=float(path.max(initial=0.0)),
        alarm_at=int(alarms[0]) if len(alarms) else None,
        n=len(path),
    )


def rolling_accuracy(right: np.ndarray, *, window: int = WINDOW) -> np.ndarray:
    """Return the share of right answers among the last `window` ones up to each answer (all of them at first).

    Args:
        right: (n,) bool, oldest first.
        window: answers that count.
    """
    total = np.r_[0.0, np.cumsum(np.asarray(right, float))]
    last = np.arange(1, len(total))
    first = np.maximum(last - window, 0)
    return (total[last] - total[first]) / np.maximum(last - first, 1)


def cochran_armitage(success: np.ndarray, score: np.ndarray, stratum: np.ndarray) -> Trend:
    """Return the Cochran-Armitage trend of a proportion on scores, stratified.

    Z = sum_s sum (y - p_s) x / sqrt(sum_s p_s (1 - p_s) [sum x² - (sum x)² / n_s]); only comparisons within a stratum
    count, so raters and days may differ as they like.

    Args:
        success: (n,) 0 or 1.
        score: (n,) position, such as the number of the judgment in its sitting.
        stratum: (n,) non-negative integers, such as the sitting.

    Source: Cochran (1954); Armitage (1955), equation 6; Mantel (1963) for strata.
    """
    y, x = np.asarray(success, float), np.asarray(score, float)
    if len(y) == 0:
        return Trend(None, None, 0, 0, "no observations")
    _, group = np.unique(stratum, return_inverse=True)
    size = np.bincount(group)
    rate = np.bincount(group, weights=y) / size
    centred = x - (np.bincount(group, weights=x) / size)[group]
    spread = np.bincount(group, weights=centred**2)
    by_stratum = rate * (1 - rate) * spread
    variance = float(by_stratum.sum())
    informative = by_stratum > 0
    n, n_strata = int(size[informative].sum()), int(informative.sum())
    if variance <= 0:
        return Trend(None, None, n, n_strata, "no stratum has both outcomes at different positions")
    z = float(((y - rate[group]) * centred).sum() / np.sqrt(variance))
    return Trend(z, float(2 * ndtr(-abs(z))), n, n_strata)


def time_order(coded: CodedVotes, votes: pd.DataFrame) -> np.ndarray:
    """Return the positions of the votes by rater, then time, then judgment; votes without a time come last."""
    return np.lexsort((votes["judgment_id"].to_numpy()[coded.row], vote_seconds(coded, votes), coded.rater))


def sittings(coded: CodedVotes, votes: pd.DataFrame, *, gap_seconds: float = SITTING_GAP_SECONDS) -> pd.DataFrame:
    """Return the sitting of each timed vote and its position in it.

    A sitting is a rater's stretch of votes with less than `gap_seconds` between two of them.

    Args:
        coded: votes on one criterion.
        votes: the frame that was coded.
        gap_seconds: a longer pause starts a new sitting.

    Returns:
        Columns `vote` (position in `coded`), `sitting`, `position` (0, 1, ...); votes without a time are left out.
    """
    seconds = vote_seconds(coded, votes)
    order = time_order(coded, votes)
    order = order[np.isfinite(seconds[order])]
    seconds, rater = seconds[order], coded.rater[order]
    starts = np.ones(len(order), bool)
    starts[1:] = (rater[1:] != rater[:-1]) | (np.diff(seconds) > gap_seconds)
    sitting = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    position = np.arange(len(order)) - (first[sitting] if len(first) else 0)
    return pd.DataFrame({"vote": order, "sitting": sitting, "position": position})


def vote_seconds(coded: CodedVotes, votes: pd.DataFrame) -> np.ndarray:
    """Return the time of each vote in seconds since 1970, infinite where unknown."""
    at = pd.DatetimeIndex(votes["at"]).tz_localize(None).to_numpy().astype("datetime64[ns]")[coded.row]
    return np.where(np.isnat(at), np.inf, at.astype(np.int64) / 1e9)
