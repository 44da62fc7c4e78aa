"""Revealed weights: how much each criterion moves the overall verdict, beside what the rubric declares.

Raw "who prevails" tables mislead when criteria form coalitions: a criterion that sides with a strong one looks strong.
A logistic regression of the verdict on all criteria at once takes the coalitions apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from app.stats.intervals import percentile_interval
from app.stats.logistic import LogisticFit, fit_logistic
from app.stats.results import Estimate, undefined
from app.stats.tension import COMPARE_FROM, Profiles, TensionPair

N_DRAWS = 10_000


@dataclass(frozen=True)
class RevealedWeights:
    """The regression of the overall verdict on the criteria.

    Attributes:
        criteria: names, in the order of the coefficients.
        shares: |b_c| / sum |b|, per criterion.
        coefficients: b_c, log odds for `first` per full-strength unit of the criterion.
        fit: the regression, or None when there is too little to fit.
        draws: (n_draws, C) draws of the coefficients from their cluster-robust normal distribution.
        undefined_reason: why there are no weights, or None.
    """

    criteria: tuple[str, ...]
    shares: dict[str, Estimate]
    coefficients: dict[str, Estimate]
    fit: LogisticFit | None
    draws: np.ndarray | None
    undefined_reason: str | None


def revealed_weights(profiles: Profiles, *, extra: np.ndarray | None = None, seed: int = 0) -> RevealedWeights:
    """Return the weights that the decided overall verdicts reveal.

    logit P(y > 0) = sum_c b_c d_c (+ extra columns). A criterion without a value pulls neither way and counts as 0.
    Errors are clustered by rater and comparison. Shares come with intervals from draws of
    the coefficients, because |b| / sum |b| is far from normal near 0.

    Args:
        profiles: judgments by criterion.
        extra: (J, e) further columns, antisymmetric in the two responses (position, log length ratio), or None.
        seed: of the draws.

    Returns:
        The weights; undefined with fewer than max(93, 10 per criterion) decided verdicts, and where the criteria
        settle every verdict (separation: only the order of the weights could be told, not their size).
    """
    criteria = profiles.criteria
    decided = (profiles.overall_sign != 0) & (profiles.signs != 0).any(axis=1)
    n, needed = int(decided.sum()), max(COMPARE_FROM, 10 * len(criteria))
    if not criteria:
        return _none(criteria, "no criteria besides the overall verdict", n)
    if n < needed:
        return _none(criteria, f"{n} decided judgments; {needed} are needed", n)
    x = np.nan_to_num(profiles.values[decided])
    if extra is not None:
        x = np.hstack([x, extra[decided]])
    y = (profiles.overall_sign[decided] > 0).astype(float)
    fit = fit_logistic(x, y, clusters=[profiles.rater[decided], profiles.comparison[decided]])
    if fit.separated:
        return _none(criteria, "the criteria settle every verdict, so the weights have no size (separation)", n)
    size = len(criteria)
    rng = np.random.default_rng(seed)
    draws = rng.multivariate_normal(fit.coefficients[:size], fit.covariance[:size, :size], size=N_DRAWS, method="eigh")
    method = "draws from the regression, errors clustered by rater and comparison"
    b = fit.coefficients[:size]
    share, share_draws = np.abs(b) / np.abs(b).sum(), np.abs(draws) / np.abs(draws).sum(axis=1, keepdims=True)
    shares = {name: _drawn(share[c], share_draws[:, c], n, method) for c, name in enumerate(criteria)}
    coefficients = {name: _drawn(b[c], draws[:, c], n, method) for c, name in enumerate(criteria)}
    return RevealedWeights(criteria, shares, coefficients, fit, draws, None)


def adjusted_prevails(weights: RevealedWeights, pair: TensionPair) -> Estimate:
    """Return how often the first criterion of a pair would prevail over the second if nothing else pulled.

    1 / (1 + exp(-s (b_i - b_j))), s the mean strength of the pair's conflicts. Above .5 the first one prevails.

    Args:
        weights: the regression.
        pair: the pair and its conflicts.

    Returns:
        The share; undefined without a fit or without conflicts.
    """
    if weights.draws is None or pair.strength is None:
        return undefined(weights.undefined_reason or "no conflicts", n=pair.n_conflicts)
    i, j = (weights.criteria.index(name) for name in pair.between)
    b = weights.fit.coefficients
    value = expit(pair.strength * (b[i] - b[j]))
    draws = expit(pair.strength * (weights.draws[:, i] - weights.draws[:, j]))
    return _drawn(value, draws, pair.n_conflicts, "draws from the regression of revealed weights")


def declared_shares(declared: Mapping[str, float], criteria: tuple[str, ...]) -> dict[str, float]:
    """Return the rubric's weights of these criteria, scaled to sum 1; empty when they sum to 0."""
    sizes = {name: abs(float(declared.get(name) or 0.0)) for name in criteria}
    total = sum(sizes.values())
    return {name: size / total for name, size in sizes.items()} if total else {}


def is_inversion(adjusted: Estimate, declared: Mapping[str, float], between: tuple[str, str]) -> bool | None:
    """Return whether verdicts clearly rank two criteria against the rubric's weights; None when that cannot be told."""
    if adjusted.value is None or adjusted.low is None or not declared:
        return None
    difference = declared.get(between[0], 0.0) - declared.get(between[1], 0.0)
    return bool((difference > 0 and adjusted.high < 0.5) or (difference < 0 and adjusted.low > 0.5))


def _drawn(value: float, draws: np.ndarray, n: int, method: str) -> Estimate:
    low, high = percentile_interval(draws)
    return Estimate(value=float(value), n=n, low=low, high=high, method=method)


def _none(criteria: tuple[str, ...], reason: str, n: int) -> RevealedWeights:
    nothing = {name: undefined(reason, n=n) for name in criteria}
    return RevealedWeights(criteria, nothing, dict(nothing), None, None, reason)
