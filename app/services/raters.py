"""What a designer does with raters: see where each stands and why, pause, requalify, answer appeals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from app.domain import AssignmentState, Campaign, Decision, Rater, RaterState, Role, utc_now
from app.errors import Conflict, NotFound
from app.policy import Action
from app.services import events, gold_scoring, standing, watching
from app.services.lookup import find_account, find_campaign, locked_account, rater_of, require, rounds_of
from app.services.reporting import campaign_report
from app.services.standing import APPEALABLE, RaterDecision, Standing
from app.services.wording import said
from app.stats.flags import conduct_flags
from app.stats.rater_quality import decayed_accuracy
from app.stats.results import Estimate
from app.store import tables
from app.store.engine import Store

_decision = tables.rater_decision


@dataclass(frozen=True)
class HeldSkill:
    """A skill that somebody holds now.

    Attributes:
        evidence: what it rests on.
        is_local: whether it holds in this campaign only.
    """

    skill: str
    level: int
    evidence: Mapping[str, Any]
    granted_at: datetime
    expires_at: datetime | None
    is_local: bool


@dataclass(frozen=True)
class RaterRow:
    """A rater of a campaign, as a designer sees them.

    Attributes:
        n_judgments: submitted in the campaign, exams left out.
        accuracy: on gold, recent answers counting more; undefined without gold answers.
        skills: what they hold now.
        appeal: the open appeal, if any.
    """

    rater: Rater
    standing: Standing
    n_judgments: int
    accuracy: Estimate
    skills: tuple[HeldSkill, ...]
    appeal: RaterDecision | None


def list_raters(store: Store, actor_name: str, campaign_name: str, *, now: datetime | None = None) -> list[RaterRow]:
    """The raters of a campaign by name, those with an open appeal first.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not see quality here.
    """
    now = now or utc_now()
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.SEE_QUALITY, campaign=campaign)
        counts = _n_judgments(connection, campaign)
        rows = [
            _row(connection, one, campaign, counts.get(one.id, 0), now=now) for one in _members(connection, campaign)
        ]
    return sorted(rows, key=lambda row: (row.appeal is None, row.rater.name))


def state_in(store: Store, rater_name: str, campaign_name: str) -> RaterState:
    """Where a rater stands in a campaign, for the rater.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account is no rater here.
    """
    with store.read() as connection:
        rater, campaign = find_account(connection, rater_name), find_campaign(connection, campaign_name)
        require(connection, rater, Action.JUDGE, campaign=campaign)
        return standing.standing_of(connection, rater, campaign.id).state


def decisions(store: Store, actor_name: str, campaign_name: str, rater_name: str) -> list[RaterDecision]:
    """Every decision about a rater, newest first: for a designer, or for the rater.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: somebody else's, and the account may not see quality here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        actor = find_account(connection, actor_name)
        action = Action.JUDGE if actor_name == rater_name else Action.SEE_QUALITY
        require(connection, actor, action, campaign=campaign)
        return standing.decisions_of(connection, find_account(connection, rater_name), campaign.id)


def pause(
    store: Store, actor_name: str, campaign_name: str, rater_name: str, *, reason: str, now: datetime | None = None
) -> None:
    """Give a rater no more work in a campaign; where it has an exam, passing it again ends the pause.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not manage raters here.
        InvalidInput: no reason is given, or one that cannot be kept.
        Conflict: the rater is paused already.
    """
    now = now or utc_now()
    with store.write() as connection:
        rater, campaign = _managed(connection, actor_name, campaign_name, rater_name, reason)
        if standing.standing_of(connection, rater, campaign.id).state is RaterState.PAUSED:
            raise Conflict(f"{rater_name} is paused in campaign {campaign_name!r} already.")
        _decide(connection, rater, campaign, Decision.PAUSED, reason, actor=actor_name, now=now)


def requalify(
    store: Store, actor_name: str, campaign_name: str, rater_name: str, *, reason: str, now: datetime | None = None
) -> None:
    """Give a rater work again: a person has looked. Where the campaign asks for an exam, it counts as passed.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not manage raters here.
        InvalidInput: no reason is given, or one that cannot be kept.
        Conflict: the rater works already.
    """
    now = now or utc_now()
    with store.write() as connection:
        rater, campaign = _managed(connection, actor_name, campaign_name, rater_name, reason)
        asked = [one for one in rounds_of(connection, campaign.id) if one.rules.calibration is not None]
        lacking = [one for one in asked if not standing.is_certified(connection, one, rater, now=now)]
        state = standing.standing_of(connection, rater, campaign.id).state
        if state is RaterState.QUALIFIED and not lacking:
            raise Conflict(f"{rater_name} is qualified in campaign {campaign_name!r} already.")
        for round_ in lacking:
            standing.grant(
                connection,
                rater,
                standing.certificate_skill(round_.rubric_version),
                level=1,
                evidence={"by": actor_name, "reason": reason},
                now=now,
                campaign_id=campaign.id,
            )
        _decide(connection, rater, campaign, Decision.REQUALIFIED, reason, actor=actor_name, now=now)


def appeal(store: Store, rater_name: str, decision_id: int, *, text: str, now: datetime | None = None) -> None:
    """Say that a decision is wrong; a designer reads it and answers.

    Raises:
        NotFound: no such decision about this rater.
        InvalidInput: nothing is said, too much, or a character that no database stores.
        Conflict: it was appealed already, or is of no kind that can be (`APPEALABLE`).
    """
    text = said(text, "appeal", remedy="Say what is wrong with the decision: a designer reads it.")
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        row = connection.execute(
            select(_decision).where(_decision.c.id == decision_id, _decision.c.rater_id == rater.id)
        ).first()
        if row is None:
            raise NotFound(f"There is no decision {decision_id} about {rater_name}.")
        if Decision(row.decision) not in APPEALABLE:
            kinds = ", ".join(APPEALABLE)
            raise Conflict(f"Decision {decision_id} ({row.decision}) cannot be appealed: only {kinds} can.")
        if row.appeal is not None:
            raise Conflict(f"Decision {decision_id} was appealed already; the answer stands beside it.")
        values = {"appeal": text, "appealed_at": now or utc_now()}
        connection.execute(update(_decision).where(_decision.c.id == decision_id).values(**values))
        _record(connection, row, rater, actor=rater_name, action="rater.appealed", detail={"text": text})


def answer_appeal(
    store: Store,
    actor_name: str,
    decision_id: int,
    *,
    text: str,
    is_granted: bool,
    now: datetime | None = None,
) -> None:
    """Answer an appeal. A granted one withdraws the decision: the rater stands as before, their judgments count fully.

    Raises:
        NotFound: no such decision.
        NotAllowed: the account may not manage raters in its campaign.
        InvalidInput: no words, too many, or a character that no database stores.
        Conflict: there is no open appeal.
    """
    text = said(text, "answer", remedy="Answer in a sentence or two: the rater reads it.")
    now = now or utc_now()
    with store.write() as connection:
        row = connection.execute(select(_decision).where(_decision.c.id == decision_id).with_for_update()).first()
        if row is None:
            raise NotFound(f"There is no decision {decision_id}.")
        name = connection.scalar(select(tables.campaign.c.name).where(tables.campaign.c.id == row.campaign_id))
        campaign = find_campaign(connection, str(name))
        require(connection, find_account(connection, actor_name), Action.MANAGE_RATERS, campaign=campaign)
        if row.appeal is None or row.answered_at is not None:
            raise Conflict(f"Decision {decision_id} has no open appeal.")
        rater = rater_of(connection.execute(select(tables.rater).where(tables.rater.c.id == row.rater_id)).one())
        values = {"appeal_answer": text, "answered_at": now, "answered_by": actor_name}
        if is_granted:
            values["withdrawn_at"] = now
        connection.execute(update(_decision).where(_decision.c.id == decision_id).values(**values))
        action = "rater.appeal_granted" if is_granted else "rater.appeal_refused"
        _record(connection, row, rater, actor=actor_name, action=action, detail={"answer": text})


def own_skills(
    store: Store, rater_name: str, campaign_name: str, *, now: datetime | None = None
) -> tuple[HeldSkill, ...]:
    """What a rater holds now, for the rater.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account is no rater here.
    """
    with store.read() as connection:
        rater, campaign = find_account(connection, rater_name), find_campaign(connection, campaign_name)
        require(connection, rater, Action.JUDGE, campaign=campaign)
        return skills_of(connection, rater, campaign, now=now or utc_now())


def flagged(store: Store, actor_name: str, campaign_name: str) -> dict[str, tuple[str, ...]]:
    """Rater -> signs in their conduct, where several speak together (`app.stats.flags`), by the votes as of now.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not see quality here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.SEE_QUALITY, campaign=campaign)
    document = campaign_report(store, "raters", campaign_name).to_json()
    found = {card["rater"]: conduct_flags(card, document["raters"]) for card in document["raters"]}
    return {name: signs for name, signs in found.items() if signs}


def skills_of(connection: Connection, rater: Rater, campaign: Campaign, *, now: datetime) -> tuple[HeldSkill, ...]:
    """What a rater holds now, everywhere or in a campaign, by name."""
    skill = tables.rater_skill
    rows = connection.execute(
        select(skill)
        .where(
            skill.c.rater_id == rater.id,
            or_(skill.c.campaign_id.is_(None), skill.c.campaign_id == campaign.id),
            or_(skill.c.expires_at.is_(None), skill.c.expires_at > now),
        )
        .order_by(skill.c.skill, skill.c.granted_at)
    )
    return tuple(
        HeldSkill(r.skill, r.level, r.evidence or {}, r.granted_at, r.expires_at, r.campaign_id is not None)
        for r in rows
    )


def _row(connection: Connection, rater: Rater, campaign: Campaign, n: int, *, now: datetime) -> RaterRow:
    answers = gold_scoring.gold_answers(connection, campaign.id, rater)
    open_appeals = [
        one
        for one in standing.decisions_of(connection, rater, campaign.id)
        if one.appeal is not None and one.appeal_answer is None
    ]
    return RaterRow(
        rater=rater,
        standing=standing.standing_of(connection, rater, campaign.id),
        n_judgments=n,
        accuracy=decayed_accuracy([one.score.is_right for one in answers if not one.score.is_missing]),
        skills=skills_of(connection, rater, campaign, now=now),
        appeal=open_appeals[0] if open_appeals else None,
    )


def _members(connection: Connection, campaign: Campaign) -> Sequence[Rater]:
    member, rater = tables.campaign_member, tables.rater
    rows = connection.execute(
        select(rater, member.c.roles.label("here"))
        .join(member, member.c.rater_id == rater.c.id)
        .where(member.c.campaign_id == campaign.id)
    )
    return [rater_of(row) for row in rows if Role.RATER.value in row.here]


def _n_judgments(connection: Connection, campaign: Campaign) -> dict[int, int]:
    assignment, round_ = tables.assignment, tables.round_
    rows = connection.execute(
        select(assignment.c.rater_id, func.count().label("n"))
        .join(round_)
        .where(
            round_.c.campaign_id == campaign.id,
            assignment.c.state == AssignmentState.SUBMITTED.value,
            assignment.c.purpose != "exam",
        )
        .group_by(assignment.c.rater_id)
    )
    return {row.rater_id: row.n for row in rows}


def _managed(
    connection: Connection, actor_name: str, campaign_name: str, rater_name: str, reason: str
) -> tuple[Rater, Campaign]:
    """The rater and the campaign, where the actor may manage raters and says why."""
    campaign, actor = find_campaign(connection, campaign_name), find_account(connection, actor_name)
    require(connection, actor, Action.MANAGE_RATERS, campaign=campaign)
    said(reason, "reason", remedy="Say why: the rater reads it.")
    return locked_account(connection, rater_name), campaign


def _decide(
    connection: Connection,
    rater: Rater,
    campaign: Campaign,
    decision: Decision,
    reason: str,
    *,
    actor: str,
    now: datetime,
) -> None:
    calibration = watching.calibration_of(connection, campaign)
    figures: dict[str, Any] = {"reason": reason.strip()}
    if calibration is not None:
        figures |= watching.figures_of(watching.watch_of(connection, rater, campaign, calibration))
    if decision is Decision.PAUSED:
        watching.end_leases(connection, rater, campaign, now=now)
        way = "passing the exam again ends the pause" if calibration is not None else "a designer can end the pause"
        text = f"{actor} paused you: {reason.strip()} You get no work here; {way}. You can appeal."
    else:
        text = f"{actor} looked at your work and gives you work again: {reason.strip()}"
    standing.decide(connection, rater, campaign, decision, figures=figures, explanation=text, actor=actor, now=now)


def _record(
    connection: Connection, row: Any, rater: Rater, *, actor: str, action: str, detail: Mapping[str, Any]
) -> None:
    events.record(
        connection,
        actor=actor,
        action=action,
        subject=f"rater {rater.name}",
        campaign_id=row.campaign_id,
        detail={"decision": row.id, **detail},
    )
