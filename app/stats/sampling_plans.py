"""Acceptance sampling: inspect n of a batch, accept it with at most c defects, and know what that protects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, hypergeom

MAX_SAMPLE = 2_000


@dataclass(frozen=True)
class AcceptancePlan:
    """How a sample decides about a batch.

    Attributes:
        n: comparisons to inspect.
        c: most defects with which the batch is accepted.
        good: defect share of a batch that should pass (acceptable quality).
        bad: defect share of a batch that must not pass (rejectable quality): what the plan protects.
        batch: comparisons in the batch; None for a batch so large that its size does not matter.
        risk_good: probability that a batch as good as `good` is rejected.
        risk_bad: probability that a batch as bad as `bad` is accepted.
    """

    n: int
    c: int
    good: float
    bad: float
    batch: int | None
    risk_good: float
    risk_bad: float


def acceptance_probability(n: int, c: int, defect_share: float | np.ndarray, *, batch: int | None = None) -> np.ndarray:
    """Return P(at most c defects in a sample of n).

    Binomial for a large batch; hypergeometric, with round(batch * share) defects, for one of known size.

    Args:
        n: sample size.
        c: acceptance number.
        defect_share: share of defects in the batch, 0 to 1.
        batch: size of the batch, or None.

    Raises:
        ValueError: a sample larger than its batch, or a number out of range.

    Source: Dodge and Romig (1959), Sampling Inspection Tables, 2nd edition, appendix.
    """
    if not 0 <= c <= n or n < 1 or (batch is not None and n > batch):
        raise ValueError(
            f"acceptance_probability: n = {n} and c = {c} of a batch of {batch}: need 0 <= c <= n <= batch."
        )
    share = np.asarray(defect_share, float)
    if ((share < 0) | (share > 1)).any():
        raise ValueError(f"acceptance_probability: a defect share lies in [0, 1], not {defect_share}.")
    if batch is None:
        return binom.cdf(c, n, share)
    return hypergeom.cdf(c, batch, np.rint(batch * share).astype(int), n)


def find_plan(
    batch: int | None, *, good: float = 0.05, bad: float = 0.15, risk_good: float = 0.05, risk_bad: float = 0.10
) -> AcceptancePlan:
    """Return the smallest plan that passes good batches and stops bad ones.

    The smallest n, with its c, such that P(accept | good) >= 1 - risk_good and P(accept | bad) <= risk_bad. A batch
    for which no sample does both is inspected whole: then the decision is certain.

    Args:
        batch: size of the batch, or None for one whose size does not matter.
        good: acceptable defect share.
        bad: rejectable defect share.
        risk_good: producer's risk.
        risk_bad: consumer's risk.

    Raises:
        ValueError: shares or risks out of order, or a plan beyond 2,000 comparisons.

    Source: two-point design, Montgomery (2013), Introduction to Statistical Quality Control, section 15.2.3.
    """
    if not 0 <= good < bad <= 1 or not (0 < risk_good < 1 and 0 < risk_bad < 1):
        raise ValueError(
            f"find_plan: good {good}, bad {bad}, risks {risk_good} and {risk_bad}: need 0 <= good < bad <= 1."
        )
    if batch is not None and batch < 1:
        raise ValueError(f"find_plan: a batch of {batch} has nothing to inspect.")
    largest = MAX_SAMPLE if batch is None else min(batch, MAX_SAMPLE)
    c = 0
    for n in range(1, largest + 1):
        while c < n and float(acceptance_probability(n, c, good, batch=batch)) < 1 - risk_good:
            c += 1
        if float(acceptance_probability(n, c, bad, batch=batch)) <= risk_bad:
            return _plan(n, c, good, bad, batch)
    if batch is not None and largest == batch:
        return _plan(batch, int(np.rint(good * batch)), good, bad, batch)
    raise ValueError(f"find_plan: telling {good} from {bad} takes more than {MAX_SAMPLE} comparisons; set them apart.")


def _plan(n: int, c: int, good: float, bad: float, batch: int | None) -> AcceptancePlan:
    passed_good = float(acceptance_probability(n, c, good, batch=batch))
    passed_bad = float(acceptance_probability(n, c, bad, batch=batch))
    return AcceptancePlan(n, c, good, bad, batch, 1 - passed_good, passed_bad)


def outgoing_quality(plan: AcceptancePlan, defect_share: np.ndarray) -> np.ndarray:
    """Return the mean defect share of what is used when rejected batches are judged again without defects.

    AOQ(p) = P(accept | p) p (N - n) / N, the factor 1 for a batch without size.

    Source: Dodge and Romig (1959), equation 2-1.
    """
    share = np.asarray(defect_share, float)
    left = 1.0 if plan.batch is None else (plan.batch - plan.n) / plan.batch
    return acceptance_probability(plan.n, plan.c, share, batch=plan.batch) * share * left
