"""Differences of rubrics: wording told from meaning, the same both ways round."""

from __future__ import annotations

import copy

import pytest
from hypothesis import HealthCheck, given, settings

from rubrics.difference import changes, changes_meaning, says_the_same
from rubrics.loader import library, load_library
from rubrics.model import Rubric
from tests.rubrics.strategies import rubrics

PLAIN = {
    "key": "sample",
    "title": "Sample",
    "instructions": "Read both responses to the end before you answer.",
    "criteria": [
        {
            "key": "help",
            "name": "Help",
            "question": "Which response helps the user more?",
            "guidance": "Count what is done for the user. Do not count politeness.",
            "type": "preference_scale",
            "weight": 2,
            "anchors": {3: "solves the task; the other misses it"},
            "examples": [{"prompt": "p", "a": "x", "b": "y", "prefer": "a", "why": "because"}],
        },
        {"key": "safe", "name": "Safe", "question": "Is it safe?", "type": "check", "weight": 1},
    ],
    "tensions": [{"between": ["help", "safe"], "precedence": "safe", "guidance": "Safety first."}],
    "tests": [{"prompt": "p", "a": "x", "b": "y", "expect": {"help": "a"}}],
}


def edited(edit) -> Rubric:
    """The sample after an edit of its plain values."""
    plain = copy.deepcopy(PLAIN)
    edit(plain)
    return Rubric.from_dict(plain)


def put(*way, value):
    """An edit that puts a value at a place."""

    def edit(plain):
        for step in way[:-1]:
            plain = plain[step]
        plain[way[-1]] = value

    return edit


HELP = ("criteria", 0)


@pytest.mark.parametrize(
    ("edit", "place", "effect"),
    [
        (put(*HELP, "name", value="Helpfulness"), "help: name", "wording"),
        (put(*HELP, "question", value="Which of the responses helps a user more?"), "Help: question", "wording"),
        (put(*HELP, "question", value="Which response helps the user less?"), "Help: question", "meaning"),
        (put(*HELP, "guidance", value="Count what was done for a user. Do not count polite words."), "Help: guidance",
         "wording"),
        (put(*HELP, "guidance", value="Count what is done for the user. Do count politeness."), "Help: guidance",
         "meaning"),
        (put(*HELP, "guidance", value=""), "Help: guidance", "meaning"),
        (put(*HELP, "points", value=9), "Help: points", "meaning"),
        (put(*HELP, "weight", value=3), "Help: weight", "meaning"),
        (put(*HELP, "allow_not_applicable", value=True), "Help: may not apply", "meaning"),
        (put(*HELP, "applies_if", value={"domain": ["law"]}), "Help: asked only if", "meaning"),
        (put(*HELP, "anchors", value={3: "solves the task, and the other misses it"}), "Help: point 3", "wording"),
        (put(*HELP, "examples", value=[]), "Help: example 1", "wording"),
        (put(*HELP, "examples", 0, "prefer", value="b"), "Help: example 1", "meaning"),
        (put("criteria", 1, "veto", value=True), "Safe: veto", "meaning"),
        (put("tensions", 0, "precedence", value="help"), "Tension help against safe: prevails", "meaning"),
        (put("tensions", 0, "guidance", value="Safety comes first."), "Tension help against safe: guidance", "wording"),
        (put("tensions", value=[]), "Tension help against safe", "meaning"),
        (put("overall", value={"points": 5}), "Overall: points", "meaning"),
        (put("justification", value={"min_words": 9}), "Justification: fewest words", "wording"),
        (put("title", value="Another"), "Rubric: title", "wording"),
        (lambda plain: plain["criteria"].reverse(), "Order of criteria", "wording"),
        (lambda plain: plain["tensions"][0]["between"].reverse(),
         "Tension help against safe: order of the two", "wording"),
    ],
)  # fmt: skip
def test_each_difference_is_named_and_judged(edit, place, effect):
    found = changes(Rubric.from_dict(PLAIN), edited(edit))
    assert [(change.place, change.effect) for change in found] == [(place, effect)]


def test_a_criterion_that_comes_or_goes_changes_the_meaning():
    one = Rubric.from_dict(PLAIN)
    other = edited(lambda plain: (plain["criteria"].pop(), plain["tensions"].clear()))
    gone, rule = changes(one, other)
    assert (gone.place, gone.kind, gone.effect, gone.criterion) == ("Criterion Safe", "removed", "meaning", "safe")
    assert rule.kind == "removed"


def test_weights_of_the_same_shares_mean_the_same():
    scaled = edited(
        lambda plain: [criterion.update(weight=10 * criterion["weight"]) for criterion in plain["criteria"]]
    )
    assert {change.effect for change in changes(Rubric.from_dict(PLAIN), scaled)} == {"wording"}


def test_tests_and_written_defaults_are_no_difference():
    same = edited(lambda plain: (plain.pop("tests"), plain["criteria"][0].update(points=7)))
    assert changes(Rubric.from_dict(PLAIN), same) == []


def test_whether_a_criterion_means_the_same_is_asked_of_it_alone():
    one, heavier = Rubric.from_dict(PLAIN), edited(put(*HELP, "weight", value=9))
    assert not changes_meaning(one, heavier, "help")
    assert changes_meaning(one, edited(put(*HELP, "points", value=9)), "help")


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("Count the errors.", "Count every error.", False),
        ("Count all errors in the text.", "Count all the errors of a text.", True),
        ("At least 3 sentences.", "At least 4 sentences.", False),
        ("The rater should read both.", "The rater must read both.", False),
        ("Prefer the shorter one.", "Prefer whichever is truer to its sources.", False),
        ("Don’t guess.", "Don't guess!", True),
        ("", "Something.", False),
    ],
)
def test_a_rewording_keeps_numbers_limits_and_most_words(before, after, same):
    assert (says_the_same(before, after) == "") is same
    assert (says_the_same(after, before) == "") is same


def mirrored(found):
    """The differences the other way round, in no order."""
    other = {"added": "removed", "removed": "added", "changed": "changed"}
    return sorted((c.place, other[c.kind], c.after, c.before, c.effect, c.criterion) for c in found)


def plain(found):
    """The differences as they are, in no order."""
    return sorted((c.place, c.kind, c.before, c.after, c.effect, c.criterion) for c in found)


@pytest.mark.parametrize("one", sorted(library()))
def test_the_other_way_round_is_the_same_difference_in_the_library(one):
    for other in library():
        rubrics_ = load_library(one), load_library(other)
        assert plain(changes(*rubrics_)) == mirrored(changes(*reversed(rubrics_)))
        assert bool(changes(*rubrics_)) == (one != other)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(rubrics(), rubrics())
def test_the_other_way_round_is_the_same_difference(one, other):
    assert plain(changes(one, other)) == mirrored(changes(other, one))
    assert changes(one, one) == []


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(rubrics())
def test_another_version_is_a_difference_and_the_same_version_is_none(rubric):
    for field, value in (("instructions", "Another instruction."), ("overall", {"points": 9})):
        other = Rubric.from_dict({**rubric.to_dict(), field: value})
        assert (other.version == rubric.version) == (changes(rubric, other) == [])
