"""Rubric unit tests: the worked examples of a rubric against what raters said of the same texts.

A test expects an answer to some criteria. Every vote on the same prompt and responses counts, whoever gave it; kinds of
rater are never merged. A criterion fails where raters agree on another answer than the rubric's author, and is
ambiguous where they agree on none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from app.domain import OVERALL
from app.stats.intervals import wilson, wilson_clustered
from app.stats.results import Estimate, undefined
from rubrics.answers import BOTH_BAD, TIE, Answer, outcome
from rubrics.model import Rubric, RubricTest

CLEAR = 0.75
"""The share of votes from which an answer is the answer: three of four."""

MIN_VOTES = 2
"""Votes of one kind of rater from which an expectation is held against them: one vote is nobody's agreement."""

PASSES, FAILS, AMBIGUOUS, TOO_FEW, UNTESTED = "passes", "fails", "ambiguous", "too few votes", "untested"
RANK = (FAILS, AMBIGUOUS, TOO_FEW, UNTESTED, PASSES)
"""Worst first, as reports list them."""


@dataclass(frozen=True)
class Said:
    """What one rater said of the texts of a test, in the test's own sides.

    Attributes:
        test: the number of the test in the rubric, from 0.
        rater: who.
        kind: of rater.
        answers: criterion key or overall -> a, b, tie, both_bad, cannot_judge or not_applicable.
    """

    test: int
    rater: str
    kind: str
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Check:
    """One expectation of one test, against the votes of one kind of rater.

    Attributes:
        test: the number of the test, from 1.
        prompt: of the test.
        criterion: a key, or overall.
        expected: what the test expects.
        kind: of the raters; empty where nobody voted.
        share: of the votes that say what is expected, with Wilson's interval and n.
        said: answer -> votes.
        status: passes, fails, ambiguous, too few votes or untested.
    """

    test: int
    prompt: str
    criterion: str
    expected: str
    kind: str
    share: Estimate
    said: Mapping[str, int]
    status: str


@dataclass(frozen=True)
class CriterionResult:
    """A criterion over all tests, for one kind of rater.

    Attributes:
        status: its worst check among those with enough votes; else too few votes, or untested where there are none.
        agreement: share of pairs of votes on one test that say the same, with interval and n pairs.
    """

    criterion: str
    kind: str
    n_checks: int
    n_failing: int
    n_ambiguous: int
    status: str
    agreement: Estimate


@dataclass(frozen=True)
class TrialReport:
    """All checks, worst first, and what they say of each criterion.

    Attributes:
        n_tests: tests of the rubric.
        n_met: of these, tests on whose texts somebody voted.
        n_votes: judgments that were counted.
        left_out: reason -> judgments that were not.
    """

    n_tests: int
    n_met: int
    n_votes: int
    left_out: Mapping[str, int]
    criteria: tuple[CriterionResult, ...]
    checks: tuple[Check, ...]

    @property
    def failing(self) -> list[str]:
        """The criteria that fail, each once."""
        return list(dict.fromkeys(one.criterion for one in self.criteria if one.status == FAILS))

    @property
    def ambiguous(self) -> list[str]:
        """The criteria that are ambiguous and do not fail."""
        named = (one.criterion for one in self.criteria if one.status == AMBIGUOUS)
        return [key for key in dict.fromkeys(named) if key not in self.failing]

    @property
    def tells_nothing(self) -> bool:
        """Whether no expectation has the votes that a claim takes."""
        return all(one.status in (TOO_FEW, UNTESTED) for one in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Plain values; estimates with n and interval."""
        document = asdict(self)
        for name, field in (("criteria", "agreement"), ("checks", "share")):
            document[name] = [{**asdict(one), field: getattr(one, field).to_json()} for one in getattr(self, name)]
        return {**document, "failing": self.failing, "ambiguous": self.ambiguous}


def run_tests(rubric: Rubric, said: Sequence[Said], *, left_out: Mapping[str, int] | None = None) -> TrialReport:
    """Hold every expectation against the votes.

    An expectation passes where at least `CLEAR` of the votes say what is expected, fails where as many agree on one
    other answer, and is ambiguous elsewhere; below `MIN_VOTES` nothing is claimed. cannot_judge and not_applicable are
    answers here like any other.

    Args:
        rubric: with its tests.
        said: votes on the texts of the tests.
        left_out: reason -> judgments that could not be counted, for the report.
    """
    kinds = sorted({one.kind for one in said})
    checks = [
        check
        for number, test in enumerate(rubric.tests)
        for criterion, expected in test.expect.items()
        for check in _checks(number, test, criterion, expected, said, kinds)
    ]
    criteria = [
        _criterion(criterion, kind, checks, said)
        for criterion in (*rubric.criterion_keys, OVERALL)
        for kind in kinds or [""]
        if any(check.criterion == criterion and check.kind in (kind, "") for check in checks)
    ]
    return TrialReport(
        n_tests=len(rubric.tests),
        n_met=len({one.test for one in said}),
        n_votes=len(said),
        left_out=dict(left_out or {}),
        criteria=tuple(sorted(criteria, key=lambda one: RANK.index(one.status))),
        checks=tuple(sorted(checks, key=lambda one: RANK.index(one.status))),
    )


def sides(answers: Mapping[str, Answer], *, a: str, b: str) -> dict[str, str]:
    """Answers in completion ids as answers in the sides of a test.

    Args:
        answers: criterion key or overall -> answer.
        a: the id of the completion that is the test's a.
        b: of the other.

    Raises:
        AnswerError: an answer does not cover both completions.
    """
    names = {"first": "a", "second": "b"}
    return {key: names.get(said := outcome(answer, a, b), said) for key, answer in answers.items()}


def comparisons_of_tests(rubric: Rubric) -> list[dict[str, Any]]:
    """The tests as native comparisons with gold keys, to put them into a pilot: raters judge what the tests expect."""
    return [_with_gold(question_of(rubric, number), test) for number, test in enumerate(rubric.tests)]


def _with_gold(question: dict[str, Any], test: RubricTest) -> dict[str, Any]:
    """A question with the answers that the test expects; as it is where the test expects no overall preference."""
    overall = test.expect.get(OVERALL)
    if overall not in ("a", "b", TIE, BOTH_BAD):
        return question
    clear = {key: side for key, side in test.expect.items() if key != OVERALL and side in ("a", "b", TIE)}
    gold = {"accepted": [overall], "criteria": clear, "explanation": "A worked example of the rubric."}
    return {**question, "gold": gold}


def question_of(rubric: Rubric, number: int) -> dict[str, Any]:
    """One test as a native comparison without anything that gives its answer away."""
    test = rubric.tests[number]
    completions = [{"id": side, "text": getattr(test, side)} for side in ("a", "b")]
    name = f"{rubric.key}-test-{number + 1}"
    return {"id": name, "prompt": test.prompt, "completions": completions, "meta": {"rubric_test": rubric.key}}


class Matcher:
    """Finds the tests whose texts a comparison shows, in either order; blanks at line ends and around are free."""

    def __init__(self, tests: Iterable[RubricTest]) -> None:
        self._tests: dict[tuple[str, str, str], tuple[int, bool]] = {}
        for number, test in enumerate(tests):
            prompt, a, b = map(_plain, (test.prompt, test.a, test.b))
            self._tests.setdefault((prompt, b, a), (number, True))
            self._tests[prompt, a, b] = (number, False)

    def find(self, prompt: str, first: str, second: str) -> tuple[int, bool] | None:
        """The number of the test, and whether its sides are exchanged; None where the texts are those of no test."""
        return self._tests.get((_plain(prompt), _plain(first), _plain(second)))


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _checks(
    number: int, test: RubricTest, criterion: str, expected: str, said: Sequence[Said], kinds: Sequence[str]
) -> list[Check]:
    """One expectation, for every kind of rater that voted; untested where none did."""
    found = []
    for kind in kinds:
        votes = Counter(
            one.answers[criterion]
            for one in said
            if one.test == number and one.kind == kind and criterion in one.answers
        )
        if votes:
            share = wilson(votes[expected], votes.total())
            status = _status(votes, expected)
            found.append(Check(number + 1, test.prompt, criterion, expected, kind, share, dict(votes), status))
    if found:
        return found
    share = undefined("nobody judged these texts")
    return [Check(number + 1, test.prompt, criterion, expected, "", share, {}, UNTESTED)]


def _status(votes: Counter[str], expected: str) -> str:
    if votes.total() < MIN_VOTES:
        return TOO_FEW
    answer, n = votes.most_common(1)[0]
    if n < CLEAR * votes.total():
        return AMBIGUOUS
    return PASSES if answer == expected else FAILS


def _criterion(criterion: str, kind: str, checks: Sequence[Check], said: Sequence[Said]) -> CriterionResult:
    mine = [check for check in checks if check.criterion == criterion and check.kind in (kind, "")]
    statuses = [check.status for check in mine]
    return CriterionResult(
        criterion=criterion,
        kind=kind,
        n_checks=len(mine),
        n_failing=statuses.count(FAILS),
        n_ambiguous=statuses.count(AMBIGUOUS),
        status=min([one for one in statuses if one not in (TOO_FEW, UNTESTED)] or statuses, key=RANK.index),
        agreement=_agreement([one for one in said if one.kind == kind and criterion in one.answers], criterion),
    )


def _agreement(said: Sequence[Said], criterion: str) -> Estimate:
    """How often two votes on the same test say the same."""
    pairs = [
        (one.answers[criterion] == other.answers[criterion], one.test)
        for one, other in combinations(said, 2)
        if one.test == other.test
    ]
    if not pairs:
        return undefined("no test has two votes")
    same, tests = zip(*pairs, strict=True)
    return wilson_clustered(np.array(same), [np.array(tests)])
