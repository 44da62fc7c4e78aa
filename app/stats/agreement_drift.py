"""Criteria whose agreement drifts: do raters agree less of late than before?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from app.stats.coding import CodedVotes, code_votes
from app.stats.drift import vote_seconds
from app.stats.frames import OVERALL
from app.stats.results import Estimate, undefined

MIN_UNITS = 20
"""Comparisons with two votes on each side of the line below which nothing is said."""
RECENT = 0.3
"""The share of the comparisons that counts as recent."""
LEVEL = 0.99
"""Coverage of the interval: the inbox looks every day, so it is harder to alarm than a report."""


@dataclass(frozen=True)
class AgreementDrift:
    """How agreement on one criterion has changed.

    Attributes:
        criterion: its name.
        change: recent agreement minus the one before, both 1 - D / E with a common E; n is the number of recent units.
        before: agreement before.
        recent: agreement of late.
        n_before: units before.
        since: the time of the first recent unit, in seconds since 1970; None where nothing can be said.
    """

    criterion: str
    change: Estimate
    before: float | None
    recent: float | None
    n_before: int
    since: float | None

    @property
    def has_dropped(self) -> bool:
        """Whether agreement is clearly lower than it was: the whole interval lies below 0."""
        return self.change.high is not None and self.change.high < 0


def agreement_drifts(votes: pd.DataFrame, *, kinds: tuple[str, ...]) -> list[AgreementDrift]:
    """Return the change of agreement of every criterion and of the overall verdict, the largest loss first.

    Units with two votes are ordered by the time of their last vote; the last 30 % are recent. D_u is the
    mean squared difference of two of the m_u votes on a unit, E that of any two votes on the criterion; the change is
    (mean of D before - mean of D recent) / E, with Welch's t interval (99 %) over units.

    Args:
        votes: a vote frame; votes without a time are left out.
        kinds: kinds of rater that count.

    Source: Welch (1947); Krippendorff (2011) for the disagreements.
    """
    coded = code_votes(votes, kinds=kinds)
    seconds = vote_seconds(coded, votes)
    coded, seconds = coded.keep(np.isfinite(seconds)), seconds[np.isfinite(seconds)]
    found = []
    for name in coded.criteria:
        mine = coded.criterion == coded.criteria.index(name)
        found.append(_drift(name, coded.keep(mine), seconds[mine]))
    return sorted(found, key=lambda one: (one.change.value is None, one.change.value or 0.0, one.criterion != OVERALL))


def _drift(name: str, coded: CodedVotes, seconds: np.ndarray) -> AgreementDrift:
    unit, code = np.unique(coded.unit, return_inverse=True)
    n = np.bincount(code, minlength=len(unit))
    value = np.bincount(code, weights=coded.value, minlength=len(unit))
    square = np.bincount(code, weights=coded.value**2, minlength=len(unit))
    last = np.full(len(unit), -np.inf)
    np.maximum.at(last, code, seconds)
    two = n >= 2
    disagreement = 2 * (n * square - value**2)[two] / (n * (n - 1))[two]
    disagreement, last = disagreement[np.argsort(last[two], kind="stable")], np.sort(last[two])
    n_recent = int(RECENT * len(last))
    n_before = len(last) - n_recent
    expected = 2 * float(np.var(coded.value, ddof=1)) if len(coded) > 1 else 0.0
    if n_recent < MIN_UNITS or expected == 0:
        reason = "no variation" if n_recent >= MIN_UNITS else f"{n_recent} recent comparisons; {MIN_UNITS} are needed"
        return AgreementDrift(name, undefined(reason, n=n_recent), None, None, n_before, None)
    before, recent = disagreement[:n_before] / expected, disagreement[n_before:] / expected
    change = float(before.mean() - recent.mean())
    half = _welch_half(before, recent)
    estimate = Estimate(
        change, n_recent, change - half, change + half, level=LEVEL, method="Welch's t over comparisons"
    )
    return AgreementDrift(
        name, estimate, 1 - float(before.mean()), 1 - float(recent.mean()), n_before, float(last[n_before])
    )


def _welch_half(one: np.ndarray, other: np.ndarray) -> float:
    """Return half the width of Welch's interval of the difference of two means; 0 where neither varies."""
    parts = np.array([x.var(ddof=1) / len(x) for x in (one, other)])
    if parts.sum() == 0:
        return 0.0
    degrees = parts.sum() ** 2 / (parts**2 / (np.array([len(one), len(other)]) - 1)).sum()
    return float(stdtrit(degrees, 0.5 + LEVEL / 2) * np.sqrt(parts.sum()))
