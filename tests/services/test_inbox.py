"""The inbox: what waits, decisions that close it, and the version that answers them; on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert

from app.domain import Cause, RaterKind, Role
from app.errors import Conflict, InvalidInput, NotAllowed, NotFound
from app.services import inbox, quality, questions
from app.services.adjudicating import decide as adjudicate
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.inbox import ItemKind, Outcome
from app.services.people import add_account
from app.services.sessions import person_named
from app.store import tables
from app.store.engine import Store
from rubrics.answers import Answer
from tests.services.house import MINIMAL, bring, count, gold, line, make_campaign, rows, vote

STRONG = [f"w{k}" for k in range(5)]
GOLD = [
    *({**gold(f"fine{n:02d}"), "judgments": [vote(rater, "a") for rater in STRONG]} for n in range(14)),
    {**gold("wrong"), "judgments": [vote(rater, "b") for rater in STRONG]},
]
"""Raters who are right on fourteen keys and contradict another: it is the key."""


@pytest.fixture
def house(store: Store, tmp_path: Path) -> Store:
    """Two open comparisons, a gold key that everybody contradicts, a designer and a rater who has asked."""
    make_campaign(store, tmp_path, [line("x"), line("y")])
    bring(store, tmp_path, GOLD)
    add_account(store, "dee", roles=[Role.DESIGNER])
    add_member(store, "c", "dee", roles=[Role.DESIGNER])
    held = next_assignment(store, "ann", "c")
    assert held is not None
    questions.ask(store, "ann", held.id, "Does Response A count as an answer?")
    questions.report(store, "ann", held.id, text="insults")
    for cause in (Cause.STYLE, Cause.VALUE_CONFLICT):
        adjudicate(store, "dee", "c", "y", answer=Answer(preferred="a"), cause=cause, reason="kind against true")
    return store


def findings(store: Store, folder: Path):
    wanted = quality.want(store, "inbox", "c", kinds=[RaterKind.HUMAN])
    return quality.find(store, "dee", wanted, folder=folder).document


def waiting(store: Store, folder: Path):
    return {item.kind: item for item in inbox.open_items(store, "dee", "c", findings(store, folder))}


def test_everything_that_the_rubric_answers_for_waits(house: Store, tmp_path: Path) -> None:
    found = waiting(house, tmp_path)
    assert set(found) == {ItemKind.QUESTION, ItemKind.REPORT, ItemKind.VALUE_CONFLICT, ItemKind.GOLD}
    assert found[ItemKind.QUESTION].by == "ann"
    assert found[ItemKind.REPORT].text == "harmful: insults"
    assert (found[ItemKind.VALUE_CONFLICT].text, found[ItemKind.VALUE_CONFLICT].comparison_id) == (
        "kind against true",
        "y",
    )
    assert found[ItemKind.GOLD].text.startswith("5 of 5 strong raters contradict the gold key; by it 0 of 5 are right.")
    with pytest.raises(NotAllowed):
        inbox.open_items(house, "ann", "c", {})


def test_a_decision_closes_its_item_and_answers_the_rater(house: Store, tmp_path: Path) -> None:
    question = waiting(house, tmp_path)[ItemKind.QUESTION]
    made = inbox.decide(house, "dee", "c", question, outcome=Outcome.CHANGE, reason="Yes; the guidance will say so.")
    assert (made.by, made.outcome, made.rubric_version) == ("dee", Outcome.CHANGE, None)
    assert ItemKind.QUESTION not in waiting(house, tmp_path)
    (asked,) = [one for one in questions.own_questions(house, "ann") if one.kind == "question"]
    assert asked.answer == "Yes; the guidance will say so."
    (event,) = rows(house, tables.event, tables.event.c.action == "inbox.decided")
    assert (event.actor, event.subject, event.detail["outcome"]) == ("dee", question.subject, "change")
    with pytest.raises(Conflict, match="meanwhile"):
        inbox.decide(house, "dee", "c", question, outcome=Outcome.LEAVE, reason="No.")
    assert count(house, tables.inbox_decision) == 1


def test_a_question_answered_elsewhere_still_ends_in_a_decision(house: Store, tmp_path: Path) -> None:
    question = waiting(house, tmp_path)[ItemKind.QUESTION]
    questions.answer(house, "dee", int(question.subject.partition(":")[2]), "It does.")
    assert waiting(house, tmp_path)[ItemKind.QUESTION] == question
    inbox.decide(house, "dee", "c", question, outcome=Outcome.EXPLAIN, reason="Answered in the chat.")
    (asked,) = [one for one in questions.own_questions(house, "ann") if one.kind == "question"]
    assert asked.answer == "It does."


def test_an_old_question_waits_however_many_were_answered_since(house: Store, tmp_path: Path) -> None:
    (question,) = [row for row in rows(house, tables.rater_report) if row.kind == "question"]
    later = {name: value for name, value in question._mapping.items() if name != "id"}
    answered = {**later, "answer": "Yes.", "answered_at": question.reported_at, "answered_by": "dee"}
    with house.write() as connection:
        connection.execute(insert(tables.rater_report), [answered] * 210)
    found = inbox.open_items(house, "dee", "c", {})
    assert f"question:{question.id}" in {item.subject for item in found}
    assert len({item.subject for item in found}) == len(found)


def test_what_is_not_decided_is_refused_whole(house: Store, tmp_path: Path) -> None:
    items = waiting(house, tmp_path)
    for item, outcome, reason, message in (
        (items[ItemKind.QUESTION], Outcome.CHANGE, " ", "needs a reason"),
        (items[ItemKind.QUESTION], Outcome.CHANGE, "x" * 4001, "keep it under 4,000"),
        (items[ItemKind.QUESTION], Outcome.CHANGE, "so\0", "NUL character"),
        (items[ItemKind.QUESTION], Outcome.FIX_KEY, "so", "no gold key to fix"),
        (items[ItemKind.GOLD], Outcome.FIX_KEY, "x" * 5_000, "5,000 characters"),
    ):
        with pytest.raises(InvalidInput, match=message):
            inbox.decide(house, "dee", "c", item, outcome=outcome, reason=reason)
    with pytest.raises(NotAllowed):
        inbox.decide(house, "ann", "c", items[ItemKind.GOLD], outcome=Outcome.LEAVE, reason="so")
    assert count(house, tables.inbox_decision) == 0


def test_the_version_that_answers_names_its_decisions(house: Store, tmp_path: Path) -> None:
    items = waiting(house, tmp_path)
    made = [
        inbox.decide(house, "dee", "c", items[kind], outcome=Outcome.CHANGE, reason="We say which prevails.")
        for kind in (ItemKind.VALUE_CONFLICT, ItemKind.GOLD)
    ]
    n = inbox.link_version(house, "dee", "c", [one.id for one in made], version=MINIMAL.version)
    assert n == 2
    dee, ann = (person_named(house, name) for name in ("dee", "ann"))
    assert [one.id for one in inbox.decisions_of_version(house, dee, MINIMAL.version)] == [one.id for one in made]
    assert inbox.decisions_of_version(house, ann, MINIMAL.version) == []
    assert {one.rubric_version for one in inbox.decisions_in(house, "dee", "c")} == {MINIMAL.version}
    with pytest.raises(NotAllowed):
        inbox.decisions_in(house, "ann", "c")
    with pytest.raises(NotFound, match="no decision 99"):
        inbox.link_version(house, "dee", "c", [99], version=MINIMAL.version)
    with pytest.raises(NotFound, match="No rubric version"):
        inbox.link_version(house, "dee", "c", [made[0].id], version="0" * 64)
    with pytest.raises(NotAllowed):
        inbox.link_version(house, "ann", "c", [made[0].id], version=MINIMAL.version)


def test_a_decision_changes_no_report(house: Store, tmp_path: Path) -> None:
    wanted = quality.want(house, "tensions", "c")
    before = quality.find(house, "dee", wanted, folder=tmp_path)
    item = waiting(house, tmp_path)[ItemKind.GOLD]
    inbox.decide(house, "dee", "c", item, outcome=Outcome.LEAVE, reason="The key is right.")
    after = quality.find(house, "dee", wanted, folder=tmp_path)
    assert before is not None
    assert after is not None
    assert after.made_at == before.made_at
