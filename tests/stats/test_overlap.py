"""Adaptive overlap: curtailment never changes a decision."""

import numpy as np
import pytest

from app.stats.overlap import ASK, CONTESTED, STOP, curtailed_cost, decide_overlap
from app.stats.reports import votes_from_native
from tests.stats.build import native_lines


def action(*counts, largest=3, **options):
    return decide_overlap(np.array([counts]), largest=largest, **options).action[0]


def test_two_of_three_settle_it():
    assert action(2, 0, 0) == STOP
    assert action(1, 0, 0) == ASK
    assert action(1, 1, 0) == ASK
    assert action(2, 1, 0) == STOP
    assert action(1, 1, 1) == CONTESTED
    assert action(0, 0, 0) == ASK


def test_an_even_largest_overlap_may_end_contested():
    assert action(2, 2, largest=4) == CONTESTED
    assert action(2, 1, largest=4) == ASK
    assert action(3, 0, largest=4) == STOP


@pytest.mark.parametrize("largest", [3, 4, 5, 7])
def test_curtailment_gives_the_decision_of_the_full_overlap(largest):
    rng = np.random.default_rng(largest)
    votes = rng.integers(0, 3, size=(3000, largest))
    full = np.stack([(votes == k).sum(axis=1) for k in range(3)], axis=1)
    counts = np.zeros_like(full)
    for asked in range(largest):
        counts[np.arange(len(votes)), votes[:, asked]] += 1
        decisions = decide_overlap(counts, largest=largest)
        stopped = (decisions.action == STOP) & (asked + 1 < largest)
        assert (full[stopped].argmax(axis=1) == decisions.leader[stopped]).all()
        assert (np.sort(full[stopped], axis=1)[:, -1] > np.sort(full[stopped], axis=1)[:, -2]).all()


def test_a_calibrated_posterior_stops_earlier_but_needs_two_that_agree():
    sure, unsure = np.array([[0.97, 0.03]]), np.array([[0.9, 0.1]])
    assert action(2, 0, largest=7, posterior=sure) == STOP
    assert action(2, 0, largest=7, posterior=unsure) == ASK
    assert action(2, 0, largest=7) == ASK
    assert action(1, 0, largest=7, posterior=sure) == ASK
    assert action(1, 1, largest=7, posterior=sure) == ASK


def test_impossible_overlaps_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        action(0, 0, largest=0)
    with pytest.raises(ValueError, match="more than the largest overlap of 3"):
        action(4, 0)


@pytest.mark.parametrize(("name", "cost"), [("ukp_arguments", 0.800), ("llmfao", 0.823), ("pandalm", 0.693)])
def test_the_saving_on_real_data(name, cost):
    rng = np.random.default_rng(1)
    groups = votes_from_native(native_lines(name)).groupby("comparison_id", observed=True)["outcome"]
    labels = [group.cat.codes.to_numpy() for _, group in groups if len(group) >= 3]
    ratios = []
    for _ in range(20):
        votes = np.stack([rng.choice(codes, 3, replace=False) for codes in labels])
        ratios.append(curtailed_cost(votes).mean() / 3)
    assert np.mean(ratios) == pytest.approx(cost, abs=0.006)
