"""Stated against realised: identities, oracles, simulated overconfidence."""

import numpy as np
import pytest

from app.stats.calibration import (
    brier,
    cross_tempered,
    debiased_calibration_error,
    fit_temperature,
    spiegelhalter_z,
    stated_against_realised,
    tempered,
)

LEVELS = np.array([0.55, 0.65, 0.75, 0.85, 0.95])


def forecasts(seed, *, n=5000, over=0.0):
    rng = np.random.default_rng(seed)
    p = rng.choice(LEVELS, n)
    return p, (rng.random(n) < p - over).astype(float)


def test_murphys_identity_is_exact_and_the_score_is_scikit_learns():
    from sklearn.metrics import brier_score_loss

    p, y = forecasts(1)
    parts = brier(p, y)
    assert parts.score == pytest.approx(parts.reliability - parts.resolution + parts.uncertainty, abs=1e-12)
    assert parts.score == pytest.approx(brier_score_loss(y, p))
    assert parts.n == 5000


def test_a_brier_score_by_hand():
    # p .8 .8 .6, y 1 0 1: (.04 + .64 + .16) / 3
    assert brier([0.8, 0.8, 0.6], [1, 0, 1]).score == pytest.approx(0.28)
    assert brier([0.8, 0.8], [1, 1]).skill is None
    with pytest.raises(ValueError, match="no forecasts"):
        brier([], [])


def test_spiegelhalters_z_of_ten_points_overconfidence():
    # all p = .8, 70 % right, n = 5000: Z = (.7 - .8)(-.6) n / (.6 sqrt(n .16)) = .1 sqrt(5000) / .4 = 17.68
    p, y = np.full(5000, 0.8), np.r_[np.ones(3500), np.zeros(1500)]
    z, chance = spiegelhalter_z(p, y)
    assert z == pytest.approx(17.68, abs=0.01)
    assert chance < 1e-12
    z, chance = spiegelhalter_z(*forecasts(2))
    assert abs(z) < 3
    assert spiegelhalter_z([0.5, 0.5], [1, 0]) == (None, None)


def test_the_debiased_error_is_small_where_the_raw_one_is_not():
    errors = [debiased_calibration_error(*forecasts(seed, n=100)) for seed in range(200)]
    assert np.median(errors) < 0.06  # the raw error of a calibrated rater is about .07 here
    assert debiased_calibration_error(*forecasts(3, n=20_000, over=0.1)) == pytest.approx(0.1, abs=0.02)
    assert debiased_calibration_error([0.55, 0.65], [1, 0]) is None


def overconfident(seed, temperature, n=2000):
    rng = np.random.default_rng(seed)
    honest = rng.dirichlet([1.0, 1.0, 1.0], n)
    truth = (rng.random(n)[:, None] > np.cumsum(honest, axis=1)).sum(axis=1)
    accepted = np.eye(3, dtype=bool)[truth]
    return tempered(honest, 1 / temperature), accepted


def test_a_planted_temperature_is_recovered():
    posterior, accepted = overconfident(1, 2.5)
    fit = fit_temperature(posterior, accepted)
    assert fit.value == pytest.approx(2.5, rel=0.1)
    assert fit.converged
    assert fit.log_loss_after < fit.log_loss_before
    assert fit.n == 2000


def test_the_statement_meets_the_realised_accuracy_after_it():
    posterior, accepted = overconfident(2, 3.0)
    hit = accepted[np.arange(len(accepted)), posterior.argmax(axis=1)]
    raw = stated_against_realised(posterior.max(axis=1), hit)
    after = stated_against_realised(cross_tempered(posterior, accepted).max(axis=1), hit)
    assert raw["stated"] > raw["realised"]["high"] + 0.05
    assert after["realised"]["low"] - 0.02 < after["stated"] < after["realised"]["high"] + 0.02
    assert sum(part["realised"]["n"] for part in raw["bins"]) == 2000


def test_few_gold_units_give_no_temperature():
    posterior, accepted = overconfident(3, 2.0, n=50)
    fit = fit_temperature(posterior, accepted)
    assert fit.value is None
    assert fit.undefined_reason == "50 gold units; 100 are needed"
