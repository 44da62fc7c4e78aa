"""Files as numbered rows, whatever holds them: JSON Lines, a JSON array, or Parquet; streamed.

The number is the line for JSON, and the row, from 1 on, for Parquet.
"""

from __future__ import annotations

import codecs
import math
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from app.domain import ImportedComparison, RefusedLine
from app.errors import InvalidInput
from app.formats.base import ReadLine, Refusal, kind_of
from app.formats.json_array import array_rows
from app.formats.lines import DAMAGED, Row, existing_file, json_lines, open_bytes, refuse_unstorable

_BATCH_ROWS = 1024
_LOOKED_AT = 20
_PARQUET_MARK = b"PAR1"


def numbered_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, told apart by its first bytes: Parquet, a JSON array, else JSON Lines.

    Raises:
        InvalidInput: there is no such file, or it is damaged Parquet.
    """
    existing_file(path)
    start = _first_bytes(path)
    if start.startswith(_PARQUET_MARK):
        return parquet_rows(path)
    if start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
        return array_rows(path)
    return json_lines(path)


def _first_bytes(path: Path) -> bytes:
    try:
        with open_bytes(path) as file:
            return file.read(1024)
    except DAMAGED:
        return b""


def first_object(path: Path) -> dict[str, Any] | None:
    """The first object among the first rows of a file; None where there is none, or no file."""
    if not path.is_file():
        return None
    try:
        rows = numbered_rows(path)
    except InvalidInput:
        return None
    return next((row for _, row in islice(rows, _LOOKED_AT) if isinstance(row, dict)), None)


def map_rows(
    rows: Iterator[Row], to_comparison: Callable[[int, dict[str, Any]], ImportedComparison]
) -> Iterator[ReadLine]:
    """Map rows to comparisons; a row that cannot be mapped becomes a `RefusedLine`.

    Args:
        rows: numbered rows, some already refused.
        to_comparison: maps a line number and its object; raises `Refusal`.
    """
    for line, row in rows:
        if isinstance(row, RefusedLine):
            yield row
            continue
        try:
            imported = to_comparison(line, row)
        except Refusal as refusal:
            yield refusal.at(line)
        else:
            yield imported


def parquet_rows(path: Path) -> Iterator[Row]:
    """The rows of a Parquet file, a batch at a time.

    Raises:
        InvalidInput: the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidInput(f"{path} is no Parquet file that can be read: {error}. Fetch or write it again.") from None
    return _parquet_rows(file)


def _parquet_rows(file: Any) -> Iterator[Row]:
    with file:
        number = 0
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield number, plain_row(number, row)


def plain_row(number: int, row: dict[str, Any]) -> dict[str, Any] | RefusedLine:
    """A row of a table as JSON would have it: without nulls, times as text, no bytes.

    Columns of tables have one type for all rows, so a field that one row lacks stands there as null; absent is meant.
    """
    try:
        plain = {str(name): _plain(value, str(name)) for name, value in row.items() if value is not None}
        refuse_unstorable(plain, "")
    except Refusal as refusal:
        return refusal.at(number)
    return plain


def _plain(value: Any, field: str) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        made = {str(key): _plain(inner, f"{field}.{key}") for key, inner in value.items()}
        return {key: inner for key, inner in made.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, f"{field}[{position}]") for position, inner in enumerate(value)]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise Refusal(field, f"is {kind_of(value)}, which a comparison cannot keep; leave the column out")
