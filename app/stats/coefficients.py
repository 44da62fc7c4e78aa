"""Chance-corrected coefficients for any number of raters: Fleiss' kappa, Gwet's AC1 and AC2, Brennan-Prediger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.stats.agreement import NO_PAIRS
from app.stats.intervals import LEVEL, normal_interval
from app.stats.patterns import LabelPatterns
from app.stats.results import Estimate, undefined

NO_CHANCE = "no variation: chance agreement is 1"


@dataclass(frozen=True)
class _Margins:
    """What the three coefficients share.

    Attributes:
        agreement: (P,) weighted agreement within a unit of each pattern, 0 where it has one vote.
        observed: mean agreement over units with two votes.
        shares: (K,) mean share of each label over all units.
        rows: (P, K) shares within a unit.
        n: units with a vote.
        n_pairable: units with two.
    """

    agreement: np.ndarray
    observed: float
    shares: np.ndarray
    rows: np.ndarray
    n: float
    n_pairable: float


def fleiss_kappa(patterns: LabelPatterns, *, weights: np.ndarray | None = None) -> Estimate:
    """Return Fleiss' kappa, for any number of votes per unit.

    (p_a - p_e) / (1 - p_e), p_e = sum_kl w_kl pi_k pi_l, pi the mean label shares. With the same number of votes on
    each unit and identity weights this is Fleiss (1971). The error is Gwet's linearised one, over comparisons.

    Args:
        patterns: label counts.
        weights: (K, K) weights of agreement (see `kappa.agreement_weights`); None is identity.

    Returns:
        Kappa, n = units with two votes; undefined without such units and when all votes are equal.

    Source: Fleiss (1971), equation 9; Gwet (2014), equations 2.24 and 5.15 for unequal numbers of votes and the error.
    """
    weights = _identity(patterns, weights)
    margins = _margins(patterns, weights)
    if margins is None:
        return undefined(NO_PAIRS)
    chance = float(margins.shares @ weights @ margins.shares)
    per_unit = margins.rows @ (weights @ margins.shares + weights.T @ margins.shares) / 2
    return _coefficient(patterns, margins, chance, per_unit)


def gwet_ac(patterns: LabelPatterns, *, weights: np.ndarray | None = None, n_labels: int | None = None) -> Estimate:
    """Return Gwet's AC1, or AC2 when weights are given.

    (p_a - p_e) / (1 - p_e), p_e = T_w / (q (q - 1)) sum_k pi_k (1 - pi_k), T_w the sum of the weights and q the number
    of labels that could have been given. Unlike kappa it stays high when nearly all votes are on one label.

    Args:
        patterns: label counts.
        weights: (K, K) weights of agreement for AC2; None is AC1.
        n_labels: q; by default the number of columns.

    Returns:
        The coefficient, n = units with two votes; undefined without such units, and with a single label.

    Source: Gwet (2008), equations 6 and 22; Gwet (2014), chapter 5.
    """
    weights = _identity(patterns, weights)
    margins = _margins(patterns, weights)
    q = patterns.rows.shape[1] if n_labels is None else n_labels
    if margins is None:
        return undefined(NO_PAIRS)
    if q < 2:
        return undefined("a single label: chance agreement is 1")
    scale = weights.sum() / (q * (q - 1))
    chance = float(scale * (margins.shares * (1 - margins.shares)).sum())
    per_unit = scale * (margins.rows @ (1 - margins.shares))
    return _coefficient(patterns, margins, chance, per_unit)


def brennan_prediger(patterns: LabelPatterns, *, weights: np.ndarray | None = None) -> Estimate:
    """Return the Brennan-Prediger coefficient: chance agreement is that of uniformly random labels, T_w / q².

    Source: Brennan and Prediger (1981); Gwet (2014), section 4.4 for the error.
    """
    weights = _identity(patterns, weights)
    margins = _margins(patterns, weights)
    if margins is None:
        return undefined(NO_PAIRS)
    chance = float(weights.sum() / len(weights) ** 2)
    return _coefficient(patterns, margins, chance, np.full(len(patterns.rows), chance))


def _identity(patterns: LabelPatterns, weights: np.ndarray | None) -> np.ndarray:
    return np.eye(patterns.rows.shape[1]) if weights is None else weights


def _margins(patterns: LabelPatterns, weights: np.ndarray) -> _Margins | None:
    votes, units = patterns.n_votes, patterns.n_units
    two = votes >= 2
    n_pairable = float(units[two].sum())
    if n_pairable == 0:
        return None
    together = (patterns.rows * (patterns.rows @ weights.T - 1)).sum(axis=1)
    agreement = np.where(two, together / np.maximum(votes * (votes - 1), 1), 0.0)
    rows = patterns.rows / votes[:, None]
    n = float(units.sum())
    return _Margins(agreement, float(units @ agreement) / n_pairable, units @ rows / n, rows, n, n_pairable)


def _coefficient(patterns: LabelPatterns, margins: _Margins, chance: float, per_unit: np.ndarray) -> Estimate:
    """Return (p_a - p_e) / (1 - p_e) with its linearised error.

    Each unit contributes x_u = (n / n') (a_u - p_e) / (1 - p_e) - 2 (1 - value) (p_eu - p_e) / (1 - p_e); the error is
    that of their mean, with units of one comparison summed first.
    """
    n_pairable = round(margins.n_pairable)
    if np.isclose(chance, 1.0, rtol=0, atol=1e-12):
        return undefined(NO_CHANCE, n=n_pairable)
    value = (margins.observed - chance) / (1 - chance)
    pairable = patterns.n_votes >= 2
    share = margins.n / margins.n_pairable * np.where(pairable, margins.agreement - chance, 0.0) / (1 - chance)
    deviation = share - 2 * (1 - value) * (per_unit - chance) / (1 - chance) - value
    error = _error_of_mean(patterns, deviation, margins.n)
    if error is None:
        return Estimate(value=value, n=n_pairable, undefined_reason="no interval from a single comparison")
    low, high = normal_interval(value, error)
    return Estimate(
        value=value,
        n=n_pairable,
        low=max(low, -1.0),
        high=min(high, 1.0),
        level=LEVEL,
        method="normal with Gwet's linearised error",
        standard_error=error,
    )


def _error_of_mean(patterns: LabelPatterns, deviation: np.ndarray, n: float) -> float | None:
    if patterns.cluster_patterns is None:
        sums, counts = deviation, patterns.n_units
    else:
        sums, counts = patterns.cluster_patterns @ deviation, patterns.cluster_counts
    clusters = counts.sum()
    if clusters < 2:
        return None
    return float(np.sqrt((counts * sums**2).sum() * clusters / (clusters - 1)) / n)
