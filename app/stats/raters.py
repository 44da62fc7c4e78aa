"""What can be said of each rater: tallies that are one pass over the votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.stats.coding import CLASSES, N_CLASSES, CodedVotes
from app.stats.consensus import vote_counts
from app.stats.intervals import wilson
from app.stats.results import Estimate, undefined


@dataclass(frozen=True)
class Tally:
    """Successes and trials of each rater.

    Attributes:
        hits: (n_raters,) successes.
        n: (n_raters,) trials.
    """

    hits: np.ndarray
    n: np.ndarray

    def estimate(self, rater: int, *, reason: str = "no observations") -> Estimate:
        """Return one rater's share with Wilson's interval; undefined, for this reason, without trials."""
        if self.n[rater] == 0:
            return undefined(reason)
        return wilson(float(self.hits[rater]), float(self.n[rater]))


def agreement_with_others(coded: CodedVotes) -> Tally:
    """Return, per rater, the summed shares of the other raters' votes on the same unit that agree, and the votes.

    Each vote beside at least one other counts once, with the share of the others who gave the same class: votes, not
    pairs of votes, are what a rater gave independently.

    Args:
        coded: votes on one criterion, one per rater and unit.
    """
    counts = np.zeros((coded.n_units, N_CLASSES))
    unit, used = vote_counts(coded)
    counts[unit] = used
    same = counts[coded.unit, coded.outcome] - 1
    others = counts.sum(axis=1)[coded.unit] - 1
    return Tally(_per_rater(coded, same / np.maximum(others, 1)), _per_rater(coded, others > 0))


def gold_accuracy(coded: CodedVotes, accepted: np.ndarray | None) -> Tally:
    """Return, per rater, how many first votes on units with a key are among its accepted answers.

    Args:
        coded: votes on one criterion.
        accepted: (n_units, 4) accepted classes, or None without keys.
    """
    if accepted is None:
        return Tally(np.zeros(coded.n_raters), np.zeros(coded.n_raters))
    has_key = accepted.any(axis=1)[coded.unit]
    hit = accepted[coded.unit, coded.outcome] & has_key
    return Tally(_per_rater(coded, hit), _per_rater(coded, has_key))


def first_shown_wins(coded: CodedVotes, votes: pd.DataFrame) -> Tally:
    """Return, per rater, how many decided votes went to the response shown first, of those with a known order."""
    shown, decided = shown_first(coded, votes)
    for_first_shown = (coded.outcome == CLASSES.index("first")) == (shown > 0)
    return Tally(_per_rater(coded, decided & for_first_shown), _per_rater(coded, decided))


def ties(coded: CodedVotes) -> Tally:
    """Return, per rater, how many votes are ties or both_bad."""
    return Tally(_per_rater(coded, coded.outcome >= CLASSES.index("tie")), _per_rater(coded, np.ones(len(coded))))


def missing(coded: CodedVotes) -> Tally:
    """Return, per rater, how many verdicts are cannot_judge or not_applicable; `coded` must keep missing ones."""
    return Tally(_per_rater(coded, coded.outcome >= N_CLASSES), _per_rater(coded, np.ones(len(coded))))


def shown_first(coded: CodedVotes, votes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of each vote and whether it is decided with a known order.

    The order is +1 where `first` was shown first, -1 where second, 0 where unknown.
    """
    order = order_on_screen(coded, votes)
    return order, (coded.outcome < CLASSES.index("tie")) & (order != 0)


def order_on_screen(coded: CodedVotes, votes: pd.DataFrame) -> np.ndarray:
    """Return +1 for each vote whose `first` was shown first, -1 where it was shown second, 0 where that is unknown."""
    column = votes["first_shown_first"].iloc[coded.row]
    if column.dtype == bool:
        return np.where(column.to_numpy(), 1, -1)
    known = column.notna().to_numpy()
    order = np.zeros(len(column), np.int64)
    order[known] = np.where(column[known].astype(bool), 1, -1)
    return order


def _per_rater(coded: CodedVotes, weights: np.ndarray) -> np.ndarray:
    return np.bincount(coded.rater, weights=weights, minlength=coded.n_raters)
