"""Levels of skill from measured performance: up when the evidence is clear, down when it speaks against."""

from __future__ import annotations

import numpy as np

from app.stats.rater_quality import decayed_accuracy
from app.stats.results import Estimate

BARS = {1: (0.60, 10), 2: (0.75, 20), 3: (0.85, 40)}
"""Level -> (accuracy that the lower bound must reach, gold answers)."""


def level_of(right: np.ndarray, *, held: int = 0) -> tuple[int, Estimate]:
    """Return the level that gold answers support, and the accuracy behind it.

    A level is reached when the bound that 90 % of the belief lies above is at its bar, with enough answers; it is lost
    only when the bound that 90 % lies below falls under the bar. Between the two one keeps what one holds.

    Args:
        right: (n,) bool, oldest first.
        held: the level now, 0 for none.

    Returns:
        The level, 0 to 3, and the accuracy (undefined without answers: the level stays).
    """
    accuracy = decayed_accuracy(np.asarray(right, bool))
    if accuracy.low is None or accuracy.high is None:
        return held, accuracy
    n = len(right)
    reached = max((level for level, (bar, least) in BARS.items() if n >= least and accuracy.low >= bar), default=0)
    kept = max((level for level, (bar, _) in BARS.items() if level <= held and accuracy.high >= bar), default=0)
    return max(reached, kept), accuracy
