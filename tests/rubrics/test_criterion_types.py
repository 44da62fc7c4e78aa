"""A contract over every kind of criterion, then what is particular to each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubrics.answers import FORMS, Answer, AnswerError
from rubrics.criterion_types import CRITERION_TYPES
from rubrics.model import Criterion
from tests.rubrics.strategies import answers_to, criteria_of

KINDS = sorted(CRITERION_TYPES)


def criterion(kind: str, **settings) -> Criterion:
    """A criterion of one kind with its key `c`."""
    return Criterion.model_validate({"key": "c", "name": "C", "question": "Which?", "type": kind, **settings})


def sizes(kind: str) -> st.SearchStrategy[tuple[str, ...]]:
    """The completions that the kind can be asked of."""
    largest = 4 if CRITERION_TYPES[kind].suits_kway else 2
    return st.integers(2, largest).map(lambda k: tuple("abcd"[:k]))


@pytest.mark.parametrize("kind", KINDS)
def test_contract_facts(kind):
    behaviour = CRITERION_TYPES[kind]
    assert behaviour.level in ("nominal", "ordinal", "interval")
    assert behaviour.form in FORMS
    assert set(behaviour.settings) <= set(Criterion.model_fields)
    assert (type(behaviour).__doc__ or "").strip()
    assert behaviour.strength_bound(criterion(kind)) > 0
    assert criterion(kind).kind is behaviour


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_contract_valid_answers_have_bounded_antisymmetric_values(kind, data):
    ids = data.draw(sizes(kind))
    asked = data.draw(criteria_of(kind))
    answer = data.draw(answers_to(asked, ids))
    asked.validate_answer(answer, ids)
    for first in ids:
        for second in ids:
            if first == second:
                continue
            value, swapped = asked.signed_value(answer, first, second), asked.signed_value(answer, second, first)
            assert (value is None) == answer.is_missing
            if value is not None:
                assert -1 <= value <= 1
                assert swapped == -value


@pytest.mark.parametrize("kind", KINDS)
def test_contract_missing_answers_are_missing_not_zero(kind):
    for word in ("cannot_judge", "not_applicable"):
        criterion(kind).validate_answer(Answer(preferred=word), ("a", "b"))
        assert criterion(kind).signed_value(Answer(preferred=word), "a", "b") is None


@pytest.mark.parametrize("kind", KINDS)
def test_contract_another_form_is_refused(kind):
    forms = {
        "preferred": Answer(preferred="a"),
        "scores": Answer(scores={"a": 1, "b": 1}),
        "checks": Answer(checks={"a": True, "b": True}),
        "ranking": Answer(ranking=(("a",), ("b",))),
    }
    for form, answer in forms.items():
        if form != CRITERION_TYPES[kind].form:
            with pytest.raises(AnswerError, match=f"c: got {form}.*type {kind} .give {CRITERION_TYPES[kind].form}"):
                criterion(kind).validate_answer(answer, ("a", "b"))


@pytest.mark.parametrize(("points", "bound"), [(2, 1), (3, 1), (6, 3), (7, 3), (101, 50)])
def test_the_bound_is_half_the_points(points, bound):
    assert criterion("preference_scale", points=points).strength_bound == bound


@pytest.mark.parametrize(
    ("kind", "settings", "answer", "value"),
    [
        ("preference_scale", {}, Answer(preferred="a", strength=2), 2 / 3),
        ("preference_scale", {}, Answer(preferred="b"), -1.0),
        ("preference_scale", {}, Answer(preferred="tie"), 0.0),
        ("scores", {}, Answer(scores={"a": 2, "b": 5}), -3 / 4),
        ("scores", {"minimum": 0, "maximum": 10}, Answer(scores={"a": 7, "b": 5}), 0.2),
        ("check", {}, Answer(checks={"a": True, "b": False}), 1.0),
        ("check", {}, Answer(checks={"a": False, "b": False}), 0.0),
        ("ranking", {}, Answer(ranking=(("b",), ("c",), ("a",))), -1.0),
    ],
)
def test_signed_values_by_hand(kind, settings, answer, value):
    assert criterion(kind, **settings).signed_value(answer, "a", "b") == pytest.approx(value)


@pytest.mark.parametrize(
    ("kind", "settings", "answer", "words"),
    [
        ("preference_scale", {}, Answer(preferred="x"), "'x' is not a completion of this comparison (it has a, b)"),
        ("preference_scale", {}, Answer(preferred="a", strength=4), "strength 4 is off the scale"),
        ("preference_scale", {}, Answer(preferred="a", strength=-1), "strength -1 is off the scale"),
        ("preference_scale", {}, Answer(preferred="a", strength=0), "strength 0 is off the scale"),
        ("preference_scale", {}, Answer(preferred="tie", strength=1), "strength 1 beside tie"),
        ("preference_scale", {}, Answer(preferred="cannot_judge", strength=1), "strength 1 beside cannot_judge"),
        ("preference_scale", {}, Answer(preferred="both_bad"), "both_bad is no answer to a criterion"),
        ("preference_scale", {"points": 4}, Answer(preferred="tie"), "4 points, which has no middle"),
        ("scores", {}, Answer(scores={"a": 3}), "leave out b"),
        ("scores", {}, Answer(scores={"a": 3, "b": 3, "z": 3}), "name 'z'"),
        ("scores", {}, Answer(scores={"a": 3, "b": 6}), "score 6 of completion 'b'"),
        ("scores", {"minimum": 0}, Answer(scores={"a": -1, "b": 0}), "rate from 0 to 5"),
        ("check", {}, Answer(checks={"b": True}), "leave out a"),
        ("ranking", {}, Answer(ranking=(("a",),)), "leave out b"),
        ("ranking", {}, Answer(ranking=(("a",), ("b", "a"))), "holds completion 'a' twice"),
        ("ranking", {}, Answer(ranking=(("a", "b"), ())), "empty group"),
        ("ranking", {}, Answer(ranking=(("a", "b"), ("q",))), "name 'q'"),
    ],
)
def test_refusals_name_criterion_value_and_remedy(kind, settings, answer, words):
    with pytest.raises(AnswerError) as caught:
        criterion(kind, **settings).validate_answer(answer, ("a", "b"))
    assert caught.value.field == "c"
    assert words in str(caught.value)
    assert caught.value.remedy


def test_a_preference_takes_exactly_two_completions():
    with pytest.raises(AnswerError, match="for 3 completions"):
        criterion("preference_scale").validate_answer(Answer(preferred="a"), ("a", "b", "c"))


def test_anchor_ranges():
    assert list(criterion("preference_scale").kind.anchor_range(criterion("preference_scale"))) == [0, 1, 2, 3]
    even = criterion("preference_scale", points=4)
    assert list(even.kind.anchor_range(even)) == [1, 2]
    assert list(criterion("scores").kind.anchor_range(criterion("scores"))) == [1, 2, 3, 4, 5]
    assert list(criterion("check").kind.anchor_range(criterion("check"))) == [0, 1]
    assert not criterion("ranking").kind.anchor_range(criterion("ranking"))
