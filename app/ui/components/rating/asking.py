"""Asking the designers about a comparison, reporting it, and reading what they answered."""

from __future__ import annotations

import streamlit as st

from app.errors import SteelyardError
from app.services import questions
from app.services.questions import Question
from app.services.sessions import Person
from app.services.wording import MAX_LENGTH
from app.ui.components.page import show_error
from app.ui.components.rating.form_state import Form
from app.ui.components.text import escape_html
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store
from app.ui.words import say


def open_asking(form: Form) -> None:
    """A question to the designers, over the page."""
    st.dialog(say("ask"))(_ask)(form.desk.assignment.id)


def open_report(form: Form) -> None:
    """A report of harmful content, over the page."""
    st.dialog(say("report"))(_report)(form.desk.assignment.id)


def show_answers(person: Person, form: Form) -> None:
    """Answers that are new to the rater, above what they work on; looked up once for every comparison."""
    key = form.key("answers")
    if key not in st.session_state:
        asked = questions.own_questions(get_store(), person.name, campaign_name=form.desk.assignment.campaign)
        st.session_state[key] = [one for one in asked if one.is_new]
    for one in st.session_state[key]:
        with st.container(border=True, key=f"answer-{one.id}", gap="small"):
            show_question(one)
            st.button(say("understood"), key=f"read-{one.id}", on_click=_mark_read, args=(key, one.id))


def show_question(question: Question) -> None:
    """A question or report with its answer, literally."""
    said = question.text or say("report")
    answer = say("no-answer-yet")
    if question.answer is not None:
        answer = say("answered", who=question.answered_by, time=show_time(question.answered_at), text=question.answer)
    st.html(f'<div class="sy-own"><span>{escape_html(said)}</span><small>{escape_html(answer)}</small></div>')


def _ask(assignment_id: int) -> None:
    person = get_person()
    for one in questions.own_questions(get_store(), person.name):
        if one.assignment_id == assignment_id:
            show_question(one)
    text = st.text_area(say("ask-label"), key=f"question-{assignment_id}", max_chars=MAX_LENGTH)
    if st.button(say("send"), key=f"send-question-{assignment_id}", type="primary"):
        _send(lambda: questions.ask(get_store(), person.name, assignment_id, text))


def _report(assignment_id: int) -> None:
    person = get_person()
    st.text(say("report-lead"))
    text = st.text_area(say("report-label"), key=f"report-text-{assignment_id}", max_chars=MAX_LENGTH)
    if st.button(say("send"), key=f"send-report-{assignment_id}", type="primary"):
        _send(lambda: questions.report(get_store(), person.name, assignment_id, text=text))


def _send(work) -> None:
    try:
        work()
    except SteelyardError as error:
        show_error(error)
    else:
        st.session_state["rate-notice"] = say("sent")
        st.rerun()


def _mark_read(key: str, question_id: int) -> None:
    questions.mark_read(get_store(), get_person().name, [question_id])
    st.session_state.pop(key, None)
