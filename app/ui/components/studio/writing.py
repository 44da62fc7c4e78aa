"""The draft on the page: the text as this tab has read it, every change saved at once, and what to do when two write.

The draft lives on the server. A tab remembers what it showed; a save over another revision is refused by the server,
and what was typed is kept here until the person says what to do with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import streamlit as st

from app.errors import DraftMoved, SteelyardError
from app.services import rubric_drafts
from app.services.rubric_drafts import Draft
from app.ui.session import get_person, get_store
from rubrics.advice import Advice, advise
from rubrics.document import move, put, take_out
from rubrics.errors import Location, RubricError, RubricProblem
from rubrics.loader import parse_rubric, read_values
from rubrics.model import Rubric

PROBLEM = "studio-problem"
CHOSEN = "draft"


@dataclass(frozen=True)
class Writing:
    """A draft as this tab shows it.

    Attributes:
        draft: what the server has.
        fields: widget key -> the field, as they are shown in this run.
    """

    draft: Draft
    fields: dict[str, Field] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The document."""
        return self.draft.text

    @cached_property
    def values(self) -> dict[str, Any] | None:
        """Its plain values; None while it is no readable YAML."""
        try:
            return read_values(self.text)
        except RubricError:
            return None

    @cached_property
    def _read(self) -> Rubric | RubricError:
        try:
            return parse_rubric(self.text)
        except RubricError as error:
            return error

    @property
    def rubric(self) -> Rubric | None:
        """The rubric, while the text is a valid one."""
        return self._read if isinstance(self._read, Rubric) else None

    @property
    def problems(self) -> tuple[RubricProblem, ...]:
        """What keeps the text from being a rubric, each with its line."""
        return self._read.problems if isinstance(self._read, RubricError) else ()

    @cached_property
    def advice(self) -> list[Advice]:
        """What raters will trip over; nothing while the text is no rubric."""
        return advise(self.rubric, self.text) if self.rubric is not None else []

    def value(self, location: Location) -> Any:
        """The value at a place of the document; None where there is none."""
        return None if self.values is None else find_value(self.values, location)

    def show(self, key: str, value: Any, write: Callable[[str, Any], str]) -> None:
        """Let a widget show a value of the document; one that shows it is left alone, so that typing goes on."""
        if key not in st.session_state or st.session_state[key] != value:
            st.session_state[key] = value
        self.fields[key] = Field(value, write)
        st.session_state.setdefault(self.key("fields"), {})[key] = self.fields[key]

    def remember(self) -> None:
        """Forget the fields that this run, now at its end, did not show."""
        st.session_state[self.key("fields")] = self.fields

    def key(self, name: str) -> str:
        """The key of a widget."""
        return f"studio-{self.draft.id}-{name}"

    def problem_at(self, location: Location) -> str:
        """What is wrong with one field; empty where nothing is."""
        wanted = tuple(map(str, location))
        return "; ".join(f"{p.reason}: {p.remedy}" for p in self.problems if tuple(map(str, p.location)) == wanted)

    # --- changes: what buttons call ----------------------------------------------------------------------------------

    def put(self, location: Location, value: Any) -> None:
        """Put a value at a place."""
        self.edit(lambda text: put(text, location, value))

    def take_out(self, location: Location) -> None:
        """Take a value out."""
        self.edit(lambda text: take_out(text, location))

    def move(self, location: Location, by: int) -> None:
        """Move an entry of a list."""
        self.edit(lambda text: move(text, location, by=by))

    def edit(self, change: Callable[[str], str]) -> None:
        """Change the text by one of the functions of `rubrics.document`, after what stands in the fields."""
        now = open_writing(self.draft.id)
        if now.mine is not None:
            return
        st.session_state[now.key("fields")] = {}
        try:
            now.save(change(now.text))
        except RubricError as error:
            st.session_state[PROBLEM] = str(error)

    def save(self, text: str) -> None:
        """Save another text; where somebody else saved meanwhile, keep it in this tab and say so.

        What is tried is noted first: Streamlit may end a run between the save and the note that it was made.
        """
        st.session_state[self.key("tried")] = text
        try:
            saved = rubric_drafts.save_draft(
                get_store(), get_person(), self.draft.id, text, revision=self.draft.revision
            )
        except DraftMoved:
            st.session_state[self.key("mine")] = text
        except SteelyardError as error:
            st.session_state[PROBLEM] = str(error)
        else:
            self._see(saved)

    def _see(self, draft: Draft) -> None:
        st.session_state[self.key("seen")] = draft

    @property
    def has_news(self) -> bool:
        """Whether somebody else saved what the person has not been shown yet."""
        return self.key("news") in st.session_state

    @property
    def base(self) -> str | None:
        """The text that this tab last saw on the server, on which both went on; None where it saw none."""
        seen: Draft | None = st.session_state.get(self.key("seen"))
        return None if seen is None else seen.text

    @property
    def mine(self) -> str | None:
        """What could not be saved, because somebody else had saved; None where there is nothing of that."""
        return st.session_state.get(self.key("mine"))


@dataclass(frozen=True)
class Field:
    """A field of the form as it was shown.

    Attributes:
        shown: what it showed.
        write: a text and what the field says now -> the text that says so.
    """

    shown: Any
    write: Callable[[str, Any], str]


def find_value(values: Any, location: Location) -> Any:
    """The plain value at a place; None where there is none."""
    for step in location:
        try:
            values = values[step] if not isinstance(values, dict) or step in values else values[int(step)]
        except (LookupError, TypeError, ValueError):
            return None
    return values


def open_writing(draft_id: int) -> Writing:
    """The draft with everything that stands in this tab's fields: what the person changed is saved first.

    Changes are found by comparing the fields with what they showed, not by callbacks: leaving a field and pressing a
    button are one movement of the hand, and Streamlit may end the run of the first for that of the second.
    """
    now = Writing(rubric_drafts.read_draft(get_store(), get_person(), draft_id))
    if now.mine is not None or now.draft.closed_at is not None:
        return now
    seen: Draft = st.session_state.get(now.key("seen"), now.draft)
    changed = _with_fields(now, seen.text)
    is_ours = seen.revision == now.draft.revision or now.text in (st.session_state.get(now.key("tried")), seen.text)
    if changed == seen.text or changed == now.text:
        if not is_ours:
            st.session_state[now.key("news")] = now.draft.saved_by
        now._see(now.draft)
        return now
    Writing(now.draft if is_ours else seen).save(_with_fields(now, now.text) if is_ours else changed)
    return Writing(rubric_drafts.read_draft(get_store(), get_person(), draft_id))


def _with_fields(writing: Writing, text: str) -> str:
    """A text with what the person changed in the fields; a field that cannot be written shows its old value again."""
    fields: dict[str, Field] = st.session_state.get(writing.key("fields"), {})
    for key, one in list(fields.items()):
        if key in st.session_state and st.session_state[key] != one.shown:
            try:
                text = one.write(text, st.session_state[key])
            except RubricError as error:
                st.session_state[PROBLEM] = str(error)
                del st.session_state[key], fields[key]
    return text


def open_draft(draft: Draft | None) -> None:
    """Go to a draft, or back to the list."""
    if draft is None:
        st.query_params.pop(CHOSEN, None)
    else:
        st.query_params[CHOSEN] = str(draft.id)


def go_to_draft(draft: Draft, *, part: str = "") -> None:
    """Leave this page for a draft in the Studio.

    Args:
        draft: the draft.
        part: of the form that opens; that which was open last by default.
    """
    if part:
        st.session_state[f"studio-{draft.id}-part-kept"] = part
        st.session_state["studio-way-kept"] = "Form"
    st.switch_page(st.session_state["pages"]["studio"], query_params={CHOSEN: str(draft.id)})


def choose_part(label: str, options: Sequence[str], *, key: str, default: str) -> str:
    """A row of buttons whose choice holds while it is not on the page, and while runs are ended by the next."""
    kept = f"{key}-kept"
    if st.session_state.get(key) not in options:
        st.session_state[key] = st.session_state.get(kept, default)
    chosen = st.segmented_control(label, options, key=key, required=True, label_visibility="collapsed", wrap=True)
    st.session_state[kept] = chosen
    return chosen
