"""What reviewers and seniors said of a judgment: the `reviews` of a native judgment."""

from __future__ import annotations

from typing import Any

from app.domain import OVERALL, Review, ReviewLevel, ReviewVerdict
from app.formats import fields
from app.formats.answers import ANSWER_FIELDS, read_answer, read_criteria
from app.formats.base import Refusal, refuse_unknown_fields, shown_value, suggestion
from rubrics.answers import Answer

REVIEW_FIELDS = ANSWER_FIELDS | frozenset(("level", "criteria", "reason", "by", "at"))

_LEVELS = {level.value: level for level in ReviewLevel}


def read_reviews(value: Any, ids: tuple[str, ...], rater: str, notes: list[str]) -> tuple[Review, ...]:
    """The reviews of a judgment: a reviewer's word, and a senior's where that one would answer otherwise.

    Args:
        value: the list as the file has it.
        ids: the completions of the comparison.
        rater: who judged.
        notes: receives a sentence for each value that was read as missing.

    Raises:
        Refusal: a review that is none, a level that stands twice, a senior who had nothing to settle, or somebody who
            reviews their own words.
    """
    made: list[Review] = []
    for position, one in enumerate(fields.items(value, "reviews")):
        try:
            made.append(_read_review(fields.mapping(one, ""), ids, notes))
            _refuse_out_of_turn(made, rater)
        except Refusal as refusal:
            raise refusal.inside(f"reviews[{position}]") from None
    return tuple(made)


def plain_answers(answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Answers as a judgment has them: the overall one beside `criteria`, what is empty left out."""
    criteria = {key: answer for key, answer in answers.items() if key != OVERALL}
    return answers.get(OVERALL, {}) | ({"criteria": criteria} if criteria else {})


def _refuse_out_of_turn(made: list[Review], rater: str) -> None:
    *earlier, last = made
    if last.by in (rater, *(one.by for one in earlier)):
        raise Refusal("by", f"{last.by!r} judged or reviewed this already; nobody reviews their own words")
    if last.level in (one.level for one in earlier):
        raise Refusal("level", f"{last.level.value!r} stands twice; keep one")
    differs = any(one.level is ReviewLevel.REVIEW and one.verdict is ReviewVerdict.EDIT for one in earlier)
    if last.level is ReviewLevel.SENIOR and not differs:
        raise Refusal("level", "a senior settles what a reviewer would have answered otherwise; none stands before")


def _read_review(row: dict[str, Any], ids: tuple[str, ...], notes: list[str]) -> Review:
    refuse_unknown_fields(row, REVIEW_FIELDS)
    level, reason = row.get("level"), row.get("reason")
    if type(level) is not str or level not in _LEVELS:
        raise Refusal("level", f"{shown_value(level)} is no level; {suggestion(level, _LEVELS)}")
    return Review(
        _LEVELS[level],
        _read_answers(row, ids, notes) or None,
        "" if reason is None else fields.long_text(reason, "reason"),
        fields.name(row.get("by"), "by"),
        fields.moment(row.get("at"), "at"),
    )


def _read_answers(row: dict[str, Any], ids: tuple[str, ...], notes: list[str]) -> dict[str, Answer]:
    """What should stand instead; nothing where the attempt stands."""
    overall = read_answer(row, ids, notes)
    answers = {} if overall is None else {OVERALL: overall}
    return answers | ({} if row.get("criteria") is None else read_criteria(row["criteria"], ids, notes))
