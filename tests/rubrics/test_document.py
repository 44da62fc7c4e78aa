"""Edits of the text by place: exactly what was asked for, and nothing else."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rubrics.document import find, move, put, take_out
from rubrics.errors import RubricError
from rubrics.loader import dump_rubric, library, parse_rubric, read_values
from tests.rubrics.strategies import prose, rubrics

TEXT = """\
# The first rubric.
title: "Quoted"   # a title
key: mine
criteria:
  # asked first
  - key: help
    name: Help
    question: Which helps?  # short
    type: preference_scale
    anchors: {3: "much"}
  - name: Clear
    key: clear
    question: Which is clearer?
    type: check
"""


def lines_that_differ(before: str, after: str) -> list[str]:
    """The lines that went and came."""
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


@pytest.mark.parametrize(
    ("location", "value", "expected"),
    [
        (("title",), "Other", ['- title: "Quoted"   # a title', '+ title: "Other"    # a title']),
        (("criteria", 0, "points"), 5, ["+     points: 5"]),
        (("criteria", 0, "anchors", "3"), "a lot", ['-     anchors: {3: "much"}', '+     anchors: {3: "a lot"}']),
        (("criteria", 1, "anchors", "1"), "done", ["+     anchors:", "+       1: done"]),
        (("tensions", 0, "precedence"), "help", ["+ tensions:", "+   - precedence: help"]),
        (("criteria", 0, "guidance"), "One.\n\nTwo.", ["+     guidance: |-", "+       One.", "+ ", "+       Two."]),
    ],
)
def test_a_value_is_put_in_its_place_and_nothing_else_changes(location, value, expected):
    edited = put(TEXT, location, value)
    assert lines_that_differ(TEXT, edited) == expected
    assert find(edited, location) == value


def test_what_stands_there_already_changes_no_letter():
    odd = TEXT.replace("key: mine", "key:    mine")
    assert put(odd, ("key",), "mine") is odd
    assert take_out(odd, ("criteria", 0, "points")) is odd


def test_what_is_taken_out_takes_its_empty_holder_along():
    edited = take_out(TEXT, ("criteria", 0, "anchors", "3"))
    assert lines_that_differ(TEXT, edited) == ['-     anchors: {3: "much"}']
    alone = "key: a\ntensions:\n  - between: [x, y]\n"
    assert take_out(alone, ("tensions", 0)) == "key: a\n"


def test_entries_move_with_their_comments():
    moved = move(TEXT, ("criteria", 0), by=1)
    assert [entry["key"] for entry in read_values(moved)["criteria"]] == ["clear", "help"]
    assert "# short" in moved
    assert read_values(move(moved, ("criteria", 1), by=-1)) == read_values(TEXT)
    with pytest.raises(RubricError, match="the list has 2 entries"):
        move(TEXT, ("criteria", 1), by=1)


def test_a_text_that_is_no_rubric_yet_can_be_edited():
    assert read_values(put("key: x\n", ("criteria", 0, "name"), "A")) == {"key": "x", "criteria": [{"name": "A"}]}
    with pytest.raises(RubricError, match="correct it in the text"):
        put("key: x\n", ("key", "deeper"), 1)
    with pytest.raises(RubricError, match=r"rubric:2: .*quotes"):
        put("key: [x\n", ("key",), 1)


def test_an_edit_that_would_change_another_number_is_refused():
    with pytest.raises(RubricError, match="change it in the text"):
        put("key: x\nsize: 5.641008383975941e+16\n", ("key",), "y")


@pytest.mark.parametrize("key", sorted(library()))
def test_the_documents_of_the_library_keep_every_line_but_the_edited_one(key):
    text = library()[key].read_text(encoding="utf-8")
    assert len(lines_that_differ(text, put(text, ("title",), "Another title"))) == 2


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(rubrics(), st.data())
def test_the_text_says_what_the_form_said_and_keeps_its_comments(rubric, data):
    text = f"# begins here\n{dump_rubric(rubric)}# ends here\n"
    places = [("title",), ("instructions",)]
    places += [("criteria", at, field) for at in range(len(rubric.criteria)) for field in ("question", "guidance")]
    location, value = data.draw(st.sampled_from(places)), data.draw(prose)
    edited = put(text, location, value)
    assert find(edited, location) == value
    assert edited.startswith("# begins here\n")
    assert "# ends here" in edited
    assert put(edited, location, find(text, location) or "") is not None
    if (before := find(text, location)) is not None:
        assert parse_rubric(put(edited, location, before)) == rubric
    else:
        assert parse_rubric(take_out(edited, location)) == rubric
