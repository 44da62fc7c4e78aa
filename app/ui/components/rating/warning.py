"""A warning before a comparison with content that somebody may not want to read, and opting out of such content."""

from __future__ import annotations

import streamlit as st

from app.domain import content_kinds
from app.errors import SteelyardError
from app.services import content, judging
from app.services.sessions import Person
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.stopped import tell
from app.ui.components.text import escape
from app.ui.session import get_person, get_store
from app.ui.words import say


def show_warning(form: Form) -> bool:
    """The warning in place of the comparison; returns whether it stands. What has been begun is not hidden again."""
    kinds = content_kinds(form.desk.meta)
    key = f"warned-{form.desk.assignment.id}"
    if not kinds or st.session_state.get(key) or (form.draft and form.draft.get("answers")):
        return False
    with st.container(border=True, key="content-warning"):
        st.subheader(say("warning"), anchor=False)
        st.text(say("warning-kinds", kinds=", ".join(kinds)))
        with st.container(horizontal=True, gap="small"):
            st.button(say("warning-show"), key="warning-show", type="primary", on_click=_accept, args=(key,))
            st.button(say("skip-now"), key="warning-skip", on_click=_skip, args=(form.desk.assignment.id,))
            for kind in kinds:
                label = say("warning-never", kind=escape(kind))
                st.button(label, key=f"warning-never-{kind}", on_click=_opt_out, args=(kind,))
    return True


def show_content_choice(person: Person) -> None:
    """Which kinds of content one does not want to see: for the page of one's account; nothing where there are none."""
    unwanted = content.unwanted_kinds(get_store(), person.name)
    kinds = sorted({*content.known_kinds(get_store(), person.name), *unwanted})
    if not kinds:
        return
    st.session_state["content-choice"] = unwanted
    st.multiselect(
        say("content-choice"),
        kinds,
        key="content-choice",
        help=say("content-choice-help"),
        placeholder=say("content-choice-none"),
        on_change=_keep_choice,
        args=(unwanted,),
    )


def _accept(key: str) -> None:
    st.session_state[key] = True


def _skip(assignment_id: int) -> None:
    try:
        judging.skip(get_store(), get_person().name, assignment_id, reason="content warning")
    except SteelyardError as error:
        tell(error)


def _opt_out(kind: str) -> None:
    content.opt_out(get_store(), get_person().name, kind)


def _keep_choice(before: list[str]) -> None:
    name, chosen = get_person().name, set(st.session_state["content-choice"])
    for kind in sorted(chosen - set(before)):
        content.opt_out(get_store(), name, kind)
    for kind in sorted(set(before) - chosen):
        content.opt_in(get_store(), name, kind)
