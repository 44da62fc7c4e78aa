"""A round's queue: who waits in it, places in a comparison's overlap, priorities, recounting from the facts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    update,
)

from app.domain import AssignmentState, Campaign, ItemState, OverlapPolicy, Round, RoundRules
from app.errors import Conflict
from app.services import events
from app.services.lanes import WHOLE, asked_in, lane_id, requires_of, scopes_of
from app.services.lookup import find_campaign, rounds_of, rubric_of
from app.store import tables
from app.store.bulk import insert_rows
from app.store.engine import Store, batched
from app.store.visibility import visible

WINDOW = 32
"""A rater gets one of this many candidates, each with the same probability."""

SCAN = 96
"""How many open comparisons are looked at before fresh ones are tried: keeps a lease's cost flat."""

FEWEST = 2
"""Votes before a posterior may stop a comparison."""

_queue = tables.queue_item
_assignment = tables.assignment
_is_fresh = _queue.c.n_taken == literal_column("0")
"""Written out, not bound: a partial index serves only a condition that the planner can read."""

_is_collecting = _queue.c.state == ItemState.COLLECTING.value


def has_met(comparison_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether `:rater_id` had this comparison in `:round_id`; one whose lease ran out may come again."""
    return exists().where(
        _assignment.c.round_id == bindparam("round_id"),
        _assignment.c.comparison_id == comparison_id,
        _assignment.c.rater_id == bindparam("rater_id"),
        _assignment.c.state != AssignmentState.EXPIRED.value,
    )


def is_unwelcome(comparison_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether this comparison has a kind of content that `:rater_id` does not want to be shown."""
    content, unwanted = tables.comparison_content, tables.content_opt_out
    return exists().where(
        content.c.comparison_id == comparison_id,
        unwanted.c.kind == content.c.kind,
        unwanted.c.rater_id == bindparam("rater_id"),
    )


def is_offered(comparison_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether `:rater_id` may be given this comparison in `:round_id`: new to them, and nothing they opted out of."""
    return and_(~has_met(comparison_id), ~is_unwelcome(comparison_id), ~has_reviewed(comparison_id))


def has_reviewed(comparison_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether `:rater_id` was shown an attempt at this comparison, to review it: they know another's vote."""
    claim = tables.review_claim
    return exists().where(claim.c.reviewer_id == bindparam("rater_id"), claim.c.comparison_id == comparison_id)


@cache
def candidate_queries() -> Sequence[Select[Any]]:
    """Where to look for work, cheapest first: the front of the queue, then fresh comparisons, then everything.

    Of `:lane_id` in `:round_id` for `:rater_id`: comparison, priority, places taken, and the lowest priority that
    waits in the lane. Built once, because building them takes longer than running them.
    """
    columns = (_queue.c.comparison_id, _queue.c.priority, _queue.c.n_taken, _queue.c.sort_key)
    front = (_queue.c.priority.desc(), _queue.c.n_taken.desc(), _queue.c.sort_key.desc())
    is_open = (_queue.c.lane_id == bindparam("lane_id")) & _queue.c.is_open
    head = select(*columns).where(is_open).order_by(*front).limit(SCAN).subquery()
    lowest = select(_queue.c.priority).where(is_open).order_by(_queue.c.priority).limit(1).scalar_subquery()
    begun = (
        select(*head.c, lowest.label("lowest"))
        .where(is_offered(head.c.comparison_id))
        .order_by(head.c.priority.desc(), head.c.n_taken.desc(), head.c.sort_key.desc())
        .limit(WINDOW)
    )
    unmet = select(*columns, lowest.label("lowest")).where(is_open, is_offered(_queue.c.comparison_id)).limit(WINDOW)
    fresh = unmet.where(_is_fresh).order_by(_queue.c.priority.desc(), _queue.c.sort_key.desc())
    return begun, fresh, unmet.order_by(*front)


@cache
def patient_query() -> Select[Any]:
    """The least urgent open comparisons of `:lane_id` below `:priority` that the rater may be given."""
    return (
        select(_queue.c.comparison_id)
        .where(
            _queue.c.lane_id == bindparam("lane_id"),
            _queue.c.is_open,
            _queue.c.priority < bindparam("priority"),
            is_offered(_queue.c.comparison_id),
        )
        .order_by(_queue.c.priority, _queue.c.n_taken, _queue.c.sort_key)
        .limit(WINDOW)
    )


_here = and_(
    _queue.c.round_id == bindparam("its_round"),
    _queue.c.comparison_id == bindparam("its_comparison"),
    _queue.c.scope == bindparam("its_scope"),
)
"""The queue item of a comparison for a scope."""

_LOCK = select(_queue.c.comparison_id).where(_here, _queue.c.is_open).with_for_update(skip_locked=True)
_TAKE = (
    update(_queue)
    .where(_here, _queue.c.is_open)
    .values(n_taken=_queue.c.n_taken + 1, is_open=_queue.c.n_taken + 1 < _queue.c.n_slots)
)


def lock_open(connection: Connection, round_id: int, comparison_id: int, scope: str) -> bool:
    """Lock a queue row if it is open and nobody else holds its lock: others then look elsewhere, not wait."""
    here = {"its_round": round_id, "its_comparison": comparison_id, "its_scope": scope}
    return connection.execute(_LOCK, here).first() is not None


def take_place(connection: Connection, round_id: int, comparison_id: int, scope: str) -> bool:
    """Take one place of a comparison's overlap if there is one: the only way to one, and atomic."""
    here = {"its_round": round_id, "its_comparison": comparison_id, "its_scope": scope}
    return connection.execute(_TAKE, here).rowcount == 1


def give_back(connection: Connection, round_id: int, comparison_id: int, scope: str) -> None:
    """Free one place of a comparison's overlap."""
    here = {"its_round": round_id, "its_comparison": comparison_id, "its_scope": scope}
    connection.execute(_give_back(), here)


@cache
def _give_back() -> Update:
    """The statement of `give_back`."""
    taken = _queue.c.n_taken - 1
    is_open = and_(taken < _queue.c.n_slots, _is_collecting, ~is_accepted())
    return update(_queue).where(_here, _queue.c.n_taken > 0).values(n_taken=taken, is_open=is_open)


# --- who waits ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """A comparison that is to wait in a round's queue.

    Attributes:
        id: its row number.
        external_id: its name, by which its place in the queue is drawn.
        requires: as stored.
    """

    id: int
    external_id: str
    meta: Any = field(default_factory=dict)
    requires: Any = None


def first_places(rules: RoundRules) -> int:
    """How many raters may begin a comparison at once: never more than the votes that it needs in any case."""
    if rules.policy is OverlapPolicy.CURTAILED:
        return rules.overlap // 2 + 1
    if rules.policy is OverlapPolicy.POSTERIOR:
        return min(FEWEST, rules.overlap)
    return rules.overlap


def sort_key(round_: Round, external_id: str) -> float:
    """The place of a comparison in a round's queue: uniform on [0, 1), the same whenever it is loaded again."""
    digest = hashlib.sha256(f"{round_.name}\0{external_id}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def enqueue(connection: Connection, round_: Round, waiting: Iterable[Waiting], *, is_open: bool) -> None:
    """Let comparisons wait in a round's queue, in random order, once for each scope that asks something of them."""
    n_slots, rubric = first_places(round_.rules), None
    lanes: dict[tuple[str, str], int] = {}
    rows = []
    for one in waiting:
        for scope in scopes_of(round_):
            if scope != WHOLE and not scope.asks_overall:
                rubric = rubric or rubric_of(connection, round_.rubric_version)
                if not asked_in(scope, rubric, one.meta):
                    continue
            key = (scope.name, repr(one.requires))
            if key not in lanes:
                lanes[key] = lane_id(connection, round_, scope, requires_of(one.requires))
            rows.append(
                {
                    "round_id": round_.id,
                    "comparison_id": one.id,
                    "scope": scope.name,
                    "lane_id": lanes[key],
                    "sort_key": sort_key(round_, one.external_id),
                    "n_slots": n_slots,
                    "is_open": is_open,
                }
            )
    insert_rows(connection, _queue, rows)
    for lane, n_more in sorted(Counter(row["lane_id"] for row in rows).items()):
        grown = tables.lane.c.n_items + n_more
        connection.execute(update(tables.lane).where(tables.lane.c.id == lane).values(n_items=grown))


# --- urgency -----------------------------------------------------------------------------------------------------


def set_priorities(
    store: Store, campaign_name: str, priorities: Sequence[tuple[str, float, str]], *, actor: str = "system"
) -> int:
    """Make comparisons more or less urgent in every round; returns how many queue rows changed.

    Args:
        store: the database.
        campaign_name: the campaign.
        priorities: external comparison id, priority (higher comes first; 0 is the default), reason.
        actor: who asked.

    Raises:
        NotFound: no such campaign.
        Conflict: an id is unknown; nothing is changed.
    """
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        return apply_priorities(connection, campaign, priorities, actor=actor)[1]


def apply_priorities(
    connection: Connection, campaign: Campaign, priorities: Sequence[tuple[str, float, str]], *, actor: str
) -> tuple[Mapping[str, int], int, int]:
    """`set_priorities` inside a transaction of the caller: the row numbers by id, queue rows changed, the event."""
    wanted = {external_id: (priority, reason) for external_id, priority, reason in priorities}
    ids = _row_ids(connection, campaign, sorted(wanted))
    round_ids = [round_.id for round_ in rounds_of(connection, campaign.id)]
    n_changed = 0
    for name in sorted(wanted, key=ids.__getitem__):
        here = (_queue.c.comparison_id == ids[name]) & _queue.c.round_id.in_(round_ids)
        lock_in_order(connection, here)
        priority, reason = wanted[name]
        n_changed += connection.execute(
            update(_queue).where(here).values(priority=priority, priority_reason=reason)
        ).rowcount
    event_id = events.record(
        connection,
        actor=actor,
        action="priorities.set",
        subject=f"campaign {campaign.name}",
        campaign_id=campaign.id,
        detail={"n_comparisons": len(wanted), "n_queue_items": n_changed},
    )
    return ids, n_changed, event_id


def _row_ids(connection: Connection, campaign: Campaign, names: Sequence[str]) -> dict[str, int]:
    """Row numbers of comparisons by external id; all of them must be there."""
    comparison, ids = tables.comparison, dict[str, int]()
    for some in batched(names):
        rows = connection.execute(
            select(comparison.c.external_id, comparison.c.id).where(
                comparison.c.campaign_id == campaign.id, comparison.c.external_id.in_(some)
            )
        )
        ids.update((row.external_id, row.id) for row in rows)
    unknown = [name for name in names if name not in ids]
    if unknown:
        raise Conflict(
            f"{len(unknown)} of {len(names)} comparisons are not in campaign {campaign.name!r}, "
            f"the first is {unknown[0]!r}. Nothing was changed."
        )
    return ids


# --- counters ----------------------------------------------------------------------------------------------------


def recount(connection: Connection, *, chosen: ColumnElement[bool]) -> None:
    """Set queue counters from the facts: assignments that take a place and are leased or submitted.

    Queue items of an import that is not complete stay closed, and what it brought does not count yet.

    Args:
        connection: a write transaction.
        chosen: a condition on `queue_item`: which counters.
    """
    lock_in_order(connection, chosen)
    comparison, round_ = tables.comparison, tables.round_
    is_there = and_(
        exists().where(comparison.c.id == _queue.c.comparison_id, visible(comparison.c.batch_id)),
        exists().where(round_.c.id == _queue.c.round_id, visible(round_.c.batch_id)),
    )
    connection.execute(
        update(_queue)
        .where(chosen)
        .values(
            n_taken=counted_places(),
            is_open=and_(counted_places() < _queue.c.n_slots, _is_collecting, is_there, ~is_accepted()),
        )
    )


def is_accepted() -> ColumnElement[bool]:
    """Whether a model's label stands for a queue item, so that people are not asked (see `app.services.prejudging`)."""
    batch, one = tables.prejudging, tables.prejudged
    return exists().where(
        one.c.comparison_id == _queue.c.comparison_id,
        one.c.outcome == "accepted",
        one.c.prejudging_id == batch.c.id,
        batch.c.round_id == _queue.c.round_id,
        batch.c.state == "standing",
    )


def counted_places() -> ScalarSelect[int]:
    """How many places of a queue item are taken, counted from the facts: work leased or submitted, imports complete."""
    return (
        select(func.count())
        .select_from(_assignment)
        .where(
            _assignment.c.comparison_id == _queue.c.comparison_id,
            _assignment.c.round_id == _queue.c.round_id,
            _assignment.c.scope == _queue.c.scope,
            _assignment.c.takes_place,
            _assignment.c.state.in_([AssignmentState.OPEN.value, AssignmentState.SUBMITTED.value]),
            visible(_assignment.c.batch_id),
        )
        .correlate(_queue)
        .scalar_subquery()
    )


def lock_in_order(connection: Connection, chosen: ColumnElement[bool]) -> None:
    """Wait until nobody leases these queue items; everybody who waits for several takes them in this order.

    Without the wait, PostgreSQL would count a lease's facts before it commits and then overwrite its counter.
    """
    if connection.dialect.name != "sqlite":  # there a write transaction is alone anyway
        order = (_queue.c.comparison_id, _queue.c.round_id, _queue.c.scope)
        locking = select(func.count()).select_from(
            select(_queue.c.round_id).where(chosen).order_by(*order).with_for_update().subquery()
        )
        connection.execute(locking)
