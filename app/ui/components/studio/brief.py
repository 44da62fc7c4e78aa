"""A draft from a brief in plain words: by the assistant where there is one, and from the nearest templates."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.domain import Job, JobState
from app.errors import SteelyardError
from app.services import job_board, rubric_assistant, rubric_drafts
from app.settings import settings
from app.ui.components.jobs import ask_for, follow, show_end
from app.ui.components.page import errors_shown
from app.ui.components.studio.writing import PROBLEM, open_draft
from app.ui.components.text import escape
from app.ui.session import get_person, get_store
from rubrics.loader import library, load_library

KIND = "rubric_draft"


def show_brief(begin: Callable[[str], None]) -> None:
    """The brief, what the assistant makes of it, and templates that come near.

    Args:
        begin: makes a draft of a text.
    """
    brief = st.text_area(
        "Brief", key="studio-brief", height=150, max_chars=rubric_assistant.MAX_BRIEF, persist_state="session",
        placeholder="What is judged, by whom, and what matters: answers to customers of a bank; they must not give "
        "advice on investments, and should be short.",
    )  # fmt: skip
    assistant = settings().assistant
    if assistant is None:
        st.caption(
            "No assistant is configured, so nothing is written for you; the templates below need none. An admin can "
            "set STEELYARD_ASSISTANT_URL to any OpenAI-compatible endpoint, also one on this machine."
        )
    else:
        st.caption(escape(f"The brief goes to {assistant.model} at {assistant.url}, and to nobody else."))
        st.button("Write a draft", type="primary", key="write-draft", on_click=_ask)
        _show_jobs()
    for key in rubric_assistant.nearest_templates(brief) if brief.strip() else ():
        with st.container(border=True, gap="small", key=f"near-{key}"):
            rubric = load_library(key)
            st.markdown(f"**{escape(rubric.title)}**")
            st.caption(escape(", ".join(criterion.name for criterion in rubric.criteria) or "one overall preference"))
            st.button(
                "Begin with this", key=f"take-{key}", on_click=begin, args=(library()[key].read_text(encoding="utf-8"),)
            )


def _ask() -> None:
    try:
        brief = st.session_state["studio-brief"]
        ask_for(rubric_assistant.request_draft(get_person(), brief, assistant=settings().assistant))
    except SteelyardError as error:
        st.session_state[PROBLEM] = str(error)


def _show_jobs() -> None:
    """The last draft that was asked for: how far it is, or what became of it."""
    last = next(iter(job_board.own_jobs(get_store(), get_person(), KIND, limit=1)), None)
    if last is None:
        return
    if not last.has_ended:
        follow(last)
        return
    show_end(last)
    if last.state is JobState.DONE:
        _show_result(last)


def _show_result(job: Job) -> None:
    result = job.result or {}
    with errors_shown():
        draft = rubric_drafts.read_draft(get_store(), get_person(), result["draft"])
        if draft.closed_at is not None:
            return
        n = result["n_problems"]
        wrong = f" {n} {'thing is' if n == 1 else 'things are'} still wrong with it." if n else ""
        st.success(escape(f"{draft.title} is drafted.{wrong} Read every word before you publish it."))
        st.button("Open the draft", key=f"open-drafted-{draft.id}", on_click=open_draft, args=(draft,))
