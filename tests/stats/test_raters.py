"""Rater cards: each number against a hand count or a planted habit."""

import numpy as np
import pandas as pd
import pytest

from app.stats.coding import CLASSES, code_votes
from app.stats.conduct import duplicate_justifications, pace, runs_p_value, side_runs
from app.stats.consensus import one_coin
from app.stats.rater_quality import (
    confidence_report,
    decayed_accuracy,
    label_errors,
    leanings,
    self_consistency,
    swap_consistency,
)
from app.stats.raters import agreement_with_others, first_shown_wins, missing
from app.stats.reports import rater_report
from tests.stats.build import KINDS, random_votes, votes


def coded_of(frame, **options):
    return code_votes(frame, kinds=KINDS, **options)


def test_agreement_with_others_by_hand():
    frame = votes([("x", "ann", "first"), ("x", "bob", "first"), ("x", "cy", "tie"), ("y", "ann", "tie")])
    tally = agreement_with_others(coded_of(frame))
    assert tally.hits.tolist() == [0.5, 0.5, 0]
    assert tally.n.tolist() == [1, 1, 1]


def test_self_consistency_counts_repeats_only():
    frame = votes(
        [("x", "ann", "first"), ("x", "ann", "first"), ("y", "ann", "first"), ("y", "ann", "tie"), ("z", "ann", 1)]
    )
    frame["repeat_index"] = [0, 1, 0, 1, 0]
    tally = self_consistency(coded_of(frame, keep_repeats=True), frame)
    assert (tally.hits[0], tally.n[0]) == (1, 2)
    assert self_consistency(coded_of(frame), frame).n[0] == 0


def test_a_rater_who_follows_the_place_is_not_swap_consistent():
    rows = [(f"c{k}", r, "first") for k in range(10) for r in ("ann", "bob") for _ in range(2)]
    frame = votes(rows)
    frame["repeat_index"] = np.tile([0, 1], 20)
    frame["first_shown_first"] = np.tile([True, False], 20)
    frame.loc[(frame["rater_id"] == "bob") & (frame["repeat_index"] == 1), "outcome"] = "second"
    tally = swap_consistency(coded_of(frame, keep_repeats=True), frame)
    assert tally.hits.tolist() == [10, 0]
    assert tally.n.tolist() == [10, 10]
    same_order = frame.assign(first_shown_first=True)
    assert swap_consistency(coded_of(same_order, keep_repeats=True), same_order).n.sum() == 0


def test_recent_answers_count_more():
    declined = decayed_accuracy(np.r_[np.ones(200), np.zeros(50)], half_life=50)
    assert declined.value < 0.6 < 200 / 250
    assert decayed_accuracy(np.ones(3), half_life=1e9).value == pytest.approx(4 / 5)
    assert decayed_accuracy([]).value is None
    assert declined.low < declined.value < declined.high


def test_a_lean_to_ties_shows_as_class_bias():
    frame = votes([(f"c{k}", r, "tie" if r == "ann" else "first") for k in range(20) for r in ("ann", "bob", "cy")])
    result = leanings(coded_of(frame))
    tie = CLASSES.index("tie")
    assert result.class_bias[0, tie] == pytest.approx(1.0)
    assert result.class_bias[1, tie] == pytest.approx(-0.5)
    assert result.extremity[0] == pytest.approx(-1.0)
    np.testing.assert_allclose(result.class_bias.sum(axis=1), 0, atol=1e-12)


def test_class_bias_averages_to_nothing_over_raters():
    frame, _ = random_votes(2)
    result = leanings(coded_of(frame))
    np.testing.assert_allclose((result.class_bias * result.n[:, None]).sum(axis=0), 0, atol=1e-9)


def test_label_errors_follow_a_planted_rate():
    frame, _ = random_votes(3, units=1500, accuracy=0.8)
    coded = coded_of(frame)
    tally = label_errors(coded, one_coin(coded))
    assert tally.hits.sum() / tally.n.sum() == pytest.approx(0.2, abs=0.03)


def test_confidence_waits_for_enough_answers():
    rng = np.random.default_rng(4)
    level = rng.integers(1, 6, 250).astype(float)
    right = rng.random(250) < 0.45 + 0.1 * level
    sizes = {n: confidence_report(level[:n], right[:n]) for n in (20, 40, 60, 250)}
    assert sizes[20].bias is None
    assert "30 are needed" in sizes[20].undefined_reason
    assert sizes[40].brier is None
    assert sizes[60].brier.n == 60
    assert sizes[60].error is None
    assert sizes[250].error < 0.1
    assert abs(sizes[250].z) < 3
    assert confidence_report(np.full(50, np.nan), np.ones(50)).n == 0


def shown_votes(sides, chosen):
    frame = votes(
        [
            (f"c{k:03d}", "ann", "first" if side == pick else "second")
            for k, (side, pick) in enumerate(zip(sides, chosen, strict=True))
        ]
    )
    frame["first_shown_first"] = np.array(sides, bool)
    return frame


def test_the_side_on_screen_is_measured_not_the_identity():
    rng = np.random.default_rng(5)
    sides = rng.random(200) < 0.5
    left = shown_votes(sides, np.ones(200, bool))
    tally = first_shown_wins(coded_of(left), left)
    assert (tally.hits[0], tally.n[0]) == (200, 200)
    assert side_runs(coded_of(left), left)[0].longest == 200
    fair = shown_votes(sides, rng.random(200) < 0.5)
    runs = side_runs(coded_of(fair), fair)[0]
    assert abs(runs.z) < 3


def test_long_runs_are_improbable():
    blocks = np.repeat(np.arange(8) % 2 == 0, 25)
    frame = shown_votes(np.ones(200, bool), blocks)
    runs = side_runs(coded_of(frame), frame)[0]
    assert (runs.longest, runs.runs) == (25, 8)
    assert runs_p_value(runs) < 1e-6


def test_pace_compares_with_others_on_the_same_unit():
    frame = votes([(f"c{k}", r, "first") for k in range(10) for r in ("ann", "bob", "cy")])
    frame["seconds"] = np.tile([2.0, 20.0, 20.0], 10)
    table = pace(coded_of(frame), frame)
    assert table.loc[0, "relative"] == pytest.approx(0.1)
    assert table.loc[0, "n_below_floor"] == 10
    assert table.loc[1, "n_below_floor"] == 0
    long = pace(coded_of(frame), frame, np.full(10, 600.0))
    assert long.loc[1, "n_below_floor"] == 10  # 600 words need 50 seconds


def test_copied_justifications_are_counted():
    frame = votes([(f"c{k}", "ann", "first") for k in range(5)])
    assert duplicate_justifications(coded_of(frame), frame) is None
    frame["justification"] = ["A is better.", "a is  BETTER.", "", None, "B is short"]
    tally = duplicate_justifications(coded_of(frame), frame)
    assert (tally.hits[0], tally.n[0]) == (1, 3)


def test_missing_verdicts_are_shared_out():
    frame = votes([("x", "ann", "cannot_judge"), ("y", "ann", "first"), ("z", "ann", "not_applicable")])
    tally = missing(coded_of(frame, keep_missing=True))
    assert (tally.hits[0], tally.n[0]) == (2, 3)


def test_the_report_names_signs():
    rng = np.random.default_rng(6)
    rows, gold = [], []
    for unit in range(80):
        truth = ("first", "second")[unit % 2]
        gold.append((f"c{unit:02d}", "a", "b", "overall", truth))
        rows += [(f"c{unit:02d}", "ann", truth), (f"c{unit:02d}", "bob", ("first", "second")[rng.integers(2)])]
    frame = votes(rows)
    frame["seconds"] = np.tile([20.0, 1.0], 80)
    keys = pd.DataFrame(gold, columns=["comparison_id", "first", "second", "criterion", "outcome"])
    report = rater_report(frame, kinds=KINDS, gold=keys)
    cards = {card["rater"]: card for card in report.to_json()["raters"]}
    assert cards["ann"]["gold_accuracy"]["value"] == 1.0
    assert cards["ann"]["signs"] == []
    assert {"below 70 % on gold", "faster than one can read"} <= set(cards["bob"]["signs"])
    assert cards["bob"]["drift"]["n"] == 80
    assert "below 70 % on gold" in report.to_text()
