"""Two responses word by word: what only one of them says, and whether they have enough in common to ask."""

from __future__ import annotations

import html
import re
from difflib import SequenceMatcher
from functools import lru_cache

LEAST_SIMILAR = 0.4
"""Texts that share a smaller part of their words are unrelated: marking nearly everything helps nobody."""

_WORD = re.compile(r"\s+|\w+|[^\w\s]")


@lru_cache(maxsize=256)
def differences(first: str, second: str) -> tuple[str, str] | None:
    """Both texts as safe HTML with `<mark>` around the words that the other has not.

    Returns:
        None where the texts are unrelated: the share of words in common, 2 m / (n1 + n2), is below `LEAST_SIMILAR`.
    """
    words = _WORD.findall(first), _WORD.findall(second)
    matcher = SequenceMatcher(a=words[0], b=words[1], autojunk=max(map(len, words)) > 2000)
    shared = sum(_n_words(words[0][start : start + n]) for start, _, n in matcher.get_matching_blocks())
    if 2 * shared < LEAST_SIMILAR * sum(map(_n_words, words)):
        return None
    left, right = [], []
    for kind, i, j, k, m in matcher.get_opcodes():
        left.append(_marked(words[0][i:j], is_own=kind != "equal"))
        right.append(_marked(words[1][k:m], is_own=kind != "equal"))
    return _page(left), _page(right)


def _n_words(parts: list[str]) -> int:
    return sum(part[0].isalnum() for part in parts)


def _marked(words: list[str], *, is_own: bool) -> str:
    text = html.escape("".join(words))
    return f"<mark>{text}</mark>" if is_own and text.strip() else text


def _page(parts: list[str]) -> str:
    return f'<div class="sy-raw sy-differences" dir="auto">{"".join(parts)}</div>'
