"""Rubrics: versions, look-ups, overall answers and every rule."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings

from rubrics.answers import Answer, AnswerError
from rubrics.errors import RubricError
from rubrics.loader import dump_rubric, load_library, parse_rubric
from rubrics.model import Rubric
from tests.rubrics.strategies import rubrics

PLAIN = {
    "key": "sample",
    "title": "Sample",
    "criteria": [
        {"key": "help", "name": "Help", "question": "Which helps?", "type": "preference_scale", "weight": 3},
        {
            "key": "safe",
            "name": "Safety",
            "question": "Which is safer?",
            "type": "scores",
            "weight": 1,
            "applies_if": {"domain": ["medical", "law"]},
        },
    ],
    "tensions": [{"between": ["help", "safe"], "precedence": "safe"}],
    "tests": [{"prompt": "p", "a": "x", "b": "y", "expect": {"help": "a", "overall": "tie"}}],
}


HELPFUL = "2eedd16a1dc339a91ec56d67b4bd7197ace8dc2048043668263dff51d4ddbbc0"
FACTUAL = "245549ac7ab741369a6d8b61b3053b70b012dc500292883b4641eba158e88bab"
MINIMAL = "6906d78e1265293b1d32144f54b4682f95a1deee42e18118e148034b1adc4311"


def changed(**changes) -> dict:
    """PLAIN with values replaced: keys are paths such as `criteria__0__name`."""
    plain = copy.deepcopy(PLAIN)
    for path, value in changes.items():
        *way, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        at = plain
        for part in way:
            at = at[part]
        at[last] = value
    return plain


def shuffled(value):
    """The same value with the keys of every mapping in reverse order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(part) for part in value] if isinstance(value, list) else value


def test_the_version_is_known():
    """A change of this value would orphan every stored judgment: find out why before you touch it."""
    assert Rubric.from_dict(PLAIN).version == "ea0ddbb541487312317b99750907b1c86a86ff42bd32b8ee8c689259569ee4a8"


def test_the_version_is_the_same_in_another_process():
    code = f"from rubrics.model import Rubric; print(Rubric.from_dict({PLAIN!r}).version)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == Rubric.from_dict(PLAIN).version


@pytest.mark.parametrize(
    "same",
    [
        shuffled(PLAIN),
        {key: value for key, value in PLAIN.items() if key != "tests"},
        changed(tests__0__expect={"help": "b"}),
        changed(title="  Sample\n"),
        changed(criteria__0__points=7, criteria__1__minimum=1, instructions="", overall={"points": 7}),
        changed(criteria__0__weight=3.0),
    ],
)
def test_the_version_ignores_key_order_tests_and_written_defaults(same):
    assert Rubric.from_dict(same).version == Rubric.from_dict(PLAIN).version


@pytest.mark.parametrize(
    "other",
    [
        changed(title="Another"),
        changed(key="another"),
        changed(instructions="Read."),
        changed(criteria=PLAIN["criteria"][::-1]),
        changed(criteria__0__name="Helping"),
        changed(criteria__0__points=5),
        changed(criteria__0__weight=2),
        changed(criteria__0__anchors={"1": "slightly"}),
        changed(criteria__1__maximum=7),
        changed(criteria__1__applies_if={}),
        changed(tensions__0__precedence="help"),
        changed(tensions=[]),
        changed(overall={"allow_both_bad": False}),
        changed(justification={"min_words": 1}),
    ],
)
def test_the_version_follows_what_raters_see(other):
    assert Rubric.from_dict(other).version != Rubric.from_dict(PLAIN).version


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(rubrics())
def test_plain_values_round_trip_through_json(rubric):
    again = Rubric.from_dict(json.loads(json.dumps(rubric.to_dict())))
    assert again == rubric
    assert again.version == rubric.version
    assert Rubric.from_dict(shuffled(rubric.to_dict())).version == rubric.version


def test_a_rubric_is_frozen_and_pickles():
    rubric = Rubric.from_dict(PLAIN)
    with pytest.raises(ValueError, match="frozen"):
        rubric.title = "Other"
    assert pickle.loads(pickle.dumps(rubric)) == rubric


def test_look_ups():
    rubric = Rubric.from_dict(PLAIN)
    assert rubric.criterion("safe").name == "Safety"
    assert rubric.criterion_keys == ("help", "safe")
    assert rubric.declared_weights() == {"help": 0.75, "safe": 0.25}
    assert rubric.tension_rule("safe", "help") is rubric.tensions[0]
    assert rubric.tension_rule("safe", "other") is None
    assert rubric.tensions[0].prevailing == "safe"
    assert not rubric.suits_kway
    with pytest.raises(AnswerError, match=r"saef: unknown criterion in rubric 'sample' .did you mean safe"):
        rubric.criterion("saef")


def test_a_rubric_without_criteria():
    rubric = Rubric.from_dict({"key": "bare", "title": "Bare"})
    assert rubric.declared_weights() == {}
    assert rubric.suits_kway
    assert rubric.applicable({"domain": "medical"}) == ()
    with pytest.raises(AnswerError, match="no criteria, only overall"):
        rubric.criterion("help")


def test_no_weights_declare_nothing():
    plain = changed()
    for criterion in plain["criteria"]:
        del criterion["weight"]
    assert Rubric.from_dict(plain).declared_weights() == {}


@pytest.mark.parametrize(
    ("meta", "keys"),
    [
        ({}, ["help"]),
        ({"domain": "medical"}, ["help", "safe"]),
        ({"domain": ["sport", "law"]}, ["help", "safe"]),
        ({"domain": "sport"}, ["help"]),
        ({"domain": None}, ["help"]),
    ],
)
def test_applicable_criteria(meta, keys):
    assert [criterion.key for criterion in Rubric.from_dict(PLAIN).applicable(meta)] == keys


def test_every_key_of_applies_if_must_match_and_true_is_not_one():
    rubric = Rubric.from_dict(changed(criteria__1__applies_if={"domain": "law", "risk": [1]}))
    assert len(rubric.applicable({"domain": "law"})) == 1
    assert len(rubric.applicable({"domain": "law", "risk": True})) == 1
    assert len(rubric.applicable({"domain": "law", "risk": 1})) == 2


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        (Answer(preferred="a", strength=3), ("a", "b")),
        (Answer(preferred="tie"), ("a", "b")),
        (Answer(preferred="both_bad"), ("a", "b")),
        (Answer(preferred="cannot_judge"), ("a", "b", "c")),
        (Answer(ranking=(("a", "c"), ("b",))), ("a", "b", "c")),
        (Answer(ranking=(("b",), ("a",))), ("a", "b")),
    ],
)
def test_overall_answers_that_fit(answer, ids):
    Rubric.from_dict(PLAIN).validate_overall(answer, ids)


@pytest.mark.parametrize(
    ("answer", "ids", "words"),
    [
        (Answer(preferred="a", strength=4), ("a", "b"), "strength 4"),
        (Answer(preferred="z"), ("a", "b"), "'z' is not a completion"),
        (Answer(preferred="tie"), ("a", "b"), "does not allow ties"),
        (Answer(preferred="both_bad"), ("a", "b"), "does not allow both_bad"),
        (Answer(preferred="not_applicable"), ("a", "b"), "no overall answer"),
        (Answer(scores={"a": 1, "b": 2}), ("a", "b"), "got scores"),
        (Answer(preferred="a"), ("a", "b", "c"), "for 3 completions"),
        (Answer(ranking=(("a", "b"), ("c",))), ("a", "b", "c"), "does not allow ties"),
        (Answer(ranking=(("a",), ("b",))), ("a", "b", "c"), "leave out c"),
    ],
)
def test_overall_answers_that_do_not_fit(answer, ids, words):
    rubric = Rubric.from_dict(changed(overall={"points": 6, "allow_tie": False, "allow_both_bad": False}, tests=[]))
    with pytest.raises(AnswerError) as caught:
        rubric.validate_answer("overall", answer, ids)
    assert caught.value.field == "overall"
    assert words in str(caught.value)


def test_signed_values_by_key():
    rubric = Rubric.from_dict(PLAIN)
    assert rubric.signed_value("overall", Answer(preferred="b", strength=1), "a", "b") == pytest.approx(-1 / 3)
    assert rubric.signed_value("overall", Answer(ranking=(("a",), ("b",))), "a", "b") == 1.0
    assert rubric.signed_value("safe", Answer(scores={"a": 5, "b": 4}), "a", "b") == 0.25


@pytest.mark.parametrize(
    ("plain", "field", "words"),
    [
        (changed(key="Sample!"), "key", "should match pattern"),
        (changed(titel="x"), "titel", "did you mean title?"),
        ({"key": "x"}, "title", "is missing (add it: the rubric's name on the screen)"),
        (changed(criteria__0__key="overall"), "criteria[0].key", "reserved word"),
        (changed(criteria__0__type="chekc"), "criteria[0].type", "did you mean check?"),
        (changed(criteria__1__key="help"), "criteria[1].key", "'help' is taken by criteria[0]"),
        (changed(criteria__1__name="HELP"), "criteria[1].name", "'HELP' is taken"),
        (changed(criteria__0__points=1), "criteria[0].points", "greater than or equal to 2"),
        (changed(criteria__0__points=None), "criteria[0].points", "is empty"),
        (changed(criteria__0__minimum=1), "criteria[0].minimum", "does not belong to type preference_scale"),
        (changed(criteria__1__points=5), "criteria[1].points", "settings of this type are: minimum, maximum"),
        (changed(criteria__1__minimum=5), "criteria[1].maximum", "5 is not above the minimum 5"),
        (changed(criteria__0__anchors={4: "x"}), "criteria[0].anchors.4", "describe points from 0 to 3"),
        (changed(criteria__0__anchors={-1: "x"}), "criteria[0].anchors.-1", "serves both sides"),
        (changed(criteria__0__weight=-1), "criteria[0].weight", "greater than or equal to 0"),
        (changed(criteria__0__weight=float("nan")), "criteria[0].weight", "finite"),
        (changed(criteria__0__weight=0, criteria__1__weight=0), "criteria[0].weight", "every weight is 0"),
        (changed(criteria__1__weight=None), "criteria[1].weight", "other criteria have one"),
        (changed(criteria__1__applies_if={"domain": []}), "criteria[1].applies_if.domain", "at least 1"),
        (changed(criteria__1__applies_if={"domain": [{}]}), "criteria[1].applies_if.domain[0]", "should be a text"),
        (changed(tensions__0__between=["help", "help"]), "tensions[0].between", "two different criteria"),
        (changed(tensions__0__between=["help", "saef"]), "tensions[0].precedence", "not one of the two"),
        (changed(tensions__0__precedence="context"), "tensions[0].guidance", "say how the context decides"),
        (changed(tensions__0__context=True), "tensions[0].context", "write precedence: context"),
        (changed(tensions=PLAIN["tensions"] * 2), "tensions[1].between", "have a rule already"),
        (changed(overall={"points": 6}), "overall.points", "no middle for a tie"),
        (changed(overall={"allow_ties": False}), "overall.allow_ties", "did you mean allow_tie?"),
        (changed(justification={"min_words": -1}), "justification.min_words", "greater than or equal to 0"),
        (changed(tests__0__expect={"hlep": "a"}), "tests[0].expect.hlep", "did you mean help?"),
        (changed(tests__0__expect={"help": "both_bad"}), "tests[0].expect.help", "write one of a, b, tie"),
        (changed(tests__0__expect={"help": "not_applicable"}), "tests[0].expect.help", "cannot be expected"),
        (
            {"key": "x", "title": "X", "justification": {"must_name_criterion": True}},
            "justification.must_name_criterion",
            "there is no criterion to name",
        ),
    ],
)
def test_every_rule_names_place_value_and_remedy(plain, field, words):
    with pytest.raises(RubricError) as caught:
        Rubric.from_dict(plain, source="stored rubric")
    problem = next(problem for problem in caught.value.problems if problem.field == field)
    assert words in str(problem)
    assert problem.remedy
    assert str(caught.value).startswith("stored rubric: ")


def test_examples_follow_the_criterion():
    example = {"prompt": "p", "a": "x", "b": "y", "prefer": "not_applicable", "why": "w"}
    with pytest.raises(RubricError, match=r"criteria\[0\].examples\[0\].prefer: not_applicable is not allowed"):
        Rubric.from_dict(changed(criteria__0__examples=[example]))
    with pytest.raises(RubricError, match=r"examples\[0\].prefer: 'A' is no answer"):
        Rubric.from_dict(changed(criteria__0__examples=[{**example, "prefer": "A"}]))


def test_an_unknown_criterion_in_a_tension_is_suggested():
    plain = changed(tensions__0={"between": ["help", "saef"], "precedence": "help"})
    with pytest.raises(RubricError, match=r"tensions\[0\].between\[1\]: 'saef' is no criterion .did you mean safe"):
        Rubric.from_dict(plain)


def test_braces_in_a_value_do_not_break_the_error():
    with pytest.raises(RubricError, match=r"'\{a\}' is no type"):
        Rubric.from_dict(changed(criteria__0__type="{a}"))


VETOING = {
    "key": "vetoing",
    "title": "Vetoing",
    "criteria": [
        {"key": "safe", "name": "Safe", "question": "Is it safe?", "type": "check", "veto": True, "weight": 0},
        {"key": "legal", "name": "Legal", "question": "Is it legal?", "type": "check", "veto": True, "weight": 1},
        {"key": "help", "name": "Help", "question": "Which helps?", "type": "preference_scale", "weight": 3},
    ],
}


@pytest.mark.parametrize(
    ("values", "leaning"),
    [
        ({"safe": -1.0, "legal": 0.0, "help": 1.0}, -1.0),  # one veto decides, whatever helps
        ({"safe": 1.0, "legal": -1.0, "help": 1.0}, 0.5),  # two vetoes cancel: 1/4 (-1) + 3/4 (1)
        ({"safe": 0.0, "legal": 0.0, "help": -0.5}, -0.375),  # both pass or both fail: 3/4 (-1/2)
        ({"safe": None, "help": None}, 0.0),
        ({"safe": 1.0, "legal": 1.0, "help": -1.0}, 1.0),
    ],
)
def test_vetoes_decide_first_and_weights_second(values, leaning):
    assert Rubric.from_dict(VETOING).leaning(values) == pytest.approx(leaning)


def test_without_weights_only_a_veto_leans():
    plain = copy.deepcopy(VETOING)
    for criterion in plain["criteria"]:
        del criterion["weight"]
    rubric = Rubric.from_dict(plain)
    assert rubric.leaning({"help": 1.0}) is None
    assert rubric.leaning({"help": 1.0, "legal": -1.0}) == -1.0
    assert Rubric.from_dict(PLAIN).leaning({"help": 1.0, "safe": -1.0}) == pytest.approx(0.5)


def test_only_a_check_vetoes_and_no_rule_stands_against_it():
    plain = copy.deepcopy(VETOING)
    plain["criteria"][2]["veto"] = True
    plain["tensions"] = [{"between": ["safe", "help"], "precedence": "help"}]
    with pytest.raises(RubricError, match=r"criteria\[2\]\.veto: a criterion of type preference_scale cannot veto"):
        Rubric.from_dict(plain)
    del plain["criteria"][2]["veto"]
    with pytest.raises(
        RubricError, match=r"tensions\[0\]\.precedence: 'help' cannot decide against the veto of 'safe'"
    ):
        Rubric.from_dict(plain)
    plain["tensions"][0]["precedence"] = "safe"
    assert Rubric.from_dict(plain).vetoes == ("safe", "legal")


def test_a_veto_is_another_version_and_its_absence_is_the_old_one():
    plain = copy.deepcopy(VETOING)
    for criterion in plain["criteria"]:
        criterion["veto"] = False
    without = Rubric.from_dict(plain)
    assert without.version != Rubric.from_dict(VETOING).version
    assert without.version == Rubric.from_dict({**plain, "criteria": [
        {key: value for key, value in criterion.items() if key != "veto"} for criterion in plain["criteria"]
    ]}).version  # fmt: skip
    assert "veto:" not in dump_rubric(without)


@pytest.mark.parametrize(
    ("key", "version"),
    [("helpful_harmless", HELPFUL), ("instruction_factuality", FACTUAL), ("minimal", MINIMAL)],
)
def test_published_library_versions_stay_what_they_were(key, version):
    """Campaigns are judged by these: a change of a value would orphan their judgments."""
    assert load_library(key).version == version


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40, deadline=None)
@given(rubrics())
def test_the_version_is_the_same_after_every_way_through_text_and_json(rubric):
    assert Rubric.from_dict(json.loads(json.dumps(rubric.to_dict()))).version == rubric.version
    assert parse_rubric(dump_rubric(rubric)).version == rubric.version
