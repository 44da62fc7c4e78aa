"""What a rubric implies from the verdicts on its criteria, and what another one would imply from the same verdicts.

The rule, for one judgment of one pair of responses:
1. vetoes: where the criteria that veto favour one response only, that response wins;
2. precedence: else, where two criteria favour different responses and a tension rule says which prevails, the other is
   silent, whatever else silences whom;
3. weights: the sign of the weighted sum of the criteria that are left; equal weights where none are declared. A
   criterion without an answer adds nothing.
The implied label of a pair is what most of its judgments imply; as many for either response is a tie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from app.stats.intervals import wilson_clustered
from app.stats.results import Estimate
from app.stats.tension import Profiles

SHOW_FROM = 30
"""Comparisons from which a share of labels is worth reading: below, its 95 % interval is wider than a third."""


@dataclass(frozen=True)
class Weighing:
    """How a rubric weighs its criteria.

    Attributes:
        weights: criterion -> weight of at least 0; criteria left out count nothing. Empty: all count the same.
        precedence: (loser, winner) of each tension rule that says what prevails.
        vetoes: criteria of which each decides before the sum.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    precedence: frozenset[tuple[str, str]] = frozenset()
    vetoes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Labels:
    """One label per unit that was judged.

    Attributes:
        unit: (U,) codes of the units, rising.
        comparison: (U,) codes of their comparisons.
        row: (U,) a row of the vote frame about each.
        sign: (U,) 1 first, -1 second, 0 tie.
        n_first: (U,) judgments for first.
        n_second: (U,) judgments for second.
        n: (U,) judgments.
    """

    unit: np.ndarray
    comparison: np.ndarray
    row: np.ndarray
    sign: np.ndarray
    n_first: np.ndarray
    n_second: np.ndarray
    n: np.ndarray


@dataclass(frozen=True)
class Flips:
    """Labels under one weighing and under another.

    Attributes:
        before: implied labels under the first.
        after: under the second, of the same units.
        raters: what most raters said overall, of the same units.
        flipped: (U,) whether the label differs.
        share: of units whose label differs.
        fits_before: of units that raters decided, the share in which the label under the first is theirs.
        fits_after: under the second.
    """

    before: Labels
    after: Labels
    raters: Labels
    flipped: np.ndarray
    share: Estimate
    fits_before: Estimate
    fits_after: Estimate


def implied_signs(profiles: Profiles, weighing: Weighing) -> np.ndarray:
    """Return (J,) what each judgment implies by the rule above: 1 first, -1 second, 0 neither.

    Args:
        profiles: judgments by criterion.
        weighing: vetoes, precedence and weights.
    """
    signs, values = profiles.signs, np.nan_to_num(profiles.values)
    at = {name: c for c, name in enumerate(profiles.criteria)}
    silent = np.zeros(signs.shape, bool)
    for loser, winner in weighing.precedence:
        if loser in at and winner in at:
            silent[:, at[loser]] |= signs[:, at[loser]] * signs[:, at[winner]] < 0
    weights = np.array([weighing.weights.get(name, 0.0) if weighing.weights else 1.0 for name in profiles.criteria])
    total = np.sign(np.round(np.where(silent, 0.0, values) @ weights, 12)).astype(np.int8)
    vetoing = signs[:, [at[name] for name in sorted(weighing.vetoes) if name in at]]
    decided = (vetoing > 0).any(axis=1).astype(np.int8) - (vetoing < 0).any(axis=1).astype(np.int8)
    return np.where(decided != 0, decided, total)


def labels_of(profiles: Profiles, signs: np.ndarray) -> Labels:
    """Return the label that most judgments of each unit give; as many for either response is a tie.

    Args:
        profiles: judgments by criterion.
        signs: (J,) what each judgment says: 1, -1, or 0 for neither.
    """
    unit, example, code = np.unique(profiles.unit, return_index=True, return_inverse=True)
    n_first, n_second = (np.bincount(code, weights=signs == side, minlength=len(unit)) for side in (1, -1))
    return Labels(
        unit=unit,
        comparison=profiles.comparison[example],
        row=profiles.row[example],
        sign=np.sign(n_first - n_second).astype(np.int8),
        n_first=n_first.astype(np.int64),
        n_second=n_second.astype(np.int64),
        n=np.bincount(code, minlength=len(unit)),
    )


def what_if(profiles: Profiles, before: Weighing, after: Weighing) -> Flips:
    """Return which implied labels differ under another weighing, and which of the two is nearer to the raters.

    Intervals are Wilson's on clusters of comparisons.

    Args:
        profiles: judgments by criterion.
        before: the weighing in force.
        after: the one to try.
    """
    old, new = (labels_of(profiles, implied_signs(profiles, weighing)) for weighing in (before, after))
    raters = labels_of(profiles, profiles.overall_sign)
    decided = raters.sign != 0
    flipped = old.sign != new.sign

    def fits(labels: Labels) -> Estimate:
        return wilson_clustered((labels.sign == raters.sign)[decided], [labels.comparison[decided]])

    return Flips(old, new, raters, flipped, wilson_clustered(flipped, [old.comparison]), fits(old), fits(new))
