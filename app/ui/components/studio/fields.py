"""Fields of the form: each shows one place of the document, and writes into it what the person changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.ui.components.studio.writing import Writing
from app.ui.components.text import escape_html
from rubrics.document import put, take_out
from rubrics.errors import Location


def text_field(
    writing: Writing, label: str, location: Location, *, is_long: bool = False, height: int = 110, **options: Any
) -> None:
    """A line, or several; emptied, it leaves the document."""
    value = writing.value(location)
    key = _show(writing, location, "" if value is None else str(value), absent="")
    if is_long:
        st.text_area(label, key=key, height=height, **options)
    else:
        st.text_input(label, key=key, **options)
    _problem(writing, location)


def number_field(writing: Writing, label: str, location: Location, *, is_whole: bool = True, **options: Any) -> None:
    """A number; emptied, it leaves the document."""
    value = writing.value(location)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    shown = (int(value) if is_whole else float(value)) if is_number else None
    key = _show(writing, location, shown, absent=None)
    step: float = 1 if is_whole else 0.05
    st.number_input(label, key=key, value=None, step=step, **options)
    _problem(writing, location)


def flag_field(writing: Writing, label: str, location: Location, *, default: bool = False, **options: Any) -> None:
    """A yes or no; the default is not written down."""
    value = writing.value(location)
    key = _show(writing, location, value if isinstance(value, bool) else default, absent=default)
    st.toggle(label, key=key, **options)
    _problem(writing, location)


def choice_field(writing: Writing, label: str, location: Location, names: Mapping[str, str], **options: Any) -> None:
    """One of several values, with the names that people read; what the document says stays to be chosen."""
    value = writing.value(location)
    known = [*names] if value is None or value in names else [*names, str(value)]
    key = _show(writing, location, None if value is None else str(value), absent=None)
    st.selectbox(
        label,
        known,
        key=key,
        index=None if value is None else 0,
        format_func=lambda one: names.get(one, one),
        placeholder="choose",
        **options,
    )
    _problem(writing, location)


def names_field(writing: Writing, label: str, location: Location, options: Sequence[str]) -> None:
    """Some of several words, as a list; none of them leaves the document."""
    value = [one for one in entries(writing, location) if isinstance(one, str)]
    key = _show(writing, location, value, absent=[])
    known = list(dict.fromkeys([*options, *value]))
    st.multiselect(
        label,
        known,
        key=key,
        format_func=lambda one: one.replace("_", " "),
        placeholder="none",
    )
    _problem(writing, location)


def entries(writing: Writing, location: Location) -> Sequence[Any]:
    """The entries of a list of the document; none where something else stands there."""
    value = writing.value(location)
    return value if isinstance(value, list) else []


def _show(writing: Writing, location: Location, value: Any, *, absent: Any) -> str:
    """Let a widget show what the document says; what it is changed to is written, or taken out where it is `absent`."""
    key = writing.key(".".join(map(str, location)))

    def write(text: str, said: Any) -> str:
        if said == absent or (isinstance(said, str) and not said.strip()):
            return take_out(text, location)
        return put(text, location, said)

    writing.show(key, value, write)
    return key


def _problem(writing: Writing, location: Location) -> None:
    said = writing.problem_at(location)
    if said:
        st.html(f'<p class="sy-wrong" role="alert">{escape_html(said)}</p>')
