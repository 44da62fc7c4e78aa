"""The panel beside the responses: every question of the rubric, tensions, the justification, and how sure one is."""

from __future__ import annotations

import html

import streamlit as st

from app.services.desk import Desk
from app.ui.components.rating.answer_widgets import AnswerWidget, Question, ScaleWidget, ScoresWidget, letter
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.marks import show_marks
from app.ui.components.rating.tension import show_tensions
from app.ui.components.rating.typed import keep_typing
from app.ui.components.text import text_html
from app.ui.words import say
from rubrics.answers import TIE, Answer
from rubrics.justification import Problem
from rubrics.model import OVERALL, Criterion, Rubric

CONFIDENCE = (1, 2, 3, 4, 5)


def open_rubric(desk: Desk) -> None:
    """The rubric over the page."""
    st.dialog(say("rubric"), width="large")(show_rubric)(desk.rubric)


def show_panel(form: Form) -> None:
    """All widgets of one assignment; every change calls the form."""
    if len(form.slots) == 2:
        st.html(legend())
    for widget, question in form.questions:
        show_question(form, widget, question)
    for show in (show_tensions, show_marks):
        with st.container(gap="small"):  # each in one place, so that what comes and goes moves nothing below it
            show(form)
    st.text_area(
        say("justification"),
        key=form.key("why"),
        on_change=form.changed,
        placeholder=say("justification-hint"),
        height=96,
    )
    keep_typing(form)
    st.segmented_control(
        say("confidence"),
        CONFIDENCE,
        key=form.key("confidence"),
        format_func=lambda level: say(f"confidence-{level}"),
        on_change=form.changed,
        width="stretch",
        wrap=False,
    )


def problem_lines(form: Form, problems: list[Problem]) -> list[str]:
    """What is missing, in the words of the screen: open questions in one line, the rest one by one."""
    rubric = form.desk.rubric
    names = {**{criterion.key: criterion.name for criterion in rubric.criteria}, OVERALL: say("overall")}
    unanswered = [names[p.field] for p in problems if p.message == "has no answer" and p.field in names]
    lines = [say("unanswered", names=", ".join(unanswered))] if unanswered else []
    for problem in problems:
        if problem.message == "has no answer":
            continue
        if problem.rule:
            lines.append(_rule_line(problem))
            continue
        name = names.get(problem.field, problem.field.capitalize())
        message, remedy = problem.message.replace("cannot_judge", "?"), problem.remedy.replace("cannot_judge", "?")
        if "leave out" in message:
            lines.append(say("every-response", name=name))
            continue
        lines.append(f"{name} {message}: {remedy}.")
    return lines


def _rule_line(problem: Problem) -> str:
    """What a rule for justifications says."""
    key = f"rule-{problem.rule}"
    if problem.rule == "quotes_must_exist" and problem.values["letter"] is None:
        key = "rule-quotes-nowhere"
    values = {name: _listed(value) for name, value in problem.values.items()}
    if problem.rule == "must_match_choice":
        values["chosen"] = values["chosen"] or say("neither")
    return say(key, **values)


def _listed(value: object) -> object:
    return f" {say('and')} ".join(map(str, value)) if isinstance(value, list) else value


def show_rubric(rubric: Rubric) -> None:
    """The whole rubric as a text to read: instructions, criteria, rules."""
    st.html(text_html(rubric.instructions))
    for criterion in rubric.criteria:
        st.html(f"<h4>{html.escape(criterion.name)}</h4>{_guidance(criterion, _share(rubric, criterion))}")
    for rule in rubric.tensions:
        names = [rubric.criterion(key).name for key in rule.between]
        prevails = "" if rule.prevailing is None else rubric.criterion(rule.prevailing).name
        decides = say("prevails", name=prevails) if prevails else say("context-decides")
        title = html.escape(say("against", first=names[0], second=names[1], rule=decides))
        st.html(f"<h4>{title}</h4>{text_html(rule.guidance)}")


def legend() -> str:
    """What the two ends of a scale mean."""
    better = html.escape(say("is-better"))
    return (
        f'<p class="sy-legend"><span><span class="sy-letter sy-A">A</span> {better}</span><span>=</span>'
        f'<span><span class="sy-letter sy-B">B</span> {better}</span></p>'
    )


def show_question(form: Form, widget: AnswerWidget, question: Question) -> None:
    """One question: its name, what the chosen point means, and the widget."""
    rubric = form.desk.rubric
    with st.container(key=form.key(f"critrow-{question.key}"), gap=None):
        if question.key == OVERALL:
            st.html(f'<div class="sy-crit sy-overall">{html.escape(question.label)}</div>')
            anchors: dict[int, str] = {}
        else:
            criterion = rubric.criterion(question.key)
            anchors = criterion.anchors
            st.html(_header(criterion, _share(rubric, criterion)))
        reads = html.escape(_reading(form, widget, question, anchors))
        st.html(f'<div class="sy-reads" title="{reads}">{reads}</div>')
        widget.render(question, form.key(question.key), form.changed)


def _reading(form: Form, widget: AnswerWidget, question: Question, anchors: dict[int, str]) -> str:
    """What the chosen point means, in words; of scores, which end is the good one."""
    answer = widget.read(question, form.key(question.key))
    if isinstance(widget, ScoresWidget) and (answer is None or answer.scores):
        return say("score-ends", low=question.lowest, high=question.bound)
    if answer is None:
        return ""
    if answer.preferred in question.slots and isinstance(widget, ScaleWidget):
        strength = int(answer.strength or 0)
        meaning = anchors.get(strength) or (say(_STRENGTHS[strength]) if question.bound == 3 else "")
        name = letter(answer.preferred)
        return f"{name}: {meaning}" if meaning else say("better", letter=name)
    if answer.ranking is not None:
        return answer_in_words(answer)
    if answer.preferred is not None:
        reserved = _RESERVED.get(answer.preferred)
        return say(reserved) if reserved else anchors.get(0, say("equal"))
    return ""


def answer_in_words(answer: Answer) -> str:
    """An overall answer, in the letters of the screen it was given on."""
    if answer.ranking is not None:
        return " > ".join(" = ".join(letter(slot) for slot in group) for group in answer.ranking)
    if answer.preferred in _RESERVED or answer.preferred == TIE:
        return say(_RESERVED.get(str(answer.preferred), "equal"))
    name = letter(str(answer.preferred))
    if answer.strength is None:
        return say("better", letter=name)
    return say("better-by", letter=name, strength=f"{answer.strength:g}")


_STRENGTHS = {1: "slightly", 2: "clearly", 3: "strongly"}
_RESERVED = {
    "not_applicable": "not-applicable-read",
    "cannot_judge": "cannot-judge",
    "both_bad": "both-bad-read",
}


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
        parts.insert(0, f"<p>{say('weight', share=share)}</p>")
    if criterion.anchors:
        items = "".join(
            f"<li><b>{point}</b> {html.escape(text)}</li>" for point, text in sorted(criterion.anchors.items())
        )
        parts.append(f'<ul class="sy-anchors">{items}</ul>')
    for example in criterion.examples:
        parts.append(
            f'<div class="sy-example"><p><b>{say("example")}</b> {html.escape(example.prompt)}</p>'
            f"<p><i>{say('example-first')}</i> {html.escape(example.a)}</p>"
            f"<p><i>{say('example-second')}</i> {html.escape(example.b)}</p>"
            f"<p>{say(f'prefer-{example.prefer}')}. {html.escape(example.why)}</p></div>"
        )
    return f'<div class="sy-guide">{"".join(parts)}</div>'
