"""A campaign goes out as native JSONL and comes back as the same ledger."""

from __future__ import annotations

import json
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import NotFound
from app.services.campaigns import create_campaign
from app.services.exporting import export_campaign
from app.services.importing import import_file
from app.store import queries
from app.store.engine import Store
from tests.services.ledgers import TWO_CRITERIA, erase_completion, line, make_campaign, vote

_numbers = count(1)


def round_trip(store: Store, lines: list[dict[str, Any]], folder: Path) -> tuple[str, str, pd.DataFrame, pd.DataFrame]:
    """Import, export, import the export into a new campaign, export that: both texts and both vote frames."""
    texts, frames = [], []
    previous = folder / "lines.jsonl"
    previous.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    for _ in range(2):
        name = f"c{next(_numbers)}"
        campaign = create_campaign(store, name, rubric=TWO_CRITERIA)
        assert import_file(store, name, previous, format_name="native").refused == []
        previous = folder / f"{name}.jsonl"
        export_campaign(store, name, previous)
        texts.append(previous.read_text(encoding="utf-8"))
        with store.read() as connection:
            frames.append(queries.judgments_frame(connection, campaign.id, with_text=True))
    return texts[0], texts[1], frames[0], frames[1]


EVERYTHING = line(
    "x1",
    [
        {
            "rater": "w1",
            "preferred": "b",
            "strength": 2,
            "criteria": {
                "help": {"preferred": "a", "strength": 1},
                "clear": {"scores": {"b": 5, "a": 2.5}},
                "polite": {"checks": {"b": True, "a": False}},
            },
            "justification": 'b says it in a line; \u00fc \u2028 "quoted"',
            "tensions": [{"between": ["help", "clear"], "prevailed": "clear", "why": "shorter"}],
            "reports": [{"kind": "broken", "text": "a stops half way"}, {"kind": "harmful"}],
            "error_spans": [{"completion": "a", "criterion": "clear", "start": 0, "end": 2, "note": "no \u00fc"}],
            "confidence": 4,
            "seconds": 12.25,
            "at": "2026-01-31T10:00:00.123456Z",
            "shown": ["b", "a"],
            "criteria_shown": ["polite", "help", "clear"],
            "overall_first": True,
        },
        {"rater": "w1", "preferred": "a", "revision": 1},
        {"rater": "w1", "preferred": "tie", "repeat_index": 1, "purpose": "repeat"},
        {"rater": "m", "rater_kind": "model", "preferred": "both_bad", "round": "machines"},
        {"rater": "w2", "preferred": "cannot_judge", "purpose": "gold"},
        {"rater": "w3", "criteria": {"help": {"preferred": "not_applicable"}}},
    ],
    gold={
        "accepted": ["a", "tie"],
        "criteria": {"help": "a"},
        "explanation": "see",
        "distribution": {"b": 0.25, "a": 0.75},
    },
    reference={"preferred": "a", "by": "the book"},
    meta={"z": [1, {"b": None, "a": True}], "topic": "t"},
    adjudications=[
        {
            "preferred": "a",
            "strength": 3,
            "cause": "error",
            "reason": "misread",
            "by": "ann",
            "at": "2026-02-01T00:00:00Z",
        },
        {"preferred": "tie", "cause": "style", "reason": "taste", "by": "bo", "round": "machines"},
    ],
)


def test_everything_comes_back(store: Store, tmp_path: Path) -> None:
    turns = [{"role": "system", "content": ""}, {"role": "user", "content": "Hi"}]
    other = line("x0", prompt=turns)
    other["completions"][1] |= {
        "model": "m",
        "parameters": {"t": 1, "a": {"c": 1, "b": 2}},
        "licence": "MIT",
        "source": "s",
    }
    first, second, before, after = round_trip(store, [EVERYTHING, other], tmp_path)
    assert first == second
    out = [json.loads(text) for text in first.rstrip("\n").split("\n")]
    assert [one["id"] for one in out] == ["x1", "x0"], "in the order of the ledger"
    for mine, theirs in zip((EVERYTHING, other), out, strict=True):
        for key in ("prompt", "completions", "gold", "reference", "meta"):
            assert theirs.get(key) == mine.get(key)
    given_, written = EVERYTHING["judgments"], out[0]["judgments"]
    assert written[0] == given_[0] | {
        "rater_kind": "human",
        "round": "main",
        "rubric_version": TWO_CRITERIA.version,
        "tensions": [{"between": ["clear", "help"], "prevailed": "clear", "why": "shorter"}],
    }
    assert [one.get("revision", 0) for one in written] == [0, 1, 0, 0, 0, 0]
    assert {one["round"] for one in out[0]["adjudications"]} == {"main", "machines"}
    columns = [name for name in before.columns if name != "judgment_id"]
    pd.testing.assert_frame_equal(before[columns], after[columns], check_categorical=False)


answers = st.sampled_from(["a", "b", "tie", "both_bad", "cannot_judge"])
criteria = st.fixed_dictionaries(
    {},
    optional={
        "help": st.fixed_dictionaries({"preferred": st.sampled_from("ab"), "strength": st.integers(1, 3)}),
        "clear": st.fixed_dictionaries(
            {"scores": st.fixed_dictionaries({"a": st.floats(1, 5, width=32), "b": st.integers(1, 5)})}
        ),
        "polite": st.fixed_dictionaries({"checks": st.fixed_dictionaries({"a": st.booleans(), "b": st.booleans()})}),
    },
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
plain_meta = st.dictionaries(
    texts.filter(bool), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, max_size=3
)
judgment = st.fixed_dictionaries(
    {"preferred": answers, "criteria": criteria, "justification": texts},
    optional={
        "confidence": st.integers(1, 5),
        "seconds": st.floats(0, 1e6),
        "shown": st.permutations(["a", "b"]),
        "at": st.datetimes(min_value=pd.Timestamp("1990-01-01").to_pydatetime()).map(lambda at: at.isoformat() + "Z"),
        "purpose": st.sampled_from(["work", "gold", "exam", "audit", "repeat"]),
        "round": st.sampled_from(["main", "second"]),
    },
)


@st.composite
def native_lines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Lines with any texts, several raters, repeats and revisions."""
    lines = []
    for number in range(draw(st.integers(1, 3))):
        judgments = []
        for rater in range(draw(st.integers(0, 3))):
            for revision in range(draw(st.integers(1, 2))):
                one = draw(judgment)
                one |= {"rater": f"w{rater}", "revision": revision}
                if revision:
                    one |= {name: judgments[-1].get(name) for name in ("round", "purpose", "shown")}
                judgments.append(one)
        whole = line(f"x{number}", judgments, meta=draw(plain_meta))
        whole["prompt"] = draw(texts)
        whole["completions"] = [{"id": key, "text": draw(texts)} for key in "ab"]
        lines.append(whole)
    return lines


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=native_lines())
def test_import_export_import_export_gives_the_same_bytes(store: Store, lines: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, second, before, after = round_trip(store, lines, Path(folder))
    assert first == second
    columns = [name for name in before.columns if name != "judgment_id"]
    pd.testing.assert_frame_equal(before[columns], after[columns], check_categorical=False)


def test_a_withdrawn_comparison_stays_behind_and_is_counted(store: Store, tmp_path: Path) -> None:
    make_campaign(store, [line("x1", [vote("w1", "a")]), line("x2")], tmp_path)
    erase_completion(store, "x1", "a")
    counts = export_campaign(store, "c", tmp_path / "out" / "c.jsonl")
    assert (counts.n_comparisons, counts.n_left_out_erased, counts.erased) == (1, 1, ["x1"])
    assert [json.loads(text)["id"] for text in (tmp_path / "out" / "c.jsonl").read_text().splitlines()] == ["x2"]


def test_a_failed_export_leaves_the_old_file(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_campaign(sqlite_store, [line("x1"), line("x2")], tmp_path)
    path = tmp_path / "c.out.jsonl"
    export_campaign(sqlite_store, "c", path)
    before = path.read_bytes()

    def broken(*_: object, **__: object) -> object:
        raise OSError("disk full")

    monkeypatch.setattr("app.services.exporting.queries.read_comparisons", broken)
    with pytest.raises(OSError, match="disk full"):
        export_campaign(sqlite_store, "c", path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if "partial" in one.name] == []


def test_an_unknown_campaign_is_named(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        export_campaign(sqlite_store, "nobody", tmp_path / "c.jsonl")


def test_real_rankings_come_back(store: Store, shared_data: Path, tmp_path: Path) -> None:
    texts = []
    source = shared_data / "qa_ranking_k4.jsonl"
    for name in ("one", "two"):
        make_campaign(store, [], tmp_path, name=name)
        import_file(store, name, source, format_name="native")
        source = tmp_path / f"{name}.out.jsonl"
        counts = export_campaign(store, name, source)
        texts.append(source.read_text())
    assert texts[0] == texts[1]
    assert (counts.n_comparisons, counts.n_judgments) == (500, 500)
