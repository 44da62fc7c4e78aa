"""Counts in words, for reports, commands and pages alike."""

from __future__ import annotations


def counted(n: int, thing: str) -> str:
    """A count with its noun: "1 rater", "1,234 raters"; nouns whose plural adds an s."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def undecided_left_out(n: int | None) -> str:
    """What a sentence about labels ends with where some prefer neither side; empty where none does or nobody counted.

    Example:
        >>> undecided_left_out(3)
        '; 3 without a decided label left out'
    """
    return f"; {n:,} without a decided label left out" if n else ""
