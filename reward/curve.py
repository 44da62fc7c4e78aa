"""This campaign's own learning curve: votes that a rule chose against votes drawn by lot, on the same held-out pairs.

A linear model on frozen embeddings is fitted to the pairs that no cycle chose and to a growing number of pairs of one
arm, many times, each time with other pairs and other held-out prompts drawn with replacement. Held-out pairs that a
rule chose are left out: they are no fair sample of what people will ask. No saving is claimed unless the whole interval
of the difference lies above 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.stats.results import plain
from app.stats.words import counted
from reward import metrics
from reward.embeddings import Embedder
from reward.frozen import pair_features
from reward.laplace import fit_posterior
from reward.pairs import Pair
from reward.select import N_COMPONENTS, PRIOR_PRECISION, principal_directions

RANDOM = "random"
MIN_PAIRS, MIN_HELD_OUT = 20, 30
MAX_PAIRS = 400
"""Pairs of each arm, of the start and of the held-out set that are embedded: what a processor does in a minute."""
N_DRAWS, N_POINTS = 100, 5


def campaign_curve(
    train: Sequence[Pair], held_out: Sequence[Pair], *, embedder: Embedder | None, seed: int = 0
) -> dict[str, Any]:
    """Accuracy as votes come in, by arm.

    Args:
        train: training pairs; `arm` says how each was chosen.
        held_out: pairs to measure on.
        embedder: for the features; None where no encoder is installed.
        seed: of everything drawn.

    Returns:
        `points`: for each number of pairs `n`, `random`, `chosen` and `difference` (chosen - random), each with value
        and 95 % interval; `n_start`, `n_held_out`, `n_random`, `n_chosen`; `sentence`; `undefined_reason` where there
        is no curve: fewer than 20 pairs in an arm, or fewer than 30 held out.
    """
    rng = np.random.default_rng(seed)
    parts = {
        "start": [pair for pair in train if not pair.arm],
        "random": [pair for pair in train if pair.arm == RANDOM],
        "chosen": [pair for pair in train if pair.arm not in ("", RANDOM)],
        "held_out": [pair for pair in held_out if pair.arm in ("", RANDOM) and pair.soft_label != 0.5],
    }
    counts = {f"n_{name}": len(pairs) for name, pairs in parts.items()}
    reason = _obstacle(counts, embedder)
    if reason is not None or embedder is None:
        return {**counts, "points": [], "sentence": "", "undefined_reason": reason}
    parts = {name: _some(pairs, rng) for name, pairs in parts.items()}
    flat = pair_features(embedder, [pair for pairs in parts.values() for pair in pairs])
    flat = flat @ principal_directions(flat, N_COMPONENTS)
    ends = np.cumsum([len(pairs) for pairs in parts.values()])
    features = dict(zip(parts, np.split(flat, ends[:-1]), strict=True))
    points = _points(parts, features, rng)
    return plain({**counts, "points": points, "sentence": _sentence(points[-1]), "undefined_reason": None})


def _obstacle(counts: dict[str, int], embedder: Embedder | None) -> str | None:
    if counts["n_random"] < MIN_PAIRS or counts["n_chosen"] < MIN_PAIRS:
        return (
            f"{counts['n_chosen']:,} training pairs that a rule chose and {counts['n_random']:,} drawn by lot: a curve "
            f"needs {MIN_PAIRS} of each"
        )
    if counts["n_held_out"] < MIN_HELD_OUT:
        return f"{counts['n_held_out']:,} held-out pairs that no rule chose: a curve needs {MIN_HELD_OUT}"
    return None if embedder is not None else "no sentence encoder is installed (pip install 'steelyard[demo]')"


def _some(pairs: Sequence[Pair], rng: np.random.Generator) -> list[Pair]:
    return [pairs[i] for i in rng.permutation(len(pairs))[:MAX_PAIRS]]


def _points(
    parts: dict[str, list[Pair]], features: dict[str, np.ndarray], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Accuracy of both arms and their difference at each number of pairs; an interval over draws of all three."""
    held_out = parts["held_out"]
    clusters, _ = metrics.choose_clusters([p.prompt for p in held_out], [p.comparison_id for p in held_out])
    by_cluster = [np.flatnonzero(clusters == c) for c in range(clusters.max() + 1)]
    largest = min(len(parts["random"]), len(parts["chosen"]))
    sizes = np.unique(np.linspace(largest / N_POINTS, largest, N_POINTS).round().astype(int))
    draws = np.empty((N_DRAWS, len(sizes), 2))
    for draw in range(N_DRAWS):
        tested = np.concatenate([by_cluster[c] for c in rng.integers(0, len(by_cluster), len(by_cluster))])
        for column, arm in enumerate(("random", "chosen")):
            order = rng.integers(0, len(parts[arm]), largest)
            for row, size in enumerate(sizes):
                x = np.concatenate([features["start"], features[arm][order[:size]]])
                pairs = [*parts["start"], *(parts[arm][i] for i in order[:size])]
                labels, weights = (
                    np.array([getattr(pair, name) for pair in pairs]) for name in ("soft_label", "weight")
                )
                model = fit_posterior(x, labels, weights=weights, precision=PRIOR_PRECISION)
                draws[draw, row, column] = metrics.credit(model.margins(features["held_out"][tested])).mean()
    return [
        {
            "n": int(size),
            "random": _summary(draws[:, row, 0]),
            "chosen": _summary(draws[:, row, 1]),
            "difference": _summary(draws[:, row, 1] - draws[:, row, 0]),
        }
        for row, size in enumerate(sizes)
    ]


def _summary(values: np.ndarray) -> dict[str, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return {"value": float(values.mean()), "low": float(low), "high": float(high)}


def _sentence(last: dict[str, Any]) -> str:
    difference, n = last["difference"], last["n"]
    interval = f"{difference['low'] * 100:+.1f} to {difference['high'] * 100:+.1f}, 95 %"
    points = f"{abs(difference['value']) * 100:.1f} points"
    after = f"After {counted(n, 'chosen pair')} the model is {points}"
    if difference["low"] > 0:
        return f"{after} ahead of {n:,} drawn by lot ({interval})."
    if difference["high"] < 0:
        return f"{after} behind {n:,} drawn by lot ({interval}): use lots here."
    each = counted(n, "pair")
    return f"After {each} of each no difference between chosen and drawn by lot is established ({interval})."
