"""TRL rows, HH transcripts, JSON arrays, Parquet, dataset directories and CSV: what becomes of a row."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import ImportedComparison, Message, RaterKind, RefusedLine
from app.errors import InvalidInput, MissingExtra
from app.formats import csv_pairs, hh, hub, trl
from app.formats.registry import detect_format

QUESTION = [{"role": "user", "content": "Why?"}]


def said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def text_named(row: ImportedComparison, completion_id: str) -> str:
    return next(one.text for one in row.comparison.completions if one.id == completion_id)


def preferred_text(row: ImportedComparison) -> str:
    assert row.comparison.reference is not None
    return text_named(row, row.comparison.reference["preferred"])


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        {"prompt": QUESTION, "chosen": [said("So.")], "rejected": [said("No.")]},
        {"chosen": [*QUESTION, said("So.")], "rejected": [*QUESTION, said("No.")]},
        {"prompt": "Why?", "chosen": [*QUESTION, said("So.")], "rejected": [*QUESTION, said("No.")]},
    ],
    ids=["explicit text", "explicit messages", "implicit messages", "prompt repeated"],
)
def test_all_trl_forms_give_the_same_comparison(row: dict[str, Any]) -> None:
    read = trl.read_row(1, row)
    assert read.comparison.prompt == (Message("user", "Why?"),)
    assert preferred_text(read) == "So."
    assert read.judgments == ()
    assert read.comparison.gold is None


@settings(deadline=None)
@given(chosen=st.text(min_size=1), rejected=st.text(min_size=1))
def test_the_label_does_not_move_the_ids(chosen: str, rejected: str) -> None:
    forward = trl.read_row(1, {"prompt": "Why?", "chosen": chosen, "rejected": rejected}).comparison
    backward = trl.read_row(1, {"prompt": "Why?", "chosen": rejected, "rejected": chosen}).comparison
    assert forward.completions == backward.completions
    assert forward.id == backward.id


def test_the_chosen_one_is_a_about_half_the_time() -> None:
    rows = [trl.read_row(1, {"prompt": f"Why {i}?", "chosen": "So.", "rejected": "No."}) for i in range(400)]
    n_first = sum(row.comparison.reference == {"preferred": "a"} for row in rows)
    assert 150 < n_first < 250  # five standard deviations of 10 around 200


@settings(deadline=None)
@given(st.text(min_size=1), st.text(min_size=1))
def test_an_implicit_text_prompt_loses_no_character(chosen: str, rejected: str) -> None:
    if chosen == rejected:
        return
    read = trl.read_row(1, {"chosen": chosen, "rejected": rejected})
    prompt = read.comparison.prompt[0].content
    assert {prompt + one.text for one in read.comparison.completions} == {chosen, rejected}


def test_an_implicit_text_prompt_ends_between_words() -> None:
    read = trl.read_row(1, {"chosen": "Q: how many? A: 14", "rejected": "Q: how many? A: 15"})
    assert read.comparison.prompt[0].content == "Q: how many? A: "
    assert preferred_text(read) == "14"


def test_numbers_models_and_other_columns_are_kept() -> None:
    row = {"id": 7, "prompt": "q", "chosen": "So.", "rejected": "No.", "margin": 0.5, "lang": "en", "none": None}
    row |= {"score_chosen": 8, "score_rejected": 3, "chosen_model": "m1", "rejected_model": "m2"}
    read = trl.read_row(1, row)
    reference = read.comparison.reference
    assert read.comparison.id == "7"
    assert reference is not None
    best = reference["preferred"]
    assert reference["margin"] == 0.5
    assert reference["scores"][best] == 8
    assert next(one.model for one in read.comparison.completions if one.id == best) == "m1"
    assert read.comparison.meta == {"lang": "en"}


def test_a_row_that_says_who_judged_is_a_judgment() -> None:
    row = {"prompt": "q", "chosen": "So.", "rejected": "No.", "rater": "gpt", "rater_kind": "model"}
    read = trl.read_row(1, row)
    assert read.comparison.reference is None
    assert read.judgments[0].rater_kind is RaterKind.MODEL
    assert text_named(read, read.judgments[0].answers["overall"].preferred or "") == "So."


def test_transcripts_become_messages() -> None:
    start = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Two\n\nparagraphs?\n\nAssistant:"
    read = hh.read_row(1, {"chosen": f"{start} Yes.", "rejected": start})
    assert read.comparison.prompt == (
        Message("user", "Hi"),
        Message("assistant", "Hello."),
        Message("user", "Two\n\nparagraphs?"),
    )
    assert preferred_text(read) == "Yes."
    assert len(read.warnings) == 1
    assert read.warnings[0].endswith("is empty")


def test_an_array_reads_with_its_lines_and_goes_on_behind_a_bad_element(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    good = {"prompt": "q", "chosen": "x" * 100_000, "rejected": "y"}
    rows = [*[good | {"id": i} for i in range(9)], 3, {"prompt": "q", "chosen": "x"}, good | {"id": 11}]
    path.write_text("\ufeff\n" + json.dumps(rows, indent=0), encoding="utf-8")
    assert detect_format(path) == "trl"
    read = list(trl.read(path))
    assert [type(row).__name__ for row in read] == ["ImportedComparison"] * 9 + ["RefusedLine"] * 2 + [
        "ImportedComparison"
    ]
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[read[9].line - 1] == "3,"
    assert '"id": 11' in lines[read[11].line + 3]


@pytest.mark.parametrize(("cut", "reason"), [(-1, "end of the file"), (-9, "not JSON"), (30, "not JSON")])
def test_an_array_cut_off_keeps_what_was_read(tmp_path: Path, cut: int, reason: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"prompt": "q", "chosen": "xxx", "rejected": "yyy"}])[:cut])
    *_, last = trl.read(path)
    assert isinstance(last, RefusedLine)
    assert reason in last.reason


def test_parquet_reads_without_its_nulls(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "rows.parquet"
    rows = [
        {"prompt": "q", "chosen": [said("So.") | {"name": None}], "rejected": [said("No.")], "k": {"x": 1}},
        {
            "prompt": None,
            "chosen": [*QUESTION, said("So.")],
            "rejected": [*QUESTION, said("No.")],
            "k": {"y": float("nan")},
        },
        {"prompt": "q", "chosen": None, "rejected": [said("No.")], "k": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert detect_format(path) == "trl"
    first, second, third = trl.read(path)
    assert isinstance(first, ImportedComparison)
    assert first.comparison.meta == {"k": {"x": 1}}
    assert isinstance(second, ImportedComparison)
    assert second.comparison.prompt == (Message("user", "Why?"),)
    assert isinstance(third, RefusedLine)
    assert (third.line, third.field) == (3, "chosen")


def test_damaged_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 but no more")
    with pytest.raises(InvalidInput, match=r"rows\.parquet is no Parquet file"):
        list(trl.read(path))


def test_splits_are_read_one_after_the_other(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the reward extra")
    native = {"prompt": "q", "completions": [{"id": "a", "text": "x"}, {"id": "b", "text": "y"}]}
    train = datasets.Dataset.from_list([native | {"id": "1", "meta": {"u": "v"}}, native | {"id": "2", "meta": None}])
    test = datasets.Dataset.from_list([native | {"id": "3", "meta": {"u": "w"}}, native | {"id": " ", "meta": None}])
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(str(tmp_path / "saved"))
    *good, bad = hub.read(tmp_path / "saved")
    assert [row.comparison.id for row in good if isinstance(row, ImportedComparison)] == ["1", "2", "3"]
    assert (bad.line, isinstance(bad, RefusedLine)) == (4, True)


def test_a_directory_of_parquet_is_a_dataset(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the reward extra")
    datasets.Dataset.from_list([{"text": "x"}]).to_parquet(str(tmp_path / "train.parquet"))
    assert detect_format(tmp_path) == "datasets"
    with pytest.raises(InvalidInput, match="has the columns text; needed are chosen and rejected"):
        list(hub.read(tmp_path))
    assert detect_format("hub:owner/name") == "datasets"


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"pip install 'steelyard\[reward\]'"):
        list(hub.read(tmp_path))


def read_csv(tmp_path: Path, text: str | bytes) -> list[ImportedComparison | RefusedLine]:
    path = tmp_path / "votes.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(csv_pairs.read(path))


def test_adjacent_rows_are_votes_on_one_comparison(tmp_path: Path) -> None:
    text = (
        "\ufeffid,prompt,response_a,response_b,model_a,preferred,rater,strength,justification,meta.topic\r\n"
        'x1,"Two\nlines",So.,"No, ""never"".",m1,a,w1,2,because,maths\r\n'
        'x1,"Two\nlines",So.,"No, ""never"".",m1,TIE,w2,,,maths\r\n'
        "x2,q,x,y,,b,,,,\r\n"
    )
    first, second = read_csv(tmp_path, text)
    assert isinstance(first, ImportedComparison)
    assert isinstance(second, ImportedComparison)
    assert (first.line, second.line) == (2, 6)
    assert first.comparison.prompt[0].content == "Two\nlines"
    assert first.comparison.completions[1].text == 'No, "never".'
    assert first.comparison.meta == {"topic": "maths"}
    answers = [judgment.answers["overall"] for judgment in first.judgments]
    assert [(one.preferred, one.strength) for one in answers] == [("a", 2), ("tie", None)]
    assert first.judgments[0].justification == "because"
    assert (second.judgments, second.comparison.reference) == ((), {"preferred": "b"})


HEADER = "id,prompt,response_a,response_b,preferred,rater,strength\n"


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ("x1,q,x,y,a,w9", "", "has 6 cells under 7 columns"),
        ("x1,q,x,y,c,w9,", "preferred", "'c' is no completion"),
        ("x1,q,x,y,,w9,", "preferred", "is empty beside a rater"),
        ("x1,q,x,y,a,w9,much", "strength", "is no number"),
        ("x1,q,x,y,,,2", "strength", "stands without preferred"),
        ("x1,q,x,other,a,w9,", "response_b", "differs from line 2"),
        ("x1,q,x,y,b,w1,", "rater", "'w1' already judges"),
        ('x1,q,"x"x,y,b,w9,', "", "not CSV"),
        ("x1,q,x\0,y,b,w9,", "response_a", "NUL"),
        (b"x1,q,x\xe9,y,b,w9,", "", "byte 0xe9 at offset 78 is not UTF-8"),
    ],
)
def test_a_bad_row_loses_no_other(tmp_path: Path, row: str | bytes, field: str, reason: str) -> None:
    raw = row if isinstance(row, bytes) else row.encode()
    text = HEADER.encode() + b"x1,q,x,y,a,w1,\n" + raw + b"\nx1,q,x,y,b,w2,\n"
    refused, good = read_csv(tmp_path, text)
    assert isinstance(refused, RefusedLine)
    assert (refused.line, refused.field) == (3, field)
    assert reason in refused.reason
    assert isinstance(good, ImportedComparison)
    assert [judgment.rater for judgment in good.judgments] == ["w1", "w2"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("prompt,response_a", "the columns are prompt, response_a; response_b is missing"),
        ("prompt;response_a;response_b", "separate columns with commas"),
        ("prompt,response_a,response_b,rator", r"'rator' is unknown \(did you mean 'rater'\?\)"),
        ("prompt,response_a,response_b,prompt", "stands twice"),
        ("", "is empty"),
    ],
)
def test_a_wrong_header_lists_the_columns(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_csv(tmp_path, header)


def test_an_open_quote_is_refused_with_the_line_it_opens_on(tmp_path: Path) -> None:
    first, refused = sorted(
        read_csv(tmp_path, HEADER + 'x1,q,x,y,a,w1,\nx2,q,"x,y,a,w1,\nx3,q,x,y,a,w1,\n'), key=lambda row: row.line
    )
    assert isinstance(first, ImportedComparison)
    assert isinstance(refused, RefusedLine)
    assert (refused.line, refused.field) == (3, "")
    assert "up to line 4" in refused.reason
