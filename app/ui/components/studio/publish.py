"""What a draft would change, and the button that makes a version of it."""

from __future__ import annotations

import streamlit as st

from app.errors import SteelyardError
from app.services import rubric_drafts, rubric_versions
from app.services.rubric_versions import Version
from app.ui.components.rubric_view import show_changes
from app.ui.components.studio.writing import CHOSEN, PROBLEM, Writing, open_writing
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.components.versions import NOTICE
from app.ui.session import get_person, get_store
from rubrics.difference import changes
from rubrics.errors import RubricError


def show_publish(writing: Writing) -> None:
    """Against the newest version of the key: what is meaning, what is wording, and what follows from it."""
    rubric = writing.rubric
    if rubric is None:
        st.info("Only a valid rubric can be published: see Checks.")
        return
    versions = rubric_versions.list_versions(get_store()).get(rubric.key, [])
    if any(version.version == rubric.version for version in versions):
        st.info(f"Published already as version {rubric.version[:12]}: raters would see no difference.")
        return
    n_advice = sum(one.id not in writing.draft.dismissed for one in writing.advice)
    if n_advice:
        st.caption(f"{n_advice} {'piece' if n_advice == 1 else 'pieces'} of advice under Checks.")
    st.button("Publish", type="primary", key="publish", on_click=publish, args=(writing,))
    if not versions:
        st.caption(escape(f"No version with the key {rubric.key} is published yet, so this is a new rubric."))
        return
    before = _choose(writing, versions)
    found = changes(before.rubric, rubric)
    n_meaning = sum(change.effect == "meaning" for change in found)
    st.markdown(f"**{_verdict(n_meaning, len(found))}**")
    show_changes(found)


def _verdict(n_meaning: int, n: int) -> str:
    if not n_meaning:
        return f"{n} {'difference' if n == 1 else 'differences'} of wording: votes under both versions mean the same."
    if n == 1:
        return "The one difference changes what a vote means: old and new votes are kept apart."
    verb = "changes" if n_meaning == 1 else "change"
    return f"{n_meaning} of {n} differences {verb} what a vote means: old and new votes are kept apart."


def _choose(writing: Writing, versions: list[Version]) -> Version:
    return st.selectbox(
        "Compared with",
        versions,
        key=writing.key("against"),
        format_func=lambda one: f"version {one.version[:12]}, {show_time(one.published_at)}",
    )


def publish(writing: Writing) -> None:
    """Publish what this tab shows, what was typed last included, and go to the version."""
    writing = open_writing(writing.draft.id)
    if writing.mine is not None or writing.has_news:
        return
    try:
        rubric, is_new = rubric_drafts.publish_draft(
            get_store(), get_person(), writing.draft.id, revision=writing.draft.revision
        )
    except (RubricError, SteelyardError) as error:
        st.session_state[PROBLEM] = str(error)
        return
    versions = rubric_versions.list_versions(get_store())[rubric.key]
    said = "is published" if is_new else "was published already"
    notice = f"{rubric.title} {said} as version {rubric.version[:12]}. Start a round to have raters judge by it."
    st.session_state.update(
        {
            NOTICE: notice,
            "rubric-choice": rubric.key,
            "rubric-view": "History" if len(versions) > 1 else "Read",
            "to-versions": True,
        }
    )
    st.session_state.pop("studio-part-kept", None)
    st.query_params.pop(CHOSEN, None)
