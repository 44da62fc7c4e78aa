"""Native JSONL: what goes out comes back; good lines survive bad neighbours; ids and limits."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain import ImportedComparison, Message, RaterKind, RefusedLine
from app.formats import native
from tests.formats.strategies import imported_comparisons

PAIR: dict[str, Any] = {
    "id": "x1",
    "prompt": "Why?",
    "completions": [{"id": "a", "text": "So."}, {"id": "b", "text": "No."}],
}


def read_text(tmp_path: Path, text: str | bytes) -> list[ImportedComparison | RefusedLine]:
    path = tmp_path / "file.jsonl"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(native.read(path))


def read_one(tmp_path: Path, **fields: Any) -> ImportedComparison:
    (row,) = read_text(tmp_path, json.dumps(PAIR | fields))
    assert isinstance(row, ImportedComparison), row
    return row


@given(rows=st.lists(imported_comparisons(), max_size=3))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_what_is_written_reads_back_and_is_written_the_same(tmp_path: Path, rows: list[ImportedComparison]) -> None:
    path = tmp_path / "out.jsonl"
    assert native.write(path, iter(rows)) == len(rows)
    read = [replace(row, warnings=()) for row in native.read(path) if isinstance(row, ImportedComparison)]
    assert read == [replace(row, line=number) for number, row in enumerate(rows, 1)]
    native.write(tmp_path / "again.jsonl", iter(read))
    assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()


@given(garbage=st.binary(max_size=80).filter(lambda raw: b"\n" not in raw and b"\r" not in raw))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_garbage_line_takes_its_neighbours_along(tmp_path: Path, garbage: bytes) -> None:
    good = json.dumps(PAIR).encode()
    rows = read_text(tmp_path, good + b"\n" + garbage + b"\n" + good + b"\n")
    kept = [row for row in rows if isinstance(row, ImportedComparison)]
    assert [row.line for row in kept] == [1, 3]
    assert [row.line for row in rows if isinstance(row, RefusedLine)] in ([], [2])


def test_every_field_of_a_judgment_is_read(tmp_path: Path) -> None:
    judgment = {
        "rater": "w1",
        "rater_kind": "model",
        "preferred": "a",
        "strength": 2,
        "criteria": {"clarity": {"scores": {"a": 4, "b": 2}}, "safety": {"checks": {"a": True, "b": False}}},
        "at": "2026-01-31T12:00:00+02:00",
        "shown": ["b", "a"],
        "confidence": 4,
        "tensions": [{"between": ["clarity", "safety"], "prevailed": "safety"}],
    }
    (read,) = read_one(tmp_path, judgments=[judgment]).judgments
    assert read.rater_kind is RaterKind.MODEL
    assert read.answers["overall"].strength == 2
    assert read.answers["clarity"].scores == {"a": 4, "b": 2}
    assert read.answers["safety"].checks == {"a": True, "b": False}
    assert read.at == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert read.shown == ("b", "a")
    assert read.confidence == 4
    assert read.tensions[0].prevailed == "safety"


def test_null_counts_as_absent(tmp_path: Path) -> None:
    row = read_one(tmp_path, gold=None, meta=None, judgments=[{"rater": "w", "preferred": "a", "strength": None}])
    assert row.comparison.gold is None
    assert row.judgments[0].answers["overall"].strength is None


def test_text_prompt_is_one_user_message(tmp_path: Path) -> None:
    assert read_one(tmp_path).comparison.prompt == (Message("user", "Why?"),)


def test_completions_come_in_id_order(tmp_path: Path) -> None:
    row = read_one(tmp_path, completions=[{"id": "b", "text": "B"}, {"id": "a", "text": "A"}])
    assert [(one.id, one.text) for one in row.comparison.completions] == [("a", "A"), ("b", "B")]


def test_missing_ids_come_from_the_content(tmp_path: Path) -> None:
    texts = ["first", "second", "third"]
    forward = read_one(tmp_path, id=None, completions=[{"text": text} for text in texts])
    backward = read_one(tmp_path, id=None, completions=[{"text": text} for text in reversed(texts)])
    assert forward.comparison == backward.comparison
    assert forward.comparison.completion_ids == ("a", "b", "c")
    assert forward.comparison.id.startswith("h-")
    assert read_one(tmp_path, id=None, prompt="Other?").comparison.id != read_one(tmp_path, id=None).comparison.id


def test_byte_order_mark_blank_lines_and_gzip_are_accepted(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + json.dumps(PAIR).encode() + b"\r\n\r\n   \n" + json.dumps(PAIR).encode()
    assert [row.line for row in read_text(tmp_path, text)] == [1, 4]
    assert [row.line for row in read_text(tmp_path, gzip.compress(text))] == [1, 4]


def test_a_damaged_archive_keeps_what_was_read(tmp_path: Path) -> None:
    packed = gzip.compress((json.dumps(PAIR) + "\n").encode() * 3)
    rows = read_text(tmp_path, packed[:-4])
    assert isinstance(rows[-1], RefusedLine)
    assert "gzip" in rows[-1].reason


def test_line_separators_inside_texts_end_no_line(tmp_path: Path) -> None:
    text = json.dumps(PAIR | {"prompt": "a\u2028b\x85c"}, ensure_ascii=False)
    (row,) = read_text(tmp_path, text + "\n")
    assert isinstance(row, ImportedComparison)
    assert row.comparison.prompt[0].content == "a\u2028b\x85c"


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    good = read_one(tmp_path)
    bad = replace(good, comparison=replace(good.comparison, meta={"x": float("nan")}))
    with pytest.raises(ValueError, match="JSON compliant"):
        native.write(path, [good, bad])
    assert path.read_text() == "old"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file.jsonl", "out.jsonl"]


@pytest.mark.parametrize(
    ("name", "n_comparisons", "n_judgments"),
    [
        ("llmfao", 2139, 8931),
        ("ukp_arguments", 3775, 18835),
        ("pandalm", 999, 2997),
        ("nlg_criteria", 1095, 1095),
        ("qa_ranking_k4", 500, 500),
    ],
)
def test_public_data_reads_whole(shared_data: Path, name: str, n_comparisons: int, n_judgments: int) -> None:
    rows = list(native.read(shared_data / f"{name}.jsonl"))
    assert not [row for row in rows if isinstance(row, RefusedLine)]
    assert len(rows) == n_comparisons
    assert sum(len(row.judgments) for row in rows if isinstance(row, ImportedComparison)) == n_judgments


def test_blank_responses_of_public_data_are_flagged(shared_data: Path) -> None:
    counts = Counter()
    for name in ("llmfao", "pandalm"):
        for row in native.read(shared_data / f"{name}.jsonl"):
            assert isinstance(row, ImportedComparison)
            counts[name] += any(warning.endswith(("white space", "empty")) for warning in row.warnings)
    assert counts == {"llmfao": 289, "pandalm": 54}
