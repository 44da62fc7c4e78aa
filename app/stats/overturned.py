"""Where people overturn a model: rates of correction by group, with intervals that allow for the search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.stats.intervals import LEVEL, wilson
from app.stats.results import Estimate

Group = tuple[str, str, np.ndarray]
"""What is grouped by, the name of the group, and a boolean mask over the pairs."""


@dataclass(frozen=True)
class Correction:
    """How often people overturn the model in one group.

    Attributes:
        by: what is grouped by.
        name: the group.
        n: pairs in the group.
        n_overturned: of these, those that people decided otherwise.
        rate: their share, with a Wilson interval that holds for all groups together (Bonferroni).
        stands_out: whether the interval lies wholly above the rate of all pairs.
        excess: corrections beyond what the rate of all pairs would give.
    """

    by: str
    name: str
    n: int
    n_overturned: int
    rate: Estimate
    stands_out: bool
    excess: float


def corrections(is_overturned: np.ndarray, groups: Iterable[Group], *, level: float = LEVEL) -> list[Correction]:
    """Rates of correction by group, the largest excess first; empty groups are left out.

    excess = n_overturned - n * (rate of all pairs). With G groups each interval has level 1 - (1 - level) / G, so that
    all hold together with probability `level`: a group that stands out was not found by searching long enough.

    Args:
        is_overturned: (pairs,) booleans.
        groups: masks over the pairs; they may overlap.
        level: of all intervals together.

    Source: Wilson (1927); Bonferroni's inequality.
    """
    kept = [(by, name, mask) for by, name, mask in groups if mask.any()]
    overall = float(is_overturned.mean()) if len(is_overturned) else 0.0
    found = []
    for by, name, mask in kept:
        n, n_overturned = int(mask.sum()), int(is_overturned[mask].sum())
        rate = wilson(n_overturned, n, level=1 - (1 - level) / len(kept))
        stands_out = rate.low is not None and rate.low > overall
        found.append(Correction(by, name, n, n_overturned, rate, stands_out, n_overturned - n * overall))
    return sorted(found, key=lambda one: (-one.excess, one.by, one.name))
