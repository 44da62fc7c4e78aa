"""Texts as fixed vectors of a frozen sentence encoder, and features of pairs made from them; cached by content.

Used by the baseline on frozen embeddings, by the choice of the next batch and by the heads per criterion: what is
linear in these features is fitted in milliseconds, and its uncertainty is known in closed form.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reward.errors import RewardError
from reward.models import resolve_base
from reward.packing import pack_linear_layers

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_ENCODER = "minilm"
BATCH_SIZE = 32
SURFACE_NAMES = ("log words", "log characters", "log sentences", "word length", "distinct words", "questions", "lists")


class Embedder:
    """A sentence encoder with a cache.

    Args:
        encoder: 'minilm' (embedded), a directory, or a hub id of sentence-transformers.
        cache_dir: where vectors are kept, one file per encoder; nowhere when None.
        device: such as 'cuda'; chosen by sentence-transformers when None.
    """

    def __init__(
        self, encoder: str = DEFAULT_ENCODER, *, cache_dir: Path | None = None, device: str | None = None
    ) -> None:
        base = resolve_base(encoder)
        self.encoder = encoder
        self.device = device
        self._location = base.location
        identity = base.sha256 or hashlib.sha256(encoder.encode()).hexdigest()
        self._path = None if cache_dir is None else cache_dir / f"embeddings-{identity[:16]}.npz"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of shape (texts, width), float32, of length 1 where the encoder normalises; equal texts once."""
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        known = self._load()
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            model = load_encoder(self._location, self.device)
            vectors = model.encode(list(missing.values()), batch_size=BATCH_SIZE, show_progress_bar=False)
            known |= dict(zip(missing, np.asarray(vectors, np.float32), strict=True))
            self._save(known)
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, 0), np.float32)

    def _load(self) -> dict[str, np.ndarray]:
        if self._path is None or not self._path.is_file():
            return {}
        with np.load(self._path, allow_pickle=False) as arrays:
            return dict(zip(arrays["keys"].tolist(), arrays["vectors"], strict=True))

    def _save(self, known: dict[str, np.ndarray]) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_name(f".{self._path.stem}-{os.getpid()}.npz")
        np.savez(partial, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
        os.replace(partial, self._path)


@lru_cache(maxsize=2)
def load_encoder(location: str, device: str | None) -> SentenceTransformer:
    """The encoder, loaded once in a process.

    Raises:
        RewardError: sentence-transformers is not installed, or the model cannot be loaded.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise RewardError(
            "Embeddings need sentence-transformers: pip install 'steelyard[demo]' or sentence-transformers."
        ) from error
    try:
        encoder = SentenceTransformer(location, device=device)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RewardError(f"{location} cannot be loaded as a sentence encoder: {reason}") from error
    if encoder.device.type == "cpu":
        pack_linear_layers(encoder)
    return encoder


def surface_features(texts: Sequence[str]) -> np.ndarray:
    """Seven things that need no model, shape (texts, 7), in the order of SURFACE_NAMES, each of the size of one."""
    rows = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        n_words = max(1, len(words))
        rows.append(
            (
                np.log1p(len(words)),
                np.log1p(len(text)),
                np.log1p(len(re.findall(r"[.!?]+", text))),
                sum(map(len, words)) / n_words / 5,
                len(set(words)) / n_words,
                float(np.log1p(text.count("?"))),
                float(np.log1p(len(re.findall(r"(?m)^\s*(?:[-*•]|\d+[.)])\s", text)))),
            )
        )
    return np.array(rows, dtype=float).reshape(-1, len(SURFACE_NAMES))


FEATURES_VERSION = 2
"""Raised when the same texts would give other features: a baseline fitted on other ones is of no use."""


def text_features(embedder: Embedder, texts: Sequence[str]) -> np.ndarray:
    """Embedding and surface features of texts, shape (texts, width + 7)."""
    return np.hstack([embedder.embed(texts).astype(float), surface_features(texts)])
