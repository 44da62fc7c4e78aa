"""Parquet tables of votes, one row a vote: read column by column, so that ten million rows fit into small memory."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

_ARROW_HINT = b"ARROW:schema"
_MAGIC = b"PAR1"
_IDENTITY = "comparison_id"


def read_vote_table(path: Path, columns: Collection[str]) -> pd.DataFrame:
    """Read those of `columns` that the file has; text columns become categoricals.

    One column after the other, its row groups on every core: no more than one column exists twice at any moment.

    Args:
        path: a Parquet file.
        columns: names of columns; the others are not read.

    Raises:
        ValueError: the file is damaged (as pyarrow says it).
    """
    stored = pq.ParquetFile(path).schema_arrow
    names = [name for name in stored.names if name in columns]
    # Text comes as the codes that the file holds, but for identities: there are too many for the dictionary of a row
    # group, so that codes would be made three times (by pyarrow for each group, and again to bring groups together).
    coded = [name for name in names if name != _IDENTITY and _is_text(stored.field(name).type)]
    again = partial(pq.ParquetFile, path, metadata=_metadata_without_hint(path), read_dictionary=coded)
    read = {name: _column(again, name) for name in names}
    pa.default_memory_pool().release_unused()
    return pd.DataFrame(read, copy=False)


def _metadata_without_hint(path: Path) -> pq.FileMetaData:
    """The file's metadata as if its writer had not noted its own types.

    pyarrow rebuilds the types that the writer had in memory: a dictionary there is a dictionary here, whatever
    `read_dictionary` says. Under another name of equal length the note is only a note.
    """
    with path.open("rb") as opened:
        opened.seek(-8, os.SEEK_END)
        tail = opened.read(8)
        length = int.from_bytes(tail[:4], "little")
        opened.seek(-8 - length, os.SEEK_END)
        footer = opened.read(length)
    footer = footer.replace(_ARROW_HINT, _ARROW_HINT.replace(b":", b"-"))
    return pq.read_metadata(io.BytesIO(_MAGIC + footer + tail))


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _column(again: Callable[[], pq.ParquetFile], name: str) -> pd.Categorical | pd.Series:
    """One column; the file is opened again for each row group, because a reader serves one thread only."""

    def chunks(group: int) -> list[pa.Array]:
        return again().read_row_group(group, columns=[name]).column(0).chunks

    file = again()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as threads:
        parts = [chunk for found in threads.map(chunks, range(file.metadata.num_row_groups)) for chunk in found]
    whole = pa.chunked_array(parts, type=file.schema_arrow.field(name).type)
    if len(whole) == 0 or not _is_text(whole.type):
        return whole.to_pandas()
    if pa.types.is_dictionary(whole.type):
        return _categorical(whole.unify_dictionaries())
    return _categorical(whole.dictionary_encode())  # which makes one dictionary for all chunks


def _categorical(column: pa.ChunkedArray) -> pd.Categorical:
    """A column with one dictionary as a categorical; missing values stay missing.

    pandas would look for values that are in the dictionary twice, which takes two seconds for three million of them.
    """
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in column.chunks]
    kind = pd.CategoricalDtype._from_fastpath(pd.Index(column.chunk(0).dictionary.to_pandas()))
    return pd.Categorical.from_codes(np.concatenate(codes), dtype=kind)
