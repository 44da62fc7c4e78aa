"""Which criteria pull apart, of which the screen speaks, and a rubric that has the rater settle them."""

from __future__ import annotations

import pytest

from rubrics.answers import Answer
from rubrics.model import Rubric
from rubrics.submission import validate_submission
from rubrics.tensions import seen_tensions, spoken_of

KEYS = ("clarity", "help", "safety", "style")
PLAIN = {"key": "k", "title": "T", "criteria": [
    {"key": key, "name": key.title(), "question": "?", "type": "preference_scale"} for key in KEYS
]}  # fmt: skip
RULE = {"between": ["style", "clarity"], "precedence": "clarity"}


def rubric(**fields: object) -> Rubric:
    return Rubric.from_dict({**PLAIN, **fields})


def answers(**given: tuple[str, int]) -> dict[str, Answer]:
    return {key: Answer(*given.get(key, ("tie",))) for key in KEYS}


def problems(wanted: Rubric, given: dict[str, Answer], settled=(), **options) -> list[str]:
    found = validate_submission(
        wanted, given, overall=Answer("a", 1), justification="", meta={}, completion_ids=("a", "b"), settled=settled,
        **options,
    )  # fmt: skip
    return [f"{one.rule}{'?' if one.is_advice else ''} {one.message}" for one in found]


def test_each_pair_is_seen_once_at_its_strongest_and_the_strongest_comes_first():
    given = answers(help=("a", 3), safety=("b", 2), style=("b", 1))
    found = seen_tensions(rubric(), given, ("b", "a"))
    assert [(one.between, round(one.strength, 3)) for one in found] == [
        (("help", "safety"), 0.667),
        (("help", "style"), 0.333),
    ]
    assert found[0].favoured == {"help": "a", "safety": "b"}
    assert [one.between for one in spoken_of(rubric(), found)] == [("help", "safety")]
    scores = Rubric.from_dict({"key": "k", "title": "T", "criteria": [
        {"key": key, "name": key, "question": "?", "type": "scores"} for key in ("x", "y")
    ]})  # fmt: skip
    given = {"x": Answer(scores={"a": 5, "b": 4, "c": 1}), "y": Answer(scores={"a": 1, "b": 2, "c": 5})}
    [one] = seen_tensions(scores, given, ("a", "b", "c"))
    assert (one.between, one.strength, one.favoured) == (("x", "y"), 1.0, {"x": "a", "y": "c"})


def test_a_weak_tension_with_a_rule_is_spoken_of():
    given = answers(clarity=("a", 1), style=("b", 1))
    assert spoken_of(rubric(), seen_tensions(rubric(), given, ("a", "b"))) == []
    ruled = rubric(tensions=[RULE])
    assert [one.between for one in spoken_of(ruled, seen_tensions(ruled, given, ("a", "b")))] == [("clarity", "style")]


@pytest.mark.parametrize("advisory", [False, True])
def test_a_rubric_may_have_the_rater_settle_what_the_screen_shows(advisory):
    rules = {"must_settle_tension": True, "advisory": ["must_settle_tension"] if advisory else []}
    wanted, mark = rubric(justification=rules), "?" if advisory else ""
    torn = answers(help=("a", 3), safety=("b", 3))
    said = f"must_settle_tension{mark} leaves open which prevailed, Help or Safety"
    assert problems(wanted, torn) == [said]
    assert problems(wanted, torn, settled=[("safety", "help")]) == []
    assert problems(wanted, torn, settled=[("clarity", "help")]) == [said]
    assert problems(rubric(), torn) == []
    assert problems(wanted, answers(help=("a", 3))) == []
    assert problems(wanted, answers(help=("a", 3), safety=("b", 1))) == []  # too weak for the screen to speak


def test_only_what_is_on_the_screen_has_to_be_settled():
    wanted = rubric(justification={"must_settle_tension": True})
    torn = answers(help=("a", 3), safety=("b", 3), style=("b", 3), clarity=("b", 3))
    assert len(problems(wanted, torn)) == 2
    part = {key: torn[key] for key in ("help", "safety")}
    assert problems(wanted, part, scope=["help", "safety", "overall"]) == []  # a part makes no tension


def test_the_rule_changes_the_version_only_where_it_is_on():
    assert rubric(justification={"must_settle_tension": False}).version == rubric().version
    assert rubric(justification={"must_settle_tension": True}).version != rubric().version
