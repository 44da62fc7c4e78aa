"""Planted label errors: turn some labels round, and look for them with models that never saw the label."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from reward.disagreements import evidence_against_labels
from reward.laplace import fit_posterior
from reward.pairs import Pair

N_FOLDS = 5


def simulated_labels(n: int, *, seed: int, n_features: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Differences of features, a fold for each pair, and one label each, drawn from a linear model: 1 or -1."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(n, n_features)), rng.normal(size=n_features) * 1.5
    return x, rng.integers(0, N_FOLDS, n), np.where(rng.random(n) < expit(x @ w), 1.0, -1.0)


def share_in_top_tenth(
    differences: np.ndarray, fold: np.ndarray, label: np.ndarray, *, seed: int, flipped: float = 0.05
) -> float:
    """The share of the labels turned round that the top tenth of the list of likely label errors holds.

    Args:
        differences: (pairs, features) of the first minus the second response.
        fold: (pairs,) what is held out together.
        label: (pairs,) 1 where the first is said to be better, -1 where the second, each as from one vote.
        seed: of the labels that are turned round.
        flipped: their share.
    """
    n = len(label)
    planted = np.zeros(n, bool)
    planted[np.random.default_rng([seed, 1]).permutation(n)[: round(flipped * n)]] = True
    seen, margins = np.where(planted, -label, label), np.empty(n)
    for one in np.unique(fold):
        fit = fit_posterior(differences[fold != one], (seen[fold != one] + 1) / 2)
        margins[fold == one] = fit.margins(differences[fold == one])
    scores = evidence_against_labels([Pair((), "a", "b")] * n, margins * seen, witnesses={})
    top = np.argsort(-scores)[: n // 10]
    return float(planted[top].sum() / planted.sum())
