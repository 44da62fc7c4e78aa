"""Which pairs a model has seen: fingerprints of its training pairs, so that no report mistakes memory for skill."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.stats.words import counted
from reward.contract import canonical_json
from reward.errors import RewardError
from reward.pairs import Messages, Pair

FILE_NAME = "training_fingerprints.npz"


@dataclass(frozen=True)
class Overlap:
    """How much of a set of pairs a model was trained on.

    Attributes:
        n_pairs_trained_on: pairs with the same prompt and the same two responses, in either order.
        n_pairs_with_prompt_trained_on: pairs whose prompt occurs in the training set.
    """

    n_pairs_trained_on: int
    n_pairs_with_prompt_trained_on: int

    def note(self, n_pairs: int) -> str | None:
        """A sentence where other responses to the same prompts were trained on, else None."""
        n = self.n_pairs_with_prompt_trained_on - self.n_pairs_trained_on
        if n <= 0:
            return None
        return f"Of {n:,} of the {counted(n_pairs, 'pair')} the model has seen the prompt, with other responses."

    def caution(self, n_pairs: int) -> str | None:
        """A sentence where pairs were trained on, else None."""
        if not self.n_pairs_trained_on:
            return None
        return (
            f"Caution: the model was trained on {self.n_pairs_trained_on:,} of the {counted(n_pairs, 'pair')}; the "
            "numbers show what it remembers, too, not only what it learned."
        )


def save_fingerprints(path: Path, pairs: Sequence[Pair]) -> None:
    """Write 64-bit fingerprints of pairs and of prompts (no text can be read back from them)."""
    np.savez_compressed(path, **_fingerprints(pairs))


def _fingerprints(pairs: Sequence[Pair]) -> dict[str, np.ndarray]:
    return {
        "pairs": _hashes(_pair_key(pair.prompt, pair.chosen, pair.rejected) for pair in pairs),
        "prompts": _hashes(canonical_json(pair.prompt) for pair in pairs),
    }


@dataclass(frozen=True)
class Memory:
    """What a model was trained on, as fingerprints.

    Attributes:
        pairs: of its pairs.
        prompts: of their prompts.
    """

    pairs: frozenset[int]
    prompts: frozenset[int]

    def has_pair(self, prompt: Messages, first: str, second: str) -> bool:
        """Whether the model was trained on these two responses to this prompt, in either order."""
        return _hash(_pair_key(prompt, first, second)) in self.pairs

    def has_prompt(self, prompt: Messages) -> bool:
        """Whether the prompt occurs in the training set."""
        return _hash(canonical_json(prompt)) in self.prompts


def load_fingerprints(path: Path) -> Memory:
    """Read what `save_fingerprints` wrote.

    Raises:
        RewardError: the fingerprints are missing.
    """
    if not path.is_file():
        raise RewardError(f"{path} is missing: the model is not complete; train it again.")
    with np.load(path, allow_pickle=False) as arrays:
        return Memory(frozenset(arrays["pairs"].tolist()), frozenset(arrays["prompts"].tolist()))


def count_overlap(path: Path, pairs: Sequence[Pair]) -> Overlap:
    """Count how many of `pairs` a model was trained on.

    Args:
        path: fingerprints written by `save_fingerprints`.
        pairs: the pairs to be measured on.

    Raises:
        RewardError: the fingerprints are missing.
    """
    memory = load_fingerprints(path)
    return Overlap(
        n_pairs_trained_on=sum(memory.has_pair(pair.prompt, pair.chosen, pair.rejected) for pair in pairs),
        n_pairs_with_prompt_trained_on=sum(memory.has_prompt(pair.prompt) for pair in pairs),
    )


def _pair_key(prompt: Messages, first: str, second: str) -> str:
    return canonical_json([prompt, sorted([first, second])])


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _hashes(keys: Iterable[str]) -> np.ndarray:
    return np.unique(np.fromiter((_hash(key) for key in keys), dtype=np.uint64))
