"""The judgments, gold key and adjudications of a native line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.domain import (
    OVERALL,
    Adjudication,
    Cause,
    DeclaredTension,
    ErrorSpan,
    GoldKey,
    Judgment,
    Purpose,
)
from app.formats import fields
from app.formats.answers import ANSWER_FIELDS, read_answer, read_criteria, refuse_unknown_completion
from app.formats.base import Refusal, refuse_unknown_fields, shown_value, suggestion
from app.formats.lints import is_sentinel
from app.formats.native_reports import read_kind, read_reports
from app.formats.native_reviews import read_reviews
from rubrics.answers import BOTH_BAD, TIE

JUDGMENT_FIELDS = ANSWER_FIELDS | frozenset(
    (
        "rater",
        "rater_kind",
        "criteria",
        "justification",
        "tensions",
        "reports",
        "error_spans",
        "confidence",
        "seconds",
        "at",
        "shown",
        "criteria_shown",
        "overall_first",
        "revision",
        "repeat_index",
        "purpose",
        "round",
        "rubric_version",
        "scope",
        "reviews",
    )
)
ADJUDICATION_FIELDS = ANSWER_FIELDS | frozenset(("cause", "reason", "by", "at", "round"))
GOLD_FIELDS = frozenset(
    ("accepted", "criteria", "explanation", "distribution", "suspended_at", "suspended_for", "kept_at")
)
TENSION_FIELDS = frozenset(("between", "prevailed", "why"))
SPAN_FIELDS = frozenset(("completion", "criterion", "start", "end", "note"))

_PURPOSES = {purpose.value: purpose for purpose in Purpose}
_CAUSES = {cause.value: cause for cause in Cause}


def read_judgments(value: Any, ids: tuple[str, ...], notes: list[str]) -> tuple[Judgment, ...]:
    """The judgments of a line.

    Args:
        value: the list as the file has it.
        ids: the completions of the comparison.
        notes: receives a sentence for each value that was read as missing.

    Raises:
        Refusal: a judgment that is none, or two of one rater for the same round, repeat and revision.
    """
    made = []
    for position, row in enumerate(fields.items(value, "judgments")):
        try:
            made.append(_read_judgment(fields.mapping(row, ""), ids, notes))
        except Refusal as refusal:
            raise refusal.inside(f"judgments[{position}]") from None
    _refuse_two_alike(made)
    return tuple(made)


def _refuse_two_alike(judgments: list[Judgment]) -> None:
    seen: dict[tuple[str, str | None, int, int], int] = {}
    for position, one in enumerate(judgments):
        key = (one.rater, one.round, one.repeat_index, one.revision)
        earlier = seen.setdefault(key, position)
        if earlier != position:
            reason = (
                f"rater {one.rater!r} already judges in judgments[{earlier}], same round, repeat_index "
                f"{one.repeat_index} and revision {one.revision}; count up repeat_index or revision, or keep one"
            )
            raise Refusal(f"judgments[{position}]", reason)


def _read_judgment(row: dict[str, Any], ids: tuple[str, ...], notes: list[str]) -> Judgment:
    if not row.keys() <= JUDGMENT_FIELDS:
        refuse_unknown_fields(row, JUDGMENT_FIELDS)
    if row.get("rater") is None:
        raise Refusal("rater", "is missing; say who judged")
    rater = fields.name(row["rater"], "rater")
    found: list[str] = []
    answers = {}
    overall = read_answer(row, ids, found)
    if overall is not None:
        answers[OVERALL] = overall
    if (criteria := row.get("criteria")) is not None:
        answers.update(read_criteria(criteria, ids, found))
    details: dict[str, Any] = {
        name: _DETAILS[name](value) for name in _DETAILS.keys() & row.keys() if (value := row[name]) is not None
    }
    if (confidence := row.get("confidence")) is not None:
        details["confidence"] = _read_confidence(confidence, found)
    if (spans := row.get("error_spans")) is not None:
        details["error_spans"] = _read_spans(spans, ids)
    if (reviews := row.get("reviews")) is not None:
        details["reviews"] = read_reviews(reviews, ids, rater, found)
    if (shown := row.get("shown")) is not None:
        details["shown"] = _read_shown(shown, ids)
    if not answers and "reports" not in details:
        raise Refusal("", "has no answer; give preferred, ranking, scores, checks or criteria")
    notes.extend(f"judgment of {rater}: {note}" for note in found)
    return Judgment(rater, answers, **details)


def _read_purpose(value: Any) -> Purpose:
    if type(value) is not str or value not in _PURPOSES:
        raise Refusal("purpose", f"{shown_value(value)} is no purpose; {suggestion(value, _PURPOSES)}")
    return _PURPOSES[value]


def _read_seconds(value: Any) -> float:
    seconds = fields.number(value, "seconds")
    if seconds < 0:
        raise Refusal("seconds", f"{seconds:g} is negative; active seconds are 0 or more, or leave the field out")
    return seconds


def _read_confidence(value: Any, notes: list[str]) -> int | None:
    confidence = fields.number(value, "confidence")
    if confidence in (1, 2, 3, 4, 5):
        return int(confidence)
    if is_sentinel(confidence):
        notes.append(f"confidence {confidence:g} looks like a mark for a missing value; read as missing")
        return None
    raise Refusal("confidence", f"{confidence:g} is no whole number from 1 to 5")


def _read_shown(value: Any, ids: tuple[str, ...]) -> tuple[str, ...]:
    shown = fields.names(value, "shown")
    if shown != ids and sorted(shown) != list(ids):
        raise Refusal("shown", f"must have each of {', '.join(ids)} once, is {shown_value(list(shown))}")
    return shown


def _read_tensions(value: Any) -> tuple[DeclaredTension, ...]:
    made = []
    seen: set[tuple[str, ...]] = set()
    for position, one in enumerate(fields.items(value, "tensions")):
        field = f"tensions[{position}]"
        try:
            tension = _read_tension(fields.mapping(one, ""))
        except Refusal as refusal:
            raise refusal.inside(field) from None
        if tension.between in seen:
            raise Refusal(f"{field}.between", f"{' and '.join(tension.between)} are declared twice; keep one")
        seen.add(tension.between)
        made.append(tension)
    return tuple(made)


def _read_tension(row: dict[str, Any]) -> DeclaredTension:
    refuse_unknown_fields(row, TENSION_FIELDS)
    between = fields.names(row.get("between"), "between")
    if len(between) != 2:
        raise Refusal("between", f"names {len(between)} criteria; a tension is between two")
    prevailed, why = row.get("prevailed"), row.get("why")
    if prevailed is not None and prevailed not in between:
        raise Refusal("prevailed", f"{shown_value(prevailed)} is neither {between[0]!r} nor {between[1]!r}")
    return DeclaredTension((between[0], between[1]), prevailed, "" if why is None else fields.long_text(why, "why"))


def _read_spans(value: Any, ids: tuple[str, ...]) -> tuple[ErrorSpan, ...]:
    made = []
    for position, one in enumerate(fields.items(value, "error_spans")):
        try:
            made.append(_read_span(fields.mapping(one, ""), ids))
        except Refusal as refusal:
            raise refusal.inside(f"error_spans[{position}]") from None
    return tuple(made)


def _read_span(row: dict[str, Any], ids: tuple[str, ...]) -> ErrorSpan:
    refuse_unknown_fields(row, SPAN_FIELDS)
    completion, note = row.get("completion"), row.get("note")
    refuse_unknown_completion(completion, ids, "completion")
    start, end = fields.count(row.get("start"), "start"), fields.count(row.get("end"), "end")
    if start >= end:
        raise Refusal("end", f"{end} is not after start, {start}; both count characters of the text from 0 on")
    said = "" if note is None else fields.long_text(note, "note")
    return ErrorSpan(str(completion), fields.name(row.get("criterion"), "criterion"), start, end, said)


_DETAILS: dict[str, Callable[[Any], Any]] = {
    "rater_kind": read_kind,
    "justification": lambda value: fields.long_text(value, "justification"),
    "tensions": _read_tensions,
    "reports": read_reports,
    "seconds": _read_seconds,
    "at": lambda value: fields.moment(value, "at"),
    "criteria_shown": lambda value: fields.names(value, "criteria_shown"),
    "overall_first": lambda value: fields.yes_or_no(value, "overall_first"),
    "revision": lambda value: fields.count(value, "revision"),
    "repeat_index": lambda value: fields.count(value, "repeat_index"),
    "purpose": _read_purpose,
    "round": lambda value: fields.name(value, "round"),
    "rubric_version": lambda value: fields.name(value, "rubric_version"),
    "scope": lambda value: fields.name(value, "scope"),
}


def read_gold(value: Any, ids: tuple[str, ...]) -> GoldKey:
    """The gold key of a line.

    Raises:
        Refusal: no accepted answer and no distribution, or one that is neither a completion nor a tie.
    """
    try:
        row = fields.mapping(value, "")
        refuse_unknown_fields(row, GOLD_FIELDS)
        return _read_gold(row, ids)
    except Refusal as refusal:
        raise refusal.inside("gold") from None


def _read_gold(row: dict[str, Any], ids: tuple[str, ...]) -> GoldKey:
    accepted = fields.names([] if row.get("accepted") is None else row["accepted"], "accepted")
    for one in accepted:
        refuse_unknown_completion(one, ids, "accepted", also=frozenset((TIE, BOTH_BAD)))
    distribution = _read_distribution(row.get("distribution"), ids)
    if not accepted and not distribution:
        raise Refusal("accepted", "is missing; name at least one accepted answer, or give a distribution")
    explanation, reason = row.get("explanation"), row.get("suspended_for")
    if reason is not None and row.get("suspended_at") is None:
        raise Refusal("suspended_for", "is given for a key that measures; say with suspended_at since when it does not")
    times = {name: row.get(name) for name in ("suspended_at", "kept_at")}
    return GoldKey(
        accepted,
        _read_directions({} if row.get("criteria") is None else row["criteria"], ids),
        "" if explanation is None else fields.long_text(explanation, "explanation"),
        distribution,
        suspended_for=None if reason is None else fields.mapping(reason, "suspended_for"),
        **{name: None if at is None else fields.moment(at, name) for name, at in times.items()},
    )


def _read_directions(value: Any, ids: tuple[str, ...]) -> dict[str, str]:
    directions = fields.mapping(value, "criteria")
    for key, one in directions.items():
        fields.name(key, "criteria")
        refuse_unknown_completion(one, ids, f"criteria.{key}", also=frozenset((TIE,)))
    return directions


def _read_distribution(value: Any, ids: tuple[str, ...]) -> dict[str, float] | None:
    if value is None:
        return None
    shares = {}
    for key, share in fields.mapping(value, "distribution").items():
        refuse_unknown_completion(key, ids, "distribution", also=frozenset((TIE, BOTH_BAD)))
        shares[key] = fields.number(share, f"distribution.{key}")
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 0.02:
        raise Refusal("distribution", f"{shown_value(shares)} is no distribution; shares are 0 or more and sum to 1")
    return shares


def read_adjudications(value: Any, ids: tuple[str, ...], notes: list[str]) -> tuple[Adjudication, ...]:
    """The decisions about a comparison, in their order.

    Raises:
        Refusal: a decision without answer, cause, reason or name.
    """
    made = []
    for position, one in enumerate(fields.items(value, "adjudications")):
        try:
            made.append(_read_adjudication(fields.mapping(one, ""), ids, notes))
        except Refusal as refusal:
            raise refusal.inside(f"adjudications[{position}]") from None
    return tuple(made)


def _read_adjudication(row: dict[str, Any], ids: tuple[str, ...], notes: list[str]) -> Adjudication:
    refuse_unknown_fields(row, ADJUDICATION_FIELDS)
    answer = read_answer(row, ids, notes)
    if answer is None:
        raise Refusal("", "has no answer; give preferred, ranking, scores or checks")
    cause, at, round_name = row.get("cause"), row.get("at"), row.get("round")
    if type(cause) is not str or cause not in _CAUSES:
        raise Refusal("cause", f"{shown_value(cause)} is no cause; {suggestion(cause, _CAUSES)}")
    return Adjudication(
        answer,
        _CAUSES[cause],
        fields.long_text(row.get("reason"), "reason"),
        fields.name(row.get("by"), "by"),
        None if at is None else fields.moment(at, "at"),
        None if round_name is None else fields.name(round_name, "round"),
    )
