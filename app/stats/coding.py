"""From a vote frame to integer arrays: what every statistic computes on.

The unit of agreement is (comparison, first, second): one for a pair, k(k-1)/2 for a k-way ranking. A rater has one vote
per unit and criterion: the one of the lowest repeat_index (then of the earliest judgment), so that blind repeats never
count as agreement between raters.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from app.stats.frames import OUTCOMES, OVERALL, VoteFrameError

CLASSES = ("first", "second", "tie", "both_bad")
"""The nominal classes, in the order of their codes."""
N_CLASSES = len(CLASSES)


@dataclass(frozen=True)
class CodedVotes:
    """Votes as parallel arrays of length N, one entry per vote.

    Attributes:
        row: position of the vote in the frame it was coded from.
        unit: code of the unit, 0 .. n_units - 1.
        rater: code of the rater, an index into `rater_ids`.
        criterion: code of the criterion, an index into `criteria`.
        outcome: code of the outcome, an index into `frames.OUTCOMES`; below 4 the nominal classes, above missing.
        value: signed value in [-1, 1].
        unit_comparison: (n_units,) code of the comparison that each unit belongs to.
        rater_ids: names of the raters.
        criteria: names of the criteria, "overall" first.
        n_comparisons: how many comparison codes there are; some may carry no vote.
    """

    row: np.ndarray
    unit: np.ndarray
    rater: np.ndarray
    criterion: np.ndarray
    outcome: np.ndarray
    value: np.ndarray
    unit_comparison: np.ndarray
    rater_ids: pd.Index
    criteria: tuple[str, ...]
    n_comparisons: int

    def __len__(self) -> int:
        return len(self.row)

    @property
    def n_units(self) -> int:
        """Number of unit codes; some may carry no vote."""
        return len(self.unit_comparison)

    @property
    def n_raters(self) -> int:
        """Number of rater codes; some may carry no vote."""
        return len(self.rater_ids)

    def keep(self, mask: np.ndarray) -> CodedVotes:
        """Return the votes where `mask` is true; codes keep their meaning."""
        if mask.all():
            return self
        names = ("row", "unit", "rater", "criterion", "outcome", "value")
        return replace(self, **{name: getattr(self, name)[mask] for name in names})

    def of(self, criterion: str) -> CodedVotes:
        """Return the votes on one criterion; none when nobody voted on it."""
        if criterion not in self.criteria:
            return self.keep(np.zeros(len(self), bool))
        if len(self.criteria) == 1:
            return self
        return self.keep(self.criterion == self.criteria.index(criterion))

    def levels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the signed value of each vote as a code, and the distinct values in rising order."""
        values, codes = _distinct(self.value)
        return codes, values


def code_votes(
    votes: pd.DataFrame, *, kinds: Collection[str], keep_missing: bool = False, keep_repeats: bool = False
) -> CodedVotes:
    """Code the votes of the counted kinds of rater.

    Args:
        votes: a vote frame.
        kinds: kinds of rater that count (human, model, program, simulated).
        keep_missing: keep cannot_judge and not_applicable.
        keep_repeats: keep every vote of a rater on a unit, not only the first.

    Returns:
        The coded votes. Raters are in the order of their names, criteria start with "overall".
    """
    row = _counted_rows(votes, kinds, keep_missing=keep_missing)
    frame = votes if len(row) == len(votes) else votes.iloc[row]
    comparison, comparison_ids = _codes(frame["comparison_id"])
    unit, unit_comparison = _units(frame, comparison, len(comparison_ids))
    rater, rater_ids = _in_order(*_codes(frame["rater_id"]))
    criterion, names = _codes(frame["criterion"])
    criterion, criteria = _order_criteria(criterion, names)
    coded = CodedVotes(
        row=row,
        unit=unit,
        rater=rater,
        criterion=criterion,
        outcome=_outcome_codes(frame["outcome"]),
        value=frame["value"].to_numpy(),
        unit_comparison=unit_comparison,
        rater_ids=rater_ids,
        criteria=criteria,
        n_comparisons=len(comparison_ids),
    )
    return coded if keep_repeats else _first_votes(coded, frame)


def _counted_rows(votes: pd.DataFrame, kinds: Collection[str], *, keep_missing: bool) -> np.ndarray:
    """Return the positions of the votes that count."""
    if not kinds:
        raise VoteFrameError("No kind of rater counts; name at least one of human, model, program, simulated.")
    kind, kind_names = _codes(votes["rater_kind"])
    counted = np.isin(np.asarray(kind_names), list(kinds))[kind] if len(votes) else np.zeros(0, bool)
    if not keep_missing:
        counted &= _outcome_codes(votes["outcome"]) < N_CLASSES
    return np.flatnonzero(counted)


def _codes(column: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Return the codes of a text column and its names; of a categorical column its own codes."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), column.cat.categories
    codes, names = pd.factorize(column, sort=True)
    return codes.astype(np.int32), pd.Index(names)


def _in_order(codes: np.ndarray, names: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Renumber codes so that names rise: results must not depend on the order of categories."""
    if names.is_monotonic_increasing:
        return codes, names
    order = np.argsort(np.asarray(names.astype(str), object), kind="stable")
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    return rank[codes], names[order]


def _outcome_codes(column: pd.Series) -> np.ndarray:
    codes, names = _codes(column)
    table = np.array([OUTCOMES.index(name) if name in OUTCOMES else -1 for name in names], np.int8)
    return table[codes] if len(names) else np.zeros(0, np.int8)


def _units(frame: pd.DataFrame, comparison: np.ndarray, n_comparisons: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each vote's unit code and the comparison of each unit."""
    first, first_names = _codes(frame["first"])
    second, second_names = _codes(frame["second"])
    pair = first.astype(np.int32) * len(second_names) + second
    if len(frame) == 0 or (pair == pair[0]).all():
        return comparison, np.arange(n_comparisons, dtype=np.int32)
    key = comparison.astype(np.int64) * (len(first_names) * len(second_names)) + pair
    unit, keys = pd.factorize(key, sort=True)
    return unit, keys // (len(first_names) * len(second_names))


def _order_criteria(codes: np.ndarray, names: pd.Index) -> tuple[np.ndarray, tuple[str, ...]]:
    """Renumber the criteria that occur: "overall" first, then by name."""
    present = [str(names[code]) for code in np.flatnonzero(np.bincount(codes, minlength=len(names)))]
    ordered = sorted(present, key=lambda name: (name != OVERALL, name))
    if len(ordered) == 1:
        return np.zeros(len(codes), np.int8), tuple(ordered)
    table = np.array([ordered.index(str(name)) if str(name) in ordered else 0 for name in names], np.int32)
    return (table[codes] if len(names) else codes), tuple(ordered)


def _first_votes(coded: CodedVotes, frame: pd.DataFrame) -> CodedVotes:
    """Keep one vote per rater, unit and criterion: lowest repeat_index, then earliest judgment, then frame order."""
    key = (coded.criterion.astype(np.int64) * coded.n_units + coded.unit) * coded.n_raters + coded.rater
    ordered = np.sort(key)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated) == 0:
        return coded
    rows = np.flatnonzero(pd.Series(key).isin(repeated).to_numpy())
    judgment, repeat = (frame[name].to_numpy()[rows] for name in ("judgment_id", "repeat_index"))
    order = rows[np.lexsort((judgment, repeat, key[rows]))]
    keep = np.ones(len(key), bool)
    keep[order[1:][key[order[1:]] == key[order[:-1]]]] = False
    return coded.keep(keep)


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted distinct values and codes; values that differ only by rounding (1e-9) are one."""
    codes, raw = pd.factorize(values)
    distinct, rank = np.unique(np.round(raw, 9) + 0.0, return_inverse=True)
    return distinct, rank.astype(np.int32)[codes]
