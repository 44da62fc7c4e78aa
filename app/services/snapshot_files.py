"""The parquet files of a snapshot: schemas of the contract, written in row groups so that memory stays flat.

Everything is deterministic: fixed schemas, fixed row groups, fixed compression, no time and no path in the files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reward.contract import JUDGMENT_COLUMNS, PAIR_COLUMNS, POOL_COLUMNS

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
KEYED = pa.list_(pa.struct([("key", pa.string()), ("value", pa.float64())]))

_PAIR_TYPES: Mapping[str, pa.DataType] = {
    "prompt": MESSAGES,
    "chosen": MESSAGES,
    "rejected": MESSAGES,
    "soft_label": pa.float64(),
    "weight": pa.float64(),
    "strength": pa.float64(),
    "n_judgments": pa.int64(),
    "comparison_id": pa.string(),
    "chosen_id": pa.string(),
    "rejected_id": pa.string(),
    "criteria": KEYED,
    "tensions": KEYED,
    **dict.fromkeys(("source", "meta", "rater_kinds", "arm"), pa.string()),
}
PAIR_SCHEMA = pa.schema([(name, _PAIR_TYPES[name]) for name in PAIR_COLUMNS])

_JUDGMENT_TYPES: Mapping[str, pa.DataType] = {
    "judgment_id": pa.int64(),
    "repeat_index": pa.int64(),
    "value": pa.float64(),
    "weight": pa.float64(),
    "first_shown_first": pa.bool_(),
    "confidence": pa.float64(),
    "seconds": pa.float64(),
    "at": pa.timestamp("us", tz="UTC"),
}
JUDGMENT_SCHEMA = pa.schema([(name, _JUDGMENT_TYPES.get(name, pa.string())) for name in JUDGMENT_COLUMNS])

_COMPLETIONS = pa.list_(pa.struct([("id", pa.string()), ("text", pa.string())]))
_POOL_TYPES: Mapping[str, pa.DataType] = {"prompt": MESSAGES, "completions": _COMPLETIONS}
POOL_SCHEMA = pa.schema([(name, _POOL_TYPES.get(name, pa.string())) for name in POOL_COLUMNS])

GROUP_ROWS = 1000
"""Rows of a row group of texts."""
GROUP_CHARACTERS = 32_000_000
"""A row group of texts is closed earlier when it holds this many characters."""
JUDGMENT_GROUP_ROWS = 100_000


def part_name(folder: str, split: str) -> str:
    """The name of a split's file inside the snapshot: one part holds it all."""
    return f"{folder}/{split}-00000-of-00001.parquet"


class RowWriter:
    """One parquet file, opened with its first row and written row by row in row groups.

    Attributes:
        n_rows: rows taken so far.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._columns: list[list[Any]] = [[] for _ in schema]
        self._n_characters = 0
        self._writer: pq.ParquetWriter | None = None
        self.n_rows = 0

    def add(self, row: Sequence[Any], *, n_characters: int) -> None:
        """Take one row, its values in the order of the schema."""
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)
        self.n_rows += 1
        self._n_characters += n_characters
        if len(self._columns[0]) >= GROUP_ROWS or self._n_characters >= GROUP_CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        arrays = [pa.array(column, type=field.type) for column, field in zip(self._columns, self._schema, strict=True)]
        if self._writer is None:
            self._writer = _open(self._path, self._schema)
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=GROUP_ROWS)
        self._columns = [[] for _ in self._schema]
        self._n_characters = 0

    def close(self, *, even_if_empty: bool = False) -> None:
        """Write what is waiting and close the file; without rows there is no file, unless one is wanted."""
        if self._columns[0] or (even_if_empty and self._writer is None):
            self._flush()
        if self._writer is not None:
            self._writer.close()
            sync(self._path)


class PairFiles:
    """The files of pairs and ties, one a split, created as rows arrive.

    Attributes:
        counts: folder -> split -> rows; only what has rows.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._writers: dict[tuple[str, str], RowWriter] = {}

    def __enter__(self) -> PairFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with ExitStack() as stack:
            for writer in self._writers.values():
                stack.callback(writer.close)

    def add(self, folder: str, split: str, row: Sequence[Any], n_characters: int) -> None:
        """Add one row to `folder` (data or ties) and split."""
        if (folder, split) not in self._writers:
            self._writers[folder, split] = RowWriter(self._directory / part_name(folder, split), PAIR_SCHEMA)
        self._writers[folder, split].add(row, n_characters=n_characters)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Folder -> split -> rows."""
        found: dict[str, dict[str, int]] = {"data": {}, "ties": {}}
        for (folder, split), writer in self._writers.items():
            found[folder][split] = writer.n_rows
        return found


def write_judgments(path: Path, votes: pd.DataFrame) -> int:
    """Write a vote frame with the column `justification` as `judgments.parquet`; returns its rows.

    Rows are sorted by comparison, judgment, criterion and pair. Empty justifications are null.
    """
    keys = [votes["second"].cat.codes, votes["first"].cat.codes, votes["criterion"].cat.codes]
    order = np.lexsort((*keys, votes["judgment_id"], votes["comparison_id"].cat.codes))
    writer = _open(path, JUDGMENT_SCHEMA)
    for rows in _slices(order, JUDGMENT_GROUP_ROWS):
        part = votes.iloc[rows]
        arrays = [_column(part[field.name], field.type) for field in JUDGMENT_SCHEMA]
        writer.write_table(pa.Table.from_arrays(arrays, schema=JUDGMENT_SCHEMA), row_group_size=JUDGMENT_GROUP_ROWS)
    writer.close()
    sync(path)
    return len(votes)


def write_pool(path: Path, rows: Iterable[Sequence[Any]]) -> int:
    """Write `pool.parquet` from (comparison_id, prompt, completions, meta) rows; returns how many there were."""
    writer = RowWriter(path, POOL_SCHEMA)
    for row in rows:
        writer.add(row, n_characters=sum(len(completion["text"]) for completion in row[2]))
    writer.close(even_if_empty=True)
    return writer.n_rows


def sync(path: Path) -> None:
    """Make sure that a finished file is on disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _open(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(path, schema, compression="zstd")


def _slices(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, max(len(order), 1), size):
        yield order[start : start + size]


def _column(column: pd.Series, kind: pa.DataType) -> pa.Array:
    """A column of the vote frame in the type of the contract; NaN becomes null."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pa.array(column).cast(kind)
    if column.name == "justification":
        return pa.array([text or None for text in column], type=kind)
    return pa.array(column, type=kind, from_pandas=True)
