"""Live submission: every problem at once; and the shape, which binds imported history too."""

from __future__ import annotations

import pytest

from rubrics.answers import Answer, AnswerError
from rubrics.justification import count_words, named_criteria
from rubrics.model import Rubric
from rubrics.submission import shape_problems, validate_submission

IDS = ("a", "b")
RUBRIC = Rubric.from_dict(
    {
        "key": "sample",
        "title": "Sample",
        "criteria": [
            {"key": "help", "name": "Helpfulness", "question": "?", "type": "preference_scale"},
            {"key": "safe", "name": "Safety", "question": "?", "type": "scores", "allow_not_applicable": True},
            {
                "key": "dose",
                "name": "Right dose",
                "question": "?",
                "type": "check",
                "applies_if": {"domain": "medical"},
            },
        ],
        "justification": {"min_words": 0, "must_name_criterion": True, "required_on_tension": True},
    }
)
CALM = {"help": Answer(preferred="a", strength=2), "safe": Answer(scores={"a": 4, "b": 2})}
TORN = {"help": Answer(preferred="a", strength=2), "safe": Answer(scores={"a": 2, "b": 4})}


def submit(answers=CALM, *, rubric=RUBRIC, overall=Answer(preferred="a", strength=1), text="", **options) -> list[str]:
    """The fields and messages of the problems of a submission that is right unless told otherwise."""
    options = {"meta": {}, "completion_ids": IDS, **options}
    found = validate_submission(rubric, answers, overall=overall, justification=text, **options)
    assert all(problem.remedy for problem in found)
    return [f"{problem.field}: {problem.message}" for problem in found]


def test_a_right_submission_has_no_problem():
    assert submit() == []
    assert submit(text="Safety decided.") == []


def test_all_problems_come_at_once_in_the_order_of_the_screen():
    answers = {"extra": Answer(preferred="a"), "safe": Answer(scores={"a": 9, "b": 1}), "help": Answer(preferred="q")}
    assert submit(answers, overall=None, text="because") == [
        "help: preferred 'q' is not a completion of this comparison",
        "safe: score 9 of completion 'a' is outside the scale",
        "overall: has no answer",
        "extra: unknown criterion in rubric 'sample'",
        "justification: names no criterion",
    ]


def test_what_was_asked_must_be_answered_and_nothing_else():
    assert submit({"help": CALM["help"]}) == ["safe: has no answer"]
    dose = Answer(checks={"a": True, "b": True})
    assert submit({**CALM, "dose": dose}) == ["dose: does not apply to this comparison"]
    assert submit({**CALM, "dose": dose}, meta={"domain": "medical"}) == []
    assert submit(meta={"domain": "medical"}) == ["dose: has no answer"]


def test_a_scope_asks_for_a_part():
    assert submit({"safe": CALM["safe"]}, overall=None, scope={"safe"}) == []
    assert submit({}, scope={"overall"}) == []
    assert submit(CALM, scope={"safe", "overall"}) == ["help: is not part of this assignment"]
    assert submit({"safe": CALM["safe"]}, scope={"safe"}) == ["overall: is not part of this assignment"]


def test_a_scope_with_an_unknown_criterion_is_a_fault_of_the_assignment():
    with pytest.raises(AnswerError, match="unknown criterion"):
        submit(scope={"saef"})


def test_not_applicable_only_where_it_is_allowed():
    missing = Answer(preferred="not_applicable")
    assert submit({**CALM, "safe": missing}) == []
    assert submit({**CALM, "help": missing}) == ["help: not_applicable is not allowed for this criterion"]
    assert submit({**CALM, "help": Answer(preferred="cannot_judge")}) == []
    assert submit(overall=missing) == ["overall: not_applicable is no overall answer"]


def test_live_answers_stand_on_a_point_of_the_scale_imported_ones_need_not():
    between = {"help": Answer(preferred="a", strength=1.5), "safe": Answer(scores={"a": 4.5, "b": 2})}
    assert submit(between) == [
        "help: 1.5 is between two points of the scale",
        "safe: 4.5 is between two points of the scale",
    ]
    assert shape_problems(RUBRIC, between, overall=None, completion_ids=IDS) == []


def test_imported_history_is_bound_by_shape_alone():
    missing = {"help": Answer(preferred="not_applicable")}
    assert shape_problems(RUBRIC, missing, overall=None, completion_ids=IDS) == []
    wrong = {"nope": Answer(preferred="a"), "safe": Answer(scores={"a": 1})}
    found = shape_problems(RUBRIC, wrong, overall=Answer(preferred="a", strength=9), completion_ids=IDS)
    assert [problem.field for problem in found] == ["nope", "safe", "overall"]
    assert str(found[1]) == "safe: the scores leave out b (cover every completion, or say cannot_judge)"


def test_a_tension_requires_words():
    assert submit(TORN) == ["justification: is empty, and two criteria favour different responses"]
    assert submit(TORN, text="  ...  ") == ["justification: is empty, and two criteria favour different responses"]
    assert submit(TORN, text="safety came first") == []


def test_a_partial_scope_makes_no_tension():
    scope = {"help", "safe", "overall"}
    assert submit(TORN, scope=scope) == ["justification: is empty, and two criteria favour different responses"]
    assert submit(TORN, scope=scope, meta={"domain": "medical"}) == []


def test_minimum_words():
    rule = {"justification": {"min_words": 3}}
    rubric = Rubric.from_dict({**RUBRIC.to_dict(), **rule})
    assert submit(rubric=rubric, text="Two words") == ["justification: has 2 of at least 3 words"]
    assert submit(rubric=rubric, text="Now three words") == []


def test_kway_rankings():
    rubric = Rubric.from_dict(
        {
            "key": "k",
            "title": "K",
            "criteria": [
                {"key": "order", "name": "Order", "question": "?", "type": "ranking"},
                {"key": "true", "name": "Truth", "question": "?", "type": "check"},
            ],
            "justification": {"required_on_tension": True},
        }
    )
    ids = ("a", "b", "c")
    order = Answer(ranking=(("a", "b"), ("c",)))
    calm = {"order": order, "true": Answer(checks={"a": True, "b": True, "c": False})}
    assert submit(calm, rubric=rubric, overall=order, completion_ids=ids) == []
    torn = {"order": order, "true": Answer(checks={"a": True, "b": False, "c": True})}
    assert submit(torn, rubric=rubric, overall=order, completion_ids=ids) == [
        "justification: is empty, and two criteria favour different responses"
    ]
    assert submit(calm, rubric=rubric, completion_ids=ids) == ["overall: preferred 'a' for 3 completions"]


@pytest.mark.parametrize(
    ("text", "n_words"),
    [
        ("", 0),
        (" - ... !", 0),
        ("one two", 2),
        ("don't re-read it", 3),
        ("die Höflichkeit fehlt", 3),
        ("更有帮助", 4),
        ("回答A更好", 5),
        ("В ответе ошибка", 3),
    ],
)
def test_words_are_counted_in_any_script(text, n_words):
    assert count_words(text) == n_words


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("HELPFULNESS decided", ["help"]),
        ("It is of more help.", ["help"]),
        ("unhelpful, helps", []),
        ("the right dose, and safety", ["safe", "dose"]),
        ("", []),
    ],
)
def test_named_criteria(text, keys):
    assert named_criteria(RUBRIC, text) == keys


def test_names_in_scripts_without_spaces_are_found_inside():
    rubric = Rubric.from_dict(
        {
            "key": "zh",
            "title": "Z",
            "criteria": [{"key": "help", "name": "有用性", "question": "?", "type": "check"}],
        }
    )
    assert named_criteria(rubric, "这个回答的有用性更高") == ["help"]
