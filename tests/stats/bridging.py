"""Simulated bridges: the same comparisons judged under two versions, with a planted shift."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.stats.build import votes

POINTS = 3.0
SHIFT = 0.5
"""Points by which raters lean towards the first response under the new version."""


def bridge_votes(
    seed: int, *, shift: float = SHIFT, n_comparisons: int = 120, n_raters: int = 12, overlap: int = 3
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Votes of some raters under two versions: values in points of 7, drawn around what is there, unrounded.

    Raters lean to one side by themselves; comparisons move by a little of their own.
    """
    rng = np.random.default_rng(seed)
    quality = rng.normal(0, 1.0, n_comparisons)
    own_move = rng.normal(0, 0.2, n_comparisons)
    leaning = rng.normal(0, 0.15, (2, n_raters))
    frames = []
    for version in range(2):
        rows = []
        for u in range(n_comparisons):
            for r in rng.choice(n_raters, overlap, replace=False):
                seen = quality[u] + version * (shift + own_move[u]) + leaning[version, r] + rng.normal(0, 0.8)
                value = float(np.clip(seen, -POINTS, POINTS)) / POINTS
                rows += [(f"c{u:03d}", f"r{r:02d}", value, "clear"), (f"c{u:03d}", f"r{r:02d}", np.sign(value))]
        frames.append(votes(rows))
    frames[1]["judgment_id"] += 10_000
    return frames[0], frames[1]
