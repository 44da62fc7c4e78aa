"""The state of the rating form: hydrated from the server's draft on every run, read back as a submission.

Nothing of a rating lives only in the browser's session: every change is written to the draft of the assignment, and a
reload, a restart or another tab starts from there. Widget keys carry the assignment's id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import streamlit as st

from app.domain import DeclaredTension, ErrorSpan
from app.services.desk import Desk, answer_to_slots, call_responses, name_responses
from app.services.judging import Submission
from app.services.showing import answer_from_slots
from app.ui.components.rating.answer_widgets import AnswerWidget, Question, criterion_question, overall_question
from app.ui.words import say
from rubrics.answers import Answer
from rubrics.model import OVERALL
from rubrics.tensions import SeenTension, seen_tensions

HERE = "here"
"""Says that this session has shown the assignment before."""

NEITHER = "neither"

OWN, MARKS = "own-tensions", "marks"
"""Where a form keeps the tensions that the rater declares, and the passages that the rater marked."""


@dataclass(frozen=True)
class Mark:
    """A passage that was marked: the place of the response on the screen, and characters of its text.

    Attributes:
        number: tells marks of the same passage apart.
    """

    slot: int
    start: int
    end: int
    number: int = 0

    @property
    def name(self) -> str:
        """The name of the widget that ties it to a criterion."""
        return f"mark-{self.slot}-{self.start}-{self.end}-{self.number}"


@dataclass(frozen=True)
class Form:
    """One assignment on the screen.

    Attributes:
        desk: what is judged, and by which rubric.
        prefix: keeps the keys of rating and revising apart.
        on_change: called with this form after every change.
        draft: what the server has of it.
    """

    desk: Desk
    prefix: str
    on_change: Callable[[Form], None]
    draft: Mapping[str, Any]

    def key(self, name: str) -> str:
        """The key of a widget."""
        return f"{self.prefix}-{self.desk.assignment.id}-{name}"

    def changed(self) -> None:
        """What every widget calls."""
        form = self.anew()
        form.on_change(form)

    def anew(self) -> Form:
        """The same form, read afresh: what a callback works with, because its form was made in the run before."""
        return replace(self)

    @property
    def slots(self) -> tuple[str, ...]:
        """The responses by their place on the screen."""
        return tuple(str(place) for place in range(1, len(self.desk.assignment.shown) + 1))

    @cached_property
    def questions(self) -> list[tuple[AnswerWidget, Question]]:
        """What is asked, in the order of the screen."""
        rubric = self.desk.rubric
        asked = [criterion_question(rubric.criterion(key), self.slots) for key in self.desk.assignment.criteria_shown]
        if not self.desk.assignment.asks_overall:
            return asked
        overall = overall_question(rubric, self.slots)
        return [overall, *asked] if self.desk.assignment.overall_first else [*asked, overall]

    @cached_property
    def answers(self) -> dict[str, Answer]:
        """What was answered so far, in completion ids; some answers may be incomplete."""
        answers = {}
        for widget, question in self.questions:
            answer = widget.read(question, self.key(question.key))
            if answer is not None:
                answers[question.key] = answer_from_slots(answer, self.desk.assignment.shown)
        return answers

    @cached_property
    def complete_answers(self) -> dict[str, Answer]:
        """The answers to criteria that cover every response, in completion ids."""
        given = self.answers
        return {key: answer for key, answer in given.items() if key != OVERALL and _covers(answer, self)}

    @cached_property
    def tensions(self) -> list[SeenTension]:
        """The tensions in the answers so far; none where only some criteria are asked: a part makes no tension."""
        if not self.desk.asks_everything:
            return []
        return seen_tensions(self.desk.rubric, self.complete_answers, self.desk.assignment.shown)

    def value(self, name: str) -> Any:
        """The state of a widget."""
        return st.session_state.get(self.key(name))


def hydrate(form: Form) -> None:
    """Show the draft; what the person changed in this session stays as it is."""
    shown, draft = form.desk.assignment.shown, form.draft
    answers = draft.get("answers", {})
    for widget, question in form.questions:
        if question.key in answers:
            answer = answer_to_slots(Answer.from_dict(answers[question.key], field=question.key), shown)
            for key, value in widget.fill(question, form.key(question.key), answer):
                st.session_state.setdefault(key, value)
    if draft.get("justification"):  # a tab that outlived the server's session may bring a text of its own
        st.session_state.setdefault(form.key("why"), called(form, draft["justification"]))
    if draft.get("confidence"):
        st.session_state.setdefault(form.key("confidence"), draft["confidence"])
    _hydrate_tensions(form, draft.get("tensions", ()))
    _hydrate_marks(form, draft.get("error_spans", ()))
    st.session_state.setdefault(form.key(HERE), True)


def _hydrate_tensions(form: Form, tensions: Sequence[Mapping[str, Any]]) -> None:
    """Every declared tension; `tension.show_own` leaves those to the numbers that the numbers show.

    One that the numbers show is in a draft only once it was settled, if only by "neither".
    """
    seen = [tension.between for tension in form.anew().tensions] if tensions else []
    for tension in tensions:
        name = tension_name(tension["between"])
        if tension["prevailed"] is not None or tension["why"] or tuple(sorted(tension["between"])) in seen:
            st.session_state.setdefault(form.key(name), tension["prevailed"] or NEITHER)
        st.session_state.setdefault(form.key(f"{name}-why"), called(form, tension["why"]))
    pairs = [(min(tension["between"]), max(tension["between"])) for tension in tensions]
    st.session_state.setdefault(form.key(OWN), pairs)


def _hydrate_marks(form: Form, spans: Sequence[Mapping[str, Any]]) -> None:
    shown = form.desk.assignment.shown
    known: list[Mark] = []
    for span in spans:
        mark = Mark(shown.index(span["completion"]) + 1, span["start"], span["end"], len(known))
        known.append(mark)
        st.session_state.setdefault(form.key(mark.name), span["criterion"])
        st.session_state.setdefault(form.key(f"{mark.name}-note"), called(form, span["note"]))
    st.session_state.setdefault(form.key(MARKS), known)


def called(form: Form, text: str) -> str:
    """Stored words as this screen calls the responses."""
    word = say("response", letter="").strip()
    return call_responses(text, form.desk.assignment.shown, word=word)


def written(form: Form, name: str) -> str:
    """What was typed into a field, as it is stored."""
    return name_responses(form.value(name) or "", form.desk.assignment.shown).strip()


def read(form: Form) -> Submission:
    """What would be handed in now: of tensions those in the answers that were settled, and those that were declared."""
    seen = [tension.between for tension in form.tensions]
    declared = [_declared(form, between) for between in seen if form.value(tension_name(between)) is not None]
    own = [_declared(form, between) for between in form.value(OWN) or () if tuple(between) not in seen]
    return Submission(
        answers=form.answers,
        justification=written(form, "why"),
        tensions=(*declared, *own),
        error_spans=tuple(_span(form, mark) for mark in form.value(MARKS) or ()),
        confidence=form.value("confidence"),
    )


def draft_of(submission: Submission) -> dict[str, Any]:
    """A submission in the shape of a draft."""
    return {
        "answers": {key: answer.to_dict() for key, answer in submission.answers.items()},
        "justification": submission.justification,
        "confidence": submission.confidence,
        "tensions": [{"between": list(t.between), "prevailed": t.prevailed, "why": t.why} for t in submission.tensions],
        "error_spans": [asdict(span) for span in submission.error_spans],
    }


def is_saved(form: Form) -> bool:
    """Whether the draft on the server says what the form says; time apart."""
    said = draft_of(read(form))
    parts = ("answers", "justification", "confidence", "error_spans")
    return all(said[key] == form.draft.get(key, None if said[key] is None else type(said[key])()) for key in parts)


def tension_name(between: tuple[str, str] | list[str]) -> str:
    """The name of the widget in which a tension is declared."""
    return f"tension-{min(between)}-{max(between)}"


def _covers(answer: Answer, form: Form) -> bool:
    shown = set(form.desk.assignment.shown)
    if answer.scores is not None or answer.checks is not None:
        return set(answer.scores or answer.checks or {}) == shown
    if answer.ranking is not None:
        return {key for group in answer.ranking for key in group} == shown
    return True


def _declared(form: Form, between: tuple[str, str]) -> DeclaredTension:
    name = tension_name(between)
    chosen = form.value(name)
    return DeclaredTension(
        (between[0], between[1]), None if chosen == NEITHER else chosen, written(form, f"{name}-why")
    )


def _span(form: Form, mark: Mark) -> ErrorSpan:
    completion = form.desk.assignment.shown[mark.slot - 1]
    criterion = form.value(mark.name) or form.desk.assignment.criteria_shown[0]
    return ErrorSpan(completion, criterion, mark.start, mark.end, written(form, f"{mark.name}-note"))
