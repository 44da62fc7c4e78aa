"""A judgment that was handed in, with the form filled as it stands, to look at or to revise."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.errors import RefusedSubmission, SteelyardError
from app.services import desk as desks
from app.services import judging, reviewing
from app.services.sessions import Person
from app.ui.components.page import show_notice
from app.ui.components.rating import form_state
from app.ui.components.rating.conversation import View, show_conversation, show_responses
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.keyboard import listen
from app.ui.components.rating.marks import follow_selection, hear
from app.ui.components.rating.panel import problem_lines, show_panel
from app.ui.components.text import escape
from app.ui.session import get_person, get_store
from app.ui.words import say


def show_earlier(person: Person, assignment_id: int, *, on_close: Callable[[], None]) -> None:
    """One judgment, with the form filled as it stands."""
    st.button(say("back"), on_click=on_close, type="tertiary", icon=":material/arrow_back:")
    work = desks.reopen_desk(get_store(), person.name, assignment_id)
    desk = work.desk
    form = Form(desk, "revise", lambda _form: None, form_state.draft_of(work.submission))
    form_state.hydrate(form)
    view = View(math=desk.renders_math)
    with st.container(gap="small"):
        show_notice("revise-notice")
        _show_feedback(person, form)
    with st.container(key="desk", gap="small"):
        reading, panel = st.columns([2.5, 1], gap="medium")
        with reading:
            show_conversation(desk.assignment.prompt, view=view, material=desk.material)
            show_responses(desk.assignment.responses, key=str(assignment_id), view=view)
        with panel, st.container(key="panel", gap="small"):
            show_panel(form)
            _show_saving(form, can_revise=work.can_revise)
        follow_selection(form, view)
    listen(assignment_id, is_on=st.session_state.get("single-keys", person.account.preferences.single_keys))


def _show_feedback(person: Person, form: Form) -> None:
    """What became of a review of this judgment, and the reviewer's words."""
    word = reviewing.feedback(get_store(), person.name, form.desk.assignment.id)
    if word is None:
        return
    said = say("review-stands") if word.answers is None else say("review-changed")
    st.info(escape(f"{said} {form_state.called(form, word.reason)}".strip()))


def _show_saving(form: Form, *, can_revise: bool) -> None:
    if not can_revise:
        st.caption(say("round-closed"))
        return
    st.button(
        say("save-revision"),
        key=form.key("save"),
        type="primary",
        shortcut="Mod+Enter",
        width="stretch",
        on_click=_revise,
        args=(form,),
    )
    st.caption(say("earlier-stays"))


def _revise(shown: Form) -> None:
    hear(shown)
    form = shown.anew()
    submission = form_state.read(form)
    try:
        receipt = judging.revise(get_store(), get_person().name, form.desk.assignment.id, submission)
    except RefusedSubmission as error:
        st.session_state["revise-notice"] = problem_lines(form, form.desk.problems(submission)) or list(error.problems)
    except SteelyardError as error:
        st.session_state["revise-notice"] = error
    else:
        told = say("nothing-changed") if receipt.was_known else say("saved-revision", n=receipt.revision)
        st.session_state["revise-notice"] = told
