"""Is a stated probability what it says? Brier score and its parts, Spiegelhalter's Z, debiased error, temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from app.stats.intervals import wilson

MIN_GOLD = 100
"""Gold units below which no temperature is fitted."""
MIN_BIAS, MIN_BRIER, MIN_ECE = 30, 50, 200
"""Answers below which the bias, the Brier parts and the calibration error of a rater are not shown."""
BINS = (0.0, 0.6, 0.8, 0.95, 1.0)


@dataclass(frozen=True)
class Brier:
    """The Brier score and Murphy's parts: score = reliability - resolution + uncertainty.

    Attributes:
        score: mean (p - y)²; 0 is perfect.
        reliability: mean squared gap between stated and realised, by stated value; 0 is perfect.
        resolution: how far the realised rates of the stated values spread; more is better.
        uncertainty: ybar (1 - ybar), the score of always stating the base rate.
        skill: 1 - score / uncertainty, or None when every outcome is the same.
        n: forecasts.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    skill: float | None
    n: int


@dataclass(frozen=True)
class Temperature:
    """The power that makes stated confidence fit gold: p^(1/T), scaled to sum 1.

    Attributes:
        value: T; above 1 the posterior is overconfident. None when undefined.
        n: gold units.
        log_loss_before: mean -log P(accepted) at T = 1.
        log_loss_after: the same at `value`.
        n_iterations: evaluations of the search.
        converged: whether the search came to rest inside its bounds.
        undefined_reason: why there is no value, or None.
    """

    value: float | None
    n: int
    log_loss_before: float | None = None
    log_loss_after: float | None = None
    n_iterations: int = 0
    converged: bool = False
    undefined_reason: str | None = None


def brier(probability: np.ndarray, outcome: np.ndarray) -> Brier:
    """Return the Brier score with its decomposition over the distinct stated values.

    Args:
        probability: (n,) stated probabilities; the identity is exact because equal values are grouped, not binned.
        outcome: (n,) 0 or 1.

    Raises:
        ValueError: there are no forecasts.

    Source: Brier (1950); Murphy (1973), equation 9.
    """
    p, y = np.asarray(probability, float), np.asarray(outcome, float)
    if len(p) == 0:
        raise ValueError("brier: there are no forecasts.")
    stated, group = np.unique(p, return_inverse=True)
    n = np.bincount(group)
    rate = np.bincount(group, weights=y) / n
    base = y.mean()
    uncertainty = float(base * (1 - base))
    score = float(((p - y) ** 2).mean())
    return Brier(
        score=score,
        reliability=float((n * (stated - rate) ** 2).sum() / len(p)),
        resolution=float((n * (rate - base) ** 2).sum() / len(p)),
        uncertainty=uncertainty,
        skill=1 - score / uncertainty if uncertainty else None,
        n=len(p),
    )


def spiegelhalter_z(probability: np.ndarray, outcome: np.ndarray) -> tuple[float | None, float | None]:
    """Return Z and its two-sided p-value: is the Brier score what calibrated forecasts would give?

    Z = sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)² p (1 - p)), standard normal when calibrated. Below 0 (with p above a
    half) more is right than stated, above 0 less.

    Returns:
        (Z, p-value); (None, None) when every forecast is 0, 1 or a half.

    Source: Spiegelhalter (1986), section 3.
    """
    p, y = np.asarray(probability, float), np.asarray(outcome, float)
    variance = float(((1 - 2 * p) ** 2 * p * (1 - p)).sum())
    if variance == 0:
        return None, None
    z = float(((y - p) * (1 - 2 * p)).sum() / np.sqrt(variance))
    return z, float(2 * ndtr(-abs(z)))


def debiased_calibration_error(probability: np.ndarray, outcome: np.ndarray) -> float | None:
    """Return the root mean squared calibration error with the bias of small groups taken out.

    sqrt(max(0, sum_b n_b / n [(p_b - y_b)² - y_b (1 - y_b) / (n_b - 1)])) over groups of equal stated value. The raw
    error of a perfectly calibrated rater is .16 at n = 20 and .05 at n = 200; this one is 0 on average.

    Returns:
        The error; None when no stated value occurs twice.

    Source: Kumar, Liang and Ma (2019), definition 5.2.
    """
    stated, group = np.unique(np.asarray(probability, float), return_inverse=True)
    n = np.bincount(group)
    rate = np.bincount(group, weights=np.asarray(outcome, float)) / n
    usable = n >= 2
    if not usable.any():
        return None
    n, rate, stated = n[usable], rate[usable], stated[usable]
    squared = (n * ((stated - rate) ** 2 - rate * (1 - rate) / (n - 1))).sum() / n.sum()
    return float(np.sqrt(max(squared, 0.0)))


def fit_temperature(posterior: np.ndarray, accepted: np.ndarray, *, min_n: int = MIN_GOLD) -> Temperature:
    """Fit the temperature of a consensus on gold units: the T that makes the accepted answers most likely.

    T minimises -sum log sum_{t accepted} q_t, q ∝ p^(1/T), between 1/20 and 20.

    Args:
        posterior: (n, K) distributions of the gold units, not fitted on their own keys.
        accepted: (n, K) accepted classes, at least one each.
        min_n: gold units below which nothing is fitted.

    Source: Guo, Pleiss, Sun and Weinberger (2017), section 4.2, for sets of accepted answers.
    """
    from scipy.optimize import minimize_scalar  # takes a fifth of a second, and few of those who start it fit

    n = len(posterior)
    if n < min_n:
        return Temperature(None, n, undefined_reason=f"{n} gold units; {min_n} are needed")

    def loss(log_temperature: float) -> float:
        hit = (tempered(posterior, float(np.exp(log_temperature))) * accepted).sum(axis=1)
        return float(-np.log(np.maximum(hit, 1e-12)).mean())

    bound = float(np.log(20))
    found = minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-6})
    inside = abs(found.x) < bound - 1e-3
    return Temperature(
        float(np.exp(found.x)), n, loss(0.0), float(found.fun), int(found.nfev), bool(found.success and inside)
    )


def tempered(posterior: np.ndarray, temperature: float) -> np.ndarray:
    """Return the rows of p^(1/T), scaled to sum 1; a class with probability 0 counts as 1e-9."""
    logs = np.log(np.maximum(posterior, 1e-9)) / temperature
    logs -= logs.max(axis=1, keepdims=True)
    powers = np.exp(logs)
    return powers / powers.sum(axis=1, keepdims=True)


def cross_tempered(posterior: np.ndarray, accepted: np.ndarray, *, n_folds: int = 5) -> np.ndarray:
    """Return the tempered distributions of gold units, each with a temperature fitted on the other folds.

    Args:
        posterior: (n, K) distributions of the gold units.
        accepted: (n, K) accepted classes.
        n_folds: units are dealt into folds by their order.
    """
    fold = np.arange(len(posterior)) % n_folds
    result = np.empty_like(posterior)
    for k in range(n_folds):
        temperature = fit_temperature(posterior[fold != k], accepted[fold != k], min_n=1)
        result[fold == k] = tempered(posterior[fold == k], temperature.value)
    return result


def stated_against_realised(confidence: np.ndarray, hit: np.ndarray) -> dict[str, Any]:
    """Return the mean stated confidence, the realised accuracy with interval, and both by bins of confidence.

    Args:
        confidence: (n,) stated probability of each decision.
        hit: (n,) whether the decision is among the accepted answers.

    Returns:
        `stated`, `realised` (an estimate), and `bins`: from, to, n, stated, realised.
    """
    bins = []
    which = np.clip(np.searchsorted(BINS, confidence, side="right") - 1, 0, len(BINS) - 2)
    for k in range(len(BINS) - 1):
        rows = which == k
        if rows.any():
            realised = wilson(int(hit[rows].sum()), int(rows.sum())).to_json()
            bins.append(
                {"from": BINS[k], "to": BINS[k + 1], "stated": float(confidence[rows].mean()), "realised": realised}
            )
    stated = float(confidence.mean()) if len(confidence) else None
    return {"stated": stated, "realised": wilson(int(hit.sum()), len(hit)).to_json(), "bins": bins}
