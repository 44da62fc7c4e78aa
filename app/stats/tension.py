"""Tension: where the criteria of one judgment favour different responses, and which of them then prevails.

Judgment t has signed criterion values d_tc and the overall value y_t, positive for `first`. Criteria i and j are in
conflict in t when d_ti d_tj < 0. A criterion with value 0 or without a value is not active. A k-way judgment counts
once per pair of responses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from app.stats.coding import CodedVotes
from app.stats.frames import OVERALL
from app.stats.intervals import jeffreys, wilson_clustered
from app.stats.results import Estimate, undefined

SHOW_FROM = 30
"""Conflicts below which a resolution rate is too rough to show as a finding (half-width about .18)."""
COMPARE_FROM = 93
"""Conflicts from which resolution rates may be compared (half-width .10 at .6)."""


@dataclass(frozen=True)
class Profiles:
    """What each judgment says of each criterion: one row per judgment and pair of responses.

    Attributes:
        values: (J, C) signed values of the criteria, NaN where missing.
        overall: (J,) signed overall value, NaN where missing.
        unit: (J,) code of the unit.
        comparison: (J,) code of the comparison.
        rater: (J,) code of the rater.
        row: (J,) position in the vote frame of the overall vote, or of another where there is none.
        criteria: (C,) names, without overall.
        places: (J, C) place of each criterion on screen, 0 at the top; NaN where missing or not recorded.
        overall_place: (J,) place of the overall verdict, below all others where it was asked first; NaN likewise.
    """

    values: np.ndarray
    overall: np.ndarray
    unit: np.ndarray
    comparison: np.ndarray
    rater: np.ndarray
    row: np.ndarray
    criteria: tuple[str, ...]
    places: np.ndarray
    overall_place: np.ndarray

    @property
    def signs(self) -> np.ndarray:
        """(J, C) which response each criterion favours: 1 first, -1 second, 0 neither or missing."""
        return np.sign(np.nan_to_num(self.values)).astype(np.int8)

    @property
    def overall_sign(self) -> np.ndarray:
        """(J,) which response the judgment favours: 1 first, -1 second, 0 neither or missing."""
        return np.sign(np.nan_to_num(self.overall)).astype(np.int8)

    def __len__(self) -> int:
        return len(self.overall)


@dataclass(frozen=True)
class TensionPair:
    """How often two criteria pull apart, and which prevails.

    Attributes:
        between: the two criteria i, j.
        n_active: judgments in which both favour a response.
        n_conflicts: of these, judgments in which they favour different ones.
        rate: n_conflicts / n_active, Wilson's interval on clusters.
        strength: mean of min(|d_i|, |d_j|) over the conflicts, or None.
        prevails: per criterion, share of the decided conflicts that go its way, Jeffreys' interval.
        unresolved: share of the conflicts with an overall verdict that end in a tie.
        clean: like `prevails` of i, only over judgments where no third criterion is active.
    """

    between: tuple[str, str]
    n_active: int
    n_conflicts: int
    rate: Estimate
    strength: float | None
    prevails: dict[str, Estimate]
    unresolved: Estimate
    clean: Estimate


def build_profiles(coded: CodedVotes, votes: pd.DataFrame) -> Profiles:
    """Return the profiles of the coded votes.

    Args:
        coded: votes on all criteria, missing ones left out.
        votes: the frame that was coded.
    """
    criteria = tuple(name for name in coded.criteria if name != OVERALL)
    judgment = votes["judgment_id"].to_numpy()[coded.row].astype(np.int64)
    group, _ = pd.factorize(judgment * coded.n_units + coded.unit)
    n_groups = int(group.max()) + 1 if len(group) else 0
    table, places = (np.full((n_groups, len(coded.criteria)), np.nan) for _ in range(2))
    table[group, coded.criterion] = coded.value
    if "place" in votes:
        places[group, coded.criterion] = votes["place"].to_numpy(float)[coded.row]
    example = np.zeros(n_groups, np.int64)
    example[group] = np.arange(len(group))
    has_overall = OVERALL in coded.criteria
    if has_overall:
        overall = np.flatnonzero(coded.criterion == coded.criteria.index(OVERALL))
        example[group[overall]] = overall
    unit = coded.unit[example].astype(np.int64)
    return Profiles(
        values=table[:, 1:] if has_overall else table,
        overall=table[:, 0] if has_overall else np.full(n_groups, np.nan),
        unit=unit,
        comparison=coded.unit_comparison[unit].astype(np.int64),
        rater=coded.rater[example].astype(np.int64),
        row=coded.row[example],
        criteria=criteria,
        places=places[:, 1:] if has_overall else places,
        overall_place=places[:, 0] if has_overall else np.full(n_groups, np.nan),
    )


def tension_pairs(profiles: Profiles) -> list[TensionPair]:
    """Return the tension of every pair of criteria.

    tau_ij = conflicts / judgments in which both are active. R_ij = P(sign y = sign d_i | conflict, y != 0).
    Every opposite non-zero pair counts; no threshold.

    Source: notes of this project; the terms follow Tversky, Sattath and Slovic (1988) on contingent weighting.
    """
    signs, overall = profiles.signs, profiles.overall_sign
    n_active = (signs != 0).sum(axis=1)
    return [_tension_pair(profiles, signs, overall, n_active, i, j) for i, j in combinations(range(signs.shape[1]), 2)]


def torn_share(profiles: Profiles) -> Estimate:
    """Return the share of judgments on two or more active criteria in which at least two pull apart."""
    signs = profiles.signs
    eligible = (signs != 0).sum(axis=1) >= 2
    torn = ((signs > 0).any(axis=1) & (signs < 0).any(axis=1))[eligible]
    return wilson_clustered(torn, _clusters(profiles, eligible))


def unexplained_share(profiles: Profiles) -> Estimate:
    """Return the share of decided judgments in which no criterion favours a response.

    Above a quarter the rubric probably lacks a criterion.
    """
    if not profiles.criteria:
        return undefined("no criteria besides the overall verdict")
    decided = profiles.overall_sign != 0
    return wilson_clustered((profiles.signs[decided] == 0).all(axis=1), _clusters(profiles, decided))


def defiance_share(profiles: Profiles) -> Estimate:
    """Return the share of decided judgments with active criteria that go against every one of them.

    Such a judgment is a slip, or follows something that the rubric does not name.
    """
    signs, overall = profiles.signs, profiles.overall_sign
    eligible = (overall != 0) & (signs != 0).any(axis=1)
    against = (signs[eligible] * overall[eligible, None] <= 0).all(axis=1)
    return wilson_clustered(against, _clusters(profiles, eligible))


def against_weights(profiles: Profiles, declared: Mapping[str, float], *, vetoes: Collection[str] = ()) -> Estimate:
    """Return the share of decided judgments whose verdict contradicts the rubric: its vetoes, or else its weighted sum.

    sign y != sign v, over judgments where both are not 0. v is the sign of the vetoes where they favour one response
    only, and sum_c w_c d_c elsewhere; a criterion without a value adds nothing (`rubrics.model.Rubric.leaning`).

    Args:
        profiles: judgments by criterion.
        declared: weight per criterion.
        vetoes: criteria of which each decides alone. The share is undefined without weights and vetoes.
    """
    if not declared and not vetoes:
        return undefined("the rubric declares no weights")
    weights = np.array([declared.get(name, 0.0) for name in profiles.criteria])
    total = np.sign(np.round(np.nan_to_num(profiles.values) @ weights, 12))
    vetoing = profiles.signs[:, [name in vetoes for name in profiles.criteria]]
    decided = (vetoing > 0).any(axis=1).astype(int) - (vetoing < 0).any(axis=1)
    total = np.where(decided != 0, decided, total)
    eligible = (profiles.overall_sign != 0) & (total != 0)
    return wilson_clustered((total != profiles.overall_sign)[eligible], _clusters(profiles, eligible))


def against_precedence(pair: TensionPair, winner: str) -> Estimate:
    """Return the share of the decided conflicts of a pair that go against its precedence rule.

    Args:
        pair: the pair.
        winner: the criterion that should prevail.

    Raises:
        ValueError: the rule names a criterion outside the pair.
    """
    if winner not in pair.between:
        raise ValueError(f"The rule for {pair.between} says that {winner!r} prevails, which is neither.")
    loser = pair.between[1] if winner == pair.between[0] else pair.between[0]
    return pair.prevails[loser]


def between_raters(profiles: Profiles) -> Estimate:
    """Return how often two raters who agree on every criterion disagree overall: values, not perception.

    Over pairs of judgments of one unit by different raters with the same sign on every criterion (at least one of them
    not 0) and two decided overall verdicts: the share with opposite verdicts. n is the number of such pairs of raters;
    Wilson's interval takes them as independent within the number of units they come from.
    """
    signs, overall = profiles.signs, profiles.overall_sign
    usable = (overall != 0) & (signs != 0).any(axis=1)
    signs, overall = signs[usable], overall[usable]
    signs = np.where(np.isnan(profiles.values[usable]), 2, signs)
    code = np.zeros(len(overall), np.int64)
    for column in range(signs.shape[1]):
        code, _ = pd.factorize(code * 4 + signs[:, column] + 1)
    group, _ = pd.factorize(code * (int(profiles.unit.max()) + 1 if len(profiles) else 1) + profiles.unit[usable])
    n_groups = int(group.max()) + 1 if len(group) else 0
    for_first = np.bincount(group, weights=overall > 0, minlength=n_groups)
    size = np.bincount(group, minlength=n_groups)
    n_pairs = (size * (size - 1) // 2).astype(np.int64)
    opposed = (for_first * (size - for_first)).astype(np.int64)
    return _opposed_share(opposed, n_pairs, group, profiles.unit[usable])


def _opposed_share(opposed: np.ndarray, n_pairs: np.ndarray, group: np.ndarray, unit: np.ndarray) -> Estimate:
    """Return opposed / pairs with one row per pair of judgments, clustered by unit."""
    unit_of_group = np.zeros(len(n_pairs), np.int64)
    unit_of_group[group] = unit
    rows = np.repeat(np.arange(len(n_pairs)), n_pairs)
    starts = np.repeat(np.cumsum(n_pairs) - n_pairs, n_pairs)
    success = np.arange(len(rows)) - starts < opposed[rows]
    return wilson_clustered(success, [unit_of_group[rows]])


def _tension_pair(
    profiles: Profiles, signs: np.ndarray, overall: np.ndarray, n_active: np.ndarray, i: int, j: int
) -> TensionPair:
    product = signs[:, i] * signs[:, j]
    both = product != 0
    conflict = product < 0
    judged = conflict & ~np.isnan(profiles.overall)
    decided = conflict & (overall != 0)
    for_i = decided & (overall == signs[:, i])
    alone = decided & (n_active == 2)
    names = profiles.criteria[i], profiles.criteria[j]
    n_decided, n_for_i = int(decided.sum()), int(for_i.sum())
    sizes = np.minimum(np.abs(profiles.values[conflict, i]), np.abs(profiles.values[conflict, j]))
    return TensionPair(
        between=names,
        n_active=int(both.sum()),
        n_conflicts=int(conflict.sum()),
        rate=wilson_clustered(conflict[both], _clusters(profiles, both)),
        strength=float(sizes.mean()) if len(sizes) else None,
        prevails={names[0]: jeffreys(n_for_i, n_decided), names[1]: jeffreys(n_decided - n_for_i, n_decided)},
        unresolved=jeffreys(int(judged.sum()) - n_decided, int(judged.sum())),
        clean=jeffreys(int((alone & for_i).sum()), int(alone.sum())),
    )


def _clusters(profiles: Profiles, rows: np.ndarray) -> list[np.ndarray]:
    return [profiles.rater[rows], profiles.comparison[rows]]
