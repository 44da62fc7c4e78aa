"""Bayesian logistic regression on differences of features, with a Gaussian (Laplace) posterior.

`P(first wins) = sigmoid(w . (x_first - x_second))`, `w ~ N(0, 1/precision)`. The posterior is approximated by a normal
distribution about its mode whose inverse covariance is the curvature there (MacKay, 1992; Bishop, 2006, section 4.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

MAX_ITERATIONS = 50
TOLERANCE = 1e-8


@dataclass(frozen=True)
class Posterior:
    """The normal approximation.

    Attributes:
        mean: (features,) mode of the weights.
        covariance: (features, features).
        n: pairs it was fitted on.
        n_iterations: Newton steps.
        converged: whether the last step was below 1e-8.
    """

    mean: np.ndarray
    covariance: np.ndarray
    n: int
    n_iterations: int
    converged: bool

    def margins(self, differences: np.ndarray) -> np.ndarray:
        """Expected reward differences, shape (pairs,)."""
        return differences @ self.mean

    def variances(self, differences: np.ndarray) -> np.ndarray:
        """Posterior variances of the reward differences, shape (pairs,)."""
        return np.einsum("ij,jk,ik->i", differences, self.covariance, differences)

    def probabilities(self, differences: np.ndarray) -> np.ndarray:
        """P(first wins), the uncertainty of the weights included: sigmoid(m / sqrt(1 + pi v / 8))."""
        return expit(self.margins(differences) / np.sqrt(1 + np.pi * self.variances(differences) / 8))


def fit_posterior(
    differences: np.ndarray,
    labels: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    offsets: np.ndarray | None = None,
    precision: float = 1.0,
) -> Posterior:
    """Fit by Newton's method.

    Args:
        differences: (pairs, features) of the first minus the second response.
        labels: (pairs,) P(first wins), soft or hard.
        weights: (pairs,) of the pairs; a pair of n votes counts n times; 1 each when None.
        offsets: (pairs,) taken off the reward differences, such as margins; 0 when None.
        precision: of the prior.
    """
    n, d = differences.shape
    w = np.ones(n) if weights is None else weights
    offset = np.zeros(n) if offsets is None else offsets
    mean, step, iteration = np.zeros(d), np.full(d, np.inf), 0
    hessian = precision * np.eye(d)
    while iteration < MAX_ITERATIONS and np.abs(step).max() > TOLERANCE:
        iteration += 1
        p = expit(differences @ mean - offset)
        hessian = (differences * (w * p * (1 - p))[:, None]).T @ differences + precision * np.eye(d)
        step = np.linalg.solve(hessian, differences.T @ (w * (labels - p)) - precision * mean)
        mean = mean + step * min(1.0, 5 / max(np.abs(step).max(), 1e-12))
    p = expit(differences @ mean - offset)
    hessian = (differences * (w * p * (1 - p))[:, None]).T @ differences + precision * np.eye(d)
    covariance = np.linalg.inv(hessian)
    return Posterior(mean, (covariance + covariance.T) / 2, n, iteration, bool(np.abs(step).max() <= TOLERANCE))


def greedy_d_optimal(
    posterior: Posterior,
    candidates: list[np.ndarray],
    n: int,
    *,
    weights: list[float] | None = None,
    probabilities: list[np.ndarray] | None = None,
) -> list[tuple[int, float]]:
    """Choose comparisons one by one, each adding most to the log determinant of the information.

    A pair with difference x and predicted probability p adds information p (1 - p) x x', and the log determinant grows
    by log(1 + p (1 - p) x' S x), S the covariance given what was chosen before: near-duplicates of a chosen pair gain
    little, which keeps the batch diverse. A comparison of k responses adds its pairs one after the other.

    Args:
        posterior: before the batch.
        candidates: for each comparison the (pairs, features) differences of its pairs.
        n: how many to choose; all of them where there are fewer.
        weights: of each pair of a comparison (2/k for a ranking), or 1.
        probabilities: for each comparison the (pairs,) P(first wins) by another model; the posterior's own when None.

    Returns:
        (index of the comparison, gain in nats when it was chosen), in the order of choice.

    Source: Fedorov (1972); for preferences on last-layer features, Shen, Sun and Ton (2025).
    """
    owner = np.repeat(np.arange(len(candidates)), [len(one) for one in candidates])
    x = np.concatenate(candidates) if candidates else np.zeros((0, len(posterior.mean)))
    p = expit(x @ posterior.mean) if probabilities is None else np.concatenate([np.zeros(0), *probabilities])
    information = p * (1 - p) * (1.0 if weights is None else np.asarray(weights)[owner])
    projected = x @ posterior.covariance  # rows S x, kept up to date by rank-one corrections
    variance = np.einsum("ij,ij->i", projected, x)
    free = np.ones(len(candidates), bool)
    chosen: list[tuple[int, float]] = []
    for _ in range(min(n, len(candidates))):
        gains = np.bincount(owner, np.log1p(information * np.maximum(variance, 0)), minlength=len(candidates))
        best = int(np.where(free, gains, -np.inf).argmax())
        free[best] = False
        gain = 0.0
        for row in np.flatnonzero(owner == best):
            gain += float(np.log1p(information[row] * max(variance[row], 0.0)))
            scale = information[row] / (1 + information[row] * max(variance[row], 0.0))
            along = projected @ x[row]
            projected -= scale * np.outer(along, projected[row].copy())
            variance -= scale * along**2
        chosen.append((best, gain))
    return chosen


def information_gain(posterior: Posterior, differences: np.ndarray) -> np.ndarray:
    """BALD: how many nats a vote is expected to tell about the weights, shape (pairs,).

    H[E p] - E H[p], with MacKay's approximations. Source: Houlsby et al. (2011), equation 3.
    """
    margin, variance = posterior.margins(differences), posterior.variances(differences)
    p = expit(margin / np.sqrt(1 + np.pi * variance / 8))
    entropy = -(p * np.log(np.clip(p, 1e-12, 1)) + (1 - p) * np.log(np.clip(1 - p, 1e-12, 1)))
    # sigmoid(f) is near Phi(f sqrt(pi / 8)), and E H[Phi(f)] is near log 2 C / sqrt(v + C^2) exp(-m^2 / (2 (v + C^2)))
    a, s2, c = margin * np.sqrt(np.pi / 8), variance * np.pi / 8, np.pi * np.log(2) / 2
    expected = np.log(2) * np.sqrt(c) / np.sqrt(s2 + c) * np.exp(-(a**2) / (2 * (s2 + c)))
    return np.maximum(entropy - expected, 0.0)
