"""How good a rater is: gold with decay, consistency with themselves, leanings, label errors, confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from app.stats.calibration import (
    MIN_BIAS,
    MIN_BRIER,
    MIN_ECE,
    Brier,
    brier,
    debiased_calibration_error,
    spiegelhalter_z,
)
from app.stats.coding import CLASSES, N_CLASSES, CodedVotes
from app.stats.consensus import Consensus, vote_counts
from app.stats.raters import Tally, order_on_screen
from app.stats.results import Estimate, undefined

HALF_LIFE = 100.0
CONFIDENCE = {1: 0.55, 2: 0.65, 3: 0.75, 4: 0.85, 5: 0.95}
"""What the five levels of confidence state as a probability of being right."""


@dataclass(frozen=True)
class ConfidenceReport:
    """Whether a rater is right as often as they say.

    Attributes:
        n: gold answers with a stated confidence.
        bias: mean confidence minus accuracy, from 30 answers on; above 0 is overconfident.
        brier: score and parts, from 50 on.
        z: Spiegelhalter's Z, from 50 on.
        error: debiased calibration error, from 200 on.
        undefined_reason: what is missing, or None.
    """

    n: int
    bias: float | None
    brier: Brier | None
    z: float | None
    error: float | None
    undefined_reason: str | None


@dataclass(frozen=True)
class Leanings:
    """How a rater's votes differ from the other raters' votes on the same units.

    Attributes:
        class_bias: (n_raters, 4) share of each class minus the others' share; NaN without others.
        severity: (n_raters,) mean value minus the others' mean value: a lean towards `first` (above 0) or `second`.
        extremity: (n_raters,) mean |value| minus the others' mean |value|: above 0 they use stronger words.
        n: (n_raters,) votes on units that others judged, too.
    """

    class_bias: np.ndarray
    severity: np.ndarray
    extremity: np.ndarray
    n: np.ndarray


def decayed_accuracy(right: np.ndarray, *, half_life: float = HALF_LIFE) -> Estimate:
    """Return the accuracy of recent answers: a Beta posterior in which old answers count less.

    The answer k places from the last has weight 2^(-k / half_life); Beta(1 + weighted right, 1 + weighted wrong). The
    value is its mean; low is its 10 % quantile, the bound that 90 % of the belief lies above; high the 90 % quantile.

    Args:
        right: (n,) bool, oldest first.
        half_life: answers after which the weight has halved.

    Returns:
        The estimate; undefined without answers.
    """
    right = np.asarray(right, bool)
    if len(right) == 0:
        return undefined("no gold answers")
    weights = 0.5 ** (np.arange(len(right))[::-1] / half_life)
    good, bad = 1 + weights[right].sum(), 1 + weights[~right].sum()
    low, high = betaincinv(good, bad, [0.1, 0.9])
    method = f"Beta posterior, half-life {half_life:.0f} answers"
    return Estimate(float(good / (good + bad)), len(right), float(low), float(high), 0.8, method)


def self_consistency(repeated: CodedVotes, votes: pd.DataFrame) -> Tally:
    """Return, per rater, how many blind repeats got the same class as the rater's first vote on the unit.

    Args:
        repeated: votes on one criterion, coded with keep_repeats=True.
        votes: the frame that was coded.
    """
    first, again = _repeats(repeated, votes)
    return _tally(repeated, again, repeated.outcome[again] == repeated.outcome[first])


def swap_consistency(repeated: CodedVotes, votes: pd.DataFrame) -> Tally:
    """Return `self_consistency` over the repeats that showed the two responses in the other order.

    A rater who follows the place on screen, not the response, changes the answer when the order changes.

    Args:
        repeated: votes on one criterion, coded with keep_repeats=True.
        votes: the frame that was coded.
    """
    first, again = _repeats(repeated, votes)
    order = order_on_screen(repeated, votes)
    swapped = order[first] * order[again] < 0
    first, again = first[swapped], again[swapped]
    return _tally(repeated, again, repeated.outcome[again] == repeated.outcome[first])


def _repeats(repeated: CodedVotes, votes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return (first, again): positions of each blind repeat and of the rater's first vote on the same unit."""
    repeat = votes["repeat_index"].to_numpy()[repeated.row]
    key = repeated.unit.astype(np.int64) * repeated.n_raters + repeated.rater
    order = np.lexsort((votes["judgment_id"].to_numpy()[repeated.row], repeat, key))
    starts = np.r_[True, key[order][1:] != key[order][:-1]][: len(order)]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    again = ~starts & (repeat[order] != repeat[order][first])
    return order[first][again], order[again]


def _tally(coded: CodedVotes, rows: np.ndarray, hits: np.ndarray) -> Tally:
    rater, n = coded.rater[rows], coded.n_raters
    return Tally(np.bincount(rater, weights=hits, minlength=n), np.bincount(rater, minlength=n))


def leanings(coded: CodedVotes) -> Leanings:
    """Return how each rater's votes differ from the others' on the same units.

    Per class P(own vote is k) - mean of the others' share of k, over the units that somebody else judged. A lean to the
    side shown first is position bias, measured apart.

    Args:
        coded: votes on one criterion, one per rater and unit.

    Source: Linacre (1989) for severity, here as a mean residual instead of a many-facet model.
    """
    unit, counts = vote_counts(coded)
    table = np.zeros((coded.n_units, N_CLASSES))
    table[unit] = counts
    n_votes = table.sum(axis=1)
    shared = n_votes[coded.unit] >= 2
    votes = coded.keep(shared)
    others = n_votes[votes.unit] - 1
    own = np.eye(N_CLASSES)[votes.outcome]
    rest = (table[votes.unit] - own) / others[:, None]
    n = np.bincount(votes.rater, minlength=coded.n_raters)
    bias = np.stack([_mean_per(votes, own[:, k] - rest[:, k], n) for k in range(N_CLASSES)], axis=1)
    residuals = []
    for value in (votes.value, np.abs(votes.value)):
        total = np.bincount(votes.unit, weights=value, minlength=coded.n_units)[votes.unit]
        residuals.append(_mean_per(votes, value - (total - value) / others, n))
    return Leanings(bias, residuals[0], residuals[1], n)


def label_errors(coded: CodedVotes, consensus: Consensus) -> Tally:
    """Return, per rater, the expected number of votes that are not the unit's class: 1 - posterior of the vote given.

    The posterior has seen the vote itself and may be overconfident; read it beside accuracy on gold.

    Args:
        coded: votes on one criterion.
        consensus: of these votes.

    Source: Northcutt, Jiang and Chuang (2021), section 3, with the posterior in place of a classifier.
    """
    row = np.zeros(coded.n_units, np.int64)
    row[consensus.unit] = np.arange(len(consensus.unit))
    wrong = 1 - consensus.posterior[row[coded.unit], coded.outcome]
    n = coded.n_raters
    return Tally(np.bincount(coded.rater, weights=wrong, minlength=n), np.bincount(coded.rater, minlength=n))


def confidence_report(confidence: np.ndarray, right: np.ndarray) -> ConfidenceReport:
    """Return how well a rater's stated confidence on gold fits, each part only with enough answers.

    Args:
        confidence: (n,) levels 1 .. 5, NaN where not stated.
        right: (n,) whether the answer is among the key's accepted ones.
    """
    stated = ~np.isnan(confidence)
    n = int(stated.sum())
    if n < MIN_BIAS:
        return ConfidenceReport(n, None, None, None, None, f"{n} gold answers with a confidence; {MIN_BIAS} are needed")
    p = np.interp(confidence[stated], list(CONFIDENCE), list(CONFIDENCE.values()))
    y = np.asarray(right, float)[stated]
    enough = n >= MIN_BRIER
    return ConfidenceReport(
        n=n,
        bias=float(p.mean() - y.mean()),
        brier=brier(p, y) if enough else None,
        z=spiegelhalter_z(p, y)[0] if enough else None,
        error=debiased_calibration_error(p, y) if n >= MIN_ECE else None,
        undefined_reason=None
        if n >= MIN_ECE
        else f"Brier score from {MIN_BRIER} answers, calibration error from {MIN_ECE}",
    )


def class_bias_document(leaning: Leanings, rater: int) -> dict[str, float] | None:
    """Return the bias per class of one rater, or None without votes beside others."""
    if leaning.n[rater] == 0:
        return None
    return dict(zip(CLASSES, leaning.class_bias[rater].tolist(), strict=True))


def _mean_per(votes: CodedVotes, weights: np.ndarray, n: np.ndarray) -> np.ndarray:
    total = np.bincount(votes.rater, weights=weights, minlength=len(n))
    return np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)
