"""Rules that need the whole rubric: names that are taken, weights, tension rules and tests that fit the criteria."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rubrics.answers import BOTH_BAD, CANNOT_JUDGE, MISSING, NOT_APPLICABLE, TIE
from rubrics.errors import RubricProblem, suggest
from rubrics.parts import OVERALL, TensionRule

if TYPE_CHECKING:
    from rubrics.model import Rubric


def rubric_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    """The rules that need the whole rubric."""
    yield from _duplicate_problems(rubric)
    yield from _weight_problems(rubric)
    yield from _tension_problems(rubric)
    yield from _test_problems(rubric)
    if rubric.justification.must_name_criterion and not rubric.criteria:
        remedy = "write false, or add criteria"
        yield RubricProblem(("justification", "must_name_criterion"), "there is no criterion to name", remedy)
    for index, criterion in enumerate(rubric.criteria):
        for at, example in enumerate(criterion.examples):
            if example.prefer == NOT_APPLICABLE and not criterion.allow_not_applicable:
                where = ("criteria", index, "examples", at, "prefer")
                yield RubricProblem(where, "not_applicable is not allowed here", "write allow_not_applicable: true")


def _duplicate_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    for field in ("key", "name"):
        words = [getattr(criterion, field).casefold() for criterion in rubric.criteria]
        for index, word in enumerate(words):
            if word in words[:index]:
                reason = f"{getattr(rubric.criteria[index], field)!r} is taken by criteria[{words.index(word)}]"
                yield RubricProblem(("criteria", index, field), reason, f"give every criterion its own {field}")


def _weight_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    given = [criterion.weight for criterion in rubric.criteria if criterion.weight is not None]
    if not given:
        return
    if not any(given):
        first = next(index for index, criterion in enumerate(rubric.criteria) if criterion.weight is not None)
        yield RubricProblem(("criteria", first, "weight"), "every weight is 0", "give one criterion a weight above 0")
    for index, criterion in enumerate(rubric.criteria):
        if criterion.weight is None:
            reason = "is missing, and other criteria have one"
            yield RubricProblem(("criteria", index, "weight"), reason, "give every criterion a weight, or none")


def _tension_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    seen: list[set[str]] = []
    for index, rule in enumerate(rubric.tensions):
        for at, key in enumerate(rule.between):
            if key not in rubric.criterion_keys:
                remedy = suggest(key, rubric.criterion_keys) if rubric.criteria else "this rubric has no criteria"
                yield RubricProblem(("tensions", index, "between", at), f"{key!r} is no criterion", remedy)
        if set(rule.between) in seen:
            where = ("tensions", index, "between")
            reason = f"{' and '.join(rule.between)} have a rule already"
            yield RubricProblem(where, reason, "keep one rule per pair")
        yield from _veto_problems(rubric, index, rule)
        seen.append(set(rule.between))


def _veto_problems(rubric: Rubric, index: int, rule: TensionRule) -> Iterator[RubricProblem]:
    """A veto prevails over every criterion that is none: no rule may say otherwise."""
    vetoing = [key for key in rule.between if key in rubric.vetoes]
    if len(vetoing) == 1 and rule.precedence != vetoing[0]:
        reason = f"{rule.precedence!r} cannot decide against the veto of {vetoing[0]!r}"
        remedy = f"write {vetoing[0]}, or leave the veto out"
        yield RubricProblem(("tensions", index, "precedence"), reason, remedy)


def _test_problems(rubric: Rubric) -> Iterator[RubricProblem]:
    for index, test in enumerate(rubric.tests):
        for key, answer in test.expect.items():
            where = ("tests", index, "expect", key)
            if key != OVERALL and key not in rubric.criterion_keys:
                remedy = suggest(key, (*rubric.criterion_keys, OVERALL))
                yield RubricProblem(where, f"{key!r} is no criterion", remedy)
                continue
            allowed = _expectable(rubric, key)
            if answer not in allowed:
                yield RubricProblem(where, f"{answer!r} cannot be expected", f"write one of {', '.join(allowed)}")


def _expectable(rubric: Rubric, key: str) -> tuple[str, ...]:
    """The answers that a test may expect of a criterion or of `overall`."""
    if key == OVERALL:
        ties = (TIE,) if rubric.overall.allow_tie else ()
        return ("a", "b", *ties, *((BOTH_BAD,) if rubric.overall.allow_both_bad else ()), CANNOT_JUDGE)
    missing = MISSING if rubric.criterion(key).allow_not_applicable else MISSING - {NOT_APPLICABLE}
    return ("a", "b", TIE, *sorted(missing))
