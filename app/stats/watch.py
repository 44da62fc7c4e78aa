"""Watching a rater: has their accuracy dropped, since when, and is it known to be too low?

Two kinds of evidence go into one CUSUM in time order: gold answers, few and certain, and agreement with the other
raters on the same comparisons, many and weak. The thresholds are set so that a steady rater is stopped at most about
once in 1,000 gold answers, however many tasks lie between two of them (`tests/bench/calibration.py` measures it).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.stats.drift import BAD, GOOD, STOP_AT, WARN_AT
from app.stats.rater_quality import decayed_accuracy
from app.stats.results import Estimate

PEER_STOP_AT, PEER_SLOPE = 9.1, 1.7
"""Threshold of the CUSUM with peer agreement where 6.6 % of the evidence is gold (5 % of the tasks), and how much it
falls as the logarithm of that share grows: fewer steps lie between two gold answers, so fewer of them alarm by chance.
Both fitted on steady raters, to at most one stop in 1,000 gold answers at 5, 10 and 20 % gold."""

PEER_WARNS_BELOW = 1.5
"""How far below the threshold that stops the one lies that warns."""

RECENT, LEAST_SHARE = 100, 0.03
"""Latest answers whose share of gold sets the threshold, and the smallest share that counts."""

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
        peer_stop_at: the threshold that stops it; `PEER_WARNS_BELOW` less warns.
        accuracy: on recent gold, with the bounds that 90 % of the belief lies above and below.
        n_gold: gold answers.
        n_peers: answers beside other raters'.
        verdict: "steady", "warn" or "stop".
        cause: which evidence reached a threshold: "gold", "peers", "bound", or empty.
        changed_at: position (among all answers, in time order) after which the decline began; None when steady.
    """

    level: float
    peer_level: float
    peer_stop_at: float
    accuracy: Estimate
    n_gold: int
    n_peers: int
    verdict: str
    cause: str
    changed_at: int | None

    @property
    def peer_warn_at(self) -> float:
        """The level of the CUSUM with peers that warns: never below that of gold alone."""
        return max(WARN_AT, self.peer_stop_at - PEER_WARNS_BELOW)


def watch(is_gold: np.ndarray, is_right: np.ndarray, *, baseline: float, floor: float) -> Watch:
    """Return what a rater's answers say, in time order.

    A wrong gold answer adds log((1 - bad) / (1 - good)), a right one log(bad / good), good .85 and bad .65. With
    q(p) = 1/2 + (baseline - 1/2) (p - 1/2) / (good - 1/2) the rate of agreement at accuracy p, a disagreement adds
    log((1 - q(bad)) / (1 - q(good))) and an agreement log(q(bad) / q(good)). S = max(0, S + step).

    Gold alone warns at 3.5 and stops at 4.5; with peers, see `peer_threshold`. From 30 gold answers on, a lower bound
    of the recent accuracy below `floor` warns, too: that finds who was never good, not only who became worse.

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
    stop_at = peer_threshold(gold)
    seen = Watch(level, peer_level, stop_at, accuracy, n_gold, n_peers, "steady", "", None)
    verdict, cause = _verdict(seen, floor)
    path = together if cause == "peers" else alone
    changed = _change(path) if verdict != "steady" else None
    return replace(seen, verdict=verdict, cause=cause, changed_at=changed)


def peer_threshold(is_gold: np.ndarray) -> float:
    """Return the level at which the CUSUM with peers stops a rater, by the share of gold among their latest answers.

    h = 9.1 - 1.7 log(share / .066), at least that of gold alone, 4.5; share = (gold + 1) / (n + 8) of the latest 100
    answers, at least .03. From 4.5 (all gold) to 10.4 (hardly any). Without answers 8.0.

    Args:
        is_gold: (n,) bool, oldest first.
    """
    latest = np.asarray(is_gold, bool)[-RECENT:]
    share = max((int(latest.sum()) + 1) / (len(latest) + 8), LEAST_SHARE)
    return float(max(STOP_AT, PEER_STOP_AT - PEER_SLOPE * np.log(share / 0.066)))


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


def _verdict(seen: Watch, floor: float) -> tuple[str, str]:
    if seen.level >= STOP_AT:
        return "stop", "gold"
    if seen.peer_level >= seen.peer_stop_at:
        return "stop", "peers"
    if seen.level >= WARN_AT:
        return "warn", "gold"
    if seen.peer_level >= seen.peer_warn_at:
        return "warn", "peers"
    if seen.n_gold >= MIN_GOLD and seen.accuracy.low is not None and seen.accuracy.low < floor:
        return "warn", "bound"
    return "steady", ""


def _change(path: np.ndarray) -> int:
    """Return the first position after the path was last at 0: the likeliest beginning of the decline."""
    zeros = np.flatnonzero(path <= 1e-12)
    return int(zeros[-1]) + 1 if len(zeros) else 0
