"""One criterion as a form: what is asked, how it is answered, what the points mean, examples."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from app.ui.components.studio.fields import choice_field, entries, flag_field, number_field, text_field
from app.ui.components.studio.writing import Writing
from rubrics.criterion_types import CRITERION_TYPES
from rubrics.document import put, take_out
from rubrics.errors import Location
from rubrics.loader import read_values
from rubrics.model import Criterion

TYPE_NAMES = {
    "preference_scale": "Which of the two, on a scale",
    "scores": "A rating for each response",
    "check": "Yes or no for each response",
    "ranking": "A ranking of the responses",
}
MOST_ANCHORS = 11
"""A longer scale is described in the text."""

PREFERS = {"a": "A", "b": "B", "tie": "equal", "not_applicable": "does not apply", "cannot_judge": "cannot be judged"}
NEW_EXAMPLE = {"prompt": "...", "a": "...", "b": "...", "prefer": "a", "why": "..."}


def show_criterion(writing: Writing, at: int, *, n: int, key: str) -> None:
    """All fields of the criterion at a place of the list.

    Args:
        writing: the draft.
        at: which of the criteria.
        n: how many there are.
        key: the widget that says which is open; it follows a criterion that moves.
    """
    where: Location = ("criteria", at)
    name, short, weight = st.columns([3, 2, 2])
    with name:
        text_field(writing, "Name", (*where, "name"))
    with short:
        text_field(writing, "Key", (*where, "key"), help="Votes are stored under it: another key is another criterion.")
    with weight:
        number_field(writing, "Weight", (*where, "weight"), is_whole=False, min_value=0.0)
    text_field(writing, "Question", (*where, "question"))
    text_field(writing, "Guidance", (*where, "guidance"), is_long=True, height=190)
    _show_answer(writing, where)
    with st.expander("What the points mean", expanded=True):
        _show_anchors(writing, where)
    with st.expander(f"Examples ({len(entries(writing, (*where, 'examples')))})"):
        _show_examples(writing, where)
    with st.container(horizontal=True, gap="small"):
        up, down = (f"{key}-up", f"{key}-down")
        st.button("Move up", key=up, disabled=at == 0, on_click=_move, args=(writing, where, -1, key))
        st.button("Move down", key=down, disabled=at == n - 1, on_click=_move, args=(writing, where, 1, key))
        st.button("Remove this criterion", key=f"{key}-remove", on_click=writing.take_out, args=(where,))


def _move(writing: Writing, where: Location, by: int, key: str) -> None:
    writing.move(where, by)
    st.session_state[key] = int(where[-1]) + by


def _show_answer(writing: Writing, where: Location) -> None:
    kind = writing.value((*where, "type"))
    left, right = st.columns(2)
    with left:
        choice_field(writing, "Answered by", (*where, "type"), TYPE_NAMES)
        if kind == "preference_scale":
            number_field(writing, "Points (7 unless given)", (*where, "points"), min_value=2, max_value=101)
        elif kind == "scores":
            low, high = st.columns(2)
            with low:
                number_field(writing, "Lowest (1)", (*where, "minimum"))
            with high:
                number_field(writing, "Highest (5)", (*where, "maximum"))
    with right:
        flag_field(writing, "Raters may say that it does not apply", (*where, "allow_not_applicable"))
        if kind == "check" or writing.value((*where, "veto")):
            flag_field(
                writing, "Veto: a response that fails loses to one that passes", (*where, "veto"),
                help="Whatever the other criteria say. Votes stay as they are; verdicts against a veto are counted.",
            )  # fmt: skip
        _show_condition(writing, (*where, "applies_if"))


def _show_condition(writing: Writing, where: Location) -> None:
    """`applies_if` as a line of its own: domain: [law, medical]."""
    value = writing.value(where)
    key = writing.key(".".join(map(str, where)))
    shown = json.dumps(value, ensure_ascii=False)[1:-1].replace('"', "") if isinstance(value, dict) else ""

    def write(text: str, said: str) -> str:
        return put(text, where, read_values("{" + said + "}")) if said.strip() else take_out(text, where)

    writing.show(key, shown, write)
    st.text_input(
        "Asked only if", key=key, placeholder="domain: [law, medical]",
        help="Keys of the comparison's meta, each with the values for which it is asked.",
    )  # fmt: skip


def _show_anchors(writing: Writing, where: Location) -> None:
    points = _points(writing, where)
    if not points:
        st.caption("There are no points to describe: a ranking has none, and a scale needs whole numbers at its ends.")
    elif len(points) > MOST_ANCHORS:
        st.caption(f"The scale has {len(points)} points: describe them as anchors under Text.")
    words = _point_words(str(writing.value((*where, "type"))), points)
    for point in points if len(points) <= MOST_ANCHORS else ():
        text_field(writing, words.get(point, str(point)), (*where, "anchors", str(point)))


def _point_words(kind: str, points: list[int]) -> dict[int, str]:
    """What the ends of a scale are called: a point of a preference scale says how much better, whichever response."""
    if kind == "check":
        return {0: "No", 1: "Yes"}
    if not points:
        return {}
    low, high = ("lowest", "highest") if kind == "scores" else ("slightly better", "far better")
    low = "equal" if points[0] == 0 and kind == "preference_scale" else low
    return {points[0]: f"{points[0]}: {low}", points[-1]: f"{points[-1]}: {high}"}


def _points(writing: Writing, where: Location) -> list[int]:
    """The points that anchors may describe, as far as type and scale can be told."""
    entry = writing.value(where)
    kind = CRITERION_TYPES.get(str(entry.get("type"))) if isinstance(entry, dict) else None
    if kind is None:
        return []
    scale = {name: entry.get(name, default) for name, default in kind.settings.items()}
    if not all(isinstance(value, int) for value in scale.values()):
        return []
    plain: dict[str, Any] = {"key": "k", "name": "n", "question": "q", "type": entry["type"], **scale}
    return list(kind.anchor_range(Criterion.model_construct(**plain)))


def _show_examples(writing: Writing, where: Location) -> None:
    there = entries(writing, (*where, "examples"))
    for at in range(len(there)):
        one = (*where, "examples", at)
        text_field(writing, "Prompt", (*one, "prompt"), is_long=True, height=68)
        left, right = st.columns(2)
        with left:
            text_field(writing, "A", (*one, "a"), is_long=True, height=90)
        with right:
            text_field(writing, "B", (*one, "b"), is_long=True, height=90)
        left, right = st.columns([1, 2])
        with left:
            choice_field(writing, "The criterion prefers", (*one, "prefer"), PREFERS)
        with right:
            text_field(writing, "Why", (*one, "why"))
        st.button(
            "Remove this example",
            key=writing.key(f"no-{'-'.join(map(str, one))}"),
            on_click=writing.take_out,
            args=(one,),
        )
        st.divider()
    st.button(
        "Add an example", key=writing.key(f"add-example-{where[-1]}"), on_click=writing.put,
        args=((*where, "examples", len(there)), dict(NEW_EXAMPLE)),
    )  # fmt: skip
