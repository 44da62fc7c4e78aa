"""Do raters resolve a tension alike? Tarone's test, and each rater's rate shrunk towards the common one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from app.stats.tension import Profiles

MIN_RATERS = 5
TWO_COMMUNITIES = 3.0
"""Z from which raters should not be averaged: they follow different rules."""


@dataclass(frozen=True)
class Heterogeneity:
    """How far raters differ in how they resolve one tension.

    Attributes:
        z: Tarone's Z, standard normal when every rater has the same rate; None when undefined.
        p_value: one-sided.
        correlation: intraclass correlation of two resolutions by one rater, 0 when raters do not differ.
        n: decided conflicts.
        n_raters: raters with at least one.
        raters: (n_raters,) their codes.
        rates: (n_raters,) their rates, shrunk towards the common rate; between 0 and 1.
        undefined_reason: why there is no z, or None.
    """

    z: float | None
    p_value: float | None
    correlation: float | None
    n: int
    n_raters: int
    raters: np.ndarray
    rates: np.ndarray
    undefined_reason: str | None = None


def tarone(successes: np.ndarray, trials: np.ndarray) -> float | None:
    """Return Tarone's Z: are the proportions of several binomials equal?

    Z = (S - sum n) / sqrt(2 sum n (n - 1)), S = sum (x - n p)² / (p (1 - p)), p the pooled proportion. Far above 0 the
    groups differ. None when p is 0 or 1 or no group has two trials.

    Source: Tarone (1979), equation 3.
    """
    x, n = np.asarray(successes, float), np.asarray(trials, float)
    p = x.sum() / max(n.sum(), 1)
    spread = 2 * (n * (n - 1)).sum()
    if p in (0.0, 1.0) or spread == 0:
        return None
    return float((((x - n * p) ** 2).sum() / (p * (1 - p)) - n.sum()) / np.sqrt(spread))


def shrunken_rates(successes: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, float]:
    """Return each group's proportion shrunk towards the common one, and the intraclass correlation.

    rho = max(0, (S - sum n) / sum n (n - 1)), the moment estimate that Tarone's Z tests; the prior is Beta with mean p
    and p-weight m = (1 - rho) / rho, so the rate is (m p + x) / (m + n). With rho = 0 every rate is p.

    Source: Kleinman (1973), moment estimation of the beta-binomial.
    """
    x, n = np.asarray(successes, float), np.asarray(trials, float)
    p = x.sum() / max(n.sum(), 1)
    pairs = (n * (n - 1)).sum()
    if p in (0.0, 1.0) or pairs == 0:
        return np.full(len(n), p), 0.0
    excess = ((x - n * p) ** 2).sum() / (p * (1 - p)) - n.sum()
    correlation = float(np.clip(excess / pairs, 0.0, 0.999))
    if correlation == 0:
        return np.full(len(n), p), 0.0
    weight = (1 - correlation) / correlation
    return (weight * p + x) / (weight + n), correlation


def resolution_heterogeneity(profiles: Profiles, first: str, second: str) -> Heterogeneity:
    """Return whether raters differ in how often `first` prevails over `second` in their decided conflicts.

    Args:
        profiles: judgments by criterion.
        first: a criterion.
        second: another.
    """
    i, j = profiles.criteria.index(first), profiles.criteria.index(second)
    signs, overall = profiles.signs, profiles.overall_sign
    decided = (signs[:, i] * signs[:, j] < 0) & (overall != 0)
    for_first = overall[decided] == signs[decided, i]
    raters, code = np.unique(profiles.rater[decided], return_inverse=True)
    trials = np.bincount(code, minlength=len(raters))
    successes = np.bincount(code, weights=for_first, minlength=len(raters))
    rates, correlation = shrunken_rates(successes, trials)
    n = int(trials.sum())
    if len(raters) < MIN_RATERS:
        reason = f"{len(raters)} raters; {MIN_RATERS} are needed"
        return Heterogeneity(None, None, None, n, len(raters), raters, rates, reason)
    z = tarone(successes, trials)
    if z is None:
        reason = "no variation, or no rater with two conflicts"
        return Heterogeneity(None, None, None, n, len(raters), raters, rates, reason)
    return Heterogeneity(z, float(ndtr(-z)), correlation, n, len(raters), raters, rates)
