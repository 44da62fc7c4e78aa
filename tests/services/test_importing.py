"""Files in: nothing lost, nothing twice, nothing half."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.domain import (
    Comparison,
    Completion,
    ImportedComparison,
    Judgment,
    OverlapPolicy,
    RankingMode,
    RaterKind,
    Role,
    RoundRules,
    utc_now,
)
from app.errors import AlreadyExists, InvalidInput, JobCancelled, NotFound
from app.formats import registry
from app.formats.lines import DEEPEST
from app.services import importing
from app.services.adjudicating import open_case
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign, open_round, show_campaign
from app.services.exporting import export_campaign
from app.services.importing import SMALL, import_file
from app.services.importing_judgments import JudgmentWriter
from app.services.judging import submit
from app.services.lookup import rounds_of
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from tests.services.house import (
    CRITERIA,
    MINIMAL,
    SCORED,
    bring,
    contents,
    count,
    four,
    gold,
    line,
    make_campaign,
    prefers,
    rows,
    vote,
    write_lines,
    wrong_counters,
)


@pytest.fixture(params=[1, 3, 1000], ids=lambda size: f"chunk{size}")
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Whatever the size of a chunk, the outcome is the same."""
    monkeypatch.setattr(importing, "CHUNK", request.param)
    return request.param


def ledger(store: Store) -> list[Any]:
    """All judgments in plain values, whatever the row numbers."""
    j, a, v = tables.judgment, tables.assignment, tables.verdict
    with store.read() as connection:
        found = connection.execute(
            select(
                tables.comparison.c.external_id, tables.rater.c.name, tables.round_.c.name.label("round"),
                a.c.repeat_index, j.c.revision, j.c.justification, v.c.criterion, v.c.preferred, v.c.strength,
            )
            .select_from(j.join(a, a.c.id == j.c.assignment_id))
            .join(v, v.c.judgment_id == j.c.id)
            .join(tables.comparison, tables.comparison.c.id == a.c.comparison_id)
            .join(tables.rater, tables.rater.c.id == a.c.rater_id)
            .join(tables.round_, tables.round_.c.id == a.c.round_id)
        )  # fmt: skip
        return sorted(tuple(str(value) for value in row) for row in found)


def external_ids(store: Store) -> list[str]:
    return sorted(row.external_id for row in rows(store, tables.comparison))


# --- what comes in ----------------------------------------------------------------------------------------------


def test_a_line_is_stored_with_all_its_facts(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, rubric=CRITERIA, overlap=3)
    completions = [
        {"id": "a", "text": "yes", "model": "m1", "parameters": {"t": 0.5}, "source": "web", "licence": "CC0-1.0"},
        {"id": "b", "text": ""},
    ]
    judgment = {
        "rater": "w1", "rater_kind": "program", "preferred": "a", "strength": 2, "justification": "clear",
        "criteria": {"helpfulness": {"preferred": "tie"}, "clarity": {"scores": {"a": 4, "b": 1}}},
        "tensions": [{"between": ["helpfulness", "clarity"], "prevailed": "clarity", "why": "so"}],
        "reports": [{"kind": "typo", "text": "there"}], "confidence": 4, "seconds": 12.5,
        "error_spans": [{"completion": "a", "criterion": "clarity", "start": 0, "end": 3}],
        "at": "2026-01-31T10:00:00Z", "shown": ["b", "a"], "criteria_shown": ["clarity", "helpfulness"],
    }  # fmt: skip
    decision = {"preferred": "b", "cause": "style", "reason": "taste", "by": "dora", "at": "2026-02-01T10:00:00Z"}
    given = line(
        "x1", completions=completions, judgments=[judgment], adjudications=[decision],
        reference={"preferred": "a"}, meta={"topic": "tea"}, gold={"accepted": ["a"], "criteria": {"clarity": "a"}},
    )  # fmt: skip
    summary = bring(store, tmp_path, [given])
    assert (summary.n_comparisons, summary.n_judgments, summary.n_adjudications) == (1, 1, 1)
    [comparison] = rows(store, tables.comparison)
    assert (comparison.meta, comparison.reference) == ({"topic": "tea"}, {"preferred": "a"})
    first, second = rows(store, tables.completion)
    assert (first.model, first.parameters, first.source, first.licence) == ("m1", {"t": 0.5}, "web", "CC0-1.0")
    assert second.model is None
    [assignment] = rows(store, tables.assignment)
    assert (assignment.shown, assignment.criteria_shown) == (["b", "a"], ["clarity", "helpfulness"])
    assert (assignment.policy, assignment.propensity, assignment.takes_place) == ("imported", None, False)
    [row] = rows(store, tables.judgment)
    assert (row.confidence, row.active_seconds, row.justification) == (4, 12.5, "clear")
    assert row.submitted_at.isoformat() == "2026-01-31T10:00:00+00:00"
    [rater] = rows(store, tables.rater, tables.rater.c.namespace == "c")
    assert (rater.name, rater.kind) == ("w1", "program")
    [stored] = rows(store, tables.adjudication)
    assert (stored.answer, stored.cause, stored.adjudicator) == ({"preferred": "b"}, "style", "dora")
    assert rows(store, tables.gold_key)[0].criteria == {"clarity": "a"}
    assert count(store, tables.declared_tension) == count(store, tables.rater_report) == 1
    [span] = rows(store, tables.error_span)
    assert (span.completion, span.criterion, span.start_character, span.end_character) == ("a", "clarity", 0, 3)
    assert bring(store, tmp_path, [given]).n_judgments_known == 1
    judgment["error_spans"][0]["end"] = 4
    [refused] = bring(store, tmp_path, [line("x2", completions=completions, judgments=[judgment])]).refused
    assert "characters 0 to 4 are no passage of a text of 3" in refused.reason


def test_importing_twice_changes_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 4)
    make_campaign(store, tmp_path, raters=())
    votes = [vote("w1", "a"), vote("w2", "b", strength=2), vote("w2", "a", revision=1), vote("w1", "b", repeat_index=1)]
    lines = [line(f"x{n}", judgments=votes) for n in range(10)]
    first = bring(store, tmp_path, lines)
    before, said = contents(store), ledger(store)
    again = bring(store, tmp_path, lines)
    assert (first.n_comparisons, first.n_judgments) == (10, 40)
    assert (again.n_comparisons, again.n_comparisons_known) == (0, 10)
    assert (again.n_judgments, again.n_judgments_known) == (0, 40)
    assert contents(store) == {**before, "import_batch": before["import_batch"] + 1}
    assert ledger(store) == said
    assert wrong_counters(store) == []


def test_later_files_add_judgments_to_known_comparisons(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, raters=(), overlap=3)
    bring(store, tmp_path, [line("x1", meta={"topic": "tea"}, judgments=[vote("w1")])])
    bare = {"id": "x1", "prompt": "question x1", "completions": [
        {"id": slot, "text": f"response {slot} to x1"} for slot in "ab"]}  # fmt: skip
    summary = bring(store, tmp_path, [{**bare, "judgments": [vote("w1"), vote("w2", "b"), vote("w1", revision=1)]}])
    assert summary.n_refused == 0
    assert (summary.n_judgments, summary.n_judgments_known) == (2, 1)
    assert [row.n_taken for row in rows(store, tables.queue_item)] == [2]
    assert wrong_counters(store) == []


def test_full_comparisons_are_offered_to_nobody(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1", judgments=[vote(f"w{n}") for n in range(5)])], overlap=2)
    assert next_assignment(store, "ann", "c") is None
    assert rows(store, tables.queue_item)[0].n_taken == 5


def test_members_keep_their_own_judgments(store: Store, tmp_path: Path) -> None:
    """A name in the file is a member's account where there is one, and is not given the same comparison again."""
    make_campaign(store, tmp_path, raters=["ann"])
    add_account(store, "stranger")
    bring(store, tmp_path, [line("x1", judgments=[vote("ann"), vote("stranger")])])
    names = {(row.namespace, row.name) for row in rows(store, tables.rater)}
    assert names == {("", "ann"), ("", "stranger"), ("c", "stranger")}
    assert next_assignment(store, "ann", "c") is None


def test_an_account_that_joins_under_the_name_of_an_imported_rater_stays_another(store: Store, tmp_path: Path) -> None:
    """The file still changes nothing, the adjudicator sees both votes, and the campaign goes out and comes back."""
    lines = [line("x1", judgments=[vote("ann", "b")])]
    make_campaign(store, tmp_path, lines, raters=())
    add_account(store, "ann")
    add_member(store, "c", "ann", roles=[Role.RATER])
    view = next_assignment(store, "ann", "c")
    assert view is not None
    submit(store, "ann", view.id, prefers("a"))
    again = bring(store, tmp_path, lines)
    assert (again.n_refused, again.n_judgments, again.n_judgments_known) == (0, 0, 1)
    case = open_case(store, "c", "x1")
    assert {(judgment.rater, judgment.answers["overall"].preferred) for judgment in case.judgments} == {
        ("ann", "b"),
        ("/ann", "a"),
    }
    export_campaign(store, "c", tmp_path / "out.jsonl")
    known = import_file(store, "c", tmp_path / "out.jsonl")
    assert (known.n_refused, known.n_judgments, known.n_judgments_known) == (0, 0, 2)
    create_campaign(store, "copy", rubric=MINIMAL)
    copied = import_file(store, "copy", tmp_path / "out.jsonl")
    assert (copied.n_refused, copied.n_judgments) == (0, 2)
    export_campaign(store, "copy", tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text() == (tmp_path / "out.jsonl").read_text()


# --- refusals ---------------------------------------------------------------------------------------------------


TIE = {"preferred": "tie"}
STYLE = {"between": ["clarity", "style"]}

BAD: list[tuple[Any, str, str]] = [
    ("{not json", "", "not JSON"),
    (line("r1", judgments=[vote("w1", "c")]), "judgments[0].preferred", "'c' is no completion"),
    (line("r2", judgments=[vote("w1", strength=4)]), "judgments[0]", "4"),
    (line("r3", judgments=[vote("w1", criteria={"style": TIE})]), "judgments[0].criteria.style", "unknown criterion"),
    (
        line("r4", judgments=[vote("w1", criteria={"helpfulness": {"preferred": "a", "strength": 9}})]),
        "judgments[0].criteria.helpfulness",
        "9",
    ),
    (line("r5", judgments=[vote("w1"), vote("w9", rater_kind="model")]), "judgments[1].rater_kind", "is a human rater"),
    (line("r6", judgments=[vote("w1", rubric_version="0" * 64)]), "judgments[0].rubric_version", "Publish it"),
    (line("r7", judgments=[vote("w1", tensions=[STYLE])]), "judgments[0].tensions", "no criterion 'style'"),
    (line("r8", judgments=[vote("w1", criteria_shown=["style"])]), "judgments[0].criteria_shown", "style"),
    (line("known", prompt="another question"), "id", "another prompt or other responses"),
    (line("known", meta={"topic": "tea"}), "id", "other models, meta, reference or gold"),
    (line("known", judgments=[vote("w9", "b")]), "judgments[0]", "give it the next revision"),
    (line("known", judgments=[vote("w9", "a", confidence=1)]), "judgments[0]", "another judgment of 'known'"),
    (four("r9", judgments=[{"rater": "w1", "ranking": [["a", "b"], ["c"], ["d"]]}]), "judgments[0].round", "two"),
    (
        line("r10", adjudications=[{"preferred": "a", "strength": 9, "cause": "error", "reason": "r", "by": "d"}]),
        "adjudications[0]",
        "9",
    ),
    (line("r11", judgments=[vote("w1", round="main"), vote("w1", round="new", strength=9)]), "judgments[1]", "9"),
]  # fmt: skip


def test_bad_lines_are_refused_one_by_one_and_the_good_ones_kept(
    sqlite_store: Store, tmp_path: Path, chunk: int
) -> None:
    store = sqlite_store
    make_campaign(store, tmp_path, rubric=CRITERIA, raters=())
    bring(store, tmp_path, [line("known", judgments=[vote("w9", "a")])])
    lines: list[Any] = []
    for position, (bad, _, _) in enumerate(BAD):
        lines += [line(f"good{position}", judgments=[vote("w1")]), bad]
    summary = bring(store, tmp_path, lines)
    assert (summary.n_comparisons, summary.n_judgments, summary.n_refused) == (len(BAD), len(BAD), len(BAD))
    for position, ((_, field, reason), refused) in enumerate(zip(BAD, summary.refused, strict=True)):
        assert (refused.line, refused.field) == (2 * position + 2, field), refused
        assert reason in refused.reason
    assert external_ids(store) == sorted(["known", *(f"good{n}" for n in range(len(BAD)))])
    assert [row.name for row in rows(store, tables.round_)] == ["main"]
    assert {row.name for row in rows(store, tables.rater)} == {"w1", "w9"}
    assert wrong_counters(store) == []


def test_a_refused_line_leaves_no_trace_for_later_lines(sqlite_store: Store, tmp_path: Path, chunk: int) -> None:
    """The second and third line stand on their own: what was refused before them was never there."""
    store = sqlite_store
    make_campaign(store, tmp_path, raters=())
    refused = line("x1", meta={"from": "refused"}, judgments=[vote("w1", strength=99)])
    good = line("x1", judgments=[vote("w1", rater_kind="program")])
    summary = bring(store, tmp_path, [refused, good, line("x1", judgments=[vote("w2")])])
    assert (summary.n_refused, summary.n_comparisons, summary.n_comparisons_known) == (1, 1, 1)
    assert rows(store, tables.comparison)[0].meta == {}
    assert bring(store, tmp_path, [good]).n_refused == 0


def test_one_id_with_two_contents(sqlite_store: Store, tmp_path: Path, chunk: int) -> None:
    store = sqlite_store
    make_campaign(store, tmp_path, raters=())
    summary = bring(store, tmp_path, [line("x1"), line("x2"), line("x1", prompt="other"), line("x1")])
    assert [str(one) for one in summary.refused] == [
        "line 3, field id: comparison 'x1' is known with another prompt or other responses: give it another id"
    ]
    assert (summary.n_comparisons, summary.n_comparisons_known) == (2, 1)


def test_one_content_under_two_ids_is_reported_and_kept(sqlite_store: Store, tmp_path: Path, chunk: int) -> None:
    store = sqlite_store
    make_campaign(store, tmp_path, raters=())
    twin = {**line("x1"), "id": "x2"}
    summary = bring(store, tmp_path, [line("x1"), twin, {**twin, "id": "x3"}])
    assert summary.n_comparisons == 3
    assert summary.n_same_content == summary.n_warnings == 2
    assert summary.warnings[0] == "line 2: the content of 'x2' stands under the id 'x1' too; both are kept"


def test_judgments_of_one_comparison_across_lines_and_chunks(sqlite_store: Store, tmp_path: Path, chunk: int) -> None:
    """The same line twice is one; a contradiction is refused; a revision and a repeat are new."""
    store = sqlite_store
    make_campaign(store, tmp_path, raters=())
    given = [
        line("x1", judgments=[vote("w1", "a")]),
        line("x1", judgments=[vote("w1", "a")]),
        line("x1", judgments=[vote("w1", "b")]),
        line("x1", judgments=[vote("w1", "b", revision=1), vote("w1", "b", repeat_index=1)]),
    ]
    summary = bring(store, tmp_path, given)
    assert (summary.n_judgments, summary.n_judgments_known, summary.n_refused) == (3, 1, 1)
    assert summary.refused[0].line == 3
    assert count(store, tables.assignment) == 2


def test_a_rater_is_of_one_kind(sqlite_store: Store, tmp_path: Path, chunk: int) -> None:
    store = sqlite_store
    make_campaign(store, tmp_path, raters=())
    summary = bring(
        store, tmp_path,
        [line(f"x{n}", judgments=[vote("gpt", rater_kind=kind)]) for n, kind in enumerate(["model", "human", "model"])],
    )  # fmt: skip
    assert [(one.line, one.field) for one in summary.refused] == [(2, "judgments[0].rater_kind")]
    assert "another kind is another rater" in summary.refused[0].reason


def test_a_question_stands_under_the_scope_of_its_assignment(sqlite_store: Store, tmp_path: Path, chunk: int) -> None:
    """Where the rater did not judge, the question says which part of the rubric was asked; later lines agree."""
    make_campaign(sqlite_store, tmp_path, raters=())
    asked = {"rater": "w1", "kind": "question", "text": "Which?", "scope": "experts"}
    lines = [
        line("x1", questions=[asked]),
        line("x1", questions=[asked | {"text": "And now?", "scope": "everybody"}]),
        line("x1", questions=[asked | {"text": "Really?", "scope": None}]),
        line("x2", judgments=[vote("w1", "a")], questions=[asked]),
    ]
    summary = bring(sqlite_store, tmp_path, lines)
    assert [(one.line, one.field) for one in summary.refused] == [(2, "questions[0].scope"), (4, "questions[0].scope")]
    assert "'experts'" in summary.refused[0].reason
    assert [(row.state, row.scope) for row in rows(sqlite_store, tables.assignment)] == [("skipped", "experts")]
    assert [row.text for row in rows(sqlite_store, tables.rater_report)] == ["Which?", "Really?"]


def test_withdrawn_texts_do_not_come_back(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=())
    erased = tables.content.c.body == "response a to x1"
    with store.write() as connection:
        connection.execute(update(tables.content).where(erased).values(body=None, erased_at=utc_now()))
    same_text = line("x2", completions=line("x1")["completions"])
    summary = bring(store, tmp_path, [line("x1"), same_text, line("x3")])
    assert [(one.line, one.field) for one in summary.refused] == [(1, "completions"), (2, "completions")]
    assert "does not come back" in summary.refused[0].reason
    assert external_ids(store) == ["x1", "x3"]


def test_a_file_that_cannot_be_read_begins_nothing(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, raters=())
    before = contents(store)
    with pytest.raises(InvalidInput, match="There is no file"):
        import_file(store, "c", tmp_path / "absent.jsonl")
    with pytest.raises(InvalidInput, match="There is no format 'nativ'"):
        bring(store, tmp_path, [line("x1")], format_name="nativ")
    with pytest.raises(NotFound, match="There is no campaign 'd'"):
        import_file(store, "d", write_lines(tmp_path / "lines.jsonl", [line("x1")]))
    assert contents(store) == before


# --- rounds that a file opens -----------------------------------------------------------------------------------


def ranking(name: str, order: str = "abcd", **fields: Any) -> dict[str, Any]:
    return four(name, judgments=[{"rater": "w1", "ranking": [[slot] for slot in order], **fields}])


def test_rankings_open_a_ranking_round(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four-way comparisons before and behind the first ranking wait in its queue, whatever the chunks."""
    monkeypatch.setattr(importing, "CHUNK", 2)
    make_campaign(store, tmp_path, raters=["ann"], overlap=2)
    bring(store, tmp_path, [
        line("p1"), four("k1"), four("k2"), line("p2", judgments=[vote("w1")]), four("k3"),
        ranking("k4"), four("k5"), ranking("k6", "badc"),
    ])  # fmt: skip
    with store.read() as connection:
        rounds = {round_.name: round_ for round_ in rounds_of(connection, 1)}
    assert rounds["ranking"].mode is RankingMode.KWAY
    progress = {one.round.name: one for one in show_campaign(store, "c").rounds}
    assert (progress["main"].n_comparisons, progress["main"].n_judgments) == (2, 1)
    assert (progress["ranking"].n_comparisons, progress["ranking"].n_begun, progress["ranking"].n_judgments) == (
        6,
        2,
        2,
    )
    assert wrong_counters(store) == []
    [event] = rows(store, tables.event, tables.event.c.action == "import.completed")
    assert event.detail["rounds_opened"] == ["ranking"]
    assert not rows(store, tables.event, tables.event.c.subject == "round ranking")


def test_a_named_round_takes_known_comparisons_and_its_own(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=["ann"], overlap=1)
    bring(store, tmp_path, [line("x2", judgments=[vote("w1", round="pilot")])])
    items = rows(store, tables.queue_item)
    assert sorted((row.round_id, row.n_taken, row.is_open) for row in items) == [
        (1, 0, True), (1, 0, True), (2, 0, True), (2, 1, False),
    ]  # fmt: skip


def test_a_round_for_pairs_refuses_rankings(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    make_campaign(store, tmp_path, raters=())
    open_round(store, "c", name="ranking", rubric=SCORED)
    summary = bring(store, tmp_path, [ranking("k1", round="main"), ranking("k2"), line("x1")])
    assert [(one.line, one.field) for one in summary.refused] == [(1, "judgments[0].round"), (2, "judgments[0].round")]
    assert external_ids(store) == ["x1"]


def test_rounds_of_an_unfinished_import_are_nowhere(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=["ann"], overlap=1)
    path = write_lines(tmp_path / "more.jsonl", [line("x2", judgments=[vote("w1", round="pilot")])])

    def look(n_lines: int) -> None:
        assert [one.round.name for one in show_campaign(store, "c").rounds] == ["main"]
        with pytest.raises(AlreadyExists):
            open_round(store, "c", name="pilot", rubric=MINIMAL)
        view = next_assignment(store, "ann", "c")
        assert view is not None
        submit(store, "ann", view.id, prefers())
        assert next_assignment(store, "ann", "c") is None

    import_file(store, "c", path, progress=look)
    assert [one.round.name for one in show_campaign(store, "c").rounds] == ["main", "pilot"]
    assert next_assignment(store, "ann", "c") is not None


# --- imports that do not come to their end ----------------------------------------------------------------------


def history(n: int) -> Iterator[dict[str, Any]]:
    for number in range(n):
        yield line(f"x{number}", judgments=[vote("w1"), vote("ann", "b", round="pilot")], meta={"n": number})
        yield gold(f"g{number}")
        yield ranking(f"k{number}")


@pytest.mark.parametrize("how", ["error", "interrupt", "cancel", "progress"])
def test_an_abandoned_import_leaves_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 5)
    make_campaign(store, tmp_path, [line("before", judgments=[vote("w0")])], raters=["ann"])
    before, events = contents(store), count(store, tables.event)
    path = write_lines(tmp_path / "long.jsonl", history(10))
    options: dict[str, Any] = {}
    failures = {"error": RuntimeError("disk"), "interrupt": KeyboardInterrupt(), "progress": JobCancelled("enough")}
    if how == "cancel":
        options["is_cancelled"] = lambda: count(store, tables.comparison) > 12
        expected: type[BaseException] = JobCancelled
    else:
        expected = type(failures[how])

        def fail(n_lines: int) -> None:
            if n_lines >= 20:
                raise failures[how]

        options["progress"] = fail
    with pytest.raises(expected):
        import_file(store, "c", path, **options)
    assert contents(store) == before
    assert count(store, tables.event) == events
    assert import_file(store, "c", path).n_comparisons == 30


def test_what_is_nested_as_deep_as_a_line_may_be_is_stored(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path)
    meta: dict[str, Any] = {}
    for _ in range(DEEPEST - 2):
        meta = {"x": meta}
    path = write_lines(tmp_path / "deep.jsonl", [line("x1", meta=meta), line("x2", meta={"x": meta}), line("x3")])
    summary = import_file(store, "c", path)
    assert [one.line for one in summary.refused] == [2]
    with store.read() as connection:
        assert connection.scalars(select(tables.comparison.c.meta).order_by(tables.comparison.c.id)).all() == [meta, {}]


@pytest.mark.parametrize("is_frozen", [False, True])
def test_what_an_import_set_aside_is_collected_again(sqlite_store: Store, tmp_path: Path, *, is_frozen: bool) -> None:
    """But what somebody else had set aside for longer, as the server has and these tests, stays so."""
    make_campaign(sqlite_store, tmp_path)
    path = write_lines(tmp_path / "large.jsonl", [line("x1", prompt="long " * (SMALL // 4))])
    seen: list[bool] = []
    (gc.freeze if is_frozen else gc.unfreeze)()
    try:
        import_file(sqlite_store, "c", path, progress=lambda _: seen.append(gc.get_freeze_count() > 0))
        assert (gc.get_freeze_count() > 0) == is_frozen
    finally:
        gc.freeze()
    assert seen == [True]


def test_nothing_is_seen_before_the_end(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 5)
    make_campaign(store, tmp_path, raters=["ann"], gold_rate=0.5)
    path = write_lines(tmp_path / "long.jsonl", history(5))
    seen: list[Any] = []

    def look(n_lines: int) -> None:
        overview = show_campaign(store, "c")
        seen.append((overview.n_comparisons, overview.n_gold, overview.n_raters, len(overview.rounds)))
        seen.append(next_assignment(store, "ann", "c"))

    import_file(store, "c", path, progress=look)
    assert set(seen) == {(0, 0, 0, 1), None}
    assert show_campaign(store, "c").n_comparisons == 15
    assert next_assignment(store, "ann", "c") is not None


# --- sizes ------------------------------------------------------------------------------------------------------


def test_long_responses_make_short_chunks(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = sqlite_store
    monkeypatch.setattr(importing, "CHUNK_CHARACTERS", 10_000)
    make_campaign(store, tmp_path, raters=())
    big = [{"id": slot, "text": slot * 2_000} for slot in "ab"]
    steps: list[int] = []
    bring(store, tmp_path, [line(f"x{n}", completions=big) for n in range(10)], progress=steps.append)
    assert steps == [3, 6, 9, 10]


def test_memory_does_not_grow_with_the_file(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file six times as long takes no more than a quarter more memory at its peak."""
    monkeypatch.setattr(importing, "CHUNK", 20)

    def peak(n_lines: int, name: str) -> int:
        path = tmp_path / f"{name}.jsonl"
        filler = "words and " * 200
        write_lines(path, (line(f"{name}{n}", prompt=f"{n} {filler}", judgments=[vote("w1")]) for n in range(n_lines)))
        tracemalloc.start()
        import_file(sqlite_store, "c", path)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    make_campaign(sqlite_store, tmp_path, raters=())
    peak(40, "warm")
    short, long = peak(80, "short"), peak(480, "long")
    assert long < 1.25 * short


def test_more_raters_than_a_statement_takes_parameters(store: Store, tmp_path: Path) -> None:
    """More names in a chunk than that: SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535."""
    n_raters = 33_000 if store.is_sqlite else 66_000
    campaign = make_campaign(store, tmp_path, raters=["w5"])
    one = Comparison("x1", (), (Completion("a", ""), Completion("b", "")))
    crowd = ImportedComparison(1, one, tuple(Judgment(f"w{n}", {}) for n in range(n_raters)))
    with store.write() as connection:
        writer = JudgmentWriter(connection, campaign, 1, actor="system")
        writer.load([crowd], known_ids={})
        assert list(writer._known.raters) == ["w5"]


def test_a_file_of_one_line_with_many_comparisons(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A format may give every comparison the same line number: they are told apart all the same."""
    native = registry.FORMATS["native"]

    def read(path: Path) -> Iterator[Any]:
        for one in native.read(path):
            yield type(one)(1, *list(vars(one).values())[1:])

    one_line = type(native)("native", "", native.detect, read, None)
    monkeypatch.setitem(registry.FORMATS, "native", one_line)
    make_campaign(sqlite_store, tmp_path, raters=())
    assert bring(sqlite_store, tmp_path, [line(f"x{n}", meta={"n": n}) for n in range(5)]).n_comparisons == 5
    assert sorted(row.meta["n"] for row in rows(sqlite_store, tables.comparison)) == [0, 1, 2, 3, 4]


# --- real files -------------------------------------------------------------------------------------------------


def test_real_rankings_come_into_a_ranking_round(sqlite_store: Store, shared_data: Path) -> None:
    create_campaign(sqlite_store, "c", rubric=MINIMAL)
    summary = import_file(sqlite_store, "c", shared_data / "qa_ranking_k4.jsonl")
    assert (summary.n_lines, summary.n_comparisons, summary.n_judgments, summary.n_refused) == (500, 500, 500, 0)
    progress = {one.round.name: one for one in show_campaign(sqlite_store, "c").rounds}
    assert (progress["ranking"].n_comparisons, progress["ranking"].n_judgments) == (500, 500)
    verdicts = rows(sqlite_store, tables.verdict)
    assert len(verdicts) == 500
    assert all(sorted(slot for group in row.ranking for slot in group) == ["a", "b", "c", "d"] for row in verdicts)


def test_real_pairs_come_in_twice_as_once(sqlite_store: Store, shared_data: Path) -> None:
    create_campaign(sqlite_store, "c", rubric=MINIMAL)
    first = import_file(sqlite_store, "c", shared_data / "pandalm.jsonl")
    before = contents(sqlite_store)
    again = import_file(sqlite_store, "c", shared_data / "pandalm.jsonl")
    assert first.n_refused == again.n_refused
    assert (first.n_comparisons, first.n_judgments) == (again.n_comparisons_known, again.n_judgments_known)
    assert first.n_judgments == count(sqlite_store, tables.judgment)
    assert contents(sqlite_store) == {**before, "import_batch": 2}


def test_member_accounts_of_another_kind_are_not_taken_for_people(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, raters=())
    add_account(sqlite_store, "gpt", kind=RaterKind.MODEL)
    add_member(sqlite_store, "c", "gpt", roles=[Role.RATER])
    summary = bring(sqlite_store, tmp_path, [line("x1", judgments=[vote("gpt")])])
    assert summary.refused[0].field == "judgments[0].rater_kind"


def test_a_round_with_its_own_rules_keeps_them(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, raters=(), overlap=2)
    rules = RoundRules(overlap=7, policy=OverlapPolicy.FIXED)
    open_round(sqlite_store, "c", name="k", rubric=SCORED, mode=RankingMode.KWAY, rules=rules)
    bring(sqlite_store, tmp_path, [ranking("k1"), line("x1")])
    assert sorted((row.round_id, row.n_slots) for row in rows(sqlite_store, tables.queue_item)) == [(1, 2), (2, 7)]


def test_rankings_without_votes_wait_for_raters(store: Store, tmp_path: Path) -> None:
    create_campaign(store, "waiting", rubric=MINIMAL)
    file = tmp_path / "rankings.jsonl"
    completions = [{"id": slot, "text": f"answer {slot}"} for slot in "abcd"]
    file.write_text(json.dumps({"id": "r1", "prompt": "Which?", "completions": completions}) + "\n")
    import_file(store, "waiting", file)
    add_account(store, "rita")
    add_member(store, "waiting", "rita", roles=[Role.RATER])
    held = next_assignment(store, "rita", "waiting")
    assert held is not None
    assert sorted(held.shown) == ["a", "b", "c", "d"]


def test_rankings_that_no_rubric_suits_say_so(store: Store, tmp_path: Path) -> None:
    create_campaign(store, "pairs", rubric=CRITERIA)
    file = tmp_path / "rankings.jsonl"
    completions = [{"id": slot, "text": f"answer {slot}"} for slot in "abcd"]
    file.write_text(json.dumps({"id": "r1", "prompt": "Which?", "completions": completions}) + "\n")
    summary = import_file(store, "pairs", file)
    assert (summary.n_comparisons, summary.n_refused) == (1, 0)
    assert any("nobody will be asked to rank this" in warning for warning in summary.warnings)
