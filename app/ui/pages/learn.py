"""Learn: lessons with immediate feedback, level by level, and a tutor that quotes the rubric."""

from __future__ import annotations

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

LEVELS = {
    learning.FOUNDATION: ("Foundation", "One criterion at a time, on the rubric's own examples"),
    learning.ADVANCED: ("Advanced", "What prevails where criteria pull apart"),
    learning.EXPERT: ("Expert", "Real comparisons that were settled"),
}
LEAD = "Try as often as you like: nothing here counts against you, and the explanation comes at once."


def page() -> None:
    """The page."""
    person = get_person()
    campaign = campaign_header(say("page-learn"), person, Action.JUDGE, lead=LEAD)
    if campaign is None:
        return
    course = learning.course(get_store(), person.name, campaign.name)
    if course is None or not course.lessons:
        empty_state(
            "No lessons yet",
            "Lessons are made from the examples and rules of the rubric; a designer can add some under Rubrics.",
        )
        return
    _show_levels(course)
    lesson_side, tutor_side = st.columns([2, 1], gap="large")
    with lesson_side:
        _show_turn(campaign, course)
    with tutor_side:
        _show_tutor(course.rubric)


def _show_levels(course: Course) -> None:
    if course.n_refreshers:
        st.warning(f"Refresher: {course.n_refreshers} more lessons to answer right, then good work ends the warning.")
    columns = st.columns(len(LEVELS))
    for column, (level, (title, what)) in zip(columns, LEVELS.items(), strict=True):
        right, n = course.progress(level)
        with column, st.container(border=True, key=f"level-{level}"):
            needed = " · needed for the exam" if level <= course.required else ""
            st.markdown(f"**{title}** {'✓' if course.level >= level and n else ''}{needed}")
            st.caption(what)
            st.progress(right / n if n else 0.0, text=f"{right} of {n} right" if n else "none yet")


def _show_turn(campaign: Campaign, course: Course) -> None:
    """The feedback on the last answer, or the next lesson."""
    told = st.session_state.get("lesson-told")
    lessons = {lesson.key: lesson for lesson in course.lessons}
    if told is not None and told[0] == campaign.name and told[1] in lessons:
        _show_feedback(campaign, lessons[told[1]], told[2], course)
        return
    lesson = lessons.get(st.session_state.get("lesson-key", "")) or course.next_lesson()
    if lesson is None:
        st.success("Every lesson is answered right. Choose one below to look at it again.")
        link_to("exam", "To the exam", campaign=campaign.name)
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
    right = " or ".join(feedback.right)
    if feedback.is_right:
        st.success(f"Right: {escape(right)}.")
    else:
        st.error(f"You said: {escape(words[option])}. The key says: {escape(right)}.")
    if feedback.explanation:
        st.html(text_html(feedback.explanation))
    with st.container(horizontal=True):
        st.button("Next lesson", type="primary", key="lesson-next", on_click=_go_on)
        if not feedback.is_right:
            st.button("Try again", key="lesson-again", on_click=_go_on, args=(lesson.key,))
    st.html("<b>In the rubric's own words</b>")
    _show_passages(feedback.passages)


def _go_on(key: str = "") -> None:
    st.session_state.pop("lesson-told", None)
    st.session_state["lesson-key"] = key


def _show_choice(course: Course, lesson: Lesson | None) -> None:
    with st.expander("All lessons"):
        for one in course.lessons:
            mark = "✓ " if course.done.get(one.key) else ""
            label = escape(f"{mark}{LEVELS[one.level][0]}: {one.title}")
            here = lesson is not None and one.key == lesson.key
            st.button(label, key=f"to-{one.key}", type="tertiary", disabled=here, on_click=_go_on, args=(one.key,))
    error = st.session_state.pop("lesson-error", None)
    if error is not None:
        show_error(error)


def _show_tutor(rubric: Rubric) -> None:
    """Ask the rubric: the passages that a question is about, word for word."""
    with st.container(border=True, key="tutor"):
        st.subheader("Tutor", anchor=False)
        st.caption("Finds what the rubric says. It quotes, and makes nothing up.")
        asked = st.text_input("Your question", placeholder="Is a refusal harmless?", key="tutor-question")
        if not asked.strip():
            return
        found = tutoring.ask(rubric, asked)
        if not found:
            st.text("The rubric has no passage with these words. Ask a designer from the rating page.")
        _show_passages(found)


def _show_passages(passages: list[Passage] | tuple[Passage, ...]) -> None:
    for passage in passages:
        with st.container(border=True):
            st.caption(escape(passage.source))
            st.html(text_html(passage.text))
