"""What a rater may see of an assignment: slots in the order shown; no purpose, no model names, no other vote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from app.domain import Assignment, Message
from app.errors import NotFound
from app.store import tables
from app.store.queries import messages_of
from rubrics.answers import RESERVED_PREFERENCES, Answer

ERASED = "[This text was withdrawn.]"

SOURCE_DOCUMENT, CONSTRAINTS = "source_document", "constraints"
"""The keys of a comparison's meta that raters see: what the prompt builds on, and what a response must keep to."""


@dataclass(frozen=True)
class Material:
    """What stands beside a prompt.

    Attributes:
        constraints: what a response must keep to.
        documents: title (maybe empty) and text of each source.
    """

    constraints: tuple[str, ...] = ()
    documents: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.constraints or self.documents)


def material_of(meta: Mapping[str, Any]) -> Material:
    """What raters see of a comparison's meta; no other key of it is shown.

    `source_document` is a text, an object {title, text}, or a list of these; `constraints` is a text or a list of
    texts. Blank texts, and values of another form, are no material.
    """
    given = meta.get(SOURCE_DOCUMENT)
    listed = given if isinstance(given, list) else [given]
    documents = tuple(
        (str(one.get("title") or ""), str(one.get("text") or "")) if isinstance(one, Mapping) else ("", one)
        for one in listed
        if isinstance(one, Mapping | str)
    )
    limits = meta.get(CONSTRAINTS)
    texts = limits if isinstance(limits, list) else [limits]
    return Material(
        tuple(one for one in texts if isinstance(one, str) and one.strip()),
        tuple(one for one in documents if one[1].strip()),
    )


def prompt_from_text(body: str | None) -> tuple[Message, ...]:
    """A stored prompt (JSON text of its turns) as messages; a tombstone as one message that says so."""
    if body is None:
        return (Message("system", ERASED),)
    return messages_of(body)


@dataclass(frozen=True)
class WholeView:
    """An assignment as its rater may see it, and what decides how it is asked and shown."""

    assignment: Assignment
    meta: Mapping[str, Any]
    renders_math: bool


def assignment_view(connection: Connection, assignment_id: int) -> Assignment:
    """An assignment with its texts, as its rater may see it.

    Raises:
        NotFound: no such assignment.
    """
    return whole_view(connection, assignment_id).assignment


def whole_view(connection: Connection, assignment_id: int) -> WholeView:
    """`assignment_view` with the comparison's meta and the campaign's settings; raises the same."""
    row = connection.execute(_view_query(), {"assignment_id": assignment_id}).first()
    if row is None:
        raise NotFound(f"There is no assignment {assignment_id}.")
    found = connection.execute(_texts_query(), {"comparison_id": row.comparison_id})
    texts = {one.slot: one.body for one in found}
    assignment = Assignment(
        id=row.id,
        campaign=row.campaign,
        round_id=row.round_id,
        rubric_version=row.rubric_version,
        comparison_id=row.external_id,
        prompt=prompt_from_text(row.prompt),
        responses=tuple(ERASED if texts[slot] is None else texts[slot] for slot in row.shown),
        shown=tuple(row.shown),
        criteria_shown=tuple(row.criteria_shown),
        asks_overall=row.asks_overall,
        lease_expires_at=row.lease_expires_at,
        draft=row.draft,
        overall_first=bool(row.overall_first),
    )
    return WholeView(assignment, row.meta or {}, row.renders_math)


@cache
def _texts_query() -> Select[Any]:
    """The texts of `:comparison_id`."""
    completion = tables.completion
    return (
        select(completion.c.slot, tables.content.c.body)
        .join(tables.content)
        .where(completion.c.comparison_id == bindparam("comparison_id"))
    )


@cache
def _view_query() -> Select[Any]:
    """What the view needs of `:assignment_id`; built once, because building it takes longer than running it."""
    assignment, comparison, round_ = tables.assignment, tables.comparison, tables.round_
    return (
        select(
            assignment.c.id,
            assignment.c.round_id,
            assignment.c.comparison_id,
            assignment.c.shown,
            assignment.c.criteria_shown,
            assignment.c.asks_overall,
            assignment.c.overall_first,
            assignment.c.lease_expires_at,
            assignment.c.draft,
            comparison.c.external_id,
            comparison.c.meta,
            round_.c.rubric_version,
            tables.campaign.c.name.label("campaign"),
            tables.campaign.c.renders_math,
            tables.content.c.body.label("prompt"),
        )
        .select_from(
            assignment.join(comparison)
            .join(round_, round_.c.id == assignment.c.round_id)
            .join(tables.campaign, tables.campaign.c.id == round_.c.campaign_id)
            .join(tables.content, tables.content.c.hash == comparison.c.prompt_hash)
        )
        .where(assignment.c.id == bindparam("assignment_id"))
    )


def answer_from_slots(answer: Answer, shown: tuple[str, ...]) -> Answer:
    """An answer given in screen slots ("1" is the first response shown) as one in completion ids.

    Raises:
        KeyError: a slot that is not on the screen.
    """
    ids: Mapping[str, str] = {str(position): slot for position, slot in enumerate(shown, start=1)}
    if answer.preferred is not None:
        preferred = answer.preferred if answer.preferred in RESERVED_PREFERENCES else ids[answer.preferred]
        return Answer(preferred=preferred, strength=answer.strength)
    if answer.scores is not None:
        return Answer(scores={ids[slot]: score for slot, score in answer.scores.items()})
    if answer.checks is not None:
        return Answer(checks={ids[slot]: yes for slot, yes in answer.checks.items()})
    return Answer(ranking=tuple(tuple(ids[slot] for slot in group) for group in answer.ranking or ()))
