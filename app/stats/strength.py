"""Strength of models from pairwise outcomes: Bradley-Terry with ties, an order effect and further covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

MAX_ITERATIONS = 100
TOLERANCE = 1e-9
PRIOR_PRECISION = 0.1


@dataclass(frozen=True)
class Games:
    """Outcomes between models, one row per distinct game.

    Attributes:
        i: (n,) model of the first response.
        j: (n,) model of the second response.
        wins: (n, 3) how often the first won, the second won, neither did.
        covariates: (n, q) columns that shift the log odds for the first response; antisymmetric in the two.
        covariate_names: (q,) their names, such as "order" (+1 shown first, -1 shown second, 0 unknown).
        n_models: models, 0 .. n_models - 1.
        cluster: (n,) cluster of each row (the rater) for robust errors, or None.
    """

    i: np.ndarray
    j: np.ndarray
    wins: np.ndarray
    covariates: np.ndarray
    covariate_names: tuple[str, ...]
    n_models: int
    cluster: np.ndarray | None = None


def is_told_apart(games: Games) -> bool:
    """Return whether the last covariate can be told apart from the models and the other covariates.

    It cannot where it is a linear combination of them, as length is when one model always writes twice as much as the
    other: then no fit can say which of the two moves the votes.
    """
    n = len(games.i)
    rows = np.arange(n)
    sides = (np.r_[np.ones(n), -np.ones(n)], (np.r_[rows, rows], np.r_[games.i, games.j]))
    models = sparse.csr_matrix(sides, shape=(n, games.n_models))
    design = sparse.hstack([models, sparse.csr_matrix(games.covariates)]).tocsr()
    gram = (design.T @ design).toarray()
    return int(np.linalg.matrix_rank(gram, hermitian=True)) > int(np.linalg.matrix_rank(gram[:-1, :-1], hermitian=True))


@dataclass(frozen=True)
class StrengthFit:
    """Strengths on the log-odds scale, summing to 0.

    Attributes:
        strengths: (M,) log strengths; a difference of 1 is odds of e to 1.
        covariance: (M, M) their covariance.
        effects: (q,) coefficients of the covariates.
        effect_errors: (q,) their standard errors.
        tie: log of Davidson's nu, or None without ties: P(tie) = nu / (2 + nu) between equals.
        tie_error: its standard error, or None.
        n_games: outcomes.
        n_iterations: Newton steps.
        converged: whether the last step was below 1e-9.
        log_likelihood: at the estimate.
        prior_precision: of a Gaussian prior on the strengths; 0 is maximum likelihood.
        error_method: Fisher, or cluster-robust.
        fisher_covariance: (M, M) what the covariance would be if every vote were independent.
        components: (M,) strongly connected component of each model: with more than one, some models never lost to (or
            never met) others, maximum likelihood is infinite, and a prior was used.
        n_islands: weakly connected components: models on different islands never met, even through others.
    """

    strengths: np.ndarray
    covariance: np.ndarray
    effects: np.ndarray
    effect_errors: np.ndarray
    tie: float | None
    tie_error: float | None
    n_games: int
    n_iterations: int
    converged: bool
    log_likelihood: float
    prior_precision: float
    error_method: str
    fisher_covariance: np.ndarray
    components: np.ndarray
    n_islands: int

    @property
    def standard_errors(self) -> np.ndarray:
        """(M,) standard errors of the strengths (against the mean of all models)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def fisher_errors(self) -> np.ndarray:
        """(M,) the same from the Fisher information: too small where raters have tastes of their own."""
        return np.sqrt(np.maximum(np.diag(self.fisher_covariance), 0.0))

    def contrast(self, first: int, second: int) -> tuple[float, float]:
        """Return the difference of two strengths and its standard error."""
        c = self.covariance
        variance = c[first, first] + c[second, second] - 2 * c[first, second]
        return float(self.strengths[first] - self.strengths[second]), float(np.sqrt(max(variance, 0.0)))


def aggregate_games(
    i: np.ndarray, j: np.ndarray, outcome: np.ndarray, n_models: int, *, order: np.ndarray | None = None
) -> Games:
    """Return games with equal models and order counted together: one pass over the raw arrays.

    Args:
        i: (N,) model of the first response.
        j: (N,) model of the second.
        outcome: (N,) 0 first won, 1 second won, 2 neither.
        n_models: M.
        order: (N,) +1 first shown first, -1 shown second, 0 unknown; None leaves the order effect out.
    """
    cell = i.astype(np.int64) * n_models + j
    n_cells = n_models * n_models
    if order is not None:
        cell += (np.asarray(order, np.int64) + 1) * n_cells
        n_cells *= 3
    wins = np.bincount(cell * 3 + outcome, minlength=n_cells * 3).reshape(n_cells, 3)
    used = np.flatnonzero(wins.sum(axis=1))
    pair = used % (n_models * n_models)
    columns = np.zeros((len(used), 0)) if order is None else (used // (n_models * n_models) - 1.0)[:, None]
    names = () if order is None else ("order",)
    return Games(pair // n_models, pair % n_models, wins[used].astype(float), columns, names, n_models)


def bradley_terry(games: Games, *, ties: bool = True, prior_precision: float | None = None) -> StrengthFit:
    """Fit strengths to pairwise outcomes.

    With eta = s_i - s_j + x b: P(i wins) ∝ exp(eta / 2), P(j wins) ∝ exp(-eta / 2), P(tie) ∝ nu. Without ties this is
    Bradley-Terry, logit P(i wins) = eta. Newton's method on all parameters at once. With clusters in `games` the
    errors are cluster-robust (sandwich with G/(G-1)), else from the Fisher information.

    Args:
        games: outcomes.
        ties: model ties by Davidson's nu; otherwise a tie counts as half a win each.
        prior_precision: of a Gaussian prior on each strength. None is maximum likelihood where it exists (every model
            beats every other through some chain of wins) and 0.1 where it does not.

    Returns:
        The fit. Strengths sum to 0; differences across islands rest on the prior alone.

    Raises:
        ValueError: no games.

    Source: Bradley and Terry (1952); Davidson (1970), equation 2.2; Davidson and Beaver (1977) for the order effect;
    Ford (1957) for existence.
    """
    if games.wins.sum() == 0:
        raise ValueError("bradley_terry: there are no games.")
    wins = games.wins if ties else games.wins[:, :2] + games.wins[:, 2:] / 2
    with_nu = ties and bool(wins[:, 2].sum() > 0)
    components, n_islands = connectivity(games)
    if prior_precision is None:
        prior_precision = 0.0 if components.max() == 0 else PRIOR_PRECISION
    state = _newton(games, wins if with_nu else wins[:, :2], with_nu, prior_precision)
    theta, information, n_iterations, converged, log_likelihood = state
    bread = np.linalg.pinv(information, hermitian=True)
    covariance, method = bread, "Fisher information"
    if games.cluster is not None:
        covariance, method = _sandwich(games, wins, with_nu, theta, bread), "cluster-robust"
    m, q = games.n_models, games.covariates.shape[1]
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return StrengthFit(
        strengths=theta[:m] - theta[:m].mean(),
        covariance=_centred(covariance[:m, :m]),
        effects=theta[m : m + q],
        effect_errors=errors[m : m + q],
        tie=float(theta[-1]) if with_nu else None,
        tie_error=float(errors[-1]) if with_nu else None,
        n_games=round(games.wins.sum()),
        n_iterations=n_iterations,
        converged=converged,
        log_likelihood=log_likelihood,
        prior_precision=prior_precision,
        error_method=method,
        fisher_covariance=_centred(bread[:m, :m]),
        components=components,
        n_islands=n_islands,
    )


def connectivity(games: Games) -> tuple[np.ndarray, int]:
    """Return the strongly connected component of each model, and the number of islands.

    An arrow runs from a model to each that it beat; a tie runs both ways. One component means that maximum likelihood
    exists. Models without games are islands of their own.

    Source: Ford (1957), assumption A.
    """
    forward, backward, tie = games.wins.T
    rows = np.r_[games.i[forward + tie > 0], games.j[backward + tie > 0]]
    columns = np.r_[games.j[forward + tie > 0], games.i[backward + tie > 0]]
    arrows = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(games.n_models, games.n_models))
    _, components = connected_components(arrows, directed=True, connection="strong")
    n_islands, _ = connected_components(arrows, directed=False)
    return components, int(n_islands)


def win_probability(first: float, second: float) -> float:
    """Return P(first wins | one of them wins) of two strengths."""
    return float(1 / (1 + np.exp(second - first)))


def _probabilities(games: Games, theta: np.ndarray, with_nu: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (P(first), P(second), P(tie)) per row."""
    m, q = games.n_models, games.covariates.shape[1]
    eta = theta[games.i] - theta[games.j] + games.covariates @ theta[m : m + q]
    logits = np.stack([eta / 2, -eta / 2] + ([np.full(len(eta), theta[-1])] if with_nu else []))
    logits -= logits.max(axis=0)
    weights = np.exp(logits)
    weights /= weights.sum(axis=0)
    return weights[0], weights[1], weights[2] if with_nu else np.zeros(len(eta))


def _scores(wins: np.ndarray, p: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return per row the derivatives of the log likelihood by eta and by log nu."""
    n = wins.sum(axis=1)
    by_eta = (wins[:, 0] - wins[:, 1] - n * (p[0] - p[1])) / 2
    by_nu = wins[:, 2] - n * p[2] if wins.shape[1] == 3 else np.zeros(len(n))
    return by_eta, by_nu


def _newton(games: Games, wins: np.ndarray, with_nu: bool, precision: float):
    """Return (theta, information, n_iterations, converged, log likelihood) of strengths, effects and log nu."""
    m, q = games.n_models, games.covariates.shape[1]
    size = m + q + with_nu
    theta = np.zeros(size)
    prior = np.r_[np.full(m, precision), np.zeros(size - m)]
    gauge = np.zeros((size, size))
    gauge[:m, :m] = 1.0  # fixes the sum of the strengths without moving their differences
    value, p = _log_likelihood(games, wins, theta, with_nu)
    step = np.full(size, np.inf)
    n_iterations = 0
    while n_iterations < MAX_ITERATIONS and np.abs(step).max() > TOLERANCE:
        n_iterations += 1
        gradient = _gradient(games, wins, p, size) - prior * theta
        information = _information(games, wins.sum(axis=1), p, size) + np.diag(prior)
        step = np.linalg.solve(information + gauge * max(np.trace(information), 1e-12) / m, gradient)
        theta, value, p, step = _climb(games, wins, theta, step, with_nu, prior, value)
    information = _information(games, wins.sum(axis=1), p, size) + np.diag(prior)
    value, _ = _log_likelihood(games, wins, theta, with_nu)
    return theta, information, n_iterations, bool(np.abs(step).max() <= TOLERANCE), value


def _climb(games, wins, theta, step, with_nu, prior, value):
    """Take a Newton step, halved until the penalised log likelihood does not fall."""
    for _ in range(30):
        moved = theta + step
        likelihood, p = _log_likelihood(games, wins, moved, with_nu)
        penalised = likelihood - (prior * moved**2).sum() / 2
        if penalised >= value - 1e-9 * abs(value) - 1e-12:
            return moved, penalised, p, step
        step = step / 2
    return moved, penalised, p, step


def _log_likelihood(games, wins, theta, with_nu):
    p = _probabilities(games, theta, with_nu)
    logs = [np.log(np.maximum(p[k], 1e-300)) @ wins[:, k] for k in range(wins.shape[1])]
    return float(sum(logs)), p


def _gradient(games: Games, wins: np.ndarray, p: Sequence[np.ndarray], size: int) -> np.ndarray:
    by_eta, by_nu = _scores(wins, p)
    m, q = games.n_models, games.covariates.shape[1]
    gradient = np.zeros(size)
    gradient[:m] = np.bincount(games.i, weights=by_eta, minlength=m) - np.bincount(games.j, weights=by_eta, minlength=m)
    gradient[m : m + q] = games.covariates.T @ by_eta
    if size > m + q:
        gradient[-1] = by_nu.sum()
    return gradient


def _information(games: Games, n: np.ndarray, p: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Return the Fisher information: sums of n Var(score) over the rows."""
    m, q = games.n_models, games.covariates.shape[1]
    mean = (p[0] - p[1]) / 2
    of_eta = n * ((p[0] + p[1]) / 4 - mean**2)
    information = np.zeros((size, size))
    between = np.bincount(games.i * m + games.j, weights=of_eta, minlength=m * m).reshape(m, m)
    between = between + between.T
    information[:m, :m] = np.diag(between.sum(axis=1)) - between
    for k in range(q):
        _add_cross(information, games, of_eta * games.covariates[:, k], m + k)
    information[m : m + q, m : m + q] = games.covariates.T @ (games.covariates * of_eta[:, None])
    if size > m + q:
        cross = -n * mean * p[2]
        _add_cross(information, games, cross, size - 1)
        information[-1, m : m + q] = information[m : m + q, -1] = games.covariates.T @ cross
        information[-1, -1] = (n * p[2] * (1 - p[2])).sum()
    return information


def _add_cross(information: np.ndarray, games: Games, weights: np.ndarray, at: int) -> None:
    m = games.n_models
    column = np.bincount(games.i, weights=weights, minlength=m) - np.bincount(games.j, weights=weights, minlength=m)
    information[:m, at] = information[at, :m] = column


def _sandwich(games: Games, wins: np.ndarray, with_nu: bool, theta: np.ndarray, bread: np.ndarray) -> np.ndarray:
    """Return bread (sum over clusters of their summed scores squared) bread, times G / (G - 1)."""
    by_eta, by_nu = _scores(wins if with_nu else wins[:, :2], _probabilities(games, theta, with_nu))
    names, code = np.unique(games.cluster, return_inverse=True)
    m, g = games.n_models, len(names)
    sums = np.zeros((g, len(theta)))
    for model, sign in ((games.i, 1.0), (games.j, -1.0)):
        sums[:, :m] += sign * np.bincount(code * m + model, weights=by_eta, minlength=g * m).reshape(g, m)
    for k in range(games.covariates.shape[1]):
        sums[:, m + k] = np.bincount(code, weights=by_eta * games.covariates[:, k], minlength=g)
    if with_nu:
        sums[:, -1] = np.bincount(code, weights=by_nu, minlength=g)
    return bread @ (sums.T @ sums) @ bread * g / max(g - 1, 1)


def _centred(covariance: np.ndarray) -> np.ndarray:
    """Return the covariance of strengths measured from their mean."""
    m = len(covariance)
    centre = np.eye(m) - 1 / m
    return centre @ covariance @ centre
