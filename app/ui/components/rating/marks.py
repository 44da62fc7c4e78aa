"""Passages of responses: selected ones become quotes or error spans, marked ones are coloured and listed."""

from __future__ import annotations

import html
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import streamlit as st

from app.ui.components.passages import align
from app.ui.components.rating.answer_widgets import letter
from app.ui.components.rating.conversation import View, are_related
from app.ui.components.rating.form_state import MARKS, Form, Mark
from app.ui.components.text import excerpt
from app.ui.words import say

_ASSETS = files("app.ui") / "assets"
_PASSAGES = st.components.v2.component(
    "steelyard_passages",
    html='<div role="toolbar" hidden><button type="button" data-do="quote"></button>'
    '<button type="button" data-do="mark"></button></div>',
    css=(_ASSETS / "passages.css").read_text(encoding="utf-8"),
    js=(_ASSETS / "passages.js").read_text(encoding="utf-8"),
)
_KEY = "steelyard-passages"
_NOTHING = "mark-nothing"
_VIEW = "view"
_HEARD = "marks-heard"
"""Where a form keeps what the browser told of marks: what it does not find here it tells again."""


def follow_selection(form: Form, view: View) -> None:
    """Mount the script that quotes and marks what is selected in a response, and colours what is marked."""
    st.session_state[form.key(_VIEW)] = view
    shown_raw = _is_raw(form, view)
    places = []
    for mark in form.value(MARKS) or ():
        aligned = align(form.desk.assignment.responses[mark.slot - 1], raw=shown_raw, math=view.math)
        place = aligned.to_screen(mark.start, mark.end)
        if place is not None:
            places.append([mark.slot, *place])
    data = {
        "item": form.desk.assignment.id,
        "marks": places,
        "heard": form.value(_HEARD) or [],
        "canMark": bool(form.desk.assignment.criteria_shown),
        "words": {
            "quote": say("quote"),
            "mark": say("mark"),
            "responses": [say("response", letter=letter(slot)) for slot in form.slots],
        },
    }
    _say_what_was_no_passage()
    _PASSAGES(key=_KEY, data=data, on_marked_change=lambda: hear(form), width="content", height="content")


def _say_what_was_no_passage() -> None:
    if st.session_state.pop(_NOTHING, False):
        st.toast(say("mark-nothing"))


def show_marks(form: Form) -> None:
    """The marked passages: each with its criterion, what is wrong with it, and a way to take it back."""
    marks: list[Mark] = form.value(MARKS) or []
    if not marks:
        return
    names = {key: form.desk.rubric.criterion(key).name for key in form.desk.assignment.criteria_shown}
    with st.container(key=form.key("marks-box"), gap="xsmall"):
        st.html(f'<div class="sy-crit sy-overall">{html.escape(say("marks"))}</div>')
        for mark in marks:
            _show_mark(form, mark, names)


def _show_mark(form: Form, mark: Mark, names: Mapping[str, str]) -> None:
    text = form.desk.assignment.responses[mark.slot - 1][mark.start : mark.end]
    name = letter(str(mark.slot))
    quoted = f'<span class="sy-letter sy-{name}">{name}</span> <q dir="auto">{html.escape(excerpt(text, 120))}</q>'
    with st.container(key=form.key(f"{mark.name}-box"), gap=None):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.html(f'<div class="sy-marked">{quoted}</div>')
            st.button(
                say("remove"),
                key=form.key(f"{mark.name}-remove"),
                type="tertiary",
                on_click=_remove,
                args=(form, mark),
            )
        with st.container(horizontal=True, gap="small"):
            st.selectbox(
                say("mark-criterion"),
                list(names),
                key=form.key(mark.name),
                format_func=names.__getitem__,
                on_change=form.changed,
                label_visibility="collapsed",
            )
            st.text_input(
                say("mark-note"),
                key=form.key(f"{mark.name}-note"),
                on_change=form.changed,
                placeholder=say("mark-note-hint"),
                label_visibility="collapsed",
            )


def hear(form: Form) -> None:
    """Keep the passages that the browser tells of; it tells them until it is told that they were heard.

    It tells them with a click on Submit, too, and Streamlit calls what belongs to a button first: whoever hands in
    hears first. That they were heard is noted last, because another message may cut a callback short.
    """
    told = (st.session_state.get(_KEY) or {}).get("marked") or ()
    heard: list[float] = form.value(_HEARD) or []
    new = [one for one in told if one["item"] == form.desk.assignment.id and one["id"] not in heard]
    if not new:
        return
    for one in new:
        _mark(form, one)
    form.changed()
    st.session_state[form.key(_HEARD)] = [*heard, *(one["id"] for one in new)]


def _mark(form: Form, told: Mapping[str, Any]) -> None:
    """Note one passage, tied to the criterion in hand."""
    slot, criteria, view = int(told["slot"]), form.desk.assignment.criteria_shown, form.value(_VIEW) or View()
    if str(slot) not in form.slots:
        return
    aligned = align(form.desk.assignment.responses[slot - 1], raw=_is_raw(form, view), math=view.math)
    passage = aligned.to_text(int(told["start"]), int(told["end"]))
    if passage is None:
        st.session_state[_NOTHING] = True
        return
    marks: list[Mark] = form.value(MARKS) or []
    if any((one.slot, one.start, one.end) == (slot, *passage) for one in marks):
        return
    made, criterion = Mark(slot, *passage), told.get("criterion")
    st.session_state[form.key(made.name)] = criterion if criterion in criteria else criteria[0]
    st.session_state[form.key(MARKS)] = [*marks, made]


def _remove(form: Form, mark: Mark) -> None:
    st.session_state[form.key(MARKS)] = [one for one in form.value(MARKS) or () if one != mark]
    form.changed()


def _is_raw(form: Form, view: View) -> bool:
    """Whether the responses are on the screen character by character."""
    return view.raw or (view.differences and are_related(form.desk.assignment.responses))
