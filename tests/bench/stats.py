"""The statistics engine: ratios against peers at a million ratings, the report of ten million votes, coverage.

One thread; peers and ours take turns in the same process, from raw arrays, each by its best call. crowd-kit lives in an
environment of its own: name its Python in STEELYARD_BENCH_CROWDKIT, else that line has no ratio.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.stats.agreement import alpha_statistic, bootstrap, krippendorff_alpha, with_bootstrap
from app.stats.coding import code_votes
from app.stats.coefficients import fleiss_kappa
from app.stats.counts import criterion_counts, patch_counts
from app.stats.dawid_skene import fit_dawid_skene
from app.stats.patterns import count_patterns, patterns_of_table
from app.stats.readers import votes_from_table
from app.stats.report_agreement import criterion_document
from app.stats.strength import aggregate_games, bradley_terry
from tests.bench._campaign import campaign_lines
from tests.bench._coverage import coverage_lines
from tests.bench.timing import clock, line

N_RATINGS, N_RATERS, N_LABELS, PER_UNIT = 1_000_000, 1_000, 5, 3
N_MODELS = 50
N_VOTES = 10_000_000
EM_STEPS = 20


def measurements() -> Iterator[dict[str, Any]]:
    """Ratios against evalica, choix, statsmodels and crowd-kit; the agreement report; patching; coverage."""
    ratings = make_ratings(N_RATINGS)
    yield from alpha_lines(*ratings)
    yield fleiss_line(*ratings)
    yield from strength_lines()
    yield dawid_skene_line(*ratings)
    yield patching_line()
    yield from report_lines()
    yield from campaign_lines()
    yield from coverage_lines()


def make_ratings(n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shuffled (unit, rater, label) arrays: three raters a unit, right with probability .6."""
    rng = np.random.default_rng(seed)
    n_units = -(-n // PER_UNIT)
    unit = np.repeat(np.arange(n_units), PER_UNIT)[:n]
    rater = (rng.integers(0, N_RATERS, n_units)[unit] + np.tile([0, 137, 551], n_units)[:n]) % N_RATERS
    truth = rng.integers(0, N_LABELS, n_units)
    label = np.where(rng.random(n) < 0.6, truth[unit], rng.integers(0, N_LABELS, n))
    order = rng.permutation(n)
    return unit[order], rater[order], label[order]


def versus(
    name: str, ours: Callable[[], Any], theirs: Callable[[], Any], *, peer: str, repeat: int, peer_repeat: int
) -> dict[str, Any]:
    """Time ours and a peer's in turns; the ratio is the peer's fastest over our fastest."""
    ours(), theirs()
    mine, other = [], []
    for _ in range(peer_repeat):
        mine += clock(ours, repeat=max(1, repeat // peer_repeat))
        other += clock(theirs, repeat=1)
    ratio = round(min(other) / min(mine), 1)
    return line(name, mine, ratio=ratio, peer=peer, peer_ms=round(1000 * min(other), 1))


def alpha_lines(unit: np.ndarray, rater: np.ndarray, label: np.ndarray) -> Iterator[dict[str, Any]]:
    """Ordinal alpha, and alpha with 1,000 bootstraps, against evalica with its packing."""
    import evalica

    def ours() -> float | None:
        return krippendorff_alpha(count_patterns(unit, label, N_LABELS), level="ordinal").estimate.value

    def theirs() -> float:
        return evalica.alpha(packed(unit, label), distance="ordinal").alpha

    assert abs(ours() - theirs()) < 1e-9
    yield versus("alpha, ordinal, 1e6 ratings", ours, theirs, peer="evalica", repeat=15, peer_repeat=3)

    def ours_with_interval():
        patterns = count_patterns(unit, label, N_LABELS)
        draws = bootstrap(patterns, {"alpha": alpha_statistic(patterns)})["alpha"]
        return with_bootstrap(krippendorff_alpha(patterns).estimate, draws)

    def theirs_with_interval():
        return evalica.alpha_bootstrap(packed(unit, label), n_resamples=1000, random_state=0)

    name = "alpha with 1,000 bootstraps, 1e6 ratings"
    yield versus(name, ours_with_interval, theirs_with_interval, peer="evalica", repeat=10, peer_repeat=2)


def packed(unit: np.ndarray, label: np.ndarray) -> pd.DataFrame:
    """Ratings as evalica reads them fastest: as few rows as the most ratings of a unit, one column a unit."""
    order = np.argsort(unit, kind="stable")
    sizes = np.bincount(unit)
    slot = np.arange(len(unit)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    wide = np.full((sizes.max(), len(sizes)), np.nan)
    wide[slot, unit[order]] = label[order]
    return pd.DataFrame(wide)


def fleiss_line(unit: np.ndarray, rater: np.ndarray, label: np.ndarray) -> dict[str, Any]:
    """Fleiss' kappa of a ready table, with its error, against statsmodels, which gives none."""
    from statsmodels.stats.inter_rater import fleiss_kappa as oracle

    n_units = unit.max()  # the last unit may be short
    table = np.bincount(unit * N_LABELS + label, minlength=(n_units + 1) * N_LABELS).reshape(-1, N_LABELS)[:n_units]
    assert abs(fleiss_kappa(patterns_of_table(table)).value - oracle(table)) < 1e-9
    return versus(
        "Fleiss' kappa, ready table, 1e6 ratings",
        lambda: fleiss_kappa(patterns_of_table(table)),
        lambda: oracle(table),
        peer="statsmodels",
        repeat=30,
        peer_repeat=10,
    )


def strength_lines() -> Iterator[dict[str, Any]]:
    """Bradley-Terry with errors against evalica and choix, whose lists are made beforehand."""
    import choix
    import evalica

    rng = np.random.default_rng(1)
    strengths = rng.normal(size=N_MODELS)
    i = rng.integers(0, N_MODELS, N_RATINGS)
    j = (i + rng.integers(1, N_MODELS, N_RATINGS)) % N_MODELS
    lost = rng.random(N_RATINGS) > 1 / (1 + np.exp(strengths[j] - strengths[i]))
    outcome = lost.astype(np.int64)

    def ours() -> np.ndarray:
        return bradley_terry(aggregate_games(i, j, outcome, N_MODELS)).strengths

    xs, ys = i.tolist(), j.tolist()
    winners = [evalica.Winner.Y if y else evalica.Winner.X for y in lost]
    won = list(zip(np.where(lost, j, i).tolist(), np.where(lost, i, j).tolist(), strict=True))
    index = pd.Index(range(N_MODELS))
    yield versus(
        "Bradley-Terry with errors, 50 models, 1e6 games",
        ours,
        lambda: evalica.bradley_terry(xs, ys, winners, index=index),
        peer="evalica",
        repeat=20,
        peer_repeat=4,
    )
    assert np.abs(ours() - choix.ilsr_pairwise(N_MODELS, won)).max() < 1e-4
    yield versus(
        "Bradley-Terry with errors, 50 models, 1e6 games",
        ours,
        lambda: choix.ilsr_pairwise(N_MODELS, won),
        peer="choix",
        repeat=20,
        peer_repeat=2,
    )


def dawid_skene_line(unit: np.ndarray, rater: np.ndarray, label: np.ndarray) -> dict[str, Any]:
    """Dawid-Skene, 20 EM steps, against crowd-kit's best call in its own environment, taking turns."""

    def ours():
        fit_dawid_skene(unit, rater, label, n_labels=N_LABELS, max_iterations=EM_STEPS, tolerance=0.0)

    name = f"Dawid-Skene, {EM_STEPS} EM steps, 1e6 ratings"
    python = os.environ.get("STEELYARD_BENCH_CROWDKIT")
    if not python:
        return line(name, clock(ours, repeat=3), ratio=None, peer="crowd-kit: STEELYARD_BENCH_CROWDKIT not set")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ratings.npz"
        np.savez(file, unit=unit, rater=rater, label=label)
        script = Path(__file__).with_name("_crowdkit_once.py")
        mine, other = [], []
        for _ in range(2):
            mine += clock(ours, repeat=2)
            done = subprocess.run([python, script, file, str(EM_STEPS)], capture_output=True, text=True, check=True)
            other.append(float(done.stdout))
    ratio = round(min(other) / min(mine), 1)
    return line(name, mine, ratio=ratio, peer="crowd-kit", peer_ms=round(1000 * min(other), 1))


def patching_line() -> dict[str, Any]:
    """New votes on 100 comparisons of a campaign of 1e6 votes: from the changed votes to new numbers and intervals."""
    table = vote_table(N_RATINGS)
    frame = votes_from_table(table)
    changed = frame["comparison_id"].isin(table["comparison_id"].cat.categories[:100])
    counts = criterion_counts(code_votes(frame, kinds=("human",)))
    before = frame[changed].copy()
    after = pd.concat([before, before.head(50).assign(rater_id="new")])

    def patch():
        parts = [criterion_counts(code_votes(part, kinds=("human",))) for part in (before, after)]
        return criterion_document(patch_counts(counts, *parts))

    return line("patch 100 of 333,334 comparisons, agreement with intervals", clock(patch, repeat=10))


def report_lines() -> Iterator[dict[str, Any]]:
    """The agreement report of 1e7 votes from a dictionary-encoded Parquet file, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "votes.parquet"
        vote_table(N_VOTES).to_parquet(file, index=False)
        script = Path(__file__).with_name("_report_once.py")
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, script, file], capture_output=True, text=True, check=True, env=environment
        )
    found = json.loads(done.stdout)
    name = "agreement report, Parquet, 1e7 votes"
    yield line(name, [found["seconds"]], aim="under 10,000 ms", cpu_ms=round(1000 * found["cpu_seconds"]))
    yield {"name": f"{name}, peak memory", "n": 1, "median": found["peak_mib"], "p95": found["peak_mib"], "unit": "MiB"}


def vote_table(n: int) -> pd.DataFrame:
    """A shuffled table of n votes, three a comparison, text columns categorical."""
    unit, rater, label = make_ratings(n, seed=2)
    rng = np.random.default_rng(3)
    n_units = int(unit.max()) + 1
    preferred = label % 3
    return pd.DataFrame(
        {
            "comparison_id": pd.Categorical.from_codes(unit.astype(np.int32), [f"c{k:07d}" for k in range(n_units)]),
            "rater_id": pd.Categorical.from_codes(rater.astype(np.int16), [f"r{k:04d}" for k in range(N_RATERS)]),
            "criterion": pd.Categorical.from_codes(np.zeros(n, np.int8), ["overall"]),
            "preferred": pd.Categorical.from_codes(preferred.astype(np.int8), ["a", "b", "tie"]),
            "strength": np.where(preferred == 2, 0, 1 + label % 2).astype(np.int8),
            "shown": pd.Categorical.from_codes(rng.integers(0, 2, n, dtype=np.int8), ["a,b", "b,a"]),
            "at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 10**7, n), unit="s"),
        }
    )
