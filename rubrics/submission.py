"""What a judgment must satisfy: the shape that binds every row, and the rules that bind live submission only.

Both collect every problem instead of stopping at the first, so that a rater corrects a judgment once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rubrics.answers import NOT_APPLICABLE, Answer, AnswerError, pairs_in_id_order, tensions_within
from rubrics.model import OVERALL, Rubric

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}](?:[^\W{_IDEOGRAPHS}]|['’-](?=\w))*")


@dataclass(frozen=True)
class Problem:
    """One reason why a judgment is refused.

    Attributes:
        field: a criterion's key, `overall` or `justification`.
        message: what is wrong, with the offending value.
        remedy: what the rater should do.
    """

    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message} ({self.remedy})"


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
) -> list[Problem]:
    """All the rules of a live submission: the shape, what was asked, whole points, and the justification.

    A partial scope makes no tension, so `required_on_tension` binds only where every applicable criterion was asked.

    Args:
        rubric: the rubric version of the judgment.
        answers: criterion key -> answer.
        overall: the overall answer, None where none is given.
        justification: the rater's words, possibly empty.
        meta: the comparison's meta, for `applies_if`.
        completion_ids: the ids of all completions of the comparison.
        scope: what the assignment asks, as criterion keys and `overall`; None asks for everything.

    Returns:
        Every problem, in the order of the rubric and the justification last; empty when the judgment may be stored.

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
    torn = set(applicable) <= set(asked) and not problems and _is_torn(rubric, answers, completion_ids)
    order = {key: place for place, key in enumerate((*rubric.criterion_keys, OVERALL))}
    problems.sort(key=lambda problem: order.get(problem.field, len(order)))
    return problems + list(_justification_problems(rubric, justification, torn=torn))


def count_words(text: str) -> int:
    """The number of words: runs of letters and digits; each Chinese or Japanese character counts as one word."""
    return len(_WORD.findall(text))


def named_criteria(rubric: Rubric, text: str) -> list[str]:
    """The keys of the criteria that a text names by key or name, in any case, as whole words."""
    return [c.key for c in rubric.criteria if _mentions(text, c.key) or _mentions(text, c.name)]


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


def _is_torn(rubric: Rubric, answers: Mapping[str, Answer], completion_ids: Sequence[str]) -> bool:
    """Whether two criteria favour different completions, for any pair of them."""
    return any(
        tensions_within({key: rubric.signed_value(key, answer, first, second) for key, answer in answers.items()})
        for first, second in pairs_in_id_order(completion_ids)
    )


def _justification_problems(rubric: Rubric, text: str, *, torn: bool) -> Iterator[Problem]:
    rule = rubric.justification
    n_words = count_words(text)
    if n_words < rule.min_words:
        message = f"has {n_words} of at least {rule.min_words} words"
        yield Problem("justification", message, "say what decided")
    elif n_words == 0 and torn and rule.required_on_tension:
        message = "is empty, and two criteria favour different responses"
        yield Problem("justification", message, "say which prevailed and why")
    if n_words and rule.must_name_criterion and not named_criteria(rubric, text):
        names = ", ".join(criterion.name for criterion in rubric.criteria)
        yield Problem("justification", "names no criterion", f"name what decided: {names}")


def _mentions(text: str, word: str) -> bool:
    """Whether a word stands in a text, in any case, not inside a longer word; scripts without spaces match inside."""
    pattern = re.escape(word.casefold())
    if not re.search(rf"[{_IDEOGRAPHS}]", word):
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return re.search(pattern, text.casefold()) is not None
