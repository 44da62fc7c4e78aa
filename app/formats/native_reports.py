"""What raters flagged and asked: the reports of a native judgment, and the questions of a native line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.domain import Question, RaterKind, Report
from app.formats import fields
from app.formats.base import Refusal, refuse_unknown_fields, shown_value, suggestion

REPORT_FIELDS = frozenset(("kind", "text", "at", "answer", "answered_by", "answered_at", "read_at"))
QUESTION_FIELDS = REPORT_FIELDS | frozenset(("rater", "rater_kind", "round", "repeat_index", "scope"))

_KINDS = {kind.value: kind for kind in RaterKind}


def read_kind(value: Any) -> RaterKind:
    """The kind of a rater.

    Raises:
        Refusal: no kind that there is.
    """
    if type(value) is not str or value not in _KINDS:
        raise Refusal("rater_kind", f"{shown_value(value)} is no kind; {suggestion(value, _KINDS)}")
    return _KINDS[value]


def read_reports(value: Any) -> tuple[Report, ...]:
    """The reports of a judgment.

    Raises:
        Refusal: a report that is none.
    """
    made = []
    for position, one in enumerate(fields.items(value, "reports")):
        try:
            row = fields.mapping(one, "")
            refuse_unknown_fields(row, REPORT_FIELDS)
            made.append(_read_report(row))
        except Refusal as refusal:
            raise refusal.inside(f"reports[{position}]") from None
    return tuple(made)


def read_questions(value: Any) -> tuple[Question, ...]:
    """The questions of a line: what was asked or reported outside any judgment.

    Raises:
        Refusal: a question that is none, or one that stands twice.
    """
    made: list[Question] = []
    for position, one in enumerate(fields.items(value, "questions")):
        try:
            made.append(_read_question(fields.mapping(one, "")))
            if made[-1] in made[:-1]:
                raise Refusal("", "stands twice; keep one")
        except Refusal as refusal:
            raise refusal.inside(f"questions[{position}]") from None
    return tuple(made)


def _read_question(row: dict[str, Any]) -> Question:
    refuse_unknown_fields(row, QUESTION_FIELDS)
    if row.get("rater") is None:
        raise Refusal("rater", "is missing; say who asked")
    kind, round_name, repeat_index = row.get("rater_kind"), row.get("round"), row.get("repeat_index")
    scope = row.get("scope")
    return Question(
        fields.name(row["rater"], "rater"),
        _read_report(row),
        RaterKind.HUMAN if kind is None else read_kind(kind),
        None if round_name is None else fields.name(round_name, "round"),
        0 if repeat_index is None else fields.count(repeat_index, "repeat_index"),
        None if scope is None else fields.name(scope, "scope"),
    )


def _read_report(row: dict[str, Any]) -> Report:
    text, answer, answered_by = row.get("text"), row.get("answer"), row.get("answered_by")
    report = Report(
        fields.name(row.get("kind"), "kind"),
        "" if text is None else fields.long_text(text, "text"),
        _moment(row, "at"),
        None if answer is None else fields.long_text(answer, "answer"),
        None if answered_by is None else fields.name(answered_by, "answered_by"),
        _moment(row, "answered_at"),
        _moment(row, "read_at"),
    )
    if (report.answer is None) != (report.answered_at is None):
        raise Refusal("answered_at", "answer and answered_at belong together: give both or none")
    return report


def _moment(row: dict[str, Any], field: str) -> datetime | None:
    value = row.get(field)
    return None if value is None else fields.moment(value, field)
