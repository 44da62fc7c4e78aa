"""The panel beside the responses: every question of the rubric, tensions, the justification, and how sure one is."""

from __future__ import annotations

import html

import streamlit as st

from app.ui.components.rating.answer_widgets import AnswerWidget, Question, ScaleWidget, letter
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.tension import SeenTension, show_tensions
from app.ui.components.text import text_html
from rubrics.answers import TIE, Answer
from rubrics.model import OVERALL, Criterion, Rubric
from rubrics.submission import Problem

CONFIDENCE = {1: "Guess", 2: "Unsure", 3: "Fair", 4: "Sure", 5: "Certain"}


def show_panel(form: Form, tensions: list[SeenTension]) -> None:
    """All widgets of one assignment; every change calls the form."""
    if len(form.slots) == 2:
        st.html(_LEGEND)
    for widget, question in form.questions:
        _show_question(form, widget, question)
    show_tensions(form, tensions)
    st.text_area(
        "Justification",
        key=form.key("why"),
        on_change=form.changed,
        placeholder="What decided? Call the responses Response A, Response B.",
        height=96,
    )
    st.segmented_control(
        "How sure are you?",
        list(CONFIDENCE),
        key=form.key("confidence"),
        format_func=CONFIDENCE.__getitem__,
        on_change=form.changed,
        width="stretch",
        wrap=False,
    )


def problem_lines(form: Form, problems: list[Problem]) -> list[str]:
    """What is missing, in the words of the screen: open questions in one line, the rest one by one."""
    rubric = form.desk.rubric
    names = {**{criterion.key: criterion.name for criterion in rubric.criteria}, OVERALL: "Overall"}
    unanswered = [names[p.field] for p in problems if p.message == "has no answer" and p.field in names]
    lines = [f"Not answered yet: {', '.join(unanswered)}."] if unanswered else []
    for problem in problems:
        if problem.message == "has no answer":
            continue
        name = names.get(problem.field, problem.field.capitalize())
        message, remedy = problem.message.replace("cannot_judge", "?"), problem.remedy.replace("cannot_judge", "?")
        if "leave out" in message:
            message, remedy = "does not cover every response", "answer for each one"
        lines.append(f"{name} {message}: {remedy}.")
    return lines


def show_rubric(rubric: Rubric) -> None:
    """The whole rubric as a text to read: instructions, criteria, rules."""
    st.html(text_html(rubric.instructions))
    for criterion in rubric.criteria:
        st.html(f"<h4>{html.escape(criterion.name)}</h4>{_guidance(criterion, _share(rubric, criterion))}")
    for rule in rubric.tensions:
        names = [rubric.criterion(key).name for key in rule.between]
        prevails = "" if rule.prevailing is None else rubric.criterion(rule.prevailing).name
        decides = f"{prevails} prevails" if prevails else "the context decides"
        title = html.escape(f"{names[0]} against {names[1]}: {decides}")
        st.html(f"<h4>{title}</h4>{text_html(rule.guidance)}")


_LEGEND = (
    '<p class="sy-legend"><span><span class="sy-letter sy-A">A</span> is better</span><span>=</span>'
    '<span><span class="sy-letter sy-B">B</span> is better</span></p>'
)


def _show_question(form: Form, widget: AnswerWidget, question: Question) -> None:
    rubric = form.desk.rubric
    with st.container(key=form.key(f"critrow-{question.key}"), gap=None):
        if question.key == OVERALL:
            st.html('<div class="sy-crit sy-overall">Overall</div>')
            anchors: dict[int, str] = {}
        else:
            criterion = rubric.criterion(question.key)
            anchors = criterion.anchors
            st.html(_header(criterion, _share(rubric, criterion)))
        st.html(f'<div class="sy-reads">{html.escape(_reading(form, widget, question, anchors))}</div>')
        widget.render(question, form.key(question.key), form.changed)


def _reading(form: Form, widget: AnswerWidget, question: Question, anchors: dict[int, str]) -> str:
    """What the chosen point means, in words."""
    answer = widget.read(question, form.key(question.key))
    if answer is None:
        return ""
    if answer.preferred in question.slots and isinstance(widget, ScaleWidget):
        meaning = anchors.get(int(answer.strength or 0)) or _STRENGTHS.get((question.bound, int(answer.strength or 0)))
        return f"{letter(answer.preferred)}: {meaning}" if meaning else f"{letter(answer.preferred)} is better"
    if answer.ranking is not None:
        return answer_in_words(answer)
    if answer.preferred is not None:
        return _RESERVED.get(answer.preferred, anchors.get(0, "equal"))
    return ""


def answer_in_words(answer: Answer) -> str:
    """An overall answer, in the letters of the screen it was given on."""
    if answer.ranking is not None:
        return " > ".join(" = ".join(letter(slot) for slot in group) for group in answer.ranking)
    if answer.preferred in _RESERVED or answer.preferred == TIE:
        return _RESERVED.get(str(answer.preferred), "equal")
    return f"{letter(str(answer.preferred))} is better ({answer.strength:g})" if answer.strength else "better"


_STRENGTHS = {(3, 1): "slightly better", (3, 2): "better", (3, 3): "clearly better"}
_RESERVED = {"not_applicable": "does not apply", "cannot_judge": "cannot judge", "both_bad": "both are bad"}


def _share(rubric: Rubric, criterion: Criterion) -> str:
    weight = rubric.declared_weights().get(criterion.key)
    return "" if weight is None else f"{weight:.0%}".replace("%", " %")


def _header(criterion: Criterion, share: str) -> str:
    """The name of a criterion; it unfolds into question, guidance, anchors and examples."""
    weight = f'<span class="sy-share">{share}</span>' if share else ""
    return (
        f'<details class="sy-crit"><summary>{html.escape(criterion.name)}{weight}</summary>'
        f"{_guidance(criterion, '')}</details>"
    )


def _guidance(criterion: Criterion, share: str) -> str:
    parts = [f'<p class="sy-question">{html.escape(criterion.question)}</p>', text_html(criterion.guidance)]
    if share:
        parts.insert(0, f"<p>Weight: {share}</p>")
    if criterion.anchors:
        items = "".join(
            f"<li><b>{point}</b> {html.escape(text)}</li>" for point, text in sorted(criterion.anchors.items())
        )
        parts.append(f'<ul class="sy-anchors">{items}</ul>')
    for example in criterion.examples:
        parts.append(
            f'<div class="sy-example"><p><b>Example.</b> {html.escape(example.prompt)}</p>'
            f"<p><i>First:</i> {html.escape(example.a)}</p><p><i>Second:</i> {html.escape(example.b)}</p>"
            f"<p>{html.escape(_PREFERS.get(example.prefer, example.prefer))}. {html.escape(example.why)}</p></div>"
        )
    return f'<div class="sy-guide">{"".join(parts)}</div>'


_PREFERS = {
    "a": "The first is better",
    "b": "The second is better",
    "tie": "They are equal",
    "not_applicable": "The criterion does not apply",
    "cannot_judge": "It cannot be judged",
}
