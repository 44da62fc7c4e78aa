"""The sequential exam: hand-made exams, the exact error rates, and simulated raters with the minimum per class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from app.stats.exam import CLASS_FLOOR, ExamPlan, fixed_plan, next_class, operate, score_exam

PLAN = ExamPlan()
CLASSES = {"a": 100, "b": 100, "tie": 50}


def sit(plan: ExamPlan, accuracy: float, rng: np.random.Generator, pool: dict[str, int]) -> tuple[str | None, int]:
    """One simulated exam: verdict and number of items."""
    left, answers = dict(pool), []
    score = score_exam(plan, answers, classes=pool)
    while score.verdict is None and (name := next_class(plan, score, left)) is not None:
        left[name] -= 1
        answers.append((name, bool(rng.random() < accuracy)))
        score = score_exam(plan, answers, classes=pool)
    return score.verdict, score.n


def test_evidence_by_hand():
    # 3 right, 1 wrong: 3 log(.85/.70) + log(.15/.30) = 3 * .194156 - .693147
    score = score_exam(PLAN, [("a", True), ("b", True), ("a", True), ("b", False)], classes="ab")
    assert score.evidence == pytest.approx(3 * 0.19415601 - 0.69314718)
    assert (score.verdict, score.n_right, score.n) == (None, 3, 4)
    assert score.limit == pytest.approx(np.log(0.96 / 0.04))


def test_seventeen_right_answers_pass_and_five_wrong_ones_of_twelve_fail():
    # 3.178 / .194156 = 16.4 right answers; 7 right and 5 wrong give -2.1, 6 wrong give -3.0, 7 wrong -3.9
    right = [("a" if i % 2 else "b", True) for i in range(30)]
    passed = score_exam(PLAN, right, classes="ab")
    assert (passed.verdict, passed.n) == ("pass", 17)
    wrong = [("a", i >= 7) for i in range(30)]
    failed = score_exam(PLAN, wrong, classes="ab")
    assert (failed.verdict, failed.n) == ("fail", 12)


def test_nobody_passes_by_knowing_only_the_common_class():
    answers = [("a", True)] * 20 + [("tie", False)] * 4
    score = score_exam(PLAN, answers, classes=("a", "tie"))
    assert score.verdict is None
    assert score.weak == ("tie",)
    assert score.evidence < score.limit
    answers += [("a", True)] * 15
    score = score_exam(PLAN, answers, classes=("a", "tie"))
    assert score.evidence >= score.limit
    assert score.verdict is None
    assert next_class(PLAN, score, {"a": 9, "tie": 3}) == "tie"
    assert next_class(PLAN, score, {"a": 9, "tie": 0}) is None, "more of the strong class would tell nothing"
    assert score_exam(PLAN, answers, classes=("a", "tie"), is_exhausted=True).verdict is None
    assert score_exam(PLAN, answers + [("tie", True)] * 6, classes=("a", "tie")).verdict == "pass"


def test_at_the_cap_a_weak_class_fails_in_words():
    plan = ExamPlan(0.65, 0.85, 20, 0.6)
    answers = [("a", True)] * 12 + [("tie", False)] * 4 + [("a", True)] * 4
    score = score_exam(plan, answers, classes=("a", "tie"))
    assert score.verdict == "fail"
    assert "where the answer is tie" in score.reason


def test_a_scarce_class_that_runs_out_does_not_keep_a_good_rater_waiting():
    answers = [("a", True)] * 20 + [("tie", True)]
    assert score_exam(PLAN, answers, classes=("a", "tie")).verdict is None
    assert score_exam(PLAN, answers, classes=("a", "tie"), is_exhausted=True).verdict == "pass"


@pytest.mark.parametrize("plan", [ExamPlan(), ExamPlan(0.65, 0.85, 60)])
def test_exact_errors_are_nominal_and_clear_cases_take_at_most_three_fifths_of_the_fixed_plan(plan: ExamPlan):
    bad, good = operate(plan, plan.p0), operate(plan, plan.p1)
    errors = (bad.p_pass, 1 - good.p_pass)  # .0469 and .0478; .0502 and .0398
    assert all(0.039 <= error <= 0.06 for error in errors), errors
    n_fixed, _ = fixed_plan(plan.p0, plan.p1)
    assert max(bad.mean_items, good.mean_items) <= 0.6 * n_fixed


def test_fixed_plan_is_the_published_one():
    assert fixed_plan(0.70, 0.85) == (85, 67)
    assert fixed_plan(0.60, 0.80) == (60, 43)
    n, c = fixed_plan(0.80, 0.95)
    assert (n, c) == (50, 45)
    assert binom.sf(c - 1, n, 0.80) <= 0.05


def test_simulated_raters_with_the_minimum_per_class_are_near_nominal():
    rng = np.random.default_rng(0)
    shares = {}
    for accuracy in (PLAN.p0, PLAN.p1):
        verdicts = [sit(PLAN, accuracy, rng, CLASSES)[0] for _ in range(400)]
        shares[accuracy] = verdicts.count("pass") / len(verdicts)
    assert shares[PLAN.p0] < 0.09
    assert shares[PLAN.p1] > 0.91


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "tie"]), st.booleans()), max_size=130))
def test_an_exam_that_ended_stays_as_it_is_and_never_passes_below_the_minimum(answers):
    score = score_exam(PLAN, answers, classes=CLASSES)
    assert score.n <= PLAN.max_items
    if score.verdict is None:
        assert score.n == len(answers) < PLAN.max_items
        return
    assert score_exam(PLAN, answers[: score.n], classes=CLASSES) == score
    if score.verdict == "pass":
        assert all(one.n_right >= PLAN.class_minimum * one.n for one in score.classes.values())
        assert score.n == PLAN.max_items or all(one.n >= CLASS_FLOOR for one in score.classes.values())


@pytest.mark.parametrize("wrong", [{"p0": 0.9}, {"p1": 1.0}, {"max_items": 5}, {"class_minimum": 0.9}])
def test_a_plan_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="ExamPlan"):
        ExamPlan(**wrong)
