"""Measures against numbers derived by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reward import metrics


def test_accuracy_counts_ties_apart():
    accuracy = metrics.pairwise_accuracy(np.array([2.0, 0.1, -1.0, 0.0, 3.0]))
    assert (accuracy.n_correct, accuracy.n_wrong, accuracy.n_tied) == (3, 1, 1)
    assert accuracy.estimate.value == 3 / 4
    assert accuracy.estimate.n == 4
    # Wilson for 3 of 4, z = 1.959964: centre (.75 + z2/8) / (1 + z2/4), half z sqrt(.75*.25/4 + z2/64) / (1 + z2/4)
    assert accuracy.estimate.low == pytest.approx(0.3006, abs=1e-4)
    assert accuracy.estimate.high == pytest.approx(0.9544, abs=1e-4)


def test_accuracy_is_undefined_without_a_decided_pair():
    accuracy = metrics.pairwise_accuracy(np.zeros(3))
    assert accuracy.estimate.value is None
    assert accuracy.n_tied == 3
    assert metrics.pairwise_accuracy(np.array([])).estimate.undefined_reason


def test_likelihood_by_hand():
    margins = np.array([0.0, math.log(3)])
    # sigmoid(0) = 1/2, sigmoid(log 3) = 3/4
    assert metrics.negative_log_likelihood(margins).value == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    labels = np.array([0.5, 0.75])
    soft = (math.log(2) + 0.75 * math.log(4 / 3) + 0.25 * math.log(4)) / 2
    assert metrics.negative_log_likelihood(margins, labels).value == pytest.approx(soft)
    assert metrics.label_entropy(labels).value == pytest.approx(soft)  # the model is right, so this is the floor
    assert metrics.negative_log_likelihood(np.array([-800.0])).value == pytest.approx(800)


def test_calibration_by_hand():
    # confidence .75 each (bin .75 to .8): 2 of 4 right, so the error is .25; confidence .5 and a tie: error 0
    margins = np.array([math.log(3), math.log(3), -math.log(3), -math.log(3), 0.0]) * 1.0001
    found = metrics.calibration(margins)
    assert [b["n"] for b in found.bins] == [1, 4]
    assert found.error.value == pytest.approx(4 / 5 * 0.25, abs=1e-4)
    assert metrics.calibration(np.array([])).error.value is None


def test_perfectly_confident_and_right_is_calibrated():
    assert metrics.calibration(np.full(5, 50.0)).error.value == pytest.approx(0, abs=1e-12)


def test_clusters_are_prompts_unless_there_are_too_few():
    comparisons = [f"c{i}" for i in range(24)]
    codes, unit = metrics.choose_clusters([i % 12 for i in range(24)], comparisons)
    assert unit == "prompts"
    assert len(set(codes)) == 12
    codes, unit = metrics.choose_clusters([i % 2 for i in range(24)], comparisons)
    assert unit == "comparisons"
    assert len(set(codes)) == 24


def test_clustered_mean_is_wider_where_clusters_agree():
    values = np.repeat(np.arange(20) % 2, 10).astype(float)
    within = metrics.clustered_mean(values, np.repeat(np.arange(20), 10), unit="prompts")
    apart = metrics.clustered_mean(values, np.arange(200), unit="comparisons")
    assert within.value == apart.value == 0.5
    assert within.high - within.low > 2 * (apart.high - apart.low)
    # 20 independent halves: standard error sqrt(.25 / 20) = .112, so about .5 -+ .22
    assert within.low == pytest.approx(0.28, abs=0.04)


def test_clustered_mean_says_why_it_has_no_interval():
    few = metrics.clustered_mean(np.ones(9), np.arange(9), unit="prompts")
    assert (few.value, few.low) == (1.0, None)
    assert "9 prompts" in few.undefined_reason
    assert metrics.clustered_mean(np.array([]), np.array([], int), unit="prompts").value is None


def test_swapping_all_sides_mirrors_accuracy():
    margins = np.random.default_rng(0).normal(size=101)
    there, back = metrics.pairwise_accuracy(margins), metrics.pairwise_accuracy(-margins)
    assert there.estimate.value + back.estimate.value == pytest.approx(1)
    assert metrics.credit(margins) + metrics.credit(-margins) == pytest.approx(1)
