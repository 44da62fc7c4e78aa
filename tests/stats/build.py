"""Small vote frames for the tests, and the real data beside the project where it is present."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.stats.frames import VOTE_COLUMNS, check_votes

KINDS = ("human",)
DATA = Path(os.environ.get("STEELYARD_TEST_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


def native_lines(name: str) -> list[dict]:
    """Return the lines of one file of real data; skips the test where it is absent."""
    path = DATA / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is absent; set STEELYARD_TEST_DATA to the folder of real data")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def votes(rows: list[tuple], **columns) -> pd.DataFrame:
    """Return a vote frame from (comparison, rater, outcome or value[, criterion]) rows.

    A number is a signed value; its outcome follows from its sign. Judgments are numbered by (comparison, rater).
    """
    judgments: dict[tuple, int] = {}
    records = []
    for row in rows:
        comparison, rater, verdict, criterion = (*row, "overall")[:4]
        if isinstance(verdict, str):
            value = {"first": 1.0, "second": -1.0, "tie": 0.0, "both_bad": 0.0}.get(verdict, np.nan)
            outcome = verdict
        else:
            value, outcome = float(verdict), "tie" if verdict == 0 else "first" if verdict > 0 else "second"
        number = judgments.setdefault((comparison, rater), len(judgments))
        records.append(
            {
                "comparison_id": str(comparison),
                "first": "a",
                "second": "b",
                "rater_id": str(rater),
                "rater_kind": "human",
                "round": "main",
                "judgment_id": number,
                "repeat_index": 0,
                "purpose": "work",
                "criterion": criterion,
                "outcome": outcome,
                "value": value,
                "weight": 1.0,
                "first_shown_first": None,
                "confidence": np.nan,
                "seconds": np.nan,
                "at": pd.NaT,
            }
        )
    frame = pd.DataFrame(records, columns=list(VOTE_COLUMNS))
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    for name, values in columns.items():
        frame[name] = values
    return check_votes(frame)


def random_votes(seed: int, *, units: int = 200, raters: int = 12, per_unit: int = 3, accuracy: float = 0.75):
    """Return a vote frame of raters who are right with probability `accuracy`, and the truth per unit."""
    rng = np.random.default_rng(seed)
    names = np.array(["first", "second", "tie"])
    truth = rng.integers(0, 3, units)
    rows = []
    for unit in range(units):
        for rater in rng.choice(raters, per_unit, replace=False):
            wrong = (truth[unit] + rng.integers(1, 3)) % 3
            rows.append((f"c{unit:04d}", f"r{rater:02d}", names[truth[unit] if rng.random() < accuracy else wrong]))
    return votes(rows), names[truth]
