"""Studio: write a rubric as text or as a form, see what is wrong and what raters will see, test it, publish it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from app.errors import SteelyardError
from app.services import rubric_drafts
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.idle import send_when_idle
from app.ui.components.page import go_to, page_header, show_error
from app.ui.components.studio.begin import show_begin
from app.ui.components.studio.checks import show_checks
from app.ui.components.studio.conflict import show_conflict, show_news
from app.ui.components.studio.earlier import show_earlier
from app.ui.components.studio.form import show_form
from app.ui.components.studio.preview import show_preview
from app.ui.components.studio.publish import show_publish
from app.ui.components.studio.trial import show_trial
from app.ui.components.studio.writing import CHOSEN, PROBLEM, Writing, choose_part, open_draft, open_writing
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store

TEXT, FORM = "Text", "Form"
EDITOR = "rubric-editor"

PARTS: Mapping[str, Callable[[Writing], None]] = {
    "Checks": show_checks,
    "Rater's screen": show_preview,
    "Tests": show_trial,
    "Publish": show_publish,
    "Earlier": show_earlier,
}


def page() -> None:
    """The page."""
    get_person()
    if st.session_state.pop("to-versions", False):
        go_to("versions")
    apply_designer_style()
    with st.container(key="designer"):
        chosen = st.query_params.get(CHOSEN, "")
        if chosen.isdigit():
            _show_draft(int(chosen))
        else:
            page_header("Studio", "Write, test and publish what raters judge by. Drafts are kept on the server.")
            _show_problem()
            show_begin()


def _show_draft(draft_id: int) -> None:
    try:
        writing = open_writing(draft_id)
    except SteelyardError as error:
        show_error(error)
        st.button("All drafts", on_click=open_draft, args=(None,))
        return
    _show_head(writing)
    _show_problem()
    if writing.draft.closed_at is not None:
        st.info("This draft has ended. Versions has what was published; begin another draft to go on.")
        return
    if show_conflict(writing):
        return
    show_news(writing)
    desk, said = st.columns(2, gap="large")
    with desk:
        _show_desk(writing)
    with said:
        part = choose_part("Beside the text", list(PARTS), key="studio-part", default="Checks")
        PARTS[part](writing)
    writing.remember()


def _show_head(writing: Writing) -> None:
    draft = writing.draft
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        said = f"revision {draft.revision}, saved by {draft.saved_by} {show_time(draft.saved_at)}"
        page_header(draft.title, f"Draft {draft.id} · {said}")
    with right, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        st.button("All drafts", key="all-drafts", on_click=open_draft, args=(None,))
        st.download_button(
            "Download", draft.text, file_name=f"draft-{draft.id}.yaml", mime="application/yaml", on_click="ignore"
        )
        if draft.closed_at is None:
            with st.popover("Discard"):
                st.text("The draft ends; nothing is published.")
                st.button("Discard this draft", key="discard", on_click=_discard, args=(writing,))


def _show_desk(writing: Writing) -> None:
    """The text, as a form or as it is; both change the same draft."""
    way = choose_part("Write as", [FORM, TEXT], key="studio-way", default=FORM)
    with st.container(key=EDITOR if way == TEXT else "rubric-form"):
        if way == FORM:
            show_form(writing)
        else:
            _show_text(writing)
    send_when_idle(EDITOR if way == TEXT else "rubric-form")


def _show_text(writing: Writing) -> None:
    key = writing.key("text")
    writing.show(key, writing.text, lambda _, said: said)
    st.text_area("Rubric as YAML", key=key, height=640)


def _discard(writing: Writing) -> None:
    try:
        rubric_drafts.discard_draft(get_store(), get_person(), writing.draft.id)
    except SteelyardError as error:
        st.session_state[PROBLEM] = str(error)
    else:
        open_draft(None)


def _show_problem() -> None:
    problem = st.session_state.pop(PROBLEM, None)
    if problem:
        st.error(escape(problem))
