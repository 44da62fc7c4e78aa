"""Gold keys beside votes: which outcomes a key accepts on each unit, and how often votes or a consensus hit them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from app.stats.coding import CLASSES, CodedVotes
from app.stats.consensus import Consensus
from app.stats.frames import check_gold
from app.stats.intervals import wilson
from app.stats.results import Estimate, undefined


def accepted_by_unit(
    coded: CodedVotes, votes: pd.DataFrame, gold: pd.DataFrame | None, *, criterion: str
) -> np.ndarray | None:
    """Return (n_units, 4) whether the key of each unit accepts each class; all false without a key.

    Args:
        coded: votes on one criterion.
        votes: the frame that was coded.
        gold: a gold frame, or None.
        criterion: whose keys to use.

    Returns:
        The table, or None without any key for this criterion.
    """
    if gold is None:
        return None
    keys = check_gold(gold)
    keys = keys[keys["criterion"] == criterion]
    if len(keys) == 0 or len(coded) == 0:
        return None
    row_of_unit = np.full(coded.n_units, -1, np.int64)
    row_of_unit[coded.unit] = coded.row
    unit = np.flatnonzero(row_of_unit >= 0)
    names = votes[["comparison_id", "first", "second"]].iloc[row_of_unit[unit]].astype(str)
    index = pd.MultiIndex.from_frame(names)
    at = index.get_indexer(pd.MultiIndex.from_frame(keys[["comparison_id", "first", "second"]].astype(str)))
    label = np.array([CLASSES.index(outcome) for outcome in keys["outcome"].astype(str)], np.int64)
    table = np.zeros((coded.n_units, len(CLASSES)), bool)
    table[unit[at[at >= 0]], label[at >= 0]] = True
    return table if table.any() else None


def accuracy_on_gold(consensus: Consensus, accepted: np.ndarray | None) -> Estimate:
    """Return how often the decision is among the accepted answers, over units with a key; Wilson's interval."""
    if accepted is None:
        return undefined("no gold key")
    has_key = accepted[consensus.unit].any(axis=1)
    hits = accepted[consensus.unit[has_key], consensus.decision[has_key]]
    return wilson(int(hits.sum()), len(hits)) if len(hits) else undefined("no gold key")
