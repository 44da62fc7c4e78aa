"""Cohen's kappa, plain and weighted, and the pairs of raters who judged the same units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from app.stats.coding import CodedVotes
from app.stats.intervals import LEVEL, normal_interval
from app.stats.results import Estimate, undefined

_DENSE_RATERS = 3_000

WEIGHTINGS = ("identity", "linear", "quadratic")


@dataclass(frozen=True)
class RaterPair:
    """Two raters and the units that both judged.

    Attributes:
        raters: codes of the two raters.
        n: units that both judged.
        positions: (2, n) positions of their votes in the coded votes, aligned by unit.
    """

    raters: tuple[int, int]
    n: int
    positions: np.ndarray


@dataclass(frozen=True)
class PairTables:
    """What two raters said of the units that both judged.

    Attributes:
        raters: their names, in order.
        nominal: (4, 4) counts of classes; rows the first rater's.
        ordered: (V, V) counts of values.
        values: (V,) the values, rising; some may not occur.
    """

    raters: tuple[str, str]
    nominal: np.ndarray
    ordered: np.ndarray
    values: np.ndarray

    @property
    def n(self) -> int:
        """Units that both judged."""
        return int(self.nominal.sum())


def agreement_weights(weighting: str, values: np.ndarray) -> np.ndarray:
    """Return (K, K) weights of agreement: 1 on the diagonal, falling with the distance of the values.

    identity: 0 off the diagonal; linear: 1 - |v_i - v_j| / range; quadratic: 1 - ((v_i - v_j) / range)².

    Args:
        weighting: one of WEIGHTINGS.
        values: (K,) value of each label, rising.

    Raises:
        ValueError: unknown weighting.

    Source: Cohen (1968); Cicchetti and Allison (1971) for linear, Fleiss and Cohen (1973) for quadratic.
    """
    values = np.asarray(values, float)
    distance = np.abs(values[:, None] - values[None, :])
    if weighting == "identity" or len(values) < 2:
        return np.eye(len(values))
    if weighting == "linear":
        return 1 - distance / distance.max()
    if weighting == "quadratic":
        return 1 - (distance / distance.max()) ** 2
    raise ValueError(f"Unknown weighting {weighting!r}; the weightings are {', '.join(WEIGHTINGS)}.")


def cohen_kappa(table: np.ndarray, *, weights: np.ndarray | None = None, level: float = LEVEL) -> Estimate:
    """Return Cohen's kappa of two raters from their table of joint counts.

    kappa = (p_o - p_e) / (1 - p_e), p_o = sum w_ij p_ij, p_e = sum w_ij p_i. p_.j. 1 is perfect agreement, 0 what two
    independent raters with these margins reach, below 0 less than that. The interval is normal with the large-sample
    error of Fleiss, Cohen and Everitt.

    Args:
        table: (K, K) counts; rows the first rater's labels, columns the second's.
        weights: (K, K) weights of agreement; None is plain kappa.
        level: coverage.

    Returns:
        Kappa and n = units; undefined without units, and when both raters use one and the same label (0/0).

    Source: Cohen (1960, 1968); Fleiss, Cohen and Everitt (1969), equation 15.
    """
    table = np.asarray(table, float)
    n = table.sum()
    if n == 0:
        return undefined("no unit was judged by both")
    weights = np.eye(len(table)) if weights is None else weights
    joint = table / n
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    observed = float((weights * joint).sum())
    expected = float(rows @ weights @ columns)
    if np.isclose(expected, 1.0, rtol=0, atol=1e-12):
        return undefined("no variation: both raters gave one and the same label throughout", n=round(n))
    value = (observed - expected) / (1 - expected)
    row_weight, column_weight = weights @ columns, weights.T @ rows
    spread = weights - (row_weight[:, None] + column_weight[None, :]) * (1 - value)
    variance = (joint * spread**2).sum() - (value - expected * (1 - value)) ** 2
    error = float(np.sqrt(max(variance, 0.0) / n) / (1 - expected))
    low, high = normal_interval(value, error, level=level)
    return Estimate(
        value=value,
        n=round(n),
        low=max(low, -1.0),
        high=min(high, 1.0),
        level=level,
        method="normal with the error of Fleiss, Cohen and Everitt (1969)",
        standard_error=error,
    )


def joint_table(first: np.ndarray, second: np.ndarray, n_labels: int) -> np.ndarray:
    """Return the (K, K) counts of two aligned label arrays."""
    return np.bincount(first.astype(np.int64) * n_labels + second, minlength=n_labels**2).reshape(n_labels, n_labels)


def co_rated_counts(coded: CodedVotes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (i, j, n): every pair of raters i < j with the number of units that both judged, n >= 1.

    Up to 3,000 raters the votes are sorted by (unit, rater) and each vote is paired with the d-th next one of its unit,
    d = 1, 2, ...; beyond, a table of raters by raters would not fit, and a sparse product counts who met.

    Args:
        coded: votes on one criterion, one per rater and unit.
    """
    n_raters = coded.n_raters
    if n_raters > _DENSE_RATERS:
        shape = (n_raters, coded.n_units)
        met = sparse.csr_matrix((np.ones(len(coded), np.int32), (coded.rater, coded.unit)), shape=shape)
        together = sparse.triu(met @ met.T, k=1).tocoo()
        return together.row, together.col, together.data
    unit, rater = by_unit(coded)
    counts = np.zeros(n_raters * n_raters, np.int64)
    for start, other in next_votes(unit):
        counts += np.bincount(rater[start] * n_raters + rater[other], minlength=len(counts))
    pair = np.flatnonzero(counts)
    return pair // max(n_raters, 1), pair % max(n_raters, 1), counts[pair]


def by_unit(coded: CodedVotes, label: np.ndarray | int = 0, n_labels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit of each vote and rater * n_labels + label, sorted by unit, then rater."""
    base = max(coded.n_raters, 1) * n_labels
    key = np.sort(coded.unit.astype(np.int64) * base + coded.rater.astype(np.int64) * n_labels + label)
    unit = (key // base).astype(np.int32)
    key -= unit.astype(np.int64) * base
    return unit, key.astype(np.int32) if base < 2**31 else key


def next_votes(unit: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield positions of every two votes on the same unit, those next to each other first, then two places apart ...

    Args:
        unit: (N,) unit of each vote, sorted.
    """
    start, distance = np.arange(len(unit), dtype=np.int32 if len(unit) < 2**31 else np.int64), 1
    while len(start):
        start = start[: np.searchsorted(start, len(unit) - distance)]
        start = start[unit[start] == unit[start + distance]]
        if len(start):
            yield start, start + distance
        distance += 1


def rater_pairs(coded: CodedVotes, *, min_n: int = 20, largest: int = 200) -> tuple[list[RaterPair], int]:
    """Return the pairs of raters with the most units in common, and how many pairs were left out.

    Args:
        coded: votes on one criterion, one per rater and unit.
        min_n: pairs with fewer units in common are left out.
        largest: at most so many pairs; more shared units first, then by the raters' order.
    """
    i, j, n = co_rated_counts(coded)
    enough = n >= min_n
    order = np.lexsort((j[enough], i[enough], -n[enough].astype(np.int64)))[:largest]
    chosen = np.flatnonzero(enough)[order]
    wanted = list(zip(i[chosen].tolist(), j[chosen].tolist(), strict=True))
    return list(_meetings(coded, wanted)), len(n) - len(wanted)


def _meetings(coded: CodedVotes, wanted: list[tuple[int, int]]) -> Iterator[RaterPair]:
    """Yield the shared units of each wanted pair."""
    involved = np.zeros(coded.n_raters, bool)
    involved[np.array(wanted, np.int64).ravel()] = True
    positions = np.flatnonzero(involved[coded.rater])
    rater = coded.rater[positions]
    ends = np.cumsum(np.bincount(rater, minlength=coded.n_raters))
    starts = np.r_[0, ends]
    positions = positions[np.argsort(rater, kind="stable")]
    for first, second in wanted:
        mine = positions[starts[first] : ends[first]]
        theirs = positions[starts[second] : ends[second]]
        _, at, other = np.intersect1d(coded.unit[mine], coded.unit[theirs], assume_unique=True, return_indices=True)
        yield RaterPair((first, second), len(at), np.stack([mine[at], theirs[other]]))
