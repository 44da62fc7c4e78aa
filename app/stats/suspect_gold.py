"""Gold keys that careful raters contradict: perhaps the key is wrong, not they."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.stats.coding import code_votes
from app.stats.frames import OVERALL
from app.stats.gold import accepted_by_unit
from app.stats.intervals import jeffreys
from app.stats.results import Estimate

MIN_ANSWERS = 5
"""Answers below which a key is not suspected."""


@dataclass(frozen=True)
class SuspectKey:
    """A gold key against which most answers stand.

    Attributes:
        comparison_id: the comparison.
        against: share of the answers that the key does not accept, Jeffreys' interval.
        votes: class -> number of answers.
    """

    comparison_id: str
    against: Estimate
    votes: dict[str, int]


def suspect_keys(votes: pd.DataFrame, gold: pd.DataFrame, *, kinds: tuple[str, ...]) -> list[SuspectKey]:
    """Return the keys that more than half of the raters contradict, interval and all, the most contradicted first.

    One answer a rater and unit, the first. A key with five answers of which all are against it is suspect; with four
    of five it is not.

    Args:
        votes: a vote frame.
        gold: a gold frame.
        kinds: kinds of rater that count.

    Source: Brown, Cai and DasGupta (2001) for the interval.
    """
    coded = code_votes(votes, kinds=kinds).of(OVERALL)
    accepted = accepted_by_unit(coded, votes, gold, criterion=OVERALL)
    if accepted is None:
        return []
    found = []
    for unit in np.flatnonzero(accepted.any(axis=1)):
        mine = coded.unit == unit
        outcomes = coded.outcome[mine]
        n, n_against = len(outcomes), int((~accepted[unit][outcomes]).sum())
        against = jeffreys(n_against, n)
        if n >= MIN_ANSWERS and against.low is not None and against.low > 0.5:
            row = votes.iloc[coded.row[mine][0]]
            names = {0: str(row["first"]), 1: str(row["second"]), 2: "tie", 3: "both_bad"}
            counts = {names[code]: int((outcomes == code).sum()) for code in np.unique(outcomes).tolist()}
            found.append(SuspectKey(str(row["comparison_id"]), against, counts))
    return sorted(found, key=lambda one: (-(one.against.value or 0.0), -one.against.n, one.comparison_id))
