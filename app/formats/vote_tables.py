"""Parquet tables of votes, one row a vote: read column by column, so that ten million rows fit into small memory."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def read_vote_table(path: Path, columns: Collection[str]) -> pd.DataFrame:
    """Read those of `columns` that the file has; text columns become categoricals.

    One column after the other and one row group at a time: no more than one column exists twice at any moment.

    Args:
        path: a Parquet file.
        columns: names of columns; the others are not read.

    Raises:
        ValueError: the file is damaged (as pyarrow says it).
    """
    file = pq.ParquetFile(path)
    names = [name for name in file.schema_arrow.names if name in columns]
    read = {name: _column(file, name) for name in names}
    pa.default_memory_pool().release_unused()
    return pd.DataFrame(read, copy=False)


def _column(file: pq.ParquetFile, name: str) -> pd.Categorical | pd.Series:
    groups = range(file.metadata.num_row_groups)
    parts = [part for group in groups for part in file.read_row_group(group, columns=[name]).column(0).chunks]
    whole = pa.chunked_array(parts, type=file.schema_arrow.field(name).type)
    if pa.types.is_string(whole.type) or pa.types.is_large_string(whole.type):
        whole = whole.dictionary_encode()
    if not pa.types.is_dictionary(whole.type) or whole.num_chunks == 0:
        return whole.to_pandas()
    return _categorical(whole.unify_dictionaries())


def _categorical(column: pa.ChunkedArray) -> pd.Categorical:
    """A column with one dictionary as a categorical; missing values stay missing."""
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return pd.Categorical.from_codes(np.concatenate(codes), categories=column.chunk(0).dictionary.to_pandas())
