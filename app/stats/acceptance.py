"""May a model's label stand without a person? A threshold that is calibrated, and an audit that may be read any time.

Both speak of the error among the labels that are accepted: how often people do not prefer what the model prefers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from app.stats.intervals import wilson
from app.stats.results import Estimate, undefined

LEVEL = 0.95
GRID = 20
"""Thresholds that are tried beyond the strictest one that could pass at all."""
BETS = 64
"""Stakes over which the audit's wealth is averaged."""


@dataclass(frozen=True)
class Threshold:
    """From which confidence on a model's labels may stand.

    Attributes:
        value: the lowest confidence that is accepted; None where none can be.
        n: calibration cases at or above it.
        error: their share of errors, with Wilson's interval.
        n_calibration: cases in all.
        undefined_reason: why there is no threshold, or None.
    """

    value: float | None
    n: int
    error: Estimate
    n_calibration: int
    undefined_reason: str | None = None


def choose_threshold(
    confidence: np.ndarray, is_error: np.ndarray, *, max_error: float, level: float = LEVEL
) -> Threshold:
    """The lowest threshold at which an error rate above `max_error` is still refuted, strictest first.

    Thresholds are tried from the strictest down, each with the exact binomial test of "the error rate of what is
    accepted is above `max_error`"; the last one that refutes it before the first that does not is taken. Trying in an
    order fixed beforehand keeps the chance of a threshold with a larger error rate at 1 - level.

    Args:
        confidence: (cases,) how sure the model is; any scale, larger is surer.
        is_error: (cases,) whether people did not prefer what the model prefers.
        max_error: between 0 and 1.
        level: confidence of the whole procedure.

    Returns:
        The threshold; undefined with too few cases (ln(1 - level) / ln(1 - max_error) are needed even without one
        error), or where the surest cases err too often.

    Raises:
        ValueError: `max_error` lies outside (0, 1).

    Source: Angelopoulos, Bates, Candès, Jordan and Lei (2021), Learn then Test, section 2.3 (fixed sequences).
    """
    _check_share(max_error)
    order = np.argsort(-confidence, kind="stable")
    n_errors = np.cumsum(is_error[order])
    n, n_needed = len(confidence), math.ceil(math.log(1 - level) / math.log(1 - max_error))
    if n < n_needed:
        reason = f"{n:,} calibration cases; an error rate of at most {max_error:g} takes {n_needed:,} without any error"
        return Threshold(None, 0, undefined(reason), n, reason)
    best = None
    for size in np.unique(np.linspace(n_needed, n, GRID + 1).round().astype(int)):
        accepted = int((confidence >= confidence[order[size - 1]]).sum())  # equals come together
        if bdtr(n_errors[accepted - 1], accepted, max_error) > 1 - level:
            break
        best = accepted
    if best is None:
        found = wilson(int(n_errors[n_needed - 1]), n_needed, level=level)
        reason = (
            f"the {n_needed:,} surest cases hold {int(n_errors[n_needed - 1]):,} errors: too many for {max_error:g}"
        )
        return Threshold(None, 0, found, n, reason)
    error = wilson(int(n_errors[best - 1]), best, level=level)
    return Threshold(float(confidence[order[best - 1]]), best, error, n)


@dataclass(frozen=True)
class Audit:
    """What a random audit says of the labels that stand.

    Attributes:
        n: audited labels that people have decided.
        n_errors: of these, those that people do not confirm.
        error: their share with Wilson's interval: for reading, at a number of cases fixed beforehand.
        low: lower limit of the error rate that holds whenever one looks; 0 before there is evidence.
        max_error: the bound.
        is_crossed: whether `low` is above the bound.
    """

    n: int
    n_errors: int
    error: Estimate
    low: float
    max_error: float
    is_crossed: bool


def audit(n_errors: int, n: int, *, max_error: float, level: float = LEVEL) -> Audit:
    """Measure the error of labels that stand by a random sample of them, after every case if one likes.

    A gambler bets on errors at odds that are fair where the error rate is m; averaged over stakes s in (0, 1/m), the
    wealth after n cases is mean over s of (1 + s (1 - m))^errors (1 - s m)^(n - errors). Where the rate is at most m,
    the chance that it ever reaches 1 / (1 - level) is at most 1 - level, so the bound is crossed when it does. The
    lower limit is the largest m that is refuted.

    Args:
        n_errors: audited labels that people did not confirm, 0 <= n_errors <= n.
        n: audited labels.
        max_error: the bound, between 0 and 1.
        level: confidence, over all looks together.

    Raises:
        ValueError: a number lies outside its range.

    Source: Ville (1939); Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting.
    """
    _check_share(max_error)
    error = wilson(n_errors, n, level=level)
    low = _lower_limit(n_errors, n, level)
    return Audit(n, n_errors, error, low, max_error, _log_wealth(n_errors, n, max_error) >= -math.log(1 - level))


def _log_wealth(n_errors: int, n: int, rate: float) -> float:
    """Logarithm of the gambler's wealth against the hypothesis that errors have at most this rate."""
    stakes = (np.arange(BETS) + 0.5) / BETS / rate
    logs = n_errors * np.log1p(stakes * (1 - rate)) + (n - n_errors) * np.log1p(-stakes * rate)
    return float(np.logaddexp.reduce(logs) - math.log(BETS))


def _lower_limit(n_errors: int, n: int, level: float) -> float:
    """The largest error rate that is refuted, by halving; 0 where none is."""
    low, high = 0.0, n_errors / n if n else 0.0
    for _ in range(40):
        middle = (low + high) / 2
        if middle > 0 and _log_wealth(n_errors, n, middle) >= -math.log(1 - level):
            low = middle
        else:
            high = middle
    return low


def _check_share(max_error: float) -> None:
    if not 0 < max_error < 1:
        raise ValueError(f"max_error is {max_error}; it must lie between 0 and 1.")
