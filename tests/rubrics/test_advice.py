"""Advice: it finds what it should, names place and remedy, and is silent about rubrics that are well made."""

from __future__ import annotations

import pytest

from rubrics.advice import RULES, advise
from rubrics.loader import library, load_library, parse_rubric

HEAD = "key: mine\ntitle: Mine\ncriteria:\n"
GUIDANCE = "    guidance: Count what the user can do after reading, and leave aside how it is said.\n"
EXPLAINED = GUIDANCE + "    type: preference_scale\n"
POINTS = "    guidance: Count words.\n    type: scores\n    anchors: {1: poor, 5: excellent}\n"
BARE = "    type: scores\n    guidance: Follow the links.\n"


def criterion(key: str, question: str, *, name: str | None = None, rest: str = EXPLAINED) -> str:
    """A criterion as YAML."""
    return f"  - key: {key}\n    name: {name or key.capitalize()}\n    question: {question}\n{rest}"


def kinds(text: str) -> list[tuple[str, str]]:
    """Kind and place of all advice on a text."""
    return [(one.kind, one.field) for one in advise(parse_rubric(text), text)]


@pytest.mark.parametrize("key", sorted(library()))
def test_well_made_rubrics_are_left_alone(key):
    assert advise(load_library(key)) == []


CASES = [
    (criterion("q", "Which response is better?"), "vague", "criteria[0].question"),
    (criterion("q", "Which response is of higher quality?"), "vague", "criteria[0].question"),
    (criterion("q", "Is the tone appropriate?"), "vague", "criteria[0].question"),
    (criterion("q", "Which has a sufficiently detailed answer?"), "vague", "criteria[0].question"),
    (criterion("q", "How long is it?", rest=POINTS),
     "vague", "criteria[0].anchors.1"),
    (criterion("q", "Which response is clear and concise?"), "double_barrelled", "criteria[0].question"),
    (criterion("q", "Which response is more helpful and less harmful, and safe or honest?"), "double_barrelled",
     "criteria[0].question"),
    (criterion("q", "Which is more accurate as well as more complete?"), "double_barrelled", "criteria[0].question"),
    (criterion("q", "Does it answer? Does it cite?"), "double_barrelled", "criteria[0].question"),
    (criterion("q", "Which response shows grammar and style?"), "double_barrelled", "criteria[0].question"),
    (criterion("one", "Which response has fewer factual errors?")
     + criterion("two", "Which response has less factual error?"),
     "same", "criteria[1].question"),
    (criterion("help", "What does more?", name="Helpfulness")
     + criterion("harm", "What risks less?", name="Harmlessness"),
     "missing_rule", "tensions"),
    (criterion("short", "Which has fewer words to spare?", name="Brevity")
     + criterion("full", "What leaves less out?", name="Completeness"),
     "missing_rule", "tensions"),
    (criterion("honesty", "Which says what it knows?")
     + criterion("kindness", "Which comforts?"),
     "missing_rule", "tensions"),
    (criterion("q", "Which cites?", rest="    type: preference_scale\n"), "unexplained", "criteria[0]"),
    (criterion("q", "Which cites?", rest=BARE), "unexplained", "criteria[0]"),
    (criterion("q", "Which response, " + "considering one thing and another thing, " * 6 + "cites?"), "unexplained",
     "criteria[0].question"),
    (criterion("q", "Which cites?")
     + "tests:\n  - {prompt: p, a: x, b: y, expect: {overall: a}}\n", "untested", "tests"),
    ("".join(criterion(f"{word}ing", f"{word.capitalize()}s?") for word in
             ("walk", "jump", "sing", "read", "wait", "talk", "paint", "cook", "swim")), "too_many", "criteria"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "field"), CASES, ids=lambda value: str(value)[:40])
def test_what_raters_trip_over_is_named_with_its_place(text, kind, field):
    found = kinds(HEAD + text)
    assert (kind, field) in found
    assert {one for one, _ in found} <= {kind, "vague"}, "one fault is not blamed twice"


def test_every_rule_has_a_case():
    assert {kind for _, kind, _ in CASES} == set(RULES)


@pytest.mark.parametrize(
    "question",
    [
        "Which response does more of what the user asked?",
        "Which response names more risks and side effects?",
        "How far is what it says about supply and demand carried by the source?",
        "Is the code tested?",
        "Which one says where and when it happened?",
        "Which response is easier to understand and no longer than it has to be?",
    ],
)
def test_plain_questions_are_not_called_double_or_vague(question):
    assert kinds(HEAD + criterion("q", question)) == []


def test_a_vague_word_that_the_guidance_fills_is_left_alone():
    filled = (
        "    type: preference_scale\n    guidance: "
        + "Good means here that the numbers add up; recompute them. " * 4
        + "\n"
    )
    assert kinds(HEAD + criterion("q", "Which table is good?", rest=filled)) == []


def test_a_rule_for_the_pair_ends_the_advice_and_so_does_a_veto():
    pair = criterion("help", "What does more?", name="Helpfulness") + criterion(
        "harm", "What risks less?", name="Safety"
    )
    rule = "tensions:\n  - {between: [harm, help], precedence: harm}\n"
    assert kinds(HEAD + pair + rule) == []
    veto = pair.replace("type: preference_scale\n", "type: check\n    veto: true\n")
    assert kinds(HEAD + veto) == []


def test_advice_has_line_remedy_and_an_identity_of_its_own():
    text = HEAD + criterion("q", "Which response is better?")
    (one,) = advise(parse_rubric(text), text)
    assert (one.line, one.remedy) == (6, "say in what respect")
    other = text.replace("better", "nice")
    assert advise(parse_rubric(other), other)[0].id != one.id
    assert advise(parse_rubric("# moved\n" + text), "# moved\n" + text)[0].id == one.id
