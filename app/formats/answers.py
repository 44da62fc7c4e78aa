"""Answers of a file: the four forms, checked against the completions of the comparison."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from app.formats import fields
from app.formats.base import Refusal, shown_value, suggestion
from app.formats.lints import is_sentinel
from rubrics.answers import FORMS, RESERVED_PREFERENCES, Answer

ANSWER_FIELDS = frozenset((*FORMS, "strength"))
"""The fields of one answer."""


@lru_cache(maxsize=4096)
def _preference(preferred: str, strength: float | None) -> Answer:
    return Answer(preferred=preferred, strength=strength)


def read_answer(row: dict[str, Any], ids: tuple[str, ...], notes: list[str]) -> Answer | None:
    """The answer whose fields stand in an object, perhaps beside others; None where there are none.

    Args:
        row: an object with at most one of `preferred`, `scores`, `checks` and `ranking`; null counts as absent.
        ids: the completions of the comparison.
        notes: receives a sentence where a value was read as missing.

    Raises:
        Refusal: two forms, a wrong type, an unknown completion, a completion left out.
    """
    given = [form for form in FORMS if row.get(form) is not None]
    strength = row.get("strength")
    if not given:
        if strength is not None:
            raise Refusal("strength", "stands without preferred; say which completion is preferred")
        return None
    if len(given) > 1:
        raise Refusal(given[1], f"stands beside {given[0]}; an answer has one form of {', '.join(FORMS)}")
    form = given[0]
    if form == "preferred":
        preferred = read_preferred(row["preferred"], ids)
        return _preference(preferred, None if strength is None else _read_strength(strength, notes))
    if strength is not None:
        raise Refusal("strength", f"stands beside {form}; strength belongs to preferred")
    return _READERS[form](row[form], ids)


def read_preferred(value: Any, ids: tuple[str, ...]) -> str:
    """A value of `preferred`: a completion of this comparison, or one of the reserved words.

    Raises:
        Refusal: neither, or one completion where there are more than two.
    """
    if type(value) is not str:
        raise Refusal("preferred", f"must be text, is {shown_value(value)}")
    if value in RESERVED_PREFERENCES:
        return value
    refuse_unknown_completion(value, ids, "preferred", also=RESERVED_PREFERENCES)
    if len(ids) > 2:
        reason = f"names one of {len(ids)} completions; give a ranking such as [[{value!r}], ...] or scores"
        raise Refusal("preferred", reason)
    return value


def refuse_unknown_completion(
    value: Any, ids: tuple[str, ...], field: str, *, also: frozenset[str] = frozenset()
) -> None:
    """Refuse a name that is no completion of this comparison.

    Raises:
        Refusal: with the completions that there are.
    """
    if value not in ids and not (type(value) is str and value in also):
        words = ", ".join(ids) + "".join(f", {word}" for word in sorted(also))
        raise Refusal(field, f"{shown_value(value)} is no completion of this comparison; there are {words}")


def _read_strength(value: Any, notes: list[str]) -> float | None:
    strength = fields.number(value, "strength")
    if strength >= 0:
        return strength
    if is_sentinel(strength):
        notes.append(f"strength {strength:g} looks like a mark for a missing value; read as missing")
        return None
    raise Refusal("strength", f"{strength:g} is negative; the side stands in preferred, strength is 0 or more")


def _refuse_uncovered(given: Any, ids: tuple[str, ...], form: str) -> None:
    for one in given:
        refuse_unknown_completion(one, ids, form)
    absent = [one for one in ids if one not in given]
    if absent:
        raise Refusal(form, f"leaves out {', '.join(absent)}; cover every completion")


def _read_scores(value: Any, ids: tuple[str, ...]) -> Answer:
    scores = fields.mapping(value, "scores")
    _refuse_uncovered(scores, ids, "scores")
    return Answer(scores={key: fields.number(score, f"scores.{key}") for key, score in scores.items()})


def _read_checks(value: Any, ids: tuple[str, ...]) -> Answer:
    checks = fields.mapping(value, "checks")
    _refuse_uncovered(checks, ids, "checks")
    for key, check in checks.items():
        if type(check) is not bool:
            raise Refusal(f"checks.{key}", f"must be true or false, is {shown_value(check)}")
    return Answer(checks=checks)


def _read_ranking(value: Any, ids: tuple[str, ...]) -> Answer:
    groups = []
    seen: set[str] = set()
    for position, group in enumerate(fields.items(value, "ranking")):
        members = fields.items(group, f"ranking[{position}]")
        if not members:
            raise Refusal(f"ranking[{position}]", "is an empty group; leave it out")
        for one in members:
            refuse_unknown_completion(one, ids, f"ranking[{position}]")
            if one in seen:
                raise Refusal(f"ranking[{position}]", f"ranks {one!r} twice")
            seen.add(one)
        groups.append(tuple(members))
    _refuse_uncovered(seen, ids, "ranking")
    return Answer(ranking=tuple(groups))


_READERS: dict[str, Callable[[Any, tuple[str, ...]], Answer]] = {
    "scores": _read_scores,
    "checks": _read_checks,
    "ranking": _read_ranking,
}


def read_criteria(value: Any, ids: tuple[str, ...], notes: list[str]) -> dict[str, Answer]:
    """Criterion key -> answer.

    Raises:
        Refusal: no object, the reserved key `overall`, an unknown field, no answer.
    """
    answers = {}
    for key, row in fields.mapping(value, "criteria").items():
        field = f"criteria.{key}"
        fields.name(key, "criteria")
        if key == "overall":
            raise Refusal(field, "is a reserved key; write the overall answer beside criteria, not inside")
        plain = fields.mapping(row, field)
        if not plain.keys() <= ANSWER_FIELDS:
            unknown = next(one for one in plain if one not in ANSWER_FIELDS)
            raise Refusal(f"{field}.{unknown}", f"unknown field; {suggestion(unknown, ANSWER_FIELDS)}")
        n_notes = len(notes)
        try:
            answer = read_answer(plain, ids, notes)
        except Refusal as refusal:
            raise refusal.inside(field) from None
        notes[n_notes:] = [f"{field}: {note}" for note in notes[n_notes:]]
        if answer is None:
            raise Refusal(field, f"has no answer; give one of {', '.join(FORMS)}, or leave the criterion out")
        answers[key] = answer
    return answers
