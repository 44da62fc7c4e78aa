"""Agreement against published tables, oracles and properties."""

from fractions import Fraction

import numpy as np
import pytest

from app.stats.agreement import (
    alpha_statistic,
    bootstrap,
    krippendorff_alpha,
    percent_agreement,
    percent_agreement_statistic,
    with_bootstrap,
)
from app.stats.coefficients import brennan_prediger, fleiss_kappa, gwet_ac
from app.stats.kappa import agreement_weights
from app.stats.patterns import count_patterns

# Krippendorff (2011), section C: four coders, twelve units, missing data; also Gwet's raw4raters.
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]
VALUES = np.arange(1.0, 6.0)


def patterns_of(matrix, n_labels=5):
    """Patterns of a raters-by-units matrix with labels 1 .. K and 0 for missing."""
    matrix = np.array(matrix)
    rater, unit = np.nonzero(matrix)
    return count_patterns(unit, matrix[rater, unit] - 1, n_labels)


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_of_krippendorffs_table(level, published):
    alpha = krippendorff_alpha(patterns_of(KRIPPENDORFF), level=level, values=VALUES)
    assert round(alpha.estimate.value, 3) == published
    assert alpha.estimate.n == 40  # 41 votes, one of them alone on its unit
    assert alpha.estimate.value == pytest.approx(1 - alpha.observed / alpha.expected)


def test_alpha_of_a_table_small_enough_for_fractions():
    # units aa, ab, bb: pairable 6 votes, 3 a and 3 b; observed disagreement 2/6, expected 2*3*3/(6*5) = 3/5
    patterns = count_patterns(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 0, 1, 1, 1]), 2)
    alpha = krippendorff_alpha(patterns)
    assert alpha.estimate.value == pytest.approx(float(1 - Fraction(2, 6) / Fraction(3, 5)))
    assert percent_agreement(patterns).value == pytest.approx(2 / 3)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_the_bootstrap_statistic_is_the_estimate_at_the_observed_counts(level):
    patterns = patterns_of(KRIPPENDORFF)
    statistic = alpha_statistic(patterns, level=level, values=VALUES)
    expected = krippendorff_alpha(patterns, level=level, values=VALUES).estimate.value
    assert statistic(patterns.n_units[None])[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("coefficient", "value", "error"),
    [(gwet_ac, 0.77544, 0.14295), (fleiss_kappa, 0.76117, 0.15302), (brennan_prediger, 0.77273, 0.14472)],
)
def test_gwets_raw4raters_with_errors(coefficient, value, error):
    estimate = coefficient(patterns_of(KRIPPENDORFF))
    assert estimate.value == pytest.approx(value, abs=5e-5)
    assert estimate.standard_error == pytest.approx(error, abs=5e-5)


def test_gwets_ac2_of_raw4raters():
    estimate = gwet_ac(patterns_of(KRIPPENDORFF), weights=agreement_weights("quadratic", VALUES))
    assert estimate.value == pytest.approx(0.9140, abs=5e-5)
    assert estimate.standard_error == pytest.approx(0.10396, abs=5e-5)


def test_the_paradox_table():
    # Gwet (2008): 118 yes/yes, 5 yes/no, 2 no/yes, 0 no/no
    first = np.repeat([0, 0, 1, 1], [118, 5, 2, 0])
    second = np.repeat([0, 1, 0, 1], [118, 5, 2, 0])
    unit = np.arange(125)
    patterns = count_patterns(np.r_[unit, unit], np.r_[first, second], 2)
    assert gwet_ac(patterns).value == pytest.approx(0.9408, abs=5e-5)
    assert fleiss_kappa(patterns).value < 0


def test_fleiss_equals_statsmodels_where_every_unit_has_as_many_votes():
    from statsmodels.stats.inter_rater import fleiss_kappa as oracle
    from statsmodels.stats.tests.test_inter_rater import diagnoses

    table = np.stack([(np.asarray(diagnoses) == k).sum(axis=1) for k in range(1, 6)], axis=1)
    unit, label = np.nonzero(table)
    times = table[unit, label]
    patterns = count_patterns(np.repeat(unit, times), np.repeat(label, times), 5)
    assert fleiss_kappa(patterns).value == pytest.approx(oracle(table))
    assert fleiss_kappa(patterns).value == pytest.approx(0.4302445, abs=1e-7)  # Fleiss (1971), table 1


def test_alpha_equals_evalica_on_random_tables():
    import evalica
    import pandas as pd

    rng = np.random.default_rng(3)
    for _ in range(5):
        matrix = rng.integers(0, 5, size=(6, 40))
        wide = pd.DataFrame(matrix, dtype=float).replace(0.0, np.nan)
        patterns = patterns_of(matrix, 4)
        for level in ("nominal", "ordinal", "interval"):
            expected = evalica.alpha(wide, distance=level).alpha
            value = krippendorff_alpha(patterns, level=level, values=np.arange(1.0, 5.0)).estimate.value
            assert value == pytest.approx(expected)


def test_undefined_says_why():
    alone = count_patterns(np.arange(4), np.zeros(4, int), 2)
    assert "two votes" in krippendorff_alpha(alone).estimate.undefined_reason
    assert percent_agreement(alone).value is None
    assert gwet_ac(alone).value is None
    same = count_patterns(np.array([0, 0, 1, 1]), np.zeros(4, int), 2)
    alpha = krippendorff_alpha(same)
    assert alpha.estimate.value is None
    assert "no variation" in alpha.estimate.undefined_reason
    assert percent_agreement(same).value == 1.0
    assert fleiss_kappa(same).value is None
    nothing = count_patterns(np.zeros(0, int), np.zeros(0, int), 2)
    assert krippendorff_alpha(nothing).estimate.value is None
    assert bootstrap(nothing, {"alpha": alpha_statistic(nothing)})["alpha"].size == 0


def test_agreement_does_not_depend_on_rater_names_row_order_or_sides():
    rng = np.random.default_rng(5)
    unit, label = np.repeat(np.arange(80), 3), rng.integers(0, 4, 240)
    order = rng.permutation(240)
    swap = np.array([1, 0, 2, 3])
    for other in (count_patterns(unit[order], label[order], 4), count_patterns(unit, swap[label], 4)):
        mine = count_patterns(unit, label, 4)
        assert krippendorff_alpha(other).estimate.value == pytest.approx(krippendorff_alpha(mine).estimate.value)
        assert gwet_ac(other).value == pytest.approx(gwet_ac(mine).value)
        assert percent_agreement(other).value == percent_agreement(mine).value


def test_duplicated_raters_agree_more():
    rng = np.random.default_rng(6)
    unit, label = np.repeat(np.arange(80), 3), rng.integers(0, 3, 240)
    doubled = count_patterns(np.r_[unit, unit], np.r_[label, label], 3)
    mine = count_patterns(unit, label, 3)
    assert krippendorff_alpha(doubled).estimate.value > krippendorff_alpha(mine).estimate.value


def test_both_ways_of_counting_patterns_agree():
    rng = np.random.default_rng(7)
    unit, label = rng.integers(0, 300, 2000), rng.integers(0, 5, 2000)
    coded = count_patterns(unit, label, 5)
    hashed = count_patterns(unit, label, 60)  # too many labels for an exact code
    assert hashed.n_units.sum() == coded.n_units.sum()
    assert krippendorff_alpha(hashed).estimate.value == pytest.approx(krippendorff_alpha(coded).estimate.value)


def test_the_bootstrap_resamples_whole_comparisons():
    # two units per comparison, always alike: as much information as half as many units
    rng = np.random.default_rng(8)
    label = rng.integers(0, 2, size=(200, 3))
    single = count_patterns(np.repeat(np.arange(200), 3), label.ravel(), 2)
    twice = np.repeat(label, 2, axis=0)
    cluster = np.repeat(np.arange(200), 2)
    doubled = count_patterns(np.repeat(np.arange(400), 3), twice.ravel(), 2, cluster=cluster)
    assert doubled.n_clusters == 200
    draws = [
        bootstrap(patterns, {"share": percent_agreement_statistic(patterns)}, seed=1)["share"]
        for patterns in (single, doubled)
    ]
    assert draws[1].std() == pytest.approx(draws[0].std(), rel=0.1)
    assert fleiss_kappa(doubled).standard_error == pytest.approx(fleiss_kappa(single).standard_error)


def test_a_bootstrap_interval_names_its_method_and_repeats():
    patterns = patterns_of(KRIPPENDORFF)
    draws = bootstrap(patterns, {"alpha": alpha_statistic(patterns)}, n_resamples=200, seed=4)["alpha"]
    again = bootstrap(patterns, {"alpha": alpha_statistic(patterns)}, n_resamples=200, seed=4)["alpha"]
    np.testing.assert_array_equal(draws, again)
    estimate = with_bootstrap(krippendorff_alpha(patterns).estimate, draws)
    assert estimate.low < estimate.value < estimate.high
    assert "bootstrap over comparisons (200 resamples)" in estimate.method
