"""What a policy will cost and how right it will be, before anybody votes: simulated raters, the policies' own rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.stats.calibration import tempered
from app.stats.intervals import wilson
from app.stats.overlap import ASK, CONFIDENT, CONTESTED, THRESHOLD, decide_overlap
from app.stats.results import Estimate
from app.stats.stopping import CEILING, FLOOR, N_CLASSES, GoldVote, StoppingModel, fit_stopping

FIXED, CURTAILED, POSTERIOR = "fixed", "curtailed", "posterior"
POLICIES = (FIXED, CURTAILED, POSTERIOR)
N_SIMULATED = 4_000
HARD_ACCURACY = 0.55
"""Everybody's accuracy on a hard comparison."""

N_GOLD, GOLD_SHARE = 60, 1 / 3
"""Gold comparisons, and the share of them that each simulated rater answers: so the posterior knows them."""


@dataclass(frozen=True)
class Crowd:
    """What is assumed of raters and comparisons.

    Attributes:
        accuracies: of the raters on comparisons that are not hard, 0 to 1 each.
        hard_share: share of comparisons on which everybody is right with `HARD_ACCURACY`.
        tie_share: share of wrong answers that are ties; the others favour the wrong side.
    """

    accuracies: tuple[float, ...]
    hard_share: float = 0.1
    tie_share: float = 0.3


@dataclass(frozen=True)
class PolicyCost:
    """What one policy costs and gives in a simulation.

    Attributes:
        policy: fixed, curtailed or posterior.
        overlap: the most votes that a comparison gets.
        votes_per_comparison: mean.
        accuracy: of the settled comparisons.
        settled_share: share of comparisons that are settled and not contested.
        votes_per_label: votes for each settled comparison.
        note: what to know of it; empty for nothing.
    """

    policy: str
    overlap: int
    votes_per_comparison: float
    accuracy: Estimate
    settled_share: float
    votes_per_label: float | None
    note: str = ""


def drawn_crowd(n_raters: int, *, mean: float, spread: float, hard_share: float = 0.1, seed: int = 0) -> Crowd:
    """Raters whose accuracies are drawn from a normal distribution, cut to .5 and .99.

    Raises:
        ValueError: no rater, or a mean that is no accuracy above chance.
    """
    if n_raters < 1 or not 0.5 <= mean < 1:
        raise ValueError(f"drawn_crowd: {n_raters} raters of mean accuracy {mean}; give at least one, and .5 to .99.")
    drawn = np.random.default_rng(seed).normal(mean, spread, n_raters)
    return Crowd(tuple(float(one) for one in np.clip(drawn, 0.5, 0.99)), hard_share)


def simulate_policies(
    crowd: Crowd,
    *,
    overlaps: tuple[int, ...] = (3, 5, 7),
    threshold: float = THRESHOLD,
    audit_share: float = 0.05,
    n: int = N_SIMULATED,
    seed: int = 0,
) -> list[PolicyCost]:
    """Simulate every policy at every overlap on the same votes.

    Each of `n` comparisons has one true side. Raters are drawn at random without repetition and are right with their
    accuracy. The posterior knows them by some 20 simulated gold answers each. A share of early stops goes on to all
    votes and costs them.

    Args:
        crowd: what is assumed.
        overlaps: largest overlaps; those beyond the number of raters are left out.
        threshold: posterior that stops.
        audit_share: share of early-stopped comparisons that get all votes.
        n: simulated comparisons.
        seed: of every draw.

    Returns:
        One row per overlap and policy, in that order.
    """
    rows = []
    for overlap in [one for one in overlaps if one <= len(crowd.accuracies)]:
        rng = np.random.default_rng([seed, overlap])
        raters, labels, truth = _votes(crowd, n, overlap, rng)
        model = fit_stopping(_gold(crowd, rng), largest=overlap, threshold=threshold)
        for policy in POLICIES:
            rows.append(_run(policy, raters, labels, truth, model, threshold, audit_share))
    return rows


def _votes(crowd: Crowd, n: int, overlap: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, overlap) raters and labels, and (n,) true sides."""
    truth = rng.integers(0, 2, n)
    raters = rng.random((n, len(crowd.accuracies))).argsort(axis=1)[:, :overlap]
    accuracy = np.array(crowd.accuracies)[raters]
    accuracy = np.where((rng.random(n) < crowd.hard_share)[:, None], HARD_ACCURACY, accuracy)
    return raters, _answers(accuracy, truth[:, None], crowd.tie_share, rng), truth


def _answers(accuracy: np.ndarray, truth: np.ndarray, tie_share: float, rng: np.random.Generator) -> np.ndarray:
    wrong = np.where(rng.random(accuracy.shape) < tie_share, 2, 1 - truth)
    return np.where(rng.random(accuracy.shape) < accuracy, truth, wrong)


def _gold(crowd: Crowd, rng: np.random.Generator) -> list[GoldVote]:
    """Everybody's answers to their share of the gold comparisons."""
    truth = rng.integers(0, 2, N_GOLD)
    accuracy = np.array(crowd.accuracies)[None, :].repeat(N_GOLD, axis=0)
    hard = rng.random(N_GOLD) < crowd.hard_share
    accuracy = np.where(hard[:, None], HARD_ACCURACY, accuracy)
    labels = _answers(accuracy, truth[:, None], crowd.tie_share, rng)
    return [
        GoldVote(f"g{unit:03}", str(rater), int(labels[unit, rater]), (int(truth[unit]),))
        for unit in range(N_GOLD)
        for rater in rng.permutation(len(crowd.accuracies))
        if rng.random() < GOLD_SHARE
    ]


def _run(
    policy: str,
    raters: np.ndarray,
    labels: np.ndarray,
    truth: np.ndarray,
    model: StoppingModel,
    threshold: float,
    audit_share: float,
) -> PolicyCost:
    """One policy on all votes, as if they came one after the other."""
    n, overlap = labels.shape
    counts = np.zeros((n, N_CLASSES), np.int64)
    cost, answer, settled = np.full(n, overlap), np.full(n, -1), np.zeros(n, bool)
    is_open = np.ones(n, bool)
    uses_posterior = policy == POSTERIOR and model.is_usable
    posteriors = _posteriors(model, raters, labels) if uses_posterior else None
    for asked in range(1, overlap + 1):
        counts[np.arange(n), labels[:, asked - 1]] += 1
        if policy == FIXED and asked < overlap:
            continue
        posterior = None if posteriors is None else posteriors[asked - 1]
        made = decide_overlap(counts, largest=overlap, posterior=posterior, threshold=threshold)
        done = is_open & (made.action != ASK)
        cost[done], answer[done] = asked, made.leader[done]
        settled[done] = (made.action[done] != CONTESTED) | (made.reason[done] == CONFIDENT)
        is_open &= ~done
    votes = cost + audit_share * (overlap - cost) if policy != FIXED else cost.astype(float)
    note = "" if policy != POSTERIOR or model.is_usable else f"curtailed: {model.reason}"
    hits = int((answer == truth)[settled].sum())
    n_settled = int(settled.sum())
    return PolicyCost(
        policy=policy,
        overlap=overlap,
        votes_per_comparison=float(votes.mean()),
        accuracy=wilson(hits, n_settled),
        settled_share=n_settled / n,
        votes_per_label=float(votes.sum() / n_settled) if n_settled else None,
        note=note,
    )


def _posteriors(model: StoppingModel, raters: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """(n, 4) tempered posteriors after each vote."""
    n, overlap = labels.shape
    accuracy = np.array([model.accuracy.get(str(one), model.average) for one in range(int(raters.max()) + 1)])
    p = np.clip(accuracy[raters], FLOOR, CEILING)
    logs = np.log(np.array(model.prior))[None, :].repeat(n, axis=0)
    found = []
    for asked in range(overlap):
        said = np.log((1 - p[:, asked]) / (N_CLASSES - 1))[:, None].repeat(N_CLASSES, axis=1)
        said[np.arange(n), labels[:, asked]] = np.log(p[:, asked])
        logs = logs + said
        powers = np.exp(logs - logs.max(axis=1, keepdims=True))
        found.append(tempered(powers / powers.sum(axis=1, keepdims=True), model.temperature or 1.0))
    return found
