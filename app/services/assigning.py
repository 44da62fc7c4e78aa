"""Who rates what next: leases on comparisons, with overlap that is never exceeded.

What a rater gets is drawn in `app.services.drawing`; here it is leased, shown in a drawn order, renewed and taken back.
Every draw is stored with its policy and its propensity, so that what raters saw can be reweighted later.
"""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    case,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from app.domain import (
    Assignment,
    AssignmentState,
    Campaign,
    CriteriaOrder,
    OverallPlace,
    Purpose,
    Rater,
    Round,
    utc_now,
)
from app.errors import Conflict, NotAllowed
from app.policy import Action, may_work
from app.services import events
from app.services.drawing import POLICY, Busy, Draw, Seeker, draw_for
from app.services.holding import make_room
from app.services.lanes import asked_in, scope_named
from app.services.lookup import find_campaign, locked_account, require, rounds_of, rubric_of
from app.services.queueing import give_back, take_place
from app.services.showing import assignment_view
from app.services.standing import is_certified, standing_of
from app.store import tables
from app.store.engine import Store

SWEEP = 50
"""How many expired leases one call takes back."""

BUSY_TRIES = 30
"""How often a call starts over because other calls held every comparison that was left: after some 10 ms, then 20, 30
and so on to 100, for the more there are, the longer each of them takes."""

_assignment = tables.assignment
_is_held = _assignment.c.state == literal_column(f"'{AssignmentState.OPEN.value}'")
"""Written out, not bound: a partial index serves only a condition that the planner can read."""


def next_assignment(
    store: Store,
    rater_name: str,
    campaign_name: str,
    *,
    now: datetime | None = None,
    chance: random.Random | None = None,
    round_name: str | None = None,
) -> Assignment | None:
    """The comparison that a rater works on: the one they hold, or a new lease, or None when nothing is left for them.

    One transaction: expired leases go back to the queue, a comparison is chosen (hidden gold and blind repeats at the
    round's rates), the order shown is drawn, the lease is written.

    Args:
        store: the database.
        rater_name: an account that is a member of the campaign.
        campaign_name: the campaign.
        now: the time of the call; the clock by default.
        chance: the source of every draw; a fresh one by default.
        round_name: the only round to take work from; any open one by default.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not judge here, or its state gives it no work.
        Conflict: other raters held everything that was left for whole seconds; ask again.
    """
    now = now or utc_now()
    chance = chance or random.Random()
    for n_tries in range(1, BUSY_TRIES + 1):
        try:
            return _next(store, rater_name, campaign_name, now=now, chance=chance, round_name=round_name)
        except Busy:
            time.sleep(min(n_tries, 10) * random.uniform(0.001, 0.02))
    raise Conflict(f"Every comparison left in campaign {campaign_name!r} is being leased at this moment: ask again.")


def _next(
    store: Store,
    rater_name: str,
    campaign_name: str,
    *,
    now: datetime,
    chance: random.Random,
    round_name: str | None,
) -> Assignment | None:
    """`next_assignment`, once."""
    with store.write() as connection:
        rater = locked_account(connection, rater_name)
        campaign = find_campaign(connection, campaign_name)
        require_judge(connection, rater, campaign=campaign)
        rounds = _open_rounds(connection, campaign)
        if round_name is not None:
            rounds = [round_ for round_ in rounds if round_.name == round_name]
        for round_ in rounds:
            held = _held(connection, round_, rater, now=now)
            if held is not None:
                return assignment_view(connection, held)
        release_expired(connection, now=now)
        seeker = Seeker(connection, campaign, rater, now=now, chance=chance)
        for round_ in rounds:
            if not is_certified(connection, round_, rater, now=now):
                continue
            draw = draw_for(seeker, round_)
            if draw is not None:
                if round_.rules.calibration is not None:
                    make_room(connection, rater, round_, for_exam=False, now=now)
                made = _lease(connection, campaign, round_, rater, draw, now=now, chance=chance)
                return assignment_view(connection, made)
    return None


def require_judge(connection: Connection, rater: Rater, *, campaign: Campaign) -> None:
    """Check that an account may judge in a campaign now.

    Raises:
        NotAllowed: it has no role for it here, or its state gives it no work.
    """
    require(connection, rater, Action.JUDGE, campaign=campaign)
    state = standing_of(connection, rater, campaign.id).state
    if not may_work(state):
        raise NotAllowed(f"{rater.name} is {state.value} and gets no work now. Ask the campaign's designer.")


def _open_rounds(connection: Connection, campaign: Campaign) -> list[Round]:
    """The open rounds, those on a sample (pilots, bridges) first, then oldest first; none in a closed campaign."""
    if campaign.state == "closed":
        return []
    rounds = [round_ for round_ in rounds_of(connection, campaign.id) if round_.state == "open"]
    return sorted(rounds, key=lambda round_: round_.rules.sample is None)


_HELD = (
    select(_assignment.c.id, _assignment.c.lease_expires_at)
    .where(
        _assignment.c.round_id == bindparam("round_id"),
        _assignment.c.rater_id == bindparam("rater_id"),
        _assignment.c.purpose != Purpose.EXAM.value,
        _is_held,
    )
    .with_for_update()
)


def _held(connection: Connection, round_: Round, rater: Rater, *, now: datetime) -> int | None:
    """The id of the assignment that the rater holds in a round, its lease renewed if it had run out unnoticed."""
    row = connection.execute(_HELD, {"round_id": round_.id, "rater_id": rater.id}).first()
    if row is None:
        return None
    if row.lease_expires_at < now:
        renew_lease(connection, row.id, round_, now=now)
    return row.id


def renew_lease(connection: Connection, assignment_id: int, round_: Round, *, now: datetime) -> None:
    """Let a lease that is still held run from now."""
    expires = now + timedelta(seconds=round_.rules.lease_seconds)
    connection.execute(update(_assignment).where(_assignment.c.id == assignment_id).values(lease_expires_at=expires))


_LAPSED = (
    select(
        _assignment.c.id,
        _assignment.c.round_id,
        _assignment.c.comparison_id,
        _assignment.c.scope,
        _assignment.c.takes_place,
    )
    .where(_is_held, _assignment.c.lease_expires_at < bindparam("now"))
    .order_by(_assignment.c.lease_expires_at)
    .limit(bindparam("n"))
    .with_for_update(skip_locked=True)
)


def release_expired(connection: Connection, *, now: datetime) -> int:
    """Give up to `SWEEP` expired leases back to their queues; returns how many."""
    lapsed = connection.execute(_LAPSED, {"now": now, "n": SWEEP}).all()
    in_order = sorted(lapsed, key=lambda row: (row.comparison_id, row.round_id, row.scope))
    for row in in_order:  # that of `queueing.lock_in_order`: no deadlock
        connection.execute(
            update(_assignment)
            .where(_assignment.c.id == row.id)
            .values(state=AssignmentState.EXPIRED.value, closed_at=now)
        )
        if row.takes_place:
            give_back(connection, row.round_id, row.comparison_id, row.scope)
    if lapsed:
        detail = {"assignments": [row.id for row in lapsed]}
        events.record(connection, actor="system", action="leases.expired", subject="assignments", detail=detail)
    return len(lapsed)


_LEASED = select(tables.comparison.c.meta, tables.comparison.c.external_id).where(
    tables.comparison.c.id == bindparam("comparison_id")
)


def _lease(
    connection: Connection,
    campaign: Campaign,
    round_: Round,
    rater: Rater,
    draw: Draw,
    *,
    now: datetime,
    chance: random.Random,
) -> int:
    """Write the lease: the order shown, the criteria asked, who chose it and how; returns the assignment's id."""
    takes_place = draw.purpose is Purpose.WORK and rater.kind in campaign.counted_kinds
    if takes_place and not take_place(connection, round_.id, draw.comparison_id, draw.scope):
        raise Conflict(f"Comparison {draw.comparison_id} filled up while it was being leased: ask again.")
    comparison = connection.execute(_LEASED, {"comparison_id": draw.comparison_id}).one()
    rubric, scope = rubric_of(connection, round_.rubric_version), scope_named(round_, draw.scope)
    row = {
        "round_id": round_.id,
        "comparison_id": draw.comparison_id,
        "rater_id": rater.id,
        "repeat_index": draw.repeat_index,
        "scope": draw.scope,
        "purpose": draw.purpose.value,
        "state": AssignmentState.OPEN.value,
        "shown": _draw_order(connection, round_, draw, chance=chance),
        "criteria_shown": _criteria_order(asked_in(scope, rubric, comparison.meta), round_, chance=chance),
        "asks_overall": scope.asks_overall,
        "overall_first": scope.asks_overall and _is_overall_first(round_, chance=chance),
        "takes_place": takes_place,
        "policy": f"{POLICY}/{round_.rules.policy.value}",
        "propensity": draw.propensity,
        "leased_at": now,
        "lease_expires_at": now + timedelta(seconds=round_.rules.lease_seconds),
    }
    assignment_id = _insert_or_reopen(connection, row)
    events.record(
        connection,
        actor=rater.name,
        action="assignment.leased",
        subject=f"assignment {assignment_id}",
        campaign_id=campaign.id,
        detail={"comparison": comparison.external_id, "purpose": row["purpose"]},
    )
    return assignment_id


def _criteria_order(keys: list[str], round_: Round, *, chance: random.Random) -> list[str]:
    """The keys of the criteria in the order in which this assignment asks them."""
    return chance.sample(keys, len(keys)) if round_.rules.criteria_order is CriteriaOrder.RANDOM else keys


def _is_overall_first(round_: Round, *, chance: random.Random) -> bool:
    """Whether this assignment asks the overall verdict before the criteria."""
    place = round_.rules.overall_place
    return place is OverallPlace.FIRST or (place is OverallPlace.RANDOM and chance.random() < 0.5)


def _insert_or_reopen(connection: Connection, row: dict[str, Any]) -> int:
    """Insert an assignment; the expired one of the same rater and comparison is opened again instead, draft and all."""
    return connection.execute(_upsert(connection.dialect.name), row).scalar_one()


@cache
def _upsert(dialect_name: str) -> ReturningInsert[tuple[int]]:
    """The statement of `_insert_or_reopen`; built once, because building it takes longer than running it."""
    dialect: Any = sqlite if dialect_name == "sqlite" else postgresql
    renewed = ("scope", "purpose", "state", "takes_place", "policy", "propensity", "leased_at", "lease_expires_at")
    asked = ("criteria_shown", "asks_overall", "overall_first")
    statement = dialect.insert(_assignment)
    is_same = _assignment.c.scope == statement.excluded.scope
    statement = statement.on_conflict_do_update(
        index_elements=["round_id", "comparison_id", "rater_id", "repeat_index"],
        set_={
            **{name: statement.excluded[name] for name in renewed},
            **{name: case((is_same, _assignment.c[name]), else_=statement.excluded[name]) for name in asked},
            "closed_at": None,
        },
        where=_assignment.c.state == AssignmentState.EXPIRED.value,
    )
    return statement.returning(_assignment.c.id)


_SLOTS = select(tables.completion.c.slot).where(tables.completion.c.comparison_id == bindparam("comparison_id"))
_ORDERS = select(_assignment.c.shown).where(
    _assignment.c.comparison_id == bindparam("comparison_id"), _assignment.c.round_id == bindparam("round_id")
)


def _draw_order(connection: Connection, round_: Round, draw: Draw, *, chance: random.Random) -> list[str]:
    """The order on the screen: the response that stood first least often comes first, ties by lot.

    Counter-balanced over a comparison's raters; a blind repeat starts with another response than the first time.
    """
    here = {"comparison_id": draw.comparison_id, "round_id": round_.id}
    slots = connection.scalars(_SLOTS, here).all()
    orders = connection.scalars(_ORDERS, here).all()
    if draw.avoid_order:
        return list(reversed(draw.avoid_order))
    n_first = dict.fromkeys(slots, 0)
    for slot in chain.from_iterable(order[:1] for order in orders if order):
        n_first[slot] += 1
    return sorted(sorted(slots), key=lambda slot: (n_first[slot], chance.random()))


def lease_for_exam(
    connection: Connection,
    campaign: Campaign,
    round_: Round,
    rater: Rater,
    comparison_id: int,
    *,
    propensity: float,
    now: datetime,
    chance: random.Random,
) -> int:
    """Lease an exam item inside the caller's transaction, as everything is leased; returns the assignment's id."""
    draw = Draw(comparison_id, Purpose.EXAM, propensity)
    return _lease(connection, campaign, round_, rater, draw, now=now, chance=chance)
