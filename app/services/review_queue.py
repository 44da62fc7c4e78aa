"""Which attempts wait for a review, and for whom: an attempt is the latest revision of a judgment handed in here.

A lot that its number decides draws the round's share of them, hidden gold and blind repeats like the rest, so that a
review tells nobody what a comparison was for. Nobody reviews their own attempt, one that they reviewed before, or a
comparison that they had themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    cast,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from app.domain import AssignmentState, Campaign, Purpose, Rater, ReviewLevel, ReviewVerdict, Round
from app.services.lookup import rounds_of
from app.store import tables

CLAIM = timedelta(hours=1)
"""How long an attempt is shown to one reviewer only."""

WINDOW = 20
"""Attempts that are tried before all of them count as held by others."""

REVIEWED = (Purpose.WORK.value, Purpose.GOLD.value, Purpose.REPEAT.value)
"""Purposes of the attempts that are reviewed: an exam has its own report."""

LOT, STEP = 10_007, 6_184
"""A prime and its golden section: numbers that follow each other spread evenly over the lot."""

_assignment, _judgment, _review, _claim = tables.assignment, tables.judgment, tables.review, tables.review_claim


def attempts(connection: Connection, campaign: Campaign) -> Select[Any] | None:
    """Every attempt that its round lets somebody review, oldest first; None where no round has reviews."""
    rounds = [one for one in rounds_of(connection, campaign.id) if one.rules.review_share > 0]
    if not rounds:
        return None
    later = _judgment.alias("later")
    is_revised = exists().where(
        later.c.assignment_id == _judgment.c.assignment_id, later.c.revision > _judgment.c.revision
    )
    return (
        select(_judgment.c.id, _assignment.c.comparison_id, _assignment.c.rater_id)
        .select_from(_judgment.join(_assignment).join(tables.rater, tables.rater.c.id == _assignment.c.rater_id))
        .where(
            or_(*map(_is_drawn, rounds)),
            _assignment.c.state == AssignmentState.SUBMITTED.value,
            _assignment.c.purpose.in_(REVIEWED),
            _assignment.c.shown.is_not(None),
            _judgment.c.batch_id.is_(None),
            tables.rater.c.kind.in_([kind.value for kind in campaign.counted_kinds]),
            ~is_revised,
        )
        .order_by(_judgment.c.id)
    )


def _is_drawn(round_: Round) -> ColumnElement[bool]:
    drawn = (cast(_assignment.c.id, BigInteger) * STEP) % LOT < round_.rules.review_share * LOT
    return and_(_assignment.c.round_id == round_.id, drawn)


def waiting(connection: Connection, campaign: Campaign, level: ReviewLevel) -> Select[Any] | None:
    """The attempts that wait for somebody at a level: all at first, for a senior those that a reviewer changed."""
    found = attempts(connection, campaign)
    if found is None:
        return None
    open_ = found.where(~_has_review(level))
    if level is ReviewLevel.SENIOR:
        return open_.where(_has_review(ReviewLevel.REVIEW, _review.c.verdict == ReviewVerdict.EDIT.value))
    return open_


def waiting_for(connection: Connection, campaign: Campaign, level: ReviewLevel, actor: Rater) -> Select[Any] | None:
    """Those of them that this person may take."""
    found = waiting(connection, campaign, level)
    if found is None:
        return None
    mine = _assignment.alias("mine")
    had_it = exists().where(
        mine.c.comparison_id == _assignment.c.comparison_id,
        mine.c.rater_id == actor.id,
    )
    by_me = exists().where(_review.c.judgment_id == _judgment.c.id, _review.c.reviewer_id == actor.id)
    return found.where(_assignment.c.rater_id != actor.id, ~had_it, ~by_me)


def _has_review(level: ReviewLevel, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_review.c.judgment_id == _judgment.c.id, _review.c.level == level.value, *conditions)


# --- taking one --------------------------------------------------------------------------------------------------


def held(connection: Connection, campaign: Campaign, level: ReviewLevel, actor: Rater, *, now: datetime) -> int | None:
    """The judgment that somebody was shown last and may still review."""
    found = waiting_for(connection, campaign, level, actor)
    if found is None:
        return None
    since = now - CLAIM
    mine = exists().where(
        _claim.c.judgment_id == _judgment.c.id,
        _claim.c.level == level.value,
        _claim.c.reviewer_id == actor.id,
        _claim.c.claimed_at > since,
    )
    return connection.scalar(found.where(mine, ~_is_held_by_others(level, actor, since=since)).limit(1))


def take(connection: Connection, campaign: Campaign, level: ReviewLevel, actor: Rater, *, now: datetime) -> int | None:
    """Show an attempt to somebody, and to nobody else for a while; None where none is left for them."""
    found = waiting_for(connection, campaign, level, actor)
    if found is None:
        return None
    free = found.where(~_is_held_by_others(level, actor, since=now - CLAIM)).limit(WINDOW)
    for row in connection.execute(free).all():
        locked = connection.scalar(
            select(_judgment.c.id).where(_judgment.c.id == row.id).with_for_update(skip_locked=True)
        )
        still = free.where(_judgment.c.id == row.id)
        if locked is not None and connection.execute(still).first() is not None:
            _write_claim(connection, row, level, actor, now=now)
            return row.id
    return None


def _is_held_by_others(level: ReviewLevel, actor: Rater, *, since: datetime) -> ColumnElement[bool]:
    return exists().where(
        _claim.c.judgment_id == _judgment.c.id,
        _claim.c.level == level.value,
        _claim.c.reviewer_id != actor.id,
        _claim.c.claimed_at > since,
    )


def _write_claim(connection: Connection, row: Row[Any], level: ReviewLevel, actor: Rater, *, now: datetime) -> None:
    own = (_claim.c.judgment_id == row.id, _claim.c.level == level.value, _claim.c.reviewer_id == actor.id)
    if connection.execute(update(_claim).where(*own).values(claimed_at=now)).rowcount:
        return
    values = {
        "judgment_id": row.id,
        "level": level.value,
        "reviewer_id": actor.id,
        "comparison_id": row.comparison_id,
        "claimed_at": now,
    }
    connection.execute(insert(_claim), values)


def counts(connection: Connection, campaign: Campaign, actor: Rater) -> dict[ReviewLevel, tuple[int, int]]:
    """Level -> attempts that wait in all, and those that this person may take."""

    def n(found: Select[Any] | None) -> int:
        return 0 if found is None else connection.scalar(select(func.count()).select_from(found.subquery())) or 0

    return {
        level: (n(waiting(connection, campaign, level)), n(waiting_for(connection, campaign, level, actor)))
        for level in ReviewLevel
    }


def locked_attempt(connection: Connection, judgment_id: int) -> None:
    """Wait until nobody else writes a review of this attempt."""
    connection.execute(select(_judgment.c.id).where(_judgment.c.id == judgment_id).with_for_update())
