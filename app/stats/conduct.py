"""How a rater works: pace, always the same side, the same justification again and again. Signs, never verdicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from app.stats.coding import CLASSES, CodedVotes
from app.stats.drift import time_order
from app.stats.raters import Tally, order_on_screen

FLOOR_SECONDS = 3.0
WORDS_PER_SECOND = 12.0
"""Skimming speed: nobody reads faster."""


@dataclass(frozen=True)
class SideRuns:
    """The sequence of sides (shown first or second) that a rater chose, in time order.

    Attributes:
        n: decided votes with a known order on screen.
        longest: longest run of one side.
        runs: number of runs.
        z: (runs - expected) / sd for a random order of the same sides; far below 0 is straight-lining, far above
            alternating. None with fewer than 20 votes or a single side.
    """

    n: int
    longest: int
    runs: int
    z: float | None


def pace(coded: CodedVotes, votes: pd.DataFrame, n_words: np.ndarray | None = None) -> pd.DataFrame:
    """Return the pace of each rater.

    `relative` is the geometric mean of own seconds / median of the others' on the same unit: below 1 is faster. A vote
    is below its floor when it took less than 3 seconds, or less than its words at 12 words a second.

    Args:
        coded: votes on one criterion.
        votes: the frame that was coded.
        n_words: (n_units,) words on screen, or None.

    Returns:
        Indexed by rater code: `n`, `median_seconds`, `relative` (NaN without others), `n_below_floor`. Raters without
        times are absent.
    """
    seconds = votes["seconds"].to_numpy(float)[coded.row]
    frame = pd.DataFrame({"rater": coded.rater, "unit": coded.unit, "seconds": seconds})
    floor = np.full(len(frame), FLOOR_SECONDS)
    if n_words is not None:
        floor = np.maximum(floor, np.nan_to_num(n_words[coded.unit]) / WORDS_PER_SECOND)
    frame["below"] = seconds < floor
    frame = frame[(seconds > 0)]
    logs = np.log(frame["seconds"])
    by_unit = logs.groupby(frame["unit"])
    others = by_unit.transform("size") - 1
    rest = (by_unit.transform("sum") - logs) / others.where(others > 0)
    grouped = frame.assign(ratio=logs - rest).groupby("rater")
    return pd.DataFrame(
        {
            "n": grouped.size(),
            "median_seconds": grouped["seconds"].median(),
            "relative": np.exp(grouped["ratio"].mean()),
            "n_below_floor": grouped["below"].sum(),
        }
    )


def side_runs(coded: CodedVotes, votes: pd.DataFrame) -> dict[int, SideRuns]:
    """Return the runs of sides of each rater with at least one decided vote in known order.

    Source: Wald and Wolfowitz (1940), equations 7 and 8.
    """
    shown = order_on_screen(coded, votes)
    usable = (coded.outcome < CLASSES.index("tie")) & (shown != 0)
    order = time_order(coded, votes)
    order = order[usable[order]]
    side = (coded.outcome == CLASSES.index("first")) == (shown > 0)
    rater, chosen = coded.rater[order], side[order]
    ends = np.flatnonzero(np.r_[rater[1:] != rater[:-1], True]) + 1 if len(rater) else []
    starts = np.r_[0, ends[:-1]] if len(rater) else []
    return {int(rater[a]): _runs(chosen[a:b]) for a, b in zip(starts, ends, strict=True)}


def duplicate_justifications(coded: CodedVotes, votes: pd.DataFrame) -> Tally | None:
    """Return, per rater, how many justifications repeat an earlier one of the same rater, and how many there are.

    Case and white space do not matter; empty ones are left out.

    Args:
        coded: votes on one criterion.
        votes: the frame that was coded, with a column `justification`; without it the result is None.
    """
    if "justification" not in votes.columns:
        return None
    text = votes["justification"].iloc[coded.row].fillna("").astype(str).str.lower().str.split().str.join(" ")
    frame = pd.DataFrame({"rater": coded.rater, "text": text.to_numpy()})
    frame = frame[frame["text"] != ""]
    repeated = frame.duplicated(["rater", "text"])
    n = coded.n_raters
    hits = np.bincount(frame["rater"], weights=repeated.to_numpy(float), minlength=n)
    return Tally(hits, np.bincount(frame["rater"], minlength=n))


def _runs(side: np.ndarray) -> SideRuns:
    changes = np.flatnonzero(np.r_[True, side[1:] != side[:-1], True])
    lengths = np.diff(changes)
    n, first = len(side), int(side.sum())
    second = n - first
    z = None
    if n >= 20 and first and second:
        expected = 1 + 2 * first * second / n
        variance = (expected - 1) * (expected - 2) / (n - 1)
        z = float((len(lengths) - expected) / np.sqrt(variance)) if variance > 0 else None
    return SideRuns(n=n, longest=int(lengths.max()), runs=len(lengths), z=z)


def runs_p_value(runs: SideRuns) -> float | None:
    """Return the one-sided probability of so few runs by chance, or None without a z."""
    return None if runs.z is None else float(ndtr(runs.z))
