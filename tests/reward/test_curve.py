"""The campaign's own curve: no saving is claimed that the interval does not support."""

from __future__ import annotations

import numpy as np

from reward.curve import campaign_curve
from reward.pairs import Pair

DIRECTION = np.random.default_rng(0).normal(size=6)


class Drawn:
    """Features that stand in the text itself."""

    def embed(self, texts):
        return np.array([[float(x) for x in text.split()] for text in texts], dtype=np.float32)


def pairs(n, *, arm, seed, spread=1.0, n_directions=6):
    """Pairs that a linear utility decides with noise; few directions tell little of the others."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        a, b = rng.normal(size=(2, 6)) * spread
        a[n_directions:] = b[n_directions:] = 0
        if (a - b) @ DIRECTION + rng.logistic() < 0:
            a, b = b, a
        text = [" ".join(f"{x:.4f}" for x in side) for side in (a, b)]
        found.append(Pair((("user", f"{arm}{seed}{i}"),), *text, comparison_id=f"{arm}{seed}-{i}", arm=arm))
    return found


def test_arms_alike_show_no_difference():
    train = [*pairs(40, arm="", seed=1), *pairs(80, arm="random", seed=2), *pairs(80, arm="d_optimal", seed=3)]
    found = campaign_curve(train, pairs(120, arm="", seed=4), embedder=Drawn())
    assert (found["n_start"], found["n_random"], found["n_chosen"], found["n_held_out"]) == (40, 80, 80, 120)
    assert [point["n"] for point in found["points"]] == [16, 32, 48, 64, 80]
    assert "no difference" in found["sentence"]
    assert found["points"][-1]["random"]["value"] > 0.6


def test_a_choice_that_tells_little_is_said_to_be_behind():
    poor = pairs(80, arm="d_optimal", seed=3, n_directions=1)
    train = [*pairs(80, arm="random", seed=2, spread=2), *poor]
    found = campaign_curve(train, pairs(200, arm="random", seed=4, spread=2), embedder=Drawn())
    assert "use lots here" in found["sentence"]
    assert found["points"][-1]["difference"]["high"] < 0


def test_held_out_pairs_that_a_rule_chose_do_not_count():
    train = [*pairs(30, arm="random", seed=2), *pairs(30, arm="d_optimal", seed=3)]
    found = campaign_curve(train, pairs(60, arm="d_optimal", seed=4), embedder=Drawn())
    assert found["undefined_reason"].startswith("0 held-out pairs that no rule chose")
    assert "needs 20 of each" in campaign_curve(train[:10], [], embedder=Drawn())["undefined_reason"]
    assert "no sentence encoder" in campaign_curve(train, pairs(60, arm="", seed=4), embedder=None)["undefined_reason"]
