"""Parquet tables of votes: the same values as pandas reads, whatever the layout of the file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.formats.vote_tables import read_vote_table

TABLE = pd.DataFrame(
    {
        "comparison_id": [f"x{number // 3}" for number in range(60)],
        "rater_id": [f"r{number % 7}" for number in range(60)],
        "preferred": [("a", "b", "tie", None)[number % 4] for number in range(60)],
        "strength": [None if number % 5 == 0 else number % 4 for number in range(60)],
        "note": "not asked for",
    }
)
COLUMNS = ("comparison_id", "rater_id", "preferred", "strength", "absent")


def _write(path: Path, layout: str) -> None:
    table = pa.Table.from_pandas(TABLE, preserve_index=False)
    if layout == "categorical":
        table = pa.Table.from_pandas(TABLE.astype({"comparison_id": "category", "preferred": "category"}))
    pq.write_table(table, path, row_group_size=60 if layout == "one group" else 7, store_schema=layout != "no schema")


@pytest.mark.parametrize("layout", ["one group", "many groups", "categorical", "no schema"])
def test_the_values_are_those_of_pandas(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "votes.parquet"
    _write(path, layout)
    read = read_vote_table(path, COLUMNS)
    assert sorted(read.columns) == ["comparison_id", "preferred", "rater_id", "strength"]
    for name in ("comparison_id", "rater_id", "preferred"):
        assert isinstance(read[name].dtype, pd.CategoricalDtype)
        found = [None if pd.isna(value) else value for value in read[name]]
        assert found == [None if pd.isna(value) else value for value in TABLE[name]]
    pd.testing.assert_series_equal(read["strength"], TABLE["strength"], check_dtype=False)


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    pq.write_table(pa.Table.from_pandas(TABLE.iloc[:0], preserve_index=False), path)
    read = read_vote_table(path, COLUMNS)
    assert len(read) == 0
    assert "comparison_id" in read.columns


def test_a_damaged_file_is_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(ValueError, match=r"[Pp]arquet"):
        read_vote_table(path, COLUMNS)
