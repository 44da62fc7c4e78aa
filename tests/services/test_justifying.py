"""Justifications at the desk: checked on the server against texts and earlier words, refused or only advised."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert

from app.domain import OVERALL
from app.errors import RefusedSubmission
from app.services import desk as desks
from app.services.desk import name_responses
from app.services.judging import Submission, revise, submit
from app.services.justifying import find_copied
from app.stats.near_copies import similarity, sketch
from app.store import tables
from app.store.engine import Store
from rubrics.answers import Answer
from rubrics.model import Rubric
from tests.services.house import count, line, make_campaign, rows

RULES = {"quotes_must_exist": True, "must_not_repeat": True, "must_match_choice": True}
WHY = "It answers the question that was put, in order, and leaves nothing of importance out of the picture."


def campaign(store: Store, tmp_path: Path, n: int = 4, raters: tuple[str, ...] = ("ann",), **rules: object) -> None:
    rubric = Rubric.from_dict({"key": "k", "title": "T", "justification": {**RULES, **rules}})
    make_campaign(store, tmp_path, [line(f"x{number}") for number in range(n)], rubric=rubric, raters=raters)


def hand_in(store: Store, why: str, name: str = "ann", *, place: int = 0) -> int:
    """Submit the next comparison, the response at a place preferred; the assignment's number."""
    desk = desks.open_desk(store, name, "c")
    assert desk is not None
    shown = desk.assignment.shown
    given = Submission({OVERALL: Answer(preferred=shown[place])}, name_responses(why, shown))
    told = [problem.rule for problem in desks.find_problems(store, name, desk, given) if not problem.is_advice]
    if told:
        with pytest.raises(RefusedSubmission) as refused:
            submit(store, name, desk.assignment.id, given)
        assert len(refused.value.problems) == len(told)
    submit(store, name, desk.assignment.id, given)
    return desk.assignment.id


def test_a_false_quote_a_near_copy_and_another_choice_are_refused(store: Store, tmp_path: Path) -> None:
    campaign(store, tmp_path)
    with pytest.raises(RefusedSubmission, match="quotes “response z to it”, which does not stand in"):
        hand_in(store, "“response z to it” decided")
    with pytest.raises(RefusedSubmission, match=r"calls Response B the better one, .* prefers Response A"):
        hand_in(store, "Response B is better")
    hand_in(store, f"Response A: “response” is fine. {WHY}")
    with pytest.raises(RefusedSubmission, match="nearly repeats an earlier one of yours"):
        hand_in(store, f"Response B: “response” is fine. {WHY.replace('order', 'turn')}", place=1)
    hand_in(store, "Something that was never said before about the two of them, by anyone.")
    assert count(store, tables.judgment) == 2


def test_prompt_and_reference_are_quoted_as_they_are_read(store: Store, tmp_path: Path) -> None:
    rubric = Rubric.from_dict({"key": "k", "title": "T", "justification": RULES})
    reference = {
        "source_document": {"title": "Manual", "text": "A heap is\na tree."},
        "constraints": ["ten words at most"],
    }
    asked = line("x", prompt="Say “how”,\nand *why* it is größer?", meta=reference)
    make_campaign(store, tmp_path, [asked], rubric=rubric, raters=("ann",))
    with pytest.raises(RefusedSubmission, match="the responses, the prompt or the reference"):
        hand_in(store, "It was asked for “content of the role user”, said nowhere on the screen.")
    hand_in(store, "“and why it is größer”, “A heap is a tree” and “ten words at most” are all kept to.")


def test_what_only_advises_is_stored_with_what_was_advised(store: Store, tmp_path: Path) -> None:
    campaign(store, tmp_path, advisory=list(RULES))
    hand_in(store, WHY)
    hand_in(store, f"{WHY} Response B is better. “not in any of them”")
    details = [event.detail for event in rows(store, tables.event) if event.action == "judgment.submitted"]
    assert [detail.get("advice") for detail in details] == [
        None,
        ["must_match_choice", "must_not_repeat", "quotes_must_exist"],
    ]


def test_ones_own_revision_and_other_peoples_words_are_no_copies(store: Store, tmp_path: Path) -> None:
    campaign(store, tmp_path, raters=("ann", "bob"))
    first = hand_in(store, WHY)
    hand_in(store, WHY, "bob")
    shown = desks.reopen_desk(store, "ann", first).desk.assignment.shown
    again = revise(store, "ann", first, Submission({OVERALL: Answer(preferred=shown[0])}, WHY + " Indeed."))
    assert again.revision == 1
    assert count(store, tables.justification_sketch) == 3


def test_the_same_words_on_a_blind_repeat_are_no_copy(sqlite_store: Store, tmp_path: Path) -> None:
    campaign(sqlite_store, tmp_path)
    first = hand_in(sqlite_store, WHY)
    again = {**rows(sqlite_store, tables.assignment)[0]._mapping, "repeat_index": 1, "purpose": "repeat"}
    del again["id"]
    with sqlite_store.write() as connection:
        second = connection.execute(insert(tables.assignment).returning(tables.assignment.c.id), again).scalar_one()
        assert find_copied(connection, again["rater_id"], second, WHY) is None, "a refusal would tell the repeat"
    with pytest.raises(RefusedSubmission, match="nearly repeats an earlier one"):
        hand_in(sqlite_store, WHY)
    assert first != second


def test_short_words_may_be_said_again(sqlite_store: Store, tmp_path: Path) -> None:
    campaign(sqlite_store, tmp_path)
    for _ in range(3):
        hand_in(sqlite_store, "A is clearer.")
    assert count(sqlite_store, tables.justification_sketch) == 0
    assert similarity("A is clearer.", "A is clearer.") == 0
    assert sketch("") is None


@pytest.mark.parametrize(
    ("other", "is_copy"),
    [
        (WHY, True),
        (WHY.upper().replace(",", " ;"), True),
        (f"[response:a] {WHY}", True),
        (WHY.replace("question", "problem"), True),
        (WHY.replace("question", "problem").replace("importance", "worth").replace("picture", "answer"), False),
        (WHY[: len(WHY) // 2], False),
        ("这个回答的有用性更高因为它完整地回答了用户提出的所有问题并且没有遗漏任何重要的内容", False),
    ],
)
def test_what_counts_as_a_near_copy(other: str, is_copy: bool) -> None:
    assert (similarity(WHY, other) >= 0.8) is is_copy
    assert similarity(other, WHY) == similarity(WHY, other)


def test_copies_are_found_in_scripts_without_spaces() -> None:
    text = "这个回答的有用性更高因为它完整地回答了用户提出的所有问题并且没有遗漏任何重要的内容"
    assert similarity(text, text.replace("更高", "更好")) >= 0.8
