"""Bias: planted coefficients are recovered, absent ones are not found."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.api import Logit

from app.stats.frames import COMPLETION_COLUMNS
from app.stats.logistic import fit_logistic
from app.stats.reports import bias_report
from tests.stats.build import KINDS, votes


def planted(seed, *, gamma=0.0, beta=0.0, quality=0.0, n=2500):
    """Votes with log odds gamma (shown first) + beta (per doubling of the words) + quality, which goes with length."""
    rng = np.random.default_rng(seed)
    doublings = rng.normal(size=n)
    merit = np.clip(np.round(doublings + rng.normal(size=n)), -2, 2) / 2
    order = rng.choice([-1, 1], n)
    won = rng.random(n) < 1 / (1 + np.exp(-(gamma * order + beta * doublings + quality * merit)))
    rows, completions = [], []
    for k in range(n):
        rows += [
            (f"c{k:04d}", f"r{k % 50:02d}", 1 if won[k] else -1),
            (f"c{k:04d}", f"r{k % 50:02d}", merit[k], "merit"),
        ]
        for side, words in (("a", 100), ("b", round(101 / 2 ** doublings[k]) - 1)):
            completions.append((f"c{k:04d}", side, None, 5 * words, words, 0, 0, 0, 0))
    frame = votes(rows)
    frame["first_shown_first"] = np.repeat(order > 0, 2)
    return frame, pd.DataFrame(completions, columns=list(COMPLETION_COLUMNS))


def report(**effects):
    frame, completions = planted(1, **effects)
    return bias_report(frame, kinds=KINDS, completions=completions).to_json()


def contains(estimate, value):
    return estimate["low"] <= value <= estimate["high"]


def test_a_planted_place_bias_is_found():
    document = report(gamma=0.4)
    assert contains(document["position"], 0.4)
    assert document["first_shown_wins"]["low"] > 0.5
    assert contains(document["length"], 0.0)


def test_a_planted_length_bias_is_found():
    document = report(beta=0.5)
    assert contains(document["length"], 0.5)
    assert contains(document["verbosity"], 0.5)
    assert contains(document["position"], 0.0)


def test_length_that_comes_with_quality_is_no_verbosity():
    document = report(quality=2.0)
    assert document["length"]["low"] > 0.2
    assert contains(document["verbosity"], 0.0)
    assert "at equal criteria more words show no clear effect" in document["reading"]


def test_more_formatting_is_measured_at_equal_length():
    frame, completions = planted(2)
    rng = np.random.default_rng(3)
    completions["n_list_items"] = rng.integers(0, 2, len(completions)) * 3
    lists = completions.pivot(index="comparison_id", columns="completion_id", values="n_list_items")
    overall = frame["criterion"] == "overall"
    ahead = np.sign(lists["a"] - lists["b"]).to_numpy()
    frame.loc[overall, "outcome"] = np.where(rng.random(len(ahead)) < 1 / (1 + np.exp(-ahead)), "first", "second")
    formats = bias_report(frame, kinds=KINDS, completions=completions).to_json()["formats"]
    assert contains(formats["n_list_items"]["log_odds"], 1.0)
    assert formats["n_list_items"]["share"]["value"] == pytest.approx(1 / (1 + np.exp(-1)), abs=0.03)
    assert formats["n_bold"]["share"]["undefined_reason"] == "no two responses differ in it"


def test_unknown_order_and_lengths_say_so():
    frame, _ = planted(4, n=100)
    document = bias_report(frame.assign(first_shown_first=None), kinds=KINDS).to_json()
    assert document["position"]["undefined_reason"] == "order on screen not recorded"
    assert document["longer_wins"]["undefined_reason"] == "lengths of the responses not known"


def test_logistic_regression_equals_statsmodels():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 3))
    y = (rng.random(400) < 1 / (1 + np.exp(-x @ [0.5, -1, 0]))).astype(float)
    cluster = rng.integers(0, 40, 400)
    mine = fit_logistic(x, y, clusters=[cluster], ridge=0.0)
    oracle = Logit(y, x).fit(disp=0, cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False})
    np.testing.assert_allclose(mine.coefficients, oracle.params, atol=1e-6)
    np.testing.assert_allclose(mine.standard_errors, oracle.bse * np.sqrt(40 / 39), rtol=1e-5)
    plain = fit_logistic(x, y, ridge=0.0)
    np.testing.assert_allclose(plain.standard_errors, Logit(y, x).fit(disp=0).bse, rtol=1e-5)
    assert plain.converged


def test_separation_is_noticed_and_stays_finite():
    x = np.linspace(-1, 1, 50)[:, None]
    fit = fit_logistic(x, (x[:, 0] > 0).astype(float))
    assert fit.separated
    assert np.isfinite(fit.coefficients).all()
    with pytest.raises(ValueError, match="2 rows cannot carry 3"):
        fit_logistic(np.ones((2, 3)), np.ones(2))
