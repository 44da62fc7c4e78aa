"""Targets from votes: by hand on three votes, and what bad raters do to each of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reward.contract import JUDGMENT_COLUMNS, file_hash, read_manifest, write_manifest
from reward.dataset import tokenise_pairs
from reward.errors import RewardError
from reward.models import load_tokenizer
from reward.pairs import Pair, open_snapshot, read_pairs
from reward.rendering import Renderer
from reward.targets import TARGETS, apply_target, vote_labels
from tests.reward.building import build_snapshot, pair_row


def vote(comparison, rater, outcome, **fields):
    value = {"first": 1.0, "second": -1.0}.get(outcome, 0.0)
    row = dict.fromkeys(JUDGMENT_COLUMNS)
    row |= {"comparison_id": comparison, "first": "a", "second": "b", "rater_id": rater, "rater_kind": "human"}
    row |= {"criterion": "overall", "outcome": outcome, "value": value, "weight": 1.0, "purpose": "work"}
    return row | {"round": "main", "judgment_id": abs(hash((comparison, rater))), "repeat_index": 0, **fields}


def with_votes(directory, splits, votes):
    """A snapshot whose judgments.parquet holds these votes; its pairs by split, or those to train on."""
    if not isinstance(splits, dict):
        splits = {"train": splits, "test": [pair_row("q", "yes", "no")]}
    build_snapshot(directory, splits)
    pd.DataFrame(votes).to_parquet(directory / "judgments.parquet", index=False)
    content = dict(read_manifest(directory, verify=False).content)
    content["files"] = {**content["files"], "judgments.parquet": file_hash(directory / "judgments.parquet")}
    write_manifest(directory, content=content, written_at="2026-01-01T00:00:00+00:00")
    return open_snapshot(directory)


def labels_of(snapshot, target):
    pairs, report = apply_target(snapshot, read_pairs(snapshot, "train"), target)
    return {pair.comparison_id: pair for pair in pairs}, report


@pytest.fixture
def snapshot(tmp_path):
    """x: two of three for a. y: a vote and a tie for a. z: an adjudicator said a, against both votes. w: no votes."""
    rows = [
        pair_row("p", "good", "bad", comparison_id=name, soft_label=p, criteria=[{"key": "tone", "value": 0.5}])
        for name, p in (("x", 2 / 3), ("y", 0.75), ("z", 1.0), ("w", 0.9))
    ]
    votes = [vote("x", "r1", "first"), vote("x", "r2", "first"), vote("x", "r3", "second")]
    votes += [vote("y", "r1", "first"), vote("y", "r2", "tie"), vote("z", "r1", "second"), vote("z", "r2", "second")]
    votes += [vote("x", "r9", "second", rater_kind="model"), vote("x", "r1", "second", purpose="audit")]
    return with_votes(tmp_path / "s", rows, votes)


def test_shares_by_hand(snapshot):
    pairs, report = labels_of(snapshot, "share")
    assert pairs["x"].soft_label == pytest.approx(2 / 3)  # machine votes and audits do not count
    assert pairs["y"].soft_label == pytest.approx(3 / 4)
    assert pairs["z"].soft_label == 1.0
    assert pairs["w"].soft_label == 0.9
    assert (report.n_pairs, report.n_settled, report.n_without_votes, report.n_turned) == (4, 1, 1, 0)
    assert report.rater_model is None


def test_soft_hard_and_margin(snapshot):
    assert labels_of(snapshot, "soft")[0]["x"].soft_label == pytest.approx(2 / 3)
    assert labels_of(snapshot, "hard")[0]["x"].soft_label == 1.0
    pair = labels_of(snapshot, "margin")[0]["x"]
    assert (pair.soft_label, pair.margin) == (1.0, pytest.approx(1 / 3))
    with pytest.raises(RewardError, match="'fuzzy' is not known"):
        apply_target(snapshot, [], "fuzzy")


def test_a_pair_is_turned_where_the_votes_favour_the_other_side(tmp_path):
    rows = [pair_row("p", "one", "two", comparison_id="x", soft_label=0.6, criteria=[{"key": "tone", "value": 0.5}])]
    snapshot = with_votes(tmp_path / "s", rows, [vote("x", f"r{i}", "second") for i in range(3)])
    pairs, report = labels_of(snapshot, "share")
    assert (pairs["x"].chosen, pairs["x"].chosen_id, pairs["x"].soft_label) == ("two", "b", 1.0)
    assert pairs["x"].criteria == {"tone": -0.5}
    assert report.n_turned == 1


def test_a_rater_who_votes_at_random_counts_less():
    """One of three votes at random on 300 pairs: posterior and reliability come nearer to the truth than the share."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300)
    votes = []
    for unit, side in enumerate(truth):
        for rater, accuracy in (("good", 0.9), ("fair", 0.8), ("random", 0.5)):
            right = rng.random() < accuracy
            votes.append(vote(f"c{unit}", rater, "first" if (side == 0) == right else "second"))
    frame = pd.DataFrame(votes)
    errors, found = {}, {}
    for target in ("share", "posterior", "reliability"):
        labels, facts = vote_labels(frame, kinds=["human"], target=target)
        p = found[target] = np.array([labels[f"c{unit}", "a", "b"] for unit in range(300)])
        errors[target] = np.mean((p - (truth == 0)) ** 2)
        assert (facts is None) == (target == "share")
    assert errors["posterior"] < 0.75 * errors["share"]
    assert errors["reliability"] < 0.9 * errors["share"]
    unanimous = (found["share"] == 1) | (found["share"] == 0)
    assert (found["reliability"][unanimous] == found["share"][unanimous]).all(), "a share, whatever the raters' weights"
    assert (found["posterior"][unanimous] != found["share"][unanimous]).all()
    good_alone = np.unique(found["reliability"][~unanimous].round(6))
    assert len(good_alone) == 6, "which one of the three stands alone, on either side"
    assert good_alone.max() > 0.85


def test_every_target_trains_and_is_a_cache_of_its_own(snapshot, bert_dir, tmp_path):
    renderer = Renderer(load_tokenizer(str(bert_dir)), layout="pair", max_length_tokens=32)
    for target in TARGETS:
        pairs, _ = apply_target(snapshot, read_pairs(snapshot, "train"), target)
        dataset, _ = tokenise_pairs(
            pairs, renderer=renderer, target=target, source_hashes=["x"], cache_dir=tmp_path / "cache"
        )
        assert ("margin" in dataset.column_names) == (target == "margin")
        assert min(dataset["soft_label"]) >= 0.5
    assert len(list((tmp_path / "cache").iterdir())) == len(TARGETS)


def test_rankings_become_one_row_each(bert_dir, tmp_path):
    """Three pairs of a comparison of three and one pair of its own: two rows, each text once, weights summing to 1."""
    user = (("user", "question 1"),)
    texts = {"a": "clear", "b": "vague", "c": "wrong"}
    pairs = [
        Pair(user, texts[i], texts[j], soft_label=p, weight=2 / 3, comparison_id="x")
        for i, j, p in (("a", "b", 1.0), ("a", "c", 0.8), ("b", "c", 0.5))
    ]
    pairs.append(Pair(user, "kind", "rude", weight=2 / 3, comparison_id="y"))
    renderer = Renderer(load_tokenizer(str(bert_dir)), layout="pair", max_length_tokens=32)
    dataset, report = tokenise_pairs(pairs, renderer=renderer, target="soft", source_hashes=["x"], cache_dir=tmp_path)
    first, second = dataset
    assert (len(first["texts_ids"]), first["first"], first["second"]) == (3, [0, 0, 1], [1, 2, 2])
    assert first["soft_label"] == [1.0, 0.8, 0.5]
    assert (len(second["texts_ids"]), second["first"], second["second"]) == (2, [0], [1])
    assert sum(first["weight"]) + sum(second["weight"]) == pytest.approx(2)  # a mean of 1 over the elements
    assert report.n_pairs == 4
