"""All that the agreement report counts, kept so that new votes are patched in instead of counted again with the rest.

Counts add: when votes on some comparisons change, take away the counts of those comparisons as they were and add them
as they are. Rankings are no counts (Kendall's W looks at whole judgments), so campaigns with them are counted afresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.stats.coding import N_CLASSES, CodedVotes
from app.stats.counts import CriterionCounts, criterion_counts, patch_counts
from app.stats.frames import OVERALL
from app.stats.kappa import PairTables, by_unit, next_votes

_RATER_BITS, _LABEL_BITS = 21, 10  # of a key: two raters and two labels in 62 bits


class CannotPatch(ValueError):
    """These votes cannot be patched in: count them all again."""


@dataclass(frozen=True)
class PairCounts:
    """How often two raters gave two labels to the same unit, for every pair of raters.

    Attributes:
        criterion: whose votes.
        raters: names; their codes need not be in the order of names.
        outcomes: (L,) class of each label.
        values: (L,) signed value of each label.
        keys: (M,) rising: first rater, second rater (a higher code), first label, second label.
        n: (M,) units.
    """

    criterion: str
    raters: tuple[str, ...]
    outcomes: np.ndarray
    values: np.ndarray
    keys: np.ndarray
    n: np.ndarray


@dataclass(frozen=True)
class AgreementCounts:
    """What the agreement report rests on.

    Attributes:
        criteria: label counts, "overall" first, then by name.
        votes_of_rater: name -> votes, over all criteria.
        n_comparisons: with at least one vote.
        n_judgments: with at least one vote.
        pairs: of raters, on the overall verdict (or the first criterion).
    """

    criteria: Mapping[str, CriterionCounts]
    votes_of_rater: Mapping[str, int]
    n_comparisons: int
    n_judgments: int
    pairs: PairCounts

    @property
    def n_raters(self) -> int:
        """Number of raters with at least one vote."""
        return len(self.votes_of_rater)


def pairs_criterion(criteria: tuple[str, ...]) -> str:
    """Return on which criterion pairs of raters are compared: the overall verdict, or the first one without it."""
    return OVERALL if OVERALL in criteria or not criteria else criteria[0]


def count_agreement(coded: CodedVotes, votes: pd.DataFrame) -> AgreementCounts:
    """Count what the agreement report rests on.

    Args:
        coded: votes on all criteria, one per rater, unit and criterion.
        votes: the frame that was coded.

    Raises:
        CannotPatch: some comparison has more than one pair of responses (a ranking), or there are too many raters.
    """
    comparisons = coded.unit_comparison[np.flatnonzero(np.bincount(coded.unit, minlength=1))] if len(coded) else []
    if len(np.unique(comparisons)) < len(comparisons):
        raise CannotPatch("Rankings are not kept as counts.")
    names, n_votes = coded.rater_ids, np.bincount(coded.rater, minlength=coded.n_raters)
    return AgreementCounts(
        criteria={name: criterion_counts(coded.of(name)) for name in coded.criteria},
        votes_of_rater={str(names[code]): int(n_votes[code]) for code in np.flatnonzero(n_votes)},
        n_comparisons=len(comparisons),
        n_judgments=len(np.unique(votes["judgment_id"].to_numpy()[coded.row])),
        pairs=count_pairs(coded.of(pairs_criterion(coded.criteria)), pairs_criterion(coded.criteria)),
    )


def patch_agreement(counts: AgreementCounts, *, before: AgreementCounts, after: AgreementCounts) -> AgreementCounts:
    """Return the counts after some comparisons have changed.

    Args:
        counts: of all comparisons, as they were.
        before: of the changed comparisons alone, as they were.
        after: of the same comparisons, as they are now.

    Raises:
        CannotPatch: `before` holds what `counts` does not, or the pairs are now those of another criterion.
    """
    names = {*counts.criteria, *after.criteria}
    ordered = sorted(names, key=lambda name: (name != OVERALL, name))
    try:
        criteria = {name: patch_counts(*_parts(name, counts, before, after)) for name in ordered}
    except ValueError as error:
        raise CannotPatch(str(error)) from error
    criteria = {name: part for name, part in criteria.items() if part.n_votes}
    if pairs_criterion(tuple(criteria)) != counts.pairs.criterion:
        raise CannotPatch("Pairs of raters are now compared on another criterion.")
    votes_of_rater = dict(counts.votes_of_rater)
    for part, sign in ((before, -1), (after, 1)):
        for name, n in part.votes_of_rater.items():
            votes_of_rater[name] = votes_of_rater.get(name, 0) + sign * n
    return AgreementCounts(
        criteria=criteria,
        votes_of_rater={name: n for name, n in votes_of_rater.items() if n},
        n_comparisons=counts.n_comparisons - before.n_comparisons + after.n_comparisons,
        n_judgments=counts.n_judgments - before.n_judgments + after.n_judgments,
        pairs=patch_pairs(counts.pairs, before=before.pairs, after=after.pairs),
    )


def count_pairs(coded: CodedVotes, criterion: str) -> PairCounts:
    """Count which labels each two raters gave to the same units.

    Args:
        coded: votes on one criterion, one per rater and unit.
        criterion: its name.

    Raises:
        CannotPatch: more raters or labels than a key holds.
    """
    label, outcomes, values = _labels(coded)
    _refuse_too_many(coded.n_raters, len(outcomes))
    unit, said = by_unit(coded, label, max(1, len(outcomes)))
    rater, label = np.divmod(said, max(1, len(outcomes)))
    keys = [_key(rater[start], rater[other], label[start], label[other]) for start, other in next_votes(unit)]
    found, n = np.unique(np.concatenate(keys) if keys else np.zeros(0, np.int64), return_counts=True)
    return PairCounts(criterion, tuple(map(str, coded.rater_ids)), outcomes, values, found, n)


def patch_pairs(counts: PairCounts, *, before: PairCounts, after: PairCounts) -> PairCounts:
    """Return the pair counts after some comparisons have changed; parts without votes may be of any criterion.

    Raises:
        CannotPatch: `before` holds what `counts` does not.
    """
    raters = tuple(dict.fromkeys((*counts.raters, *before.raters, *after.raters)))
    labels = dict.fromkeys(label for part in (counts, before, after) for label in _label_list(part))
    _refuse_too_many(len(raters), len(labels))
    rater_code = {name: code for code, name in enumerate(raters)}
    label_code = {label: code for code, label in enumerate(labels)}
    keys = [counts.keys, *(_recoded(part, rater_code, label_code) for part in (before, after))]
    merged, position = np.unique(np.concatenate(keys), return_inverse=True)
    signed = np.concatenate([counts.n, -before.n, after.n])
    n = np.bincount(position, weights=signed, minlength=len(merged)).astype(np.int64)
    if (n < 0).any():
        raise CannotPatch("`before` holds pairs of votes that the counts do not.")
    outcomes, values = (np.array(column) for column in zip(*labels, strict=True)) if labels else (counts.outcomes,) * 2
    return PairCounts(counts.criterion, raters, outcomes, values, merged[n > 0], n[n > 0])


def largest_pairs(counts: PairCounts, *, min_n: int, largest: int) -> tuple[list[PairTables], int]:
    """Return the pairs of raters with the most units in common, and how many that met were left out.

    Args:
        counts: pair counts.
        min_n: pairs with fewer units in common are left out.
        largest: at most so many; more shared units first, then by the raters' names.
    """
    both = counts.keys >> (2 * _LABEL_BITS)
    met, starts = np.unique(both, return_index=True)
    ends = np.r_[starts[1:], len(both)]
    n = np.add.reduceat(counts.n, starts) if len(met) else np.zeros(0, np.int64)
    enough = np.flatnonzero(n >= min_n)
    if len(enough) > largest:
        cut = np.partition(n[enough], -largest)[-largest]
        enough = enough[n[enough] >= cut]
    mask = (1 << _RATER_BITS) - 1
    named = [(counts.raters[met[at] >> _RATER_BITS], counts.raters[met[at] & mask], at) for at in enough]
    chosen = sorted(named, key=lambda pair: (-n[pair[2]], sorted(pair[:2])))[:largest]
    values, level = np.unique(counts.values, return_inverse=True)
    tables = [
        _tables(counts, first, second, slice(starts[at], ends[at]), values, level) for first, second, at in chosen
    ]
    return tables, len(met) - len(tables)


def _tables(
    counts: PairCounts, first: str, second: str, rows: slice, values: np.ndarray, level: np.ndarray
) -> PairTables:
    """Return the joint tables of two raters, the first in the order of names."""
    mask = (1 << _LABEL_BITS) - 1
    one, other = (counts.keys[rows] >> _LABEL_BITS) & mask, counts.keys[rows] & mask
    if first > second:
        first, second, one, other = second, first, other, one
    nominal, ordered = np.zeros((N_CLASSES, N_CLASSES), np.int64), np.zeros((len(values), len(values)), np.int64)
    np.add.at(nominal, (counts.outcomes[one], counts.outcomes[other]), counts.n[rows])
    np.add.at(ordered, (level[one], level[other]), counts.n[rows])
    return PairTables((first, second), nominal, ordered, values)


def _parts(name: str, *parts: AgreementCounts) -> Iterator[CriterionCounts]:
    """Yield the label counts of one criterion; empty ones where nobody voted on it."""
    empty = None
    for part in parts:
        if name not in part.criteria and empty is None:
            example = next(p.criteria[name] for p in parts if name in p.criteria)
            empty = example.emptied()
        yield part.criteria.get(name, empty)


def _labels(coded: CodedVotes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each vote's label, and the class and value of each label."""
    levels, values = coded.levels()
    found, label = np.unique(coded.outcome.astype(np.int64) * (len(values) + 1) + levels, return_inverse=True)
    return label, found // (len(values) + 1), values[found % (len(values) + 1)]


def _label_list(part: PairCounts) -> list[tuple[int, float]]:
    return list(zip(part.outcomes.tolist(), part.values.tolist(), strict=True))


def _recoded(part: PairCounts, rater_code: Mapping[str, int], label_code: Mapping[tuple, int]) -> np.ndarray:
    """Return the keys of a part in other codes; the lower rater stays first, its label with it."""
    raters = np.array([rater_code[name] for name in part.raters], np.int64)
    labels = np.array([label_code[label] for label in _label_list(part)], np.int64)
    rater_mask, label_mask = (1 << _RATER_BITS) - 1, (1 << _LABEL_BITS) - 1
    first = raters[part.keys >> (_RATER_BITS + 2 * _LABEL_BITS)]
    second = raters[(part.keys >> (2 * _LABEL_BITS)) & rater_mask]
    one, other = labels[(part.keys >> _LABEL_BITS) & label_mask], labels[part.keys & label_mask]
    swap = first > second
    return np.where(swap, _key(second, first, other, one), _key(first, second, one, other))


def _key(first: np.ndarray, second: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    raters = (first.astype(np.int64) << _RATER_BITS) | second.astype(np.int64)
    return (raters << (2 * _LABEL_BITS)) | (one.astype(np.int64) << _LABEL_BITS) | other.astype(np.int64)


def _refuse_too_many(n_raters: int, n_labels: int) -> None:
    if n_raters >= 1 << _RATER_BITS or n_labels >= 1 << _LABEL_BITS:
        raise CannotPatch(f"{n_raters:,} raters and {n_labels:,} labels are more than pair counts hold.")
