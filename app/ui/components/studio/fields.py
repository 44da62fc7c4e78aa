"""Fields of the form: each shows one place of the document, and writes into it what the person changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    show_problem(writing, location)


def number_field(writing: Writing, label: str, location: Location, *, is_whole: bool = True, **options: Any) -> None:
    """A number; emptied, it leaves the document."""
    value = writing.value(location)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    shown = (int(value) if is_whole else float(value)) if is_number else None
    key = _show(writing, location, shown, absent=None)
    step: float = 1 if is_whole else 0.05
    st.number_input(label, key=key, value=None, step=step, **options)
    show_problem(writing, location)


def flag_field(writing: Writing, label: str, location: Location, *, default: bool = False, **options: Any) -> None:
    """A yes or no; the default is not written down."""
    value = writing.value(location)
    key = _show(writing, location, value if isinstance(value, bool) else default, absent=default)
    st.toggle(label, key=key, **options)
    show_problem(writing, location)


def choice_field(
    writing: Writing,
    label: str,
    location: Location,
    names: Mapping[str, str],
    *,
    nothing: str = "",
    **options: Any,
) -> None:
    """One of several values, with the names that people read; what the document says stays to be chosen.

    Args:
        writing: the draft.
        label: over the field.
        location: where the value stands.
        names: value -> its name.
        nothing: the name of having no value, as one of the choices; by default a value cannot be taken back.
        **options: of `st.selectbox`.
    """
    value = writing.value(location)
    if nothing:
        value, names = value or "", {"": nothing, **names}
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
    show_problem(writing, location)


def names_field(
    writing: Writing, label: str, location: Location, options: Sequence[str], names: Mapping[str, str]
) -> None:
    """Some of several words, as a list; none of them leaves the document."""
    value = [one for one in entries(writing, location) if isinstance(one, str)]
    key = _show(writing, location, value, absent=[])
    known = list(dict.fromkeys([*options, *value]))
    st.multiselect(
        label,
        known,
        key=key,
        format_func=lambda one: names.get(one, one),
        placeholder="none",
    )
    show_problem(writing, location)


def entries(writing: Writing, location: Location) -> Sequence[Any]:
    """The entries of a list of the document; none where something else stands there."""
    value = writing.value(location)
    return value if isinstance(value, list) else []


def choose_entry(label: str, names: Sequence[str], *, key: str, add: str, on_add: Callable[[], None]) -> int:
    """One entry of a list at a time, and a button for another; -1 where there is none.

    Args:
        label: of the choice.
        names: of the entries.
        key: of the widget: the place of the chosen entry, which follows one that is moved or added.
        add: the words of the button.
        on_add: adds an entry.
    """
    if not names:
        st.button(add, key=f"{key}-add", on_click=on_add)
        return -1
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with right:
        st.button(add, key=f"{key}-add", on_click=on_add, width="stretch")
    chosen = st.session_state.get(key)
    if chosen not in range(len(names)):
        chosen = min(st.session_state.get(f"{key}-kept", 0), len(names) - 1)
    # set on every run: the browser would go on showing the name that the entry had before
    st.session_state[key] = st.session_state[f"{key}-kept"] = chosen
    with left:
        return st.selectbox(label, range(len(names)), key=key, format_func=lambda at: f"{at + 1}. {names[at]}")


def criterion_names(writing: Writing) -> dict[str, str]:
    """Key -> name of the criteria as far as the document has them."""
    there = [entry for entry in entries(writing, ("criteria",)) if isinstance(entry, dict)]
    return {str(entry["key"]): str(entry.get("name") or entry["key"]) for entry in there if entry.get("key")}


def _show(writing: Writing, location: Location, value: Any, *, absent: Any) -> str:
    """Let a widget show what the document says; what it is changed to is written, or taken out where it is `absent`."""
    key = writing.key(".".join(map(str, location)))

    def write(text: str, said: Any) -> str:
        if said == absent or (isinstance(said, str) and not said.strip()):
            return take_out(text, location)
        return put(text, location, said)

    writing.show(key, value, write)
    return key


def show_problem(writing: Writing, location: Location) -> None:
    """What is wrong with the value at a place, under its field."""
    said = writing.problem_at(location)
    if said:
        st.html(f'<p class="sy-wrong" role="alert">{escape_html(said)}</p>')
