"""How a draft begins: from the library, from a version, from a file, from an empty page, or from a brief."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.errors import SteelyardError
from app.services import rubric_drafts, rubric_versions
from app.services.rubric_drafts import Draft
from app.ui.components.page import empty_state
from app.ui.components.studio.brief import show_brief
from app.ui.components.studio.writing import PROBLEM, open_draft
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store
from rubrics.loader import library, load_library

EMPTY = """\
key: my_rubric
title: My rubric
instructions: |
  Read the prompt, then both responses to the end.
criteria:
  - key: helpfulness
    name: Helpfulness
    question: Which response does more of what the user asked?
    guidance: Say here what counts, and what does not.
    type: preference_scale
overall: {points: 7, allow_tie: true, allow_both_bad: true}
justification: {min_words: 5}
"""
"""The page that is nearly empty."""

SOURCES = ("Library", "Published version", "Brief", "File", "Empty page")


def show_begin() -> None:
    """Drafts that are open, and ways to begin another."""
    drafts = rubric_drafts.list_drafts(get_store(), get_person())
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.subheader("Open drafts", anchor=False)
        if not drafts:
            empty_state("No draft yet", "Begin one from the library: take what is nearest and change it.")
        for draft in drafts:
            _show_draft(draft)
    with right:
        st.subheader("Begin a draft", anchor=False)
        source = st.segmented_control(
            "Begin from", SOURCES, key="begin-from", default=SOURCES[0], required=True,
            label_visibility="collapsed", wrap=True,
        )  # fmt: skip
        _SHOW[source]()


def begin(text: str) -> None:
    """Make a draft of a text and open it."""
    try:
        open_draft(rubric_drafts.create_draft(get_store(), get_person(), text))
    except SteelyardError as error:
        st.session_state[PROBLEM] = str(error)


def _show_draft(draft: Draft) -> None:
    with st.container(border=True, key=f"draft-{draft.id}", gap="small"):
        st.markdown(f"**{escape(draft.title)}**")
        st.caption(escape(f"revision {draft.revision}, saved by {draft.saved_by} {show_time(draft.saved_at)}"))
        st.button("Open", key=f"open-draft-{draft.id}", on_click=open_draft, args=(draft,))


def _from_library() -> None:
    keys = list(library())
    st.radio(
        "Rubric of the library", keys, key="begin-library", format_func=lambda one: escape(load_library(one).title),
        captions=[escape(_summary(one)) for one in keys],
    )  # fmt: skip
    st.button("Begin with this", type="primary", on_click=_begin_library)


def _begin_library() -> None:
    begin(library()[st.session_state["begin-library"]].read_text(encoding="utf-8"))


def _begin_version() -> None:
    begin(st.session_state["begin-version"].yaml)


def _summary(key: str) -> str:
    rubric = load_library(key)
    names = ", ".join(criterion.name for criterion in rubric.criteria) or "one overall preference"
    return f"{names}{'' if rubric.suits_kway else ' · pairs only'}"


def _from_version() -> None:
    published = [one for versions in rubric_versions.list_versions(get_store()).values() for one in versions]
    if not published:
        empty_state("No version is published yet", "Begin from the library instead.")
        return
    st.selectbox(
        "Version", published, key="begin-version",
        format_func=lambda one: f"{one.rubric.title}, {one.version[:12]}, {show_time(one.published_at)}",
    )  # fmt: skip
    st.button("Begin with this", type="primary", on_click=_begin_version)


def _from_file() -> None:
    file = st.file_uploader("A rubric as YAML", type=["yaml", "yml"], key="begin-file")
    if file is None:
        return
    try:
        text = file.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        st.error(escape(f"{file.name}: byte {error.start} is not UTF-8. Save the file as UTF-8."))
        return
    st.button("Begin with this", type="primary", on_click=lambda: begin(text))


def _from_nothing() -> None:
    st.caption("A rubric of one criterion, to be filled.")
    st.button("Begin with this", type="primary", on_click=lambda: begin(EMPTY))


_SHOW: dict[str, Callable[[], None]] = {
    "Library": _from_library,
    "Published version": _from_version,
    "Brief": lambda: show_brief(begin),
    "File": _from_file,
    "Empty page": _from_nothing,
}
