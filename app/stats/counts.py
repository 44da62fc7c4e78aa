"""Label counts of one criterion: all that its count-based statistics need, and cheap to keep up to date.

Counts add: when votes on some comparisons change, take away the counts of those comparisons as they were and add them
as they are. What follows from counts (percent agreement, alpha, Fleiss, Gwet, human ceiling, and their bootstrap) is
then recomputed from a few dozen rows, however many votes there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from app.stats.coding import N_CLASSES, CodedVotes
from app.stats.patterns import LabelPatterns, count_patterns


@dataclass(frozen=True)
class CriterionCounts:
    """Label counts of one criterion.

    Attributes:
        nominal: counts of the four classes of `coding.CLASSES`.
        ordered: counts of the signed values.
        values: (K,) the signed values, rising; the columns of `ordered`.
    """

    nominal: LabelPatterns
    ordered: LabelPatterns
    values: np.ndarray

    @property
    def n_votes(self) -> int:
        """Number of votes."""
        return round(float(self.nominal.n_units @ self.nominal.n_votes))

    def emptied(self) -> CriterionCounts:
        """Return counts of no votes in the same columns."""
        nominal, ordered = (LabelPatterns(part.rows[:0], part.n_units[:0]) for part in (self.nominal, self.ordered))
        return CriterionCounts(nominal, ordered, self.values)


def criterion_counts(coded: CodedVotes) -> CriterionCounts:
    """Count the labels of one criterion.

    Args:
        coded: votes on one criterion, one per rater and unit.
    """
    levels, values = coded.levels()
    return CriterionCounts(
        nominal=count_patterns(coded.unit, coded.outcome, N_CLASSES, cluster=coded.unit_comparison),
        ordered=count_patterns(coded.unit, levels, len(values), cluster=coded.unit_comparison),
        values=values,
    )


def patch_counts(counts: CriterionCounts, before: CriterionCounts, after: CriterionCounts) -> CriterionCounts:
    """Return the counts after some comparisons have changed.

    Args:
        counts: of all comparisons, as they were.
        before: of the changed comparisons alone, as they were (no counts for new ones).
        after: of the same comparisons, as they are now.

    Raises:
        ValueError: `before` holds comparisons that `counts` does not.
    """
    values = np.unique(np.concatenate([counts.values, before.values, after.values]))
    aligned = [_with_values(part, values) for part in (counts, before, after)]
    ordered = _patch(*aligned)
    used = (ordered.n_units @ ordered.rows) > 0
    return CriterionCounts(
        nominal=_patch(counts.nominal, before.nominal, after.nominal),
        ordered=_columns(ordered, used),
        values=values[used],
    )


def _with_values(counts: CriterionCounts, values: np.ndarray) -> LabelPatterns:
    """Return the ordered patterns with a column for every one of `values`."""
    rows = np.zeros((len(counts.ordered.rows), len(values)))
    rows[:, np.searchsorted(values, counts.values)] = counts.ordered.rows
    return LabelPatterns(rows, counts.ordered.n_units, counts.ordered.cluster_counts, counts.ordered.cluster_patterns)


def _columns(patterns: LabelPatterns, used: np.ndarray) -> LabelPatterns:
    return LabelPatterns(patterns.rows[:, used], patterns.n_units, patterns.cluster_counts, patterns.cluster_patterns)


def _patch(counts: LabelPatterns, before: LabelPatterns, after: LabelPatterns) -> LabelPatterns:
    """Return counts - before + after."""
    parts = ((counts, 1.0), (before, -1.0), (after, 1.0))
    n_labels = counts.rows.shape[1]
    stacked = np.concatenate([part.rows.reshape(-1, n_labels) for part, _ in parts])
    rows, column = np.unique(stacked[:, ::-1], axis=0, return_inverse=True)
    rows, column = rows[:, ::-1], column.ravel()  # in the order of fresh counts, so that resamples are the same
    signs = np.concatenate([np.full(len(part.rows), sign) for part, sign in parts])
    units = np.bincount(column, weights=signs * np.concatenate([p.n_units for p, _ in parts]), minlength=len(rows))
    _refuse_negative(units)
    if all(part.cluster_counts is None for part, _ in parts):
        return LabelPatterns(rows[units > 0], units[units > 0])
    types, type_counts = _patch_types(parts, column, len(rows))
    return LabelPatterns(rows[units > 0], units[units > 0], type_counts, types[:, units > 0])


def _patch_types(parts, column: np.ndarray, n_rows: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return the types of comparisons over the merged patterns, and how many comparisons have each."""
    matrices, counts, start = [], [], 0
    for part, sign in parts:
        size = len(part.rows)
        move = sparse.csr_matrix((np.ones(size), (np.arange(size), column[start : start + size])), shape=(size, n_rows))
        types = sparse.eye_array(size, format="csr") if part.cluster_patterns is None else part.cluster_patterns
        matrices.append(sparse.csr_matrix(types @ move))
        counts.append(sign * (part.n_units if part.cluster_counts is None else part.cluster_counts))
        start += size
    types = sparse.vstack(matrices, format="csr")
    keys = np.random.default_rng(1).integers(0, 2**64, size=n_rows, dtype=np.uint64)
    code = np.array(
        [
            (keys[types.indices[a:b]] * types.data[a:b].astype(np.uint64)).sum(dtype=np.uint64)
            for a, b in zip(types.indptr[:-1], types.indptr[1:], strict=True)
        ],
        np.uint64,
    )
    _, example, group = np.unique(code, return_index=True, return_inverse=True)
    total = np.bincount(group, weights=np.concatenate(counts), minlength=len(example))
    _refuse_negative(total)
    return sparse.csr_matrix(types[example[total > 0]]), total[total > 0]


def _refuse_negative(counts: np.ndarray) -> None:
    if (counts < 0).any():
        raise ValueError("patch_counts: `before` holds comparisons that the counts do not.")
