"""Heads per criterion and their gate: what is planted is found, and the report stands beside the revealed weights."""

from __future__ import annotations

import json

import numpy as np
import pytest

from reward import heads
from reward.__main__ import main
from reward.errors import RewardError
from reward.heads import fit_heads, load_heads
from reward.pairs import Pair
from tests.reward.building import build_snapshot
from tests.reward.conftest import easy_rows
from tests.reward.test_select import Vectors


def planted(n, *, seed=0):
    """Two criteria with directions of their own; prompts of kind 0 go by the first, kind 1 by the second."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    tone, truth = x @ np.array([2.0, 0, 0, 0, 0, 0]), x @ np.array([0, 2.0, 0, 0, 0, 0])
    kind = rng.integers(0, 2, n)
    prompts = np.c_[kind, rng.normal(size=(n, 2)) * 0.1].astype(float)
    overall = np.where(kind == 0, tone, truth)
    sign = np.where(rng.random(n) < 1 / (1 + np.exp(-3 * overall)), 1.0, -1.0)
    pairs = [
        Pair(
            (),
            "a",
            "b",
            criteria={"tone": float(np.sign(tone[i]) * sign[i]), "truth": float(np.sign(truth[i]) * sign[i])},
        )
        for i in range(n)
    ]
    return x * sign[:, None], prompts, pairs, kind


def test_heads_find_their_directions_and_the_gate_finds_the_prompts():
    x, prompts, pairs, kind = planted(1500)
    found = fit_heads(x, prompts, pairs)
    assert found.criteria == ("tone", "truth")
    tone, truth = found.coefficients
    assert abs(tone[0]) > 10 * np.abs(tone[1:]).max()
    assert abs(truth[1]) > 10 * np.abs(truth[[0, 2, 3, 4, 5]]).max()
    assert np.sqrt((found.margins(x) ** 2).mean(axis=0)) == pytest.approx([1, 1]), "one scale for both"
    shares = found.gate.weights(prompts)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert shares[kind == 0, 0].mean() > 0.65
    assert shares[kind == 1, 1].mean() > 0.65
    new_x, new_prompts, _, _ = planted(500, seed=1)
    assert (found.overall(new_x, new_prompts) > 0).mean() > 0.85


def test_heads_survive_storage_without_pickle(tmp_path, monkeypatch):
    x, prompts, pairs, _ = planted(200)
    found = fit_heads(x, prompts, pairs, encoder="letters")
    found.save(tmp_path / "heads.npz")
    loaded = load_heads(tmp_path / "heads.npz")
    assert (loaded.criteria, loaded.n_pairs, loaded.encoder) == (found.criteria, found.n_pairs, "letters")
    assert loaded.overall(x, prompts) == pytest.approx(found.overall(x, prompts))
    with pytest.raises(RewardError, match="there are no heads"):
        load_heads(tmp_path / "none.npz")
    monkeypatch.setattr(heads, "FEATURES_VERSION", 99)
    with pytest.raises(RewardError, match="features of another version; fit them again"):
        load_heads(tmp_path / "heads.npz")


def test_swapping_the_responses_swaps_every_sign():
    x, prompts, pairs, _ = planted(200)
    found = fit_heads(x, prompts, pairs)
    assert found.overall(-x, prompts) == pytest.approx(-found.overall(x, prompts))


def test_too_few_votes_by_criterion_are_named():
    x, prompts, pairs, _ = planted(20)
    with pytest.raises(RewardError, match="heads need votes by criterion"):
        fit_heads(x, prompts, pairs)


def test_learned_weights_stand_beside_revealed_and_declared_ones(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(heads, "Embedder", NamedVectors)
    revealed = {
        "shares": {"clarity": {"value": 0.7, "low": 0.6, "high": 0.8, "n_judgments": 200}},
        "declared": {"clarity": 0.5},
    }
    rows = easy_rows(range(48))
    snapshot = build_snapshot(
        tmp_path / "s", {"train": rows, "test": easy_rows(range(48, 60))}, revealed_weights=revealed
    )
    arguments = ["heads", "--snapshot", str(snapshot), "--output", str(tmp_path / "h")]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    [row] = document["criteria"]
    assert (row["criterion"], row["n_pairs"], row["declared"]) == ("clarity", 48, 0.5)
    assert row["revealed"]["value"] == 0.7
    assert row["learned"]["value"] == pytest.approx(1)  # one criterion has all the weight
    assert document["held_out"]["criteria"]["clarity"]["n"] == 12
    assert (tmp_path / "h" / "heads.npz").is_file()
    assert json.loads((tmp_path / "h" / "heads.json").read_text()) == document
    assert main(arguments) == 0
    assert "0.700" in capsys.readouterr().out


class NamedVectors(Vectors):
    encoder = "letters"
