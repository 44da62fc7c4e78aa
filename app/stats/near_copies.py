"""Near copies of short texts: overlap of runs of four characters, found fast among many by small sketches.

Two texts are near copies when the Jaccard similarity of their sets of character 4-grams is at least .8: in a text of
twenty words one word may be another, in one of forty two. Works for scripts without spaces as well.

Sketches are MinHash signatures (A. Broder, On the resemblance and containment of documents, 1997): the share of equal
hash functions estimates the similarity, with a standard error of at most .5 / sqrt(N_FUNCTIONS).
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np

SIMILARITY = 0.8
"""Jaccard similarity from which two texts are near copies."""

MIN_GRAMS = 20
"""A text with fewer 4-grams says too little to be a copy: "A is clearer" is nobody's property."""

N_FUNCTIONS = 32
CANDIDATE_SIMILARITY = 0.5
"""Share of equal hash functions from which two texts are compared exactly: .8 less more than four standard errors."""

_MENTION = re.compile(r"\[response:[^\]\s]+\]")
_RNG = np.random.Generator(np.random.PCG64(20260131))
_FACTORS = _RNG.integers(1, 1 << 62, size=N_FUNCTIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _RNG.integers(0, 1 << 63, size=N_FUNCTIONS, dtype=np.uint64)


def grams(text: str) -> np.ndarray:
    """The distinct character 4-grams of a text as 64-bit numbers, rising; mentions of responses are left out.

    Case, marks and spaces do not matter. Empty for texts of fewer than `MIN_GRAMS` of them.
    """
    plain = unicodedata.normalize("NFKC", _MENTION.sub(" ", text)).casefold()
    line = " ".join(re.findall(r"\w+", plain))
    codes = np.frombuffer(line.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if len(codes) < 4:
        return codes[:0]
    mixed = codes[:-3] | codes[1:-2] << np.uint64(16) | codes[2:-1] << np.uint64(32) | codes[3:] << np.uint64(48)
    found = np.unique(mixed * np.uint64(0x9E3779B97F4A7C15))
    return found if len(found) >= MIN_GRAMS else found[:0]


def sketch(text: str) -> bytes | None:
    """The signature of a text, `4 * N_FUNCTIONS` bytes; None for a text that says too little to be a copy."""
    found = grams(text)
    if not len(found):
        return None
    mixed = found[:, None] * _FACTORS + _OFFSETS
    return (mixed.min(axis=0) >> np.uint64(32)).astype("<u4").tobytes()


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of the 4-grams of two texts, 0 to 1; 0 as well where one of them says too little."""
    first, second = grams(one), grams(other)
    if not len(first) or not len(second):
        return 0.0
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


def likely_copies(wanted: bytes, known: bytes, *, limit: int = 8) -> list[int]:
    """Which of many sketches are so near to one that the texts are worth comparing, the nearest first.

    Args:
        wanted: a sketch.
        known: sketches, one after the other.
        limit: at most so many.
    """
    rows = np.frombuffer(known, "<u4").reshape(-1, N_FUNCTIONS)
    shares = (rows == np.frombuffer(wanted, "<u4")).mean(axis=1)
    near = np.flatnonzero(shares >= CANDIDATE_SIMILARITY)
    return near[np.argsort(-shares[near], kind="stable")][:limit].tolist()
