"""What a rater gets next: hidden gold, a blind repeat, or work from the lanes of a round that they may work in.

A lane holds its comparisons in random order. A rater gets, uniformly, one of the first `WINDOW` open ones that they
have not met: urgent ones first, then those that few others may judge, then those that others began, then fresh ones.
One draw in ten goes to the least urgent instead, so that urgent work starves nothing. Who gives the first vote on a
comparison is left to chance: nothing that is known of a rater's quality decides it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, select

from app.domain import AssignmentState, Campaign, Purpose, Rater, Round
from app.services import probing
from app.services.lanes import Lane, held_by, is_routed, lanes_of, open_to, requires_of, scopes_of
from app.services.queueing import WINDOW, candidate_queries, is_offered, is_unwelcome, lock_open, patient_query
from app.store import tables
from app.store.visibility import visible

POLICY = "window-2"
"""Name and version of the way in which work is chosen; stored with every assignment, with the round's policy."""

REPEAT_DISTANCE = 10
"""A blind repeat comes after at least this many other comparisons."""

PATIENCE = 0.1
"""Share of draws that go to the least urgent work, where some of it is more urgent than other."""

SHARE_FLOOR = 5
"""Votes that everybody may give, however small the largest share of a round is."""

_assignment = tables.assignment


class Busy(Exception):
    """There is work, and at this moment other transactions hold all of it."""


@dataclass(frozen=True)
class Draw:
    """What was chosen: a comparison, why, and with which probability among those that had the same purpose."""

    comparison_id: int
    purpose: Purpose
    propensity: float
    scope: str = ""
    repeat_index: int = 0
    avoid_order: tuple[str, ...] | None = None


@dataclass
class Seeker:
    """Who asks for work, where, when, and with which dice; what they hold is read when it first matters."""

    connection: Connection
    campaign: Campaign
    rater: Rater
    now: datetime = field(kw_only=True)
    chance: random.Random = field(kw_only=True)

    @cached_property
    def held(self) -> dict[str, int]:
        """What the rater holds: skills, languages, credentials, residency."""
        return held_by(self.connection, self.campaign, self.rater, now=self.now)


def draw_for(seeker: Seeker, round_: Round) -> Draw | None:
    """Choose gold, a repeat or work at the round's rates; what has nothing to offer passes its turn to work.

    Raises:
        Busy: there is work, and other transactions hold it all.
    """
    if round_.rules.required_skills and not seeker.held.keys() >= set(round_.rules.required_skills):
        return None
    lanes = lanes_of(seeker.connection, round_.id)
    roll = seeker.chance.random()
    gold_rate, repeat_rate = probing.rates(seeker.connection, round_, seeker.rater)
    draw = None
    if roll < gold_rate:
        draw = _draw_gold(seeker, round_)
    elif roll < gold_rate + repeat_rate:
        draw = _draw_repeat(seeker, round_)
    return draw or _draw_work(seeker, round_, lanes)


def _draw_gold(seeker: Seeker, round_: Round) -> Draw | None:
    """One of the gold comparisons that the rater may judge and has not met, in one of the scopes open to them."""
    wanted = {"campaign_id": round_.campaign_id, "mode": round_.mode.value}
    wanted |= {"round_id": round_.id, "rater_id": seeker.rater.id}
    rows = seeker.connection.execute(_gold_query(), wanted).all()
    ids = [row.id for row in rows if row.requires is None or requires_of(row.requires).met_by(seeker.held)]
    ids = probing.unused_gold(seeker.connection, round_, ids)
    scopes = [one.name for one in scopes_of(round_) if not one.requires or one.requires.met_by(seeker.held)]
    if not ids or not scopes:
        return None
    chosen = seeker.chance.choice(ids)
    scope = scopes[0] if len(scopes) == 1 else seeker.chance.choice(scopes)
    return Draw(chosen, Purpose.GOLD, 1 / len(ids), scope)


@cache
def _gold_query() -> Select[Any]:
    """The gold comparisons of `:campaign_id` and `:mode` that `:rater_id` may be given in `:round_id`."""
    comparison, key = tables.comparison, tables.gold_key
    return (
        select(comparison.c.id, comparison.c.requires)
        .join(key)
        .where(
            comparison.c.campaign_id == bindparam("campaign_id"),
            comparison.c.mode == bindparam("mode"),
            visible(comparison.c.batch_id),
            key.c.suspended_at.is_(None),
            is_offered(comparison.c.id),
        )
        .order_by(comparison.c.id)
    )


def _draw_repeat(seeker: Seeker, round_: Round) -> Draw | None:
    """One of the rater's earlier comparisons, not among the last ones and not repeated yet, in another order."""
    mine = (_assignment.c.round_id == round_.id, _assignment.c.rater_id == seeker.rater.id)
    done = select(_assignment.c.id, _assignment.c.comparison_id, _assignment.c.scope, _assignment.c.shown).where(
        *mine,
        _assignment.c.state == AssignmentState.SUBMITTED.value,
        _assignment.c.purpose == Purpose.WORK.value,
        _assignment.c.repeat_index == 0,
        visible(_assignment.c.batch_id),
    )
    recent = seeker.connection.execute(done.order_by(_assignment.c.id.desc()).limit(REPEAT_DISTANCE)).all()
    if len(recent) < REPEAT_DISTANCE:
        return None
    repeated = select(_assignment.c.comparison_id).where(
        *mine,
        _assignment.c.repeat_index > 0,
        _assignment.c.state != AssignmentState.EXPIRED.value,
    )
    older = seeker.connection.execute(
        done.where(_assignment.c.id < recent[-1].id, _assignment.c.comparison_id.not_in(repeated))
        .where(~is_unwelcome(_assignment.c.comparison_id), ~_is_reviewed())
        .order_by(_assignment.c.id.desc())
        .limit(WINDOW),
        {"rater_id": seeker.rater.id},
    ).all()
    if not older:
        return None
    row = seeker.chance.choice(older)
    order = tuple(row.shown or ())
    return Draw(row.comparison_id, Purpose.REPEAT, 1 / len(older), row.scope, repeat_index=1, avoid_order=order)


def _is_reviewed() -> ColumnElement[bool]:
    """Whether somebody reviewed the assignment's judgment: its rater may have read what they said."""
    judgment, review = tables.judgment, tables.review
    return exists().where(judgment.c.assignment_id == _assignment.c.id, review.c.judgment_id == judgment.c.id)


# --- work --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Candidate:
    """A comparison that the rater may get, from one lane."""

    comparison_id: int
    scope: str
    priority: float
    n_clauses: int
    n_taken: int
    sort_key: float


def _draw_work(seeker: Seeker, round_: Round, lanes: list[Lane]) -> Draw | None:
    """Lock one of the first open comparisons that the rater has not met.

    Raises:
        Busy: there are some, and other transactions hold them all.
    """
    if not lanes or _has_their_share(seeker, round_, n_items=sum(lane.n_items for lane in lanes)):
        return None
    lanes = open_to(lanes, seeker.held) if is_routed(lanes) else lanes
    found: list[_Candidate] = []
    for look in range(len(candidate_queries())):
        found, lowest = _candidates(seeker, lanes, look)
        if not found:
            continue
        front = _front_of(found)
        patient = _patient(seeker, lanes, above=found[0].priority) if lowest < found[0].priority else []
        draw = _lock_one(seeker, round_, front, patient)
        if draw is not None:
            return draw
    if found:
        raise Busy
    return None


def _candidates(seeker: Seeker, lanes: list[Lane], look: int) -> tuple[list[_Candidate], float]:
    """The first comparisons of every lane, the first to be given first, and the lowest priority that waits."""
    found, lowest = [], float("inf")
    query = candidate_queries()[look]
    for lane in lanes:
        wanted = {"lane_id": lane.id, "round_id": lane.round_id, "rater_id": seeker.rater.id}
        for row in seeker.connection.execute(query, wanted):
            lowest = min(lowest, row.lowest)
            n_clauses = len(lane.requires.clauses)
            found.append(_Candidate(row.comparison_id, lane.scope, row.priority, n_clauses, row.n_taken, row.sort_key))
    if len(lanes) > 1:
        found.sort(key=lambda one: (one.priority, one.n_clauses, one.n_taken, one.sort_key), reverse=True)
    return found, lowest


def _front_of(found: list[_Candidate]) -> list[tuple[int, str]]:
    """The comparisons of which the rater gets one: a comparison with two open scopes counts once."""
    scope_of: dict[int, str] = {}
    for one in found[:WINDOW]:
        scope_of.setdefault(one.comparison_id, one.scope)
    return list(scope_of.items())


def _patient(seeker: Seeker, lanes: list[Lane], *, above: float) -> list[tuple[int, str]]:
    """The least urgent comparisons below a priority, of every lane."""
    found: dict[int, str] = {}
    for lane in lanes:
        wanted = {"lane_id": lane.id, "round_id": lane.round_id, "rater_id": seeker.rater.id, "priority": above}
        for comparison_id in seeker.connection.scalars(patient_query(), wanted):
            found.setdefault(comparison_id, lane.scope)
    return list(found.items())


def _lock_one(
    seeker: Seeker, round_: Round, front: list[tuple[int, str]], patient: list[tuple[int, str]]
) -> Draw | None:
    """One of the front or, one time in ten where there are any, of the patient; None where all of them are held."""
    patience = PATIENCE if patient else 0.0
    shares = dict.fromkeys((one for one, _ in front), (1 - patience) / len(front))
    for one, _ in patient:
        shares[one] = shares.get(one, 0.0) + patience / len(patient)
    turns = [front, patient]
    if patient and seeker.chance.random() < patience:
        turns.reverse()
    for turn in turns:
        seeker.chance.shuffle(turn)
        for comparison_id, scope in turn:
            if lock_open(seeker.connection, round_.id, comparison_id, scope):
                return Draw(comparison_id, Purpose.WORK, shares[comparison_id], scope)
    return None


def _has_their_share(seeker: Seeker, round_: Round, *, n_items: int) -> bool:
    """Whether the rater gave the largest share of a round's votes that one may give."""
    if round_.rules.max_share >= 1:
        return False
    n_planned = n_items * round_.rules.overlap
    n_given = seeker.connection.scalar(
        select(func.count())
        .select_from(_assignment)
        .where(
            _assignment.c.round_id == round_.id,
            _assignment.c.rater_id == seeker.rater.id,
            _assignment.c.state != AssignmentState.EXPIRED.value,
            _assignment.c.takes_place,
        )
    )
    return (n_given or 0) >= max(SHARE_FLOOR, int(round_.rules.max_share * n_planned))
