"""Learn: lessons with immediate feedback, level by level, and a tutor that quotes the rubric."""

from __future__ import annotations

from functools import reduce

import streamlit as st

from app.domain import Campaign
from app.errors import SteelyardError
from app.policy import Action
from app.services import learning, tutoring
from app.services.learning import Course, Feedback, Lesson
from app.services.tutoring import Passage
from app.ui.components.page import campaign_header, empty_state, link_to, show_error
from app.ui.components.rating.conversation import show_conversation, show_responses
from app.ui.components.text import escape, text_html
from app.ui.session import get_person, get_store
from app.ui.words import say
from rubrics.model import Rubric

LEVELS = {learning.FOUNDATION: "foundation", learning.ADVANCED: "advanced", learning.EXPERT: "expert"}
"""Levels by their words in the catalogue."""


def page() -> None:
    """The page."""
    person = get_person()
    campaign = campaign_header(say("page-learn"), person, Action.JUDGE, lead=say("learn-lead"))
    if campaign is None:
        return
    course = learning.course(get_store(), person.name, campaign.name)
    if course is None or not course.lessons:
        empty_state(
            say("no-lessons"),
            say("no-lessons-next"),
        )
        return
    _show_levels(course)
    lesson_side, tutor_side = st.columns([2, 1], gap="large")
    with lesson_side:
        _show_turn(campaign, course)
    with tutor_side:
        _show_tutor(course.rubric)


def _show_levels(course: Course) -> None:
    with st.container():  # a place of its own: the lesson below does not move when the last one is answered
        if course.n_refreshers:
            st.warning(say("refreshers-left", n=course.n_refreshers))
    columns = st.columns(len(LEVELS))
    for column, (level, name) in zip(columns, LEVELS.items(), strict=True):
        right, n = course.progress(level)
        with column, st.container(border=True, key=f"level-{level}"):
            needed = f" · {say('needed-for-exam')}" if level <= course.required else ""
            st.markdown(f"**{say(name)}** {'✓' if course.level >= level and n else ''}{needed}")
            st.caption(say(f"about-{name}"))
            st.progress(right / n if n else 0.0, text=say("n-right", right=right, n=n) if n else say("none-yet"))


def _show_turn(campaign: Campaign, course: Course) -> None:
    """The feedback on the last answer, or the next lesson."""
    told = st.session_state.get("lesson-told")
    lessons = {lesson.key: lesson for lesson in course.lessons}
    if told is not None and told[0] == campaign.name and told[1] in lessons:
        _show_feedback(campaign, lessons[told[1]], told[2], course)
        return
    lesson = lessons.get(st.session_state.get("lesson-key", "")) or course.next_lesson()
    if lesson is None:
        st.success(say("lessons-done"))
        link_to("exam", say("to-exam"), campaign=campaign.name)
    else:
        _show_lesson(campaign, lesson)
    _show_choice(course, lesson)


def _show_lesson(campaign: Campaign, lesson: Lesson) -> None:
    st.subheader(escape(lesson.title), anchor=False)
    if lesson.prompt:
        show_conversation(lesson.prompt)
        show_responses(lesson.responses, key=f"lesson-{lesson.key}")
    st.markdown(f"**{escape(lesson.question)}**")
    with st.container(horizontal=True, key="lesson-options"):
        for option, words in lesson.options:
            st.button(
                escape(words),
                key=f"lesson-{lesson.key}-{option}",
                on_click=_answer,
                args=(campaign.name, lesson, option),
            )


def _answer(campaign_name: str, lesson: Lesson, option: str) -> None:
    try:
        feedback = learning.answer_lesson(get_store(), get_person().name, campaign_name, lesson.key, option)
    except SteelyardError as error:
        st.session_state["lesson-error"] = error
        return
    st.session_state["lesson-told"] = (campaign_name, lesson.key, (option, feedback))


def _show_feedback(campaign: Campaign, lesson: Lesson, told: tuple[str, Feedback], course: Course) -> None:
    option, feedback = told
    st.subheader(escape(lesson.title), anchor=False)
    if lesson.prompt:
        show_conversation(lesson.prompt)
        show_responses(lesson.responses, key=f"lesson-{lesson.key}")
    st.markdown(f"**{escape(lesson.question)}**")
    words = dict(lesson.options)
    right = reduce(lambda first, second: say("or", first=first, second=second), feedback.right)
    if feedback.is_right:
        st.success(escape(say("lesson-right", right=right)))
    else:
        st.error(escape(say("lesson-wrong", said=words[option], right=right)))
    if feedback.explanation:
        st.html(text_html(feedback.explanation))
    with st.container(horizontal=True):
        st.button(say("next-lesson"), type="primary", key="lesson-next", on_click=_go_on)
        if not feedback.is_right:
            st.button(say("try-again"), key="lesson-again", on_click=_go_on, args=(lesson.key,))
    st.html(f"<b>{say('rubrics-words')}</b>")
    _show_passages(feedback.passages)


def _go_on(key: str = "") -> None:
    st.session_state.pop("lesson-told", None)
    st.session_state["lesson-key"] = key


def _show_choice(course: Course, lesson: Lesson | None) -> None:
    with st.expander(say("all-lessons")):
        for one in course.lessons:
            mark = "✓ " if course.done.get(one.key) else ""
            label = escape(f"{mark}{say(LEVELS[one.level])}: {one.title}")
            here = lesson is not None and one.key == lesson.key
            st.button(label, key=f"to-{one.key}", type="tertiary", disabled=here, on_click=_go_on, args=(one.key,))
    error = st.session_state.pop("lesson-error", None)
    if error is not None:
        show_error(error)


def _show_tutor(rubric: Rubric) -> None:
    """Ask the rubric: the passages that a question is about, word for word."""
    with st.container(border=True, key="tutor"):
        st.subheader(say("tutor"), anchor=False)
        st.caption(say("tutor-what"))
        asked = st.text_input(say("your-question"), placeholder=say("question-example"), key="tutor-question")
        if not asked.strip():
            return
        found = tutoring.ask(rubric, asked)
        if not found:
            st.text(say("no-passage"))
        _show_passages(found)


def _show_passages(passages: list[Passage] | tuple[Passage, ...]) -> None:
    for passage in passages:
        with st.container(border=True):
            st.caption(escape(passage.source))
            st.html(text_html(passage.text))
