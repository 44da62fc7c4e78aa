"""Logistic regression by Newton's method, with errors that allow for clusters."""

from __future__ import annotations

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
        n_clusters: clusters, or the rows when none were given.
        n_iterations: Newton steps.
        converged: whether the last step was below 1e-8.
        separated: the columns decide every row, so that only the ridge keeps the coefficients finite.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    n: int
    n_clusters: int
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
    clusters: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    ridge: float = 1e-4,
    max_iterations: int = 100,
) -> LogisticFit:
    """Fit P(y = 1) = 1 / (1 + exp(-x b)), without an intercept unless `x` has one.

    Newton steps on sum w [y log p + (1-y) log(1-p)] - ridge |b|² / 2. With clusters the covariance is the sandwich
    H^-1 (sum_g s_g s_g') H^-1 G/(G-1), s_g the summed scores of cluster g.

    Args:
        x: (n, p) columns.
        y: (n,) outcomes in [0, 1]; a half is a tie.
        clusters: (n,) integer cluster of each row, or None for independent rows.
        weights: (n,) weights of the rows, or None.
        ridge: precision of a Gaussian prior at 0; the default only keeps separated data finite.
        max_iterations: Newton steps.

    Raises:
        ValueError: fewer rows than columns.

    Source: McCullagh and Nelder (1989), chapter 4; Liang and Zeger (1986) for the sandwich.
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
    n_clusters = n
    covariance = inverse
    if clusters is not None:
        names, codes = np.unique(clusters, return_inverse=True)
        n_clusters = len(names)
        sums = np.stack([np.bincount(codes, weights=scores[:, j], minlength=n_clusters) for j in range(p)], axis=1)
        covariance = inverse @ (sums.T @ sums) @ inverse * n_clusters / max(n_clusters - 1, 1)
    separated = bool(((2 * y - 1) * (x @ b) > 0).all())
    converged = bool(np.abs(step).max() <= 1e-8)
    return LogisticFit(b, covariance, n, n_clusters, iteration, converged, separated)
