"""The report of an attempt at an exam that ended, on the figures of then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from app.domain import Campaign, Rater, Round
from app.services.exam_items import Sitting, answers_in
from app.services.lookup import rounds_of
from app.stats.exam import ExamScore
from app.store import tables

_exam = tables.exam


@dataclass(frozen=True)
class ExamReport:
    """An attempt that ended, on the figures of then.

    Attributes:
        verdict: "pass" or "fail".
        classes: class of answers -> (right, items).
        criteria: criterion of the keys -> (right, items).
        reason: why it ended so.
        credit: mean credit, partial ones counted.
        expires_at: until when the certificate holds; None for a failed attempt.
    """

    exam_id: int
    rater: str
    campaign: str
    round: str
    rubric_version: str
    attempt: int
    verdict: str
    n_right: int
    n: int
    evidence: float
    limit: float
    plan: Mapping[str, float]
    classes: Mapping[str, tuple[int, int]]
    criteria: Mapping[str, tuple[int, int]]
    reason: str
    credit: float
    started_at: datetime
    closed_at: datetime
    expires_at: datetime | None


def reports_of(connection: Connection, rater: Rater, campaign: Campaign) -> list[ExamReport]:
    """The attempts of a rater that ended, newest first."""
    rows = connection.execute(
        select(_exam)
        .join(tables.round_)
        .where(
            tables.round_.c.campaign_id == campaign.id,
            _exam.c.rater_id == rater.id,
            _exam.c.closed_at.is_not(None),
        )
        .order_by(_exam.c.id.desc())
    )
    rounds = {round_.id: round_ for round_ in rounds_of(connection, campaign.id)}
    return [report_of(row, rater, campaign, rounds[row.round_id]) for row in rows]


def last_report(sitting: Sitting) -> ExamReport | None:
    """The last attempt of a rater at the exam of a round; None before the first has ended."""
    row = sitting.connection.execute(
        select(_exam)
        .where(
            _exam.c.round_id == sitting.round.id, _exam.c.rater_id == sitting.rater.id, _exam.c.closed_at.is_not(None)
        )
        .order_by(_exam.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else report_of(row, sitting.rater, sitting.campaign, sitting.round)


def result_of(sitting: Sitting, exam: Row[Any], score: ExamScore, *, expires_at: datetime | None) -> dict[str, Any]:
    """What is stored of an attempt that ends: the score, and right answers by class and by criterion."""
    answers, _ = answers_in(sitting, exam)
    used = [one for _, one in answers[: score.n]]
    criteria: dict[str, list[int]] = {}
    for one in used:
        for name, is_right in one.score.criteria.items():
            count = criteria.setdefault(name, [0, 0])
            count[0], count[1] = count[0] + is_right, count[1] + 1
    return {
        "n_right": score.n_right,
        "n": score.n,
        "evidence": score.evidence,
        "limit": score.limit,
        "reason": score.reason,
        "classes": {name: [one.n_right, one.n] for name, one in score.classes.items()},
        "criteria": criteria,
        "credit": sum(one.score.credit for one in used) / max(len(used), 1),
        "expires_at": None if expires_at is None else expires_at.isoformat(),
    }


def report_of(row: Row[Any], rater: Rater, campaign: Campaign, round_: Round) -> ExamReport:
    """A row of an attempt that ended as its report."""
    result = row.result
    expires = result["expires_at"]
    return ExamReport(
        exam_id=row.id,
        rater=rater.name,
        campaign=campaign.name,
        round=round_.name,
        rubric_version=round_.rubric_version,
        attempt=row.attempt,
        verdict=row.verdict,
        n_right=result["n_right"],
        n=result["n"],
        evidence=result["evidence"],
        limit=result["limit"],
        plan=row.plan,
        classes={name: (right, n) for name, (right, n) in result["classes"].items()},
        criteria={name: (right, n) for name, (right, n) in result["criteria"].items()},
        reason=result["reason"],
        credit=result["credit"],
        started_at=row.started_at,
        closed_at=row.closed_at,
        expires_at=None if expires is None else datetime.fromisoformat(expires),
    )
