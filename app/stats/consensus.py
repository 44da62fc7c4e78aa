"""Consensus from several votes on a unit: majority, and the one-coin model of raters with a Beta prior.

Never ground truth: a consensus says what the votes support under stated assumptions, and the raw votes stay beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.stats.coding import CLASSES, CodedVotes

TIE = CLASSES.index("tie")
BETA_PRIOR = (4.0, 1.0)
MAX_ITERATIONS = 200
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Consensus:
    """A distribution over the classes for each unit that has votes.

    Attributes:
        method: majority, one_coin, dawid_skene, ...
        unit: (U,) codes of the units with at least one vote.
        posterior: (U, 4) probability of each class of `coding.CLASSES`; rows sum to 1. For majority, vote shares.
        n_votes: (U,) votes per unit.
        decision: (U,) class with the largest probability; a tie between classes is "tie".
        rater_accuracy: (n_raters,) estimated probability that a rater gives the unit's class, or None for majority.
        n_iterations: of the fit; 0 for majority.
        converged: whether the fit came to rest.
        objective: (n_iterations,) log posterior after each iteration: it never falls.
        confusion: (n_raters, 4, 4) P(vote | class), rows the class, or None where the model has none.
    """

    method: str
    unit: np.ndarray
    posterior: np.ndarray
    n_votes: np.ndarray
    decision: np.ndarray
    rater_accuracy: np.ndarray | None = None
    n_iterations: int = 0
    converged: bool = True
    objective: np.ndarray | None = None
    confusion: np.ndarray | None = None

    @property
    def confidence(self) -> np.ndarray:
        """(U,) stated probability of the decision; for a tie between classes, of the leading class."""
        return self.posterior.max(axis=1) if len(self.unit) else np.zeros(0)


def majority(coded: CodedVotes, *, weight: np.ndarray | None = None) -> Consensus:
    """Return the plurality of the votes on each unit, with the vote shares as its distribution.

    When two classes have equally many votes the decision is "tie", never the class that happens to come first.

    Args:
        coded: votes on one criterion.
        weight: (N,) what each vote counts, above 0; 1 by default. `n_votes` counts votes, whatever they weigh.
    """
    unit, counts = vote_counts(coded)
    n_votes = counts.sum(axis=1)
    if weight is not None:
        counts = vote_counts(coded, weight=weight)[1]
    shares = counts / counts.sum(axis=1)[:, None]
    return Consensus("majority", unit, shares, n_votes, decide(shares))


def one_coin(
    coded: CodedVotes,
    *,
    prior: tuple[float, float] = BETA_PRIOR,
    accepted: np.ndarray | None = None,
    max_iterations: int = MAX_ITERATIONS,
) -> Consensus:
    """Return the consensus of the one-coin model: rater r gives the unit's class with probability q_r.

    Every other class comes with probability (1 - q_r) / (K - 1), K the classes in use. EM for the posterior mode with
    q_r ~ Beta(a, b) pseudo-counts and one pseudo-unit per class in the class shares:
    E: log T_ut = log p_t + sum over the votes for t of log[q_r (K-1) / (1-q_r)]; M: q_r = (hits + a) / (n + a + b).
    The prior keeps raters with few votes near a / (a + b), where maximum likelihood loses to majority.

    Args:
        coded: votes on one criterion, one per rater and unit.
        prior: Beta pseudo-counts (right, wrong).
        accepted: (n_units, 4) classes that the gold key of a unit accepts, to anchor the fit on; rows without any
            are free. None anchors nothing.
        max_iterations: of EM.

    Returns:
        The consensus; with no votes an empty one.

    Source: Dawid and Skene (1979) with symmetric errors; Raykar et al. (2010), section 2.5, for the prior.
    """
    unit, counts = vote_counts(coded)
    n_votes = counts.sum(axis=1)
    if len(unit) == 0:
        return Consensus("one_coin", unit, counts, n_votes, np.zeros(0, np.int64))
    classes = classes_in_use(counts)
    unit_code, rater, label = compact_votes(coded, unit, classes)
    barred = barred_classes(accepted, unit, classes)
    fit = _fit_one_coin(unit_code, rater, label, coded.n_raters, len(classes), prior, barred, max_iterations)
    posterior = np.zeros(counts.shape)
    posterior[:, classes] = fit[0]
    name = "one_coin" if barred is None else "one_coin_anchored"
    return Consensus(name, unit, posterior, n_votes, decide(posterior), *fit[1:])


def decide(posterior: np.ndarray) -> np.ndarray:
    """Return the class with the largest probability of each row; "tie" where two are equally large (to 1e-9)."""
    if len(posterior) == 0:
        return np.zeros(0, np.int64)
    best = posterior.max(axis=1, keepdims=True)
    leaders = posterior >= best - 1e-9
    return np.where(leaders.sum(axis=1) > 1, TIE, posterior.argmax(axis=1))


def vote_counts(coded: CodedVotes, *, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the units with votes and their (U, 4) votes per class, each counting its weight (1 by default)."""
    n_classes = len(CLASSES)
    cell = coded.unit.astype(np.int64) * n_classes + coded.outcome
    table = np.bincount(cell, weights=weight, minlength=coded.n_units * n_classes)
    table = table.reshape(-1, n_classes)
    unit = np.flatnonzero(table.sum(axis=1))
    return unit, table[unit].astype(float)


def classes_in_use(counts: np.ndarray) -> np.ndarray:
    """Return the classes that some vote names; first and second always belong to them."""
    used = counts.sum(axis=0) > 0
    used[:2] = True
    return np.flatnonzero(used)


def compact_votes(coded: CodedVotes, unit: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return (unit, rater, label) of each vote, numbered within the units with votes and the classes in use."""
    unit_position = np.full(coded.n_units, -1, np.int64)
    unit_position[unit] = np.arange(len(unit))
    label_position = np.full(len(CLASSES), -1, np.int64)
    label_position[classes] = np.arange(len(classes))
    return unit_position[coded.unit], coded.rater.astype(np.int64), label_position[coded.outcome]


def barred_classes(accepted: np.ndarray | None, unit: np.ndarray, classes: np.ndarray) -> np.ndarray | None:
    """Return (U, K) log weights that keep gold units to their accepted classes: 0 where free, -inf where barred.

    A key whose answers nobody ever gave bars nothing: its class is not among the K in use.
    """
    if accepted is None:
        return None
    allowed = accepted[unit][:, classes]
    return np.where(allowed.any(axis=1, keepdims=True) & ~allowed, -np.inf, 0.0)


def consensus_frame(coded: CodedVotes, consensus: Consensus, votes: pd.DataFrame) -> pd.DataFrame:
    """Return one row per unit: its names, votes, decision and distribution.

    Args:
        coded: votes on one criterion.
        consensus: of these votes.
        votes: the frame that was coded.

    Returns:
        Columns comparison_id, first, second, n_votes, decision, confidence, p_first, p_second, p_tie, p_both_bad,
        soft_label (probability that first wins, a tie or both_bad counting half).
    """
    row_of_unit = np.zeros(coded.n_units, np.int64)
    row_of_unit[coded.unit] = coded.row
    names = votes[["comparison_id", "first", "second"]].iloc[row_of_unit[consensus.unit]].reset_index(drop=True)
    frame = names.assign(
        n_votes=consensus.n_votes.astype(int),
        decision=np.array(CLASSES, object)[consensus.decision],
        confidence=consensus.confidence,
    )
    for code, name in enumerate(CLASSES):
        frame[f"p_{name}"] = consensus.posterior[:, code]
    return frame.assign(soft_label=frame["p_first"] + (frame["p_tie"] + frame["p_both_bad"]) / 2)


def _fit_one_coin(unit, rater, label, n_raters, n_classes, prior, barred, max_iterations):
    """Return (posterior, accuracy, n_iterations, converged, objective)."""
    cell = unit * n_classes + label
    n_units = int(unit.max()) + 1
    posterior = np.bincount(cell, minlength=n_units * n_classes).reshape(n_units, n_classes).astype(float)
    posterior = normalise(np.log(np.maximum(posterior, 1e-3)) + (0.0 if barred is None else barred))[0]
    n_rated = np.bincount(rater, minlength=n_raters)
    right, wrong = prior
    objective: list[float] = []
    for _ in range(max_iterations):
        hits = np.bincount(rater, weights=posterior.ravel()[cell], minlength=n_raters)
        accuracy = (hits + right) / (n_rated + right + wrong)
        shares = (posterior.sum(axis=0) + 1) / (n_units + n_classes)
        miss = np.log((1 - accuracy) / (n_classes - 1))
        evidence = np.bincount(cell, weights=(np.log(accuracy) - miss)[rater], minlength=n_units * n_classes)
        log_joint = evidence.reshape(n_units, n_classes) + np.log(shares)
        updated, log_total = normalise(log_joint if barred is None else log_joint + barred)
        log_prior = right * np.log(accuracy).sum() + wrong * np.log(1 - accuracy).sum() + np.log(shares).sum()
        objective.append(float(log_total + (n_rated * miss).sum() + log_prior))
        change = np.abs(updated - posterior).max()
        posterior = updated
        if change < TOLERANCE:
            break
    return posterior, accuracy, len(objective), bool(change < TOLERANCE), np.array(objective)


def normalise(log_joint: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the rows of exp(log_joint) scaled to sum 1, and the sum of their log sums. Overwrites its argument.

    Works column by column: with a handful of classes that is several times faster than reducing along short rows.
    """
    n_classes = log_joint.shape[1]
    largest = log_joint[:, 0].copy()
    for k in range(1, n_classes):
        np.maximum(largest, log_joint[:, k], out=largest)
    np.subtract(log_joint, largest[:, None], out=log_joint)
    np.exp(log_joint, out=log_joint)
    total = log_joint @ np.ones(n_classes)
    log_joint /= total[:, None]
    return log_joint, float(np.log(total).sum() + largest.sum())
