"""What a rater holds, and handing it back: for a pause, for an exam, or because they would rather not see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from app.domain import AssignmentState, Purpose, Rater, Round
from app.services import events
from app.services.queueing import give_back
from app.store import tables

_assignment = tables.assignment


def make_room(connection: Connection, rater: Rater, round_: Round, *, for_exam: bool, now: datetime) -> None:
    """Hand back the work that a rater holds in a round for an exam, or an exam's item for work: one is held at a time.

    An item that made way is asked again when the exam goes on.
    """
    for row in held_rows(connection, rater):
        if row.round_id == round_.id and (row.purpose == Purpose.EXAM.value) != for_exam:
            reason = "exam" if for_exam else "work"
            hand_back(connection, rater, row, reason=reason, now=now, also_of_exam=True)


def hand_back(
    connection: Connection, rater: Rater, row: Row[Any], *, reason: str, now: datetime, also_of_exam: bool = False
) -> None:
    """Give a leased comparison back to its queue; its draft stays, and the rater may be given it again.

    What belongs to an exam stays with the rater, unless `also_of_exam`.

    Args:
        connection: a write transaction.
        rater: who holds it.
        row: the assignment, with `campaign_id`.
        reason: why, in a word, for the record.
        now: the time.
        also_of_exam: whether an exam's item may go back, too.
    """
    if row.purpose == Purpose.EXAM.value and not also_of_exam:
        return
    done = connection.execute(
        update(_assignment)
        .where(_assignment.c.id == row.id, _assignment.c.state == AssignmentState.OPEN.value)
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
