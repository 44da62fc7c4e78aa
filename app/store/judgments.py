"""Judgments from the ledger, whole: for exports, for adjudicators, for a rater's own work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, exists, select

from app.domain import (
    DeclaredTension,
    ErrorSpan,
    Judgment,
    Purpose,
    Question,
    RaterKind,
    Report,
    Review,
    ReviewLevel,
)
from app.store import tables
from app.store.engine import batched
from app.store.queries import CHUNK
from app.store.visibility import visible
from rubrics.answers import Answer


def read_judgments(connection: Connection, comparison_ids: Sequence[int]) -> dict[int, list[Judgment]]:
    """The visible judgments of comparisons, every revision, in the order of the ledger.

    Args:
        connection: a reading connection.
        comparison_ids: row numbers of comparisons.

    Returns:
        Row number -> judgments; comparisons that nobody judged are absent.
    """
    judgment, assignment = tables.judgment, tables.assignment
    query = (
        select(
            judgment,
            assignment.c.comparison_id,
            assignment.c.repeat_index,
            assignment.c.purpose,
            assignment.c.shown,
            assignment.c.criteria_shown,
            assignment.c.overall_first,
            assignment.c.scope,
            _name_here().label("rater"),
            tables.rater.c.kind.label("rater_kind"),
            tables.round_.c.name.label("round_name"),
        )
        .join(assignment, assignment.c.id == judgment.c.assignment_id)
        .join(tables.rater, tables.rater.c.id == assignment.c.rater_id)
        .join(tables.round_, tables.round_.c.id == assignment.c.round_id)
        .join(tables.campaign, tables.campaign.c.id == tables.round_.c.campaign_id)
        .where(assignment.c.comparison_id.in_(comparison_ids), visible(judgment.c.batch_id))
        .order_by(judgment.c.id)
    )
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    answers = _by_judgment(connection, tables.verdict, ids)
    tensions = _by_judgment(connection, tables.declared_tension, ids)
    reports = _by_judgment(connection, tables.rater_report, ids)
    spans, reviews = error_spans(connection, ids), read_reviews(connection, ids)
    found: dict[int, list[Judgment]] = {}
    for row in rows:
        made = _judgment(row, answers.get(row.id, ()), tensions.get(row.id, ()), reports.get(row.id, ()))
        beside = replace(made, error_spans=spans.get(row.id, ()), reviews=reviews.get(row.id, ()))
        found.setdefault(row.comparison_id, []).append(beside)
    return found


def read_questions(connection: Connection, comparison_ids: Sequence[int]) -> dict[int, list[Question]]:
    """What raters asked and reported about comparisons outside any judgment, in the order of the ledger.

    Args:
        connection: a reading connection.
        comparison_ids: row numbers of comparisons.

    Returns:
        Row number -> questions; comparisons of which nobody asked anything are absent.
    """
    report, assignment = tables.rater_report, tables.assignment
    query = (
        select(
            report,
            assignment.c.comparison_id,
            assignment.c.repeat_index,
            assignment.c.scope,
            _name_here().label("rater"),
            tables.rater.c.kind.label("rater_kind"),
            tables.round_.c.name.label("round_name"),
        )
        .join(assignment, assignment.c.id == report.c.assignment_id)
        .join(tables.rater, tables.rater.c.id == assignment.c.rater_id)
        .join(tables.round_, tables.round_.c.id == assignment.c.round_id)
        .join(tables.campaign, tables.campaign.c.id == tables.round_.c.campaign_id)
        .where(assignment.c.comparison_id.in_(comparison_ids), report.c.judgment_id.is_(None))
        .where(visible(assignment.c.batch_id))
        .order_by(report.c.id)
    )
    found: dict[int, list[Question]] = {}
    for row in connection.execute(query):
        kind = RaterKind(row.rater_kind)
        one = Question(row.rater, _report(row), kind, row.round_name, row.repeat_index, row.scope or None)
        found.setdefault(row.comparison_id, []).append(one)
    return found


def error_spans(connection: Connection, judgment_ids: Sequence[int]) -> dict[int, tuple[ErrorSpan, ...]]:
    """Judgment -> its error spans, in the order in which they were marked."""
    return {
        judgment_id: tuple(
            ErrorSpan(row.completion, row.criterion, row.start_character, row.end_character, row.note) for row in rows
        )
        for judgment_id, rows in _by_judgment(connection, tables.error_span, judgment_ids).items()
    }


def read_reviews(connection: Connection, judgment_ids: Sequence[int]) -> dict[int, tuple[Review, ...]]:
    """Judgment -> what reviewers and seniors said of it, the reviewer's word first."""
    review, judgment, assignment = tables.review, tables.judgment, tables.assignment
    query = (
        select(review, _name_here().label("reviewer"))
        .join(tables.rater, tables.rater.c.id == review.c.reviewer_id)
        .join(judgment, judgment.c.id == review.c.judgment_id)
        .join(assignment, assignment.c.id == judgment.c.assignment_id)
        .join(tables.round_, tables.round_.c.id == assignment.c.round_id)
        .join(tables.campaign, tables.campaign.c.id == tables.round_.c.campaign_id)
        .order_by(review.c.id)
    )
    found: dict[int, tuple[Review, ...]] = {}
    for some in batched(judgment_ids):
        for row in connection.execute(query.where(review.c.judgment_id.in_(some))):
            found[row.judgment_id] = (*found.get(row.judgment_id, ()), _review(row))
    return found


def _review(row: Row[Any]) -> Review:
    given = row.answers
    answers = None if given is None else {key: in_id_order(Answer.from_dict(given[key])) for key in sorted(given)}
    return Review(ReviewLevel(row.level), answers, row.reason, row.reviewer, row.reviewed_at)


def _name_here() -> ColumnElement[str]:
    """A rater's name among those of the campaign: an account is `/name` where an imported pseudonym is `name` too."""
    rater, other = tables.rater, tables.rater.alias("other")
    is_shared = exists().where(other.c.namespace == tables.campaign.c.name, other.c.name == rater.c.name)
    return case((and_(rater.c.namespace == "", is_shared), "/" + rater.c.name), else_=rater.c.name)


def _by_judgment(connection: Connection, table: Any, judgment_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The rows of a table that belong to these judgments, as they were written."""
    found: dict[int, list[Row[Any]]] = {}
    for start in range(0, len(judgment_ids), CHUNK):
        chunk = judgment_ids[start : start + CHUNK]
        query = select(table).where(table.c.judgment_id.in_(chunk))
        if "id" in table.c:
            query = query.order_by(table.c.id)
        for row in connection.execute(query):
            found.setdefault(row.judgment_id, []).append(row)
    return found


def _judgment(
    row: Row[Any], answers: Sequence[Row[Any]], tensions: Sequence[Row[Any]], reports: Sequence[Row[Any]]
) -> Judgment:
    return Judgment(
        rater=row.rater,
        rater_kind=RaterKind(row.rater_kind),
        answers={one.criterion: stored_answer(one) for one in sorted(answers, key=lambda one: one.criterion)},
        justification=row.justification,
        tensions=tuple(
            DeclaredTension((one.first_criterion, one.second_criterion), one.prevailed, one.why) for one in tensions
        ),
        reports=tuple(_report(one, with_judgment_at=row.submitted_at) for one in reports),
        confidence=row.confidence,
        seconds=row.active_seconds,
        at=row.submitted_at,
        shown=None if row.shown is None else tuple(row.shown),
        criteria_shown=None if row.criteria_shown is None else tuple(row.criteria_shown),
        overall_first=row.overall_first,
        revision=row.revision,
        repeat_index=row.repeat_index,
        purpose=Purpose(row.purpose),
        round=row.round_name,
        rubric_version=row.rubric_version,
        scope=row.scope or None,
    )


def _report(row: Row[Any], *, with_judgment_at: datetime | None = None) -> Report:
    at = None if row.reported_at == with_judgment_at else row.reported_at
    return Report(row.kind, row.text, at, row.answer, row.answered_by, row.answered_at, row.read_at)


def stored_answer(row: Row[Any]) -> Answer:
    """A row of `verdict` as an answer."""
    if row.ranking is not None:
        return Answer(ranking=row.ranking)
    answer = Answer(preferred=row.preferred, strength=row.strength, scores=row.scores, checks=row.checks)
    return in_id_order(answer)


def in_id_order(answer: Answer) -> Answer:
    """The same answer, its scores or checks in id order: some databases keep no order of keys."""
    if answer.scores is not None:
        return Answer(scores=dict(sorted(answer.scores.items())))
    if answer.checks is not None:
        return Answer(checks=dict(sorted(answer.checks.items())))
    return answer
