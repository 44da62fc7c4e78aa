"""What a reward model has to beat: the longer (or the shorter) response wins, a bag of words, frozen embeddings.

The bag of words is a logistic regression on the difference of TF-IDF vectors (words and word pairs of the responses),
fitted on the training split of the model's own snapshot and stored with the model, so that later evaluations on other
data use the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reward.errors import RewardError
from reward.pairs import Pair

if TYPE_CHECKING:
    from reward.frozen import FrozenBaseline

MAX_PAIRS = 20_000
MAX_TERMS = 20_000
INVERSE_REGULARISATION = 0.3
"""C of the logistic regression; chosen on Anthropic HH, see the measurements in the documentation."""


@dataclass(frozen=True)
class Baselines:
    """What was fitted with a model; each a scorer, or in words why there is none.

    Attributes:
        tfidf: the bag of words.
        frozen: the logistic regression on frozen embeddings.
    """

    tfidf: TfidfBaseline | str
    frozen: FrozenBaseline | str = "no baseline on frozen embeddings: it was not fitted"


def longer_margins(pairs: Sequence[Pair]) -> np.ndarray:
    """Characters of the chosen response minus characters of the rejected: the 'longer wins' scorer."""
    return np.array([float(len(pair.chosen) - len(pair.rejected)) for pair in pairs])


@dataclass(frozen=True)
class TfidfBaseline:
    """A fitted bag-of-words scorer, linear and without intercept: swapping the sides swaps the sign.

    Attributes:
        terms: the vocabulary, in the order of the columns.
        idf: inverse document frequency per term.
        coefficients: weight per term.
        n_pairs: pairs it was fitted on.
    """

    terms: np.ndarray
    idf: np.ndarray
    coefficients: np.ndarray
    n_pairs: int

    def margins(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Score of the chosen response minus score of the rejected, shape (pairs,)."""
        vectorizer = _vectorizer(vocabulary={term: i for i, term in enumerate(self.terms.tolist())})
        vectorizer.idf_ = self.idf
        difference = vectorizer.transform([p.chosen for p in pairs]) - vectorizer.transform([p.rejected for p in pairs])
        return np.asarray(difference @ self.coefficients)

    def save(self, path: Path) -> None:
        """Write the baseline as arrays (no pickle)."""
        np.savez_compressed(
            path, terms=self.terms, idf=self.idf, coefficients=self.coefficients, n_pairs=np.array(self.n_pairs)
        )


def load_tfidf(path: Path) -> TfidfBaseline:
    """Read a baseline written by `TfidfBaseline.save`.

    Raises:
        RewardError: the file is absent.
    """
    if not path.is_file():
        raise RewardError(f"{path} is missing: the model was not stored with its baseline; train it again.")
    with np.load(path, allow_pickle=False) as arrays:
        return TfidfBaseline(arrays["terms"], arrays["idf"], arrays["coefficients"], int(arrays["n_pairs"]))


def fit_tfidf(pairs: Sequence[Pair], *, seed: int = 0) -> TfidfBaseline | str:
    """Fit the bag of words on training pairs, with their soft labels and weights.

    Minimises `sum_i w_i CE(p_i, sigmoid(b . (x_chosen - x_rejected))) + |b|^2 / (2 C)`.

    Args:
        pairs: training pairs; at most 20,000 of them, drawn by seed, are used.
        seed: of that draw.

    Returns:
        The baseline, or in words why there is none (no word occurs, or no two responses differ).
    """
    from sklearn.linear_model import LogisticRegression

    pairs = draw_pairs(pairs, MAX_PAIRS, seed=seed)
    chosen, rejected = [pair.chosen for pair in pairs], [pair.rejected for pair in pairs]
    vectorizer = _vectorizer(min_df=2 if len(pairs) >= 200 else 1)
    try:
        vectorizer.fit([*chosen, *rejected])
    except ValueError as error:  # scikit-learn's "empty vocabulary", "no terms remain"
        return f"no baseline on words: {error}"
    difference = vectorizer.transform(chosen) - vectorizer.transform(rejected)
    if difference.count_nonzero() == 0:
        return "no baseline on words: chosen and rejected responses have the same words"
    x, y, weights = mirrored(difference, pairs)
    model = LogisticRegression(C=INVERSE_REGULARISATION, fit_intercept=False, max_iter=1000)
    model.fit(x, y, sample_weight=weights)
    return TfidfBaseline(vectorizer.get_feature_names_out().astype(str), vectorizer.idf_, model.coef_[0], len(pairs))


def draw_pairs(pairs: Sequence[Pair], n: int, *, seed: int) -> Sequence[Pair]:
    """At most `n` of the pairs, drawn by seed, in their order."""
    if len(pairs) <= n:
        return pairs
    drawn = np.random.default_rng(seed).choice(len(pairs), n, replace=False)
    return [pairs[i] for i in sorted(drawn)]


def mirrored(difference, pairs: Sequence[Pair]):
    """Each pair once from either side, so that both classes occur: the loss is that of the pairs themselves.

    Args:
        difference: (pairs, features), dense or sparse.
        pairs: for labels and weights.

    Returns:
        Rows, classes and weights for scikit-learn.
    """
    from scipy.sparse import issparse, vstack

    p = np.array([pair.soft_label for pair in pairs])
    w = np.array([pair.weight for pair in pairs])
    sides = [difference, -difference, difference, -difference]
    x = vstack(sides).tocsr() if issparse(difference) else np.vstack(sides)
    y = np.repeat([1, 0, 0, 1], len(pairs))
    weights = np.concatenate([w * p, w * p, w * (1 - p), w * (1 - p)]) / 2
    kept = weights > 0
    return x[kept], y[kept], weights[kept]


def _vectorizer(**options):
    from sklearn.feature_extraction.text import TfidfVectorizer

    options.setdefault("max_features", None if "vocabulary" in options else MAX_TERMS)
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", **options)
