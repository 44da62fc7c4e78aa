"""Marking a comparison as not rankable: a judgment without answers, a report, and what becomes of the comparison."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from app.domain import OVERALL, ItemState, Role
from app.errors import Conflict, InvalidInput, LeaseLost
from app.services import inbox, questions
from app.services.adjudicating import disputed
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.judging import revise, save_draft, skip, submit
from app.services.people import add_account
from app.services.unrankable import NOT_RANKABLE, mark_not_rankable
from app.store import tables
from app.store.engine import Store
from tests.services.house import CRITERIA, line, make_campaign, rows
from tests.services.test_judging import full

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
REASON = "The prompt makes no sense"


def hold(store: Store, name: str, *, now: datetime = NOW):
    given = next_assignment(store, name, "c", now=now)
    assert given is not None
    return given


def make(store: Store, tmp_path: Path, *, overlap: int = 2) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=("ann", "bo"), rubric=CRITERIA, overlap=overlap)
    add_account(store, "dora", roles=[Role.DESIGNER])
    add_member(store, "c", "dora", roles=[Role.DESIGNER])


def test_it_is_a_judgment_without_answers_and_a_report(store: Store, tmp_path: Path):
    make(store, tmp_path)
    held = hold(store, "ann")
    receipt = mark_not_rankable(store, "ann", held.id, reason=REASON, text="Response B quotes it", now=NOW)
    assert mark_not_rankable(store, "ann", held.id, reason="twice", now=NOW).judgment_id == receipt.judgment_id
    verdicts = rows(store, tables.verdict)
    assert {one.criterion: one.preferred for one in verdicts} == dict.fromkeys(
        ("helpfulness", "clarity", OVERALL), "cannot_judge"
    )
    [report] = rows(store, tables.rater_report)
    assert (report.kind, report.judgment_id) == ("not_rankable", receipt.judgment_id)
    assert report.text == f"{REASON}: [response:{held.shown[1]}] quotes it"
    [event] = [one for one in rows(store, tables.event) if one.action == "judgment.submitted"]
    assert event.detail["reports"] == ["not_rankable"]
    [item] = inbox.open_items(store, "dora", "c", {})
    assert item.text.startswith(f"not rankable: {REASON}: Response ")
    assert [one.why for one in disputed(store, "c")] == ["report"]
    questions.answer(store, "dora", report.id, "It is withdrawn.")
    assert disputed(store, "c") == []


def test_nobody_could_judge_it_contests_the_comparison_and_one_answer_does_not(store: Store, tmp_path: Path):
    make(store, tmp_path)
    for name in ("ann", "bo"):
        [queued] = rows(store, tables.queue_item)
        assert (queued.state, queued.is_open) == (ItemState.COLLECTING.value, True)
        mark_not_rankable(store, name, hold(store, name).id, reason=REASON, now=NOW)
    [queued] = rows(store, tables.queue_item)
    assert (queued.state, queued.is_open, queued.n_taken) == (ItemState.CONTESTED.value, False, 2)
    [decision] = rows(store, tables.overlap_decision)
    assert decision.reason == "nobody gave an answer"
    held = rows(store, tables.assignment)[1]
    revise(store, "bo", held.id, full(), now=NOW)  # who sees more later may still say so
    assert rows(store, tables.overlap_decision)[-1].reason != "nobody gave an answer"


def test_it_needs_a_reason_and_a_comparison_that_is_held(sqlite_store: Store, tmp_path: Path):
    store = sqlite_store
    make(store, tmp_path, overlap=1)
    held = hold(store, "ann")
    for reason, text in ((" ", "because"), ("so", "x" * 5000), ("so", "a\0b")):
        with pytest.raises(InvalidInput):
            mark_not_rankable(store, "ann", held.id, reason=reason, text=text, now=NOW)
    assert rows(store, tables.judgment) == []
    later = NOW + timedelta(days=2)
    save_draft(store, "ann", held.id, {"justification": "my long careful words"}, now=NOW)
    other = hold(store, "bo", now=later)
    submit(store, "bo", other.id, full(), now=later)
    for _ in range(2):
        with pytest.raises(LeaseLost):
            mark_not_rankable(store, "ann", held.id, reason=REASON, now=later)
    assert len(rows(store, tables.judgment)) == 1
    draft = rows(store, tables.assignment, tables.assignment.c.id == held.id)[0].draft
    assert draft["justification"] == "my long careful words"
    assert [report["kind"] for report in draft["reports"]] == [NOT_RANKABLE]


def test_neither_a_skipped_comparison_nor_an_exams_can_be_marked(sqlite_store: Store, tmp_path: Path):
    make(sqlite_store, tmp_path)
    held = hold(sqlite_store, "ann")
    with sqlite_store.write() as connection:
        connection.execute(update(tables.assignment).values(purpose="exam"))
    with pytest.raises(Conflict, match="exam"):
        mark_not_rankable(sqlite_store, "ann", held.id, reason=REASON, now=NOW)
    with sqlite_store.write() as connection:
        connection.execute(update(tables.assignment).values(purpose="work"))
    skip(sqlite_store, "ann", held.id, reason="so", now=NOW)
    with pytest.raises(Conflict, match="skipped"):
        mark_not_rankable(sqlite_store, "ann", held.id, reason=REASON, now=NOW)
