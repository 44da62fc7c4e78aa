"""Speeders, straight-liners and copied justifications: flagged from several signs together, never from speed alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

FAST_SHARE, FAST_N = 0.4, 10
RUNS_P = 0.001
COPIES = 0.2
LEANS = (0.4, 0.6)

Card = Mapping[str, Any]

FAST = "faster than one can read"
LOW = "agrees less than the others do"


def conduct_flags(card: Card, cards: Sequence[Card]) -> tuple[str, ...]:
    """Return the signs of careless work in a card where at least two speak, one of them not speed; else nothing.

    Signs: at least 4 in 10 of 10 or more answers below their reading time; runs of one side that chance gives once in
    1,000; more than a fifth of the justifications copied (lower bound); a lean to one place on the screen (interval
    beyond .4 to .6); agreement whose upper bound lies below the median of all raters; gold accuracy clearly below 70 %.

    Args:
        card: one rater's, as in the raters report.
        cards: all of them.
    """
    signs = [words for words, is_there in _signs(card, cards) if is_there]
    return tuple(signs) if len(signs) >= 2 and signs != [FAST] else ()


def _signs(card: Card, cards: Sequence[Card]) -> list[tuple[str, bool]]:
    pace, runs = card["pace"], card["side_runs"]
    first, copies = card["first_shown_wins"], card["duplicate_justifications"]
    agreement, gold = card["agreement_with_others"], card["gold_accuracy"]
    typical = [one["agreement_with_others"]["value"] for one in cards]
    known = [value for value in typical if value is not None]
    median = float(np.median(known)) if known else 0.0
    return [
        (FAST, pace["n"] >= FAST_N and pace["n_below_floor"] >= FAST_SHARE * pace["n"]),
        ("long runs of one side", runs["p_value"] is not None and runs["p_value"] < RUNS_P),
        ("copies justifications", copies["value"] is not None and copies["low"] > COPIES),
        ("leans to one place on screen", _leans(first)),
        (LOW, agreement["value"] is not None and agreement["high"] < median),
        ("below 70 % on gold", gold["value"] is not None and gold["high"] < 0.7),
    ]


def _leans(first: Card) -> bool:
    return first["value"] is not None and (first["low"] > LEANS[1] or first["high"] < LEANS[0])
