"""The designer's inbox: what the rubric has to answer for, and the decisions that answer it.

Items are derived: adjudications that blame the rubric, questions and reports of raters, gold keys that raters
contradict, criteria on which agreement drops. A decision is a fact: it closes its item, says what becomes of it and,
once a version answers it, which one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from app.domain import Campaign, Cause, utc_now
from app.errors import Conflict, InvalidInput, NotFound
from app.policy import Action
from app.services import events, questions
from app.services.gold import GoldItem, gold_items
from app.services.lookup import find_account, find_campaign, require, rubric_of
from app.services.questions import QUESTION, Question
from app.services.sessions import Person
from app.services.wording import said
from app.store import tables
from app.store.engine import Store
from app.store.queries import Decision as Adjudicated
from app.store.queries import adjudications

_table = tables.inbox_decision


class ItemKind(StrEnum):
    """What an item is about."""

    VALUE_CONFLICT = "value_conflict"
    UNDERSPECIFIED = "underspecified"
    QUESTION = "question"
    REPORT = "report"
    GOLD = "gold"
    DRIFT = "drift"


class Outcome(StrEnum):
    """What becomes of an item."""

    CHANGE = "change"
    EXPLAIN = "explain"
    FIX_KEY = "fix_key"
    LEAVE = "leave"


BLAMED = {Cause.VALUE_CONFLICT: ItemKind.VALUE_CONFLICT, Cause.UNDERSPECIFIED: ItemKind.UNDERSPECIFIED}
"""Causes of disagreement for which the rubric has to answer."""


@dataclass(frozen=True)
class Item:
    """Something that waits for a designer.

    Attributes:
        subject: what it is about, in one word: "question:5", "drift:clarity".
        text: the words of whoever raised it, or the finding; literal.
        by: who raised it; empty for a finding.
        at: when it was raised; for a finding, since when it holds.
        comparison_id: the comparison to read, if it is about one.
        figures: the numbers behind a finding.
    """

    subject: str
    kind: ItemKind
    text: str
    by: str = ""
    at: datetime | None = None
    comparison_id: str | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class InboxDecision:
    """What a designer decided about an item.

    Attributes:
        text: of the item, as it stood.
        rubric_version: the version that answers it; None until one is named.
    """

    id: int
    campaign: str
    subject: str
    kind: ItemKind
    text: str
    comparison_id: str | None
    outcome: Outcome
    reason: str
    by: str
    at: datetime
    rubric_version: str | None = None


def open_items(store: Store, actor_name: str, campaign_name: str, findings: Mapping[str, Any]) -> list[Item]:
    """What waits in a campaign: people's words first, oldest first, then findings.

    Args:
        store: the database.
        actor_name: an account that may adjudicate in the campaign.
        campaign_name: the campaign.
        findings: the report `inbox` of `app.services.quality`: criteria whose agreement drops.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not adjudicate here.
    """
    asked = {
        one.id: one
        for with_answered in (False, True)  # the oldest that wait, and the latest that somebody answered elsewhere
        for one in questions.open_questions(store, actor_name, campaign_name, with_answered=with_answered)
    }
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.ADJUDICATE, campaign=campaign)
        raised = [one for one in adjudications(connection, campaign.id) if one.holds]
        keys = gold_items(connection, campaign)
        decided = {row.subject: row.decided_at for row in _rows(connection, campaign)}
    everything = [*_of_questions(asked.values()), *_of_adjudications(raised), *_of_gold(keys), *_of_findings(findings)]
    waiting = [item for item in everything if not _is_settled(item, decided.get(item.subject))]
    return sorted(waiting, key=lambda item: (bool(item.figures), item.at or datetime.min.replace(tzinfo=UTC)))


def decisions_in(store: Store, actor_name: str, campaign_name: str) -> list[InboxDecision]:
    """The decisions of a campaign, newest first.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not adjudicate here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.ADJUDICATE, campaign=campaign)
        return [_decision(row, campaign.name) for row in reversed(_rows(connection, campaign))]


def decisions_of_version(store: Store, person: Person, version: str) -> list[InboxDecision]:
    """The decisions that a rubric version answers, oldest first, of the campaigns in which the person may decide."""
    campaign = tables.campaign
    mine = [one.id for one in person.campaigns_for(Action.ADJUDICATE)]
    query = select(_table, campaign.c.name.label("campaign")).join(campaign, campaign.c.id == _table.c.campaign_id)
    here = (_table.c.rubric_version == version) & _table.c.campaign_id.in_(mine)
    with store.read() as connection:
        rows = connection.execute(query.where(here).order_by(_table.c.id))
        return [_decision(row, row.campaign) for row in rows]


def decide(
    store: Store, actor_name: str, campaign_name: str, item: Item, *, outcome: Outcome, reason: str
) -> InboxDecision:
    """Settle an item. The reason for a question or report is the answer that its rater reads.

    Where somebody answered the rater elsewhere, that answer stands and the reason is kept with the decision only.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not adjudicate here.
        InvalidInput: no reason, too long a one, or a key to fix where there is none.
        Conflict: somebody decided this meanwhile, or answered the rater otherwise.
    """
    _check(item, outcome, reason)
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        actor = find_account(connection, actor_name)
        require(connection, actor, Action.ADJUDICATE, campaign=campaign)
        own_row = select(tables.campaign.c.id).where(tables.campaign.c.id == campaign.id)
        connection.execute(own_row.with_for_update(key_share=True))  # two designers do not decide the same at once
        last = max((row.decided_at for row in _rows(connection, campaign) if row.subject == item.subject), default=None)
        if _is_settled(item, last):
            raise Conflict("Somebody decided this meanwhile; the inbox shows what is left.")
        if item.kind in (ItemKind.QUESTION, ItemKind.REPORT):
            _answer(connection, actor.name, item, reason)
        detail = {"subject": item.subject, "outcome": outcome.value, "reason": reason.strip()}
        event_id = events.record(
            connection,
            actor=actor.name,
            action="inbox.decided",
            subject=item.subject,
            campaign_id=campaign.id,
            detail=detail,
        )
        row = {
            "campaign_id": campaign.id,
            "subject": item.subject,
            "kind": item.kind.value,
            "text": item.text,
            "comparison": item.comparison_id,
            "figures": dict(item.figures),
            "outcome": outcome.value,
            "reason": reason.strip(),
            "decided_by": actor.name,
            "decided_at": utc_now(),
            "event_id": event_id,
        }
        return _decision(connection.execute(insert(_table).returning(_table), row).one(), campaign.name)


def link_version(
    store: Store, actor_name: str, campaign_name: str, decision_ids: Sequence[int], *, version: str
) -> int:
    """Name the version that answers some decisions; returns how many were linked.

    Raises:
        NotFound: no such account, campaign, version or decision.
        NotAllowed: the account may not publish rubrics in the campaign.
        InvalidInput: no decision is named.
    """
    if not decision_ids:
        raise InvalidInput("Name the decisions that the version answers.")
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        actor = find_account(connection, actor_name)
        require(connection, actor, Action.PUBLISH_RUBRIC, campaign=campaign)
        rubric = rubric_of(connection, version)
        here = (_table.c.campaign_id == campaign.id) & _table.c.id.in_(decision_ids)
        known = set(connection.scalars(select(_table.c.id).where(here)))
        unknown = sorted(set(decision_ids) - known)
        if unknown:
            raise NotFound(f"Campaign {campaign_name!r} has no decision {unknown[0]}.")
        connection.execute(update(_table).where(here).values(rubric_version=version))
        events.record(
            connection,
            actor=actor.name,
            action="inbox.linked",
            subject=f"rubric {rubric.key}",
            campaign_id=campaign.id,
            detail={"version": version, "decisions": sorted(known)},
        )
    return len(known)


def _check(item: Item, outcome: Outcome, reason: str) -> None:
    said(reason, "reason", remedy="A decision needs a reason: it stands for good.")
    if outcome is Outcome.FIX_KEY and item.kind is not ItemKind.GOLD:
        raise InvalidInput("There is no gold key to fix here: choose another outcome.")


def _answer(connection: Connection, actor_name: str, item: Item, reason: str) -> None:
    """Answer the rater, unless somebody has already: they keep the answer that they have."""
    question_id = int(item.subject.partition(":")[2])
    answered = connection.scalar(
        select(tables.rater_report.c.answered_at).where(tables.rater_report.c.id == question_id)
    )
    if answered is None:
        questions.answer_within(connection, actor_name, question_id, reason)


def _is_settled(item: Item, decided_at: datetime | None) -> bool:
    """Whether a decision covers an item: one made after it was raised."""
    return decided_at is not None and (item.at is None or decided_at >= item.at)


def _of_questions(asked: Iterable[Question]) -> Iterable[Item]:
    for one in asked:
        kind = ItemKind.QUESTION if one.kind == QUESTION else ItemKind.REPORT
        text = one.text if kind is ItemKind.QUESTION else f"{one.kind.replace('_', ' ')}: {one.text}".removesuffix(": ")
        yield Item(f"question:{one.id}", kind, text, one.rater, one.asked_at, one.comparison_id)


def _of_adjudications(raised: Iterable[Adjudicated]) -> Iterable[Item]:
    for one in raised:
        found = one.adjudication
        if found.cause in BLAMED:
            subject = f"adjudication:{found.round}/{one.comparison_id}/{one.position}"
            yield Item(subject, BLAMED[found.cause], found.reason, found.by, found.at, one.comparison_id)


def _of_gold(keys: Iterable[GoldItem]) -> Iterable[Item]:
    """Keys that strong raters contradict, and keys that were suspended for it."""
    for one in keys:
        subject, check = f"gold:{one.comparison_id}", one.check
        if one.suspended_at is not None:
            text = f"The gold key is suspended: {(one.suspended_for or {}).get('reason', 'no reason is kept')}."
            yield Item(subject, ItemKind.GOLD, text, "", one.suspended_at, one.comparison_id, one.suspended_for or {})
        elif check is not None and check.is_suspect:
            text = (
                f"{check.n_strong_wrong} of {check.n_strong} strong raters contradict the gold key; by it "
                f"{check.n_right} of {check.n} are right."
            )
            figures = {"p_value": check.p_value, "n": check.n, "n_right": check.n_right}
            yield Item(subject, ItemKind.GOLD, text, "", None, one.comparison_id, figures)


def _of_findings(findings: Mapping[str, Any]) -> Iterable[Item]:
    for one in findings.get("drift", ()):
        change = one["change"]
        text = (
            f"Raters agree less on {one['criterion']} than they did: {one['recent']:.2f} on the last {change['n']} "
            f"comparisons, {one['before']:.2f} on the {one['n_before']} before."
        )
        since = datetime.fromtimestamp(one["since"], UTC)
        yield Item(f"drift:{one['criterion']}", ItemKind.DRIFT, text, "", since, None, one)


def _rows(connection: Connection, campaign: Campaign) -> list[Row[Any]]:
    query = select(_table).where(_table.c.campaign_id == campaign.id)
    return list(connection.execute(query.order_by(_table.c.id)))


def _decision(row: Row[Any], campaign: str) -> InboxDecision:
    return InboxDecision(
        id=row.id,
        campaign=campaign,
        subject=row.subject,
        kind=ItemKind(row.kind),
        text=row.text,
        comparison_id=row.comparison,
        outcome=Outcome(row.outcome),
        reason=row.reason,
        by=row.decided_by,
        at=row.decided_at,
        rubric_version=row.rubric_version,
    )
