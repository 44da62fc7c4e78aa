"""The one tidy frame that every statistic reads: its columns, checked once at the boundary.

A vote frame has one row per judgment, criterion and pair of completions. A pairwise comparison has one pair,
a k-way ranking all its k(k-1)/2 pairs, each with weight 2/k. `first` stands before `second` in id order;
values are signed and scaled to [-1, 1]: positive favours `first`.
"""

from __future__ import annotations

import pandas as pd

OVERALL = "overall"
OUTCOMES = ("first", "second", "tie", "both_bad", "cannot_judge", "not_applicable")
MISSING_OUTCOMES = ("cannot_judge", "not_applicable")
"""Outcomes that are missing for every statistic: never zero. `both_bad` is a class of its own, a tie for ordinal ones."""

VOTE_COLUMNS = (
    "comparison_id",  # str
    "first",  # str: completion id
    "second",  # str: completion id
    "rater_id",  # str
    "rater_kind",  # str: human, model, program, simulated
    "round",  # str
    "judgment_id",  # int: rows of one judgment share it
    "repeat_index",  # int: 0 first judgment, 1.. blind repeats of the same rater
    "purpose",  # str: work, gold, repeat, exam, audit
    "criterion",  # str: key or "overall"
    "outcome",  # str: one of OUTCOMES
    "value",  # float in [-1, 1]: positive favours first, 0 tie and both_bad, NaN when missing
    "weight",  # float: 1, or 2/k for k-way
    "first_shown_first",  # bool or None
    "confidence",  # float: 1..5 or NaN
    "seconds",  # float or NaN
    "at",  # datetime64[ns, UTC] or NaT
)


class VoteFrameError(ValueError):
    """A frame of votes lacks a column or holds a value outside its range."""


def check_votes(votes: pd.DataFrame) -> pd.DataFrame:
    """Return `votes` unchanged if it is a vote frame.

    Raises:
        VoteFrameError: a column is missing, an outcome is unknown, or a value lies outside [-1, 1].
    """
    absent = [column for column in VOTE_COLUMNS if column not in votes.columns]
    if absent:
        raise VoteFrameError(f"The vote frame lacks the columns {absent}; it has {list(votes.columns)}.")
    unknown = sorted(set(votes["outcome"].unique()) - set(OUTCOMES))
    if unknown:
        raise VoteFrameError(f"Unknown outcome {unknown[0]!r}; the outcomes are {', '.join(OUTCOMES)}.")
    beyond = votes["value"].abs() > 1
    if beyond.any():
        row = votes[beyond].iloc[0]
        raise VoteFrameError(
            f"Value {row['value']} of criterion {row['criterion']!r} on comparison {row['comparison_id']!r} "
            "lies outside [-1, 1]; divide by the largest possible strength."
        )
    return votes
