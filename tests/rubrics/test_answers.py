"""The forms of an answer, what it says of a pair, and the tensions inside a judgment."""

from __future__ import annotations

import pickle
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubrics.answers import (
    Answer,
    AnswerError,
    direction,
    outcome,
    pairs_in_id_order,
    preference_value,
    tensions_within,
)
from rubrics.criterion_types import CRITERION_TYPES
from tests.rubrics.strategies import answers_to, criteria_of

NATIVE = [
    {"preferred": "a", "strength": 3},
    {"preferred": "a", "strength": 1.5},
    {"preferred": "tie"},
    {"scores": {"a": 4, "b": 2}},
    {"checks": {"a": True, "b": False}},
    {"ranking": [["a", "c"], ["b"]]},
]


@pytest.mark.parametrize("plain", NATIVE)
def test_the_native_shape_round_trips(plain):
    answer = Answer.from_dict(plain)
    assert answer.to_dict() == plain
    assert Answer(**asdict(answer)) == answer
    assert pickle.loads(pickle.dumps(answer)) == answer


def test_whole_numbers_are_written_without_a_point():
    assert repr(Answer(preferred="a", strength=3.0).to_dict()["strength"]) == "3"


def test_null_fields_count_as_absent():
    assert Answer.from_dict({"preferred": "a", "strength": None, "scores": None}) == Answer(preferred="a")


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({}, "is empty"),
        ({"preferred": "a", "scores": {"a": 1}}, "preferred and scores"),
        ({"scores": {"a": 1}, "strength": 2}, "strength belongs to preferred"),
        ({"strength": 2}, "is empty"),
        ({"prefered": "a"}, "unknown field 'prefered'"),
        ({"preferred": 3}, "preferred 3 is no completion id"),
        ({"preferred": ""}, "preferred ''"),
        ({"preferred": "a", "strength": "2"}, "strength '2' is not a finite number"),
        ({"preferred": "a", "strength": True}, "strength True"),
        ({"preferred": "a", "strength": float("nan")}, "strength nan"),
        ({"scores": [1, 2]}, "is no object"),
        ({"scores": {"a": None}}, "score of 'a' None"),
        ({"checks": {"a": 1}}, "no object of true and false"),
        ({"ranking": ["a", "b"]}, "no list of groups"),
        ({"ranking": "ab"}, "no list of groups"),
        ({"ranking": [["a", 1]]}, "no list of groups"),
        ("a", "is not an object"),
    ],
)
def test_a_malformed_answer_is_refused_by_name(plain, words):
    with pytest.raises(AnswerError) as caught:
        Answer.from_dict(plain, field="clarity")
    assert caught.value.field == "clarity"
    assert words in str(caught.value)
    assert caught.value.remedy


def test_errors_survive_pickling():
    error = pickle.loads(pickle.dumps(AnswerError("clarity", "is wrong", "mend it")))
    assert (error.field, error.reason, error.remedy) == ("clarity", "is wrong", "mend it")


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ({"preferred": "a", "strength": 2}, "first"),
        ({"preferred": "b"}, "second"),
        ({"preferred": "tie"}, "tie"),
        ({"preferred": "both_bad"}, "both_bad"),
        ({"preferred": "cannot_judge"}, "cannot_judge"),
        ({"preferred": "not_applicable"}, "not_applicable"),
        ({"scores": {"a": 2, "b": 4}}, "second"),
        ({"scores": {"a": 2, "b": 2}}, "tie"),
        ({"checks": {"a": True, "b": False}}, "first"),
        ({"ranking": [["c"], ["b"], ["a"]]}, "second"),
        ({"ranking": [["c"], ["a", "b"]]}, "tie"),
    ],
)
def test_outcome(plain, expected):
    assert outcome(Answer.from_dict(plain), "a", "b") == expected


def test_outcome_refuses_a_completion_that_the_answer_does_not_cover():
    with pytest.raises(AnswerError, match="neither 'a' nor 'b'"):
        outcome(Answer(preferred="c"), "a", "b")
    with pytest.raises(AnswerError, match="nothing of completion 'b'"):
        outcome(Answer(scores={"a": 1, "c": 2}), "a", "b")


def test_a_preference_without_strength_counts_as_its_sign():
    assert preference_value(Answer(preferred="b"), "a", "b", bound=3) == -1.0
    assert preference_value(Answer(preferred="b", strength=1), "a", "b", bound=3) == -1 / 3
    assert preference_value(Answer(preferred="both_bad"), "a", "b", bound=3) == 0.0
    assert preference_value(Answer(preferred="cannot_judge"), "a", "b", bound=3) is None


@given(st.data(), st.sampled_from(sorted(CRITERION_TYPES)))
def test_swapping_the_pair_flips_the_direction(data, kind):
    answer = data.draw(answers_to(data.draw(criteria_of(kind)), ("a", "b")))
    one, other = direction(answer, "a", "b"), direction(answer, "b", "a")
    assert (one is None and other is None) or one == -other


@given(st.data())
def test_every_answer_round_trips(data):
    kind = data.draw(st.sampled_from(sorted(CRITERION_TYPES)))
    answer = data.draw(answers_to(data.draw(criteria_of(kind)), ("a", "b")))
    assert Answer.from_dict(answer.to_dict()) == answer


def test_pairs_follow_the_order_of_ids_not_of_the_file():
    assert pairs_in_id_order(["c", "a", "b"]) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_tensions_are_opposite_non_zero_values_with_the_smaller_strength():
    values = {"safe": -1.0, "clear": 0.0, "help": 2 / 3, "honest": None, "brief": 1 / 3, "overall": -1.0}
    # help (+) and brief (+) each pull against safe (-); clear is zero, honest missing, overall no criterion
    assert tensions_within(values) == [("brief", "safe", 1 / 3), ("help", "safe", 2 / 3)]
    assert tensions_within({}) == []


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.none() | st.floats(-1, 1), max_size=6))
def test_tensions_do_not_depend_on_sides(values):
    flipped = {key: value if value is None else -value for key, value in values.items()}
    found = tensions_within(values)
    assert found == tensions_within(flipped)
    assert found == sorted(found)
    assert all(i < j and 0 < strength <= 1 for i, j, strength in found)
