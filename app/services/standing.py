"""Where a rater stands in a campaign, the decisions that put them there, and the skills they hold.

A decision is a row with its figures and an explanation in plain words, and an event. The latest one that moves the
state and was not withdrawn holds; without any, the state of the account does. An account that an admin paused or
retired is so everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, exists, func, insert, or_, select, update

from app.domain import STATE_AFTER, Campaign, Decision, Rater, RaterState, Round
from app.services import events
from app.store import tables

_decision = tables.rater_decision
_skill = tables.rater_skill

EVERYWHERE = frozenset({RaterState.PAUSED, RaterState.RETIRED})
"""States of an account that no campaign can lift."""

APPEALABLE = (Decision.FAILED, Decision.WARNED, Decision.PAUSED, Decision.REVIEW)
"""Decisions that a rater may call wrong."""

LEVELS = {1: "foundation", 2: "advanced", 3: "expert"}


@dataclass(frozen=True)
class RaterDecision:
    """One decision about a rater.

    Attributes:
        figures: the numbers it rests on.
        explanation: what it means, for the rater.
        distrusts_from: judgments from then until the decision weigh less; None for none.
        is_withdrawn: whether an appeal was granted.
    """

    id: int
    decision: Decision
    figures: Mapping[str, Any]
    explanation: str
    decided_by: str
    decided_at: datetime
    appeal: str | None = None
    appealed_at: datetime | None = None
    appeal_answer: str | None = None
    answered_by: str | None = None
    distrusts_from: datetime | None = None
    is_withdrawn: bool = False


@dataclass(frozen=True)
class Standing:
    """Where a rater stands in a campaign, and the decision behind it (None: the account's own state)."""

    state: RaterState
    decision: RaterDecision | None = None

    @property
    def awaits_person(self) -> bool:
        """Whether only a designer can go on."""
        return self.decision is not None and self.decision.decision is Decision.REVIEW


def standing_of(connection: Connection, rater: Rater, campaign_id: int) -> Standing:
    """Where a rater stands in a campaign now."""
    row = connection.execute(_latest_query(), {"rater_id": rater.id, "campaign_id": campaign_id}).first()
    if row is None or rater.state in EVERYWHERE:
        return Standing(rater.state)
    found = decision_of(row)
    return Standing(STATE_AFTER[found.decision], found)


def decisions_of(connection: Connection, rater: Rater, campaign_id: int) -> list[RaterDecision]:
    """Every decision about a rater in a campaign, newest first."""
    rows = connection.execute(
        select(_decision)
        .where(_decision.c.rater_id == rater.id, _decision.c.campaign_id == campaign_id)
        .order_by(_decision.c.id.desc())
    )
    return [decision_of(row) for row in rows]


def decide(
    connection: Connection,
    rater: Rater,
    campaign: Campaign,
    decision: Decision,
    *,
    figures: Mapping[str, Any],
    explanation: str,
    actor: str,
    now: datetime,
    distrusts_from: datetime | None = None,
) -> int:
    """Write a decision and its event inside the caller's transaction; returns its number.

    An applicant's account becomes qualified with the first exam that is passed.
    """
    row = {
        "rater_id": rater.id,
        "campaign_id": campaign.id,
        "decision": decision.value,
        "figures": dict(figures),
        "explanation": explanation,
        "decided_by": actor,
        "decided_at": now,
        "distrusts_from": distrusts_from,
    }
    decision_id = connection.execute(insert(_decision).returning(_decision.c.id), row).scalar_one()
    is_new = rater.state in (RaterState.APPLICANT, RaterState.TRAINING)
    if is_new and STATE_AFTER.get(decision) is RaterState.QUALIFIED:
        own = tables.rater.c.id == rater.id
        connection.execute(update(tables.rater).where(own).values(state=RaterState.QUALIFIED.value))
    events.record(
        connection,
        actor=actor,
        action=f"rater.{decision.value}",
        subject=f"rater {rater.name}",
        campaign_id=campaign.id,
        detail={"decision": decision_id, "explanation": explanation, **figures},
    )
    return decision_id


# --- skills and certificates -----------------------------------------------------------------------------------------


def certificate_skill(rubric_version: str) -> str:
    """The skill that an exam under this rubric version grants."""
    return f"certified:{rubric_version[:16]}"


def grant(
    connection: Connection,
    rater: Rater,
    skill: str,
    *,
    level: int,
    evidence: Mapping[str, Any],
    now: datetime,
    campaign_id: int | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Let a rater hold a skill at a level, in place of what they held of it in the same place."""
    end_skill(connection, rater, skill, campaign_id=campaign_id, now=now)
    here = _skill.c.campaign_id.is_(None) if campaign_id is None else _skill.c.campaign_id == campaign_id
    mine = (_skill.c.rater_id == rater.id, _skill.c.skill == skill, here)
    last = connection.scalar(select(func.max(_skill.c.granted_at)).where(*mine))
    row = {
        "rater_id": rater.id,
        "campaign_id": campaign_id,
        "skill": skill,
        "level": level,
        "evidence": dict(evidence),
        "granted_at": now if last is None or last < now else last + timedelta(microseconds=1),
        "expires_at": expires_at,
    }
    connection.execute(insert(_skill), row)


def end_skill(connection: Connection, rater: Rater, skill: str, *, campaign_id: int | None, now: datetime) -> bool:
    """End what a rater holds of a skill in one place; the row stays. Returns whether there was any."""
    here = _skill.c.campaign_id.is_(None) if campaign_id is None else _skill.c.campaign_id == campaign_id
    held = or_(_skill.c.expires_at.is_(None), _skill.c.expires_at > now)
    ended = connection.execute(
        update(_skill)
        .where(_skill.c.rater_id == rater.id, _skill.c.skill == skill, here, held)
        .values(expires_at=now - timedelta(microseconds=1))
    )
    return ended.rowcount > 0


def is_certified(connection: Connection, round_: Round, rater: Rater, *, now: datetime) -> bool:
    """Whether a rater may have work of a round as far as its exam is concerned: certified, or none is asked."""
    if round_.rules.calibration is None:
        return True
    wanted = {"rater_id": rater.id, "campaign_id": round_.campaign_id, "now": now}
    return bool(connection.scalar(_held_query(), {**wanted, "skill": certificate_skill(round_.rubric_version)}))


@cache
def _held_query() -> Select[Any]:
    """Whether `:rater_id` holds `:skill` in `:campaign_id`."""
    return select(
        exists().where(
            _skill.c.rater_id == bindparam("rater_id"),
            _skill.c.skill == bindparam("skill"),
            _skill.c.campaign_id == bindparam("campaign_id"),
            or_(_skill.c.expires_at.is_(None), _skill.c.expires_at > bindparam("now", type_=_skill.c.expires_at.type)),
        )
    )


@cache
def _latest_query() -> Select[Any]:
    """The decision that holds; built once, because building it takes longer than running it."""
    return (
        select(_decision)
        .where(
            _decision.c.rater_id == bindparam("rater_id"),
            _decision.c.campaign_id == bindparam("campaign_id"),
            _decision.c.decision.in_([one.value for one in STATE_AFTER]),
            _decision.c.withdrawn_at.is_(None),
        )
        .order_by(_decision.c.id.desc())
        .limit(1)
    )


def decision_of(row: Row[Any]) -> RaterDecision:
    """A row as a decision."""
    return RaterDecision(
        id=row.id,
        decision=Decision(row.decision),
        figures=row.figures,
        explanation=row.explanation,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        appeal=row.appeal,
        appealed_at=row.appealed_at,
        appeal_answer=row.appeal_answer,
        answered_by=row.answered_by,
        distrusts_from=row.distrusts_from,
        is_withdrawn=row.withdrawn_at is not None,
    )
