"""Preference pairs in memory: read from a snapshot, or from a JSONL or parquet file in TRL's form.

A snapshot is verified against its manifest before a row is read. A file of one's own has `chosen` and `rejected`, as
text or as message lists, with or without an explicit `prompt`; where the messages hold the prompt, the messages that
both sides share at the beginning become the prompt.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reward.contract import PAIR_COLUMNS, SPLITS, ContractError, Manifest, read_manifest
from reward.errors import RewardError

OPTIONAL_COLUMNS = ("margin", "source", "meta", "rater_kinds", "arm")
"""Columns of a snapshot's pairs that are read where they are present."""

Messages = tuple[tuple[str, str], ...]
"""A conversation as (role, content) tuples: hashable, so that each distinct prompt is tokenised once."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One preference: `chosen` was preferred to `rejected` as an answer to `prompt`.

    Attributes:
        prompt: the conversation before the response.
        chosen: text of the preferred response.
        rejected: text of the other response.
        soft_label: P(chosen wins), from .5 (a tie) to 1.
        weight: example weight, above 0.
        margin: by how much the rewards should differ, or None.
        comparison_id: the comparison that the pair comes from.
        n_judgments: number of votes behind the pair; 0 where a file does not say.
        criteria: mean signed value per criterion; positive favours `chosen`.
        tensions: share of the judgments in which the criteria 'i|j' pulled apart.
        chosen_id: completion id of the preferred response; empty where a file does not say.
        rejected_id: completion id of the other response.
        strength: mean absolute strength of the votes in [0, 1], or None where no vote had one.
        subset: the part of a benchmark that the pair belongs to; empty elsewhere.
        source: where the comparison comes from, as its file says; empty where it does not.
        meta: further facts of the comparison, as text by key.
        rater_kinds: kinds of rater behind the label, joined by '+'; empty where a file does not say.
        arm: how the comparison was chosen to be judged; empty where nothing chose it.
    """

    prompt: Messages
    chosen: str
    rejected: str
    soft_label: float = 1.0
    weight: float = 1.0
    margin: float | None = None
    comparison_id: str = ""
    n_judgments: int = 0
    criteria: Mapping[str, float] = field(default_factory=dict)
    tensions: Mapping[str, float] = field(default_factory=dict)
    chosen_id: str = ""
    rejected_id: str = ""
    strength: float | None = None
    subset: str = ""
    source: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    rater_kinds: str = ""
    arm: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A verified snapshot directory.

    Attributes:
        directory: where it lies.
        manifest: what its manifest says.
        files: parquet files of pairs per split that exists.
        tie_files: parquet files of ties per split that exists.
    """

    directory: Path
    manifest: Manifest
    files: Mapping[str, Sequence[Path]]
    tie_files: Mapping[str, Sequence[Path]]

    def file_hashes(self, split: str, *, include_ties: bool = False) -> list[str]:
        """The manifest's sha256 of each file that `read_pairs` would read for this split."""
        paths = [*self.files.get(split, ()), *(self.tie_files.get(split, ()) if include_ties else ())]
        return [self.manifest.files[path.relative_to(self.directory).as_posix()] for path in paths]

    def n_ties(self, split: str) -> int:
        """How many ties the split has, which only `include_ties` reads."""
        import pyarrow.parquet as pq

        return sum(pq.read_metadata(path).num_rows for path in self.tie_files.get(split, ()))


def open_snapshot(directory: Path) -> Snapshot:
    """Verify a snapshot's hashes and find its splits.

    Raises:
        ContractError: the directory is not a snapshot, or was changed after it was frozen, or holds no pairs.
    """
    manifest = read_manifest(directory)
    names = sorted(manifest.files)

    def of(folder: str) -> dict[str, list[Path]]:
        found = {split: [directory / name for name in names if _is_part(name, folder, split)] for split in SPLITS}
        return {split: paths for split, paths in found.items() if paths}

    snapshot = Snapshot(directory=directory, manifest=manifest, files=of("data"), tie_files=of("ties"))
    if not snapshot.files:
        raise ContractError(f"{directory}: the snapshot holds no pairs (no data/*.parquet in its manifest).")
    return snapshot


def _is_part(name: str, folder: str, split: str) -> bool:
    return name.startswith(f"{folder}/{split}-") and name.endswith(".parquet")


def read_pairs(snapshot: Snapshot, split: str, *, include_ties: bool = False) -> list[Pair]:
    """Every pair of one split, in the order of the files; an absent split gives an empty list.

    Args:
        snapshot: from `open_snapshot`.
        split: 'train', 'validation' or 'test'.
        include_ties: also the ties of the split (soft label .5), after the pairs.

    Raises:
        ContractError: a column is missing, or a value lies outside its range.
    """
    paths = [*snapshot.files.get(split, ()), *(snapshot.tie_files.get(split, ()) if include_ties else ())]
    return [pair for path in paths for pair in _read_parquet_pairs(path)]


def _read_parquet_pairs(path: Path) -> Iterator[Pair]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    required = [column for column in PAIR_COLUMNS if column not in OPTIONAL_COLUMNS]
    absent = [column for column in required if column not in file.schema_arrow.names]
    if absent:
        raise ContractError(f"{path}: the columns {absent} are missing; the file has {file.schema_arrow.names}.")
    columns = [*required, *(name for name in OPTIONAL_COLUMNS if name in file.schema_arrow.names)]
    number = 0
    for batch in file.iter_batches(batch_size=4096, columns=columns):
        for row in batch.to_pylist():
            number += 1
            yield _snapshot_pair(row, place=f"{path}: row {number}")


def _snapshot_pair(row: Mapping[str, Any], *, place: str) -> Pair:
    if not 0.5 <= row["soft_label"] <= 1:
        raise ContractError(f"{place}: soft_label is {row['soft_label']}; P(chosen wins) lies between .5 and 1.")
    if not row["weight"] > 0:
        raise ContractError(f"{place}: weight is {row['weight']}; it must be above 0.")
    return Pair(
        prompt=messages_of(row["prompt"], place=f"{place}, prompt"),
        chosen=response_of(row["chosen"], place=f"{place}, chosen"),
        rejected=response_of(row["rejected"], place=f"{place}, rejected"),
        soft_label=float(row["soft_label"]),
        weight=float(row["weight"]),
        margin=row.get("margin"),
        comparison_id=row["comparison_id"],
        n_judgments=row["n_judgments"] or 0,
        criteria={entry["key"]: entry["value"] for entry in row["criteria"] or ()},
        tensions={entry["key"]: entry["value"] for entry in row["tensions"] or ()},
        chosen_id=row["chosen_id"] or "",
        rejected_id=row["rejected_id"] or "",
        strength=row["strength"],
        rater_kinds=row.get("rater_kinds") or "",
        arm=row.get("arm") or "",
        **facts_of(row),
    )


def facts_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Source, subset and meta of a row, where it has them; `meta` may be an object, JSON text or a word."""
    meta = row.get("meta")
    if isinstance(meta, str):
        with contextlib.suppress(json.JSONDecodeError):  # a plain word is shown as it stands
            meta = json.loads(meta)
    if meta is not None and not isinstance(meta, Mapping):
        meta = {"meta": meta}
    shown = {str(key): _shown(value) for key, value in (meta or {}).items() if value is not None}
    return {"source": str(row.get("source") or ""), "subset": str(row.get("subset") or ""), "meta": shown}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Stream the rows of a `.jsonl`, `.json` or `.parquet` file with the place of each ('FILE: line 3').

    Blank lines are skipped; memory does not grow with the file, unless it is one JSON array.

    Raises:
        RewardError: the file is absent or of another kind, or a line is not a JSON object in UTF-8.
    """
    if not path.is_file():
        raise RewardError(f"{path}: there is no such file.")
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
    elif path.suffix == ".json" and _is_array(path):
        yield from _array_rows(path)
    elif path.suffix in (".jsonl", ".json", ".ndjson"):
        yield from _jsonl_rows(path)
    else:
        raise RewardError(f"{path}: the ending {path.suffix!r} is not known; give a .jsonl, .json or .parquet file.")


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise RewardError(f"{path}: not a parquet file ({error}).") from error
    number = 0
    for batch in file.iter_batches(batch_size=4096):
        for row in batch.to_pylist():
            number += 1
            yield f"{path}: row {number}", row


def _is_array(path: Path) -> bool:
    """Whether a JSON file is one array and not one object a line."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"[")


def _array_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RewardError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise RewardError(f"{path}: not JSON ({error.msg} at line {error.lineno}, column {error.colno}).") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise RewardError(f"{path}: entry {number}: a JSON object is expected, found {type(row).__name__}.")
        yield f"{path}: entry {number}", row


def _jsonl_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            place = f"{path}: line {number}"
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                raise RewardError(f"{place}: not UTF-8 ({error.reason} at byte {error.start}).") from error
            except json.JSONDecodeError as error:
                raise RewardError(f"{place}: not JSON ({error.msg} at column {error.colno}).") from error
            if not isinstance(row, dict):
                raise RewardError(f"{place}: a JSON object is expected, found {type(row).__name__}.")
            yield place, row


def read_pair_file(path: Path) -> list[Pair]:
    """Pairs of a file of one's own: `chosen`, `rejected`, and `prompt` or a shared beginning of the messages.

    `soft_label`, `weight`, `id` or `comparison_id`, `subset`, `source` and `meta` are read where present; `chosen` and
    `rejected` may be lists of texts, as in RewardBench 2.

    Raises:
        RewardError: a row is malformed (place and reason named), or the file has no rows.
    """
    pairs = [pair for place, row in read_rows(path) for pair in pairs_of_row(row, place=place)]
    if not pairs:
        raise RewardError(f"{path}: the file has no rows.")
    return pairs


def pair_of_row(row: Mapping[str, Any], *, place: str) -> Pair:
    """One pair from a TRL row, with explicit or implicit prompt, as text or messages.

    Raises:
        RewardError: a field is missing or of the wrong kind, or both sides are not answers to one prompt.
    """
    missing = [key for key in ("chosen", "rejected") if row.get(key) is None]
    if missing:
        raise RewardError(f"{place}: the field {missing[0]!r} is missing; a pair needs 'chosen' and 'rejected'.")
    chosen, rejected, prompt = row["chosen"], row["rejected"], row.get("prompt")
    if prompt is None and isinstance(chosen, list) and isinstance(rejected, list):
        prompt, chosen, rejected = _split_shared(chosen, rejected)
    return Pair(
        prompt=messages_of(prompt, place=f"{place}, prompt"),
        chosen=response_of(chosen, place=f"{place}, chosen"),
        rejected=response_of(rejected, place=f"{place}, rejected"),
        soft_label=_number(row.get("soft_label"), default=1.0, low=0.5, high=1.0, place=f"{place}, soft_label"),
        weight=_number(row.get("weight"), default=1.0, low=0.0, high=float("inf"), place=f"{place}, weight"),
        comparison_id=_row_id(row, place),
        **facts_of(row),
    )


def _row_id(row: Mapping[str, Any], place: str) -> str:
    found = row.get("comparison_id", row.get("id"))
    return place.rpartition(": ")[2] if found in (None, "") else str(found)


def pairs_of_row(row: Mapping[str, Any], *, place: str) -> list[Pair]:
    """The pairs of a row: one, or every chosen against every rejected response where these are lists of texts.

    RewardBench (Lambert et al., 2024) has one text on each side, RewardBench 2 (Malik et al., 2025) lists: one chosen
    response against three rejected ones, or several equally good ones. The pairs of one row share its weight.

    Raises:
        RewardError: as `pair_of_row`; also for an empty list.
    """
    sides = {name: row.get(name) for name in ("chosen", "rejected")}
    if not any(is_text_list(side) for side in sides.values()):
        return [pair_of_row(row, place=place)]
    texts = {name: side if is_text_list(side) else [side] for name, side in sides.items()}
    for name, side in texts.items():
        if not side:
            raise RewardError(f"{place}, {name}: the list is empty; give at least one response.")
    n_pairs = len(texts["chosen"]) * len(texts["rejected"])
    found = []
    for c, chosen in enumerate(texts["chosen"]):
        for r, rejected in enumerate(texts["rejected"]):
            pair = pair_of_row({**row, "chosen": chosen, "rejected": rejected}, place=place)
            found.append(
                replace(pair, chosen_id=f"chosen {c}", rejected_id=f"rejected {r}", weight=pair.weight / n_pairs)
            )
    return found


def is_text_list(side: Any) -> bool:
    """Whether a side is a list of texts, not one text or a list of messages."""
    return isinstance(side, list) and all(isinstance(text, str) for text in side)


def _number(value: Any, *, default: float, low: float, high: float, place: str) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RewardError(f"{place}: a number from {low} to {high} is expected, found {value!r}.")
    return float(value)


def _split_shared(chosen: list[Any], rejected: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """The messages that both sides begin with, and the rest of each; the last message is never shared."""
    n_shared = 0
    while n_shared < min(len(chosen), len(rejected)) - 1 and chosen[n_shared] == rejected[n_shared]:
        n_shared += 1
    return chosen[:n_shared], chosen[n_shared:], rejected[n_shared:]


def messages_of(value: Any, *, place: str) -> Messages:
    """A prompt as messages: text becomes one user message, nothing (None) an empty conversation.

    Raises:
        RewardError: neither text nor a list of {role, content} with text in both.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        return (("user", value),)
    if not isinstance(value, list):
        raise RewardError(f"{place}: text or a list of messages is expected, found {type(value).__name__}.")
    for message in value:
        well_formed = isinstance(message, Mapping) and all(isinstance(message.get(k), str) for k in ("role", "content"))
        if not well_formed:
            raise RewardError(f"{place}: a message needs 'role' and 'content' as text, found {message!r:.80}.")
    return tuple((message["role"], message["content"]) for message in value)


def response_of(value: Any, *, place: str) -> str:
    """The text of a response: a string, or a list of exactly one assistant message; it may be empty.

    Raises:
        RewardError: missing, or more than one message, or a message of another role.
    """
    if isinstance(value, str):
        return value
    if value is None:
        raise RewardError(f"{place}: the response is missing; an empty text would be accepted.")
    messages = messages_of(value, place=place)
    if len(messages) != 1 or messages[0][0] != "assistant":
        roles = [role for role, _ in messages]
        raise RewardError(f"{place}: one assistant message is expected, found the roles {roles}.")
    return messages[0][1]
