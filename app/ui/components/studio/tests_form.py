"""The tests of a rubric as a form: a prompt, two responses, and the answers that the author expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.errors import SteelyardError
from app.policy import Action
from app.services.rubric_test_votes import comparison_as_test
from app.ui.components.page import empty_state
from app.ui.components.studio.fields import (
    choice_field,
    choose_entry,
    criterion_names,
    entries,
    show_problem,
    text_field,
)
from app.ui.components.studio.writing import PROBLEM, Writing
from app.ui.components.text import excerpt
from app.ui.session import get_person, get_store
from rubrics.answers import BOTH_BAD, CANNOT_JUDGE, NOT_APPLICABLE, TIE
from rubrics.model import OVERALL

NEW_TEST = {"prompt": "...", "a": "...", "b": "...", "expect": {OVERALL: "a"}}
EXPECTED = {
    "a": "A is better",
    "b": "B is better",
    TIE: "equal",
    NOT_APPLICABLE: "does not apply",
    CANNOT_JUDGE: "cannot be judged",
}
OF_OVERALL = {key: words for key, words in EXPECTED.items() if key != NOT_APPLICABLE} | {BOTH_BAD: "both are bad"}


def show_tests(writing: Writing) -> None:
    """One test at a time; raters never see them, and they are no part of the version."""
    there = entries(writing, ("tests",))
    names = [_name(entry) for entry in there]
    key = writing.key("test")
    chosen = choose_entry("Test", names, key=key, add="Add a test", on_add=lambda: _add(writing))
    _show_taking(writing)
    if chosen < 0:
        empty_state(
            "No tests yet",
            "A test is a worked example with the answers that you expect. Raters judge its texts in a pilot, and the "
            "page says where they read the rubric otherwise than you.",
        )
        return
    where = ("tests", chosen)
    text_field(writing, "Prompt", (*where, "prompt"), is_long=True, height=90)
    left, right = st.columns(2)
    with left:
        text_field(writing, "Response A", (*where, "a"), is_long=True, height=150)
    with right:
        text_field(writing, "Response B", (*where, "b"), is_long=True, height=150)
    st.markdown("**What you expect raters to say**")
    show_problem(writing, (*where, "expect"))
    _show_expected(writing, chosen)
    st.button("Remove this test", key=f"{key}-remove", on_click=writing.take_out, args=(where,))


def _show_expected(writing: Writing, at: int) -> None:
    """A choice for every criterion and for the overall verdict; what was expected of one that is gone stays."""
    criteria = criterion_names(writing)
    written = writing.value(("tests", at, "expect"))
    gone = [str(key) for key in written if key not in criteria and key != OVERALL] if isinstance(written, dict) else []
    names = {**criteria, **{key: key for key in gone}, OVERALL: "Overall"}
    columns = st.columns(2)
    for number, (key, name) in enumerate(names.items()):
        with columns[number % 2]:
            allowed = OF_OVERALL if key == OVERALL else EXPECTED
            choice_field(writing, name, ("tests", at, "expect", key), allowed, nothing="nothing in particular")


def _show_taking(writing: Writing) -> None:
    """A comparison that raters have judged, taken as a test: its votes answer at once."""
    titles = {one.name: one.title for one in get_person().campaigns_for(Action.PUBLISH_RUBRIC)}
    if not titles:
        return
    n = len(entries(writing, ("tests",)))  # a key of its own for every number of tests: it closes when one is taken
    with st.popover("Take a comparison of a campaign", key=writing.key(f"take-{n}")):
        campaign = st.selectbox(
            "Campaign", list(titles), key=writing.key("take-campaign"), format_func=titles.__getitem__
        )
        name = st.text_input(
            "Comparison", key=writing.key("take-name"), placeholder="its id, as reports and the tension map show it"
        )
        st.button("Take it", key=writing.key("take-it"), on_click=_take, args=(writing, campaign, name))


def _take(writing: Writing, campaign_name: str, name: str) -> None:
    try:
        made = comparison_as_test(get_store(), get_person(), campaign_name, name.strip())
    except SteelyardError as error:
        st.session_state[PROBLEM] = str(error)
    else:
        _add(writing, made)


def _add(writing: Writing, made: Mapping[str, Any] = NEW_TEST) -> None:
    n = len(entries(writing, ("tests",)))
    writing.put(("tests", n), dict(made))
    st.session_state[writing.key("test")] = n


def _name(entry: Any) -> str:
    prompt = entry.get("prompt") if isinstance(entry, dict) else None
    return excerpt(str(prompt or "no prompt yet"), 60)
