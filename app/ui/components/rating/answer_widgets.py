"""How each kind of criterion is asked: one class per kind, one line in `ANSWER_WIDGETS`.

Widgets know slots (the first response on the screen is "1", called A), never completion ids. A widget's state lives
under `key`; `fill` writes an answer into it, `read` takes it out again, whole or partial.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.services.desk import LETTERS
from app.ui.components.rating.board import show_board
from app.ui.words import say
from rubrics.answers import BOTH_BAD, CANNOT_JUDGE, NOT_APPLICABLE, TIE, Answer
from rubrics.model import OVERALL, Criterion, Rubric

MOST_BUTTONS = 11
"""A longer scale is a list to choose from instead of a row of buttons."""

OUTSIDE = {NOT_APPLICABLE: "not-applicable", BOTH_BAD: "both-bad"}
"""Answers beside the scale, and the words on their buttons; who cannot judge finds a question mark."""


@dataclass(frozen=True)
class Question:
    """What one widget asks, apart from how.

    Attributes:
        key: a criterion's key, or `overall`.
        label: its name, for the screen and for screen readers.
        slots: "1", "2" ... in the order on the screen.
        bound: the largest strength of a scale, or the highest rating of scores.
        lowest: the lowest rating of scores.
        allows_tie: whether the middle of a scale, or a tie in a ranking, may be chosen.
        outside: the answers beside the scale that are allowed.
    """

    key: str
    label: str
    slots: tuple[str, ...]
    bound: int = 1
    lowest: int = 0
    allows_tie: bool = True
    outside: tuple[str, ...] = (CANNOT_JUDGE,)


def letter(slot: str) -> str:
    """The name of a response on the screen."""
    return LETTERS[int(slot) - 1]


class AnswerWidget(ABC):
    """One kind of question."""

    @abstractmethod
    def render(self, question: Question, key: str, on_change: Callable[[], None]) -> None:
        """Draw the widgets; their state is filled already."""

    @abstractmethod
    def read(self, question: Question, key: str) -> Answer | None:
        """The answer so far, in slots; None where nothing was chosen. Scores and ranks may be incomplete."""

    @abstractmethod
    def fill(self, question: Question, key: str, answer: Answer) -> Iterator[tuple[str, Any]]:
        """The widget states that show an answer."""


class ScaleWidget(AnswerWidget):
    """From A to B in one row of buttons: `A3 A2 A1 = B1 B2 B3`, then what is beside the scale."""

    def render(self, question: Question, key: str, on_change: Callable[[], None]) -> None:
        """One row of buttons, or a list where the scale is long."""
        options = self.options(question)
        if len(options) > MOST_BUTTONS:
            _select(question.label, options, key, on_change, self.name)
            return
        tied = "t" if question.allows_tie else "n"
        with st.container(key=f"scale-{question.bound}{tied}-{key}"):
            _buttons(question.label, options, key, on_change, self.name)

    def options(self, question: Question) -> list[str]:
        """Values in the order of the screen: `slot:strength`, `tie`, and what is beside the scale."""
        first, second = question.slots
        left = [f"{first}:{strength}" for strength in range(question.bound, 0, -1)]
        right = [f"{second}:{strength}" for strength in range(1, question.bound + 1)]
        return [*left, *([TIE] if question.allows_tie else []), *right, *question.outside]

    @staticmethod
    def name(option: str) -> str:
        """What is written on a button."""
        slot, _, strength = option.partition(":")
        if strength:
            return f"{letter(slot)}{strength}"
        if option == CANNOT_JUDGE:
            return "?"
        return say(OUTSIDE[option]) if option in OUTSIDE else "="

    def read(self, question: Question, key: str) -> Answer | None:
        """A preference with its strength, or a reserved answer."""
        value = st.session_state.get(key)
        if value is None:
            return None
        slot, _, strength = value.partition(":")
        return Answer(preferred=slot, strength=int(strength)) if strength else Answer(preferred=value)

    def fill(self, question: Question, key: str, answer: Answer) -> Iterator[tuple[str, Any]]:
        """One value."""
        if answer.preferred in question.slots:
            yield key, f"{answer.preferred}:{int(answer.strength or 1)}"
        elif answer.preferred is not None:
            yield key, answer.preferred


class PerResponseWidget(AnswerWidget):
    """One small row of buttons for each response, and what is beside the scale below."""

    def render(self, question: Question, key: str, on_change: Callable[[], None]) -> None:
        """The rows."""
        outside = f"{key}-outside"
        for slot in question.slots:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"slot-{slot}-{key}"):
                st.html(f'<span class="sy-letter sy-{letter(slot)}">{letter(slot)}</span>', width="content")
                label = say("of-response", label=question.label, letter=letter(slot))
                options = self.options(question)
                draw = _select if len(options) > MOST_BUTTONS else _buttons
                draw(label, options, f"{key}-{slot}", _clearing([outside], on_change), self.name)
        st.pills(
            say("instead", label=question.label),
            list(question.outside),
            key=outside,
            format_func=lambda one: say("not-applicable-read" if one == NOT_APPLICABLE else "cannot-judge"),
            on_change=_clearing([f"{key}-{slot}" for slot in question.slots], on_change),
            label_visibility="collapsed",
        )

    @abstractmethod
    def options(self, question: Question) -> list[Any]:
        """What can be said of one response."""

    @abstractmethod
    def name(self, option: Any) -> str:
        """What is written on a button."""

    @abstractmethod
    def answer(self, values: dict[str, Any]) -> Answer:
        """The answer that values per slot make."""

    @abstractmethod
    def values(self, answer: Answer) -> dict[str, Any]:
        """The values per slot of an answer."""

    def read(self, question: Question, key: str) -> Answer | None:
        """What is beside the scale wins; else the slots that have a value."""
        outside = st.session_state.get(f"{key}-outside")
        if outside is not None:
            return Answer(preferred=outside)
        values = {slot: st.session_state.get(f"{key}-{slot}") for slot in question.slots}
        given = {slot: value for slot, value in values.items() if value is not None}
        return self.answer(given) if given else None

    def fill(self, question: Question, key: str, answer: Answer) -> Iterator[tuple[str, Any]]:
        """One value per slot, or the one beside the scale."""
        if answer.preferred is not None:
            yield f"{key}-outside", answer.preferred
            return
        for slot, value in self.values(answer).items():
            yield f"{key}-{slot}", value


class ScoresWidget(PerResponseWidget):
    """A rating for each response."""

    def options(self, question: Question) -> list[int]:
        """Every whole rating."""
        return list(range(question.lowest, question.bound + 1))

    def name(self, option: int) -> str:
        """The number."""
        return str(option)

    def answer(self, values: dict[str, Any]) -> Answer:
        """Scores."""
        return Answer(scores=values)

    def values(self, answer: Answer) -> dict[str, Any]:
        """Whole numbers."""
        return {slot: int(score) for slot, score in (answer.scores or {}).items()}


class CheckWidget(PerResponseWidget):
    """Yes or no for each response."""

    def options(self, question: Question) -> list[str]:
        """Yes first."""
        return ["yes", "no"]

    def name(self, option: str) -> str:
        """The word."""
        return say(option)

    def answer(self, values: dict[str, Any]) -> Answer:
        """Checks."""
        return Answer(checks={slot: value == "yes" for slot, value in values.items()})

    def values(self, answer: Answer) -> dict[str, Any]:
        """Words."""
        return {slot: "yes" if yes else "no" for slot, yes in (answer.checks or {}).items()}


class RankingWidget(PerResponseWidget):
    """A place for each response, 1 for the best; the same place means a tie, gaps do not matter."""

    def render(self, question: Question, key: str, on_change: Callable[[], None]) -> None:
        """The board to drag on, then the rows."""

        def put(groups: list[list[str]]) -> None:
            places = self.values(Answer(ranking=tuple(map(tuple, groups))))
            for slot in question.slots:
                st.session_state[f"{key}-{slot}"] = places.get(slot)
            st.session_state[f"{key}-outside"] = None
            on_change()

        answer = self.read(question, key)
        groups = (answer.ranking if answer is not None else None) or ()
        show_board(question.slots, groups, f"{key}-board", put, allows_tie=question.allows_tie)
        super().render(question, key, on_change)

    def options(self, question: Question) -> list[int]:
        """As many places as responses."""
        return list(range(1, len(question.slots) + 1))

    def name(self, option: int) -> str:
        """The place."""
        return f"{option}."

    def answer(self, values: dict[str, Any]) -> Answer:
        """Groups of equal places, best first."""
        places = sorted(set(values.values()))
        return Answer(ranking=tuple(tuple(s for s, value in values.items() if value == place) for place in places))

    def values(self, answer: Answer) -> dict[str, Any]:
        """Places as in a race: two firsts are followed by a third."""
        values: dict[str, Any] = {}
        for group in answer.ranking or ():
            values |= dict.fromkeys(group, len(values) + 1)
        return values


ANSWER_WIDGETS: dict[str, AnswerWidget] = {
    "preference_scale": ScaleWidget(),
    "scores": ScoresWidget(),
    "check": CheckWidget(),
    "ranking": RankingWidget(),
}
"""The widget of every kind of criterion, by the word that stands in the rubric."""


def criterion_question(criterion: Criterion, slots: Sequence[str]) -> tuple[AnswerWidget, Question]:
    """What asks a criterion."""
    outside = (NOT_APPLICABLE, CANNOT_JUDGE) if criterion.allow_not_applicable else (CANNOT_JUDGE,)
    bound = criterion.maximum if criterion.type == "scores" else criterion.strength_bound
    question = Question(
        key=criterion.key,
        label=criterion.name,
        slots=tuple(slots),
        bound=int(bound or 1),
        lowest=int(criterion.minimum or 0),
        allows_tie=criterion.type != "preference_scale" or (criterion.points or 7) % 2 == 1,
        outside=outside,
    )
    return ANSWER_WIDGETS[criterion.type], question


def overall_question(rubric: Rubric, slots: Sequence[str]) -> tuple[AnswerWidget, Question]:
    """What asks for the overall answer: a scale for two responses, a ranking for more."""
    rule = rubric.overall
    is_pair = len(slots) == 2
    question = Question(
        key=OVERALL,
        label=say("overall"),
        slots=tuple(slots),
        bound=int(rule.strength_bound),
        allows_tie=rule.allow_tie,
        outside=(BOTH_BAD, CANNOT_JUDGE) if is_pair and rule.allow_both_bad else (CANNOT_JUDGE,),
    )
    return ANSWER_WIDGETS["preference_scale" if is_pair else "ranking"], question


def _clearing(others: Sequence[str], on_change: Callable[[], None]) -> Callable[[], None]:
    """A callback that first takes back what one answer rules out."""

    def changed() -> None:
        for key in others:
            st.session_state[key] = None
        on_change()

    return changed


def _buttons(
    label: str, options: Sequence[Any], key: str, on_change: Callable[[], None], name: Callable[[Any], str]
) -> None:
    st.segmented_control(
        label,
        options,
        key=key,
        format_func=name,
        required=True,
        on_change=on_change,
        label_visibility="collapsed",
        width="stretch",
        wrap=False,
    )


def _select(
    label: str, options: Sequence[Any], key: str, on_change: Callable[[], None], name: Callable[[Any], str]
) -> None:
    st.selectbox(
        label,
        options,
        index=None,
        key=key,
        format_func=name,
        on_change=on_change,
        label_visibility="collapsed",
        placeholder=say("choose"),
    )
