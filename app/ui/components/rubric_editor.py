"""Publishing a rubric: its YAML, what is wrong with it line by line, and what it changes."""

from __future__ import annotations

import streamlit as st

from app.errors import SteelyardError
from app.services import rubric_versions
from app.services.rubric_versions import Version
from app.services.sessions import Person
from app.ui.components.idle import send_when_idle
from app.ui.components.rubric_view import show_changes, show_problems
from app.ui.components.text import escape
from app.ui.session import get_person, get_store
from rubrics.difference import changes
from rubrics.errors import RubricError
from rubrics.loader import library, parse_rubric
from rubrics.model import Rubric

EDITOR = "rubric-editor"


def show_editor(person: Person, published: dict[str, list[Version]], start: str, *, name: str) -> None:
    """The text, checked whenever the person pauses, and the button that publishes it.

    Args:
        person: who publishes.
        published: what is published already, by key.
        start: the text to begin with.
        name: of what it begins with; another one brings its own text.
    """
    if st.session_state.get("editor-of") != name:
        st.session_state.update({"editor-of": name, "rubric-text": start})
    _show_sources(published)
    with st.container(key=EDITOR):
        text = st.text_area("Rubric as YAML", key="rubric-text", height=420, persist_state="session")
    send_when_idle(EDITOR)
    try:
        rubric = parse_rubric(text)
    except RubricError as error:
        n = len(error.problems)
        st.error(f"{n} {'thing is' if n == 1 else 'things are'} wrong; nothing can be published yet.")
        show_problems(error, text)
        return
    _show_valid(person, rubric, published)


def _show_sources(published: dict[str, list[Version]]) -> None:
    """Where a text may come from, besides the keyboard."""
    with st.expander("Start from another document, or a file"):
        options = [*(f"published: {key}" for key in published), *(f"library: {key}" for key in library())]
        left, right = st.columns(2)
        with left:
            source = st.selectbox("Document", options, index=None, key="editor-source", placeholder="Choose")
            st.button("Take it", on_click=_take, args=(source, published), disabled=source is None)
        with right:
            st.file_uploader("File", type=["yaml", "yml"], key="editor-file", on_change=_take_file, max_upload_size=1)
    problem = st.session_state.pop("editor-problem", None)
    if problem:
        st.error(escape(problem))


def _take(source: str, published: dict[str, list[Version]]) -> None:
    kind, key = source.split(": ", 1)
    text = published[key][0].yaml if kind == "published" else library()[key].read_text(encoding="utf-8")
    st.session_state["rubric-text"] = text


def _take_file() -> None:
    file = st.session_state["editor-file"]
    if file is None:
        return
    try:
        st.session_state["rubric-text"] = file.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        st.session_state["editor-problem"] = f"{file.name}: byte {error.start} is not UTF-8. Save the file as UTF-8."


def _show_valid(person: Person, rubric: Rubric, published: dict[str, list[Version]]) -> None:
    """What would be published, and what it changes."""
    versions = published.get(rubric.key, [])
    if any(version.version == rubric.version for version in versions):
        st.info(f"Valid, and published already as version {rubric.version[:12]}: raters would see no difference.")
        return
    st.success(
        escape(f"Valid: {rubric.title}, {len(rubric.criteria)} criteria. It would be version {rubric.version[:12]}.")
    )
    st.button("Publish", type="primary", key="publish", on_click=_publish)
    if versions:
        found = changes(versions[0].rubric, rubric)
        st.markdown(f"**What changes** against version {versions[0].version[:12]}, the newest of this key")
        show_changes(found)
    else:
        st.caption(escape(f"No version with the key {rubric.key} is published yet, so this is a new rubric."))


def _publish() -> None:
    """Publish what stands in the editor; the services check it again."""
    try:
        rubric, is_new = rubric_versions.publish(get_store(), get_person().name, st.session_state["rubric-text"])
    except (RubricError, SteelyardError) as error:
        st.session_state["editor-problem"] = str(error)
        return
    said = "is published" if is_new else "was published already"
    notice = f"{rubric.title} {said} as version {rubric.version[:12]}. Start a round to have raters judge by it."
    st.session_state.update(
        {"rubrics-notice": notice, "rubric-choice": rubric.key, "rubric-view": "Read", "editor-of": None}
    )
