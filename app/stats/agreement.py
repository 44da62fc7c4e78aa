"""Agreement between raters from label counts: percent agreement and Krippendorff's alpha, with their bootstrap.

A statistic here is a function of how many units have each label-count pattern: it takes (b, P) weights, one row per
resample, and returns (b,) values, NaN where a resample leaves it undefined. The estimate is its value at the observed
counts, the interval its percentiles over resampled comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.stats.intervals import LEVEL, percentile_interval
from app.stats.patterns import LabelPatterns
from app.stats.results import Estimate, defined, undefined

Statistic = Callable[[np.ndarray], np.ndarray]

LEVELS = ("nominal", "ordinal", "interval", "ratio")
N_BOOTSTRAP = 1000
BOOTSTRAP_METHOD = "percentile bootstrap over comparisons"

NO_PAIRS = "no unit has two votes"
NO_VARIATION = "no variation: every vote that can be compared has the same label"


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha with its parts.

    Attributes:
        level: level of measurement (nominal, ordinal, interval, ratio).
        estimate: alpha; its n is the number of pairable votes (votes on units with at least two).
        observed: mean squared disagreement within units, or None.
        expected: mean squared disagreement between any two pairable votes, or None.
    """

    level: str
    estimate: Estimate
    observed: float | None
    expected: float | None


def percent_agreement(patterns: LabelPatterns, *, only: Sequence[int] | None = None) -> Estimate:
    """Return the share of pairs of votes on the same unit that agree.

    sum_u sum_k n_uk (n_uk - 1) / sum_u m_u (m_u - 1): every pair of votes counts once, so a unit with many votes
    counts more.

    Args:
        patterns: label counts.
        only: labels to keep; pairs with a vote outside them are left out (ties, for instance). None keeps all.

    Returns:
        The share, between 0 and 1, and n = pairs of votes; undefined when no pair exists. No interval: see `bootstrap`.
    """
    rows = _columns(patterns, only)
    pairs = float(patterns.n_units @ _pairs(rows.sum(axis=1)))
    if pairs == 0:
        return undefined(NO_PAIRS)
    agreeing = float(patterns.n_units @ _pairs(rows).sum(axis=1))
    return Estimate(value=agreeing / pairs, n=round(pairs))


def percent_agreement_statistic(patterns: LabelPatterns, *, only: Sequence[int] | None = None) -> Statistic:
    """Return `percent_agreement` as a function of (b, P) units per pattern."""
    rows = _columns(patterns, only)
    agreeing, pairs = _pairs(rows).sum(axis=1), _pairs(rows.sum(axis=1))
    return lambda weights: _ratio(weights @ agreeing, weights @ pairs)


def krippendorff_alpha(patterns: LabelPatterns, *, level: str = "nominal", values: np.ndarray | None = None) -> Alpha:
    """Return Krippendorff's alpha: 1 - observed / expected disagreement.

    alpha = 1 - (n - 1) sum_u [sum_ck n_uc n_uk d²(c,k) / (m_u - 1)] / sum_ck n_c n_k d²(c,k), over units with m_u >= 2
    votes, n pairable votes and n_c of them with label c. d² is 0/1 (nominal), the squared difference of mid-ranks
    (ordinal), of values (interval), or ((c-k)/(c+k))² (ratio). 1 is perfect agreement, 0 what chance gives, below 0
    systematic disagreement. Units may have any number of votes.

    Args:
        patterns: label counts, (P, K) rows; for ordinal the columns stand in rising order.
        level: one of LEVELS.
        values: (K,) value of each label, for interval and ratio; by default 0 .. K-1.

    Returns:
        Alpha, undefined when no unit has two votes or when all pairable votes are equal (0/0: no variation).

    Raises:
        ValueError: unknown level, or values that do not fit the columns.

    Source: Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability".
    """
    pairable = _pairable_votes(patterns, patterns.n_units)
    n = pairable.sum()
    if n == 0:
        return Alpha(level, undefined(NO_PAIRS), None, None)
    distance = squared_distance(level, _values(patterns, values), label_counts=pairable)
    observed = float(patterns.n_units @ _disagreement(patterns.rows, distance) / n)
    expected = float(pairable @ distance @ pairable / (n * (n - 1)))
    if expected == 0:
        return Alpha(level, undefined(NO_VARIATION, n=round(n)), observed, expected)
    return Alpha(level, Estimate(value=1 - observed / expected, n=round(n)), observed, expected)


def alpha_statistic(patterns: LabelPatterns, *, level: str = "nominal", values: np.ndarray | None = None) -> Statistic:
    """Return `krippendorff_alpha` as a function of (b, P) units per pattern."""
    if level == "ordinal":
        return _ordinal_alpha_statistic(patterns)
    distance = squared_distance(level, _values(patterns, values))
    disagreement = _disagreement(patterns.rows, distance)

    def statistic(weights: np.ndarray) -> np.ndarray:
        pairable = _pairable_votes(patterns, weights)
        n = pairable.sum(axis=1)
        expected = np.einsum("bk,kl,bl->b", pairable, distance, pairable, optimize=True)
        return 1 - (n - 1) * _ratio(weights @ disagreement, expected)

    return statistic


def _ordinal_alpha_statistic(patterns: LabelPatterns) -> Statistic:
    """Ordinal alpha is interval alpha on mid-ranks; the mid-ranks change with the resample.

    sum_ck n_c n_k (r_c - r_k)² = 2 (m sum n_c r_c² - (sum n_c r_c)²), within a unit and over all pairable votes.
    """
    votes = patterns.n_votes
    scale = np.where(votes >= 2, 2 / np.maximum(votes - 1, 1), 0.0)

    def statistic(weights: np.ndarray) -> np.ndarray:
        pairable = _pairable_votes(patterns, weights)
        n = pairable.sum(axis=1)
        rank = np.cumsum(pairable, axis=1) - pairable / 2
        rank -= n[:, None] / 2  # the distances are the same, the cancellation smaller
        sums, squares = rank @ patterns.rows.T, rank**2 @ patterns.rows.T
        observed = (weights * scale * (votes * squares - sums**2)).sum(axis=1)
        expected = 2 * (n * (pairable * rank**2).sum(axis=1) - (pairable * rank).sum(axis=1) ** 2)
        return 1 - (n - 1) * _ratio(observed, expected)

    return statistic


def squared_distance(level: str, values: np.ndarray, *, label_counts: np.ndarray | None = None) -> np.ndarray:
    """Return the (K, K) squared distances between labels at a level of measurement.

    Args:
        level: one of LEVELS.
        values: (K,) value of each label.
        label_counts: (K,) pairable votes with each label; ordinal distances need them.

    Raises:
        ValueError: unknown level, or negative values at the ratio level.

    Source: Krippendorff (2011), section C.
    """
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "ordinal":
        values = np.cumsum(label_counts) - label_counts / 2
    elif level == "ratio":
        if (values < 0).any():
            raise ValueError(f"Ratio distances need values of one sign; the lowest is {values.min()}.")
        total = values[:, None] + values[None, :]
        return _ratio_or_zero(values[:, None] - values[None, :], total) ** 2
    elif level != "interval":
        raise ValueError(f"Unknown level of measurement {level!r}; the levels are {', '.join(LEVELS)}.")
    return (values[:, None] - values[None, :]) ** 2


def bootstrap(
    patterns: LabelPatterns, statistics: Mapping[str, Statistic], *, n_resamples: int = N_BOOTSTRAP, seed: int = 0
) -> dict[str, np.ndarray]:
    """Return (n_resamples,) draws of each statistic over the same resamples of the comparisons.

    Whole comparisons are drawn with replacement, so votes on one comparison stay together, for a k-way ranking those
    on all its pairs.

    Args:
        patterns: label counts.
        statistics: functions of (b, P) units per pattern.
        n_resamples: resamples.
        seed: of the random draws; the same votes and seed give the same interval.
    """
    draws: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for weights in patterns.resamples(n_resamples, seed=seed):
        for name, statistic in statistics.items():
            draws[name].append(statistic(weights))
    return {name: np.concatenate(blocks) if blocks else np.zeros(0) for name, blocks in draws.items()}


def with_bootstrap(estimate: Estimate, draws: np.ndarray, *, level: float = LEVEL) -> Estimate:
    """Return the estimate with the percentile interval of its draws.

    The interval is missing, with a reason, when the estimate is undefined or most resamples leave it undefined.
    """
    if estimate.value is None:
        return estimate
    bounds = percentile_interval(draws, level=level)
    if bounds is None:
        return replace(estimate, undefined_reason="interval undefined: most resamples have no variation")
    method = f"{BOOTSTRAP_METHOD} ({len(draws):,} resamples)"
    return estimate.with_interval(defined(bounds[0]), defined(bounds[1]), method=method)


def _columns(patterns: LabelPatterns, only: Sequence[int] | None) -> np.ndarray:
    return patterns.rows if only is None else patterns.rows[:, list(only)]


def _pairs(counts: np.ndarray) -> np.ndarray:
    return counts * (counts - 1) / 2


def _pairable_votes(patterns: LabelPatterns, weights: np.ndarray) -> np.ndarray:
    """Return (..., K) votes per label on units with at least two votes."""
    return weights @ (patterns.rows * (patterns.n_votes >= 2)[:, None])


def _disagreement(rows: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return (P,) sum_ck n_c n_k d²(c,k) / (m - 1) of each pattern; 0 where m < 2."""
    votes = rows.sum(axis=1)
    return np.where(votes >= 2, ((rows @ distance) * rows).sum(axis=1) / np.maximum(votes - 1, 1), 0.0)


def _values(patterns: LabelPatterns, values: np.ndarray | None) -> np.ndarray:
    n_labels = patterns.rows.shape[1]
    if values is None:
        return np.arange(n_labels, dtype=float)
    if len(values) != n_labels:
        raise ValueError(f"{len(values)} values for {n_labels} labels.")
    return np.asarray(values, float)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return the quotient, NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator > 0)


def _ratio_or_zero(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator != 0)
