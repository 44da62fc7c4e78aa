"""The rubric as a form: what it is, its criteria one at a time, rules for tensions, and what a judgment must have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app.ui.components.studio.criterion_form import show_criterion
from app.ui.components.studio.fields import (
    choice_field,
    choose_entry,
    criterion_names,
    entries,
    flag_field,
    names_field,
    number_field,
    text_field,
)
from app.ui.components.studio.tests_form import show_tests
from app.ui.components.studio.writing import Writing, choose_part
from rubrics.model import CONTEXT, JUSTIFICATION_RULES

JUSTIFICATION_WORDS = {
    "must_name_criterion": "It names a criterion",
    "required_on_tension": "It is required where two criteria favour different responses",
    "must_settle_tension": "Where criteria pull apart, the rater says which prevailed, or that neither did",
    "quotes_must_exist": "What it quotes must stand in the response",
    "must_not_repeat": "It may not nearly repeat an earlier one of the same rater",
    "must_match_choice": "It may not call another response the better one than the verdict does",
}
"""Every rule for justifications that is a switch."""

NEW_CRITERION = {"name": "New criterion", "question": "Which response ...?", "type": "preference_scale"}


def show_form(writing: Writing) -> None:
    """The whole form; while the text is no readable YAML it says where that has to be mended."""
    if writing.values is None:
        st.info("The form comes back when the text can be read: mend it under Text.")
        return
    parts: Mapping[str, Callable[[Writing], None]] = {
        "Rubric": _show_head,
        "Criteria": _show_criteria,
        "Tension rules": _show_tensions,
        "Verdict": _show_verdict,
        "Tests": show_tests,
    }
    part = choose_part("Part of the form", list(parts), key=writing.key("part"), default="Rubric")
    parts[part](writing)


def _show_head(writing: Writing) -> None:
    left, right = st.columns([2, 1])
    with left:
        text_field(writing, "Title", ("title",))
    with right:
        text_field(
            writing, "Key", ("key",), help="Small letters, digits, _ and -; versions of one key belong together."
        )
    text_field(writing, "Instructions", ("instructions",), is_long=True, height=260,
               help="What the rater reads before the first judgment.")  # fmt: skip


def _show_criteria(writing: Writing) -> None:
    names = [_name(entry, at) for at, entry in enumerate(entries(writing, ("criteria",)))]
    key = writing.key("criterion")
    chosen = choose_entry("Criterion", names, key=key, add="Add a criterion", on_add=lambda: _add_criterion(writing))
    if chosen < 0:
        st.caption("No criteria: raters give an overall verdict only.")
        return
    show_criterion(writing, chosen, n=len(names), key=key)


def _add_criterion(writing: Writing) -> None:
    """A criterion at the end, with a key that is free."""
    there = entries(writing, ("criteria",))
    taken = {entry.get("key") for entry in there if isinstance(entry, dict)}
    number = next(n for n in range(1, len(taken) + 2) if f"criterion_{n}" not in taken)
    weighed = any(isinstance(entry, dict) and entry.get("weight") is not None for entry in there)
    entry = {"key": f"criterion_{number}", **NEW_CRITERION, "name": f"Criterion {number}"}
    writing.put(("criteria", len(there)), {**entry, "weight": 0.1} if weighed else entry)
    st.session_state[writing.key("criterion")] = len(there)


def _show_tensions(writing: Writing) -> None:
    names = criterion_names(writing)
    for at in range(len(entries(writing, ("tensions",)))):
        where = ("tensions", at)
        with st.container(border=True, key=writing.key(f"tension-{at}")):
            first, second, decides = st.columns(3)
            with first:
                choice_field(writing, "Between", (*where, "between", 0), names)
            with second:
                choice_field(writing, "and", (*where, "between", 1), names)
            with decides:
                pair = [key for key in entries(writing, (*where, "between")) if isinstance(key, str)]
                prevail = {key: names.get(key, key) for key in pair}
                choice_field(writing, "Prevails", (*where, "precedence"), {**prevail, CONTEXT: "the context decides"})
            text_field(writing, "Guidance", (*where, "guidance"), is_long=True, height=90,
                       help="What the rater reads at the moment the tension appears.")  # fmt: skip
            st.button("Remove", key=writing.key(f"no-tension-{at}"), on_click=writing.take_out, args=(where,))
    free = _free_pair(writing, list(names))
    if len(names) < 2:
        st.caption("A rule needs two criteria.")
    else:
        st.button(
            "Add a rule", key=writing.key("add-tension"), on_click=_add_tension, args=(writing, free),
            disabled=free is None, help=None if free else "Every pair of criteria has a rule.",
        )  # fmt: skip


def _add_tension(writing: Writing, pair: tuple[str, str]) -> None:
    rule = {"between": list(pair), "precedence": CONTEXT, "guidance": "Say here how the context decides."}
    vetoing = [key for key in pair if writing.rubric is not None and key in writing.rubric.vetoes]
    if len(vetoing) == 1:
        rule |= {"precedence": vetoing[0], "guidance": "The veto prevails."}
    writing.put(("tensions", len(entries(writing, ("tensions",)))), rule)


def _free_pair(writing: Writing, keys: list[str]) -> tuple[str, str] | None:
    """The first pair without a rule."""
    ruled = [
        set(map(str, rule.get("between") or ())) for rule in entries(writing, ("tensions",)) if isinstance(rule, dict)
    ]
    pairs = ((i, j) for at, i in enumerate(keys) for j in keys[at + 1 :])
    return next((pair for pair in pairs if set(pair) not in ruled), None)


def _show_verdict(writing: Writing) -> None:
    st.markdown("**Overall verdict**")
    left, right = st.columns(2)
    with left:
        number_field(writing, "Points of its scale (7 unless given)", ("overall", "points"), min_value=2, max_value=101)
    with right:
        flag_field(writing, "Ties are allowed", ("overall", "allow_tie"), default=True)
        flag_field(writing, "Both may be called bad", ("overall", "allow_both_bad"), default=True)
    st.markdown("**Justification**")
    number_field(writing, "Fewest words (0 lets raters leave it empty)", ("justification", "min_words"), min_value=0)
    for name, words in JUSTIFICATION_WORDS.items():
        flag_field(writing, words, ("justification", name))
    switched_on = [name for name in JUSTIFICATION_RULES if writing.value(("justification", name))]
    names_field(
        writing, "Of these, only advise (the others keep a judgment from being stored)", ("justification", "advisory"),
        switched_on, {"min_words": "Fewest words", **JUSTIFICATION_WORDS},
    )  # fmt: skip


def _name(entry: Any, at: int) -> str:
    entry = entry if isinstance(entry, dict) else {}
    return str(entry.get("name") or entry.get("key") or f"criterion {at + 1}")
