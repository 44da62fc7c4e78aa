"""The human ceiling: how well the other raters predict one rater's vote, which is what a perfect model could reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.stats.agreement import N_BOOTSTRAP, Statistic, bootstrap, with_bootstrap
from app.stats.coding import CLASSES
from app.stats.patterns import LabelPatterns
from app.stats.results import Estimate, undefined

NO_REST = "no vote stands beside a clear majority of others"
_FIRST, _SECOND = CLASSES.index("first"), CLASSES.index("second")


@dataclass(frozen=True)
class HumanCeiling:
    """A rater against the rest.

    Attributes:
        agreement: share of votes that equal the plurality of the other votes on the unit; n such votes. Votes whose
            rest is split are left out.
        kappa: the same corrected for chance, (p_o - p_e) / (1 - p_e) with the two margins.
        strict: share of decided votes (first or second) that go with the strict majority of the others' decided votes;
            the accuracy on decided pairs to compare a reward model with.
    """

    agreement: Estimate
    kappa: Estimate
    strict: Estimate


def human_ceiling(patterns: LabelPatterns, *, n_bootstrap: int = N_BOOTSTRAP, seed: int = 0) -> HumanCeiling:
    """Return how well a vote is predicted by the rest, with bootstrap intervals over comparisons.

    Works on label counts alone: taking one vote of label k away from a pattern tells what the rest of it say.

    Args:
        patterns: label counts of the nominal classes of `coding.CLASSES`.
        n_bootstrap: resamples.
        seed: of the resamples.
    """
    n_labels = patterns.rows.shape[1]
    joint = _joint_tables(patterns.rows)
    strict = _strict_tables(patterns.rows)
    statistics: dict[str, Statistic] = {
        "agreement": lambda weights: _agreement((weights @ joint).reshape(-1, n_labels, n_labels)),
        "kappa": lambda weights: _kappa((weights @ joint).reshape(-1, n_labels, n_labels)),
        "strict": lambda weights: _share(weights @ strict),
    }
    draws = bootstrap(patterns, statistics, n_resamples=n_bootstrap, seed=seed)
    n = float((patterns.n_units @ joint).sum())
    n_strict = float((patterns.n_units @ strict)[1])
    observed = patterns.n_units[None]
    sizes = {"agreement": n, "kappa": n, "strict": n_strict}
    return HumanCeiling(
        **{
            name: with_bootstrap(_estimate(statistic(observed)[0], sizes[name]), draws[name])
            for name, statistic in statistics.items()
        }
    )


def _estimate(value: float, n: float) -> Estimate:
    if n == 0:
        return undefined(NO_REST)
    if np.isnan(value):
        return undefined("no variation: chance agreement is 1", n=round(n))
    return Estimate(value=float(value), n=round(n))


def _joint_tables(rows: np.ndarray) -> np.ndarray:
    """Return (P, K * K): votes of each label by the plurality of the rest; split rests are left out."""
    n_patterns, n_labels = rows.shape
    tables = np.zeros((n_patterns, n_labels, n_labels))
    for k in range(n_labels):
        rest = rows - np.eye(n_labels)[k]
        best = rest.max(axis=1)
        clear = (rows[:, k] > 0) & (best > 0) & ((rest == best[:, None]).sum(axis=1) == 1)
        tables[clear, k, rest[clear].argmax(axis=1)] = rows[clear, k]
    return tables.reshape(n_patterns, -1)


def _strict_tables(rows: np.ndarray) -> np.ndarray:
    """Return (P, 2): decided votes that go with the others' decided majority, and all that have one."""
    lead = rows[:, _FIRST] - rows[:, _SECOND]
    with_rest = rows[:, _FIRST] * (lead - 1 > 0) + rows[:, _SECOND] * (-lead - 1 > 0)
    against = rows[:, _FIRST] * (lead - 1 < 0) + rows[:, _SECOND] * (-lead - 1 < 0)
    return np.stack([with_rest, with_rest + against], axis=1)


def _share(counts: np.ndarray) -> np.ndarray:
    hits, n = counts[:, 0], counts[:, 1]
    return np.divide(hits, n, out=np.full(len(n), np.nan), where=n > 0)


def _agreement(joint: np.ndarray) -> np.ndarray:
    hits, n = np.trace(joint, axis1=1, axis2=2), joint.sum(axis=(1, 2))
    return _share(np.stack([hits, n], axis=1))


def _kappa(joint: np.ndarray) -> np.ndarray:
    n = joint.sum(axis=(1, 2))
    observed = _agreement(joint)
    margins = (joint.sum(axis=2) * joint.sum(axis=1)).sum(axis=1)
    chance = np.divide(margins, n**2, out=np.full(len(n), np.nan), where=n > 0)
    return np.divide(observed - chance, 1 - chance, out=np.full(len(n), np.nan), where=chance < 1 - 1e-12)
