"""Coverage of nominal 95 % intervals by simulation: 300 comparisons, 2,000 replicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from app.stats.agreement import (
    alpha_statistic,
    bootstrap,
    krippendorff_alpha,
    percent_agreement,
    percent_agreement_statistic,
    with_bootstrap,
)
from app.stats.ceiling import human_ceiling
from app.stats.coefficients import fleiss_kappa, gwet_ac
from app.stats.intervals import jeffreys, wilson, wilson_clustered
from app.stats.kappa import agreement_weights, cohen_kappa, joint_table
from app.stats.logistic import fit_logistic
from app.stats.patterns import LabelPatterns, count_patterns
from app.stats.results import Estimate
from app.stats.strength import Games, aggregate_games, bradley_terry

N_UNITS, N_REPLICATES, PER_UNIT, N_LABELS = 300, 2_000, 3, 5
COMPARED = "Fisher, for comparison"
VALUES = np.arange(N_LABELS, dtype=float)
Maker = Callable[[LabelPatterns], dict[str, Estimate]]


def coverage_lines() -> Iterator[dict[str, Any]]:
    """One line an interval: the share of replicates whose interval holds the true value; the aim is .90 to .97."""
    yield from _from(count_based(), population_of_counts())
    for name, share in proportions():
        yield _line(name, share)
    for name, share in models():
        yield _line(name, share)


def _line(name: str, share: float) -> dict[str, Any]:
    value = round(float(share), 4)
    return {
        "name": f"coverage, {name}",
        "n": N_REPLICATES,
        "median": value,
        "p95": value,
        "unit": "share",
        "aim": "for comparison" if COMPARED in name else ".90 to .97",
    }


def _from(hits: Iterator[dict[str, Estimate]], truth: dict[str, float]) -> Iterator[dict[str, Any]]:
    inside = dict.fromkeys(truth, 0)
    for estimates in hits:
        for name, estimate in estimates.items():
            inside[name] += estimate.low <= truth[name] <= estimate.high
    for name, count in inside.items():
        yield _line(name, count / N_REPLICATES)


def simulate_labels(rng: np.random.Generator, n_units: int) -> tuple[np.ndarray, np.ndarray]:
    """Units that differ in difficulty, raters who err near the truth: (unit, label) arrays."""
    truth = rng.integers(0, N_LABELS, n_units)
    difficulty = rng.choice([0.15, 0.5, 0.8], n_units)
    noise = rng.choice([-2, -1, 1, 2], (n_units, PER_UNIT), p=[0.15, 0.35, 0.35, 0.15])
    wrong = rng.random((n_units, PER_UNIT)) < difficulty[:, None]
    label = np.clip(truth[:, None] + noise * wrong, 0, N_LABELS - 1)
    return np.repeat(np.arange(n_units), PER_UNIT), label.ravel()


def estimates(patterns: LabelPatterns, pairs: np.ndarray, *, seed: int) -> dict[str, Estimate]:
    """Every count-based interval of one replicate."""
    statistics = {
        level: alpha_statistic(patterns, level=level, values=VALUES) for level in ("nominal", "ordinal", "interval")
    }
    statistics["percent agreement"] = percent_agreement_statistic(patterns)
    draws = bootstrap(patterns, statistics, n_resamples=500, seed=seed)
    found = {
        f"alpha {level}": with_bootstrap(
            krippendorff_alpha(patterns, level=level, values=VALUES).estimate, draws[level]
        )
        for level in ("nominal", "ordinal", "interval")
    }
    quadratic = agreement_weights("quadratic", VALUES)
    ceiling = human_ceiling(patterns, n_bootstrap=500, seed=seed)
    return found | {
        "percent agreement": with_bootstrap(percent_agreement(patterns), draws["percent agreement"]),
        "Fleiss' kappa": fleiss_kappa(patterns),
        "Gwet's AC1": gwet_ac(patterns),
        "Gwet's AC2": gwet_ac(patterns, weights=quadratic),
        "Cohen's kappa": cohen_kappa(pairs),
        "Cohen's kappa, quadratic": cohen_kappa(pairs, weights=quadratic),
        "human ceiling": ceiling.agreement,
        "human ceiling, corrected": ceiling.kappa,
    }


def count_based() -> Iterator[dict[str, Estimate]]:
    """The estimates of each replicate."""
    for replicate in range(N_REPLICATES):
        rng = np.random.default_rng([1, replicate])
        unit, label = simulate_labels(rng, N_UNITS)
        yield estimates(count_patterns(unit, label, N_LABELS), _pairs(label), seed=replicate)


def population_of_counts() -> dict[str, float]:
    """The true values, from two million units."""
    unit, label = simulate_labels(np.random.default_rng(0), 2_000_000)
    found = estimates(count_patterns(unit, label, N_LABELS), _pairs(label), seed=0)
    return {name: estimate.value for name, estimate in found.items()}


def _pairs(label: np.ndarray) -> np.ndarray:
    table = label.reshape(-1, PER_UNIT)
    return joint_table(table[:, 0], table[:, 1], N_LABELS)


def proportions() -> Iterator[tuple[str, float]]:
    """Wilson, Jeffreys, and Wilson on clusters of raters of different leaning."""
    rng = np.random.default_rng(2)
    hits = rng.binomial(N_UNITS, 0.15, N_REPLICATES)
    for name, interval in (("Wilson", wilson), ("Jeffreys", jeffreys)):
        yield f"{name} at .15", np.mean([(e := interval(int(k), N_UNITS)).low <= 0.15 <= e.high for k in hits])
    inside = 0
    for _ in range(N_REPLICATES):
        lean = rng.beta(6, 4, 40)
        rater = np.repeat(np.arange(40), 15)
        estimate = wilson_clustered(rng.random(600) < lean[rater], [rater])
        inside += estimate.low <= 0.6 <= estimate.high
    yield "Wilson on 40 clusters", inside / N_REPLICATES


def models() -> Iterator[tuple[str, float]]:
    """Bradley-Terry with ties and order (Fisher), and logistic regression on clusters."""
    rng = np.random.default_rng(3)
    strengths = np.array([0.8, 0.3, 0.0, -0.4, -0.7])
    inside = {"Bradley-Terry strength": 0.0, "order effect": 0.0, "clustered logistic": 0.0}
    for _ in range(N_REPLICATES):
        i = rng.integers(0, 5, 600)
        j = (i + rng.integers(1, 5, 600)) % 5
        order = rng.choice([-1, 1], 600)
        eta = strengths[i] - strengths[j] + 0.2 * order
        weights = np.stack([np.exp(eta / 2), np.exp(-eta / 2), np.full(600, 0.5)])
        outcome = (rng.random(600) > np.cumsum(weights / weights.sum(axis=0), axis=0)).sum(axis=0)
        fit = bradley_terry(aggregate_games(i, j, outcome, 5, order=order))
        inside["Bradley-Terry strength"] += np.mean(np.abs(fit.strengths - strengths) < 1.96 * fit.standard_errors)
        inside["order effect"] += abs(fit.effects[0] - 0.2) < 1.96 * fit.effect_errors[0]
        inside["clustered logistic"] += _logistic_hit(rng)
    for name, count in inside.items():
        yield name, count / N_REPLICATES
    yield from clustered_strengths()


def clustered_strengths() -> Iterator[tuple[str, float]]:
    """Bradley-Terry where 60 raters have tastes of their own: errors by cluster, and Fisher's, which are too small.

    The truth is what the average rater's votes tend to, from two million votes of as many raters.
    """
    rng = np.random.default_rng(4)
    many = 2_000_000
    truth = bradley_terry(aggregate_games(*tasteful_games(rng, many // 20, 20)[:3], 5)).strengths
    inside = {"cluster-robust": 0.0, COMPARED: 0.0}
    for _ in range(N_REPLICATES):
        i, j, outcome, rater = tasteful_games(rng, 60, 20)
        games = Games(i, j, np.eye(3)[outcome], np.zeros((len(i), 0)), (), 5, cluster=rater)
        fit = bradley_terry(games)
        off = np.abs(fit.strengths - truth)
        inside["cluster-robust"] += np.mean(off < 1.96 * fit.standard_errors)
        inside[COMPARED] += np.mean(off < 1.96 * fit.fisher_errors)
    for name, count in inside.items():
        yield f"Bradley-Terry, raters with tastes, {name}", count / N_REPLICATES


def tasteful_games(
    rng: np.random.Generator, n_raters: int, n_each: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Votes (i, j, outcome, rater) of raters whose strengths scatter around common ones with deviation .7."""
    common = np.array([0.8, 0.3, 0.0, -0.4, -0.7])
    own = common + rng.normal(0, 0.7, (n_raters, 5))
    rater = np.repeat(np.arange(n_raters), n_each)
    i = rng.integers(0, 5, len(rater))
    j = (i + rng.integers(1, 5, len(rater))) % 5
    lost = rng.random(len(rater)) > 1 / (1 + np.exp(own[rater, j] - own[rater, i]))
    return i, j, lost.astype(np.int64), rater


def _logistic_hit(rng: np.random.Generator) -> bool:
    """Place bias of 50 raters who share it, each with 12 votes: does the clustered interval hold it?"""
    rater = np.repeat(np.arange(50), 12)
    side = rng.choice([-1.0, 1.0], 600)
    y = (rng.random(600) < 1 / (1 + np.exp(-0.3 * side))).astype(float)
    fit = fit_logistic(side[:, None], y, clusters=[rater])
    return bool(abs(fit.coefficients[0] - 0.3) < 1.96 * fit.standard_errors[0])
