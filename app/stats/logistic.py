"""Logistic regression by Newton's method, with errors that allow for clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients of a logistic regression.

    Attributes:
        coefficients: (p,) log odds per unit of each column.
        covariance: (p, p) covariance, cluster-robust when clusters were given.
        n: rows.
        n_clusters: clusters per clustering that was used; empty when the rows count as independent.
        n_iterations: Newton steps.
        converged: whether the last step was below 1e-8.
        separated: the columns decide every row, so that only the ridge keeps the coefficients finite.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    n: int
    n_clusters: tuple[int, ...]
    n_iterations: int
    converged: bool
    separated: bool

    @property
    def standard_errors(self) -> np.ndarray:
        """(p,) standard errors."""
        return np.sqrt(np.diag(self.covariance))


def fit_logistic(
    x: np.ndarray,
    y: np.ndarray,
    *,
    clusters: Sequence[np.ndarray] = (),
    weights: np.ndarray | None = None,
    ridge: float = 1e-4,
    max_iterations: int = 100,
) -> LogisticFit:
    """Fit P(y = 1) = 1 / (1 + exp(-x b)), without an intercept unless `x` has one.

    Newton steps on sum w [y log p + (1-y) log(1-p)] - ridge |b|² / 2. With clusters the covariance is the sandwich
    H^-1 M H^-1, M = G/(G-1) sum_g s_g s_g' with s_g the summed scores of cluster g; with two crossed clusterings
    M = M_1 + M_2 - M_rows. A clustering with fewer than 10 clusters is left out.

    Args:
        x: (n, p) columns.
        y: (n,) outcomes in [0, 1]; a half is a tie.
        clusters: up to two (n,) arrays of clusters, such as raters and comparisons.
        weights: (n,) weights of the rows, or None.
        ridge: precision of a Gaussian prior at 0; the default only keeps separated data finite.
        max_iterations: Newton steps.

    Raises:
        ValueError: fewer rows than columns.

    Source: McCullagh and Nelder (1989), chapter 4; Liang and Zeger (1986); Cameron, Gelbach and Miller (2011).
    """
    n, p = x.shape
    if n < p:
        raise ValueError(f"fit_logistic: {n} rows cannot carry {p} coefficients.")
    w = np.ones(n) if weights is None else weights
    b = np.zeros(p)
    step = np.inf
    iteration = 0
    while iteration < max_iterations and np.abs(step).max() > 1e-8:
        iteration += 1
        mean = expit(x @ b)
        hessian = (x * (w * mean * (1 - mean))[:, None]).T @ x + ridge * np.eye(p)
        step = np.linalg.solve(hessian, x.T @ (w * (y - mean)) - ridge * b)
        b = b + step * min(1.0, 5 / max(np.abs(step).max(), 1e-12))
    mean = expit(x @ b)
    inverse = np.linalg.inv((x * (w * mean * (1 - mean))[:, None]).T @ x + ridge * np.eye(p))
    scores = x * (w * (y - mean))[:, None]
    meats = [meat for meat in (_meat(scores, codes) for codes in clusters) if meat is not None]
    covariance = inverse
    if meats:
        middle = sum(matrix for matrix, _ in meats) - (len(meats) - 1) * (scores.T @ scores)
        covariance = _positive(inverse @ middle @ inverse)
    separated = bool(((2 * y - 1) * (x @ b) > 0).all())
    converged = bool(np.abs(step).max() <= 1e-8)
    return LogisticFit(b, covariance, n, tuple(groups for _, groups in meats), iteration, converged, separated)


def _meat(scores: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, int] | None:
    """Return the middle of the sandwich and the number of clusters, or None with fewer than 10."""
    names, code = np.unique(codes, return_inverse=True)
    groups = len(names)
    if groups < 10:
        return None
    sums = np.stack([np.bincount(code, weights=column, minlength=groups) for column in scores.T], axis=1)
    return sums.T @ sums * groups / (groups - 1), groups


def _positive(covariance: np.ndarray) -> np.ndarray:
    """Return the nearest covariance without negative eigenvalues: two crossed clusterings may leave small ones."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return (vectors * np.maximum(values, 0.0)) @ vectors.T
