"""Rules for justifications: each speaks when it should, is silent otherwise, and blocks or advises as told."""

from __future__ import annotations

from itertools import product

import pytest

from rubrics.answers import Answer
from rubrics.errors import RubricError
from rubrics.justification import Grounds, justification_problems
from rubrics.loader import load_library
from rubrics.model import JUSTIFICATION_RULES, Rubric

CRITERIA = [
    {"key": "clarity", "name": "Clarity", "question": "?", "type": "preference_scale"},
    {"key": "safety", "name": "Safety", "question": "?", "type": "preference_scale"},
]
TEXTS = {
    "b": "The **answer** is 42,\nas it has always been. Nobody asked why.",
    "a": "I do not know; 这个回答的有用性更高。 Ask somebody else, perhaps.",
}
GROUNDS = Grounds(TEXTS, "What is the answer to everything?", None)


def rubric(**rules: object) -> Rubric:
    return Rubric.from_dict({"key": "k", "title": "T", "criteria": CRITERIA, "justification": rules})


def said(text: str, overall: str = "b", *, grounds: Grounds | None = GROUNDS, torn: bool = False, **rules) -> list[str]:
    """The rules that speak up; the screen shows completion b first, as Response A."""
    answer = Answer(preferred=overall)
    found = list(justification_problems(rubric(**rules), text, torn=torn, overall=answer, grounds=grounds))
    assert all(one.message and one.remedy and one.field == "justification" for one in found)
    return [one.rule + ("?" if one.is_advice else "") for one in found]


def test_every_rule_blocks_unless_the_rubric_says_that_it_only_advises():
    rules = {"min_words": 9, **dict.fromkeys(JUSTIFICATION_RULES[1:], True)}
    copied = Grounds(TEXTS, "", "I prefer Response B, “as it never was”")
    text = "I prefer [response:a], “as it never was”"
    expected = ["min_words", "must_name_criterion", "quotes_must_exist", "must_not_repeat", "must_match_choice"]
    assert said(text, grounds=copied, **rules) == expected
    advised = said(text, grounds=copied, **rules, advisory=["must_match_choice", "min_words"])
    assert advised == [
        "min_words?",
        "must_name_criterion",
        "quotes_must_exist",
        "must_not_repeat",
        "must_match_choice?",
    ]
    assert said("", torn=True, required_on_tension=True, advisory=["required_on_tension"]) == ["required_on_tension?"]
    assert said(text, grounds=copied) == []


def test_sentences_name_the_letters_of_the_screen_and_the_passage():
    found = justification_problems(
        rubric(quotes_must_exist=True, must_match_choice=True),
        "[response:a]: “the answer is 42” and so [response:a] is better",
        torn=False,
        overall=Answer(preferred="b"),
        grounds=GROUNDS,
    )
    assert [str(one) for one in found] == [
        "justification: quotes “the answer is 42”, which does not stand in Response B (quote it as it stands)",
        "justification: calls Response B the better one, and the overall answer prefers Response A "
        "(change the words or the answer)",
    ]


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("[response:b]: “the answer is 42, as it has always”", True),
        ('"THE ANSWER  is 42" ([response:b])', True),
        ("“the answer is 42 … nobody asked why”", True),
        ("“nobody asked why … the answer is 42”", False),
        ("[response:b] says “42”", True),
        ("[response:b] says “43”", False),
        ("[response:a]: “the answer is 42”", False),
        ("„What is the answer to everything“ was asked", True),
        ("a so-called “wrong answer”", True),
        ("“a wrong answer”", False),
        ("[response:a]: “回答的有用性”", True),
        ("[response:a]: “回答的无用性”", False),
        ("[response:z]: “the answer is 42”", True),
        ("five inches: 5\" and 6\" wide", True),
    ],
)  # fmt: skip
def test_quoted_passages_stand_where_they_are_said_to_stand(text: str, is_there: bool):
    assert said(text, quotes_must_exist=True) == ([] if is_there else ["quotes_must_exist"])
    assert said(text, grounds=None, quotes_must_exist=True) == []


CONTRADICTING = (
    "[response:{other}] is better.",
    "[response:{other}] is clearly the better one",
    "Overall [response:{other}] is much better than [response:{chosen}].",
    "I prefer [response:{other}] because it answers.",
    "I chose [response:{other}], it is short.",
    "[response:{other}] wins.",
    "[response:{chosen}] is worse, it rambles.",
    "The better response is [response:{other}].",
    "Although [response:{chosen}] is longer, [response:{other}] is better overall.",
    "It answers the question; [response:{other}] is simply stronger.",
    "[response:{other}] ist insgesamt besser.",
    "Ich bevorzuge [response:{other}].",
    "{letter} is better.",
    "I prefer {letter}.",
    "Both try. However, [response:{other}] is the best.",
)
AGREEING = (
    "[response:{chosen}] is better.",
    "Although [response:{other}] is better in tone, I prefer [response:{chosen}].",
    "[response:{other}] is better written, and wrong.",
    "[response:{other}] is better on Clarity, and Safety decides.",
    "[response:{other}] is not better.",
    "If [response:{other}] were longer it would be better.",
    "I would prefer [response:{other}] if it were true.",
    "[response:{other}] is better at explaining, but [response:{chosen}] is right.",
    "While [response:{other}] is the better text, [response:{chosen}] does what was asked.",
    "Clarity: [response:{other}] is better. Safety decided.",
    "[response:{other}] claims “[response:{other}] is better”.",
    "[response:{other}] is worse.",
    "Nothing decides; both answer.",
    "[response:{other}] ist nicht besser.",
    "Was stört: [response:{other}] ist schlechter.",
)


def labelled() -> list[tuple[str, str, bool]]:
    """Text, overall answer, whether they contradict: every sentence with each choice, and within longer texts."""
    around = (
        "{}",
        "Both are polite. {}",
        "{} The rest is a matter of taste.",
        "First the facts: both know them. {} So be it.",
    )
    made = []
    for sentences, contradicts in ((CONTRADICTING, True), (AGREEING, False)):
        for sentence, frame, chosen in product(sentences, around, "ab"):
            other = "b" if chosen == "a" else "a"
            letter = "A" if other == "b" else "B"
            made.append((frame.format(sentence.format(chosen=chosen, other=other, letter=letter)), chosen, contradicts))
    return made


def test_words_against_the_choice_are_found_and_rarely_seen_where_there_are_none():
    """Precision at least .9 at a recall of at least .7 over the labelled cases."""
    cases = labelled()
    found = [bool(said(text, overall, must_match_choice=True)) for text, overall, _ in cases]
    hits = sum(one for one, (*_, truth) in zip(found, cases, strict=True) if truth)
    assert len(cases) == 240
    assert hits / sum(truth for *_, truth in cases) >= 0.7
    assert hits / sum(found) >= 0.9


@pytest.mark.parametrize(
    ("text", "overall", "contradicts"),
    [
        ("[response:a] is better", "tie", True),
        ("[response:a] is better, and [response:b] is better", "tie", False),
        ("[response:a] is better", "both_bad", False),
        ("[response:a] is better", "cannot_judge", False),
    ],
)
def test_a_tie_prefers_neither_and_what_is_no_choice_cannot_be_contradicted(text, overall, contradicts):
    assert said(text, overall, must_match_choice=True) == (["must_match_choice"] if contradicts else [])


def test_a_ranking_is_contradicted_by_another_first_place():
    texts = Grounds({"a": "", "b": "", "c": ""})
    wanted = rubric(must_match_choice=True)
    ranking = Answer(ranking=(("a", "b"), ("c",)))

    def rules(text: str) -> list[str]:
        return [p.rule for p in justification_problems(wanted, text, torn=False, overall=ranking, grounds=texts)]

    assert rules("[response:c] is the best") == ["must_match_choice"]
    assert rules("[response:b] is the best") == rules("[response:c] is worse") == []


def test_an_advisory_rule_has_a_name_that_there_is_and_is_on():
    with pytest.raises(RubricError, match="min_word' is no rule for justifications"):
        rubric(min_words=3, advisory=["min_word"])
    with pytest.raises(RubricError, match="the rule must_not_repeat is off"):
        rubric(advisory=["must_not_repeat"])


def test_rubrics_without_the_newer_rules_keep_their_versions():
    before = "6906d78e1265293b1d32144f54b4682f95a1deee42e18118e148034b1adc4311"
    assert Rubric.from_dict({**load_library("minimal").to_dict(), "justification": {}}).version == before
    assert rubric(advisory=[]).version == rubric().version == rubric(quotes_must_exist=False).version
    assert rubric(quotes_must_exist=True).version != rubric().version
