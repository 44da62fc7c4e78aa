"""What an answer is worth against a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain import GoldKey
from app.services import learning, stopping
from app.services.gold_scoring import answer_class, right_answers, score_answer
from app.services.lookup import find_campaign
from app.store.engine import Store
from rubrics.answers import Answer
from rubrics.loader import load_library
from tests.services.house import line, make_campaign, vote
from tests.services.test_examining import QUICK


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


def test_a_distribution_alone_accepts_what_most_experts_say():
    key = GoldKey((), distribution={"b": 0.4, "a": 0.4, "tie": 0.2})
    assert right_answers(key) == ("a", "b")
    assert [score_answer(key, overall(one)).is_right for one in ("a", "b", "tie")] == [True, True, False]
    assert right_answers(GoldKey(("b",), distribution={"a": 0.9, "b": 0.1})) == ("b",)


def test_the_posterior_and_the_lessons_take_a_distribution_for_a_key(sqlite_store: Store, tmp_path: Path) -> None:
    key = {"distribution": {"a": 0.2, "b": 0.8}, "explanation": "because"}
    pairs = [line(f"g{n}", gold=key, judgments=[vote("p0", "b", shown=["b", "a"])]) for n in range(60)]
    make_campaign(sqlite_store, tmp_path, pairs, rubric=load_library("helpful_harmless"), calibration=QUICK)
    with sqlite_store.read() as connection:
        votes = stopping.gold_votes(connection, find_campaign(connection, "c"))
    assert votes
    assert all(one.label in one.accepted for one in votes)
    course = learning.course(sqlite_store, "ann", "c")
    assert course is not None
    taught = [one for one in course.lessons if one.key.startswith("gold:")]
    assert taught
    assert {one.accepted for one in taught} == {frozenset({"b"})}


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
