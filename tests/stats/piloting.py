"""Simulated pilots: criteria with planted faults, judged by raters who see them through noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tests.stats.build import votes

CRITERIA = ("accurate", "brief", "kind", "safe")
VAGUE, COPY = "vague", "copy"
SPREAD, NOISE, CORRELATION = 1.4, 0.6, 0.95
"""In points of 7: how far responses differ and how far a rater errs; and how far the copy follows `accurate`."""


def pilot_votes(seed: int, *, n_comparisons: int = 30, n_raters: int = 3) -> pd.DataFrame:
    """A pilot on four sound criteria, a vague one (noise doubled) and a copy of the first (correlation .95).

    Every rater judges every comparison on 7 points; the overall verdict follows the sum of what they see.
    """
    rng = np.random.default_rng(seed)
    names = (*CRITERIA, VAGUE, COPY)
    shared = 0.5 * rng.normal(size=(n_comparisons, 1))  # better responses are better in most respects
    quality = SPREAD * (shared + np.sqrt(0.75) * rng.normal(size=(n_comparisons, len(names))))
    fresh = SPREAD * rng.normal(size=n_comparisons)
    quality[:, -1] = CORRELATION * quality[:, 0] + np.sqrt(1 - CORRELATION**2) * fresh
    noise = np.where(np.array(names) == VAGUE, 2 * NOISE, NOISE)
    seen = quality[:, None, :] + noise * rng.normal(size=(n_comparisons, n_raters, len(names)))
    said = np.clip(np.round(seen), -3, 3) / 3
    return judged(said, np.sign(seen.sum(axis=2)), names)


def judged(said: np.ndarray, overall: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """A vote frame of (comparison, rater, criterion) values and (comparison, rater) overall values."""
    rows = [
        (f"c{u:03d}", f"r{r:02d}", value, name)
        for u in range(said.shape[0])
        for r in range(said.shape[1])
        for name, value in (("overall", overall[u, r]), *zip(names, said[u, r], strict=True))
    ]
    return votes(rows)
