"""What people say of labels that a model gave: where they have decided, how often they differ, and when labels fall.

A label that stands is audited by lot: people judge it as if the model had said nothing. When it is refuted that the
error among audited labels lies within its bound, all labels of that batch are withdrawn in the same transaction: its
judgments stop counting, and the comparisons wait for people again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, Row, Select, bindparam, exists, select, update

from app.domain import OVERALL, AssignmentState, Campaign, Purpose, RaterKind
from app.services import events
from app.services.lookup import campaign_of
from app.services.queueing import recount
from app.stats.acceptance import Audit, audit
from app.store import tables
from app.store.engine import batched
from app.store.reviews import is_settled_otherwise
from app.store.visibility import visible
from rubrics.answers import BOTH_BAD, TIE, Answer, outcome

STANDING, WITHDRAWN = "standing", "withdrawn"
ACCEPTED, AUDIT, PEOPLE, CALIBRATION, GOLD = "accepted", "audit", "people", "calibration", "gold"

_assignment, _judgment, _verdict = tables.assignment, tables.judgment, tables.verdict
_prejudging, _prejudged, _queue = tables.prejudging, tables.prejudged, tables.queue_item


def slots_of(connection: Connection, row_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Row number -> the two completion ids of some pairs."""
    completion = tables.completion
    slots: dict[int, list[str]] = {}
    for some in batched(sorted(row_ids)):
        for row in connection.execute(select(completion).where(completion.c.comparison_id.in_(some))):
            slots.setdefault(row.comparison_id, []).append(row.slot)
    return {name: (min(pair), max(pair)) for name, pair in slots.items()}


def people_verdicts(
    connection: Connection,
    round_id: int,
    kinds: Iterable[RaterKind],
    slots: Mapping[int, tuple[str, str]],
    *,
    only: Collection[int] | None = None,
) -> dict[int, str]:
    """Row number -> what people say (a completion id, "tie" or "both_bad") of the pairs with which they are done.

    They are done where the round asks nobody any more and nobody holds a lease.

    Args:
        connection: a transaction.
        round_id: the round.
        kinds: the kinds of rater that count.
        slots: of `slots_of`, for the pairs that are looked at.
        only: row numbers to look at; None for all.
    """
    votes: dict[int, Counter[str]] = {}
    for some in [None] if only is None else batched(sorted(only)):
        for row in _latest(connection, round_id, [kind.value for kind in kinds], some):
            said = outcome(_answer(row), *slots[row.pair])
            named = {"first": slots[row.pair][0], "second": slots[row.pair][1], TIE: TIE, BOTH_BAD: BOTH_BAD}
            if said in named:
                votes.setdefault(row.pair, Counter())[named[said]] += 1
    return {name: verdict_of(counts) for name, counts in votes.items()}


def verdict_of(votes: Counter[str]) -> str:
    """What some votes on a pair say: a completion id, "tie" or "both_bad".

    The rule of `app.services.consensus`: both_bad from half of the votes on, a tie where more than half say so or
    neither side leads.
    """
    if 2 * votes[BOTH_BAD] >= votes.total():
        return BOTH_BAD
    sides = sorted(((count, side) for side, count in votes.items() if side not in (TIE, BOTH_BAD)), reverse=True)
    is_level = not sides or (len(sides) > 1 and sides[0][0] == sides[1][0])
    return TIE if is_level or 2 * votes[TIE] > votes.total() else sides[0][1]


def _answer(row: Row) -> Answer:
    """The overall answer of a vote, as a senior settled it where they did."""
    if row.settled is not None:
        return Answer.from_dict(row.settled[OVERALL])
    return Answer(row.preferred, row.strength, row.scores, row.checks, row.ranking)


def _latest(connection: Connection, round_id: int, kinds: list[str], only: Collection[int] | None) -> list[Row]:
    """The overall verdicts that count, one row a judgment, its latest revision."""
    query = _votes_query(round_id, kinds)
    if only is not None:
        query = query.where(_assignment.c.comparison_id.in_(only))
    last = {row.assignment_id: row for row in connection.execute(query.order_by(_judgment.c.revision))}
    return list(last.values())


def _votes_query(round_id: int, kinds: list[str]) -> Select:
    open_place = _assignment.alias("held")
    is_held = exists().where(
        open_place.c.round_id == round_id,
        open_place.c.comparison_id == _queue.c.comparison_id,
        open_place.c.takes_place,
        open_place.c.state == AssignmentState.OPEN.value,
    )
    asks = _queue.alias("asks")
    is_asked = exists().where(
        asks.c.round_id == round_id, asks.c.comparison_id == _queue.c.comparison_id, asks.c.is_open
    )
    done = select(_queue.c.comparison_id).where(_queue.c.round_id == round_id, ~is_asked, ~is_held)
    return (
        select(
            _judgment.c.assignment_id,
            _assignment.c.comparison_id.label("pair"),
            tables.review.c.answers.label("settled"),
            _verdict,
        )
        .join(_assignment, _assignment.c.id == _judgment.c.assignment_id)
        .join(tables.rater, tables.rater.c.id == _assignment.c.rater_id)
        .join(_verdict, _verdict.c.judgment_id == _judgment.c.id)
        .outerjoin(tables.review, (tables.review.c.judgment_id == _judgment.c.id) & is_settled_otherwise())
        .where(
            _assignment.c.round_id == round_id,
            _assignment.c.purpose == Purpose.WORK.value,
            _assignment.c.comparison_id.in_(done),
            _verdict.c.criterion == OVERALL,
            tables.rater.c.kind.in_(kinds),
            visible(_judgment.c.batch_id),
        )
    )


# --- measuring and withdrawing -----------------------------------------------------------------------------------


def measure(connection: Connection, batch: Row) -> Audit:
    """The audit of one row of `prejudging`: its audited labels that people have decided, and their errors."""
    drawn = dict(
        connection.execute(
            select(_prejudged.c.comparison_id, _prejudged.c.preferred).where(
                _prejudged.c.prejudging_id == batch.id, _prejudged.c.outcome == AUDIT
            )
        ).all()
    )
    campaign = _campaign_of(connection, batch.round_id)
    slots = slots_of(connection, drawn)
    verdicts = people_verdicts(connection, batch.round_id, campaign.counted_kinds, slots, only=drawn)
    n_errors = sum(verdict != drawn[name] for name, verdict in verdicts.items())
    return audit(n_errors, len(verdicts), max_error=batch.max_error)


def _campaign_of(connection: Connection, round_id: int) -> Campaign:
    return campaign_of(
        connection.execute(
            select(tables.campaign)
            .join(tables.round_, tables.round_.c.campaign_id == tables.campaign.c.id)
            .where(tables.round_.c.id == round_id)
        ).one()
    )


_AUDITED = (
    select(_prejudging, _prejudged.c.preferred)
    .join(_prejudged, _prejudged.c.prejudging_id == _prejudging.c.id)
    .where(
        _prejudged.c.comparison_id == bindparam("comparison_id"),
        _prejudged.c.outcome == AUDIT,
        _prejudging.c.round_id == bindparam("round_id"),
        _prejudging.c.state == STANDING,
    )
)
"""The batches whose labels stand that audit `:comparison_id` in `:round_id`, with the label."""


def after_vote(connection: Connection, round_id: int, comparison_id: int, *, now: datetime) -> None:
    """Where a vote completes what people say of an audited label, and it is not the label: measure, and withdraw.

    Only a further error can cross the bound; a label that people confirm needs no look at the whole audit.
    """
    batches = connection.execute(_AUDITED, {"comparison_id": comparison_id, "round_id": round_id}).all()
    if not batches:
        return
    kinds = _campaign_of(connection, round_id).counted_kinds
    slots = slots_of(connection, [comparison_id])
    said = people_verdicts(connection, round_id, kinds, slots, only=[comparison_id]).get(comparison_id)
    for batch in batches:
        if said not in (None, batch.preferred):
            withdraw_if_crossed(connection, batch, now=now)


def withdraw_if_crossed(connection: Connection, batch: Row, *, now: datetime) -> Audit:
    """Measure a batch whose labels stand, and withdraw them where its bound is crossed."""
    found = measure(connection, batch)
    if found.is_crossed:
        reason = (
            f"people do not confirm {found.n_errors:,} of {found.n:,} audited labels: the error is above "
            f"{found.low:.1%} (at any time, 95 %), the bound is {found.max_error:.1%}"
        )
        withdraw_labels(connection, batch, reason=reason, actor="system", now=now)
    return found


def withdraw_labels(connection: Connection, batch: Row, *, reason: str, actor: str, now: datetime) -> int:
    """Let no label of a batch stand any more: they stop counting, and people are asked. Returns how many.

    0 where another vote withdrew them at the same moment.
    """
    is_standing = (_prejudging.c.id == batch.id) & (_prejudging.c.state == STANDING)
    if connection.scalar(select(_prejudging.c.id).where(is_standing).with_for_update()) is None:
        return 0
    accepted = list(
        connection.scalars(
            select(_prejudged.c.comparison_id)
            .where(_prejudged.c.prejudging_id == batch.id, _prejudged.c.outcome == ACCEPTED)
            .order_by(_prejudged.c.comparison_id)
        )
    )
    campaign_id = connection.scalar(select(tables.round_.c.campaign_id).where(tables.round_.c.id == batch.round_id))
    event_id = events.record(
        connection,
        actor=actor,
        action="prejudging.withdrawn",
        subject=f"prejudging {batch.id}",
        campaign_id=campaign_id,
        detail={"reason": reason, "n_labels": len(accepted)},
    )
    stated = {"state": WITHDRAWN, "withdrawn_at": now, "withdrawn_reason": reason, "event_id": event_id}
    connection.execute(update(_prejudging).where(_prejudging.c.id == batch.id).values(**stated))
    for some in batched(accepted):
        connection.execute(
            update(_assignment)
            .where(
                _assignment.c.round_id == batch.round_id,
                _assignment.c.rater_id == batch.rater_id,
                _assignment.c.comparison_id.in_(some),
            )
            .values(purpose=Purpose.AUDIT.value)
        )
        recount(connection, chosen=(_queue.c.round_id == batch.round_id) & _queue.c.comparison_id.in_(some))
    return len(accepted)
