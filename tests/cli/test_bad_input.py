"""Bad input end to end: refused with file, line, field and reason; nothing else is lost; exit status 1 and counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Steelyard, native, write_lines

TWICE_A = [{"id": "a", "text": "one"}, {"id": "a", "text": "two"}]
ONE = [{"id": "a", "text": "one"}]
LONG = [{"id": "a", "text": "x" * 5_000_000}, {"id": "b", "text": "short"}]

BAD_LINES = [
    ("malformed", b'{"id": "bad", "prompt": ', "", "not JSON"),
    ("not an object", b"[1, 2]", "", "object"),
    ("no completions", {"completions": None}, "completions", "is missing"),
    ("one completion", {"completions": ONE}, "completions", "at least 2"),
    ("ids alike", {"completions": TWICE_A}, "completions[1].id", "ids must differ"),
    ("unknown field", {"promt": "typo"}, "promt", "did you mean 'prompt'"),
    ("5 MB", {"completions": LONG}, "completions[0].text", "5000000 bytes"),
    ("unknown completion", {"judgments": [{"rater": "w", "preferred": "z"}]}, "judgments[0].preferred", "'z'"),
    ("wrong encoding", '{"id": "bad", "prompt": "caf\xe9"}'.encode("latin-1"), "", "not UTF-8"),
    ("known id, other content", {"id": "good-1", "prompt": "Another?"}, "id", "give it another id"),
]


def as_line(bad: Any) -> bytes:
    if isinstance(bad, bytes):
        return bad
    fields = {"id": "bad", **bad}
    return json.dumps({key: value for key, value in native(**{"name": "bad", **fields}).items() if value}).encode()


@pytest.mark.parametrize(("bad", "field", "reason"), [row[1:] for row in BAD_LINES], ids=[row[0] for row in BAD_LINES])
def test_one_bad_line_loses_nothing_else(
    steelyard: Steelyard, tmp_path: Path, bad: Any, field: str, reason: str
) -> None:
    good = [json.dumps(native(f"good-{i}")).encode() for i in (1, 2, 3)]
    (tmp_path / "votes.jsonl").write_bytes(b"\n".join([*good[:2], as_line(bad), good[2]]) + b"\n")
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    done = steelyard("import", "c", "votes.jsonl", status=1)
    place = f"votes.jsonl: refused line 3, field {field}: " if field else "votes.jsonl: refused line 3"
    refusal, summary = done.err.splitlines()
    assert refusal.startswith(place)
    assert reason in refusal
    assert summary == "votes.jsonl: 4 lines: 3 new comparisons, 6 new judgments, 1 lines refused."
    assert steelyard("campaign", "show", "c", "--json").json["n_comparisons"] == 3

    again = steelyard("import", "c", "votes.jsonl", "--json", status=1)
    [document] = again.json
    [refused] = document["refused"]
    assert (refused["line"], refused["field"]) == (3, field)
    counts = {name: document[name] for name in ("n_lines", "n_comparisons", "n_comparisons_known", "n_judgments_known")}
    assert counts == {"n_lines": 4, "n_comparisons": 0, "n_comparisons_known": 3, "n_judgments_known": 6}


def test_utf_16_is_named_as_such(steelyard: Steelyard, tmp_path: Path) -> None:
    (tmp_path / "votes.jsonl").write_text(json.dumps(native("x")), encoding="utf-16")
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    assert "iconv -f UTF-16" in steelyard("import", "c", "votes.jsonl", "--format", "native", status=1).err


def test_a_rubric_with_a_typo_names_file_line_and_field(steelyard: Steelyard, tmp_path: Path) -> None:
    (tmp_path / "typo.yaml").write_text(
        "key: t\ntitle: T\ncriteria:\n"
        "  - key: h\n    name: H\n    question: q?\n    type: preference_scale\n    pionts: 7\n"
    )
    done = steelyard("campaign", "create", "c", "--rubric", "typo.yaml", status=1)
    assert done.err == "error: typo.yaml:8: criteria[0].pionts: unknown field (did you mean points?)\n"
    assert steelyard("campaign", "list", "--json").json == []


def test_a_file_that_cannot_be_read_stops_no_other(steelyard: Steelyard, tmp_path: Path) -> None:
    write_lines(tmp_path / "good.jsonl", native("x"))
    (tmp_path / "empty.parquet").write_bytes(b"PAR1")
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    done = steelyard("import", "c", "nope.jsonl", "empty.parquet", "good.jsonl", "--json", status=1)
    nope, empty, good = done.json
    assert "There is no file" in nope["error"]
    assert empty["error"]
    assert (good["error"], good["n_comparisons"]) == (None, 1)
    assert [line.startswith("error: ") for line in done.err.splitlines()] == [True, True, False]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("v.jsonl", b'{"id": "x", "prompt": "p", "completions": 3, "judgments": []}', "line 1, field completions"),
        ("v.jsonl", b'{"id": "x"', "line 1: not JSON"),
        ("v.jsonl", '{"id": "caf\xe9"}'.encode("latin-1"), "not UTF-8"),
        ("v.jsonl", b"", "holds no votes"),
        ("v.csv", b"", "No columns"),
        ("v.csv", b"x,y\n1,2\n", "lacks the columns"),
        ("v.csv", b"comparison_id,rater_id,preferred,strength\nx,r,a,much\n", "much"),
        ("v.csv", b"comparison_id,rater_id,preferred,at\nx,r,a,yesterday\n", "yesterday"),
        ("v.csv", b"comparison_id,rater_id,preferred\nx,r,caf\xe9\n", "utf-8"),
        ("v.parquet", b"PAR1", "Parquet"),
    ],
)
def test_a_bad_file_of_votes_is_refused_in_one_line(
    steelyard: Steelyard, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = steelyard("report", "agreement", "--votes", name, status=1)
    assert (done.out, len(done.err.splitlines())) == ("", 1)
    assert done.err.startswith(f"error: {name}")
    assert reason in done.err
    assert not (tmp_path / "steelyard-data").exists()


@pytest.mark.parametrize("line", ['{"comparison_id": "x"}', '{"comparison_id": "x", "priority": "high"}', "[]", "{"])
def test_bad_priorities_change_nothing(steelyard: Steelyard, tmp_path: Path, line: str) -> None:
    (tmp_path / "p.jsonl").write_text('{"comparison_id": "x", "priority": 1}\n' + line + "\n")
    write_lines(tmp_path / "c.jsonl", native("x"))
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    steelyard("import", "c", "c.jsonl")
    done = steelyard("priorities", "import", "c", "p.jsonl", status=1)
    assert done.err.startswith("error: p.jsonl, line 2")
    assert "Nothing was changed" in done.err
