"""Exam: comparisons with a known answer, one after the other, until they suffice; then a report and a certificate."""

from __future__ import annotations

import json

import streamlit as st

from app.domain import Campaign
from app.errors import RefusedSubmission, SteelyardError
from app.policy import Action
from app.services import certifying, examining, judging
from app.services import desk as desks
from app.services.examining import ExamStatus
from app.services.sessions import Person
from app.settings import settings
from app.ui.components.calibration.shares import show_report, what_next
from app.ui.components.page import campaign_header, empty_state, link_to, show_notice
from app.ui.components.rating import form_state
from app.ui.components.rating.conversation import View, show_conversation, show_responses
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.keyboard import listen
from app.ui.components.rating.marks import follow_selection, hear
from app.ui.components.rating.panel import open_rubric, problem_lines, show_panel
from app.ui.components.text import escape
from app.ui.session import find_person, get_person, get_store
from app.ui.words import say


def page() -> None:
    """The page."""
    person = get_person()
    campaign = campaign_header(say("page-exam"), person, Action.JUDGE, lead=say("exam-lead"))
    if campaign is None:
        return
    show_notice("exam-notice")
    status = examining.exam_status(get_store(), person.name, campaign.name)
    if status.state == "none":
        empty_state(say("no-exam"), say("no-exam-next"), to="rate", label=say("page-rate"))
        return
    if status.state == "running":
        _show_item(person, campaign)
        return
    _show_where(campaign, status)
    if status.last is not None and status.round is not None:
        names = examining.criterion_names(get_store(), status.round.rubric_version)
        is_held = status.state == "certified"
        show_report(status.last, key=f"exam-{status.last.exam_id}", names=names, holds=is_held)
        if status.state == "certified":
            _show_certificate(person, campaign)


def _show_where(campaign: Campaign, status: ExamStatus) -> None:
    """Where the rater is, and the way on."""
    with st.container(border=True, key="exam-where"):
        st.markdown(f"**{escape(what_next(status))}**")
        calibration = status.round.rules.calibration if status.round else None
        if status.state == "ready" and calibration is not None:
            st.markdown(say("exam-rules", most=calibration.max_items, hours=calibration.wait_hours))
            st.button(say("begin-exam"), type="primary", on_click=_begin, args=(campaign.name,), key="begin-exam")
            link_to("learn", say("practise-first"), campaign=campaign.name)
        elif status.state == "lessons":
            link_to("learn", say("to-lessons"), campaign=campaign.name)
        elif status.state == "certified":
            link_to("rate", say("to-work"), campaign=campaign.name)
        elif status.state == "review":
            link_to("my_calibration", say("why-and-appeal"), campaign=campaign.name)


def _begin(campaign_name: str) -> None:
    try:
        examining.next_item(get_store(), get_person().name, campaign_name)
    except SteelyardError as error:
        st.session_state["exam-notice"] = error


def _show_item(person: Person, campaign: Campaign) -> None:
    item = examining.next_item(get_store(), person.name, campaign.name)
    if item is None:
        st.rerun()
    desk = desks.desk_of(get_store(), person.name, item.id)
    form = Form(desk, "exam", _autosave, item.draft or {})
    form_state.hydrate(form)
    with st.container(key="desk", gap="small"):
        reading, panel = st.columns([2.5, 1], gap="medium")
        with reading:
            number = examining.n_answered(get_store(), person.name, campaign.name) + 1
            with st.container(horizontal=True, key="exam-bar", vertical_alignment="center"):
                st.caption(say("question-number", n=number), width="content")
                if st.button(say("rubric"), key="exam-rubric", type="tertiary"):
                    open_rubric(desk)
            show_conversation(item.prompt)
            show_responses(item.responses, key=str(item.id))
        with panel, st.container(key="panel", gap="small"):
            show_panel(form)
            st.button(
                say("submit"),
                key=form.key("submit"),
                type="primary",
                shortcut="Mod+Enter",
                width="stretch",
                on_click=_submit,
                args=(form,),
            )
            for line in st.session_state.pop("exam-missing", ()):
                st.warning(escape(line))
        follow_selection(form, View())
    listen(item.id, is_on=st.session_state.get("single-keys", person.account.preferences.single_keys))


def _autosave(form: Form) -> None:
    person = find_person()
    if person is not None:
        judging.save_draft(
            get_store(), person.name, form.desk.assignment.id, form_state.draft_of(form_state.read(form))
        )


def _submit(shown: Form) -> None:
    hear(shown)
    form = shown.anew()
    submission = form_state.read(form)
    try:
        examining.answer(get_store(), get_person().name, form.desk.assignment.id, submission)
    except RefusedSubmission as error:
        lines = problem_lines(form, form.desk.problems(submission))
        st.session_state["exam-missing"] = lines or list(error.problems)
        _autosave(form)
    except SteelyardError as error:
        st.session_state["exam-notice"] = error


def _show_certificate(person: Person, campaign: Campaign) -> None:
    try:
        document = certifying.certificate_of(get_store(), person.name, campaign.name, folder=settings().data_directory)
    except SteelyardError:
        st.caption(say("no-certificate"))
        return
    st.download_button(
        say("get-certificate"),
        json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        file_name=f"certificate-{campaign.name}-{person.name}.json",
        mime="application/json",
        key="certificate",
    )
    st.caption(say("certificate-signed"))
