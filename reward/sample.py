"""A small simulated snapshot, to try training and choosing without a campaign; it says that it is simulated.

Each comparison is a question with two short answers; simulated raters prefer the clearer one with probability .85, and
one of four votes at random. A real snapshot comes from `steelyard snapshot`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reward.freezing import write_rows

SUBJECTS = ("sleep", "bread", "rain", "trains", "paint", "rice", "wood", "salt", "music", "glass", "bees", "maps")
CLEAR = ("first", "then", "because", "for example", "exactly", "in short")
VAGUE = ("maybe", "somehow", "it depends", "stuff", "whatever", "sort of")


def write_sample(directory: Path, *, n: int = 160, n_pool: int = 60, seed: int = 0) -> Path:
    """Write a snapshot of `n` judged comparisons (a fifth held out) and a pool; returns the directory."""
    rng = np.random.default_rng(seed)
    judged, votes = [], []
    for number in range(n):
        prompt, texts, clearer = _comparison(rng, number)
        outcomes = [
            "first" if (rng.random() < (0.5 if rater == 3 else 0.85)) == (clearer == 0) else "second"
            for rater in range(4)
        ]
        share = float(np.mean([outcome == "first" for outcome in outcomes]))
        votes += [_vote(f"s{number}", f"r{rater}", outcome) for rater, outcome in enumerate(outcomes)]
        if share != 0.5:
            judged.append(_pair(f"s{number}", prompt, texts if share > 0.5 else texts[::-1], share))
    pool = [_pool_row(rng, n + number) for number in range(n_pool)]
    n_train = round(0.8 * len(judged))
    files = {
        "data/train-00000-of-00001.parquet": judged[:n_train],
        "data/test-00000-of-00001.parquet": judged[n_train:],
        "judgments.parquet": votes,
        "pool.parquet": pool,
    }
    content = {"counted_kinds": ["simulated"], "aggregation": "vote_share", "title": "A simulated sample"}
    write_rows(directory, files, content=content)
    return directory


def _comparison(rng: np.random.Generator, number: int) -> tuple[str, list[str], int]:
    subject = SUBJECTS[number % len(SUBJECTS)]
    clearer = int(rng.integers(0, 2))
    words = [rng.choice(CLEAR if side == clearer else VAGUE, 2, replace=False) for side in range(2)]
    texts = [f"About {subject}: {a}, {subject} is what it is, {b}" + "." * int(rng.integers(1, 3)) for a, b in words]
    return f"Tell me something about {subject} (question {number}).", texts, clearer


def _pair(name: str, prompt: str, texts: Sequence[str], share: float) -> dict[str, Any]:
    sides = ("a", "b") if share > 0.5 else ("b", "a")
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": [{"role": "assistant", "content": texts[0]}],
        "rejected": [{"role": "assistant", "content": texts[1]}],
        "soft_label": max(share, 1 - share),
        "weight": 1.0,
        "strength": None,
        "n_judgments": 4,
        "comparison_id": name,
        "chosen_id": sides[0],
        "rejected_id": sides[1],
        "criteria": [{"key": "clarity", "value": 2 * max(share, 1 - share) - 1}],
        "tensions": [{"key": "clarity|tone", "value": 0.0}],
        "source": None,
        "meta": json.dumps({"subject": prompt.split(" (")[0].rpartition(" ")[2]}),
        "rater_kinds": "simulated",
        "arm": None,
    }


def _vote(name: str, rater: str, outcome: str) -> dict[str, Any]:
    return {
        "comparison_id": name,
        "first": "a",
        "second": "b",
        "rater_id": rater,
        "rater_kind": "simulated",
        "round": "main",
        "judgment_id": int(name[1:]) * 10 + int(rater[1:]),
        "repeat_index": 0,
        "purpose": "work",
        "criterion": "overall",
        "outcome": outcome,
        "value": 1.0 if outcome == "first" else -1.0,
        "weight": 1.0,
    }


def _pool_row(rng: np.random.Generator, number: int) -> dict[str, Any]:
    prompt, texts, _ = _comparison(rng, number)
    completions = [{"id": name, "text": text} for name, text in zip("ab", texts, strict=True)]
    message = [{"role": "user", "content": prompt}]
    return {"comparison_id": f"s{number}", "prompt": message, "completions": completions, "meta": json.dumps({})}
