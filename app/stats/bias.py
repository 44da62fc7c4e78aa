"""What moves votes besides quality: place on screen, length, verbosity, format."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.stats.coding import CLASSES, CodedVotes
from app.stats.completions import FORMATS, by_unit
from app.stats.intervals import normal_interval, wilson_clustered
from app.stats.logistic import LogisticFit, fit_logistic
from app.stats.raters import order_on_screen
from app.stats.results import Estimate, undefined
from app.stats.tension import Profiles

NO_ORDER = "order on screen not recorded"
NO_LENGTHS = "lengths of the responses not known"
MIN_VOTES = 30


@dataclass(frozen=True)
class DecidedVotes:
    """The decided votes (first or second) with what could have moved them; arrays of length n.

    Attributes:
        won: whether `first` won.
        order: +1 where `first` was shown first, -1 second, 0 unknown.
        doublings: log2 of words of `first` over words of `second` (each plus one), NaN where unknown.
        formats: (n, 4) sign of the difference of each of `completions.FORMATS`; 0 where unknown.
        rater: rater of each vote.
        comparison: comparison of each vote.
        row: position in the vote frame.
    """

    won: np.ndarray
    order: np.ndarray
    doublings: np.ndarray
    formats: np.ndarray
    rater: np.ndarray
    comparison: np.ndarray
    row: np.ndarray

    def clusters(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return raters and comparisons of some votes."""
        return [self.rater[rows].astype(np.int64), self.comparison[rows].astype(np.int64)]


def decided_votes(coded: CodedVotes, votes: pd.DataFrame, completions: pd.DataFrame | None) -> DecidedVotes:
    """Return the decided votes with order, length and format.

    Args:
        coded: votes on one criterion.
        votes: the frame that was coded.
        completions: a completion frame, or None.
    """
    kept = coded.keep(coded.outcome < CLASSES.index("tie"))
    doublings, formats = np.full(len(kept), np.nan), np.zeros((len(kept), len(FORMATS)))
    if completions is not None and len(kept):
        first, second = (side[kept.unit] for side in by_unit(kept, votes, completions))
        known = (first >= 0) & (second >= 0)
        words = np.log2(completions["n_words"].to_numpy(float) + 1)
        doublings = np.where(known, words[first] - words[second], np.nan)
        counts = completions[list(FORMATS)].to_numpy(float)
        formats = np.where(known[:, None], np.sign(counts[first] - counts[second]), 0.0)
    return DecidedVotes(
        won=kept.outcome == CLASSES.index("first"),
        order=order_on_screen(kept, votes),
        doublings=doublings,
        formats=formats,
        rater=kept.rater,
        comparison=kept.unit_comparison[kept.unit] if len(kept) else np.zeros(0, np.int64),
        row=kept.row,
    )


def sided_share(decided: DecidedVotes, side: np.ndarray, *, reason: str) -> Estimate:
    """Return the share of decided votes that went to the favoured side; .5 when the side does not matter.

    Wilson's interval on clusters of raters and comparisons.

    Args:
        decided: decided votes.
        side: (n,) above 0 where `first` is on the favoured side, below 0 where `second` is, 0 or NaN to leave out.
        reason: why the share is undefined when every vote is left out.
    """
    rows = np.nan_to_num(side) != 0
    if not rows.any():
        return undefined(reason)
    return wilson_clustered((decided.won == (side > 0))[rows], decided.clusters(rows))


def log_odds(decided: DecidedVotes, column: np.ndarray, *, others: np.ndarray | None = None, reason: str) -> Estimate:
    """Return the log odds that one unit of a column adds to `first`, with errors clustered by rater and comparison.

    logit P(first wins) = b column (+ others). Columns are antisymmetric in the two responses, so there is no intercept.

    Args:
        decided: decided votes.
        column: (n,) the column; rows where it is NaN are left out.
        others: (n, q) columns to adjust for, or None.
        reason: why the effect is undefined when the column is constant 0 or unknown.

    Returns:
        The effect; undefined with fewer than 30 votes, or where the votes follow the columns exactly.
    """
    rows = ~np.isnan(column)
    n = int(rows.sum())
    if n == 0 or not column[rows].any():
        return undefined(reason)
    if n < MIN_VOTES:
        return undefined(f"{n} decided votes; {MIN_VOTES} are needed", n=n)
    x = column[rows, None] if others is None else np.hstack([column[rows, None], others[rows]])
    x = x[:, np.r_[True, x[:, 1:].any(axis=0)]]
    fit = fit_logistic(x, decided.won[rows].astype(float), clusters=decided.clusters(rows))
    if fit.separated:
        return undefined("the votes follow it exactly, so the effect has no size (separation)", n=n)
    return _first_effect(fit)


def criteria_columns(decided: DecidedVotes, profiles: Profiles) -> np.ndarray | None:
    """Return (n, C) criterion values of the judgment behind each decided vote, 0 where missing; None without criteria.

    Args:
        decided: decided overall votes of pairs or of pairs of rankings.
        profiles: of the same votes, with the other criteria.
    """
    if not profiles.criteria:
        return None
    overall_row = np.full(int(max(decided.row.max(initial=0), profiles.row.max(initial=0))) + 1, -1, np.int64)
    overall_row[profiles.row] = np.arange(len(profiles))
    at = overall_row[decided.row]
    return np.where((at >= 0)[:, None], np.nan_to_num(profiles.values[at]), 0.0)


def _first_effect(fit: LogisticFit) -> Estimate:
    value, error = float(fit.coefficients[0]), float(fit.standard_errors[0])
    low, high = normal_interval(value, error)
    clusters = " and ".join(f"{groups:,}" for groups in fit.n_clusters)
    method = f"normal, cluster-robust ({clusters} clusters)" if clusters else "normal, Fisher information"
    return Estimate(value=value, n=fit.n, low=low, high=high, method=method, standard_error=error)
