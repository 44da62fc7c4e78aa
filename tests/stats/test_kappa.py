"""Cohen's kappa and pairs of raters."""

import numpy as np
import pytest

from app.stats.coding import code_votes
from app.stats.kappa import agreement_weights, co_rated_counts, cohen_kappa, joint_table, rater_pairs
from tests.stats.build import KINDS, random_votes, votes


def test_cohens_tables():
    assert cohen_kappa(np.array([[20, 5], [10, 15]])).value == pytest.approx(0.4)
    # Cohen (1968), table 1: 200 subjects, weights of disagreement 0 1 3 / 1 0 6 / 3 6 0
    table = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    assert cohen_kappa(table).value == pytest.approx(0.492, abs=5e-4)
    weights = 1 - np.array([[0, 1, 3], [1, 0, 6], [3, 6, 0]]) / 6
    assert cohen_kappa(table, weights=weights).value == pytest.approx(0.348, abs=5e-4)


def test_the_paradox_table():
    assert cohen_kappa(np.array([[118, 5], [2, 0]])).value == pytest.approx(-0.0234, abs=5e-5)


def test_values_and_errors_equal_statsmodels():
    from statsmodels.stats.inter_rater import cohens_kappa

    table = np.random.default_rng(2).integers(1, 30, size=(4, 4))
    for weighting, oracle in (("identity", None), ("linear", "linear"), ("quadratic", "quadratic")):
        expected = cohens_kappa(table, wt=oracle)
        mine = cohen_kappa(table, weights=agreement_weights(weighting, np.arange(4.0)))
        assert mine.value == pytest.approx(expected.kappa)
        assert mine.standard_error == pytest.approx(expected.std_kappa)


def test_weighted_kappa_equals_scikit_learn():
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(4)
    first, second = rng.integers(0, 5, 300), rng.integers(0, 5, 300)
    for weighting in ("linear", "quadratic"):
        weights = agreement_weights(weighting, np.arange(5.0))
        value = cohen_kappa(joint_table(first, second, 5), weights=weights).value
        assert value == pytest.approx(cohen_kappa_score(first, second, weights=weighting))


def test_no_variation_is_undefined():
    assert "no variation" in cohen_kappa(np.array([[9, 0], [0, 0]])).undefined_reason
    assert cohen_kappa(np.zeros((2, 2))).value is None
    with pytest.raises(ValueError, match="Unknown weighting 'cubic'"):
        agreement_weights("cubic", np.arange(3.0))


def test_pairs_are_those_who_met():
    frame = votes(
        [("x", "ann", "first"), ("x", "bob", "first"), ("y", "ann", "tie"), ("y", "bob", "first"), ("z", "cy", 1)]
    )
    coded = code_votes(frame, kinds=KINDS)
    i, j, n = co_rated_counts(coded)
    assert [(coded.rater_ids[a], coded.rater_ids[b], k) for a, b, k in zip(i, j, n, strict=True)] == [("ann", "bob", 2)]
    pairs, omitted = rater_pairs(coded, min_n=1)
    assert len(pairs) == 1
    assert omitted == 0
    np.testing.assert_array_equal(coded.unit[pairs[0].positions[0]], coded.unit[pairs[0].positions[1]])


def test_the_largest_pairs_come_first_and_the_rest_is_counted():
    frame, _ = random_votes(1, units=300, raters=8)
    coded = code_votes(frame, kinds=KINDS)
    pairs, omitted = rater_pairs(coded, min_n=20, largest=5)
    sizes = [pair.n for pair in pairs]
    assert sizes == sorted(sizes, reverse=True)
    assert len(pairs) + omitted == 8 * 7 // 2
    assert all(n == pair.positions.shape[1] for n, pair in zip(sizes, pairs, strict=True))
