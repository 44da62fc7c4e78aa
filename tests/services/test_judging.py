"""Drafts, submissions and revisions: idempotent, refused with the field and the remedy, never lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.domain import OVERALL, Assignment, DeclaredTension, ErrorSpan, RaterState, Report, Role
from app.errors import Conflict, InvalidInput, LeaseLost, NotAllowed, NotFound, RefusedSubmission
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, set_campaign_state, set_round_state
from app.services.judging import Submission, revise, save_draft, skip, submit
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from rubrics.answers import Answer
from tests.services.house import CRITERIA, bring, count, line, make_campaign, prefers, rows, vote

START = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
ANSWERS = {
    "helpfulness": Answer(preferred="a", strength=3),
    "clarity": Answer(scores={"a": 2, "b": 4}),
    OVERALL: Answer(preferred="a", strength=1),
}


def full(answers: Mapping[str, Answer] | None = None, **fields: Any) -> Submission:
    """A submission under the rubric with two criteria."""
    return Submission({**ANSWERS, **(answers or {})}, **{"justification": "more help", **fields})


@pytest.fixture
def view(store: Store, tmp_path: Path) -> Assignment:
    """Ann holds the one comparison of a campaign with two criteria."""
    return held_by_ann(store, tmp_path)


@pytest.fixture
def sqlite_view(sqlite_store: Store, tmp_path: Path) -> Assignment:
    """The same where the database does not matter."""
    return held_by_ann(sqlite_store, tmp_path)


def held_by_ann(store: Store, tmp_path: Path) -> Assignment:
    make_campaign(store, tmp_path, [line("x1")], rubric=CRITERIA)
    given = next_assignment(store, "ann", "c", now=START)
    assert given is not None
    return given


def verdicts(store: Store, judgment_id: int) -> dict[str, tuple[Any, ...]]:
    found = rows(store, tables.verdict, tables.verdict.c.judgment_id == judgment_id)
    return {row.criterion: (row.preferred, row.strength, row.scores, row.ranking) for row in found}


def test_a_submission_is_stored_as_given(store: Store, view: Assignment) -> None:
    tension = DeclaredTension(("helpfulness", "clarity"), "helpfulness", "help counts more")
    span = ErrorSpan("b", "clarity", 0, 8, "vague")
    reports = (Report("harmful", "look"),)
    given = full(tensions=(tension,), reports=reports, error_spans=(span,), confidence=4, seconds=31.5)
    receipt = submit(store, "ann", view.id, given, now=START)
    assert (receipt.revision, receipt.was_known) == (0, False)
    assert verdicts(store, receipt.judgment_id) == {
        "helpfulness": ("a", 3, None, None),
        "clarity": (None, None, {"a": 2, "b": 4}, None),
        OVERALL: ("a", 1, None, None),
    }
    [row] = rows(store, tables.judgment)
    assert (row.justification, row.confidence, row.active_seconds) == ("more help", 4, 31.5)
    assert (row.submitted_at, row.rubric_version) == (START, CRITERIA.version)
    [declared] = rows(store, tables.declared_tension)
    assert (declared.first_criterion, declared.second_criterion) == ("clarity", "helpfulness")
    assert (declared.prevailed, declared.why) == ("helpfulness", "help counts more")
    [marked] = rows(store, tables.error_span)
    assert (marked.completion, marked.start_character, marked.end_character, marked.note) == ("b", 0, 8, "vague")
    [report] = rows(store, tables.rater_report)
    assert (report.kind, report.text, report.judgment_id) == ("harmful", "look", receipt.judgment_id)
    [event] = rows(store, tables.event, tables.event.c.action == "judgment.submitted")
    assert (event.actor, event.id) == ("ann", row.event_id)


def test_a_second_submission_returns_the_first_and_changes_nothing(store: Store, view: Assignment) -> None:
    first = submit(store, "ann", view.id, full(), now=START)
    again = submit(store, "ann", view.id, full({OVERALL: Answer(preferred="b")}), now=START)
    assert (again.judgment_id, again.revision, again.was_known) == (first.judgment_id, 0, True)
    assert count(store, tables.judgment) == 1
    assert verdicts(store, first.judgment_id)[OVERALL] == ("a", 1, None, None)


@pytest.mark.parametrize(
    ("submission", "problem"),
    [
        (full({"helpfulness": Answer(preferred="a", strength=4)}), r"helpfulness: .*4.*\("),
        (full({"helpfulness": Answer(preferred="c")}), r"helpfulness: .*'c'.*\("),
        (full({"clarity": Answer(scores={"a": 1})}), r"clarity: .*b.*\("),
        (full({"clarity": Answer(preferred="a")}), r"clarity: .*\("),
        (full({"style": Answer(preferred="a")}), r"style: unknown criterion .*\("),
        (Submission({OVERALL: Answer(preferred="a")}, "more help"), r"helpfulness: has no answer \(.*; clarity: "),
        (Submission({k: v for k, v in ANSWERS.items() if k != OVERALL}, "two words"), r"overall: has no answer \("),
        (full(justification="word"), r"justification: has 1 of at least 2 words \(say what decided\)"),
        (full(justification="a\0b c"), r"justification has a NUL character at 1; remove it"),
        (full(justification="half \ud83d here"), r"justification has half a surrogate pair"),
        (full(confidence=6), r"confidence: 6 .*\(give 1 to 5\)"),
        (full(error_spans=(ErrorSpan("c", "clarity", 0, 1),)), r"error_spans: there is no completion 'c' \(name"),
        (full(error_spans=(ErrorSpan("a", "style", 0, 1),)), r"error_spans: 'style' is no criterion \(name"),
        (full(error_spans=(ErrorSpan("a", "clarity", 2, 99),)), r"error_spans: characters 2 to 99 are no passage"),
        (full(error_spans=(ErrorSpan("a", "clarity", 0, 1),) * 2), r"error_spans: .* are marked twice"),
        (full(seconds=-1.0), r"seconds: -1.0 .*\(give 0 to 86,400\)"),
        (full(seconds=float("nan")), r"seconds: nan "),
        (full(tensions=(DeclaredTension(("clarity", "style")),)), r"tensions: 'style' is no criterion \(name two of"),
        (full(tensions=(DeclaredTension(("clarity", "clarity")),)), r"tensions: 'clarity' stands twice"),
        (full(tensions=(DeclaredTension(("clarity", "helpfulness"), "style"),)), r"tensions: 'style' cannot have"),
        (
            full(tensions=(DeclaredTension(("clarity", "helpfulness")), DeclaredTension(("helpfulness", "clarity")))),
            r"tensions: helpfulness and clarity are declared twice",
        ),
        (full(reports=(Report(" "),)), r"reports: a report has no kind \("),
    ],
)
def test_refusals_name_field_and_remedy_and_store_nothing(
    sqlite_store: Store, sqlite_view: Assignment, submission: Submission, problem: str
) -> None:
    with pytest.raises(RefusedSubmission, match=problem):
        submit(sqlite_store, "ann", sqlite_view.id, submission, now=START)
    assert count(sqlite_store, tables.judgment) == count(sqlite_store, tables.verdict) == 0
    assert rows(sqlite_store, tables.assignment)[0].state == "open"
    submit(sqlite_store, "ann", sqlite_view.id, full(), now=START)
    with pytest.raises(RefusedSubmission, match=problem):
        revise(sqlite_store, "ann", sqlite_view.id, submission, now=START)
    assert count(sqlite_store, tables.judgment) == 1


def test_a_refusal_after_the_lease_ran_out_takes_no_place(store: Store, view: Assignment) -> None:
    add_account(store, "bob")
    add_member(store, "c", "bob", roles=[Role.RATER])
    later = START + timedelta(hours=3)
    skipped = next_assignment(store, "bob", "c", now=later)
    assert skipped is not None
    skip(store, "bob", skipped.id, reason="", now=later)
    with pytest.raises(RefusedSubmission):
        submit(store, "ann", view.id, full(justification=""), now=later)
    assert [row.n_taken for row in rows(store, tables.queue_item)] == [0]
    submit(store, "ann", view.id, full(), now=later)
    assert [row.n_taken for row in rows(store, tables.queue_item)] == [1]


def test_a_lost_lease_keeps_all_of_the_work(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=["ann", "bob"], rubric=CRITERIA, overlap=1)
    mine = next_assignment(store, "ann", "c", now=START)
    later = START + timedelta(hours=3)
    assert mine is not None
    assert next_assignment(store, "bob", "c", now=later) is not None
    tension = DeclaredTension(("clarity", "helpfulness"), "clarity", "plain")
    unready = full(justification="", tensions=(tension,), reports=(Report("typo", "here"),), confidence=2)
    with pytest.raises(LeaseLost):
        submit(store, "ann", mine.id, unready, now=later)
    draft = rows(store, tables.assignment, tables.assignment.c.id == mine.id)[0].draft
    assert draft["tensions"] == [{"between": ["clarity", "helpfulness"], "prevailed": "clarity", "why": "plain"}]
    assert draft["reports"] == [{"kind": "typo", "text": "here"}]
    assert draft["answers"]["clarity"] == {"scores": {"a": 2, "b": 4}}
    assert draft["confidence"] == 2


# --- drafts -----------------------------------------------------------------------------------------------------


def test_a_draft_is_shown_again_and_lets_the_lease_run_on(store: Store, view: Assignment) -> None:
    later = START + timedelta(minutes=50)
    draft = {"justification": "naïve 🙂 \\u0000 as text", "answers": {"1": 2}}
    assert save_draft(store, "ann", view.id, draft, now=later)
    again = next_assignment(store, "ann", "c", now=later)
    assert again is not None
    assert again.draft == draft
    assert again.lease_expires_at == later + timedelta(hours=1)


def test_drafts_never_touch_submitted_or_skipped_work(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1"), line("x2")])
    for end in (lambda one: submit(store, "ann", one, prefers()), lambda one: skip(store, "ann", one, reason="no")):
        view = next_assignment(store, "ann", "c")
        assert view is not None
        assert save_draft(store, "ann", view.id, {"n": 1})
        end(view.id)
        [before] = rows(store, tables.assignment, tables.assignment.c.id == view.id)
        assert not save_draft(store, "ann", view.id, {"n": 2})
        assert rows(store, tables.assignment, tables.assignment.c.id == view.id) == [before]
    assert [row.draft for row in rows(store, tables.assignment, tables.assignment.c.state == "submitted")] == [None]


def test_drafts_that_cannot_be_stored_are_refused(store: Store, view: Assignment) -> None:
    for draft in ({"text": "a\0b"}, {"text": "\ud800"}, {"when": START}, {"n": float("nan")}):
        with pytest.raises(InvalidInput, match="draft cannot be kept"):
            save_draft(store, "ann", view.id, draft)


def test_nobody_touches_the_work_of_another(store: Store, view: Assignment) -> None:
    add_account(store, "bob")
    add_member(store, "c", "bob", roles=[Role.RATER])
    attempts = (
        lambda: save_draft(store, "bob", view.id, {}),
        lambda: submit(store, "bob", view.id, full()),
        lambda: revise(store, "bob", view.id, full()),
        lambda: skip(store, "bob", view.id, reason=""),
        lambda: submit(store, "ann", 999_999, full()),
    )
    for attempt in attempts:
        with pytest.raises(NotFound, match="has no assignment"):
            attempt()


def test_a_reason_for_skipping_must_be_storable(store: Store, view: Assignment) -> None:
    with pytest.raises(InvalidInput, match=r"reason has a NUL character at 2; remove it"):
        skip(store, "ann", view.id, reason="no\0")


# --- revisions --------------------------------------------------------------------------------------------------


def test_revisions_add_up_and_repetitions_do_not(store: Store, view: Assignment) -> None:
    first = submit(store, "ann", view.id, full(), now=START)
    assert revise(store, "ann", view.id, full(), now=START) == type(first)(first.judgment_id, 0, was_known=True)
    second = revise(store, "ann", view.id, full({OVERALL: Answer(preferred="b")}), now=START)
    third = revise(store, "ann", view.id, full(), now=START)
    assert [second.revision, third.revision] == [1, 2]
    assert count(store, tables.judgment) == 3
    assert verdicts(store, first.judgment_id)[OVERALL] == ("a", 1, None, None)
    assert submit(store, "ann", view.id, full(), now=START).judgment_id == first.judgment_id
    assert len(rows(store, tables.event, tables.event.c.action == "judgment.revised")) == 2


@pytest.mark.parametrize(
    "changed",
    [
        full(justification="better said"),
        full(confidence=5),
        full(tensions=(DeclaredTension(("clarity", "helpfulness"), "helpfulness"),)),
        full(tensions=(DeclaredTension(("clarity", "helpfulness"), "clarity", "because"),)),
        full(tensions=()),
        full({"clarity": Answer(scores={"a": 2, "b": 3})}, tensions=(DeclaredTension(("clarity", "helpfulness")),)),
    ],
)
def test_every_change_makes_a_revision(sqlite_store: Store, sqlite_view: Assignment, changed: Submission) -> None:
    submit(
        sqlite_store, "ann", sqlite_view.id, full(tensions=(DeclaredTension(("clarity", "helpfulness"), "clarity"),))
    )
    assert revise(sqlite_store, "ann", sqlite_view.id, changed).revision == 1
    assert revise(sqlite_store, "ann", sqlite_view.id, changed).was_known


def test_what_cannot_be_revised(store: Store, view: Assignment) -> None:
    with pytest.raises(Conflict, match="is open: submit it before"):
        revise(store, "ann", view.id, full())
    submit(store, "ann", view.id, full())
    changed = full(confidence=1)
    set_round_state(store, "c", "main", is_open=False)
    with pytest.raises(Conflict, match="closed round"):
        revise(store, "ann", view.id, changed)
    set_round_state(store, "c", "main", is_open=True)
    set_campaign_state(store, "c", is_open=False)
    with pytest.raises(Conflict, match="closed"):
        revise(store, "ann", view.id, changed)
    set_campaign_state(store, "c", is_open=True)
    with store.write() as connection:
        connection.execute(update(tables.rater).values(state=RaterState.PAUSED.value))
    with pytest.raises(NotAllowed, match="paused"):
        revise(store, "ann", view.id, changed)
    assert submit(store, "ann", view.id, full()).was_known


def test_an_imported_judgment_of_ones_own_can_be_revised(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, raters=["ann"])
    bring(store, tmp_path, [line("x1", judgments=[vote("ann", "a", revision=2)])])
    [row] = rows(store, tables.assignment)
    assert submit(store, "ann", row.id, prefers("b")).was_known
    assert revise(store, "ann", row.id, prefers("b")).revision == 3
