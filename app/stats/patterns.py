"""Label-count patterns: units with equal label counts are one row.

Every coefficient of agreement that is built on counts (percent agreement, alpha, Fleiss, Gwet) depends on a unit only
through how many votes of each label it has. Three votes on five labels have 35 such patterns, however many millions of
units there are, so the coefficient and its bootstrap cost the same on a thousand votes and on ten million.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

_EXACT_BITS = 53  # integers that a float64 holds exactly
_TABLE_CELLS = 4_000_000  # largest table of codes that is counted instead of sorted
_BLOCK_CELLS = 2_000_000  # cells of one block of resamples: 16 MB of float64


@dataclass(frozen=True)
class LabelPatterns:
    """Distinct label-count rows and how many units have each.

    Attributes:
        rows: (P, K) counts of each of K labels.
        n_units: (P,) units with each pattern; every unit has at least one vote.
        cluster_counts: (T,) comparisons of each type, where a type is a multiset of patterns; None when every
            comparison is one unit, so that types and patterns are the same.
        cluster_patterns: (T, P) sparse: how often each pattern occurs in a comparison of each type; or None.
    """

    rows: np.ndarray
    n_units: np.ndarray
    cluster_counts: np.ndarray | None = None
    cluster_patterns: sparse.csr_matrix | None = None

    @property
    def n_votes(self) -> np.ndarray:
        """(P,) votes per unit of each pattern."""
        return self.rows.sum(axis=1)

    @property
    def n_clusters(self) -> int:
        """Number of comparisons."""
        counts = self.n_units if self.cluster_counts is None else self.cluster_counts
        return round(counts.sum())

    def resamples(self, n_resamples: int, *, seed: int) -> Iterator[np.ndarray]:
        """Yield blocks of (b, P) units per pattern, each row one resample of the comparisons with replacement.

        Resampling comparisons is a multinomial draw over their types, so no vote is touched again.
        """
        rng = np.random.default_rng(seed)
        counts = self.n_units if self.cluster_counts is None else self.cluster_counts
        total = counts.sum()
        if total == 0:
            return
        block = max(1, _BLOCK_CELLS // max(len(counts), len(self.n_units)))
        for start in range(0, n_resamples, block):
            draws = rng.multinomial(round(total), counts / total, size=min(block, n_resamples - start)).astype(float)
            yield draws if self.cluster_patterns is None else draws @ self.cluster_patterns


def count_patterns(
    unit: np.ndarray, label: np.ndarray, n_labels: int, *, cluster: np.ndarray | None = None
) -> LabelPatterns:
    """Count the distinct label-count rows of the units.

    code(u) = sum over votes of (m + 1)^label, with m the most votes on any unit: one weighted bincount. The code is
    exact while (m + 1)^K < 2^53; beyond, units are grouped by a 64-bit hash of their counts (the chance that two
    different patterns among U share one is about U² / 2^65: 3e-8 for a million units).

    Args:
        unit: (N,) unit of each vote.
        label: (N,) label of each vote, 0 .. n_labels - 1.
        n_labels: K.
        cluster: (n_units,) comparison of each unit, for the bootstrap; None means one unit per comparison.

    Returns:
        The patterns of all units with at least one vote.
    """
    n_units = int(unit.max()) + 1 if len(unit) else 0
    votes_per_unit = np.bincount(unit, minlength=n_units)
    most = int(votes_per_unit.max()) if len(unit) else 0
    clustered = cluster is not None and _has_shared_clusters(cluster, votes_per_unit)
    if n_labels * np.log2(most + 1) < _EXACT_BITS:
        rows, counts, unit_pattern = _by_code(unit, label, n_labels, most + 1, n_units, want_units=clustered)
    else:
        rows, counts, unit_pattern = _by_hash(unit, label, n_labels, votes_per_unit)
    if not clustered:
        return LabelPatterns(rows=rows, n_units=counts)
    types, type_counts = _cluster_types(cluster[:n_units], unit_pattern, len(rows))
    return LabelPatterns(rows=rows, n_units=counts, cluster_counts=type_counts, cluster_patterns=types)


def patterns_of_table(table: np.ndarray) -> LabelPatterns:
    """Return the patterns of a ready units-by-labels table of counts, one unit per comparison.

    Args:
        table: (U, K) whole counts; rows without votes are left out.
    """
    table = np.asarray(table)
    n_labels = table.shape[1]
    base = int(table.max(initial=0)) + 1
    if n_labels * np.log2(base) >= _EXACT_BITS:
        rows, counts = np.unique(table, axis=0, return_counts=True)
    else:
        code = table.astype(float, copy=False) @ np.power(float(base), np.arange(n_labels))
        if base**n_labels <= _TABLE_CELLS:
            occurrences = np.bincount(code.astype(np.int32), minlength=1)
            codes = np.flatnonzero(occurrences)
            counts = occurrences[codes]
        else:
            codes, counts = np.unique(code, return_counts=True)
        rows = (codes.astype(np.int64)[:, None] // base ** np.arange(n_labels, dtype=np.int64)) % base
    voted = rows.sum(axis=1) > 0
    return LabelPatterns(rows=rows[voted].astype(float), n_units=counts[voted].astype(float))


def _has_shared_clusters(cluster: np.ndarray, votes_per_unit: np.ndarray) -> bool:
    used = cluster[: len(votes_per_unit)][votes_per_unit > 0]
    return len(used) > 0 and int(np.bincount(used).max()) > 1


def _by_code(unit, label, n_labels, base, n_units, *, want_units):
    """Group units by their positional code."""
    place = np.power(float(base), np.arange(n_labels))
    code = np.bincount(unit, weights=place[label], minlength=n_units)
    if base**n_labels <= _TABLE_CELLS:
        code = code.astype(np.int32)
        table = np.bincount(code, minlength=1)
        table[0] = 0  # units without a vote
        codes = np.flatnonzero(table)
        counts = table[codes]
    else:
        codes, counts = np.unique(code[code > 0], return_counts=True)
    rows = (codes.astype(np.int64)[:, None] // base ** np.arange(n_labels, dtype=np.int64)) % base
    unit_pattern = None
    if want_units:
        unit_pattern = np.where(code > 0, np.searchsorted(codes, code), -1)
    return rows.astype(float), counts.astype(float), unit_pattern


def _by_hash(unit, label, n_labels, votes_per_unit):
    """Group units by a hash of their counts: the sum of one random 64-bit key per vote."""
    keys = np.random.default_rng(0).integers(0, 2**64, size=n_labels, dtype=np.uint64)
    order = np.argsort(unit, kind="stable")
    voted = np.flatnonzero(votes_per_unit)
    starts = np.r_[0, np.cumsum(votes_per_unit[voted])[:-1]]
    code = np.add.reduceat(keys[label[order]], starts) if len(voted) else np.zeros(0, np.uint64)
    _, example, pattern, counts = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
    rows = np.zeros((len(example), n_labels))
    for index, position in enumerate(example):
        votes = label[order[starts[position] : starts[position] + votes_per_unit[voted[position]]]]
        rows[index] = np.bincount(votes, minlength=n_labels)
    order = np.lexsort(rows.T)  # as codes rise, so that equal counts stand in equal order
    unit_pattern = np.full(len(votes_per_unit), -1)
    unit_pattern[voted] = np.argsort(order)[pattern]
    return rows[order], counts[order].astype(float), unit_pattern


def _cluster_types(
    cluster: np.ndarray, unit_pattern: np.ndarray, n_patterns: int
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Group comparisons by the multiset of their units' patterns."""
    voted = unit_pattern >= 0
    _, compact = np.unique(cluster[voted], return_inverse=True)
    pattern = unit_pattern[voted]
    n_clusters = int(compact.max()) + 1
    counts = sparse.csr_matrix((np.ones(len(pattern)), (compact, pattern)), shape=(n_clusters, n_patterns))
    keys = np.random.default_rng(1).integers(0, 2**64, size=n_patterns, dtype=np.uint64)
    order = np.argsort(compact, kind="stable")
    sizes = np.bincount(compact)
    code = np.add.reduceat(keys[pattern[order]], np.r_[0, np.cumsum(sizes)[:-1]])
    _, example, type_counts = np.unique(code, return_index=True, return_counts=True)
    return counts[example], type_counts.astype(float)
