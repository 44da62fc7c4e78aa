"""A campaign goes out as native JSONL and comes back as the same ledger."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.domain import ReviewLevel, Role, Scope
from app.errors import NotFound
from app.requirements import from_dict
from app.services import judging, questions, reviewing
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign
from app.services.exporting import export_campaign
from app.services.importing import import_file
from app.services.judging import Submission
from app.services.lookup import find_campaign
from app.services.people import add_account
from app.store import queries, tables
from app.store.engine import Store
from rubrics.answers import Answer
from tests.services import house
from tests.services.ledgers import TWO_CRITERIA, erase_completion, line, make_campaign, vote

_numbers = count(1)


def ledger(store: Store, name: str) -> list[list[str]]:
    """What a campaign's ledger says of assignments that were submitted, and of questions; without row numbers."""
    assignment, report = tables.assignment, tables.rater_report
    whose = (tables.comparison.c.external_id, tables.rater.c.name, tables.round_.c.name)
    of = (
        assignment.join(tables.comparison, tables.comparison.c.id == assignment.c.comparison_id)
        .join(tables.rater, tables.rater.c.id == assignment.c.rater_id)
        .join(tables.round_, tables.round_.c.id == assignment.c.round_id)
        .join(tables.campaign, tables.campaign.c.id == tables.round_.c.campaign_id)
    )
    facts = [assignment.c[name] for name in ("repeat_index", "scope", "purpose", "state", "shown", "criteria_shown")]
    said = [
        report.c[name] for name in ("kind", "text", "answer", "answered_by", "answered_at", "reported_at", "read_at")
    ]
    done = assignment.c.state == "submitted"
    review, reviewer = tables.review, tables.rater.alias("reviewer")
    of_review = (
        of.join(tables.judgment, tables.judgment.c.assignment_id == assignment.c.id)
        .join(review, review.c.judgment_id == tables.judgment.c.id)
        .join(reviewer, reviewer.c.id == review.c.reviewer_id)
    )
    words = [review.c[name] for name in ("level", "verdict", "answers", "reason", "reviewed_at")]
    asked = (
        select(*whose, tables.judgment.c.revision, *words, reviewer.c.name).select_from(of_review),
        select(*whose, *facts, assignment.c.asks_overall, assignment.c.takes_place).select_from(of).where(done),
        select(*whose, *said, assignment.c.scope, assignment.c.state).select_from(
            of.join(report, report.c.assignment_id == assignment.c.id)
        ),
    )
    with store.read() as connection:
        return [sorted(map(repr, connection.execute(query.where(tables.campaign.c.name == name)))) for query in asked]


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
            "reviews": [
                {
                    "level": "review",
                    "preferred": "a",
                    "strength": 1,
                    "criteria": {"clear": {"scores": {"a": 2, "b": 5}}, "help": {"preferred": "a", "strength": 1}},
                    "reason": "a, \u2028 barely",
                    "by": "rea",
                    "at": "2026-02-03T00:00:00Z",
                },
                {"level": "senior", "reason": "it stands", "by": "w2", "at": "2026-02-04T00:00:00Z"},
            ],
        },
        {"rater": "w1", "preferred": "a", "revision": 1},
        {"rater": "w1", "preferred": "tie", "repeat_index": 1, "purpose": "repeat"},
        {"rater": "m", "rater_kind": "model", "preferred": "both_bad", "round": "machines"},
        {"rater": "w2", "preferred": "cannot_judge", "purpose": "gold"},
        {"rater": "w3", "criteria": {"help": {"preferred": "not_applicable"}}, "scope": "experts"},
    ],
    questions=[
        {
            "rater": "w1",
            "kind": "question",
            "text": "Is [response:a] a quote?",
            "at": "2026-01-31T10:01:00Z",
            "answer": "It is.",
            "answered_by": "dora",
            "answered_at": "2026-02-01T00:00:00Z",
            "read_at": "2026-02-02T00:00:00Z",
        },
        {"rater": "w9", "kind": "harmful", "round": "machines", "scope": "experts"},
    ],
    gold={
        "accepted": ["a", "tie"],
        "criteria": {"help": "a"},
        "explanation": "see",
        "distribution": {"b": 0.25, "a": 0.75},
        "suspended_at": "2026-02-05T00:00:00Z",
        "suspended_for": {"reason": "strong raters answer otherwise", "figures": {"n": 5, "against": 4}},
        "kept_at": "2026-01-02T03:04:05Z",
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
    assert written[0]["reviews"][1] == {
        "level": "senior", "reason": "it stands", "by": "w2", "at": "2026-02-04T00:00:00Z"
    }  # fmt: skip
    assert [one.get("revision", 0) for one in written] == [0, 1, 0, 0, 0, 0]
    assert {one["round"] for one in out[0]["adjudications"]} == {"main", "machines"}
    assert [one.get("scope") for one in written] == [None] * 5 + ["experts"]
    assert out[0]["questions"] == [{"round": "main"} | one for one in EVERYTHING["questions"]]
    columns = [name for name in before.columns if name != "judgment_id"]
    pd.testing.assert_frame_equal(before[columns], after[columns], check_categorical=False)


def test_a_suspended_key_stays_suspended_and_is_the_same_comparison(store: Store, tmp_path: Path) -> None:
    create_campaign(store, "old", rubric=TWO_CRITERIA)
    file = tmp_path / "lines.jsonl"
    file.write_text(json.dumps(line("x", gold={"accepted": ["a"]})))
    import_file(store, "old", file, format_name="native")
    with store.write() as connection:
        values = {"suspended_at": datetime(2026, 2, 5, tzinfo=UTC), "suspended_for": {"reason": "r"}}
        connection.execute(tables.gold_key.update().values(values))
    export_campaign(store, "old", tmp_path / "out.jsonl")
    assert import_file(store, "old", tmp_path / "out.jsonl", format_name="native").n_comparisons_known == 1
    create_campaign(store, "new", rubric=TWO_CRITERIA)
    import_file(store, "new", tmp_path / "out.jsonl", format_name="native")
    with store.read() as connection:
        keys = connection.execute(select(tables.gold_key.c.suspended_at, tables.gold_key.c.suspended_for)).all()
    assert keys == [(values["suspended_at"], {"reason": "r"})] * 2


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
        "scope": st.sampled_from(["experts", "everybody"]),
    },
)
moments = st.datetimes(min_value=pd.Timestamp("1990-01-01").to_pydatetime()).map(lambda at: at.isoformat() + "Z")
question = st.fixed_dictionaries(
    {"rater": st.sampled_from(["w0", "w9"]), "kind": st.sampled_from(["question", "harmful"]), "text": texts},
    optional={"round": st.sampled_from(["main", "second"]), "at": moments},
) | st.fixed_dictionaries(
    {"rater": st.just("w1"), "kind": st.just("question"), "text": texts, "answer": texts, "answered_at": moments},
    optional={"read_at": moments, "answered_by": st.just("dora"), "at": moments},
)


answered = st.fixed_dictionaries({"preferred": answers, "criteria": criteria, "reason": texts, "at": moments})
accepted = st.fixed_dictionaries({"at": moments}, optional={"reason": texts})
reviews = st.one_of(
    st.just([]),
    accepted.map(lambda one: [one | {"level": "review", "by": "rea"}]),
    st.tuples(answered, accepted | answered).map(
        lambda two: [two[0] | {"level": "review", "by": "rea"}, two[1] | {"level": "senior", "by": "w9"}]
    ),
)


@st.composite
def native_lines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Lines with any texts, several raters, repeats and revisions."""
    lines = []
    for number in range(draw(st.integers(1, 6))):
        judgments = []
        for rater in range(draw(st.integers(0, 3))):
            for revision in range(draw(st.integers(1, 2))):
                one = draw(judgment)
                one |= {"rater": f"w{rater}", "revision": revision, "reviews": draw(reviews)}
                if revision:
                    one |= {name: judgments[-1].get(name) for name in ("round", "purpose", "shown", "scope")}
                judgments.append(one)
        asked = st.lists(question, max_size=3, unique_by=lambda one: (one["rater"], one["text"], one["kind"]))
        whole = line(f"x{number}", judgments, meta=draw(plain_meta), questions=draw(asked))
        whole["prompt"] = draw(texts)
        whole["completions"] = [{"id": key, "text": draw(texts)} for key in "ab"]
        lines.append(whole)
    return lines


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=native_lines())
def test_import_export_import_export_gives_the_same_bytes(store: Store, lines: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, second, before, after = round_trip(store, lines, Path(folder))
    assert first == second
    columns = [name for name in before.columns if name != "judgment_id"]
    pd.testing.assert_frame_equal(before[columns], after[columns], check_categorical=False)


def test_routed_work_and_answered_questions_come_back_from_the_live_ledger(store: Store, tmp_path: Path) -> None:
    expert = from_dict({"all": [{"skill": "expert"}]})
    scopes = (Scope("tone", ("polite",)), Scope("rest", ("help", "clear"), asks_overall=True, requires=expert))
    house.make_campaign(
        store, tmp_path, [line("x1"), line("x2")], raters=["ann", "bob"], rubric=TWO_CRITERIA, scopes=scopes
    )
    add_account(store, "dora")
    add_member(store, "c", "dora", roles=[Role.DESIGNER])
    held = next_assignment(store, "ann", "c")
    assert held is not None
    assert held.criteria_shown == ("polite",)
    asked = questions.ask(store, "ann", held.id, "Is Response A polite?")
    judging.submit(store, "ann", held.id, Submission({"polite": Answer(checks={"a": True, "b": False})}))
    questions.answer(store, "dora", asked, "Response A is.")
    passed = next_assignment(store, "bob", "c")
    assert passed is not None
    questions.report(store, "bob", passed.id, text="broken")
    judging.skip(store, "bob", passed.id, reason="broken")
    file = tmp_path / "out.jsonl"
    counts = export_campaign(store, "c", file)
    assert (counts.n_judgments, counts.n_questions) == (1, 1), "hers went along with her judgment"
    create_campaign(store, "again", rubric=TWO_CRITERIA)
    for _ in range(2):
        assert import_file(store, "again", file, format_name="native").refused == []
    assert ledger(store, "again") == ledger(store, "c")
    assert questions.n_open(store, "dora", "c") == 1, "bob's report waits where he raised it"


def test_reviews_come_back_from_the_live_ledger_and_count_as_they_did(store: Store, tmp_path: Path) -> None:
    house.make_campaign(store, tmp_path, [line("x1"), line("x2")], overlap=1, review_share=1.0)
    for name, role in (("rea", Role.REVIEWER), ("dora", Role.DESIGNER)):
        add_account(store, name)
        add_member(store, "c", name, roles=[role])
    for _ in range(2):
        held = next_assignment(store, "ann", "c")
        assert held is not None
        judging.submit(store, "ann", held.id, house.prefers("a"))
    better = {"overall": Answer(preferred="b", strength=1)}
    for answers_, level in ((better, ReviewLevel.REVIEW), (None, ReviewLevel.REVIEW), (better, ReviewLevel.SENIOR)):
        who = "dora" if level is ReviewLevel.SENIOR else "rea"
        seen = reviewing.next_attempt(store, who, "c", level=level)
        assert seen is not None
        reviewing.review(store, who, "c", seen.judgment_id, level=level, answers=answers_, reason="so")
    file = tmp_path / "out.jsonl"
    assert export_campaign(store, "c", file).n_reviews == 3
    create_campaign(store, "again", rubric=house.MINIMAL)
    for n_new in (3, 0):
        summary = import_file(store, "again", file, format_name="native")
        assert (summary.refused, summary.n_reviews) == ([], n_new)
    assert ledger(store, "again") == ledger(store, "c")
    with store.read() as connection:
        ids = [find_campaign(connection, name).id for name in ("c", "again")]
        frames = [queries.judgments_frame(connection, one, as_settled=True) for one in ids]
    outcomes = [sorted(zip(one["comparison_id"], one["outcome"], strict=True)) for one in frames]
    assert outcomes[0] == outcomes[1]
    assert {outcome for _, outcome in outcomes[0]} == {"first", "second"}, "the senior's answer counts"
    export_campaign(store, "again", tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text() == file.read_text()


def test_a_review_without_its_judgment_is_refused(sqlite_store: Store, tmp_path: Path) -> None:
    given_ = vote("w1", "a")
    make_campaign(sqlite_store, [line("x1", [given_])], tmp_path)
    said = {"level": "review", "reason": "no", "preferred": "b", "by": "rea", "at": "2026-02-03T00:00:00Z"}
    path = tmp_path / "late.jsonl"
    for reviews_, reason in (
        ([said], "on record without it"),
        ([said | {"by": "w1"}], "nobody reviews their own"),
        ([said | {"level": "senior"}], "a senior settles"),
        ([said, said | {"by": "bo"}], "stands twice"),
        ([said | {"preferred": "c"}], "no completion"),
    ):
        path.write_text(json.dumps(line("x1", [given_ | {"reviews": reviews_}])) + "\n")
        summary = import_file(sqlite_store, "c", path, format_name="native")
        assert [one.field.startswith("judgments[0].reviews") for one in summary.refused] == [True], reason
        assert reason in summary.refused[0].reason


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
    source = tmp_path / "third.jsonl"
    source.write_text("".join((shared_data / "qa_ranking_k4.jsonl").open().readlines()[::3]))
    for name in ("one", "two"):
        make_campaign(store, [], tmp_path, name=name)
        import_file(store, name, source, format_name="native")
        source = tmp_path / f"{name}.out.jsonl"
        counts = export_campaign(store, name, source)
        texts.append(source.read_text())
    assert texts[0] == texts[1]
    assert (counts.n_comparisons, counts.n_judgments) == (167, 167)
