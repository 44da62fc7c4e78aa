"""Experiments on features: which target, which choice; small ones, as in the notebooks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reward.experiments import STRATEGIES, TARGET_NAMES, compare_targets, learning_curves, simulate_pairs, summarise
from reward.targets import TARGETS


def test_every_target_is_compared_on_the_same_votes():
    """A third of the raters votes at random: the rater model finds them out; differences are paired by seed."""
    found = compare_targets(simulate_pairs(400, seed=0), seeds=range(3), n_train=250)
    assert set(TARGETS) - {"soft"} <= set(TARGET_NAMES), "a snapshot's soft labels are one of the others"
    assert list(found["target"]) == list(TARGET_NAMES) * 3
    table = summarise(found).set_index("target")
    assert table.loc["share", "accuracy difference"] == table.loc["share", "nll difference"] == 0
    assert table.loc["posterior", "accuracy"] > table.loc["share", "accuracy"]
    assert table.loc["margin", "nll"] != table.loc["hard", "nll"], "a margin is more than a hard label"
    by_seed = found.pivot_table(index="seed", columns="target", values="nll")
    paired = by_seed["hard"] - by_seed["share"]
    assert table.loc["hard", "nll difference"] == pytest.approx(paired.mean())
    assert table.loc["hard", "nll standard error"] == pytest.approx(paired.std(ddof=1) / np.sqrt(3))


def test_every_strategy_begins_alike_and_learns():
    curves = learning_curves(simulate_pairs(240, seed=1), seeds=[0], n_start=40, batch=40, n_labels=120)
    assert set(curves["strategy"]) == set(STRATEGIES)
    table: pd.DataFrame = curves.pivot_table(index="n", columns="strategy", values="accuracy")
    assert list(table.index) == [40, 80, 120]
    assert table.loc[40].nunique() == 1, "every strategy has the same first labels"
    assert (table.loc[120] > 0.55).all()
