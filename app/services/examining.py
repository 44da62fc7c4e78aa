"""The exam of a round: gold comparisons that the rater has not met, one at a time, until the answers suffice.

An attempt is sequential (`app.stats.exam`): it draws from the classes of answers and, within them, from the criteria
that the keys speak of. One retry with fresh items follows a wait; then a designer decides. Who passes holds a
certificate for the rubric version and a decision with its figures.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from app.domain import Assignment, RaterState, Round, utc_now
from app.errors import Conflict, NotFound
from app.policy import Action
from app.services import events, judging, standing
from app.services.assigning import lease_for_exam
from app.services.exam_closing import ATTEMPTS, close_if_decided, failed_since
from app.services.exam_items import (
    Sitting,
    classes_of,
    draw_item,
    held_item,
    plan_of,
    pool_of,
    renew_item,
    score_of,
    sitting_of,
)
from app.services.exam_reports import ExamReport, last_report
from app.services.holding import make_room
from app.services.judging import Receipt, Submission
from app.services.lookup import find_account, find_campaign, locked_account, require, rounds_of, rubric_of
from app.services.showing import assignment_view
from app.stats.exam import ExamPlan, ExamScore, next_class
from app.store import tables
from app.store.engine import Store

_exam = tables.exam
_item = tables.exam_item


@dataclass(frozen=True)
class ExamStatus:
    """Where a rater is with the exam of a campaign.

    Attributes:
        state: `none` (no round asks for one), `certified`, `ready`, `running`, `waiting` (until `opens_at`), `lessons`
            (to do first), `no_items` (the rater has seen all gold), `review` (a designer decides), `retired`.
        round: the round whose exam it is.
        attempt: the attempt that runs or comes next, from 1.
        score: how the attempt that runs stands; None without one. Not for the rater before it has ended.
        last: the last attempt that ended.
        opens_at: when the retry opens.
        expires_at: until when the certificate holds.
        n_left: gold comparisons that the rater has not met.
    """

    state: str
    round: Round | None = None
    attempt: int = 1
    score: ExamScore | None = None
    last: ExamReport | None = None
    opens_at: datetime | None = None
    expires_at: datetime | None = None
    n_left: int = 0


def exam_status(store: Store, rater_name: str, campaign_name: str, *, now: datetime | None = None) -> ExamStatus:
    """Where a rater is with the exam; writes nothing.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account is no rater here.
    """
    now = now or utc_now()
    with store.read() as connection:
        return status_in(connection, rater_name, campaign_name, now=now)


def next_item(
    store: Store,
    rater_name: str,
    campaign_name: str,
    *,
    now: datetime | None = None,
    chance: random.Random | None = None,
) -> Assignment | None:
    """The exam item that a rater works on: the one they hold, or the next; begins an attempt where one is due.

    Returns:
        None once the attempt has ended, or where nothing is left that the rater has not met.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account is no rater here.
        Conflict: no exam is open to the rater now.
    """
    now, chance = now or utc_now(), chance or random.Random()
    with store.write() as connection:
        rater = locked_account(connection, rater_name)
        status = status_in(connection, rater_name, campaign_name, now=now)
        if status.state not in ("ready", "running") or status.round is None:
            raise Conflict(f"No exam is open to {rater_name} in campaign {campaign_name!r}: {status.state}.")
        campaign = find_campaign(connection, campaign_name)
        sitting = Sitting(connection, campaign, rater, status.round, now=now)
        make_room(connection, rater, status.round, for_exam=True, now=now)
        exam = _open_exam(sitting) or _begin(sitting, status.attempt)
        held = held_item(sitting, exam)
        if held is not None:
            renew_item(sitting, held)
            return assignment_view(connection, held)
        pool = pool_of(sitting)
        close_if_decided(sitting, exam, pool)
        if _open_exam(sitting) is None:
            return None
        drawn = draw_item(sitting, exam, pool, chance=chance)
        if drawn is None:
            return None
        comparison_id, name, propensity = drawn
        assignment_id = lease_for_exam(
            connection, campaign, status.round, rater, comparison_id, propensity=propensity, now=now, chance=chance
        )
        position = connection.scalar(select(func.count()).where(_item.c.exam_id == exam.id)) or 0
        row = {"exam_id": exam.id, "position": position, "assignment_id": assignment_id, "answer_class": name}
        connection.execute(insert(_item), row)
        return assignment_view(connection, assignment_id)


def answer(
    store: Store, rater_name: str, assignment_id: int, submission: Submission, *, now: datetime | None = None
) -> Receipt:
    """Hand in an exam item; the attempt ends where that decides it.

    Raises:
        As `judging.submit`; NotFound: the assignment is no exam item.
    """
    now = now or utc_now()
    of_item = select(_exam).join(_item).where(_item.c.assignment_id == assignment_id)
    with store.read() as connection:
        if connection.execute(of_item).first() is None:
            raise NotFound(f"Assignment {assignment_id} is no exam item.")
    receipt = judging.submit(store, rater_name, assignment_id, submission, now=now)
    with store.write() as connection:
        rater = locked_account(connection, rater_name)
        row = connection.execute(of_item.with_for_update(of=_exam)).one()
        sitting = sitting_of(connection, rater, row, now=now)
        if row.closed_at is None:
            close_if_decided(sitting, row, pool_of(sitting))
    return receipt


def n_answered(store: Store, rater_name: str, campaign_name: str) -> int:
    """How many items of the attempt that runs were answered; 0 where none runs.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account is no rater here.
    """
    score = exam_status(store, rater_name, campaign_name).score
    return 0 if score is None else score.n


def criterion_names(store: Store, rubric_version: str) -> dict[str, str]:
    """Criterion key -> name on the screen, under a rubric version."""
    with store.read() as connection:
        return {one.key: one.name for one in rubric_of(connection, rubric_version).criteria}


def status_in(connection: Connection, rater_name: str, campaign_name: str, *, now: datetime) -> ExamStatus:
    """`exam_status` inside a transaction of the caller."""
    rater, campaign = find_account(connection, rater_name), find_campaign(connection, campaign_name)
    require(connection, rater, Action.JUDGE, campaign=campaign)
    rounds = [one for one in rounds_of(connection, campaign.id) if one.state == "open" and one.rules.calibration]
    if not rounds or campaign.state == "closed":
        return ExamStatus("none")
    stands = standing.standing_of(connection, rater, campaign.id)
    if stands.state is RaterState.RETIRED:
        return ExamStatus("retired", rounds[0])
    is_out = stands.state is RaterState.PAUSED
    certified = None
    for round_ in rounds:
        sitting = Sitting(connection, campaign, rater, round_, now=now)
        if not is_out and standing.is_certified(connection, round_, rater, now=now):
            last = last_report(sitting)
            expires_at = None if last is None else last.expires_at
            certified = certified or ExamStatus("certified", round_, last=last, expires_at=expires_at)
            continue
        return _status_of(sitting, stands)
    assert certified is not None
    return certified


# --- where an attempt is ---------------------------------------------------------------------------------------------


def _status_of(sitting: Sitting, stands: standing.Standing) -> ExamStatus:
    """The status of a rater who needs the exam of this round."""
    running, last = _open_exam(sitting), last_report(sitting)
    pool, failed = pool_of(sitting), failed_since(sitting, stands)
    n_left = len(pool)
    facts: dict[str, Any] = {"round": sitting.round, "last": last, "n_left": n_left}
    if stands.awaits_person or (stands.state is RaterState.PAUSED and stands.decision is None):
        return ExamStatus("review", **facts)
    if running is not None:
        score, _ = score_of(sitting, running, is_exhausted=False)
        can_go_on = next_class(plan_of(running), score, classes_of(pool)) is not None
        is_running = can_go_on or score.verdict or held_item(sitting, running) is not None
        return ExamStatus("running" if is_running else "no_items", attempt=failed + 1, score=score, **facts)
    if failed >= ATTEMPTS:
        return ExamStatus("review", attempt=failed, **facts)
    if failed and last is not None:
        opens_at = last.closed_at + timedelta(hours=sitting.calibration.wait_hours)
        if sitting.now < opens_at:
            return ExamStatus("waiting", attempt=failed + 1, opens_at=opens_at, **facts)
    if _lesson_level(sitting) < sitting.calibration.lesson_level:
        return ExamStatus("lessons", attempt=failed + 1, **facts)
    return ExamStatus("ready" if n_left else "no_items", attempt=failed + 1, **facts)


def _lesson_level(sitting: Sitting) -> int:
    """The level of lessons that the rater has finished in the campaign."""
    skill = tables.rater_skill
    return (
        sitting.connection.scalar(
            select(func.coalesce(func.max(skill.c.level), 0)).where(
                skill.c.rater_id == sitting.rater.id,
                skill.c.campaign_id == sitting.campaign.id,
                skill.c.skill == "lessons",
            )
        )
        or 0
    )


def _open_exam(sitting: Sitting) -> Row[Any] | None:
    return sitting.connection.execute(
        select(_exam).where(
            _exam.c.round_id == sitting.round.id, _exam.c.rater_id == sitting.rater.id, _exam.c.closed_at.is_(None)
        )
    ).first()


# --- attempts --------------------------------------------------------------------------------------------------------


def _begin(sitting: Sitting, attempt_in_cycle: int) -> Row[Any]:
    """Write a new attempt."""
    rules = sitting.calibration
    plan = ExamPlan(rules.p0, rules.p1, rules.max_items, rules.class_minimum)
    mine = (_exam.c.round_id == sitting.round.id, _exam.c.rater_id == sitting.rater.id)
    n_before = sitting.connection.scalar(select(func.count()).where(*mine)) or 0
    row = {
        "round_id": sitting.round.id,
        "rater_id": sitting.rater.id,
        "attempt": n_before + 1,
        "plan": asdict(plan),
        "classes": sorted({item.answer_class for item in pool_of(sitting)}),
        "started_at": sitting.now,
    }
    made = sitting.connection.execute(insert(_exam).returning(_exam), row).one()
    events.record(
        sitting.connection,
        actor=sitting.rater.name,
        action="exam.begun",
        subject=f"rater {sitting.rater.name}",
        campaign_id=sitting.campaign.id,
        detail={"exam": made.id, "round": sitting.round.name, "attempt": attempt_in_cycle, "plan": row["plan"]},
    )
    return made
