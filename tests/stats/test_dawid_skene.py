"""Dawid and Skene: the published patients, monotone fits, gold anchors, and the choice of a model."""

import numpy as np
import pytest

from app.stats.choice import MIN_ANCHORS, choose_consensus, choose_method, held_out_consensus
from app.stats.coding import code_votes
from app.stats.consensus import majority, one_coin
from app.stats.dawid_skene import dawid_skene, fit_dawid_skene
from tests.stats.build import KINDS, random_votes, votes

# Dawid and Skene (1979), table 1: 45 patients; observer 1 three times, then observers 2 to 5.
PATIENTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212 1211111
1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111 1111111 1121121
1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""


def patients():
    labels = np.array([[int(digit) - 1 for digit in patient] for patient in PATIENTS.split()])
    unit = np.repeat(np.arange(45), 7)
    rater = np.tile([0, 0, 0, 1, 2, 3, 4], 45)
    return unit, rater, labels.ravel()


def test_the_45_patients():
    fit = fit_dawid_skene(*patients(), n_labels=4, prior=(0, 0), tolerance=1e-7)
    assert np.round(fit.shares, 2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert np.round(np.diag(fit.confusion[0]), 2).tolist() == [0.89, 0.88, 0.66, 0.44]
    assert fit.log_likelihood[-1] == pytest.approx(-192.891, abs=5e-4)
    assert fit.converged
    assert fit.n_iterations == len(fit.objective)


@pytest.mark.parametrize("prior", [(0.0, 0.0), (4.0, 1.0)])
def test_the_objective_never_falls(prior):
    fit = fit_dawid_skene(*patients(), n_labels=4, prior=prior, tolerance=1e-9)
    assert np.diff(fit.objective).min() > -1e-9
    np.testing.assert_allclose(fit.posterior.sum(axis=1), 1)
    np.testing.assert_allclose(fit.confusion.sum(axis=2), 1)


def test_relabelling_classes_relabels_the_fit():
    unit, rater, label = patients()
    order = np.array([2, 0, 3, 1])
    one = fit_dawid_skene(unit, rater, label, n_labels=4)
    other = fit_dawid_skene(unit, rater, order[label], n_labels=4)
    np.testing.assert_allclose(one.posterior, other.posterior[:, order], atol=1e-6)


def skilled_votes(seed, *, units=600, raters=12, per_unit=4):
    """Raters with opposite leanings: half say first when in doubt, half say second."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, units)
    lean = np.where(np.arange(raters) % 2, 0.95, 0.45)
    rows = []
    for unit in range(units):
        for rater in rng.choice(raters, per_unit, replace=False):
            right = rng.random() < (lean[rater] if truth[unit] else 1.4 - lean[rater])
            rows.append((f"c{unit:04d}", f"r{rater:02d}", ("first", "second")[truth[unit] ^ (not right)]))
    return votes(rows), truth


def test_confusion_matrices_hear_leanings_that_one_coin_does_not():
    frame, truth = skilled_votes(1)
    coded = code_votes(frame, kinds=KINDS)
    right = {
        fit.method: (fit.decision == truth).mean() for fit in (majority(coded), one_coin(coded), dawid_skene(coded))
    }
    assert right["dawid_skene"] > right["one_coin"]
    assert right["dawid_skene"] > right["majority"] + 0.03


def test_gold_keeps_units_to_their_accepted_answers():
    frame, truth = skilled_votes(2, units=200)
    coded = code_votes(frame, kinds=KINDS)
    accepted = np.zeros((coded.n_units, 4), bool)
    accepted[np.arange(100), 1 - truth[:100]] = True  # keys that contradict the truth
    for fit in (one_coin(coded, accepted=accepted), dawid_skene(coded, accepted=accepted)):
        assert fit.method.endswith("_anchored")
        assert (fit.decision[:100] == 1 - truth[:100]).all()
        assert np.diff(fit.objective).min() > -1e-6


def test_held_out_gold_has_not_seen_its_own_key():
    frame, truth = skilled_votes(3, units=200)
    coded = code_votes(frame, kinds=KINDS)
    accepted = np.zeros((coded.n_units, 4), bool)
    accepted[np.arange(50), truth[:50]] = True
    accepted[:50:10] = False
    accepted[np.arange(0, 50, 10), 3] = True  # absurd keys: both_bad, which nobody voted for
    held_out = held_out_consensus(coded, "dawid_skene", accepted)
    assert (held_out.decision[:50] == truth[:50]).mean() > 0.7


def test_the_choice_follows_the_votes_per_rater():
    few, _ = random_votes(1, units=100)
    many, _ = random_votes(1, units=1300)
    alone = votes([(f"c{k}", "ann", "first") for k in range(30)])
    names = [choose_method(code_votes(frame, kinds=KINDS))[0] for frame in (alone, few, many)]
    assert names == ["majority", "one_coin", "dawid_skene"]


def test_anchors_need_a_minimum():
    frame, truth = skilled_votes(4, units=100)
    coded = code_votes(frame, kinds=KINDS)
    accepted = np.zeros((coded.n_units, 4), bool)
    accepted[np.arange(MIN_ANCHORS - 1), truth[: MIN_ANCHORS - 1]] = True
    assert choose_consensus(coded, accepted=accepted).method == "one_coin"
    accepted[MIN_ANCHORS, truth[MIN_ANCHORS]] = True
    assert choose_consensus(coded, accepted=accepted).method == "one_coin_anchored"


def test_no_votes_are_refused():
    nothing = np.zeros(0, int)
    with pytest.raises(ValueError, match="no votes"):
        fit_dawid_skene(nothing, nothing, nothing, n_labels=2)
