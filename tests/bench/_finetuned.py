"""Which target to fine-tune on: every target that votes give, on real votes, seed by seed, one line a run.

`python -m tests.bench._finetuned --output DIR` takes minutes a run on two cores, so it is not part of `make bench`.
Each seed holds out two of the eight topics of `ukp_arguments.jsonl`, draws 1,200 pairs of the others to train on
(`--pairs` for another number) and 500 of the held-out topics to measure on, and trains `minilm` for one epoch. `soft`
is the share of the votes here, and its lines also say what the best baseline is worth on the same pairs.
A run that is finished already is read, so that the work may be interrupted.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from reward.train import train
from tests.reward.building import data_folder, ukp_rows
from tests.reward.test_targets import vote, with_votes

N_TEST, TEST_SHARE = 500, 0.25


def snapshot_of(seed: int, n_pairs: int, folder: Path) -> Path:
    """The seed's own snapshot, by topic."""
    directory = folder / f"s{seed}-{n_pairs}"
    if directory.exists():
        return directory
    topics = ukp_rows(data_folder() / "ukp_arguments.jsonl")
    names, rng = sorted(topics), np.random.default_rng(seed)
    held = set(rng.permutation(names)[: max(1, round(TEST_SHARE * len(names)))])
    splits = {"train": [], "test": []}
    for name in names:
        splits["test" if name in held else "train"] += topics[name]
    limits = {"train": n_pairs, "test": N_TEST}
    drawn = {split: [rows[i] for i in rng.permutation(len(rows))[: limits[split]]] for split, rows in splits.items()}
    return with_votes(directory, drawn, ukp_votes(data_folder() / "ukp_arguments.jsonl")).directory


def ukp_votes(path: Path) -> list[dict[str, Any]]:
    """All votes of the file, as rows of `judgments.parquet`."""
    outcomes = {"a": "first", "b": "second", "tie": "tie"}
    return [
        vote(comparison["id"], one["rater"], outcomes[one["preferred"]])
        for comparison in map(json.loads, path.read_text(encoding="utf-8").splitlines())
        for one in comparison["judgments"]
    ]


def one_run(seed: int, target: str, n_pairs: int, folder: Path) -> dict[str, Any]:
    """Train and measure; what the report says of it."""
    report = train(
        snapshot_of(seed, n_pairs, folder),
        output_dir=folder / f"m{seed}-{n_pairs}-{target}",
        epochs=1.0,
        target=target,
        seed=seed,
        max_length_tokens=128,
        frozen_baseline_pairs=1000 if target == "soft" else 0,
        progress=False,
        resume=True,
    )
    found = report["evaluation"]
    return {
        "name": f"fine-tune minilm, {target} labels",
        "seed": seed,
        "target": target,
        "n_trained": n_pairs,
        "n": found["n_pairs"],
        "accuracy": round(found["accuracy"]["value"], 4),
        "nll_soft": round(found["nll_soft"]["value"], 4),
        "calibration_error": round(found["calibration"]["value"], 4),
        "interval": [round(found["accuracy"][name], 4) for name in ("low", "high")],
        "baselines": {name: one["value"] and round(one["value"], 4) for name, one in found["baselines"].items()},
        "verdict": found["verdict"],
        "seconds": round(report["run"]["training"]["seconds"]),
    }


def main() -> None:
    """One line a run, as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--targets", nargs="+", default=["soft", "hard", "posterior", "reliability", "margin"])
    parser.add_argument("--pairs", type=int, default=1200, metavar="N", help="pairs to train on (default 1,200)")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="snapshots and models")
    options = parser.parse_args()
    for seed in options.seeds:
        for target in options.targets:
            print(json.dumps(one_run(seed, target, options.pairs, options.output)), flush=True)


if __name__ == "__main__":
    main()
