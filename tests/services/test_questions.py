"""Questions and reports: asked once, answered once, each reader with their own letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain import Role
from app.errors import Conflict, InvalidInput, NotAllowed, NotFound
from app.services import questions
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.judging import submit
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from tests.services.house import line, make_campaign, make_rater, prefers, rows, vote


def with_designer(store: Store, tmp_path: Path) -> int:
    """Ann holds a comparison shown b, a; dora designs. The assignment's number."""
    history = vote("w1", reports=[{"kind": "broken_text", "text": "old"}])
    make_campaign(store, tmp_path, [line("x1", judgments=[history])], overlap=3)
    add_account(store, "dora")
    add_member(store, "c", "dora", roles=[Role.DESIGNER])
    given = next_assignment(store, "ann", "c")
    assert given is not None
    with store.write() as connection:
        connection.execute(
            tables.assignment.update().where(tables.assignment.c.id == given.id).values(shown=["b", "a"])
        )
    return given.id


def test_a_question_is_asked_once_answered_once_and_read_in_the_letters_of_each_reader(
    store: Store, tmp_path: Path
) -> None:
    assignment_id = with_designer(store, tmp_path)
    asked = questions.ask(store, "ann", assignment_id, " Is Response A a quote? ")
    assert questions.ask(store, "ann", assignment_id, "Is Response A a quote?") == asked
    [waiting] = questions.open_questions(store, "dora", "c")
    assert (waiting.id, waiting.kind, waiting.comparison_id, waiting.rater) == (asked, "question", "x1", "ann")
    assert waiting.text == "Is Response B a quote?"
    assert questions.n_open(store, "dora", "c") == 1
    with pytest.raises(NotAllowed):
        questions.n_open(store, "ann", "c")
    questions.answer(store, "dora", asked, "Response B is one, Response A is not.")
    questions.answer(store, "dora", asked, "Response B is one, Response A is not.")
    with pytest.raises(Conflict, match="dora answered this meanwhile"):
        questions.answer(store, "dora", asked, "No.")
    assert questions.open_questions(store, "dora", "c") == []
    assert [one.answered_by for one in questions.open_questions(store, "dora", "c", with_answered=True)] == ["dora"]
    [mine] = questions.own_questions(store, "ann", campaign_name="c")
    assert mine.is_new
    assert mine.answer == "Response A is one, Response B is not."
    assert [questions.mark_read(store, "ann", [asked]) for _ in range(2)] == [1, 0]
    assert not questions.own_questions(store, "ann")[0].is_new
    actions = [event.action for event in rows(store, tables.event) if event.action.startswith("question")]
    assert actions == ["question.asked", "question.answered", "question.read"]


def test_a_report_waits_for_an_answer_too_and_can_come_after_the_judgment(store: Store, tmp_path: Path) -> None:
    assignment_id = with_designer(store, tmp_path)
    questions.report(store, "ann", assignment_id)
    submit(store, "ann", assignment_id, prefers())
    questions.report(store, "ann", assignment_id, kind="broken_text", text="cut off")
    questions.ask(store, "ann", assignment_id, "Why?")
    assert [one.kind for one in questions.open_questions(store, "dora", "c")] == ["harmful", "broken_text", "question"]
    assert [event.actor for event in rows(store, tables.event) if event.action == "report.filed"] == ["ann", "ann"]


def test_only_ones_own_assignments_and_only_designers_answer(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    assignment_id = with_designer(store, tmp_path)
    make_rater(store, "bob")
    asked = questions.ask(store, "ann", assignment_id, "Why?")
    with pytest.raises(NotFound, match="bob has no assignment"):
        questions.ask(store, "bob", assignment_id, "Why?")
    with pytest.raises(NotAllowed):
        questions.open_questions(store, "ann", "c")
    with pytest.raises(NotAllowed):
        questions.answer(store, "bob", asked, "Because.")
    assert questions.own_questions(store, "bob") == []
    assert questions.mark_read(store, "bob", [asked]) == 0
    with pytest.raises(NotFound, match="no question 99"):
        questions.answer(store, "dora", 99, "Because.")


@pytest.mark.parametrize("text", [" ", "x" * 4_001, "half \ud83d", "nul \0"])
def test_texts_that_cannot_be_kept_are_refused(sqlite_store: Store, tmp_path: Path, text: str) -> None:
    assignment_id = with_designer(sqlite_store, tmp_path)
    asked = questions.ask(sqlite_store, "ann", assignment_id, "Why?")
    with pytest.raises(InvalidInput):
        questions.ask(sqlite_store, "ann", assignment_id, text)
    with pytest.raises(InvalidInput):
        questions.answer(sqlite_store, "dora", asked, text)
    with pytest.raises(InvalidInput, match="no kind of report"):
        questions.report(sqlite_store, "ann", assignment_id, kind="question")
    assert len(questions.open_questions(sqlite_store, "dora", "c")) == 1
