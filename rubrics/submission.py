"""What a judgment must satisfy: the shape that binds every row, and the rules that bind live submission only.

Both collect every problem instead of stopping at the first, so that a rater corrects a judgment once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rubrics.answers import NOT_APPLICABLE, Answer, AnswerError
from rubrics.justification import Grounds, Problem, justification_problems
from rubrics.model import OVERALL, Rubric
from rubrics.tensions import AT_MOST, seen_tensions, spoken_of


def shape_problems(
    rubric: Rubric, answers: Mapping[str, Answer], *, overall: Answer | None, completion_ids: Sequence[str]
) -> list[Problem]:
    """The checks that bind imported history as well as live submission.

    Unknown criteria, unknown completions, strengths and scores off the scale, incomplete scores, checks and rankings,
    and answers in another form than the criterion's. Absent answers are no problem here.

    Args:
        rubric: the rubric version of the judgment.
        answers: criterion key -> answer.
        overall: the overall answer, None where there is none.
        completion_ids: the ids of all completions of the comparison.
    """
    given = dict(answers) if overall is None else {**answers, OVERALL: overall}
    problems = []
    for key, answer in given.items():
        try:
            rubric.validate_answer(key, answer, completion_ids)
        except AnswerError as error:
            problems.append(Problem(error.field, error.reason, error.remedy))
    return problems


def validate_submission(
    rubric: Rubric,
    answers: Mapping[str, Answer],
    *,
    overall: Answer | None,
    justification: str,
    meta: Mapping[str, Any],
    completion_ids: Sequence[str],
    scope: Collection[str] | None = None,
    settled: Collection[tuple[str, str]] = (),
    grounds: Grounds | None = None,
) -> list[Problem]:
    """All the rules of a live submission: the shape, what was asked, whole points, and the justification.

    A partial scope makes no tension, so `required_on_tension` and `must_settle_tension` bind only where every
    applicable criterion was asked.

    Args:
        rubric: the rubric version of the judgment.
        answers: criterion key -> answer.
        overall: the overall answer, None where none is given.
        justification: the rater's words, possibly empty.
        meta: the comparison's meta, for `applies_if`.
        completion_ids: the ids of all completions of the comparison.
        scope: what the assignment asks, as criterion keys and `overall`; None asks for everything.
        settled: pairs of criteria of which the rater said which prevailed, or that neither did.
        grounds: what quotes and copies in the justification are checked against; without them those rules are silent.

    Returns:
        Every problem, in the order of the rubric and the justification last; the judgment may be stored when all that
        is there is advice.

    Raises:
        AnswerError: when the scope names an unknown criterion, which is a fault of the assignment, not of the rater.
    """
    for key in scope or ():
        if key != OVERALL:
            rubric.criterion(key)
    applicable = [criterion.key for criterion in rubric.applicable(meta)]
    asked = [key for key in (*applicable, OVERALL) if scope is None or key in scope]
    given = dict(answers) if overall is None else {**answers, OVERALL: overall}

    problems = shape_problems(rubric, answers, overall=overall, completion_ids=completion_ids)
    misshapen = {problem.field for problem in problems}
    problems += _asked_problems(rubric, given, asked=asked, applicable=applicable)
    for key in asked:
        if key in given and key not in misshapen:
            problems += _live_answer_problems(rubric, key, given[key])
    is_whole = set(applicable) <= set(asked) and not problems
    tensions = seen_tensions(rubric, answers, completion_ids) if is_whole else []
    said = {frozenset(pair) for pair in settled}
    unsettled = [t.between for t in spoken_of(rubric, tensions)[:AT_MOST] if frozenset(t.between) not in said]
    order = {key: place for place, key in enumerate((*rubric.criterion_keys, OVERALL))}
    problems.sort(key=lambda problem: order.get(problem.field, len(order)))
    return problems + list(
        justification_problems(
            rubric, justification, torn=bool(tensions), unsettled=unsettled, overall=overall, grounds=grounds
        )
    )


def _asked_problems(
    rubric: Rubric, given: Mapping[str, Answer], *, asked: Sequence[str], applicable: Sequence[str]
) -> Iterator[Problem]:
    """What was asked and not answered, and what was answered and not asked."""
    for key in asked:
        if key not in given:
            remedy = "answer it, or say cannot_judge"
            yield Problem(key, "has no answer", remedy)
    for key in given:
        if key in asked or (key != OVERALL and key not in rubric.criterion_keys):
            continue
        if key != OVERALL and key not in applicable:
            yield Problem(key, "does not apply to this comparison", "leave it out")
        else:
            yield Problem(key, "is not part of this assignment", "leave it out")


def _live_answer_problems(rubric: Rubric, key: str, answer: Answer) -> Iterator[Problem]:
    """Stricter than the shape: `not_applicable` only where allowed, and only points that the scale has."""
    if key != OVERALL and answer.preferred == NOT_APPLICABLE and not rubric.criterion(key).allow_not_applicable:
        yield Problem(key, "not_applicable is not allowed for this criterion", "answer it, or say cannot_judge")
    for value in (answer.strength, *(answer.scores or {}).values()):
        if value is not None and value != int(value):
            yield Problem(key, f"{value:g} is between two points of the scale", "give a whole number")
