"""Rubrics tested and repaired from data, by simulation: planted faults in pilots, planted weights, planted shifts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from app.stats.bridge import code_both, measure_shift, pair_values
from app.stats.reports import pilot_report
from app.stats.revealed import declared_shares, revealed_weights
from app.stats.tension import Profiles
from tests.bench.timing import clock, line
from tests.stats.bridging import POINTS, SHIFT, bridge_votes
from tests.stats.build import KINDS
from tests.stats.piloting import COPY, CRITERIA, VAGUE, pilot_votes

N_PILOTS, N_RUNS, N_CONFLICTED = 100, 200, 2_000
WEIGHTS = {"honest": 1.2, "helpful": 0.8, "concise": 0.4, "safe": 1.6}
"""Log odds for the favoured response per full-strength unit of a criterion."""


def measurements() -> Iterator[dict[str, Any]]:
    """Pilots with planted faults, revealed weights, bridges; and how long a pilot report takes."""
    yield from pilot_lines()
    yield from weight_lines()
    yield from bridge_lines()


def pilot_lines() -> Iterator[dict[str, Any]]:
    """How often the planted vague criterion and the planted copy stand first in their lists."""
    vague, copies, seconds = 0, 0, []
    for seed in range(N_PILOTS):
        votes = pilot_votes(seed)
        seconds += clock(lambda frame=votes: pilot_report(frame, kinds=KINDS), repeat=1)
        document = pilot_report(votes, kinds=KINDS).to_json()
        vague += document["ambiguity"][0]["criterion"] == VAGUE
        copies += set(document["redundancy"][0]["between"]) == {CRITERIA[0], COPY}
    for name, hits in (("vague criterion first, noise doubled", vague), ("copy first, correlation .95", copies)):
        yield _share(f"pilots of 30 x 3: {name}", hits, N_PILOTS, aim="at least .95")
    yield line("pilot report of 30 x 3 judgments on 6 criteria", seconds)


def weight_lines() -> Iterator[dict[str, Any]]:
    """Revealed weights of 2,000 judgments in which criteria pull apart: error of the shares, and coverage."""
    target = declared_shares(WEIGHTS, tuple(WEIGHTS))
    inside, errors = 0, []
    for seed in range(N_RUNS):
        shares = revealed_weights(conflicted(seed), seed=seed).shares
        inside += sum(shares[name].low <= target[name] <= shares[name].high for name in target)
        errors.append(max(abs(shares[name].value - target[name]) for name in target))
    yield {
        "name": "revealed weights, 2,000 conflicted judgments: largest error of a share",
        "n": N_RUNS,
        "median": round(float(np.median(errors)), 4),
        "p95": round(float(np.percentile(errors, 95)), 4),
        "unit": "share",
        "aim": "within .05",
    }
    yield _share("revealed weights: coverage of 95 % intervals", inside, N_RUNS * len(target), aim=".90 to .99")


def conflicted(seed: int) -> Profiles:
    """2,000 judgments by 40 raters on 700 comparisons in each of which at least two criteria pull apart."""
    rng = np.random.default_rng(seed)
    names = tuple(WEIGHTS)
    drawn = np.clip(
        np.round(0.7 * rng.normal(size=(4 * N_CONFLICTED, 1)) + rng.normal(size=(4 * N_CONFLICTED, 4))), -2, 2
    )
    torn = (drawn > 0).any(axis=1) & (drawn < 0).any(axis=1)
    values = drawn[torn][:N_CONFLICTED] / 2
    odds = values @ (2 * np.array([WEIGHTS[name] for name in names]))
    overall = np.where(rng.random(len(values)) < 1 / (1 + np.exp(-odds)), 1.0, -1.0)
    comparison = rng.integers(0, 700, len(values))
    rater = rng.integers(0, 40, len(values))
    nowhere = np.full(values.shape, np.nan)
    return Profiles(
        values, overall, comparison, comparison, rater, np.arange(len(values)), names, nowhere, nowhere[:, 0]
    )


def bridge_lines() -> Iterator[dict[str, Any]]:
    """How often the interval of a bridge of 120 comparisons holds a planted shift of half a point."""
    for n_raters in (6, 12, 30):
        inside = 0
        for seed in range(N_RUNS):
            coded = code_both(*bridge_votes(seed, n_raters=n_raters), kinds=KINDS)
            shift = measure_shift(pair_values(coded, "clear", points=POINTS)).shift
            inside += shift.low <= SHIFT <= shift.high
        yield _share(f"bridge, half a point planted, {n_raters} raters: coverage", inside, N_RUNS, aim=".90 to .99")


def _share(name: str, hits: int, n: int, *, aim: str) -> dict[str, Any]:
    value = round(hits / n, 4)
    return {"name": name, "n": n, "median": value, "p95": value, "unit": "share", "aim": aim}
