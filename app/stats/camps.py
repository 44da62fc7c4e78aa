"""Camps: raters who resolve one tension in two different ways, and should not be averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import xlogy

from app.stats.coding import code_votes
from app.stats.heterogeneity import TWO_COMMUNITIES, Heterogeneity, resolution_heterogeneity
from app.stats.intervals import jeffreys
from app.stats.results import Estimate, plain
from app.stats.tension import SHOW_FROM, Profiles, build_profiles, tension_pairs

MIN_IN_CAMP = 2
"""A camp has at least two raters: one alone is a person, not a camp."""


@dataclass(frozen=True)
class RaterShare:
    """How one rater resolves a tension.

    Attributes:
        rater: code of the rater.
        share: of their decided conflicts that go to the first criterion, Jeffreys' interval.
        shrunken: the same, shrunken towards the common share.
    """

    rater: int
    share: Estimate
    shrunken: float


@dataclass(frozen=True)
class Camps:
    """How raters resolve one tension.

    Attributes:
        heterogeneity: whether they differ by more than chance.
        raters: every rater with a decided conflict, the lowest share first.
        split: number of raters in the lower camp; None where raters do not form two camps.
        low: share of the lower camp, or None.
        high: share of the upper camp, or None.
    """

    heterogeneity: Heterogeneity
    raters: tuple[RaterShare, ...]
    split: int | None = None
    low: Estimate | None = None
    high: Estimate | None = None


def find_camps(profiles: Profiles, first: str, second: str) -> Camps:
    """Return how each rater resolves the conflicts of two criteria, and two camps where Tarone's Z tells of them.

    Where Z >= 3, raters stand in the order of their shrunken shares and are cut in two where two binomials, one share
    each, are most likely: max over cuts of sum over camps of x log p + (n - x) log(1 - p). The intervals of the camps
    take the cut as given; it was found by looking, so they are a little too narrow.

    Args:
        profiles: judgments by criterion.
        first: a criterion.
        second: another.

    Source: Tarone (1979) for Z; the exact split of ordered shares follows Fisher (1958).
    """
    found = resolution_heterogeneity(profiles, first, second)
    wins, trials = _by_rater(profiles, first, second, found.raters)
    order = np.argsort(found.rates, kind="stable")
    raters = tuple(
        RaterShare(int(found.raters[k]), jeffreys(int(wins[k]), int(trials[k])), float(found.rates[k])) for k in order
    )
    if found.z is None or found.z < TWO_COMMUNITIES or len(raters) < 2 * MIN_IN_CAMP:
        return Camps(found, raters)
    x, n = np.cumsum(wins[order]), np.cumsum(trials[order])
    cuts = np.arange(MIN_IN_CAMP, len(raters) - MIN_IN_CAMP + 1)
    gain = _log_likelihood(x[cuts - 1], n[cuts - 1]) + _log_likelihood(x[-1] - x[cuts - 1], n[-1] - n[cuts - 1])
    cut = int(cuts[np.argmax(gain)])
    low = jeffreys(int(x[cut - 1]), int(n[cut - 1]))
    high = jeffreys(int(x[-1] - x[cut - 1]), int(n[-1] - n[cut - 1]))
    return Camps(found, raters, cut, low, high)


def camps_document(votes: pd.DataFrame, *, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Return the camps of every pair of criteria with 30 decided conflicts, the most different raters first.

    Returns:
        `pairs`: between, z, n, n_raters, undefined_reason, `raters` (rater_id, value, low, high, n, shrunken, camp) and
        `camps` (two estimates, or nothing).
    """
    coded = code_votes(votes, kinds=kinds)
    profiles = build_profiles(coded, votes)
    pairs = []
    for pair in tension_pairs(profiles):
        first, second = pair.between
        if pair.prevails[first].n < SHOW_FROM:
            continue
        found = find_camps(profiles, first, second)
        raters = [
            {
                "rater_id": str(coded.rater_ids[one.rater]),
                "shrunken": one.shrunken,
                "camp": None if found.split is None else int(place >= found.split),
                **one.share.to_json(),
            }
            for place, one in enumerate(found.raters)
        ]
        facts = found.heterogeneity
        pairs.append(
            {
                "between": [first, second],
                "z": facts.z,
                "n": facts.n,
                "n_raters": facts.n_raters,
                "undefined_reason": facts.undefined_reason,
                "raters": raters,
                "camps": [one.to_json() for one in (found.low, found.high) if one is not None],
            }
        )
    return plain({"pairs": sorted(pairs, key=lambda pair: -(pair["z"] or 0.0))})


def _by_rater(profiles: Profiles, first: str, second: str, raters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each rater's decided conflicts won by `first`, and all of them."""
    i, j = profiles.criteria.index(first), profiles.criteria.index(second)
    signs, overall = profiles.signs, profiles.overall_sign
    decided = (signs[:, i] * signs[:, j] < 0) & (overall != 0)
    code = np.searchsorted(raters, profiles.rater[decided])
    won = overall[decided] == signs[decided, i]
    return np.bincount(code, weights=won, minlength=len(raters)), np.bincount(code, minlength=len(raters))


def _log_likelihood(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    p = x / n
    return xlogy(x, p) + xlogy(n - x, 1 - p)
