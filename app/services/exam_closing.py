"""How an attempt at an exam ends: the decision, the certificate, and scoring again when keys were suspended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from app.domain import Campaign, Decision
from app.services import standing
from app.services.exam_items import PoolItem, Sitting, classes_of, held_item, plan_of, score_of, sitting_of
from app.services.exam_reports import result_of
from app.services.lookup import find_account
from app.stats.exam import ExamScore, next_class
from app.store import tables

ATTEMPTS = 2
"""The exam and one retry; then a person decides."""

_exam = tables.exam


def rescore_exams(connection: Connection, campaign: Campaign, *, actor: str, now: datetime) -> list[str]:
    """Score the failed last attempts of raters again after keys were suspended; who would have passed, passes.

    Who passed keeps it; who was paused since stays paused. Returns the names of those who pass now.
    """
    passed = []
    rows = connection.execute(
        select(_exam, tables.rater.c.name)
        .join(tables.round_)
        .join(tables.rater, tables.rater.c.id == _exam.c.rater_id)
        .where(tables.round_.c.campaign_id == campaign.id, _exam.c.verdict == "fail")
        .order_by(_exam.c.rater_id, _exam.c.id)
    ).all()
    for row in rows:
        rater = find_account(connection, row.name)
        sitting = sitting_of(connection, rater, row, now=now)
        if standing.is_certified(connection, sitting.round, rater, now=now) or _has_later(connection, row):
            continue
        if _is_paused_since(sitting, row):
            continue
        score, _ = score_of(sitting, row, is_exhausted=True)
        if score.verdict == "pass":
            _close(sitting, row, score, actor=actor)
            passed.append(rater.name)
    return passed


def close_if_decided(sitting: Sitting, exam: Row[Any], pool: Sequence[PoolItem]) -> None:
    """End an attempt whose answers suffice, or that can only be decided by what is there."""
    score, _ = score_of(sitting, exam, is_exhausted=False)
    if score.verdict is None and held_item(sitting, exam) is None:
        is_stuck = next_class(plan_of(exam), score, classes_of(pool)) is None
        score = score_of(sitting, exam, is_exhausted=True)[0] if is_stuck else score
    if score.verdict is not None:
        _close(sitting, exam, score, actor=sitting.rater.name)


def _close(sitting: Sitting, exam: Row[Any], score: ExamScore, *, actor: str) -> None:
    """Write how an attempt ended, the decision, and the certificate where it was passed."""
    is_pass = score.verdict == "pass"
    expires_at = sitting.now + timedelta(days=sitting.calibration.valid_days) if is_pass else None
    result = result_of(sitting, exam, score, expires_at=expires_at)
    sitting.connection.execute(
        update(_exam).where(_exam.c.id == exam.id).values(verdict=score.verdict, closed_at=sitting.now, result=result)
    )
    figures = {"exam": exam.id, "round": sitting.round.name, **{k: result[k] for k in ("n_right", "n", "evidence")}}
    stands = standing.standing_of(sitting.connection, sitting.rater, sitting.campaign.id)
    if is_pass:
        standing.grant(
            sitting.connection,
            sitting.rater,
            standing.certificate_skill(sitting.round.rubric_version),
            level=1,
            evidence=figures,
            now=sitting.now,
            campaign_id=sitting.campaign.id,
            expires_at=expires_at,
        )
        said = f"You passed the exam: {score.n_right} of {score.n} right. {_sentence(score.reason)}"
        _decide(sitting, Decision.PASSED, figures, said, actor=actor)
        return
    said = f"You did not pass the exam: {score.n_right} of {score.n} right. {_sentence(score.reason)}"
    _decide(sitting, Decision.FAILED, figures, f"{said} {_after_failing(sitting, stands)}", actor=actor)
    if failed_since(sitting, stands) >= ATTEMPTS:
        text = "Both attempts at the exam were not enough. A designer looks at your answers and decides how to go on."
        _decide(sitting, Decision.REVIEW, figures, text, actor="system")


def _after_failing(sitting: Sitting, stands: standing.Standing) -> str:
    if failed_since(sitting, stands) >= ATTEMPTS:
        return ""
    return f"You may try once more, with other questions, after {sitting.calibration.wait_hours:g} hours."


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""


def _decide(sitting: Sitting, decision: Decision, figures: Mapping[str, Any], text: str, *, actor: str) -> None:
    standing.decide(
        sitting.connection,
        sitting.rater,
        sitting.campaign,
        decision,
        figures=figures,
        explanation=text.strip(),
        actor=actor,
        now=sitting.now,
    )


def failed_since(sitting: Sitting, stands: standing.Standing) -> int:
    """Failed attempts since the decision under which the rater stands, or since ever."""
    since = stands.decision.decided_at if stands.decision is not None else None
    mine = (_exam.c.round_id == sitting.round.id, _exam.c.rater_id == sitting.rater.id, _exam.c.verdict == "fail")
    later = () if since is None else (_exam.c.started_at >= since,)
    return sitting.connection.scalar(select(func.count()).where(*mine, *later)) or 0


def _is_paused_since(sitting: Sitting, row: Row[Any]) -> bool:
    """Whether a pause came after an attempt; the review that failing itself brings is none."""
    decision = standing.standing_of(sitting.connection, sitting.rater, sitting.campaign.id).decision
    return decision is not None and decision.decision is Decision.PAUSED and decision.decided_at >= row.closed_at


def _has_later(connection: Connection, row: Row[Any]) -> bool:
    later = (_exam.c.round_id == row.round_id, _exam.c.rater_id == row.rater_id, _exam.c.id > row.id)
    return bool(connection.scalar(select(func.count()).where(*later)))
