"""The one tidy frame that every statistic reads: its columns, checked once at the boundary.

A vote frame has one row per judgment, criterion and pair of completions. A pairwise comparison has one pair,
a k-way ranking all its k(k-1)/2 pairs, each with weight 2/k. `first` stands before `second` in id order;
values are signed and scaled to [-1, 1]: positive favours `first`. Text columns may be plain or categorical;
categorical ones are read by their codes, so ten million votes cost little. Two smaller frames stand beside it:
gold keys and what is known of the completions.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

OVERALL = "overall"
OUTCOMES = ("first", "second", "tie", "both_bad", "cannot_judge", "not_applicable")
MISSING_OUTCOMES = ("cannot_judge", "not_applicable")
"""Missing for every statistic, never zero. (`both_bad` is a class of its own, a tie for ordinal statistics.)"""

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
"""What every vote frame has. Where the order on screen is recorded, `place` says where each criterion stood on it."""


GOLD_COLUMNS = (
    "comparison_id",  # str
    "first",  # str: completion id
    "second",  # str: completion id
    "criterion",  # str: key or "overall"
    "outcome",  # str: one accepted answer; a key that accepts several has several rows
)

COMPLETION_COLUMNS = (
    "comparison_id",  # str
    "completion_id",  # str
    "model",  # str or None: what wrote it
    "n_characters",  # int
    "n_words",  # int
    "n_list_items",  # int: lines that start with a bullet or a number
    "n_headings",  # int: Markdown headings
    "n_code_blocks",  # int: fenced blocks
    "n_bold",  # int: bold spans
)


class VoteFrameError(ValueError):
    """A frame of votes, gold or completions lacks a column or holds a value outside its range."""


def places_on_screen(criteria: Sequence[str] | None, overall_first: bool | None) -> dict[str, int]:
    """Return the place of each criterion on screen, 0 at the top, and of the overall verdict: -1 when it came first.

    Args:
        criteria: keys in the order shown; None where it is not recorded, and nothing is known.
        overall_first: whether the overall verdict was asked before them; it comes last by default.
    """
    if criteria is None:
        return {}
    return {key: place for place, key in enumerate(criteria)} | {OVERALL: -1 if overall_first else len(criteria)}


def check_votes(votes: pd.DataFrame) -> pd.DataFrame:
    """Return `votes` unchanged if it is a vote frame.

    Raises:
        VoteFrameError: a column is missing, an outcome is unknown, or a value lies outside [-1, 1].
    """
    _check_columns(votes, VOTE_COLUMNS, name="vote")
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


def check_gold(gold: pd.DataFrame) -> pd.DataFrame:
    """Return `gold` unchanged if it is a gold frame: one row per comparison, pair, criterion and accepted answer.

    Raises:
        VoteFrameError: a column is missing or an outcome cannot be a gold answer.
    """
    _check_columns(gold, GOLD_COLUMNS, name="gold")
    answers = set(OUTCOMES) - set(MISSING_OUTCOMES)
    unknown = sorted(set(gold["outcome"].unique()) - answers)
    if unknown:
        raise VoteFrameError(f"A gold key cannot accept {unknown[0]!r}; it accepts first, second, tie or both_bad.")
    return gold


def check_completions(completions: pd.DataFrame) -> pd.DataFrame:
    """Return `completions` unchanged if it is a completion frame: one row per comparison and completion.

    Raises:
        VoteFrameError: a column is missing.
    """
    _check_columns(completions, COMPLETION_COLUMNS, name="completion")
    return completions


def _check_columns(frame: pd.DataFrame, columns: tuple[str, ...], *, name: str) -> None:
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise VoteFrameError(f"The {name} frame lacks the columns {absent}; it has {list(frame.columns)}.")
