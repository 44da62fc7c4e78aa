"""Two edits of one text put together, where they touch different lines."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import pairwise

Edit = tuple[int, int, tuple[str, ...]]
"""Lines from, up to (excluded), and what stands in their place."""


def merge_texts(base: str, mine: str, theirs: str) -> str | None:
    """The text with both edits of a base; None where they touch the same or neighbouring lines in different ways.

    Where both say the same of some lines, that is said once. The order of the two makes no difference.
    """
    lines = base.splitlines(keepends=True)
    edits = sorted({*_edits(lines, mine), *_edits(lines, theirs)})
    if any(_touch(one, other) for one, other in pairwise(edits)):
        return None
    merged = list(lines)
    for start, end, replacement in reversed(edits):
        merged[start:end] = replacement
    return "".join(merged)


def _edits(lines: list[str], text: str) -> list[Edit]:
    after = text.splitlines(keepends=True)
    codes = SequenceMatcher(a=lines, b=after, autojunk=False).get_opcodes()
    return [(i, k, tuple(after[m:n])) for kind, i, k, m, n in codes if kind != "equal"]


def _touch(one: Edit, other: Edit) -> bool:
    """Whether two edits, in order, have a line in common or nothing between them."""
    return other[0] <= one[1]
