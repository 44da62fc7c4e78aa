"""Which attempts wait for a review, and for whom: an attempt is the latest revision of a judgment handed in here.

A lot that its number decides draws the round's share of them, hidden gold and blind repeats like the rest, so that a
review tells nobody what a comparison was for. What waits is kept beside the facts (`review_wait`), by the transactions
that change it. Nobody reviews their own attempt, one that they reviewed before, or a comparison that they had.
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
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from app.domain import AssignmentState, Campaign, Purpose, Rater, ReviewLevel, ReviewVerdict, Round
from app.services.lookup import held_rules, rounds_of
from app.store import tables

CLAIM = timedelta(hours=1)
"""How long an attempt is shown to one reviewer only."""

WINDOW = 20
"""Attempts that are tried before all of them count as held by others."""

REVIEWED = (Purpose.WORK.value, Purpose.GOLD.value, Purpose.REPEAT.value)
"""Purposes of the attempts that are reviewed: an exam has its own report."""

LOT, STEP = 10_007, 6_184
"""A prime and its golden section: numbers that follow each other spread evenly over the lot."""

_assignment, _judgment, _review = tables.assignment, tables.judgment, tables.review
_claim, _wait = tables.review_claim, tables.review_wait


def attempts(connection: Connection, campaign: Campaign) -> Select[Any] | None:
    """Every attempt that its round lets somebody review, oldest first; None where no round has reviews."""
    rounds = _reviewed_rounds(connection, campaign)
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


def _reviewed_rounds(connection: Connection, campaign: Campaign) -> list[Round]:
    return [one for one in rounds_of(connection, campaign.id) if one.rules.review_share > 0]


def _is_drawn(round_: Round) -> ColumnElement[bool]:
    drawn = (cast(_assignment.c.id, BigInteger) * STEP) % LOT < round_.rules.review_share * LOT
    return and_(_assignment.c.round_id == round_.id, drawn)


def waiting(connection: Connection, campaign: Campaign, level: ReviewLevel) -> Select[Any] | None:
    """The attempts that wait for somebody at a level: all at first, for a senior those that a reviewer changed."""
    rounds = [one.id for one in _reviewed_rounds(connection, campaign)]
    if not rounds:
        return None
    columns = (_wait.c.judgment_id.label("id"), _wait.c.comparison_id, _wait.c.rater_id)
    return (
        select(*columns).where(_wait.c.round_id.in_(rounds), _wait.c.level == level.value).order_by(_wait.c.judgment_id)
    )


def waiting_for(connection: Connection, campaign: Campaign, level: ReviewLevel, actor: Rater) -> Select[Any] | None:
    """Those of them that this person may take."""
    found = waiting(connection, campaign, level)
    if found is None:
        return None
    mine = _assignment.alias("mine")
    had_it = exists().where(mine.c.comparison_id == _wait.c.comparison_id, mine.c.rater_id == actor.id)
    by_me = exists().where(_review.c.judgment_id == _wait.c.judgment_id, _review.c.reviewer_id == actor.id)
    return found.where(_wait.c.rater_id != actor.id, ~had_it, ~by_me)


# --- what waits --------------------------------------------------------------------------------------------------


def enter(connection: Connection, judgment_id: int, assignment: Row[Any], *, counts: bool) -> None:
    """Let an attempt wait for a review where the lot drew it; an earlier revision of it waits no more.

    The round's share is read and kept from changing until the transaction ends: whoever changes it at the same moment
    and finds out anew what waits (`refill`) either finds this attempt, or has changed the share before.

    Args:
        connection: the transaction that writes the judgment.
        judgment_id: the judgment.
        assignment: its row.
        counts: whether votes of the rater's kind count in the campaign.
    """
    share = held_rules(connection, assignment.round_id).review_share
    is_drawn = (assignment.id * STEP) % LOT < share * LOT
    if not (is_drawn and counts and assignment.purpose in REVIEWED and assignment.shown is not None):
        return
    earlier = select(_judgment.c.id).where(_judgment.c.assignment_id == assignment.id)
    connection.execute(delete(_wait).where(_wait.c.judgment_id.in_(earlier)))
    values = {"judgment_id": judgment_id, "level": ReviewLevel.REVIEW.value}
    values |= {name: getattr(assignment, name) for name in ("round_id", "comparison_id", "rater_id")}
    connection.execute(insert(_wait), values)


def advance(connection: Connection, judgment_id: int, level: ReviewLevel, verdict: ReviewVerdict) -> None:
    """After a word on an attempt: a reviewer's change waits for a senior, everything else waits no more."""
    mine = _wait.c.judgment_id == judgment_id
    if level is ReviewLevel.REVIEW and verdict is ReviewVerdict.EDIT:
        connection.execute(update(_wait).where(mine).values(level=ReviewLevel.SENIOR.value))
    else:
        connection.execute(delete(_wait).where(mine))


def refill(connection: Connection, campaign: Campaign, round_: Round) -> None:
    """Find out anew from the ledger what waits in a round: after another share of reviews."""
    connection.execute(delete(_wait).where(_wait.c.round_id == round_.id))
    found = attempts(connection, campaign)
    if found is None:
        return
    here = found.where(_assignment.c.round_id == round_.id)
    change = exists().where(_of_level(ReviewLevel.REVIEW), _review.c.verdict == ReviewVerdict.EDIT.value)
    level = case((change, ReviewLevel.SENIOR.value), else_=ReviewLevel.REVIEW.value)
    accepted = exists().where(_of_level(ReviewLevel.REVIEW), _review.c.verdict == ReviewVerdict.APPROVE.value)
    open_ = here.where(~accepted, ~exists().where(_of_level(ReviewLevel.SENIOR)))
    columns = (_judgment.c.id, _assignment.c.round_id, _assignment.c.comparison_id, _assignment.c.rater_id, level)
    names = ["judgment_id", "round_id", "comparison_id", "rater_id", "level"]
    connection.execute(insert(_wait).from_select(names, open_.with_only_columns(*columns)))


def _of_level(level: ReviewLevel) -> ColumnElement[bool]:
    return and_(_review.c.judgment_id == _judgment.c.id, _review.c.level == level.value)


# --- taking one --------------------------------------------------------------------------------------------------


def held(connection: Connection, campaign: Campaign, level: ReviewLevel, actor: Rater, *, now: datetime) -> int | None:
    """The judgment that somebody was shown last and may still review."""
    found = waiting_for(connection, campaign, level, actor)
    if found is None:
        return None
    since = now - CLAIM
    mine = (_claim.c.level == level.value, _claim.c.reviewer_id == actor.id, _claim.c.claimed_at > since)
    joined = found.join(_claim, _claim.c.judgment_id == _wait.c.judgment_id).where(*mine)
    return connection.scalar(joined.where(~_is_held_by_others(level, actor, since=since)).limit(1))


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
        still = free.where(_wait.c.judgment_id == row.id)
        if locked is not None and connection.execute(still).first() is not None:
            _write_claim(connection, row, level, actor, now=now)
            return row.id
    return None


def _is_held_by_others(level: ReviewLevel, actor: Rater, *, since: datetime) -> ColumnElement[bool]:
    claim = _claim.alias("other")
    return exists().where(
        claim.c.judgment_id == _wait.c.judgment_id,
        claim.c.level == level.value,
        claim.c.reviewer_id != actor.id,
        claim.c.claimed_at > since,
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
    """Wait until nobody else writes a review of this attempt; its round's rules are held before, for their order."""
    own = _judgment.c.id == judgment_id
    round_id = connection.scalar(select(_assignment.c.round_id).join(_judgment).where(own))
    if round_id is not None:
        held_rules(connection, round_id)
        connection.execute(select(_judgment.c.id).where(own).with_for_update())
