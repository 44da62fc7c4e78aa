"""What belongs to a judgment, as rows of the tables that hold it: whoever stores one, stores it in this form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain import DeclaredTension, Report
from rubrics.answers import Answer


def verdict_rows(judgment_id: int, answers: Mapping[str, Answer]) -> list[dict[str, Any]]:
    """Answers as rows of `verdict`."""
    return [
        {
            "judgment_id": judgment_id,
            "criterion": criterion,
            "preferred": answer.preferred,
            "strength": answer.strength,
            "scores": None if answer.scores is None else dict(answer.scores),
            "checks": None if answer.checks is None else dict(answer.checks),
            "ranking": None if answer.ranking is None else [list(group) for group in answer.ranking],
        }
        for criterion, answer in answers.items()
    ]


def tension_rows(judgment_id: int, tensions: Sequence[DeclaredTension]) -> list[dict[str, Any]]:
    """Declared tensions as rows, their two criteria in alphabetical order."""
    return [
        {
            "judgment_id": judgment_id,
            "first_criterion": min(tension.between),
            "second_criterion": max(tension.between),
            "prevailed": tension.prevailed,
            "why": tension.why,
        }
        for tension in tensions
    ]


def report_rows(
    assignment_id: int, judgment_id: int | None, reports: Sequence[Report], *, reported_at: datetime | None
) -> list[dict[str, Any]]:
    """Reports as rows.

    Args:
        assignment_id: under which they were raised.
        judgment_id: with which they came, if with one.
        reports: what was raised.
        reported_at: when, where a report does not say.
    """
    return [
        {
            "assignment_id": assignment_id,
            "judgment_id": judgment_id,
            "kind": report.kind,
            "text": report.text,
            "reported_at": report.at or reported_at,
            "answer": report.answer,
            "answered_at": report.answered_at,
            "answered_by": report.answered_by,
            "read_at": report.read_at,
        }
        for report in reports
    ]
