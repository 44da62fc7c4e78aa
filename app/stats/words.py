"""Counts in words, for reports, commands and pages alike."""

from __future__ import annotations


def counted(n: int, thing: str) -> str:
    """A count with its noun: "1 rater", "1,234 raters"; nouns whose plural adds an s."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"
