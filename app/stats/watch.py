"""Watching a rater: has their accuracy dropped, since when, and is it known to be too low?

Two kinds of evidence go into one CUSUM in time order: gold answers, few and certain, and agreement with the other
raters on the same comparisons, many and weak. The two thresholds are set so that a steady rater is stopped at most
about once in 1,000 gold answers (`tests/bench/calibration.py` measures it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.stats.drift import BAD, GOOD, STOP_AT, WARN_AT
from app.stats.rater_quality import decayed_accuracy
from app.stats.results import Estimate

PEER_WARN_AT, PEER_STOP_AT = 7.0, 8.5
"""Thresholds of the CUSUM with peer agreement: it has many more steps, so it has to climb higher."""

MIN_GOLD = 30
"""Gold answers below which the lower bound of the accuracy moves nobody."""

BASELINE_PRIOR = 50
"""Weight, in answers, of the pool's agreement rate in a rater's own baseline."""


@dataclass(frozen=True)
class Watch:
    """What the evidence says of a rater.

    Attributes:
        level: of the CUSUM on gold now.
        peer_level: of the CUSUM on gold and peers now.
        accuracy: on recent gold, with the bounds that 90 % of the belief lies above and below.
        n_gold: gold answers.
        n_peers: answers beside other raters'.
        verdict: "steady", "warn" or "stop".
        cause: which evidence reached a threshold: "gold", "peers", "bound", or empty.
        changed_at: position (among all answers, in time order) after which the decline began; None when steady.
    """

    level: float
    peer_level: float
    accuracy: Estimate
    n_gold: int
    n_peers: int
    verdict: str
    cause: str
    changed_at: int | None


def watch(is_gold: np.ndarray, is_right: np.ndarray, *, baseline: float, floor: float) -> Watch:
    """Return what a rater's answers say, in time order.

    A wrong gold answer adds log((1 - bad) / (1 - good)), a right one log(bad / good), good .85 and bad .65. With
    q(p) = 1/2 + (baseline - 1/2) (p - 1/2) / (good - 1/2) the rate of agreement at accuracy p, a disagreement adds
    log((1 - q(bad)) / (1 - q(good))) and an agreement log(q(bad) / q(good)). S = max(0, S + step).

    Gold alone warns at 3.5 and stops at 4.5; with peers 7 and 8.5. From 30 gold answers on, a lower bound of the
    recent accuracy below `floor` warns, too: that finds who was never good, not only who became worse.

    Args:
        is_gold: (n,) bool, oldest first.
        is_right: (n,) bool: right on gold, or agrees with the majority of the others.
        baseline: agreement rate of a good rater, between .5 and 1; at .5 peers say nothing.
        floor: the accuracy below which a rater should not work.

    Source: Page (1954); the rate of agreement is that of independent binary votes.
    """
    gold, right = np.asarray(is_gold, bool), np.asarray(is_right, bool)
    gold_steps = np.where(right, np.log(BAD / GOOD), np.log((1 - BAD) / (1 - GOOD)))
    alone = path_of(np.where(gold, gold_steps, 0.0))
    together = path_of(np.where(gold, gold_steps, peer_steps(right, baseline)))
    accuracy = decayed_accuracy(right[gold])
    n_gold, n_peers = int(gold.sum()), int((~gold).sum())
    level, peer_level = _last(alone), _last(together)
    verdict, cause = _verdict(alone, together, accuracy, floor, n_gold)
    path = together if cause == "peers" else alone
    changed = _change(path) if verdict != "steady" else None
    return Watch(level, peer_level, accuracy, n_gold, n_peers, verdict, cause, changed)


def baseline_of(n_agree: int, n: int, *, pool: float) -> float:
    """Return the agreement rate that counts as good for a rater: their own, drawn towards the pool's; .5 to .99.

    Args:
        n_agree: agreements of the rater while they stood well.
        n: answers of the rater beside others'.
        pool: agreement rate of all raters together.
    """
    rate = (n_agree + BASELINE_PRIOR * pool) / (n + BASELINE_PRIOR)
    return float(min(max(rate, 0.5), 0.99))


def peer_steps(agrees: np.ndarray, baseline: float) -> np.ndarray:
    """Return what each agreement and disagreement adds to the evidence of decline; 0 at a baseline of .5."""
    low = 0.5 + (baseline - 0.5) * (BAD - 0.5) / (GOOD - 0.5)
    if baseline <= 0.5:
        return np.zeros(len(agrees))
    return np.where(agrees, np.log(low / baseline), np.log((1 - low) / (1 - baseline)))


def path_of(steps: np.ndarray) -> np.ndarray:
    """Return the CUSUM of steps: S_t = max(0, S_{t-1} + step)."""
    total = np.cumsum(steps)
    return total - np.minimum(np.minimum.accumulate(total), 0.0)  # the same as the recursion


def _last(path: np.ndarray) -> float:
    return float(path[-1]) if len(path) else 0.0


def _verdict(alone: np.ndarray, together: np.ndarray, accuracy: Estimate, floor: float, n_gold: int) -> tuple[str, str]:
    if _last(alone) >= STOP_AT:
        return "stop", "gold"
    if _last(together) >= PEER_STOP_AT:
        return "stop", "peers"
    if _last(alone) >= WARN_AT:
        return "warn", "gold"
    if _last(together) >= PEER_WARN_AT:
        return "warn", "peers"
    if n_gold >= MIN_GOLD and accuracy.low is not None and accuracy.low < floor:
        return "warn", "bound"
    return "steady", ""


def _change(path: np.ndarray) -> int:
    """Return the first position after the path was last at 0: the likeliest beginning of the decline."""
    zeros = np.flatnonzero(path <= 1e-12)
    return int(zeros[-1]) + 1 if len(zeros) else 0
