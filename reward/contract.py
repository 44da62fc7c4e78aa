"""The contract between `app`, which writes snapshots, and `reward`, which learns from them. Standard library only.

A snapshot is a directory: `data/{train,validation,test}-*.parquet` (pairs), `ties/...` (ties, same columns),
`judgments.parquet`, `pool.parquet`, `rubric.yaml`, `README.md` and, written last, `manifest.json`.
A directory without a manifest is not a snapshot: its existence means that the writing finished.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 2
"""2 added `source`, `meta`, `rater_kinds` and `arm` to the pairs; snapshots of version 1 are read without them."""
READABLE_VERSIONS = (1, 2)
MANIFEST_NAME = "manifest.json"
SPLITS = ("train", "validation", "test")

PAIR_COLUMNS: Mapping[str, str] = {
    "prompt": "list of {role, content}",
    "chosen": "list of {role, content}: the assistant's turn",
    "rejected": "list of {role, content}: the assistant's turn",
    "soft_label": "P(chosen wins), from .5 to 1",
    "weight": "example weight, above 0; pairs of one k-way ranking carry 2/k",
    "strength": "mean absolute strength of the votes scaled to [0, 1], null where no vote had one",
    "n_judgments": "number of votes behind the pair",
    "comparison_id": "external id of the comparison",
    "chosen_id": "completion id",
    "rejected_id": "completion id",
    "criteria": "list of {key, value}: mean signed value per criterion, positive favours chosen",
    "tensions": "list of {key, value}: share of the judgments in which the pair of criteria 'i|j' pulled apart",
    "source": "where the responses come from, as their file says, or null",
    "meta": "JSON text: the comparison's free facts",
    "rater_kinds": "kinds of rater whose votes made the label, joined by '+'",
    "arm": "how the comparison was chosen to be judged (random, d_optimal), or null where no cycle chose it",
}
"""Columns of `data/*.parquet`, in order; `margin` (float) is added on all rows or none."""

JUDGMENT_COLUMNS: Mapping[str, str] = {
    "comparison_id": "external id",
    "first": "completion id, the earlier of the pair",
    "second": "completion id, the later of the pair",
    "rater_id": "pseudonym of the rater inside the snapshot",
    "rater_kind": "human, model, program or simulated",
    "round": "name of the round",
    "judgment_id": "number of the judgment in the ledger",
    "repeat_index": "0 for a first judgment, 1, 2, ... for blind repeats",
    "purpose": "work, gold, repeat, exam or audit",
    "criterion": "criterion key, or 'overall'",
    "outcome": "first, second, tie, both_bad, cannot_judge or not_applicable",
    "value": "signed and scaled to [-1, 1]; positive favours first; null when missing",
    "weight": "1 for a pair, 2/k for a pair implied by a k-way ranking",
    "first_shown_first": "whether `first` stood before `second` on the rater's screen, null when unknown",
    "confidence": "1 to 5, or null",
    "seconds": "active seconds, or null",
    "at": "UTC time of the judgment, or null",
    "justification": "the rater's words, or null",
}
"""Columns of `judgments.parquet`: every vote, one row per judgment, criterion and pair."""

POOL_COLUMNS: Mapping[str, str] = {
    "comparison_id": "external id",
    "prompt": "list of {role, content}",
    "completions": "list of {id, text}",
    "meta": "JSON text",
}
"""Columns of `pool.parquet`: comparisons that no counted rater has judged yet."""


class ContractError(ValueError):
    """A directory is not a snapshot, or not the snapshot that its manifest describes."""


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says.

    Attributes:
        hash: sha256 over the canonical JSON of `content`: the identity of the snapshot.
        content: everything that identifies the snapshot (files with their sha256, counts, drops, agreement,
            human ceiling, revealed weights, aggregation, counted kinds, rubric version, event number).
        written_at: UTC time of writing, outside the hash, so that the same votes give the same hash.
    """

    hash: str
    content: Mapping[str, Any]
    written_at: str

    @property
    def files(self) -> Mapping[str, str]:
        """Relative path -> sha256 of every file of the snapshot but the manifest itself."""
        return self.content["files"]


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any) -> str:
    """sha256, in hex, of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """sha256, in hex, of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(directory: Path, *, content: Mapping[str, Any], written_at: str) -> Manifest:
    """Write `manifest.json` as the last file of a snapshot; `content` must name `files` and `schema_version`."""
    manifest = Manifest(hash=content_hash(content), content=content, written_at=written_at)
    document = {"hash": manifest.hash, "written_at": written_at, "content": content}
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (directory / MANIFEST_NAME).write_text(text, encoding="utf-8")
    return manifest


def read_manifest(directory: Path, *, verify: bool = True) -> Manifest:
    """Read a snapshot's manifest and, by default, check every file against its hash.

    Raises:
        ContractError: no manifest, another schema version, an altered manifest, or a missing or altered file.
    """
    path = directory / MANIFEST_NAME
    if not path.is_file():
        raise ContractError(
            f"{directory} is not a snapshot: it has no {MANIFEST_NAME}. Build one with `steelyard snapshot`."
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(hash=document["hash"], content=document["content"], written_at=document["written_at"])
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ContractError(f"{path}: not a manifest ({error!r}). Build the snapshot again.") from error
    found = manifest.content.get("schema_version")
    if found not in READABLE_VERSIONS:
        known = " and ".join(map(str, READABLE_VERSIONS))
        raise ContractError(f"{path}: schema_version is {found}, this version reads {known}.")
    if verify:
        for problem in _problems(directory, manifest):
            raise ContractError(f"{problem}. The snapshot was changed after it was frozen: build it again.")
    return manifest


def _problems(directory: Path, manifest: Manifest) -> Iterator[str]:
    if content_hash(manifest.content) != manifest.hash:
        yield f"{directory / MANIFEST_NAME}: the content does not match the hash {manifest.hash}"
    for name, expected in manifest.files.items():
        path = directory / name
        if not path.is_file():
            yield f"{path}: the file is missing"
        elif file_hash(path) != expected:
            yield f"{path}: the content does not match the sha256 in the manifest"
