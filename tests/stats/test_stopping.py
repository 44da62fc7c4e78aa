"""The posterior that may stop: what one coin a rater gives, when it is used, what it says of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.stats.stopping import GoldVote, StoppingModel, fit_stopping, replay


def crowd(n_units: int, accuracies: list[float], *, seed: int = 0) -> list[GoldVote]:
    """Everybody answers every gold unit, right with their own accuracy, wrong at the other side."""
    rng = np.random.default_rng(seed)
    votes = []
    for unit in range(n_units):
        truth = int(rng.integers(2))
        for rater, accuracy in enumerate(accuracies):
            label = truth if rng.random() < accuracy else 1 - truth
            votes.append(GoldVote(f"g{unit:04}", f"r{rater}", label, (truth,)))
    return votes


def test_the_posterior_of_two_votes_by_hand() -> None:
    model = StoppingModel({"r": 0.9, "s": 0.7}, 0.8, (0.4, 0.4, 0.1, 0.1), 1.0, 0, 0, True, "", {})
    weights = np.array([0.4 * 0.9 * 0.3 / 3, 0.4 * 0.1 / 3 * 0.7, 0.1 * 0.1 / 3 * 0.3 / 3, 0.1 * 0.1 / 3 * 0.3 / 3])
    assert model.posterior([("r", 0), ("s", 1)]) == pytest.approx(weights / weights.sum())
    assert model.posterior([]) == pytest.approx([0.4, 0.4, 0.1, 0.1])
    assert model.posterior([("stranger", 0)])[0] == pytest.approx(0.32 / (0.32 + (0.4 + 0.1 + 0.1) * 0.2 / 3))


def test_a_temperature_above_one_is_less_sure() -> None:
    model = StoppingModel({"r": 0.9}, 0.8, (0.4, 0.4, 0.1, 0.1), 2.0, 0, 0, True, "", {})
    cold = replace(model, temperature=1.0).posterior([("r", 0)])
    assert model.posterior([("r", 0)]).max() < cold.max()


def test_scarce_gold_is_not_used() -> None:
    model = fit_stopping(crowd(19, [0.9] * 5), largest=5)
    assert (model.is_usable, model.n_gold, model.temperature) == (False, 95, None)
    assert model.reason == "95 gold answers; 100 are needed"
    assert not fit_stopping([], largest=5).is_usable


def test_good_raters_stop_early_and_say_how_sure_they_are() -> None:
    model = fit_stopping(crowd(300, [0.95, 0.9, 0.9, 0.85, 0.8]), largest=5)
    assert model.is_usable
    held_out = model.held_out
    assert held_out["accuracy"]["value"] >= held_out["majority"]["value"]
    assert held_out["votes_per_comparison"] < 3.6  # curtailed majority of five needs three or more
    assert held_out["confidence"]["realised"]["low"] <= held_out["confidence"]["stated"]
    assert held_out["n"] == 300
    assert model.accuracy["r0"] > model.accuracy["r4"]
    assert StoppingModel.from_dict(model.to_dict()) == model


def test_a_posterior_that_is_worse_than_majority_is_not_used() -> None:
    """Two who were lucky on the other gold and are wrong together here: the product of their votes misleads."""
    votes = crowd(60, [0.99, 0.99], seed=1)
    bad = []
    for unit in range(60):
        truth = unit % 2
        labels = [1 - truth, 1 - truth, truth, truth, truth] if unit % 3 == 0 else [truth] * 5
        bad += [GoldVote(f"h{unit:04}", f"r{n}", label, (truth,)) for n, label in enumerate(labels)]
    model = fit_stopping(votes + bad, largest=5, threshold=0.8)
    assert not model.is_usable
    assert "not as good as majority" in model.reason


def test_replay_asks_until_sure() -> None:
    votes = [("r", 0), ("s", 0), ("t", 0), ("u", 0), ("v", 0)]
    sure = np.array([[0.7, 0.3, 0, 0], [0.97, 0.03, 0, 0]] + [[1.0, 0, 0, 0]] * 3)
    assert replay(votes, sure, threshold=0.95) == (0, 2, 0.97)
    unsure = np.full((5, 4), 0.25)
    answer, n, stated = replay(votes, unsure, threshold=0.95)
    assert (answer, n) == (0, 3)  # what majority needs
    assert np.isnan(stated)
