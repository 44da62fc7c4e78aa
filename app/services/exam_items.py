"""What an attempt at an exam is made of: gold that the rater has not met, the item in hand, the score so far."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select, update

from app.domain import AssignmentState, Calibration, Campaign, Purpose, Rater, Round
from app.services import gold_scoring, probing
from app.services.assigning import renew_lease
from app.services.gold_scoring import answer_class, key_of
from app.services.lanes import held_by, requires_of
from app.services.lookup import find_campaign, rounds_of
from app.services.queueing import has_reviewed, is_unwelcome
from app.stats.exam import ExamPlan, ExamScore, next_class, score_exam
from app.store import tables
from app.store.visibility import visible

_exam = tables.exam
_item = tables.exam_item
_assignment = tables.assignment


@dataclass(frozen=True)
class Sitting:
    """Everything about a rater at the exam of a round."""

    connection: Connection
    campaign: Campaign
    rater: Rater
    round: Round
    now: datetime = field(kw_only=True)

    @property
    def calibration(self) -> Calibration:
        """What the round asks for."""
        assert self.round.rules.calibration is not None
        return self.round.rules.calibration


def sitting_of(connection: Connection, rater: Rater, row: Row[Any], *, now: datetime) -> Sitting:
    """The rater at the exam of an attempt's row."""
    campaign_id = connection.scalar(select(tables.round_.c.campaign_id).where(tables.round_.c.id == row.round_id))
    name = connection.scalar(select(tables.campaign.c.name).where(tables.campaign.c.id == campaign_id))
    campaign = find_campaign(connection, str(name))
    round_ = next(one for one in rounds_of(connection, campaign.id) if one.id == row.round_id)
    return Sitting(connection, campaign, rater, round_, now=now)


@dataclass(frozen=True)
class PoolItem:
    """A gold comparison that the rater has not met."""

    comparison_id: int
    answer_class: str
    criteria: tuple[str, ...]


def pool_of(sitting: Sitting) -> list[PoolItem]:
    """Gold of the campaign that the rater has met in no round and no lesson, and that may still measure.

    What requires something that they do not hold, or has content that they opted out of, is not for them.
    """
    wanted = {"campaign_id": sitting.campaign.id, "mode": sitting.round.mode.value, "rater_id": sitting.rater.id}
    rows = sitting.connection.execute(_pool_query(), wanted).all()
    held = held_by(sitting.connection, sitting.campaign, sitting.rater, now=sitting.now)
    mine = [row.comparison_id for row in rows if row.requires is None or requires_of(row.requires).met_by(held)]
    usable = set(probing.unused_gold(sitting.connection, sitting.round, mine))
    keys = [(row.comparison_id, key_of(row)) for row in rows if row.comparison_id in usable]
    return [PoolItem(one, answer_class(key_), tuple(sorted(key_.criteria))) for one, key_ in keys]


@cache
def _pool_query() -> Select[Any]:
    """The keys that measure in `:campaign_id` and `:mode`, on comparisons that `:rater_id` may meet and has not met."""
    comparison, key = tables.comparison, tables.gold_key
    met = (
        select(_assignment.c.comparison_id)
        .join(tables.round_, tables.round_.c.id == _assignment.c.round_id)
        .where(
            _assignment.c.rater_id == bindparam("rater_id"),
            tables.round_.c.campaign_id == bindparam("campaign_id"),
            _assignment.c.state != AssignmentState.EXPIRED.value,
        )
    )
    return (
        select(comparison.c.requires, key)
        .join(key, key.c.comparison_id == comparison.c.id)
        .where(
            comparison.c.campaign_id == bindparam("campaign_id"),
            comparison.c.mode == bindparam("mode"),
            visible(comparison.c.batch_id),
            key.c.suspended_at.is_(None),
            comparison.c.id.not_in(met),
            ~is_unwelcome(comparison.c.id),
            ~has_reviewed(comparison.c.id),
        )
        .order_by(comparison.c.id)
    )


def classes_of(pool: Sequence[PoolItem]) -> Counter[str]:
    """How many items of each class of answers there are."""
    return Counter(item.answer_class for item in pool)


def draw_item(
    sitting: Sitting, exam: Row[Any], pool: Sequence[PoolItem], *, chance: random.Random
) -> tuple[int, str, float] | None:
    """The next item: its class, then, of the class, the criterion asked least, then by lot. None where none helps."""
    score, asked = score_of(sitting, exam, is_exhausted=False)
    name = next_class(plan_of(exam), score, classes_of(pool))
    if name is None:
        return None
    of_class = [item for item in pool if item.answer_class == name]
    least = min(_n_asked(item, asked) for item in of_class)
    candidates = [item for item in of_class if _n_asked(item, asked) == least]
    return chance.choice(candidates).comparison_id, name, 1 / len(candidates)


def _n_asked(item: PoolItem, asked: Mapping[str, int]) -> int:
    """How often the rarest criterion of an item's key was asked so far; keys without any count as one criterion."""
    return min((asked.get(name, 0) for name in item.criteria), default=asked.get("", 0))


def held_item(sitting: Sitting, exam: Row[Any]) -> int | None:
    """The item that the rater holds, its lease renewed where it ran out; an expired one is opened again."""
    row = sitting.connection.execute(
        select(_assignment.c.id, _assignment.c.state, _assignment.c.lease_expires_at)
        .join(_item, _item.c.assignment_id == _assignment.c.id)
        .where(
            _item.c.exam_id == exam.id,
            _assignment.c.purpose == Purpose.EXAM.value,
            _assignment.c.state.in_([AssignmentState.OPEN.value, AssignmentState.EXPIRED.value]),
        )
    ).first()
    return None if row is None else row.id


def renew_item(sitting: Sitting, assignment_id: int) -> None:
    """Let the lease of an item run from now, also where it had run out."""
    sitting.connection.execute(
        update(_assignment)
        .where(_assignment.c.id == assignment_id, _assignment.c.state == AssignmentState.EXPIRED.value)
        .values(state=AssignmentState.OPEN.value, closed_at=None)
    )
    renew_lease(sitting.connection, assignment_id, sitting.round, now=sitting.now)


def plan_of(exam: Row[Any]) -> ExamPlan:
    """The plan that an attempt began with."""
    return ExamPlan(**exam.plan)


def score_of(sitting: Sitting, exam: Row[Any], *, is_exhausted: bool) -> tuple[ExamScore, Counter[str]]:
    """How an attempt stands by the keys that hold now, and how often each criterion was asked."""
    answers, asked = answers_in(sitting, exam)
    pairs = [(name, one.score.is_right) for name, one in answers]
    score = score_exam(plan_of(exam), pairs, classes=exam.classes, is_exhausted=is_exhausted)
    return score, asked


def answers_in(sitting: Sitting, exam: Row[Any]) -> tuple[list[tuple[str, gold_scoring.GoldAnswer]], Counter[str]]:
    """The answers of an attempt with their classes, in order; those to suspended keys are left out."""
    items = sitting.connection.execute(
        select(_item.c.assignment_id, _item.c.answer_class).where(_item.c.exam_id == exam.id).order_by(_item.c.position)
    ).all()
    mine = gold_scoring.gold_answers(sitting.connection, sitting.campaign.id, sitting.rater)
    given = {one.assignment_id: one for one in mine if one.purpose == Purpose.EXAM.value}
    found = [(row.answer_class, given[row.assignment_id]) for row in items if row.assignment_id in given]
    asked: Counter[str] = Counter()
    for _, one in found:
        asked.update(one.score.criteria or [""])
    return found, asked
