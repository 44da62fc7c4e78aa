"""Strength of models from whole rankings: Plackett-Luce, with ties in Breslow's way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from app.stats.strength import MAX_ITERATIONS, PRIOR_PRECISION, TOLERANCE


@dataclass(frozen=True)
class RankingFit:
    """Strengths on the log scale, summing to 0.

    Attributes:
        strengths: (M,) log strengths; the best of a set is i with probability exp(s_i) / sum exp(s_j).
        covariance: (M, M) their covariance, from the Fisher information or cluster-robust.
        n_rankings: rankings.
        n_iterations: Newton steps.
        converged: whether the last step was below 1e-9.
        log_likelihood: at the estimate.
        prior_precision: of a Gaussian prior; 0 is maximum likelihood.
        error_method: Fisher information, or cluster-robust.
    """

    strengths: np.ndarray
    covariance: np.ndarray
    n_rankings: int
    n_iterations: int
    converged: bool
    log_likelihood: float
    prior_precision: float
    error_method: str

    @property
    def standard_errors(self) -> np.ndarray:
        """(M,) standard errors of the strengths (against the mean of all models)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


@dataclass(frozen=True)
class _Stages:
    """One row per place of each ranking: who was still in the race, and who took the place."""

    present: sparse.csr_matrix  # (S, M) how often each model is in the race
    chosen: sparse.csr_matrix  # (S, M) how often each model takes the place
    size: np.ndarray  # (S,) how many share the place
    ranking: np.ndarray  # (S,) code of the ranking


def plackett_luce(
    ranking: np.ndarray,
    model: np.ndarray,
    place: np.ndarray,
    n_models: int,
    *,
    clusters: np.ndarray | None = None,
    prior_precision: float | None = None,
) -> RankingFit:
    """Fit strengths to rankings by Newton's method.

    log L = sum over places [sum of s over those who take it - g log sum exp(s) over those still in the race], where g
    share the place: each of them is chosen from the same set (Breslow's treatment of ties). Two responses of one model
    in a ranking count twice.

    Args:
        ranking: (n,) ranking of each row, 0 .. R-1.
        model: (n,) model of each row, 0 .. M-1.
        place: (n,) place, lower is better, equal for ties.
        n_models: M.
        clusters: (R,) cluster of each ranking (the rater), for robust errors, or None.
        prior_precision: of a Gaussian prior on each strength; None is maximum likelihood where it exists (every model
            beats every other through some chain) and 0.1 where it does not.

    Raises:
        ValueError: there are no rankings.

    Source: Plackett (1975); Luce (1959); Hunter (2004), section 5; Breslow (1974) for ties.
    """
    if len(ranking) == 0:
        raise ValueError("plackett_luce: there are no rankings.")
    stages = _stages(ranking, model, place, n_models)
    if prior_precision is None:
        prior_precision = 0.0 if _is_connected(stages) else PRIOR_PRECISION
    strengths = np.zeros(n_models)
    step = np.full(n_models, np.inf)
    value, shares = _likelihood(stages, strengths)
    n_iterations = 0
    while n_iterations < MAX_ITERATIONS and np.abs(step).max() > TOLERANCE:
        n_iterations += 1
        gradient = _scores(stages, shares).sum(axis=0).A1 - prior_precision * strengths
        information = _information(stages, shares) + prior_precision * np.eye(n_models)
        gauge = np.full((n_models, n_models), max(np.trace(information), 1e-12) / n_models)
        step = np.linalg.solve(information + gauge, gradient)
        for _ in range(30):
            moved, moved_shares = _likelihood(stages, strengths + step)
            gain = moved - value - prior_precision * (((strengths + step) ** 2).sum() - (strengths**2).sum()) / 2
            if gain >= -1e-9 * abs(value):
                break
            step = step / 2
        strengths, value, shares = strengths + step, moved, moved_shares
    information = _information(stages, shares) + prior_precision * np.eye(n_models)
    covariance, method = np.linalg.pinv(information, hermitian=True), "Fisher information"
    if clusters is not None:
        covariance, method = _sandwich(stages, shares, covariance, clusters), "cluster-robust"
    centre = np.eye(n_models) - 1 / n_models
    return RankingFit(
        strengths=strengths - strengths.mean(),
        covariance=centre @ covariance @ centre,
        n_rankings=int(ranking.max()) + 1,
        n_iterations=n_iterations,
        converged=bool(np.abs(step).max() <= TOLERANCE),
        log_likelihood=value,
        prior_precision=prior_precision,
        error_method=method,
    )


def _stages(ranking: np.ndarray, model: np.ndarray, place: np.ndarray, n_models: int) -> _Stages:
    """Return the places of all rankings, best first; the last place says something only when it is shared."""
    rows = pd.DataFrame({"ranking": ranking, "model": model, "place": place})
    rows["stage"] = rows.groupby(["ranking", "place"], sort=True).ngroup()
    stage = rows.groupby("stage").agg(ranking=("ranking", "first"), size=("model", "size"))
    races = rows[["ranking", "model", "stage"]].merge(
        stage.reset_index()[["ranking", "stage"]], on="ranking", suffixes=("", "_of")
    )
    races = races[races["stage"] >= races["stage_of"]]
    shape = (len(stage), n_models)
    present = sparse.csr_matrix((np.ones(len(races)), (races["stage_of"], races["model"])), shape=shape)
    chosen = sparse.csr_matrix((np.ones(len(rows)), (rows["stage"], rows["model"])), shape=shape)
    return _Stages(present, chosen, stage["size"].to_numpy(float), stage["ranking"].to_numpy())


def _likelihood(stages: _Stages, strengths: np.ndarray) -> tuple[float, sparse.csr_matrix]:
    """Return the log likelihood and each model's share of each race."""
    top = strengths.max()
    weights = np.exp(strengths - top)
    total = stages.present @ weights
    log_likelihood = float((stages.chosen @ strengths).sum() - (stages.size * (np.log(total) + top)).sum())
    shares = sparse.diags_array(1 / total) @ stages.present @ sparse.diags_array(weights)
    return log_likelihood, sparse.csr_matrix(shares)


def _scores(stages: _Stages, shares: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the derivative of each stage's log likelihood by the strengths."""
    return sparse.csr_matrix(stages.chosen - sparse.diags_array(stages.size) @ shares)


def _information(stages: _Stages, shares: sparse.csr_matrix) -> np.ndarray:
    weighted = sparse.diags_array(stages.size) @ shares
    return np.diag(np.asarray(weighted.sum(axis=0)).ravel()) - (shares.T @ weighted).toarray()


def _sandwich(stages: _Stages, shares: sparse.csr_matrix, bread: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    names, code = np.unique(np.asarray(clusters)[stages.ranking], return_inverse=True)
    groups = len(names)
    member = sparse.csr_matrix((np.ones(len(code)), (code, np.arange(len(code)))), shape=(groups, len(code)))
    sums = (member @ _scores(stages, shares)).toarray()
    return bread @ (sums.T @ sums) @ bread * groups / max(groups - 1, 1)


def _is_connected(stages: _Stages) -> bool:
    """Return whether every model beats every other through some chain; a shared place counts both ways."""
    beaten = (stages.chosen.T @ stages.present).tocsr()
    n_components, _ = connected_components(beaten, directed=True, connection="strong")
    return n_components == 1
