"""Which comparisons to judge again after a rubric has changed, the most valuable first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from app.stats.implied import Labels, Weighing, labels_of, what_if
from app.stats.tension import Profiles


@dataclass(frozen=True)
class Stale:
    """What speaks for judging a unit again.

    Attributes:
        labels: the raters' labels of all units.
        exposure: (U,) how much of the label rests on what changed, 0 to 1.
        nearness: (U,) how near the raters' votes are to another label, 0 to 1.
        flips: (U,) whether the label that the rubric implies changes already.
        value: (U,) exposure times nearness; where the implied label flips, the exposure.
        main_change: (U,) what weighs most in the exposure: a criterion, or "i|j" for a rule; empty where nothing does.
    """

    labels: Labels
    exposure: np.ndarray
    nearness: np.ndarray
    flips: np.ndarray
    value: np.ndarray
    main_change: np.ndarray


def stale_units(
    profiles: Profiles,
    *,
    before: Weighing,
    after: Weighing,
    changed: Collection[str],
    added: Mapping[str, float] | None = None,
    rules: Iterable[tuple[str, str]] = (),
) -> Stale:
    """Return how much each unit's label rests on what changed, and how near it is to flipping.

    exposure = the largest of: sum over the changed criteria of w_c |d_c| / sum_c w_c |d_c|, d_c the mean value over the
    unit's judgments; the weight of the criteria that nobody has judged yet; for each changed rule the share of the
    judgments in which its two criteria pull apart. nearness = 1 - |2 p - 1|, p = (votes for first + ties / 2 + 1/2) /
    (votes + 1): 1 for a divided vote, near 0 for many votes on one side.

    Args:
        profiles: judgments under the old rubric.
        before: its weighing.
        after: the new one.
        changed: criteria of both whose meaning changed, and criteria that were removed.
        added: criteria that nobody has judged yet -> declared share.
        rules: pairs of criteria whose tension rule changed.
    """
    raters = labels_of(profiles, profiles.overall_sign)
    code = np.searchsorted(raters.unit, profiles.unit)
    parts = {
        **_resting_on(profiles, code, len(raters.unit), {**before.weights, **after.weights}, changed),
        **{name: np.full(len(raters.unit), share) for name, share in (added or {}).items()},
        **{f"{i}|{j}": _pulled_apart(profiles, code, len(raters.unit), i, j) for i, j in rules},
    }
    names = np.array([*parts, ""], object)
    table = np.stack([*parts.values(), np.zeros(len(raters.unit))], axis=1)
    of_criteria = table[:, [k for k, name in enumerate(parts) if name in changed]].sum(axis=1)
    exposure = np.minimum(np.maximum(of_criteria, table.max(axis=1)), 1.0)
    n_ties = raters.n - raters.n_first - raters.n_second
    p = (raters.n_first + n_ties / 2 + 0.5) / (raters.n + 1)
    nearness = 1 - np.abs(2 * p - 1)
    flips = what_if(profiles, before, after).flipped
    main = names[np.where(exposure > 0, table.argmax(axis=1), len(names) - 1)]
    return Stale(raters, exposure, nearness, flips, np.where(flips, exposure, exposure * nearness), main)


def _resting_on(
    profiles: Profiles, code: np.ndarray, n_units: int, weights: Mapping[str, float], changed: Collection[str]
) -> dict[str, np.ndarray]:
    """Return the share of each changed criterion in the weighted sum of each unit, taken without signs."""
    known = ~np.isnan(profiles.values)
    pulls = {}
    for c, name in enumerate(profiles.criteria):
        n = np.bincount(code, weights=known[:, c], minlength=n_units)
        total = np.bincount(code, weights=np.nan_to_num(profiles.values[:, c]), minlength=n_units)
        weight = weights.get(name, 0.0) if weights else 1.0
        pulls[name] = weight * np.abs(total) / np.maximum(n, 1)
    everything = sum(pulls.values(), np.zeros(n_units))
    return {
        name: np.divide(pulls[name], everything, out=np.zeros(n_units), where=everything > 0)
        for name in profiles.criteria
        if name in changed
    }


def _pulled_apart(profiles: Profiles, code: np.ndarray, n_units: int, first: str, second: str) -> np.ndarray:
    """Return the share of each unit's judgments in which two criteria favour different responses."""
    if first not in profiles.criteria or second not in profiles.criteria:
        return np.zeros(n_units)
    i, j = profiles.criteria.index(first), profiles.criteria.index(second)
    conflict = profiles.signs[:, i] * profiles.signs[:, j] < 0
    return np.bincount(code, weights=conflict, minlength=n_units) / np.bincount(code, minlength=n_units)
