"""Every kind of criterion has a widget, and what an answer fills in is what is read out."""

from __future__ import annotations

import pytest
import streamlit as st

from app.services.desk import answer_to_slots
from app.services.showing import answer_from_slots
from app.ui.components.rating.answer_widgets import ANSWER_WIDGETS, criterion_question, overall_question
from rubrics.answers import Answer
from rubrics.criterion_types import CRITERION_TYPES
from rubrics.model import Criterion, Rubric

ANSWERS = {
    "preference_scale": [Answer("1", 3), Answer("2", 1), Answer("tie"), Answer("cannot_judge")],
    "scores": [Answer(scores={"1": 4, "2": 1}), Answer(scores={"2": 5}), Answer("cannot_judge")],
    "check": [Answer(checks={"1": True, "2": False}), Answer("cannot_judge")],
    "ranking": [Answer(ranking=(("2",), ("1",))), Answer(ranking=(("1", "2"),)), Answer("cannot_judge")],
}
CASES = [(kind, answer) for kind, answers in ANSWERS.items() for answer in answers]


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The session's state as a plain dict."""
    made: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", made)
    return made


def criterion(kind: str, **settings: object) -> Criterion:
    return Criterion(key="one", name="One", question="Which?", type=kind, **settings)


def test_every_kind_has_a_widget():
    assert set(ANSWER_WIDGETS) == set(CRITERION_TYPES)
    assert set(ANSWERS) == set(CRITERION_TYPES)


@pytest.mark.parametrize(("kind", "answer"), CASES)
def test_an_answer_survives_the_widget(state, kind, answer):
    widget, question = criterion_question(criterion(kind), ("1", "2"))
    assert widget.read(question, "key") is None
    state.update(widget.fill(question, "key", answer))
    assert widget.read(question, "key") == answer


@pytest.mark.parametrize(("kind", "answer"), CASES)
@pytest.mark.parametrize("shown", [("a", "b"), ("b", "a")])
def test_slots_and_ids_are_inverse(kind, answer, shown):
    assert answer_to_slots(answer_from_slots(answer, shown), shown) == answer


@pytest.mark.parametrize(("points", "n_options"), [(2, 3), (3, 4), (6, 7), (7, 8), (101, 102)])
def test_a_scale_offers_every_point_and_cannot_judge(points, n_options):
    widget, question = criterion_question(criterion("preference_scale", points=points), ("1", "2"))
    options = widget.options(question)
    assert len(options) == len(set(options)) == n_options
    assert ("tie" in options) == (points % 2 == 1)


def test_overall_is_a_scale_for_two_and_a_ranking_for_more():
    rubric = Rubric(key="r", title="R")
    widget, question = overall_question(rubric, ("1", "2"))
    assert "both_bad" in widget.options(question)
    widget, question = overall_question(rubric, ("1", "2", "3"))
    assert widget is ANSWER_WIDGETS["ranking"]
    assert question.outside == ("cannot_judge",)


def test_a_ranking_reads_places_with_gaps(state):
    widget, question = overall_question(Rubric(key="r", title="R"), ("1", "2", "3"))
    state.update({"key-1": 3, "key-2": 1, "key-3": 3})
    assert widget.read(question, "key") == Answer(ranking=(("2",), ("1", "3")))
