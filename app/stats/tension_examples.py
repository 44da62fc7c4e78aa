"""Comparisons to read: where two criteria pull apart most clearly, for every pair of criteria."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from app.stats.coding import code_votes
from app.stats.results import plain
from app.stats.tension import Profiles, build_profiles

N_EXAMPLES = 12


def tension_examples(votes: pd.DataFrame, *, kinds: Collection[str], n_examples: int = N_EXAMPLES) -> dict[str, Any]:
    """Return the comparisons on which two criteria pull apart, for every pair that does.

    Args:
        votes: a vote frame.
        kinds: kinds of rater that count.
        n_examples: how many comparisons a pair lists.

    Returns:
        `pairs`, those that pull apart in most judgments first: between, n_conflicts, and `examples` (most conflicts
        first, then the strongest): comparison_id, first, second, n_judgments in which both criteria favour a response,
        n_conflicts, strength (mean of min(|d_i|, |d_j|) over the conflicts), prevails (criterion -> verdicts that went
        its way) and n_unresolved. Pairs without a conflict are left out; no pair is there where the votes carry fewer
        than two criteria.
    """
    coded = code_votes(votes, kinds=kinds)
    profiles = build_profiles(coded, votes)
    pairs = []
    for i, j in combinations(range(len(profiles.criteria)), 2):
        examples = _examples(profiles, votes, i, j, n_examples)
        if examples:
            n_conflicts = int((profiles.signs[:, i] * profiles.signs[:, j] < 0).sum())
            between = [profiles.criteria[i], profiles.criteria[j]]
            pairs.append({"between": between, "n_conflicts": n_conflicts, "examples": examples})
    return plain({"pairs": sorted(pairs, key=lambda pair: -pair["n_conflicts"])})


def _examples(profiles: Profiles, votes: pd.DataFrame, i: int, j: int, n_examples: int) -> list[dict[str, Any]]:
    signs, overall = profiles.signs, profiles.overall_sign
    product = signs[:, i] * signs[:, j]
    conflict = product < 0
    if not conflict.any():
        return []
    size = int(profiles.unit.max()) + 1
    strength = np.minimum(np.abs(profiles.values[:, i]), np.abs(profiles.values[:, j]))

    def per_unit(rows: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        chosen = None if weights is None else weights[rows]
        return np.bincount(profiles.unit[rows], weights=chosen, minlength=size)

    n_conflicts = per_unit(conflict)
    mean_strength = per_unit(conflict, np.nan_to_num(strength)) / np.maximum(n_conflicts, 1)
    n_judgments = per_unit(product != 0)
    wins = [per_unit(conflict & (overall != 0) & (overall == signs[:, c])) for c in (i, j)]
    chosen = np.lexsort((np.arange(size), -mean_strength, -n_conflicts))[:n_examples]
    chosen = chosen[n_conflicts[chosen] > 0]
    row_of = np.zeros(size, np.int64)
    row_of[profiles.unit] = profiles.row
    named = votes.iloc[row_of[chosen]]
    return [
        {
            "comparison_id": str(names.comparison_id),
            "first": str(names.first),
            "second": str(names.second),
            "n_judgments": int(n_judgments[unit]),
            "n_conflicts": int(n_conflicts[unit]),
            "strength": float(mean_strength[unit]),
            "prevails": {profiles.criteria[c]: int(won[unit]) for c, won in zip((i, j), wins, strict=True)},
            "n_unresolved": int(n_conflicts[unit] - wins[0][unit] - wins[1][unit]),
        }
        for unit, names in zip(chosen, named.itertuples(index=False), strict=True)
    ]
