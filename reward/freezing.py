"""A file of preference pairs as a snapshot: the same hashes, splits and reports as for a campaign.

Prompts are dealt by hash, so that the same file is split alike everywhere and no prompt is in two splits. Where a file
has no prompts apart from the responses, the beginning that both responses share stands for the prompt.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from reward.contract import SCHEMA_VERSION, canonical_json, file_hash, read_manifest, write_manifest
from reward.errors import RewardError
from reward.pairs import Pair, read_pair_file

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def frozen_place(output_dir: Path) -> Path:
    """Where the snapshot of a file lies that a model is trained from."""
    return output_dir.with_name(f"{output_dir.name}.data")


def freeze_file(file: Path, directory: Path, *, test: Path | None = None, replace: bool = False) -> Path:
    """Write the pairs of a file as a snapshot directory, or find that it holds them already.

    Pairs with a soft label of .5 are its ties: they train where that is asked for, and are not measured on.

    Args:
        file: `.jsonl`, `.json` or `.parquet` with `chosen`, `rejected` and perhaps `prompt`; see `reward.pairs`.
        directory: where; appears complete or not at all.
        test: another such file: its pairs are the test split, all of `file` is for training.
        replace: put it in the place of a snapshot of other files.

    Raises:
        RewardError: a file is malformed, or the directory holds something else.
    """
    sources = {name: file_hash(path) for name, path in (("file", file), ("test", test)) if path and path.is_file()}
    if directory.exists():
        if _is_of(directory, sources):
            return directory
        if not replace:
            raise RewardError(f"{directory} holds other data: choose another --output, or give --overwrite.")
    splits = (
        {"train": read_pair_file(file), "test": read_pair_file(test)} if test else split_pairs(read_pair_file(file))
    )
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    files = {
        f"{folder}/{split}-00000-of-00001.parquet": rows
        for split, pairs in splits.items()
        for folder, is_tie in (("data", False), ("ties", True))
        if (rows := [_row(pair, split) for pair in pairs if (pair.soft_label == 0.5) == is_tie])
    }
    content = {"counted_kinds": [], "aggregation": "the file's own labels", "title": file.name, "sources": sources}
    write_rows(partial, files, content=content)
    if directory.exists():
        shutil.rmtree(directory)
    os.rename(partial, directory)
    return directory


def _is_of(directory: Path, sources: Mapping[str, str]) -> bool:
    return (directory / "manifest.json").is_file() and read_manifest(directory).content.get("sources") == sources


def split_pairs(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Deal pairs to train, validation and test: by a hash of what they answer, a tenth each held out.

    A file with fewer than 10 prompts holds none out; with more, each split gets at least one.
    """
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(_group(pair), []).append(pair)
    order = sorted(groups, key=lambda group: hashlib.sha256(group.encode("utf-8", "surrogatepass")).digest())
    n_held = 0 if len(order) < 10 else max(1, round(SHARES["test"] * len(order)))
    names = {"test": order[:n_held], "validation": order[n_held : 2 * n_held], "train": order[2 * n_held :]}
    return {split: [pair for name in names[split] for pair in groups[name]] for split in SHARES}


def _group(pair: Pair) -> str:
    """What a pair answers: its prompt, or the lines with which both responses begin, or the pair itself."""
    if pair.prompt:
        return canonical_json(pair.prompt)
    sides = zip(pair.chosen, pair.rejected, strict=False)
    shared = pair.chosen[: sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], sides))]
    return shared[: shared.rfind("\n") + 1].strip() or canonical_json(sorted([pair.chosen, pair.rejected]))


def _row(pair: Pair, split: str) -> dict[str, Any]:
    return {
        "prompt": [{"role": role, "content": content} for role, content in pair.prompt],
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
        "soft_label": pair.soft_label,
        "weight": pair.weight,
        "strength": None,
        "n_judgments": 0,
        "comparison_id": pair.comparison_id if split != "test" else f"test {pair.comparison_id}",
        "chosen_id": pair.chosen_id,
        "rejected_id": pair.rejected_id,
        "criteria": [],
        "tensions": [],
        "source": pair.source or pair.subset or None,
        "meta": canonical_json(dict(pair.meta)),
        "rater_kinds": None,
        "arm": None,
    }


def write_rows(
    directory: Path, files: Mapping[str, Sequence[Mapping[str, Any]]], *, content: Mapping[str, Any]
) -> None:
    """Write parquet files and, last, the manifest that names their hashes."""
    import pandas as pd

    hashes = {}
    for name, rows in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_parquet(path, index=False)
        hashes[name] = file_hash(path)
    document = {"schema_version": SCHEMA_VERSION, "files": hashes, **content}
    write_manifest(directory, content=document, written_at=datetime.now(UTC).isoformat(timespec="seconds"))
