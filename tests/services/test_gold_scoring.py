"""What an answer is worth against a key."""

from __future__ import annotations

import pytest

from app.domain import GoldKey
from app.services.gold_scoring import answer_class, score_answer
from rubrics.answers import Answer


def overall(preferred: str) -> dict[str, Answer]:
    return {"overall": Answer(preferred=preferred)}


@pytest.mark.parametrize(
    ("accepted", "given", "is_right", "credit"),
    [
        (("a",), "a", True, 1.0),
        (("a", "tie"), "tie", True, 1.0),
        (("a",), "tie", False, 0.5),
        (("tie",), "b", False, 0.5),
        (("a",), "b", False, 0.0),
        (("a",), "both_bad", False, 0.0),
        (("both_bad",), "a", False, 0.0),
        (("a",), "cannot_judge", False, 0.0),
    ],
)
def test_any_accepted_answer_is_right_and_near_ones_earn_half(accepted, given, is_right, credit):
    score = score_answer(GoldKey(accepted), overall(given))
    assert (score.is_right, score.credit) == (is_right, credit)


def test_a_distribution_gives_every_answer_its_share_of_the_largest():
    key = GoldKey(("a",), distribution={"a": 0.6, "tie": 0.3, "b": 0.1})
    assert score_answer(key, overall("a")).credit == 1.0
    assert score_answer(key, overall("tie")).credit == pytest.approx(0.5)
    assert score_answer(key, overall("b")).credit == pytest.approx(1 / 6)
    assert not score_answer(key, overall("tie")).is_right
    assert answer_class(GoldKey((), distribution={"a": 0.2, "tie": 0.8})) == "tie"


def test_criteria_count_half_and_what_does_not_apply_is_a_tie():
    key = GoldKey(("a",), {"clarity": "a", "harmlessness": "tie", "honesty": "b"})
    answers = overall("a") | {
        "clarity": Answer(preferred="b"),
        "harmlessness": Answer(preferred="not_applicable"),
    }
    score = score_answer(key, answers)
    assert score.is_right
    assert score.criteria == {"clarity": False, "harmlessness": True}
    assert score.credit == pytest.approx((1 + (0 + 1) / 2) / 2)


def test_scores_rankings_and_work_without_an_overall_question():
    key = GoldKey(("a",), {"clarity": "a"})
    assert score_answer(key, {"overall": Answer(ranking=(("a",), ("b", "c")))}).is_right
    assert not score_answer(key, {"overall": Answer(ranking=(("a", "b"), ("c",)))}).is_right
    assert score_answer(key, {"clarity": Answer(scores={"a": 4, "b": 2})}).is_right
    assert not score_answer(key, {"clarity": Answer(checks={"a": True, "b": True})}).is_right
    assert score_answer(key, {}).credit == 0.0


def test_stating_what_one_believes_pays_best():
    # a rater who is right with probability .75 earns most, on average, by the level that states .75
    right, wrong = GoldKey(("a",)), GoldKey(("b",))

    def expected(level: int) -> float:
        scores = [score_answer(key, overall("a"), confidence=level).confidence_score for key in (right, wrong)]
        return 0.75 * scores[0] + 0.25 * scores[1]

    assert max(range(1, 6), key=expected) == 3
    assert score_answer(right, overall("a")).confidence_score is None
