"""Intervals: Wilson, Jeffreys, Wilson under clustering, and percentiles of a bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.special import betaincinv, ndtri

from app.stats.results import Estimate, undefined

LEVEL = 0.95


def wilson(successes: float, n: float, *, level: float = LEVEL) -> Estimate:
    """Return a proportion with Wilson's score interval.

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), with p = successes / n. Stays inside [0, 1] and has width
    even when every trial succeeds.

    Args:
        successes: trials that succeeded, 0 <= successes <= n.
        n: trials; independent.
        level: coverage.

    Returns:
        The proportion; undefined when n is 0.

    Raises:
        ValueError: successes lie outside [0, n].

    Source: Wilson (1927); Newcombe (1998), method 3.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"wilson: {successes} successes out of {n}; they must lie between 0 and n.")
    if n == 0:
        return undefined("no observations")
    low, high = _wilson_bounds(successes / n, n, level)
    return Estimate(value=successes / n, n=round(n), low=low, high=high, level=level, method="Wilson")


def jeffreys(successes: float, n: float, *, level: float = LEVEL) -> Estimate:
    """Return a proportion with Jeffreys' interval: quantiles of Beta(successes + 1/2, failures + 1/2).

    By convention the lower end is 0 when nothing succeeded and the upper end 1 when everything did.

    Args:
        successes: trials that succeeded, 0 <= successes <= n.
        n: trials.
        level: coverage.

    Returns:
        The observed proportion (not the posterior mean); undefined when n is 0.

    Raises:
        ValueError: successes lie outside [0, n].

    Source: Brown, Cai and DasGupta (2001), section 4.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"jeffreys: {successes} successes out of {n}; they must lie between 0 and n.")
    if n == 0:
        return undefined("no observations")
    tail = (1 - level) / 2
    low, high = betaincinv(successes + 0.5, n - successes + 0.5, [tail, 1 - tail])
    low = 0.0 if successes == 0 else float(low)
    high = 1.0 if successes == n else float(high)
    return Estimate(value=successes / n, n=round(n), low=low, high=high, level=level, method="Jeffreys")


def wilson_clustered(success: np.ndarray, clusters: Sequence[np.ndarray], *, level: float = LEVEL) -> Estimate:
    """Return a proportion of rows with Wilson's interval on the number of rows that are worth independent ones.

    n_effective = p(1-p) / V with V the cluster-robust variance of p: of one clustering sum_g (sum of residuals)² / n²
    times G/(G-1); of two crossed ones (raters and comparisons) V_1 + V_2 - p(1-p)/n, a rater meeting a comparison once.
    The interval is never narrower than Wilson's on the rows themselves. A clustering with fewer than 10 clusters is
    left out: its sandwich would be noise.

    Args:
        success: (n,) bool or 0/1.
        clusters: up to two (n,) arrays of non-negative integers, the cluster of each row.
        level: coverage.

    Returns:
        The proportion; undefined when there are no rows.

    Source: Wilson (1927); Cameron, Gelbach and Miller (2011), equation 2.9; Korn and Graubard (1998), effective n.
    """
    y = np.asarray(success, float)
    n = len(y)
    if n == 0:
        return undefined("no observations")
    p = float(y.mean())
    independent = p * (1 - p) / n
    variances = [v for v in (_clustered_variance(y - p, codes) for codes in clusters) if v is not None]
    variance = sum(variances) - independent * max(len(variances) - 1, 0)
    n_effective = n if variance <= independent or independent == 0 else n * independent / variance
    low, high = _wilson_bounds(p, n_effective, level)
    method = "Wilson" if n_effective == n else f"Wilson, effective n {n_effective:.0f} (clusters)"
    return Estimate(value=p, n=n, low=low, high=high, level=level, method=method)


def clustered_estimate(
    value: float, influence: np.ndarray, clusters: Sequence[np.ndarray], *, level: float = LEVEL
) -> Estimate:
    """Return an estimate with a normal interval whose error is robust to clusters.

    V = sum_k u_k² for independent rows; of one clustering sum_g (sum of u)² times G/(G-1); of two crossed ones
    V_1 + V_2 - sum u². Never narrower than for independent rows. A clustering with fewer than 10 clusters is left out.

    Args:
        value: the estimate.
        influence: (n,) what each row adds to the estimate beyond its expectation; they sum to 0.
        clusters: up to two (n,) arrays of non-negative integers, the cluster of each row.
        level: coverage.

    Source: Cameron, Gelbach and Miller (2011), equation 2.9.
    """
    n = len(influence)
    independent = float((influence**2).sum())
    variances = [v for v in (_clustered_variance(influence * n, codes) for codes in clusters) if v is not None]
    variance = max(independent, sum(variances) - independent * max(len(variances) - 1, 0))
    error = float(np.sqrt(variance))
    low, high = normal_interval(value, error, level=level)
    method = f"normal, cluster-robust ({len(variances)} clusterings)" if variances else "normal"
    return Estimate(value, n, low, high, level, method, standard_error=error)


def percentile_interval(draws: np.ndarray, *, level: float = LEVEL) -> tuple[float, float] | None:
    """Return the central interval of bootstrap draws, or None when fewer than half of them are defined.

    Args:
        draws: (n_resamples,) statistics of the resamples; NaN where a resample left the statistic undefined.
        level: coverage.

    Source: Efron (1979); Efron and Tibshirani (1993), chapter 13.
    """
    kept = draws[np.isfinite(draws)]
    if len(kept) < max(2, len(draws) / 2):
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(kept, [tail, 1 - tail])
    return float(low), float(high)


def normal_interval(value: float, standard_error: float, *, level: float = LEVEL) -> tuple[float, float]:
    """Return value ± z standard errors."""
    z = _quantile(level)
    return float(value - z * standard_error), float(value + z * standard_error)


@cache
def _quantile(level: float) -> float:
    """Return the standard normal quantile that leaves (1 - level) / 2 above it."""
    return float(ndtri(1 - (1 - level) / 2))


def _wilson_bounds(p: float, n: float, level: float) -> tuple[float, float]:
    z = _quantile(level)
    centre = p + z * z / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if p == 0 else (centre - half) / scale
    high = 1.0 if p == 1 else (centre + half) / scale
    return float(low), float(high)


def _clustered_variance(residual: np.ndarray, codes: np.ndarray) -> float | None:
    """Return the variance of the mean of `residual` under a clustering, or None with fewer than 10 clusters."""
    groups = int((np.bincount(codes) > 0).sum())
    if groups < 10:
        return None
    sums = np.bincount(codes, weights=residual)
    return groups / (groups - 1) * float((sums**2).sum()) / len(residual) ** 2
