"""Writes native JSONL, so that `read(write(x)) == x`: what goes out comes back as the same ledger."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.domain import (
    Adjudication,
    Comparison,
    Completion,
    DeclaredTension,
    ErrorSpan,
    GoldKey,
    ImportedComparison,
    Judgment,
    Message,
    Purpose,
    Question,
    RaterKind,
    Report,
    Review,
)
from app.formats.native_reviews import plain_answers


def line_of(
    comparison: Comparison,
    judgments: Iterable[Judgment] = (),
    adjudications: Iterable[Adjudication] = (),
    questions: Iterable[Question] = (),
) -> dict[str, Any]:
    """A comparison with all that was said of it as one native object, JSON-ready, without empty fields."""
    line: dict[str, Any] = {
        "id": comparison.id,
        "prompt": _plain_prompt(comparison.prompt),
        "completions": [_plain_completion(completion) for completion in comparison.completions],
    }
    if plain_judgments := [_plain_judgment(judgment) for judgment in judgments]:
        line["judgments"] = plain_judgments
    if plain_adjudications := [_plain_adjudication(adjudication) for adjudication in adjudications]:
        line["adjudications"] = plain_adjudications
    if plain_questions := [_plain_question(question) for question in questions]:
        line["questions"] = plain_questions
    if comparison.gold is not None:
        line["gold"] = _plain_gold(comparison.gold)
    if comparison.reference is not None:
        line["reference"] = dict(comparison.reference)
    if comparison.meta:
        line["meta"] = dict(comparison.meta)
    if comparison.requires:
        line["requires"] = comparison.requires.to_dict()
    return line


def text_of(line: dict[str, Any]) -> str:
    """A native object as a line of JSON, without its line break.

    Raises:
        ValueError: a number in it is NaN or infinite, which JSON cannot say.
    """
    return json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


def write(path: Path, rows: Iterable[ImportedComparison]) -> int:
    """Write comparisons as native JSONL; the file appears under its name when it is complete.

    Args:
        path: where; an existing file is replaced.
        rows: the comparisons with their judgments; taken one at a time, so memory does not grow.

    Returns:
        How many lines were written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    n_lines = 0
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                file.write(text_of(line_of(row.comparison, row.judgments, row.adjudications, row.questions)) + "\n")
                n_lines += 1
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return n_lines


def _plain_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _without_empty(plain: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something; 0 and False do, None and empty texts, lists and objects do not."""
    return {key: value for key, value in plain.items() if value is not None and value not in ("", [], {})}


def _plain_prompt(prompt: tuple[Message, ...]) -> str | list[dict[str, str]]:
    if len(prompt) == 1 and prompt[0].role == "user":
        return prompt[0].content
    return [{"role": message.role, "content": message.content} for message in prompt]


def _plain_completion(completion: Completion) -> dict[str, Any]:
    plain: dict[str, Any] = {"id": completion.id, "text": completion.text}
    for name in ("model", "source", "licence"):
        if (value := getattr(completion, name)) is not None:
            plain[name] = value
    if completion.parameters is not None:
        plain["parameters"] = dict(completion.parameters)
    return plain


def _plain_judgment(judgment: Judgment) -> dict[str, Any]:
    plain: dict[str, Any] = {"rater": judgment.rater, "rater_kind": judgment.rater_kind.value}
    plain |= plain_answers({key: answer.to_dict() for key, answer in judgment.answers.items()})
    plain |= _without_empty(
        {
            "justification": judgment.justification,
            "tensions": [_plain_tension(tension) for tension in judgment.tensions],
            "reports": [_plain_report(report) for report in judgment.reports],
            "error_spans": [_plain_span(span) for span in judgment.error_spans],
            "confidence": judgment.confidence,
            "seconds": judgment.seconds,
            "at": None if judgment.at is None else _plain_time(judgment.at),
            "shown": None if judgment.shown is None else list(judgment.shown),
            "overall_first": judgment.overall_first,
            "revision": judgment.revision or None,
            "repeat_index": judgment.repeat_index or None,
            "purpose": None if judgment.purpose is Purpose.WORK else judgment.purpose.value,
            "round": judgment.round,
            "rubric_version": judgment.rubric_version,
            "scope": judgment.scope,
            "reviews": [_plain_review(review) for review in judgment.reviews],
        }
    )
    if judgment.criteria_shown is not None:
        plain["criteria_shown"] = list(judgment.criteria_shown)
    return plain


def _plain_tension(tension: DeclaredTension) -> dict[str, Any]:
    return {"between": list(tension.between)} | _without_empty({"prevailed": tension.prevailed, "why": tension.why})


def _plain_report(report: Report) -> dict[str, Any]:
    times = {name: getattr(report, name) for name in ("at", "answered_at", "read_at")}
    said = {"text": report.text, "answered_by": report.answered_by} | {
        name: None if at is None else _plain_time(at) for name, at in times.items()
    }
    answer = {} if report.answer is None else {"answer": report.answer}
    return {"kind": report.kind} | _without_empty(said) | answer


def _plain_review(review: Review) -> dict[str, Any]:
    answers = {key: answer.to_dict() for key, answer in (review.answers or {}).items()}
    said = {"level": review.level.value} | plain_answers(answers) | _without_empty({"reason": review.reason})
    return said | {"by": review.by, "at": _plain_time(review.at)}


def _plain_question(question: Question) -> dict[str, Any]:
    kind = None if question.rater_kind is RaterKind.HUMAN else question.rater_kind.value
    where = {"rater_kind": kind, "round": question.round, "repeat_index": question.repeat_index or None}
    where |= {"scope": question.scope}
    return {"rater": question.rater} | _without_empty(where) | _plain_report(question.report)


def _plain_span(span: ErrorSpan) -> dict[str, Any]:
    place = {"completion": span.completion, "criterion": span.criterion, "start": span.start, "end": span.end}
    return place | _without_empty({"note": span.note})


def _plain_gold(gold: GoldKey) -> dict[str, Any]:
    return _without_empty(
        {
            "accepted": list(gold.accepted),
            "criteria": dict(gold.criteria),
            "explanation": gold.explanation,
            "distribution": None if gold.distribution is None else dict(gold.distribution),
            "suspended_at": None if gold.suspended_at is None else _plain_time(gold.suspended_at),
            "suspended_for": None if gold.suspended_for is None else dict(gold.suspended_for),
            "kept_at": None if gold.kept_at is None else _plain_time(gold.kept_at),
        }
    )


def _plain_adjudication(adjudication: Adjudication) -> dict[str, Any]:
    plain = adjudication.answer.to_dict() | {
        "cause": adjudication.cause.value,
        "reason": adjudication.reason,
        "by": adjudication.by,
    }
    if adjudication.at is not None:
        plain["at"] = _plain_time(adjudication.at)
    if adjudication.round is not None:
        plain["round"] = adjudication.round
    return plain
