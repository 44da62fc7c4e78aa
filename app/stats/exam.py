"""The qualification exam: a sequential probability ratio test with a minimum in every class of answers.

A rater whose accuracy is p0 must not pass, one of p1 must. Answers come one at a time; the test stops as soon as the
evidence suffices, and at a cap at the latest. Who passes on the whole but is weak in one class of answers gets further
items of that class, so that nobody passes by knowing only what is common.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np

BOUND = 0.04
"""Error at which the sequential test stops; the cap brings the realised error to about .05."""

MIN_ITEMS = 12
CLASS_FLOOR = 4
"""Items that a class needs before its share is looked at."""


@dataclass(frozen=True)
class ExamPlan:
    """What an exam decides between, and how long it may be.

    Attributes:
        p0: accuracy that must not pass.
        p1: accuracy that must pass, above `p0`.
        max_items: the cap.
        class_minimum: share of right answers that every class needs, 0 to 1.
    """

    p0: float = 0.70
    p1: float = 0.85
    max_items: int = 100
    class_minimum: float = 0.6

    def __post_init__(self) -> None:
        if not 0 < self.p0 < self.p1 < 1:
            raise ValueError(f"ExamPlan: p0 {self.p0} and p1 {self.p1}; give 0 < p0 < p1 < 1.")
        if self.max_items < MIN_ITEMS:
            raise ValueError(f"ExamPlan: max_items {self.max_items}; give at least {MIN_ITEMS}.")
        if not 0 <= self.class_minimum <= self.p0:
            raise ValueError(f"ExamPlan: class_minimum {self.class_minimum}; give 0 to p0 ({self.p0}).")

    @property
    def step_right(self) -> float:
        """What a right answer adds: log(p1 / p0)."""
        return log(self.p1 / self.p0)

    @property
    def step_wrong(self) -> float:
        """What a wrong answer adds, below 0: log((1 - p1) / (1 - p0))."""
        return log((1 - self.p1) / (1 - self.p0))


@dataclass(frozen=True)
class ClassScore:
    """Answers to the items of one class."""

    n_right: int
    n: int


@dataclass(frozen=True)
class ExamScore:
    """How an exam stands.

    Attributes:
        verdict: "pass", "fail", or None while it goes on.
        evidence: log likelihood ratio of p1 against p0.
        limit: the evidence at which it stops, on either side.
        n_right: right answers.
        n: answers.
        classes: class -> its answers.
        weak: classes whose share is below the minimum, or that have too few items to tell.
        reason: why it ended so, in words; empty while it goes on.
    """

    verdict: str | None
    evidence: float
    limit: float
    n_right: int
    n: int
    classes: Mapping[str, ClassScore]
    weak: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class Operation:
    """What a plan does to raters of one accuracy: exact, without the minimum per class."""

    accuracy: float
    p_pass: float
    mean_items: float


def score_exam(
    plan: ExamPlan, answers: Sequence[tuple[str, bool]], *, classes: Collection[str], is_exhausted: bool = False
) -> ExamScore:
    """Return how an exam stands after these answers.

    The evidence is S = sum log[P(answer | p1) / P(answer | p0)]. S <= -B fails and S >= B passes, B = log((1-.04)/.04),
    from 12 answers on; passing also needs every class at its minimum, and goes on with the weak classes until then. At
    the cap the count of right answers decides, with the cut that balances the two errors.

    Args:
        plan: the plan.
        answers: (class, is it right), oldest first; what comes after the end is left out.
        classes: the classes that the items have; each needs `CLASS_FLOOR` items where the cap allows.
        is_exhausted: whether no further item can be had; weak classes then only count with the items they have.

    Returns:
        The score; without answers nothing is decided.

    Source: Wald (1945), section 3; truncation after Wald (1947), section 3.8.
    """
    limit = log((1 - BOUND) / BOUND)
    counts: dict[str, list[int]] = {name: [0, 0] for name in sorted(classes)}
    evidence, n_right, n = 0.0, 0, 0
    for name, is_right in answers:
        counts.setdefault(name, [0, 0])
        counts[name][0] += is_right
        counts[name][1] += 1
        n, n_right = n + 1, n_right + is_right
        evidence += plan.step_right if is_right else plan.step_wrong
        verdict, reason = _verdict(plan, evidence, limit, n_right, n, counts)
        if verdict:
            break
    else:
        verdict, reason = None, ""
    weak = _weak(plan, counts)
    if verdict is None and is_exhausted and evidence >= limit and n >= MIN_ITEMS and not _below(plan, counts):
        verdict, reason = "pass", "the evidence suffices, and no further item of the scarce classes is left"
    scores = {name: ClassScore(*count) for name, count in counts.items()}
    return ExamScore(verdict, evidence, limit, n_right, n, scores, weak, reason)


def next_class(plan: ExamPlan, score: ExamScore, available: Mapping[str, int]) -> str | None:
    """Return the class of the next item: a weak one once the evidence suffices, else the one asked least for its size.

    Args:
        plan: the plan.
        score: how the exam stands.
        available: class -> items that the rater has not seen.

    Returns:
        A class with items, or None where there is none.
    """
    open_classes = [name for name in sorted(available) if available[name] > 0]
    if score.evidence >= score.limit and score.n >= MIN_ITEMS:
        open_classes = [name for name in open_classes if name in score.weak] or open_classes
        if not set(open_classes) & set(score.weak):
            return None
    if not open_classes:
        return None
    asked = {name: score.classes[name].n if name in score.classes else 0 for name in open_classes}
    total = sum(asked[name] + available[name] for name in open_classes)
    share = {name: max((asked[name] + available[name]) / total, 1 / (2 * len(open_classes))) for name in open_classes}
    return min(open_classes, key=lambda name: ((asked[name] + 0.5) / share[name], name))


def operate(plan: ExamPlan, accuracy: float) -> Operation:
    """Return how often raters of one accuracy pass, and after how many items the exam ends on average: exact.

    Without the minimum per class, which only asks more.
    """
    alive, p_pass, mean = _walk(plan, accuracy)
    cut = _cut(plan)
    return Operation(accuracy, p_pass + float(alive[cut:].sum()), mean)


def fixed_plan(p0: float, p1: float, *, error: float = 0.05) -> tuple[int, int]:
    """Return (n, c): the shortest exam of fixed length that holds both errors, passing from c right answers on.

    Raises:
        ValueError: none of up to 2,000 items does.

    Source: exact binomial; the comparison for the sequential plan.
    """
    from scipy.stats import binom

    for n in range(1, 2001):
        c = int(binom.ppf(1 - error, n, p0)) + 1
        if binom.sf(c - 1, n, p0) <= error and binom.cdf(c - 1, n, p1) <= error:
            return n, c
    raise ValueError(f"fixed_plan: p0 {p0} and p1 {p1} are too close for an exam of 2,000 items.")


def _verdict(
    plan: ExamPlan, evidence: float, limit: float, n_right: int, n: int, counts: Mapping[str, Sequence[int]]
) -> tuple[str | None, str]:
    if n >= MIN_ITEMS and evidence <= -limit:
        return "fail", f"the answers speak for an accuracy of {plan.p0:.0%} or less"
    weak = _weak(plan, counts)
    if n >= MIN_ITEMS and evidence >= limit and not weak:
        return "pass", f"the answers speak for an accuracy of {plan.p1:.0%} or more, in every class"
    if n < plan.max_items:
        return None, ""
    if n_right < _cut(plan):
        return "fail", f"{n_right} of {n} right at the last item; {_cut(plan)} were needed"
    below = _below(plan, counts)
    if below:
        return "fail", f"below {plan.class_minimum:.0%} where the answer is {' or '.join(below)}"
    return "pass", f"{n_right} of {n} right at the last item; {_cut(plan)} were needed"


def _below(plan: ExamPlan, counts: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    return tuple(name for name, (right, n) in counts.items() if right < plan.class_minimum * n)


def _weak(plan: ExamPlan, counts: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    return tuple(name for name, (right, n) in counts.items() if n < CLASS_FLOOR or right < plan.class_minimum * n)


@lru_cache(maxsize=64)
def _cut(plan: ExamPlan) -> int:
    """Return the right answers needed at the cap: the cut that makes the larger of the two errors smallest."""
    (alive0, pass0, _), (alive1, pass1, _) = _walk(plan, plan.p0), _walk(plan, plan.p1)
    false_pass = pass0 + np.r_[np.cumsum(alive0[::-1])[::-1], 0.0]
    false_fail = 1 - pass1 - np.r_[np.cumsum(alive1[::-1])[::-1], 0.0]
    return int(np.argmin(np.maximum(false_pass, false_fail)))


@lru_cache(maxsize=256)
def _walk(plan: ExamPlan, accuracy: float) -> tuple[np.ndarray, float, float]:
    """Return the distribution of right answers of exams that reach the cap, P(pass before it), and the mean length."""
    limit = log((1 - BOUND) / BOUND)
    alive = np.zeros(plan.max_items + 1)
    alive[0] = 1.0
    p_pass = mean = 0.0
    right = np.arange(plan.max_items + 1)
    for n in range(1, plan.max_items + 1):
        mean += float(alive.sum())
        alive = alive * (1 - accuracy) + np.r_[0.0, alive[:-1] * accuracy]
        if n >= MIN_ITEMS:
            evidence = right * plan.step_right + (n - right) * plan.step_wrong
            p_pass += float(alive[evidence >= limit].sum())
            alive = np.where(np.abs(evidence) >= limit, 0.0, alive)
    return alive, p_pass, mean
