"""What a judge answers to one criterion or overall, and what an answer says of a pair of completions.

An answer takes one of four forms: `preferred` (with or without `strength`), `scores`, `checks` or `ranking`.
Identity is not position: answers name completion ids, never sides of the screen.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

TIE = "tie"
BOTH_BAD = "both_bad"
CANNOT_JUDGE = "cannot_judge"
NOT_APPLICABLE = "not_applicable"

RESERVED_PREFERENCES = frozenset({TIE, BOTH_BAD, CANNOT_JUDGE, NOT_APPLICABLE})
"""Values of `preferred` that are no completion id; no completion may be called so."""

MISSING = frozenset({CANNOT_JUDGE, NOT_APPLICABLE})
"""Outcomes that count as missing, never as zero."""

Outcome = Literal["first", "second", "tie", "both_bad", "cannot_judge", "not_applicable"]

FORMS = ("preferred", "scores", "checks", "ranking")
"""The forms of an answer; every answer has exactly one of them."""


class AnswerError(ValueError):
    """An answer does not fit its criterion.

    Attributes:
        field: the criterion's key, or `overall`.
        reason: what is wrong, with the offending value.
        remedy: what would be right.
    """

    def __init__(self, field: str, reason: str, remedy: str) -> None:
        super().__init__(f"{field}: {reason} ({remedy})")
        self.field = field
        self.reason = reason
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[AnswerError], tuple[str, str, str]]:
        """Pickle by the three parts, so that the error survives a process boundary."""
        return type(self), (self.field, self.reason, self.remedy)


@dataclass(frozen=True)
class Answer:
    """One answer of one judge to one criterion, or overall.

    Exactly one of `preferred`, `scores`, `checks` and `ranking` is given.

    Attributes:
        preferred: a completion id, `tie`, `both_bad`, `cannot_judge` or `not_applicable`.
        strength: how strongly, in points above 0; only beside `preferred`. None: the judge gave none.
        scores: completion id -> rating.
        checks: completion id -> yes (True) or no (False).
        ranking: groups of completion ids, best first; ids of one group are tied.

    Raises:
        AnswerError: when the answer has no form, more than one, or a value of the wrong type.
    """

    preferred: str | None = None
    strength: float | None = None
    scores: Mapping[str, float] | None = None
    checks: Mapping[str, bool] | None = None
    ranking: tuple[tuple[str, ...], ...] | None = None

    def __post_init__(self) -> None:
        _check_one_form(self)
        for name, normalise in _NORMALISE.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, normalise(value))

    @property
    def form(self) -> str:
        """Which of `FORMS` this answer has."""
        return next(form for form in FORMS if getattr(self, form) is not None)

    @property
    def is_missing(self) -> bool:
        """Whether the judge said `cannot_judge` or `not_applicable`."""
        return self.preferred in MISSING

    def to_dict(self) -> dict[str, Any]:
        """The answer in the shape of the native JSONL, without empty fields; JSON-ready."""
        match self.form:
            case "scores":
                return {"scores": {key: _plain_number(value) for key, value in (self.scores or {}).items()}}
            case "checks":
                return {"checks": dict(self.checks or {})}
            case "ranking":
                return {"ranking": [list(group) for group in self.ranking or ()]}
        plain: dict[str, Any] = {"preferred": self.preferred}
        if self.strength is not None:
            plain["strength"] = _plain_number(self.strength)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], *, field: str = "answer") -> Answer:
        """Read an answer from the shape of the native JSONL; fields that are null count as absent.

        Args:
            plain: for example `{"preferred": "a", "strength": 3}` or `{"ranking": [["a", "c"], ["b"]]}`.
            field: the criterion's key or `overall`, for the error.

        Raises:
            AnswerError: when `plain` is no mapping, has an unknown field, or is no answer.
        """
        known = (*FORMS, "strength")
        if not isinstance(plain, Mapping):
            raise AnswerError(field, f"{reprlib.repr(plain)} is not an object", f"give one of {', '.join(FORMS)}")
        unknown = [key for key in plain if key not in known]
        if unknown:
            raise AnswerError(field, f"unknown field {reprlib.repr(unknown[0])}", f"known are {', '.join(known)}")
        try:
            return cls(**plain)
        except AnswerError as error:
            raise AnswerError(field, error.reason, error.remedy) from None


def outcome(answer: Answer, first: str, second: str) -> Outcome:
    """What an answer says of one pair of completions.

    Args:
        answer: an answer in any form.
        first: a completion id.
        second: another completion id.

    Returns:
        `first` or `second` for the one that is favoured, `tie`, or the answer's own `both_bad`, `cannot_judge` or
        `not_applicable`. Swapping the two ids swaps `first` and `second` and nothing else.

    Raises:
        AnswerError: when the answer does not cover both completions.
    """
    if answer.preferred is not None:
        return _preferred_outcome(answer.preferred, first, second)
    merits = _merits(answer)
    absent = [key for key in (first, second) if key not in merits]
    if absent:
        reason = f"the {answer.form} say nothing of completion {absent[0]!r}"
        raise AnswerError(answer.form, reason, f"they cover {', '.join(sorted(merits))}")
    if merits[first] == merits[second]:
        return "tie"
    return "first" if merits[first] > merits[second] else "second"


def direction(answer: Answer, first: str, second: str) -> int | None:
    """The sign of an answer for a pair: 1 favours `first`, -1 `second`, 0 neither (`both_bad` included).

    Returns:
        None where the answer is missing (`cannot_judge`, `not_applicable`).

    Raises:
        AnswerError: when the answer does not cover both completions.
    """
    said = outcome(answer, first, second)
    if said in MISSING:
        return None
    return {"first": 1, "second": -1}.get(said, 0)


def preference_value(answer: Answer, first: str, second: str, *, bound: float) -> float | None:
    """The signed value of a preference: strength / bound with the sign of `direction`; without strength, the sign.

    Args:
        answer: an answer of any form; only `preferred` carries a strength.
        first: the completion that positive values favour.
        second: the other completion.
        bound: the largest strength that the scale allows, above 0.

    Returns:
        A value in [-1, 1], 0 for a tie and for `both_bad`, None where the answer is missing.
    """
    sign = direction(answer, first, second)
    if sign is None or answer.strength is None:
        return None if sign is None else float(sign)
    return sign * answer.strength / bound


def pairs_in_id_order(completion_ids: Sequence[str]) -> list[tuple[str, str]]:
    """All k(k-1)/2 pairs (i, j) with i before j in id order: the order that fixes every sign."""
    return list(combinations(sorted(completion_ids), 2))


def tensions_within(values: Mapping[str, float | None]) -> list[tuple[str, str, float]]:
    """The tensions inside one judgment of one pair: criteria whose non-zero values have opposite signs.

    The strength of a tension is min(|d_i|, |d_j|). Missing values (None), zeros and the key `overall` take no part.

    Args:
        values: criterion key -> signed value in [-1, 1].

    Returns:
        `(i, j, strength)` with i < j, sorted by i, then j; empty when no two criteria pull apart.
    """
    active = {key: value for key, value in values.items() if value and key != "overall"}
    return [
        (i, j, min(abs(active[i]), abs(active[j])))
        for i, j in combinations(sorted(active), 2)
        if (active[i] > 0) != (active[j] > 0)
    ]


def _preferred_outcome(preferred: str, first: str, second: str) -> Outcome:
    if preferred in RESERVED_PREFERENCES:
        return preferred  # type: ignore[return-value]
    if preferred not in (first, second):
        reason = f"preferred {preferred!r} is neither {first!r} nor {second!r}"
        raise AnswerError("preferred", reason, "ask for a pair that contains it, or give a ranking of all completions")
    return "first" if preferred == first else "second"


def _merits(answer: Answer) -> Mapping[str, float]:
    """Completion id -> a number that grows with merit: the score, yes as 1, or minus the rank."""
    if answer.scores is not None:
        return answer.scores
    if answer.checks is not None:
        return answer.checks
    return {key: -rank for rank, group in enumerate(answer.ranking or ()) for key in group}


def _check_one_form(answer: Answer) -> None:
    given = [form for form in FORMS if getattr(answer, form) is not None]
    if len(given) != 1:
        reason = f"has {' and '.join(given)}" if given else "is empty"
        raise AnswerError("answer", reason, f"give exactly one of {', '.join(FORMS)}")
    if answer.strength is not None and answer.preferred is None:
        raise AnswerError("answer", f"has strength beside {given[0]}", "strength belongs to preferred")


def _check_preferred(value: Any) -> str:
    if not isinstance(value, str) or not value:
        reason = f"preferred {reprlib.repr(value)} is no completion id"
        raise AnswerError("answer", reason, "give a completion id, tie, both_bad, cannot_judge or not_applicable")
    return value


def _check_number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise AnswerError("answer", f"{name} {reprlib.repr(value)} is not a finite number", "give a number")
    return float(value)


def _check_strength(value: Any) -> float:
    return _check_number(value, "strength")


def _check_scores(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise AnswerError("answer", f"scores {reprlib.repr(value)} is no object", 'write {"a": 4, "b": 2}')
    return {str(key): _check_number(score, f"score of {key!r}") for key, score in value.items()}


def _check_checks(value: Any) -> dict[str, bool]:
    if not isinstance(value, Mapping) or not all(isinstance(check, bool) for check in value.values()):
        reason = f"checks {reprlib.repr(value)} is no object of true and false"
        raise AnswerError("answer", reason, 'write {"a": true, "b": false}')
    return {str(key): check for key, check in value.items()}


def _check_ranking(value: Any) -> tuple[tuple[str, ...], ...]:
    def is_list(part: Any) -> bool:
        return isinstance(part, Sequence) and not isinstance(part, str)

    if not is_list(value) or not all(is_list(group) and all(isinstance(key, str) for key in group) for group in value):
        reason = f"ranking {reprlib.repr(value)} is no list of groups of completion ids"
        raise AnswerError("answer", reason, 'write [["a", "c"], ["b"]], best first')
    return tuple(tuple(group) for group in value)


_NORMALISE = {
    "preferred": _check_preferred,
    "strength": _check_strength,
    "scores": _check_scores,
    "checks": _check_checks,
    "ranking": _check_ranking,
}


def _plain_number(value: float) -> float | int:
    return int(value) if value == int(value) else value
