"""Actions on decline: after every few judgments in a calibrated round the evidence of that rater is looked at again.

CUSUM and lower bound lead to a warning with refresher lessons, then to a pause with a new exam, and the second time in
30 days to a person. Judgments since the change point weigh less, none is deleted, and the comparisons go back to the
queue. Every decision has its figures and says in plain words what it means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, bindparam, func, select, update

from app.domain import (
    OVERALL,
    AssignmentState,
    Calibration,
    Campaign,
    Decision,
    Purpose,
    Rater,
    RaterState,
    utc_now,
)
from app.policy import may_work
from app.services import gold_scoring, standing
from app.services.collecting import decide_again
from app.services.gold import suspend_suspects
from app.services.levelling import move_levels
from app.services.lookup import find_account, find_campaign, locked_account, rounds_of
from app.services.queueing import lock_in_order, recount
from app.services.standing import RaterDecision
from app.stats.drift import STOP_AT, WARN_AT
from app.stats.frames import MISSING_OUTCOMES
from app.stats.watch import Watch, baseline_of, watch
from app.store import tables
from app.store.engine import Store
from app.store.visibility import visible
from rubrics.answers import BOTH_BAD, TIE

REFRESHERS = 5
"""Refresher lessons that a warning asks for."""

REPEATED_WITHIN = timedelta(days=30)
"""A second stop within this time goes to a person."""

FLOOR_BELOW = 0.05
"""The lower bound may fall this far below p0 before it warns."""

PEERS_EVERY, LEVELS_EVERY = 5, 20
"""Judgments after which agreement with others, and levels of skill, are looked at again: whatever they were of."""

LOOK_BACK = 400
"""Latest judgments beside others that are looked at."""

POOL_AGREEMENT = 0.75
"""Agreement rate of the pool where it is not known yet."""

_assignment = tables.assignment
_judgment = tables.judgment


@dataclass(frozen=True)
class Evidence:
    """What a rater has answered since they were last found good, in time order.

    Attributes:
        at: when.
        is_gold: gold, or work beside others.
        is_right: right, or in agreement with the majority of the others.
        baseline: agreement rate that counts as good.
    """

    at: Sequence[datetime]
    is_gold: np.ndarray
    is_right: np.ndarray
    baseline: float


def look_in_turn(store: Store, rater_name: str, campaign_name: str, round_id: int, *, now: datetime) -> None:
    """After a judgment in a calibrated round: look at gold, and at everything when gold alarms or it is the turn.

    Every judgment is followed by the same steps, gold or work, so that no clock tells which it was.
    """
    with store.read() as connection:
        rater, campaign = find_account(connection, rater_name), find_campaign(connection, campaign_name)
        n = connection.scalar(_n_judged_query(), {"rater_id": rater.id, "round_id": round_id}) or 0
        is_alarmed = n % PEERS_EVERY > 0 and _gold_alarms(connection, rater, campaign)
    if is_alarmed or n % PEERS_EVERY == 0:
        look(store, rater_name, campaign_name, now=now)
    if n % LEVELS_EVERY == 0:
        _move_levels(store, rater_name, campaign_name, now=now)


def look(store: Store, rater_name: str, campaign_name: str, *, now: datetime | None = None) -> RaterDecision | None:
    """Look at a rater's evidence and act on it; returns the decision that was taken, None for none.

    Raises:
        NotFound: no such account or campaign.
    """
    now = now or utc_now()
    with store.read() as connection:
        found = _due(connection, rater_name, campaign_name)
    if found is None:
        return None
    with store.write() as connection:
        locked_account(connection, rater_name)  # of two looks at once the second sees what the first decided
        if found[0] is Decision.PAUSED:  # before anybody is stopped, the keys are looked at
            suspend_suspects(connection, find_campaign(connection, campaign_name), actor="system", now=now)
        due = _due(connection, rater_name, campaign_name)
        return None if due is None else _act(connection, rater_name, campaign_name, *due, now=now)


def _move_levels(store: Store, rater_name: str, campaign_name: str, *, now: datetime) -> None:
    with store.write() as connection:
        rater, campaign = locked_account(connection, rater_name), find_campaign(connection, campaign_name)
        calibration = calibration_of(connection, campaign)
        if calibration is not None:
            move_levels(connection, rater, campaign, calibration, now=now)


def watch_of(connection: Connection, rater: Rater, campaign: Campaign, calibration: Calibration) -> Watch:
    """What the evidence says of a rater now."""
    evidence = evidence_of(connection, rater, campaign)
    return _watched(evidence, calibration)


def calibration_of(connection: Connection, campaign: Campaign) -> Calibration | None:
    """The calibration of the campaign's first open round that has one."""
    rounds = [one for one in rounds_of(connection, campaign.id) if one.state == "open"]
    return next((one.rules.calibration for one in rounds if one.rules.calibration is not None), None)


def evidence_of(connection: Connection, rater: Rater, campaign: Campaign) -> Evidence:
    """Hidden gold and agreement with others, since the rater was last found good; who could not judge said nothing."""
    since = _good_since(connection, rater, campaign)
    gold = _gold_since(connection, rater, campaign, since=since)
    peers, pool = _beside_others(connection, rater, campaign, since=since)
    first = [is_right for _, _, is_right in peers[: min(100, len(peers) // 2)]]
    rows = sorted([*gold, *peers], key=lambda row: row[0])
    return Evidence(
        at=[at for at, _, _ in rows],
        is_gold=np.array([is_gold for _, is_gold, _ in rows], bool),
        is_right=np.array([is_right for _, _, is_right in rows], bool),
        baseline=baseline_of(sum(first), len(first), pool=pool),
    )


def _gold_since(
    connection: Connection, rater: Rater, campaign: Campaign, *, since: datetime | None
) -> list[tuple[datetime, bool, bool]]:
    """Hidden gold since a time, oldest first: when, that it is gold, and whether it was right."""
    return [
        (one.at, True, one.score.is_right)
        for one in gold_scoring.hidden_gold_answers(connection, campaign.id, rater, since=since)
        if not one.score.is_missing
    ]


def _gold_alarms(connection: Connection, rater: Rater, campaign: Campaign) -> bool:
    """Whether hidden gold by itself asks for a warning or a stop; agreement with others can wait for its turn."""
    calibration = calibration_of(connection, campaign)
    if calibration is None:
        return False
    gold = _gold_since(connection, rater, campaign, since=_good_since(connection, rater, campaign))
    right = np.array([is_right for _, _, is_right in gold], bool)
    alone = Evidence([at for at, _, _ in gold], np.ones(len(gold), bool), right, baseline=0.5)
    return _watched(alone, calibration).verdict != "steady"


def return_places(connection: Connection, rater: Rater, campaign: Campaign, *, since: datetime) -> int:
    """Give the places of a rater's work since a time back to the queue; the judgments stay. Returns how many."""
    open_rounds = [one for one in rounds_of(connection, campaign.id) if one.state == "open"]
    rows = connection.execute(
        select(_assignment.c.id, _assignment.c.round_id, _assignment.c.comparison_id)
        .join(_judgment, (_judgment.c.assignment_id == _assignment.c.id) & (_judgment.c.revision == 0))
        .where(
            _assignment.c.rater_id == rater.id,
            _assignment.c.round_id.in_([one.id for one in open_rounds]),
            _assignment.c.takes_place,
            _assignment.c.state == AssignmentState.SUBMITTED.value,
            _judgment.c.submitted_at >= since,
        )
        .order_by(_assignment.c.comparison_id)
    ).all()
    ids = [row.id for row in rows]
    if ids:
        connection.execute(update(_assignment).where(_assignment.c.id.in_(ids)).values(takes_place=False))
        item = tables.queue_item
        everything = item.c.comparison_id.in_(sorted({row.comparison_id for row in rows}))
        lock_in_order(connection, everything & item.c.round_id.in_([one.id for one in open_rounds]))
        for round_ in open_rounds:
            places = sorted({row.comparison_id for row in rows if row.round_id == round_.id})
            recount(connection, chosen=item.c.comparison_id.in_(places) & (item.c.round_id == round_.id))
            decide_again(connection, round_, places)
    return len(ids)


# --- deciding ------------------------------------------------------------------------------------------------------


def _due(connection: Connection, rater_name: str, campaign_name: str) -> tuple[Decision, Watch, datetime | None] | None:
    """The decision that the evidence asks for, with the time since which judgments are doubted."""
    rater, campaign = find_account(connection, rater_name), find_campaign(connection, campaign_name)
    calibration = calibration_of(connection, campaign)
    stands = standing.standing_of(connection, rater, campaign.id)
    if calibration is None or not may_work(stands.state):
        return None
    evidence = evidence_of(connection, rater, campaign)
    seen = _watched(evidence, calibration)
    since = None if seen.changed_at is None else evidence.at[min(seen.changed_at, len(evidence.at) - 1)]
    if seen.verdict == "stop":
        return Decision.PAUSED, seen, since
    if seen.verdict == "warn" and stands.state is RaterState.QUALIFIED:
        return Decision.WARNED, seen, None
    is_over = seen.verdict == "steady" and max(seen.level / WARN_AT, seen.peer_level / seen.peer_warn_at) < 0.5
    if stands.state is RaterState.WARNED and stands.decision is not None and is_over:
        n_done = refreshers_done(connection, rater, campaign, stands.decision)
        if n_done >= REFRESHERS:
            return Decision.CLEARED, seen, None
    return None


def _watched(evidence: Evidence, calibration: Calibration) -> Watch:
    floor = calibration.p0 - FLOOR_BELOW
    return watch(evidence.is_gold, evidence.is_right, baseline=evidence.baseline, floor=floor)


def _act(
    connection: Connection,
    rater_name: str,
    campaign_name: str,
    decision: Decision,
    seen: Watch,
    since: datetime | None,
    *,
    now: datetime,
) -> RaterDecision:
    """Write the decision, and what follows from it."""
    rater, campaign = find_account(connection, rater_name), find_campaign(connection, campaign_name)
    figures = figures_of(seen)
    if decision is Decision.PAUSED:
        if _was_paused(connection, rater, campaign, now=now):
            decision = Decision.REVIEW
        since = since or now
        figures |= {
            "since": since.isoformat(),
            "n_returned": return_places(connection, rater, campaign, since=since),
            "n_expired": end_leases(connection, rater, campaign, now=now),
        }
    distrusts_from = since if decision in (Decision.PAUSED, Decision.REVIEW) else None
    standing.decide(
        connection,
        rater,
        campaign,
        decision,
        figures=figures,
        explanation=explain(decision, seen),
        actor="system",
        now=now,
        distrusts_from=distrusts_from,
    )
    found = standing.standing_of(connection, rater, campaign.id).decision
    assert found is not None
    return found


def figures_of(seen: Watch) -> dict[str, Any]:
    """The numbers behind a decision, with the thresholds that they met."""
    return {
        "cause": seen.cause,
        "n_gold": seen.n_gold,
        "accuracy": seen.accuracy.value,
        "low": seen.accuracy.low,
        "high": seen.accuracy.high,
        "cusum": round(seen.level, 3),
        "cusum_with_peers": round(seen.peer_level, 3),
        "n_beside_others": seen.n_peers,
        "warns_at": [WARN_AT, round(seen.peer_warn_at, 3)],
        "stops_at": [STOP_AT, round(seen.peer_stop_at, 3)],
    }


def explain(decision: Decision, seen: Watch) -> str:
    """A decision in plain words, for the rater."""
    share = "" if seen.accuracy.value is None else f"about {seen.accuracy.value:.0%} right on {seen.n_gold} of them"
    gold = f"Some comparisons have a known answer; lately you were {share}." if share else ""
    causes = {
        "gold": f"{gold} Your recent answers to them were right less often than before.",
        "peers": "Lately you agreed with the other raters clearly less often than before.",
        "bound": f"{gold} That is below what this campaign needs.",
        "": gold,
    }
    nexts = {
        Decision.WARNED: f"You go on working. Please do {REFRESHERS} refresher lessons under Learn.",
        Decision.PAUSED: "You get no work here until you have passed the exam again. What you did is kept; your "
        "judgments since the change count less, and others look at the same comparisons.",
        Decision.REVIEW: "It is the second time within 30 days, so a designer looks at it and decides. What you did is "
        "kept; your judgments since the change count less.",
        Decision.CLEARED: "Your answers are as good as before, and the warning is over.",
    }
    appeal = "" if decision is Decision.CLEARED else " If you think this is wrong, appeal: a designer reads it."
    return f"{causes[seen.cause].strip()} {nexts[decision]}{appeal}".strip()


def refreshers_done(connection: Connection, rater: Rater, campaign: Campaign, decision: RaterDecision) -> int:
    """Different lessons answered right since a decision."""
    lesson = tables.lesson_answer
    return (
        connection.scalar(
            select(func.count(lesson.c.lesson.distinct())).where(
                lesson.c.rater_id == rater.id,
                lesson.c.campaign_id == campaign.id,
                lesson.c.is_right,
                lesson.c.answered_at >= decision.decided_at,
            )
        )
        or 0
    )


def _was_paused(connection: Connection, rater: Rater, campaign: Campaign, *, now: datetime) -> bool:
    return any(
        one.decision in (Decision.PAUSED, Decision.REVIEW)
        and not one.is_withdrawn
        and one.decided_by == "system"
        and now - one.decided_at <= REPEATED_WITHIN
        for one in standing.decisions_of(connection, rater, campaign.id)
    )


def end_leases(connection: Connection, rater: Rater, campaign: Campaign, *, now: datetime) -> int:
    """Let the leases of a rater who gets no work any more run out now; drafts stay."""
    rounds = [one.id for one in rounds_of(connection, campaign.id)]
    ended = connection.execute(
        update(_assignment)
        .where(
            _assignment.c.rater_id == rater.id,
            _assignment.c.round_id.in_(rounds),
            _assignment.c.state == AssignmentState.OPEN.value,
            _assignment.c.purpose != Purpose.EXAM.value,
        )
        .values(lease_expires_at=now - timedelta(seconds=1))
    )
    return ended.rowcount


# --- evidence --------------------------------------------------------------------------------------------------------


def _good_since(connection: Connection, rater: Rater, campaign: Campaign) -> datetime | None:
    """When the rater was last found good: exam passed, warning cleared, requalified, or a pause withdrawn."""
    good = (Decision.PASSED, Decision.CLEARED, Decision.REQUALIFIED)
    for one in standing.decisions_of(connection, rater, campaign.id):
        if one.decision in good and not one.is_withdrawn:
            return one.decided_at
        if one.is_withdrawn and one.decision in (Decision.PAUSED, Decision.REVIEW, Decision.WARNED):
            return one.decided_at
    return None


def _beside_others(
    connection: Connection, rater: Rater, campaign: Campaign, *, since: datetime | None
) -> tuple[list[tuple[datetime, bool, bool]], float]:
    """The rater's work beside a majority of others, oldest first, and how often those others agree with the rest."""
    wanted = {"rater_id": rater.id, "campaign_id": campaign.id}
    mine = [
        row
        for row in connection.execute(_own_query(), wanted)
        if row.submitted_at is not None and (since is None or row.submitted_at > since)
    ]
    if not mine:
        return [], POOL_AGREEMENT
    votes = _votes_of_others(connection, rater, campaign, [row.comparison_id for row in mine])
    found = []
    for row in reversed(mine):
        leader = _majority(votes.get((row.round_id, row.comparison_id), {}))
        if leader is not None and row.preferred is not None and row.preferred not in MISSING_OUTCOMES:
            found.append((row.submitted_at, False, row.preferred == leader))
    return found, _pool_agreement(votes.values())


def _votes_of_others(
    connection: Connection, rater: Rater, campaign: Campaign, comparison_ids: Sequence[int]
) -> dict[tuple[int, int], dict[int, str]]:
    """(round, comparison) -> rater -> preferred, of the campaign's counted kinds; who could not judge has no vote."""
    verdict = tables.verdict
    rows = connection.execute(
        select(_assignment.c.round_id, _assignment.c.comparison_id, _assignment.c.rater_id, verdict.c.preferred)
        .join(_judgment, _judgment.c.assignment_id == _assignment.c.id)
        .join(verdict, verdict.c.judgment_id == _judgment.c.id)
        .join(tables.rater, tables.rater.c.id == _assignment.c.rater_id)
        .where(
            _assignment.c.comparison_id.in_(list(comparison_ids)),
            _assignment.c.rater_id != rater.id,
            _assignment.c.purpose == Purpose.WORK.value,
            _assignment.c.repeat_index == 0,
            _judgment.c.revision == 0,
            verdict.c.criterion == OVERALL,
            verdict.c.preferred.is_not(None),
            verdict.c.preferred.not_in(MISSING_OUTCOMES),
            visible(_assignment.c.batch_id),
            tables.rater.c.kind.in_([kind.value for kind in campaign.counted_kinds]),
        )
    )
    votes: dict[tuple[int, int], dict[int, str]] = {}
    for row in rows:
        votes.setdefault((row.round_id, row.comparison_id), {})[row.rater_id] = row.preferred
    return votes


def _majority(votes: Mapping[int, str]) -> str | None:
    """The response that strictly more others prefer than anything else; None where there is none."""
    counts = Counter(votes.values()).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]) or counts[0][0] in (TIE, BOTH_BAD):
        return None
    return counts[0][0]


def _pool_agreement(votes: Any) -> float:
    """How often a vote of another rater is that of the majority of the rest; a default weighs as much as 50 votes."""
    n_agree, n = 50 * POOL_AGREEMENT, 50.0
    for by_rater in votes:
        for one, preferred in by_rater.items():
            leader = _majority({other: said for other, said in by_rater.items() if other != one})
            if leader is not None:
                n_agree, n = n_agree + (preferred == leader), n + 1
    return n_agree / n


@cache
def _n_judged_query() -> Select[Any]:
    """How many judgments `:rater_id` has handed in in `:round_id`, exams apart."""
    return select(func.count()).where(
        _assignment.c.rater_id == bindparam("rater_id"),
        _assignment.c.round_id == bindparam("round_id"),
        _assignment.c.state == AssignmentState.SUBMITTED.value,
        _assignment.c.purpose != Purpose.EXAM.value,
    )


@cache
def _own_query() -> Select[Any]:
    """The latest work of `:rater_id` in `:campaign_id` with the overall answer, newest first."""
    verdict = tables.verdict
    return (
        select(_assignment.c.round_id, _assignment.c.comparison_id, _judgment.c.submitted_at, verdict.c.preferred)
        .select_from(_assignment.join(_judgment).join(verdict, verdict.c.judgment_id == _judgment.c.id))
        .join(tables.round_, tables.round_.c.id == _assignment.c.round_id)
        .where(
            _assignment.c.rater_id == bindparam("rater_id"),
            tables.round_.c.campaign_id == bindparam("campaign_id"),
            _assignment.c.purpose == Purpose.WORK.value,
            _assignment.c.repeat_index == 0,
            _judgment.c.revision == 0,
            verdict.c.criterion == OVERALL,
        )
        .order_by(_judgment.c.id.desc())
        .limit(LOOK_BACK)
    )
