"""Which consensus model, by how much each rater voted; and what each is worth on gold it has not seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.stats.coding import CodedVotes
from app.stats.consensus import Consensus, majority, one_coin, vote_counts
from app.stats.dawid_skene import dawid_skene

DAWID_SKENE_FROM = 300
"""Mean votes per rater from which a confusion matrix pays (simulated accuracy: .917 against .922 of one-coin at 100
votes per rater, .935 against .926 at 1000)."""
MIN_ANCHORS = 20
"""Gold units below which nothing is anchored on them."""
N_FOLDS = 5

METHODS: dict[str, Callable[..., Consensus]] = {"one_coin": one_coin, "dawid_skene": dawid_skene}
"""Models that can be anchored on gold; majority has nothing to anchor."""


def choose_method(coded: CodedVotes) -> tuple[str, str]:
    """Return the consensus model for these votes, and why.

    Majority where no unit has two votes (nothing tells how good a rater is); one-coin below 300 votes per rater on
    average; Dawid-Skene from there on.

    Args:
        coded: votes on one criterion.
    """
    _, counts = vote_counts(coded)
    if len(counts) == 0 or counts.sum(axis=1).max() < 2:
        return "majority", "no unit has two votes, so nothing tells how reliable a rater is"
    per_rater = len(coded) / len(np.unique(coded.rater))
    if per_rater < DAWID_SKENE_FROM:
        return (
            "one_coin",
            f"{per_rater:.0f} votes per rater on average; a confusion matrix pays from {DAWID_SKENE_FROM}",
        )
    return "dawid_skene", f"{per_rater:.0f} votes per rater on average, enough for confusion matrices"


def choose_consensus(coded: CodedVotes, *, accepted: np.ndarray | None = None) -> Consensus:
    """Return the consensus of the chosen model, anchored on gold where there are at least 20 keys.

    Args:
        coded: votes on one criterion.
        accepted: (n_units, 4) classes that gold keys accept, or None.
    """
    name, _ = choose_method(coded)
    if name == "majority":
        return majority(coded)
    return METHODS[name](coded, accepted=accepted if can_anchor(accepted) else None)


def can_anchor(accepted: np.ndarray | None) -> bool:
    """Return whether there are enough gold keys to anchor a model on."""
    return accepted is not None and int(accepted.any(axis=1).sum()) >= MIN_ANCHORS


def held_out_consensus(coded: CodedVotes, name: str, accepted: np.ndarray) -> Consensus:
    """Return the anchored consensus in which no gold unit has seen its own key.

    Gold units are dealt into five folds by their order; each fold's distributions come from a fit anchored on the
    others. The other units keep the fit of the first fold. Use it to measure the anchored model on gold.

    Args:
        coded: votes on one criterion.
        name: a key of METHODS.
        accepted: (n_units, 4) classes that gold keys accept.
    """
    keyed = np.flatnonzero(accepted.any(axis=1))
    result: Consensus | None = None
    for fold in range(N_FOLDS):
        hidden = keyed[fold::N_FOLDS]
        rest = accepted.copy()
        rest[hidden] = False
        fit = METHODS[name](coded, accepted=rest)
        if result is None:
            result = fit
            posterior, decision = fit.posterior.copy(), fit.decision.copy()
        rows = np.isin(fit.unit, hidden)
        posterior[rows], decision[rows] = fit.posterior[rows], fit.decision[rows]
    return Consensus(
        method=result.method,
        unit=result.unit,
        posterior=posterior,
        n_votes=result.n_votes,
        decision=decision,
        n_iterations=result.n_iterations,
        converged=result.converged,
    )
