"""What happened to the votes of a campaign since some event: nothing, a little, or too much to say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, not_, or_, select, union

from app.store import tables

NEUTRAL = (
    "assignment.%",
    "attempt.claimed",
    "attempt.reviewed",
    "audit.opened",
    "campaign.%",
    "comparison.adjudicated",
    "exam.begun",
    "job.%",
    "leases.%",
    "lesson.answered",
    "lessons.finished",
    "member.%",
    "overlap_model.fitted",
    "priorities.%",
    "question.%",
    "report.filed",
    "content.%",
    "inbox.%",
    "round.closed",
    "round.open",
    "snapshot.%",
)
"""Events that change no report; whatever is not named here makes reports again."""

NO_VOTES = (*NEUTRAL, "attempt.settled", "round.%", "text.withdrawn")
"""Events that change no vote as it was given."""

VOTES = ("judgment.submitted", "judgment.revised", "import.completed")
"""Events whose votes can be found again: judgments carry the event's number, or that of a batch."""

LATE = 1_000
"""How far behind a transaction may finish: an event with a lower number may become visible after a higher one."""


@dataclass(frozen=True)
class Mark:
    """Up to where votes were counted.

    Attributes:
        event: the last event taken in.
        n_recent: events of the campaign among the last `LATE` up to it, as seen then: if one turns up later, this
            differs, and the votes must be counted afresh.
    """

    event: int
    n_recent: int


def last_vote_event(connection: Connection, campaign_id: int) -> int:
    """The latest event of a campaign that can change a report; 0 where there is none."""
    event = tables.event
    query = select(event.c.id).where(event.c.campaign_id == campaign_id, not_(_is_one_of(NEUTRAL)))
    return connection.scalar(query.order_by(event.c.id.desc()).limit(1)) or 0


def mark(connection: Connection, campaign_id: int, event: int) -> Mark:
    """The mark of an event, as it is now."""
    table = tables.event
    recent = (table.c.campaign_id == campaign_id) & table.c.id.between(event - LATE, event)
    return Mark(event, connection.scalar(select(func.count()).where(recent)) or 0)


def changed_comparisons(connection: Connection, campaign_id: int, since: Mark, *, most: int) -> list[int] | None:
    """Row ids of the comparisons on which votes came or changed after a mark; None where it is too much to say.

    That is: more than `most` comparisons, an event whose effect on votes is not known, or one that turned up late.
    """
    event = tables.event
    later = (event.c.campaign_id == campaign_id) & (event.c.id > since.event)
    unknown = select(event.c.id).where(later, not_(_is_one_of(NO_VOTES)), event.c.action.not_in(VOTES)).limit(1)
    if mark(connection, campaign_id, since.event) != since or connection.scalar(unknown) is not None:
        return None
    live = select(event.c.subject).where(later, event.c.action.in_(VOTES[:2])).distinct().limit(most + 1)
    assignments = [int(subject.removeprefix("assignment ")) for subject in connection.scalars(live)]
    if len(assignments) > most:
        return None
    batch, judgment, assignment = tables.import_batch, tables.judgment, tables.assignment
    brought = (batch.c.campaign_id == campaign_id) & (batch.c.event_id > since.event)
    imported = (
        select(assignment.c.comparison_id)
        .join(judgment, judgment.c.assignment_id == assignment.c.id)
        .where(judgment.c.batch_id.in_(select(batch.c.id).where(brought)))
    )
    submitted = select(assignment.c.comparison_id).where(assignment.c.id.in_(assignments))
    changed = connection.scalars(union(imported, submitted).limit(most + 1)).all()
    return list(changed) if len(changed) <= most else None


def _is_one_of(patterns: Collection[str]) -> ColumnElement[bool]:
    return or_(*(tables.event.c.action.like(pattern) for pattern in patterns))
