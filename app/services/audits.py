"""Audits while work goes on: a batch of settled comparisons, a sample that somebody senior judges, and what follows.

The auditor answers without seeing the label, then says of a label that differs whether it is wrong. More wrong ones
than the plan allows reject the batch: all its comparisons return to the queue for further votes.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, exists, func, insert, or_, select, update

from app.domain import AssignmentState, Campaign, Comparison, ItemState, Rater, Round, utc_now
from app.errors import Conflict, InvalidInput, NotFound
from app.policy import Action
from app.services import events
from app.services.collecting import grant_places
from app.services.lookup import find_account, find_campaign, find_round, require, require_named, rounds_of, rubric_of
from app.services.wording import said
from app.stats.intervals import wilson
from app.stats.results import Estimate
from app.stats.sampling_plans import AcceptancePlan, find_plan
from app.store import tables
from app.store.bulk import insert_rows
from app.store.engine import Store
from app.store.queries import read_comparisons
from rubrics.answers import Answer
from rubrics.model import Rubric
from rubrics.submission import shape_problems

OPEN, ACCEPTED, REJECTED = "open", "accepted", "rejected"
BATCH, GOOD, BAD = 200, 0.05, 0.15
"""Comparisons in a batch, the defect share that should pass, and the one that must not."""

_audit, _item = tables.audit, tables.audit_item
_queue, _decision, _comparison = tables.queue_item, tables.overlap_decision, tables.comparison


@dataclass(frozen=True)
class Audit:
    """One batch and how far its inspection is.

    Attributes:
        plan: sample size n, acceptance number c, and the quality that they protect.
        n_inspected: sampled comparisons with an auditor's word.
        n_defects: labels found wrong.
        defect_share: of the inspected ones, with interval.
    """

    id: int
    round: str
    position: int
    state: str
    plan: AcceptancePlan
    n_items: int
    n_inspected: int
    n_defects: int
    defect_share: Estimate
    opened_by: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class AuditCase:
    """A sampled comparison as its auditor sees it.

    Attributes:
        answer: what the auditor answered; None before.
        label: what the votes had settled on; None until the auditor answered.
    """

    audit_id: int
    comparison: Comparison
    rubric: Rubric
    answer: Answer | None
    label: str | None


def start(
    store: Store,
    actor_name: str,
    campaign_name: str,
    *,
    round_name: str | None = None,
    size: int = BATCH,
    good: float = GOOD,
    bad: float = BAD,
    now: datetime | None = None,
    chance: random.Random | None = None,
) -> Audit:
    """Open an audit of the settled pairs that none has taken yet, oldest first.

    Args:
        store: the database.
        actor_name: an account that may adjudicate in the campaign.
        campaign_name: the campaign.
        round_name: the round; by default the one with the most pairs to audit.
        size: comparisons in the batch, or as many as there are.
        good: defect share of a batch that should pass.
        bad: defect share of a batch that must not pass.
        now: the time; the clock by default.
        chance: draws the sample.

    Raises:
        NotFound: no such account, campaign or round.
        NotAllowed: the account may not adjudicate here.
        InvalidInput: a batch of nothing, or shares out of order.
        Conflict: no settled pair waits for an audit.
    """
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        actor = find_account(connection, actor_name)
        require(connection, actor, Action.ADJUDICATE, campaign=campaign)
        round_ = _round_to_audit(connection, campaign, round_name)
        opened = _open(
            connection, campaign, round_, size=size, good=good, bad=bad, actor=actor.name, now=now or utc_now(),
            chance=chance or random.Random(),
        )  # fmt: skip
        return _audits(connection, campaign, only=opened)[0]


def open_due(store: Store, *, now: datetime | None = None) -> int:
    """Open an audit in every open round whose rules ask for one and that has a batch full; returns how many."""
    n_opened = 0
    with store.write() as connection:
        campaigns = connection.scalars(select(tables.campaign.c.name).where(tables.campaign.c.state == "open")).all()
        for campaign in [find_campaign(connection, name) for name in campaigns]:
            for round_ in rounds_of(connection, campaign.id):
                size = round_.rules.audit_batch
                if round_.state == "open" and size and _n_waiting(connection, round_) >= size:
                    options: dict[str, Any] = {"size": size, "good": GOOD, "bad": BAD, "actor": "system"}
                    _open(connection, campaign, round_, **options, now=now or utc_now(), chance=random.Random())
                    n_opened += 1
    return n_opened


def list_audits(store: Store, actor_name: str | None, campaign_name: str) -> list[Audit]:
    """The audits of a campaign, open ones first, then the latest.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not adjudicate here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require_named(connection, actor_name, Action.ADJUDICATE, campaign=campaign)
        found = _audits(connection, campaign)
    return sorted(found, key=lambda one: (one.state != OPEN, -one.id))


def n_waiting(store: Store, actor_name: str | None, campaign_name: str) -> dict[str, int]:
    """Round's name -> settled pairs that no audit has taken yet; rounds with none are left out.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not adjudicate here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require_named(connection, actor_name, Action.ADJUDICATE, campaign=campaign)
        counts = {one.name: _n_waiting(connection, one) for one in rounds_of(connection, campaign.id)}
    return {name: n for name, n in counts.items() if n}


def next_case(store: Store, actor_name: str, campaign_name: str, audit_id: int) -> AuditCase | None:
    """The sampled comparison that an auditor inspects next; None where none is left for them.

    Nobody audits a comparison that they judged themselves. One that they answered and said nothing more of comes first.

    Raises:
        NotFound: no such account, campaign or audit.
        NotAllowed: the account may not adjudicate here.
    """
    with store.read() as connection:
        campaign, actor = _auditor(connection, actor_name, campaign_name)
        audit = _find(connection, campaign, audit_id)
        if audit.state != OPEN:
            return None
        row = connection.execute(_left(audit_id, actor).limit(1)).first()
        if row is None:
            return None
        comparison = next(read_comparisons(connection, [row.comparison_id])).comparison
        version = connection.scalar(select(tables.round_.c.rubric_version).where(tables.round_.c.id == audit.round_id))
        answer = None if row.answer is None else Answer.from_dict(row.answer)
        rubric = rubric_of(connection, version)
    return AuditCase(audit_id, comparison, rubric, answer, None if answer is None else row.label)


def answer_case(
    store: Store, actor_name: str, campaign_name: str, audit_id: int, comparison_id: str, *, answer: Answer,
    now: datetime | None = None,
) -> str | None:  # fmt: skip
    """Take an auditor's own answer and show the label: None where it says the same, which ends the inspection.

    Raises:
        NotFound: no such account, campaign, audit or sampled comparison.
        NotAllowed: the account may not adjudicate here.
        Conflict: the audit is closed, or somebody answered before.
        InvalidInput: the answer does not fit the rubric.
    """
    now = now or utc_now()
    with store.write() as connection:
        campaign, actor = _auditor(connection, actor_name, campaign_name)
        audit, item, comparison = _sampled(connection, campaign, audit_id, comparison_id)
        if item.answer is not None:
            raise Conflict(f"{item.auditor} answered comparison {comparison_id!r} already: take the next.")
        version = connection.scalar(select(tables.round_.c.rubric_version).where(tables.round_.c.id == audit.round_id))
        problems = shape_problems(rubric_of(connection, version), {}, overall=answer, completion_ids=comparison)
        if problems:
            raise InvalidInput(str(problems[0]))
        agrees = answer.preferred == item.label
        values = {"answer": answer.to_dict(), "auditor": actor.name, "is_defect": False if agrees else None}
        _write(connection, item, {**values, "inspected_at": now})
        if agrees:
            _conclude(connection, campaign, audit, actor=actor.name, now=now)
    return None if agrees else str(item.label)


def judge_label(
    store: Store, actor_name: str, campaign_name: str, audit_id: int, comparison_id: str, *, is_wrong: bool,
    reason: str, now: datetime | None = None,
) -> None:  # fmt: skip
    """Say of a label that differs from one's own answer whether it is wrong; wrong ones count against the batch.

    Raises:
        NotFound: no such account, campaign, audit or sampled comparison.
        NotAllowed: the account may not adjudicate here, or somebody else answered.
        Conflict: the audit is closed, or nothing is left to say of the comparison.
        InvalidInput: no reason.
    """
    now = now or utc_now()
    reason = said(reason, "reason", remedy="Say why: an audit without reasons teaches nobody.")
    with store.write() as connection:
        campaign, actor = _auditor(connection, actor_name, campaign_name)
        audit, item, _ = _sampled(connection, campaign, audit_id, comparison_id)
        if item.answer is None or item.is_defect is not None or item.auditor != actor.name:
            raise Conflict(f"Comparison {comparison_id!r} waits for no word of {actor.name}: take the next.")
        _write(connection, item, {"is_defect": is_wrong, "reason": reason, "inspected_at": now})
        _conclude(connection, campaign, audit, actor=actor.name, now=now)


# --- opening -----------------------------------------------------------------------------------------------------


def _auditable(round_id: int) -> Select[Any]:
    """Settled pairs of a round that no audit has, or that were settled anew since one rejected them; oldest first."""
    newest = (
        select(func.max(_decision.c.id).label("id"))
        .where(_decision.c.round_id == round_id)
        .group_by(_decision.c.comparison_id, _decision.c.scope)
        .subquery()
    )
    taken = exists().where(
        _item.c.comparison_id == _decision.c.comparison_id,
        _item.c.audit_id == _audit.c.id,
        _audit.c.round_id == round_id,
        or_(_audit.c.state != REJECTED, _audit.c.closed_at >= _decision.c.decided_at),
    )
    is_settled = and_(
        _queue.c.round_id == _decision.c.round_id,
        _queue.c.comparison_id == _decision.c.comparison_id,
        _queue.c.scope == _decision.c.scope,
        _queue.c.state == ItemState.SETTLED.value,
    )
    return (
        select(_decision.c.comparison_id, _decision.c.answer)
        .select_from(_decision.join(newest, newest.c.id == _decision.c.id).join(_queue, is_settled))
        .where(_decision.c.answer.is_not(None), ~taken)
        .order_by(_decision.c.id)
    )


def _n_waiting(connection: Connection, round_: Round) -> int:
    return connection.scalar(select(func.count()).select_from(_auditable(round_.id).subquery())) or 0


def _round_to_audit(connection: Connection, campaign: Campaign, name: str | None) -> Round:
    if name is not None:
        return find_round(connection, campaign, name)
    rounds = rounds_of(connection, campaign.id)
    return max(rounds, key=lambda one: _n_waiting(connection, one))


def _open(
    connection: Connection, campaign: Campaign, round_: Round, *, size: int, good: float, bad: float, actor: str,
    now: datetime, chance: random.Random,
) -> int:  # fmt: skip
    """Write an audit and its items inside the caller's transaction; returns its number."""
    if size < 1:
        raise InvalidInput(f"A batch of {size} has nothing to inspect: use at least 1.")
    own_row = select(tables.round_.c.id).where(tables.round_.c.id == round_.id)
    connection.execute(own_row.with_for_update(key_share=True))  # two audits do not take the same comparisons
    found = connection.execute(_auditable(round_.id).limit(size)).all()
    if not found:
        raise Conflict(f"No settled pair of round {round_.name!r} waits for an audit: collect votes first.")
    try:
        plan = find_plan(len(found), good=good, bad=bad)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    position = connection.scalar(select(func.count()).select_from(_audit).where(_audit.c.round_id == round_.id)) or 0
    row = {
        "round_id": round_.id,
        "position": position + 1,
        "n_items": len(found),
        "n_sampled": plan.n,
        "max_defects": plan.c,
        "plan": asdict(plan),
        "state": OPEN,
        "opened_by": actor,
        "opened_at": now,
    }
    audit_id = connection.execute(insert(_audit).returning(_audit.c.id), row).scalar_one()
    sample = set(chance.sample([one.comparison_id for one in found], plan.n))
    items = [
        {
            "audit_id": audit_id,
            "comparison_id": one.comparison_id,
            "label": one.answer,
            "is_sampled": one.comparison_id in sample,
        }
        for one in found
    ]
    insert_rows(connection, _item, items)
    detail = {"round": round_.name, "n_items": len(found), "n": plan.n, "c": plan.c, "good": good, "bad": bad}
    subject = f"audit {audit_id}"
    events.record(
        connection, actor=actor, action="audit.opened", subject=subject, campaign_id=campaign.id, detail=detail
    )
    return audit_id


# --- inspecting --------------------------------------------------------------------------------------------------


def _auditor(connection: Connection, actor_name: str, campaign_name: str) -> tuple[Campaign, Rater]:
    campaign = find_campaign(connection, campaign_name)
    actor = find_account(connection, actor_name)
    require(connection, actor, Action.ADJUDICATE, campaign=campaign)
    return campaign, actor


def _find(connection: Connection, campaign: Campaign, audit_id: int, *, locked: bool = False) -> Row[Any]:
    statement = (
        select(_audit)
        .join(tables.round_, tables.round_.c.id == _audit.c.round_id)
        .where(_audit.c.id == audit_id, tables.round_.c.campaign_id == campaign.id)
    )
    row = connection.execute(statement.with_for_update(of=_audit) if locked else statement).first()
    if row is None:
        raise NotFound(f"Campaign {campaign.name!r} has no audit {audit_id}.")
    return row


def _left(audit_id: int, actor: Rater) -> Select[Any]:
    """The sampled comparisons that wait for this auditor's word; those that they answered first."""
    assignment = tables.assignment
    judged = exists().where(
        assignment.c.comparison_id == _item.c.comparison_id,
        assignment.c.rater_id == actor.id,
        assignment.c.state == AssignmentState.SUBMITTED.value,
    )
    waits = or_(_item.c.answer.is_(None), and_(_item.c.is_defect.is_(None), _item.c.auditor == actor.name))
    return (
        select(_item)
        .where(_item.c.audit_id == audit_id, _item.c.is_sampled, waits, ~judged)
        .order_by(_item.c.answer.is_(None), _item.c.comparison_id)
    )


def _sampled(
    connection: Connection, campaign: Campaign, audit_id: int, comparison_id: str
) -> tuple[Row[Any], Row[Any], tuple[str, ...]]:
    """An open audit (locked), one of its sampled items, and the comparison's completions in id order."""
    audit = _find(connection, campaign, audit_id, locked=True)
    if audit.state != OPEN:
        raise Conflict(f"Audit {audit_id} is {audit.state}: nothing more is inspected.")
    item = connection.execute(
        select(_item)
        .join(_comparison, _comparison.c.id == _item.c.comparison_id)
        .where(_item.c.audit_id == audit_id, _item.c.is_sampled, _comparison.c.external_id == comparison_id)
    ).first()
    if item is None:
        raise NotFound(f"Audit {audit_id} has no sampled comparison {comparison_id!r}.")
    slot = tables.completion.c.slot
    slots = connection.scalars(select(slot).where(tables.completion.c.comparison_id == item.comparison_id))
    return audit, item, tuple(sorted(slots))


def _write(connection: Connection, item: Row[Any], values: dict[str, Any]) -> None:
    here = (_item.c.audit_id == item.audit_id) & (_item.c.comparison_id == item.comparison_id)
    connection.execute(update(_item).where(here).values(**values))


def _conclude(connection: Connection, campaign: Campaign, audit: Row[Any], *, actor: str, now: datetime) -> None:
    """Record the inspection, and close the audit once its outcome can no longer change."""
    n_inspected, n_defects = connection.execute(
        select(func.count(), func.count().filter(_item.c.is_defect)).where(
            _item.c.audit_id == audit.id, _item.c.is_defect.is_not(None)
        )
    ).one()
    is_rejected = n_defects > audit.max_defects
    is_accepted = n_defects + audit.n_sampled - n_inspected <= audit.max_defects or n_inspected == audit.n_sampled
    action = "audit.rejected" if is_rejected else "audit.accepted" if is_accepted else "audit.inspected"
    detail = {"n_inspected": n_inspected, "n_defects": n_defects, "n": audit.n_sampled, "c": audit.max_defects}
    events.record(
        connection, actor=actor, action=action, subject=f"audit {audit.id}", campaign_id=campaign.id, detail=detail
    )
    if not (is_rejected or is_accepted):
        return
    state = REJECTED if is_rejected else ACCEPTED
    connection.execute(update(_audit).where(_audit.c.id == audit.id).values(state=state, closed_at=now))
    if is_rejected:
        round_ = next(one for one in rounds_of(connection, campaign.id) if one.id == audit.round_id)
        batch = connection.scalars(select(_item.c.comparison_id).where(_item.c.audit_id == audit.id)).all()
        grant_places(connection, round_, batch, n_more=round_.rules.overlap)


def _audits(connection: Connection, campaign: Campaign, *, only: int | None = None) -> list[Audit]:
    rows = connection.execute(
        select(
            _audit,
            tables.round_.c.name.label("round"),
            func.count().filter(_item.c.is_defect.is_not(None)).label("n_inspected"),
            func.count().filter(_item.c.is_defect).label("n_defects"),
        )
        .select_from(_audit.join(tables.round_).join(_item, _item.c.audit_id == _audit.c.id))
        .where(tables.round_.c.campaign_id == campaign.id, True if only is None else _audit.c.id == only)
        .group_by(_audit.c.id, tables.round_.c.name)
        .order_by(_audit.c.id)
    )
    return [
        Audit(
            id=row.id,
            round=row.round,
            position=row.position,
            state=row.state,
            plan=AcceptancePlan(**row.plan),
            n_items=row.n_items,
            n_inspected=row.n_inspected,
            n_defects=row.n_defects,
            defect_share=wilson(row.n_defects, row.n_inspected),
            opened_by=row.opened_by,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
        )
        for row in rows
    ]
