"""Train, validation and test: stable by hash, no group in two splits, near-duplicate prompts kept together.

A group is a set of comparisons that must not be separated: those of one prompt, or of one value of `meta.KEY`, and
whatever near-duplicates tie to them. Two prompts are tied when

1. their normalised texts are equal (Unicode NFKC, case-folded, words only; system messages left out),
2. one is the beginning of the other: two moments of one conversation, or
3. their sets of three-word shingles overlap: Jaccard similarity of at least .8, exact up to 256 shingles, beyond that
   of the 256 smallest hashes. Candidates come from MinHash with 128 hash functions in 32 bands of 4; within a band a
   text is compared with the oldest one of equal signature and with the one before it, so the time grows with the
   number of prompts and not with its square.

Each group is named after its oldest comparison, and the hash of the name says in which split it is: a comparison that
is added later moves nothing, unless it ties two groups together. Groups are formed over the whole campaign, judged or
not, so filters move nothing either. Where a split gets no group by hash although there are enough groups, the group
that lies nearest is moved there, and the split says so.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.domain import Message
from app.errors import InvalidInput
from app.store.queries import ComparisonFacts
from reward.contract import SPLITS, canonical_json

METHOD = "group-hash-1"
"""Name and version of this method, as the manifest gives it."""

SIMILARITY = 0.8
"""Jaccard similarity of shingles from which two prompts are near-duplicates."""

N_BANDS, N_ROWS = 32, 4
SHINGLE_WORDS = 3
SKETCH_SIZE = 256
"""Shingles that are kept of a prompt for the exact comparison: those with the smallest hashes."""
CANDIDATE_SIMILARITY = 0.65
"""Share of equal hash functions from which two prompts are compared exactly: .8 less five standard errors."""

_WORD = re.compile(r"\w+")
_RNG = np.random.Generator(np.random.PCG64(20240229))
_FACTORS = _RNG.integers(1, 1 << 62, size=N_BANDS * N_ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _RNG.integers(0, 1 << 63, size=N_BANDS * N_ROWS, dtype=np.uint64)


@dataclass(frozen=True)
class Groups:
    """Which comparisons belong together.

    Attributes:
        group_of: external id -> name of the group.
        n_near_duplicates: distinct prompts that were tied to another by similarity or as its beginning.
        n_without_key: comparisons that lack `meta.KEY` and are grouped by their prompt.
    """

    group_of: Mapping[str, str]
    n_near_duplicates: int
    n_without_key: int


@dataclass(frozen=True)
class Split:
    """Where each group goes.

    Attributes:
        split_of: group -> train, validation or test.
        omitted: splits that stay empty although they have a share, because there are too few groups.
        moved: groups that were moved to a split that was empty by hash.
    """

    split_of: Mapping[str, str]
    omitted: tuple[str, ...]
    moved: tuple[str, ...]


def form_groups(
    facts: Sequence[ComparisonFacts], prompts: Iterable[tuple[str, Sequence[Message]]], *, split_by: str
) -> Groups:
    """Group comparisons by prompt or by a key of their meta.

    Args:
        facts: all comparisons of the campaign, oldest first.
        prompts: (hash, messages) of every prompt of theirs, once, oldest first; no messages where the text was erased.
        split_by: "prompt" or "meta.KEY".

    Raises:
        InvalidInput: another `split_by`, or a key that no comparison has.
    """
    key = _meta_key(facts, split_by)
    prints = [_fingerprint(text_hash, messages) for text_hash, messages in prompts]
    number = {one.prompt_hash: at for at, one in enumerate(prints)}
    ties, n_near = _tie_prompts(prints)
    labels = [
        None if key is None or key not in fact.meta else f"{split_by}={canonical_json(fact.meta[key])}"
        for fact in facts
    ]
    first_with: dict[str, int] = {}
    for fact, label in zip(facts, labels, strict=True):
        if label is not None:
            ties.join(first_with.setdefault(label, number[fact.prompt_hash]), number[fact.prompt_hash])
    roots = [ties.root(number[fact.prompt_hash]) for fact in facts]
    names: dict[int, str] = {}
    for fact, root, label in zip(facts, roots, labels, strict=True):
        names.setdefault(root, label or f"prompt={prints[number[fact.prompt_hash]].name}")
    group_of = {fact.id: names[root] for fact, root in zip(facts, roots, strict=True)}
    return Groups(group_of, n_near, 0 if key is None else labels.count(None))


def assign_splits(groups: Iterable[str], shares: Sequence[float], *, also: Iterable[str] = ()) -> Split:
    """Send each group to a split by the hash of its name.

    Args:
        groups: names; one for each group, in any order.
        shares: of train, validation and test; they sum to 1.
        also: further groups, which go where their hash says and count for nothing else (groups that have only ties).

    Raises:
        InvalidInput: shares that are no distribution.
    """
    if len(shares) != len(SPLITS) or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise InvalidInput(f"The shares of {', '.join(SPLITS)} are {tuple(shares)}: give three from 0, summing to 1.")
    ends = np.cumsum(shares)
    places = {group: _place(group) for group in sorted(set(groups))}
    split_of = {group: _by_hash(place, ends) for group, place in places.items()}
    wanted = [split for split, share in zip(SPLITS, shares, strict=True) if share > 0]
    moved = []
    for split in ("train", "test", "validation"):
        if split in wanted and split not in split_of.values():
            middle = ends[SPLITS.index(split)] - shares[SPLITS.index(split)] / 2
            sizes = Counter(split_of.values())
            free = [group for group in places if sizes[split_of[group]] > 1 or split == "train"]
            if free:
                nearest = min(free, key=lambda group: (abs(places[group] - middle), group))
                split_of[nearest] = split
                moved.append(nearest)
    omitted = tuple(split for split in wanted if split not in split_of.values())
    for group in also:
        split_of.setdefault(group, _by_hash(_place(group), ends))
    return Split(split_of, omitted, tuple(sorted(moved)))


def _place(group: str) -> float:
    """A number in [0, 1) that only the name decides."""
    return int.from_bytes(hashlib.sha256(f"{METHOD}\n{group}".encode()).digest()[:7]) / 2**56


def _by_hash(place: float, ends: np.ndarray) -> str:
    return SPLITS[min(int(np.searchsorted(ends, place, side="right")), len(SPLITS) - 1)]


def _meta_key(facts: Sequence[ComparisonFacts], split_by: str) -> str | None:
    if split_by == "prompt":
        return None
    prefix, _, key = split_by.partition(".")
    if prefix != "meta" or not key:
        raise InvalidInput(
            f"Cannot split by {split_by!r}: use prompt, or meta.KEY with a key of the comparisons' meta."
        )
    if not any(key in fact.meta for fact in facts):
        known = sorted({name for fact in facts for name in fact.meta})
        raise InvalidInput(f"No comparison has {split_by}; their meta has {', '.join(known) or 'no keys'}.")
    return key


# --- prompts that belong together --------------------------------------------------------------------------------


class _Fingerprint(NamedTuple):
    """What is kept of a prompt while groups are formed.

    `whole` and `beginnings` are digests of its normalised turns and of their proper beginnings; `whole` is empty where
    there are no words.
    """

    prompt_hash: str
    name: str
    whole: bytes
    beginnings: tuple[bytes, ...]
    sketch: np.ndarray | None
    signature: np.ndarray | None


def normalised_words(text: str) -> list[str]:
    """The words of a text: NFKC, case-folded, without punctuation."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _fingerprint(prompt_hash: str, prompt: Sequence[Message]) -> _Fingerprint:
    """System messages are left out, unless there is nothing else: they are the same for a whole campaign."""
    turns = [message for message in prompt if message.role != "system"] or prompt
    words = [normalised_words(message.content) for message in turns]
    all_words = [word for turn in words for word in turn]
    if not all_words:
        return _Fingerprint(prompt_hash, prompt_hash[:20], b"", (), None, None)
    digest = hashlib.sha256()
    digests = []
    for turn in words:
        digest.update((" ".join(turn) + "\n").encode())
        digests.append(digest.digest())
    shingles = _shingles(all_words)
    sketch, signature = (None, None) if len(shingles) == 0 else (shingles[:SKETCH_SIZE].copy(), _signature(shingles))
    return _Fingerprint(prompt_hash, digest.hexdigest()[:20], digests[-1], tuple(digests[:-1]), sketch, signature)


def _tie_prompts(prints: Sequence[_Fingerprint]) -> tuple[_Ties, int]:
    """The ties between prompts, and how many prompts are tied to another one that is not equal."""
    ties = _Ties(len(prints))
    oldest: dict[bytes, int] = {}
    for at, one in enumerate(prints):
        if one.whole:
            ties.join(oldest.setdefault(one.whole, at), at)
    n_equal = ties.n_joins
    for at in oldest.values():
        for beginning in prints[at].beginnings:
            if beginning in oldest:
                ties.join(oldest[beginning], at)
    _tie_similar(prints, [at for at in oldest.values() if prints[at].signature is not None], ties)
    return ties, ties.n_joins - n_equal


def _tie_similar(prints: Sequence[_Fingerprint], chosen: Sequence[int], ties: _Ties) -> None:
    """Tie prompts whose shingles overlap: candidates have equal signatures in one band."""
    if len(chosen) < 2:
        return
    at = np.array(chosen)
    signatures = np.stack([prints[one].signature for one in chosen])
    for band in range(N_BANDS):
        keys = np.ascontiguousarray(signatures[:, band * N_ROWS : (band + 1) * N_ROWS]).view(f"V{4 * N_ROWS}").ravel()
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(keys[order][1:] == keys[order][:-1]) + 1
        is_start = np.ones(len(order), bool)
        is_start[same] = False
        start_of = np.maximum.accumulate(np.where(is_start, np.arange(len(order)), 0))
        for other in (start_of[same], same - 1):
            one, two = order[same], order[other]
            likely = (signatures[one] == signatures[two]).mean(axis=1) >= CANDIDATE_SIMILARITY
            for low, high in zip(at[two[likely]].tolist(), at[one[likely]].tolist(), strict=True):
                if ties.root(low) != ties.root(high) and _jaccard(prints[low], prints[high]) >= SIMILARITY:
                    ties.join(low, high)


def _jaccard(one: _Fingerprint, other: _Fingerprint) -> float:
    """Shared shingles / all shingles, among the smallest hashes of the two together."""
    assert one.sketch is not None, "a candidate has shingles"
    assert other.sketch is not None, "a candidate has shingles"
    _, counts = np.unique(np.concatenate([one.sketch, other.sketch]), return_counts=True)
    return float((counts[:SKETCH_SIZE] == 2).mean())


def _shingles(words: Sequence[str]) -> np.ndarray:
    """Distinct hashes of all runs of three words, rising; none for fewer words: such prompts are tied when equal."""
    hashes = np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words], np.uint64)
    if len(hashes) < SHINGLE_WORDS:
        return hashes[:0]
    mixed = hashes[:-2] * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29)) ^ hashes[1:-1]) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(32)) ^ hashes[2:]) * np.uint64(0x94D049BB133111EB)
    return np.unique(mixed ^ (mixed >> np.uint64(31)))


def _signature(shingles: np.ndarray) -> np.ndarray:
    """The smallest value of each of 128 hash functions over the shingles, as 32-bit numbers."""
    smallest = np.full(len(_FACTORS), np.iinfo(np.uint64).max, np.uint64)
    for start in range(0, len(shingles), 4096):
        part = shingles[start : start + 4096, None]
        smallest = np.minimum(smallest, (part * _FACTORS + _OFFSETS).min(axis=0))
    return (smallest >> np.uint64(32)).astype(np.uint32)


class _Ties:
    """Disjoint sets of numbers; the root of a set is its smallest number."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))
        self.n_joins = 0

    def root(self, one: int) -> int:
        parent = self._parent
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        if low != high:
            self._parent[high] = low
            self.n_joins += 1
