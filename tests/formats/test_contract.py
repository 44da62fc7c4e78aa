"""What every format promises, run over the registry: a new format is covered once it has a sample here."""

from __future__ import annotations

import csv
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domain import ImportedComparison
from app.errors import InvalidInput
from app.formats.base import Format
from app.formats.registry import FORMATS, detect_format, format_named

N_ROWS = 3


def _lines(path: Path, rows: Iterator[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def _native(folder: Path, n_rows: int) -> Path:
    row = {"prompt": "Why?", "completions": [{"id": "a", "text": "So."}, {"id": "b", "text": "No."}]}
    votes = [{"rater": "w1", "preferred": "a"}]
    return _lines(folder / "sample.jsonl", (row | {"id": f"x{i}", "judgments": votes} for i in range(n_rows)))


def _trl(folder: Path, n_rows: int) -> Path:
    rows = ({"prompt": f"Why {i}?", "chosen": "So.", "rejected": "No."} for i in range(n_rows))
    return _lines(folder / "sample.jsonl", rows)


def _hh(folder: Path, n_rows: int) -> Path:
    turn = "\n\nHuman: Why {}?\n\nAssistant: {}"
    rows = ({"chosen": turn.format(i, "So."), "rejected": turn.format(i, "No.")} for i in range(n_rows))
    return _lines(folder / "sample.jsonl", rows)


def _csv(folder: Path, n_rows: int) -> Path:
    path = folder / "sample.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "prompt", "response_a", "response_b", "preferred", "rater"])
        writer.writerows([f"x{i}", "Why?", "So.", "No.", "a", "w1"] for i in range(n_rows))
    return path


def _datasets(folder: Path, n_rows: int) -> Path:
    datasets = pytest.importorskip("datasets", reason="needs the reward extra")
    path = folder / "saved"
    rows = [{"prompt": f"Why {i}?", "chosen": "So.", "rejected": "No."} for i in range(n_rows)]
    datasets.Dataset.from_list(rows).save_to_disk(str(path))
    return path


SAMPLES: dict[str, Callable[[Path, int], Path]] = {
    "native": _native,
    "trl": _trl,
    "hh": _hh,
    "csv": _csv,
    "datasets": _datasets,
}

every_format = pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())


def sample_of(known: Format, folder: Path, n_rows: int = N_ROWS) -> Path:
    assert known.name in SAMPLES, f"add a sample of {known.name} to SAMPLES in {__file__}"
    return SAMPLES[known.name](folder, n_rows)


@every_format
def test_it_is_registered_under_its_name_and_described(known: Format) -> None:
    assert format_named(known.name) is known
    assert known.description
    assert "\n" not in known.description


@every_format
def test_it_alone_is_detected_for_its_sample(known: Format, tmp_path: Path) -> None:
    path = sample_of(known, tmp_path)
    assert known.detect(path)
    assert detect_format(path) == known.name


@every_format
def test_it_reads_its_sample_whole_and_in_order(known: Format, tmp_path: Path) -> None:
    rows = list(known.read(sample_of(known, tmp_path)))
    assert len(rows) == N_ROWS
    assert all(isinstance(row, ImportedComparison) for row in rows)
    assert [row.line for row in rows] == sorted({row.line for row in rows})
    assert len({row.comparison.id for row in rows if isinstance(row, ImportedComparison)}) == N_ROWS


@every_format
def test_it_gives_completions_in_id_order_and_the_same_twice(known: Format, tmp_path: Path) -> None:
    path = sample_of(known, tmp_path)
    first = list(known.read(path))
    assert first == list(known.read(path))
    for row in first:
        assert isinstance(row, ImportedComparison)
        assert row.comparison.completion_ids == ("a", "b")


@every_format
def test_a_missing_file_is_named(known: Format, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nothing\.x"):
        list(known.read(tmp_path / "nothing.x"))
    assert not known.detect(tmp_path / "nothing.x")


@every_format
def test_detecting_other_files_is_harmless(known: Format, tmp_path: Path) -> None:
    for name, content in {"a.bin": b"\xff\x00\x01", "b.txt": b"hello\n", "c": b"", "d.gz": b"\x1f\x8bno"}.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert not known.detect(path)


@every_format
def test_memory_is_flat_in_file_size(known: Format, tmp_path: Path) -> None:
    path = sample_of(known, tmp_path, 1000)
    next(known.read(path))  # what is imported on first use does not count
    tracemalloc.start()
    try:
        n_rows = sum(1 for _ in known.read(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n_rows == 1000
    assert peak < 500_000, "all of its rows at once would take more than a million bytes"


@every_format
def test_what_it_writes_it_reads(known: Format, tmp_path: Path) -> None:
    if known.write is None:
        pytest.skip(f"{known.name} only comes in")
    rows = [row for row in known.read(sample_of(known, tmp_path)) if isinstance(row, ImportedComparison)]
    assert known.write(tmp_path / "again", rows) == N_ROWS
    assert list(known.read(tmp_path / "again")) == rows


def test_an_unknown_file_is_told_the_formats(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(InvalidInput) as caught:
        detect_format(path)
    assert all(name in str(caught.value) for name in FORMATS)
    with pytest.raises(InvalidInput, match="There is no file or directory"):
        detect_format(tmp_path / "nothing")
    with pytest.raises(InvalidInput, match="known are native"):
        format_named("xml")


def test_lines_are_native_unless_another_format_claims_them(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"id": "x"\n')
    assert detect_format(path) == "native"
