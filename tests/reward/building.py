"""Builders for the tests: snapshots from rows, and tiny models with their tokenizers."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reward.contract import JUDGMENT_COLUMNS, POOL_COLUMNS, SCHEMA_VERSION, file_hash, write_manifest

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
KEYED = pa.list_(pa.struct([("key", pa.string()), ("value", pa.float64())]))
PAIR_SCHEMA = pa.schema(
    [
        ("prompt", MESSAGES),
        ("chosen", MESSAGES),
        ("rejected", MESSAGES),
        ("soft_label", pa.float64()),
        ("weight", pa.float64()),
        ("strength", pa.float64()),
        ("n_judgments", pa.int64()),
        ("comparison_id", pa.string()),
        ("chosen_id", pa.string()),
        ("rejected_id", pa.string()),
        ("criteria", KEYED),
        ("tensions", KEYED),
    ]
)


def data_folder() -> Path:
    """Where the shared real data lies."""
    default = Path(__file__).parents[2] / ".." / "shared" / "data"
    return Path(os.environ.get("STEELYARD_TEST_DATA", default))


def pair_row(prompt: str, chosen: str, rejected: str, **fields: Any) -> dict[str, Any]:
    """One row of a snapshot's parquet file; `fields` override the defaults."""
    identity = hashlib.sha256(f"{prompt}|{chosen}|{rejected}".encode()).hexdigest()[:12]
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "soft_label": 1.0,
        "weight": 1.0,
        "strength": None,
        "n_judgments": 3,
        "comparison_id": identity,
        "chosen_id": "a",
        "rejected_id": "b",
        "criteria": [],
        "tensions": [],
        **fields,
    }


def build_snapshot(
    directory: Path,
    splits: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    ties: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    **content: Any,
) -> Path:
    """Write a valid snapshot directory with these rows per split."""
    files = {}
    for folder, parts in (("data", splits), ("ties", ties or {})):
        for split, rows in parts.items():
            path = directory / folder / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            with_margin = bool(rows) and "margin" in rows[0]
            schema = PAIR_SCHEMA.append(pa.field("margin", pa.float64())) if with_margin else PAIR_SCHEMA
            pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
            files[path.relative_to(directory).as_posix()] = file_hash(path)
    for name, columns in (("judgments.parquet", JUDGMENT_COLUMNS), ("pool.parquet", POOL_COLUMNS)):
        pq.write_table(pa.table({column: pa.array([], pa.string()) for column in columns}), directory / name)
        files[name] = file_hash(directory / name)
    document = {"schema_version": SCHEMA_VERSION, "files": files, "counted_kinds": ["human"], **content}
    write_manifest(directory, content=document, written_at="2026-01-01T00:00:00+00:00")
    return directory


def ukp_rows(path: Path, *, limit_per_topic: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """Pairs of `ukp_arguments.jsonl` per topic: majority of the votes without ties, soft label = vote share."""
    topics: dict[str, list[dict[str, Any]]] = {}
    for comparison in _lines(path):
        row = _majority_row(comparison)
        rows = topics.setdefault(comparison["meta"]["topic"], [])
        if row is not None and (limit_per_topic is None or len(rows) < limit_per_topic):
            rows.append(row)
    return topics


def _majority_row(comparison: Mapping[str, Any]) -> dict[str, Any] | None:
    """The pair that the majority prefers, or None where there is no majority."""
    votes = Counter(judgment["preferred"] for judgment in comparison["judgments"])
    if votes["a"] == votes["b"]:
        return None
    chosen, rejected = ("a", "b") if votes["a"] > votes["b"] else ("b", "a")
    texts = {completion["id"]: completion["text"] for completion in comparison["completions"]}
    return pair_row(
        comparison["prompt"],
        texts[chosen],
        texts[rejected],
        soft_label=votes[chosen] / (votes["a"] + votes["b"]),
        n_judgments=sum(votes.values()),
        comparison_id=comparison["id"],
        chosen_id=chosen,
        rejected_id=rejected,
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
