"""Where a passage of a text stands on the screen, and where a passage on the screen stands in the text.

Rendering takes marks of Markdown away, so positions differ. The words of the two are walked side by side: every word on
the screen is matched with the next such word of the text. Positions count Unicode characters.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache

from app.ui.components.text import text_html

_WORD = re.compile(r"\w+|[^\w\s]")
_FORMULA = re.compile(r'<span class="sy-math".*?</span>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LOOK_AHEAD = 400
"""So many words of the text may be invisible in one piece, as the address of a link is."""


@dataclass(frozen=True)
class Alignment:
    """Words that the screen and the text share, in order: where each begins on both sides, and how long it is."""

    on_screen: tuple[int, ...]
    in_text: tuple[int, ...]
    lengths: tuple[int, ...]

    def to_text(self, start: int, end: int) -> tuple[int, int] | None:
        """The passage of the text behind a passage on the screen; None where it holds no word."""
        return _across(start, end, self.on_screen, self.in_text, self.lengths)

    def to_screen(self, start: int, end: int) -> tuple[int, int] | None:
        """The passage on the screen that shows a passage of the text; None where nothing of it is shown."""
        return _across(start, end, self.in_text, self.on_screen, self.lengths)


@lru_cache(maxsize=512)
def align(text: str, *, raw: bool, math: bool) -> Alignment:
    """The words of a text and of what is on the screen of it.

    Args:
        text: as its author wrote it.
        raw: whether every character is shown.
        math: whether formulas are set; they are no part of any passage.
    """
    shown = text.replace("\r\n", "\n").replace("\r", "\n") if raw else screen_text(text_html(text, math=math))
    words = [(match[0], match.start()) for match in _WORD.finditer(text)]
    on_screen, in_text, lengths = [], [], []
    here = 0
    for match in _WORD.finditer(shown):
        ahead = range(here, min(here + _LOOK_AHEAD, len(words)))
        found = next((place for place in ahead if words[place][0] == match[0]), None)
        if found is not None:
            on_screen.append(match.start())
            in_text.append(words[found][1])
            lengths.append(len(match[0]))
            here = found + 1
    return Alignment(tuple(on_screen), tuple(in_text), tuple(lengths))


def screen_text(page: str) -> str:
    """What a browser reads in our own HTML, formulas left out."""
    return html.unescape(_TAG.sub("", _FORMULA.sub("", page)))


def _across(
    start: int, end: int, here: tuple[int, ...], there: tuple[int, ...], lengths: tuple[int, ...]
) -> tuple[int, int] | None:
    """A passage on one side as one on the other, from the first word that it touches to the last."""
    first = max(0, bisect_right(here, start) - 1)
    if here and here[first] + lengths[first] <= start:
        first += 1
    last = bisect_left(here, end) - 1
    if last < first:
        return None
    begin = there[first] + max(0, start - here[first])
    stop = there[last] + min(lengths[last], end - here[last])
    return (begin, stop) if begin < stop else None
