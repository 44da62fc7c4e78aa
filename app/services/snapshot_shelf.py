"""The snapshots of a campaign: what stands on the shelf, its card, two beside each other, and one to take along."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.domain import RaterKind
from app.errors import InvalidInput
from app.policy import Action
from app.services.job_board import JobRequest
from app.services.permission import require_in
from app.services.sessions import Person
from app.store import tables
from app.store.engine import Store
from reward.contract import SPLITS, ContractError, Manifest, read_manifest

AGGREGATIONS = ("vote_share", "one_coin", "majority")
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

COUNTS: Mapping[str, str] = {
    "n_pairs": "pairs",
    "n_ties": "ties",
    "n_comparisons": "comparisons behind them",
    "n_judgments": "judgments",
    "n_votes_in_pairs": "votes in pairs",
    "n_pool": "not judged yet (pool)",
}
"""Counts of a manifest, in the words of its card."""


@dataclass(frozen=True)
class ShelvedSnapshot:
    """A snapshot that was built of a campaign.

    Attributes:
        hash: its identity: the sha256 over everything that `manifest.json` says of it.
        directory: where it was written.
        event_id: the event that says so.
        built_at: when.
        manifest: None where the directory is gone or unreadable.
        problem: why there is no manifest.
    """

    hash: str
    directory: Path
    event_id: int
    built_at: datetime
    manifest: Manifest | None
    problem: str = ""

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.directory.name

    @property
    def content(self) -> Mapping[str, Any]:
        """What the manifest says; empty without one."""
        return self.manifest.content if self.manifest else {}


@dataclass(frozen=True)
class Difference:
    """One line of a comparison: what, in the first, in the second."""

    what: str
    first: Any
    second: Any


@dataclass(frozen=True)
class SnapshotComparison:
    """Two snapshots beside each other.

    Attributes:
        same: whether they are the same snapshot: the same hash.
        options: what was asked for.
        counts: pairs, ties, votes.
        drops: pairs left out, by reason.
        splits: pairs by split.
        agreement: criterion, then Krippendorff's alpha with interval of each, as estimates in JSON.
    """

    same: bool
    options: tuple[Difference, ...]
    counts: tuple[Difference, ...]
    drops: tuple[Difference, ...]
    splits: tuple[Difference, ...]
    agreement: tuple[Difference, ...]


@dataclass(frozen=True)
class SnapshotOptions:
    """What can be chosen; the options of `steelyard snapshot`."""

    kinds: tuple[RaterKind, ...] = ()
    round: str | None = None
    min_judgments: int = 1
    split_by: str = "prompt"
    exclude_gold: bool = False
    aggregation: str = "vote_share"
    split_shares: tuple[float, float, float] = field(default=(0.8, 0.1, 0.1))
    mapping: Mapping[str, str] | None = None


def request_snapshot(
    person: Person, campaign_name: str, *, name: str, options: SnapshotOptions, data_directory: Path
) -> JobRequest:
    """Build a snapshot under a name.

    Raises:
        NotAllowed: the person may not build snapshots of the campaign.
        InvalidInput: the name is taken or has odd characters, or an option is out of range.
    """
    campaign = require_in(person, Action.BUILD_SNAPSHOT, campaign_name)
    if not NAME_PATTERN.fullmatch(name):
        raise InvalidInput(f"Snapshot {name!r}: use letters, digits and . _ -, at most 64 of them.")
    output = data_directory / "snapshots" / campaign.name / name
    if output.exists():
        raise InvalidInput(f"There is a snapshot {name!r} already, and snapshots never change: choose another name.")
    if options.aggregation not in AGGREGATIONS:
        raise InvalidInput(f"Aggregation {options.aggregation!r}: choose one of {', '.join(AGGREGATIONS)}.")
    chosen = {
        "round": options.round,
        "min_judgments": options.min_judgments,
        "split_by": options.split_by,
        "exclude_gold": options.exclude_gold,
        "aggregation": options.aggregation,
        "split_shares": list(options.split_shares),
        "mapping": None if options.mapping is None else dict(options.mapping),
    }
    kinds = [kind.value for kind in options.kinds] or None
    arguments = {"campaign": campaign.name, "output": str(output), "kinds": kinds, "options": chosen}
    return JobRequest("snapshot", person.name, campaign, arguments)


def list_snapshots(
    store: Store, person: Person, campaign_name: str, *, action: Action = Action.BUILD_SNAPSHOT
) -> list[ShelvedSnapshot]:
    """The snapshots of a campaign, newest first; those whose directory is gone say so.

    Raises:
        NotAllowed: the person may do neither this nor anything else with them.
    """
    campaign = require_in(person, action, campaign_name)
    table = tables.snapshot
    with store.read() as connection:
        rows = connection.execute(
            select(table).where(table.c.campaign_id == campaign.id).order_by(table.c.id.desc())
        ).all()
    return [_shelved(row) for row in rows]


def _shelved(row: Any) -> ShelvedSnapshot:
    directory = Path(row.directory)
    manifest, problem = None, ""
    try:
        manifest = read_manifest(directory, verify=False)
    except (ContractError, OSError) as error:
        problem = str(error)
    if manifest is not None and manifest.hash != row.hash:
        problem = f"{directory} holds another snapshot by now (hash {manifest.hash[:12]})."
        manifest = None
    return ShelvedSnapshot(row.hash, directory, row.event_id, row.created_at, manifest, problem)


def read_card(snapshot: ShelvedSnapshot) -> str:
    """The card (README.md) without the header that is for machines.

    Raises:
        InvalidInput: the directory is gone.
    """
    path = snapshot.directory / "README.md"
    if not path.is_file():
        raise InvalidInput(f"{path} is gone: build the snapshot again.")
    text = path.read_text(encoding="utf-8")
    return re.sub(r"\A---\n.*?\n---\n", "", text, count=1, flags=re.DOTALL).strip()


def verify(snapshot: ShelvedSnapshot) -> str | None:
    """Read every file and check it against its hash; None where all is as it was frozen, else what is not."""
    try:
        read_manifest(snapshot.directory)
    except (ContractError, OSError) as error:
        return str(error)
    return None


def zip_snapshot(snapshot: ShelvedSnapshot, data_directory: Path) -> Path:
    """The snapshot as one file to take along; made once, because a snapshot never changes."""
    target = data_directory / "downloads" / f"{snapshot.hash[:16]}-{snapshot.name}.zip"
    if target.is_file() or snapshot.manifest is None:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for name in [*sorted(snapshot.manifest.files), "manifest.json"]:
            archive.write(snapshot.directory / name, f"{snapshot.name}/{name}")
    os.replace(partial, target)
    return target


def size_megabytes(snapshot: ShelvedSnapshot) -> float:
    """How large the snapshot's files are together."""
    files = snapshot.manifest.files if snapshot.manifest else ()
    paths = [snapshot.directory / name for name in files]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def compare_snapshots(first: Mapping[str, Any], second: Mapping[str, Any], *, same: bool) -> SnapshotComparison:
    """What two manifests say, line by line.

    Args:
        first: the content of one manifest.
        second: the content of the other.
        same: whether their hashes are equal.
    """
    sides = (first, second)
    drops = [{drop["explanation"]: drop["n_pairs"] for drop in side["drops"]} for side in sides]
    alphas = [
        {name: one["krippendorff_alpha"] for name, one in side["agreement"]["criteria"].items()} for side in sides
    ]
    return SnapshotComparison(
        same=same,
        options=tuple(Difference(what, _option(first, what), _option(second, what)) for what in _OPTIONS),
        counts=tuple(Difference(name, *(side["counts"].get(key) for side in sides)) for key, name in COUNTS.items()),
        drops=_lines(*drops, absent=0),
        splits=tuple(
            Difference(f"{name} pairs", *(side["splits"]["n_pairs"].get(name, 0) for side in sides)) for name in SPLITS
        ),
        agreement=_lines(*alphas, absent=None),
    )


def _lines(first: Mapping[str, Any], second: Mapping[str, Any], *, absent: Any) -> tuple[Difference, ...]:
    names = list(dict.fromkeys([*first, *second]))
    return tuple(Difference(name, first.get(name, absent), second.get(name, absent)) for name in names)


_OPTIONS = {
    "as of event": lambda content: f"{content['event_number']:,}",
    "rubric version": lambda content: content["rubric"]["version"][:12],
    "kinds counted": lambda content: ", ".join(content["counted_kinds"]),
    "rounds": lambda content: ", ".join(content["rounds"]),
    "aggregation": lambda content: content["aggregation"],
    "votes a pair needs": lambda content: str(content["filters"]["min_judgments"]),
    "gold comparisons": lambda content: "left out" if content["filters"]["exclude_gold"] else "kept",
    "split by": lambda content: content["splits"]["by"],
}


def _option(content: Mapping[str, Any], what: str) -> str:
    return _OPTIONS[what](content)
