"""Dawid and Skene: each rater has a confusion matrix; EM with a Dirichlet prior, anchored on gold if there is any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from app.stats.coding import CLASSES, CodedVotes
from app.stats.consensus import (
    MAX_ITERATIONS,
    TOLERANCE,
    Consensus,
    barred_classes,
    classes_in_use,
    compact_votes,
    decide,
    normalise,
    vote_counts,
)

DIRICHLET_PRIOR = (4.0, 1.0)
"""Pseudo-counts per row of a confusion matrix: 4 on the diagonal, 1 shared by the other classes."""
_TINY = 1e-10


@dataclass(frozen=True)
class DawidSkeneFit:
    """A fitted model.

    Attributes:
        posterior: (U, K) class probabilities per unit.
        confusion: (R, K, K) P(label | class) per rater, rows the class.
        shares: (K,) class shares.
        log_likelihood: (n_iterations,) observed-data log likelihood before each M-step.
        objective: (n_iterations,) log likelihood plus log prior; it never falls.
        n_iterations: EM steps.
        converged: whether the last step moved every posterior by less than the tolerance.
    """

    posterior: np.ndarray
    confusion: np.ndarray
    shares: np.ndarray
    log_likelihood: np.ndarray
    objective: np.ndarray
    n_iterations: int
    converged: bool


def fit_dawid_skene(
    unit: np.ndarray,
    rater: np.ndarray,
    label: np.ndarray,
    *,
    n_labels: int,
    prior: tuple[float, float] = DIRICHLET_PRIOR,
    barred: np.ndarray | None = None,
    max_iterations: int = MAX_ITERATIONS,
    tolerance: float = TOLERANCE,
) -> DawidSkeneFit:
    """Fit by EM, starting from the vote shares.

    E: log T_ut = log p_t + sum over votes of log c_r[t, label]. M: c_r[t, l] ∝ sum of T_ut over votes l + prior,
    p_t = mean T_ut. Each step is two products with one sparse units x (rater, label) matrix. With prior (0, 0) this is
    maximum likelihood.

    Args:
        unit: (N,) units 0 .. U-1, each with at least one vote; a rater may vote twice on one.
        rater: (N,) raters 0 .. R-1.
        label: (N,) labels 0 .. n_labels - 1.
        n_labels: K.
        prior: pseudo-counts per row of a confusion matrix, on the diagonal and spread over the rest.
        barred: (U, K) log weights of gold units (`consensus.barred_classes`), or None.
        max_iterations: EM steps.
        tolerance: largest change of a posterior at which the fit has come to rest.

    Raises:
        ValueError: there are no votes.

    Source: Dawid and Skene (1979), equations 2.3 to 2.5.
    """
    if len(unit) == 0:
        raise ValueError("fit_dawid_skene: there are no votes.")
    votes, transposed = _vote_matrices(unit, rater, label, n_labels)
    n_units, n_raters = votes.shape[0], votes.shape[1] // n_labels
    pseudo = _pseudo_counts(prior, n_labels)
    posterior = _start(unit, label, n_units, n_labels, barred)
    log_likelihood, objective = [], []
    for _ in range(max_iterations):
        counts = (transposed @ posterior).reshape(n_raters, n_labels, n_labels)  # rater, label, class
        confusion = counts + pseudo[None]
        confusion /= np.maximum(confusion.sum(axis=1, keepdims=True), _TINY)
        shares = posterior.mean(axis=0)
        log_confusion = np.log(np.maximum(confusion, _TINY))
        log_joint = votes @ log_confusion.reshape(n_raters * n_labels, n_labels)
        log_joint += np.log(np.maximum(shares, _TINY))
        if barred is not None:
            log_joint += barred
        updated, total = normalise(log_joint)
        log_likelihood.append(total)
        objective.append(total + float((pseudo[None] * log_confusion).sum()))
        change = np.abs(np.subtract(updated, posterior, out=posterior)).max()
        posterior = updated
        if change < tolerance:
            break
    return DawidSkeneFit(
        posterior=posterior,
        confusion=confusion.transpose(0, 2, 1),
        shares=shares,
        log_likelihood=np.array(log_likelihood),
        objective=np.array(objective),
        n_iterations=len(objective),
        converged=bool(change < tolerance),
    )


def dawid_skene(
    coded: CodedVotes,
    *,
    prior: tuple[float, float] = DIRICHLET_PRIOR,
    accepted: np.ndarray | None = None,
    max_iterations: int = MAX_ITERATIONS,
) -> Consensus:
    """Return the consensus of Dawid and Skene's model with a Dirichlet prior.

    Without the prior the model loses to majority when raters have few votes; with it, it gains from about 300 votes
    per rater on (see `choice.choose_method`).

    Args:
        coded: votes on one criterion, one per rater and unit.
        prior: pseudo-counts per row of a confusion matrix.
        accepted: (n_units, 4) classes that gold keys accept, to anchor the fit on, or None.
        max_iterations: EM steps.

    Returns:
        The consensus; with no votes an empty one. `rater_accuracy` is sum_t p_t c_r[t, t].
    """
    unit, counts = vote_counts(coded)
    n_votes = counts.sum(axis=1)
    if len(unit) == 0:
        return Consensus("dawid_skene", unit, counts, n_votes, np.zeros(0, np.int64))
    classes = classes_in_use(counts)
    unit_code, rater, label = compact_votes(coded, unit, classes)
    barred = barred_classes(accepted, unit, classes)
    n_labels = len(classes)
    fit = fit_dawid_skene(
        unit_code, rater, label, n_labels=n_labels, prior=prior, barred=barred, max_iterations=max_iterations
    )
    posterior = np.zeros(counts.shape)
    posterior[:, classes] = fit.posterior
    confusion = np.zeros((coded.n_raters, len(CLASSES), len(CLASSES)))
    known = len(fit.confusion)
    confusion[:known, classes[:, None], classes[None, :]] = fit.confusion
    accuracy = np.full(coded.n_raters, prior[0] / max(sum(prior), 1e-9))
    accuracy[:known] = np.einsum("t,rtt->r", fit.shares, fit.confusion)
    return Consensus(
        method="dawid_skene" if barred is None else "dawid_skene_anchored",
        unit=unit,
        posterior=posterior,
        n_votes=n_votes,
        decision=decide(posterior),
        rater_accuracy=accuracy,
        n_iterations=fit.n_iterations,
        converged=fit.converged,
        objective=fit.objective,
        confusion=confusion,
    )


def _vote_matrices(unit, rater, label, n_labels) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return units x (rater, label) votes and its transpose, both by rows."""
    column = rater.astype(np.int64) * n_labels + label
    shape = (int(unit.max()) + 1, (int(rater.max()) + 1) * n_labels)
    votes = sparse.csr_matrix((np.ones(len(unit)), (unit, column)), shape=shape)
    return votes, votes.T.tocsr()


def _pseudo_counts(prior: tuple[float, float], n_labels: int) -> np.ndarray:
    """Return (K, K) pseudo-counts, label by class."""
    diagonal, rest = prior
    pseudo = np.full((n_labels, n_labels), rest / max(n_labels - 1, 1))
    np.fill_diagonal(pseudo, diagonal)
    return pseudo


def _start(unit, label, n_units, n_labels, barred) -> np.ndarray:
    counts = np.bincount(unit.astype(np.int64) * n_labels + label, minlength=n_units * n_labels)
    counts = counts.reshape(n_units, n_labels).astype(float)
    if barred is not None:
        counts = np.where(np.isinf(barred), 0.0, np.where((barred < 0).any(axis=1, keepdims=True), 1.0, counts))
    return counts / counts.sum(axis=1, keepdims=True)
