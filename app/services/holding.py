"""What a rater holds, and handing it back: for a pause, or because they would rather not see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from app.domain import AssignmentState, Purpose, Rater
from app.services import events
from app.services.queueing import give_back
from app.store import tables

_assignment = tables.assignment


def hand_back(connection: Connection, rater: Rater, row: Row[Any], *, reason: str, now: datetime) -> None:
    """Give a leased comparison back to its queue; its draft stays, and the rater may be given it again.

    What belongs to an exam stays with the rater.

    Args:
        connection: a write transaction.
        rater: who holds it.
        row: the assignment, with `campaign_id`.
        reason: why, in a word, for the record.
        now: the time.
    """
    done = connection.execute(
        update(_assignment)
        .where(_assignment.c.id == row.id, _assignment.c.state == AssignmentState.OPEN.value)
        .where(_assignment.c.purpose != Purpose.EXAM.value)
        .values(state=AssignmentState.EXPIRED.value, closed_at=now)
    )
    if not done.rowcount:
        return
    if row.takes_place:
        give_back(connection, row.round_id, row.comparison_id, row.scope)
    events.record(
        connection,
        actor=rater.name,
        action="assignment.handed_back",
        subject=f"assignment {row.id}",
        campaign_id=row.campaign_id,
        detail={"reason": reason},
    )


def held_rows(connection: Connection, rater: Rater) -> list[Row[Any]]:
    """The assignments that a rater holds, in every campaign, locked, with `campaign_id` and the round's `rules`."""
    round_ = tables.round_
    return list(
        connection.execute(
            select(_assignment, round_.c.campaign_id, round_.c.rules)
            .join(round_, round_.c.id == _assignment.c.round_id)
            .where(_assignment.c.rater_id == rater.id, _assignment.c.state == AssignmentState.OPEN.value)
            .order_by(_assignment.c.comparison_id)
            .with_for_update(of=_assignment)
        )
    )
