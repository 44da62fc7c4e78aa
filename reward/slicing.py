"""Parts of a set of pairs worth a look of their own: by length, agreement, strength, criterion, tension, origin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from reward.baselines import longer_margins
from reward.pairs import Pair

MAX_VALUES = 12
"""A meta key with more values than this is not a way to slice."""

Slice = tuple[str, str, np.ndarray]
"""Group, name, and a boolean mask over the pairs."""


def slices(pairs: Sequence[Pair]) -> Iterator[Slice]:
    """Subsets of the pairs, the empty ones left out."""
    yield from _by_length(pairs)
    yield from _by_votes(pairs)
    yield from _by_criterion(pairs)
    yield from _by_tension(pairs)
    yield from _by_word("subset", "subset", [pair.subset for pair in pairs])
    yield from _by_word("source", "source", [pair.source for pair in pairs])
    yield from _by_word("label", "votes of kind", [pair.rater_kinds for pair in pairs])
    yield from _by_word("choice", "chosen by", [pair.arm for pair in pairs])
    for key in sorted({key for pair in pairs for key in pair.meta}):
        yield from _by_word("meta", key, [pair.meta.get(key, "") for pair in pairs])


def _by_length(pairs: Sequence[Pair]) -> Iterator[Slice]:
    lengths = longer_margins(pairs)
    yield from _kept("length", "the longer response is chosen", lengths > 0)
    yield from _kept("length", "the shorter response is chosen", lengths < 0)
    longest = np.array([max(1, len(pair.chosen), len(pair.rejected)) for pair in pairs])
    share = np.abs(lengths) / longest
    yield from _kept("length difference", "lengths differ by under 10 %", share < 0.1)
    yield from _kept("length difference", "lengths differ by 10 to 40 %", (share >= 0.1) & (share < 0.4))
    yield from _kept("length difference", "lengths differ by 40 % and more", share >= 0.4)


def _by_votes(pairs: Sequence[Pair]) -> Iterator[Slice]:
    labels = np.array([pair.soft_label for pair in pairs])
    yield from _kept("agreement", "soft label .9 and above", labels >= 0.9)
    yield from _kept("agreement", "soft label .7 to .9", (labels >= 0.7) & (labels < 0.9))
    yield from _kept("agreement", "soft label below .7", labels < 0.7)
    strength = np.array([np.nan if pair.strength is None else pair.strength for pair in pairs])
    yield from _kept("strength", "strength below one third", strength < 1 / 3)
    yield from _kept("strength", "strength one to two thirds", (strength >= 1 / 3) & (strength < 2 / 3))
    yield from _kept("strength", "strength two thirds and above", strength >= 2 / 3)


def _by_criterion(pairs: Sequence[Pair]) -> Iterator[Slice]:
    for key in sorted({key for pair in pairs for key in pair.criteria}):
        values = np.array([pair.criteria.get(key, np.nan) for pair in pairs], dtype=float)
        yield from _kept("criterion", f"{key} favours the chosen", values > 0)
        yield from _kept("criterion", f"{key} favours the rejected", values < 0)
        yield from _kept("criterion", f"{key} favours neither", values == 0)


def _by_tension(pairs: Sequence[Pair]) -> Iterator[Slice]:
    for key in sorted({key for pair in pairs for key in pair.tensions}):
        shares = np.array([pair.tensions.get(key, 0.0) for pair in pairs], dtype=float)
        yield from _kept("tension", f"{key} pulled apart", shares > 0)
    if any(pair.tensions for pair in pairs):
        none = np.array([not any(share > 0 for share in pair.tensions.values()) for pair in pairs])
        yield from _kept("tension", "no tension", none)


def _by_word(group: str, key: str, words: Sequence[str]) -> Iterator[Slice]:
    """One slice per value, the most frequent first; none where all are equal or there are too many."""
    counts = Counter(word for word in words if word)
    if not counts or len(counts) > MAX_VALUES or (len(counts) == 1 and "" not in words and group != "subset"):
        return
    for value, _ in counts.most_common():
        yield group, f"{key} {value}", np.array([word == value for word in words])


def _kept(group: str, name: str, inside: np.ndarray) -> Iterator[Slice]:
    if inside.any():
        yield group, name, inside
