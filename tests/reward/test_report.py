"""The rest of the report: temperature, histogram, best of n, benchmark files, paired test, disagreements, votes."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from reward import metrics
from reward.__main__ import main
from reward.best_of_n import best_of_n
from reward.disagreements import disagreements, evidence_against_labels
from reward.errors import RewardError
from reward.native import read_native
from reward.pairs import Pair, read_pair_file
from reward.slicing import slices
from reward.train import train
from tests.reward.conftest import easy_rows
from tests.reward.flips import share_in_top_tenth, simulated_labels
from tests.reward.test_targets import vote, with_votes

FAST = {"batch_size": 16, "learning_rate": 2e-3, "precision": "fp32", "progress": False, "frozen_baseline_pairs": 0}


def test_the_temperature_of_a_model_that_is_twice_too_sure():
    rng = np.random.default_rng(0)
    true = rng.normal(size=4000) * 2
    right = rng.random(4000) < 1 / (1 + np.exp(-true))
    margins = np.where(right, 1, -1) * true * 2  # stated log odds twice the true ones, relative to the label
    found = metrics.fit_temperature(margins)
    assert found.estimate.value == pytest.approx(2, abs=0.15)
    assert found.estimate.low < 2 < found.estimate.high
    assert found.error_after.value < 0.03 < metrics.calibration(margins).error.value
    assert found.nll_after.value < metrics.negative_log_likelihood(margins).value


def test_the_temperature_by_hand():
    """30 margins of 1, of which 20 are right: sigmoid(1 / T) = 2/3, so T = 1 / log 2."""
    margins = np.array([1.0] * 20 + [-1.0] * 10)
    assert metrics.fit_temperature(margins).estimate.value == pytest.approx(1 / math.log(2), abs=1e-6)


@pytest.mark.parametrize(
    ("margins", "reason"),
    [(np.ones(50), "every pair is right"), (-np.ones(50), "worse than chance"), (np.ones(5), "20 are needed")],
)
def test_no_temperature_says_why(margins, reason):
    assert reason in metrics.fit_temperature(margins).estimate.undefined_reason


def test_the_histogram_has_an_edge_at_zero_and_counts_all():
    found = metrics.margin_histogram(np.array([-2.0, -0.1, 0.1, 1.9, 2.0]), n_bins=4)
    assert found["edges"] == pytest.approx([-2, -1, 0, 1, 2])
    assert found["counts"] == [1, 1, 1, 2]
    assert sum(metrics.margin_histogram(np.zeros(3))["counts"]) == 3
    assert sum(metrics.margin_histogram(np.array([]))["counts"]) == 0


def test_mcnemars_exact_test_by_hand():
    """Only the first is right on 5 pairs, only the second on 1: p = 2 (C(6,0) + C(6,1)) / 2^6 = 14/64."""
    first = np.array([1.0] * 8 + [-1.0])
    second = np.array([1.0] * 3 + [-1.0] * 5 + [1.0])
    found = metrics.paired_test(first, second)
    assert (found["n_only_first_right"], found["n_only_second_right"]) == (5, 1)
    assert found["p_value"] == pytest.approx(14 / 64)
    assert metrics.paired_test(first, first)["p_value"] == 1


def ranking(order, comparison="x", subset=""):
    """The pairs of a ranking, best first."""
    return [
        Pair((), i, j, comparison_id=comparison, chosen_id=i, rejected_id=j, subset=subset)
        for at, i in enumerate(order)
        for j in order[at + 1 :]
    ]


def rewards_of(pairs, scores):
    return np.array([[scores[pair.chosen], scores[pair.rejected]] for pair in pairs])


def test_best_of_n_by_hand():
    pairs = [*ranking("abcd"), *ranking("badc", "y")]
    scores = {"a": 3.0, "b": 1.0, "c": 0.0, "d": 2.0}
    found = best_of_n(pairs, rewards_of(pairs, scores))
    assert (found["value"], found["n"], found["chance"]) == (0.5, 2, 0.25)  # a is best in x, b in y
    tied = best_of_n(ranking("abcd"), rewards_of(ranking("abcd"), dict.fromkeys("abcd", 1.0)))
    assert tied["value"] == 0.25
    cycle = [Pair((), i, j, comparison_id="z", chosen_id=i, rejected_id=j) for i, j in ("ab", "bc", "ca")]
    assert "no comparison" in best_of_n(cycle, rewards_of(cycle, scores))["undefined_reason"]
    tie = [replace(pair, soft_label=0.5) if pair.rejected == "b" else pair for pair in ranking("abc")]
    found = best_of_n(tie, rewards_of(tie, {"a": 1.0, "b": 3.0, "c": 0.0}))
    assert (found["value"], found["chance"]) == (1.0, pytest.approx(2 / 3)), "a and b are equally good"
    assert best_of_n(ranking("ab"), rewards_of(ranking("ab"), scores))["value"] is None


def write_lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_rewardbench_files_in_both_editions(tmp_path):
    path = write_lines(
        tmp_path / "bench.jsonl",
        {"id": 0, "prompt": "p", "chosen": "yes", "rejected": "no", "subset": "chat"},
        {"id": "1", "prompt": "p", "chosen": ["good"], "rejected": ["bad", "worse", "worst"], "subset": "math"},
        {"id": "2", "prompt": "p", "chosen": ["one", "uno"], "rejected": ["two"], "subset": "Ties"},
    )
    pairs = read_pair_file(path)
    assert [pair.comparison_id for pair in pairs] == ["0", "1", "1", "1", "2", "2"]
    assert [pair.rejected for pair in pairs[1:4]] == ["bad", "worse", "worst"]
    assert [pair.weight for pair in pairs] == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2])
    scores = {"yes": 1, "no": 0, "good": 2, "bad": 1, "worse": 3, "worst": 0, "one": 2, "uno": 0, "two": 1}
    found = best_of_n(pairs, rewards_of(pairs, scores))
    assert {part["subset"]: part["value"] for part in found["subsets"]} == {"Ties": 1.0, "math": 0.0}
    assert found["mean_of_subsets"] == 0.5
    names = {name for _, name, _ in slices(pairs)}
    assert {"subset chat", "subset math", "subset Ties"} <= names
    with pytest.raises(RewardError, match="line 1, rejected: the list is empty"):
        read_pair_file(write_lines(path, {"prompt": "p", "chosen": ["a"], "rejected": []}))


def test_native_files_by_reference_and_by_votes(tmp_path):
    completions = [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}]
    votes = [{"rater": f"r{i}", "preferred": side} for i, side in enumerate("bba")]
    path = write_lines(
        tmp_path / "native.jsonl",
        {"id": "x", "prompt": "p", "completions": completions, "reference": {"preferred": "a"}, "judgments": votes},
        {"id": "y", "prompt": "p", "completions": completions, "reference": {"preferred": "tie"}},
        {
            "id": "z",
            "prompt": "p",
            "completions": [*completions, {"id": "c", "text": "three"}],
            "reference": {"ranking": [["c"], ["a", "b"]]},
            "meta": {"topic": "t"},
        },
    )
    found = read_native(path, labels="reference")
    assert [(pair.chosen_id, pair.rejected_id) for pair in found.pairs] == [("a", "b"), ("c", "a"), ("c", "b")]
    assert [pair.weight for pair in found.pairs] == pytest.approx([1, 2 / 3, 2 / 3]), "2 / k of a ranking"
    assert found.n_undecided == 1
    assert found.pairs[1].meta == {"topic": "t"}
    [pair] = read_native(path, labels="votes").pairs
    assert (pair.chosen, pair.soft_label, pair.n_judgments) == ("two", pytest.approx(2 / 3), 3)


def test_slices_by_strength_source_meta_and_length_difference():
    pairs = [
        Pair((), "x" * (10 + i), "y" * 10, strength=i / 9, source="ab"[i % 2], meta={"topic": "t" if i < 3 else "u"})
        for i in range(10)
    ]
    found = {(group, name): int(mask.sum()) for group, name, mask in slices(pairs)}
    assert found["strength", "strength below one third"] == 3
    assert "strength" not in {group for group, _, _ in slices([Pair((), "x", "y")])}, "where no vote had one"
    assert found["strength", "strength two thirds and above"] == 4
    assert found["source", "source a"] == 5
    assert found["meta", "topic u"] == 7
    assert found["length difference", "lengths differ by under 10 %"] == 2
    assert found["length difference", "lengths differ by 40 % and more"] == 3


def test_evidence_is_added_in_log_odds():
    """Margin -2 against a lead of 3 votes at q = .75: 2 - 3 log 3 = -1.30; a baseline with the model adds .5."""
    pair = Pair((), "a", "b", soft_label=1.0, n_judgments=3)
    margins = np.array([-2.0])
    alone = evidence_against_labels([pair], margins, witnesses={})
    assert alone[0] == pytest.approx(2 - 3 * math.log(3))
    helped = evidence_against_labels([pair], margins, witnesses={"tfidf": np.array([-0.1])})
    assert helped[0] - alone[0] == pytest.approx(0.5)


def test_disagreements_are_split_and_sorted():
    pairs = [
        Pair((), "a", "b", soft_label=2 / 3, n_judgments=3, comparison_id="split vote"),
        Pair((), "a", "b", soft_label=1.0, n_judgments=5, comparison_id="all five"),
        Pair((), "a", "b", soft_label=1.0, n_judgments=1, comparison_id="agreed"),
    ]
    found = disagreements(pairs, np.array([-3.0, -3.0, 1.0]), witnesses={"longer_wins": np.array([-1, 1, 1])})
    assert (found["n"], found["n_likely_label_errors"], found["n_likely_blind_spots"]) == (2, 1, 1)
    assert found["likely_label_errors"][0]["comparison_id"] == "split vote"
    assert found["likely_label_errors"][0]["with_model"] == ["longer_wins"]
    assert found["likely_blind_spots"][0]["comparison_id"] == "all five"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_flips_head_the_list_on_held_out_folds(seed):
    """5 % of 1,000 labels flipped: the top tenth of the list, by models that did not see the label, holds half."""
    assert share_in_top_tenth(*simulated_labels(1000, seed=seed), seed=seed) >= 0.5


@pytest.fixture(scope="module")
def voted(tmp_path_factory):
    """A snapshot of 24 comparisons with 3 votes each."""
    rows = [{**row, "comparison_id": f"c{i}"} for i, row in enumerate(easy_rows(range(24)))]
    votes = [vote(f"c{i}", f"r{r}", "first" if r < 2 + i % 2 else "second") for i in range(24) for r in range(3)]
    votes += [vote("other", "r1", "first"), vote("c0", "m", "first", rater_kind="model")]
    return with_votes(tmp_path_factory.mktemp("voted") / "s", rows, votes).directory


@pytest.fixture(scope="module")
def two_models(voted, bert_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    train(voted, output_dir=folder / "one", base=str(bert_dir), epochs=2, target="posterior", **FAST)
    train(voted, output_dir=folder / "two", base=str(bert_dir), epochs=0.5, seed=3, **FAST)
    return folder


def test_the_card_names_the_target_and_what_it_changed(two_models):
    card = (two_models / "one" / "README.md").read_text()
    assert "target `posterior`: the posterior under the one-coin model of rater accuracy" in card
    assert "rater model converged after" in card


def test_two_models_are_compared_on_the_same_pairs(two_models, tmp_path, capsys):
    rows = [{"prompt": f"question {i}", "chosen": "it is clear", "rejected": "it is vague " * i} for i in range(15)]
    path = write_lines(tmp_path / "own.jsonl", *rows)
    arguments = ["evaluate", "--model", str(two_models / "one"), "--data", str(path)]
    assert main([*arguments, "--against", str(two_models / "two"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["against_model"]
    assert found["beats"] in ("yes", "no", "not established")
    assert found["difference"]["n"] == 15
    assert 0 <= found["p_value"] <= 1
    assert main([*arguments, "--against", str(two_models / "one")]) == 0
    assert "is not established to differ from" in " ".join(capsys.readouterr().out.split())


def test_the_exact_votes_behind_a_model(two_models, voted, snapshot_dir, tmp_path, capsys):
    model = str(two_models / "one")
    arguments = ["votes", "--model", model, "--snapshot", str(voted), "--output", str(tmp_path / "v.jsonl"), "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n_comparisons"], found["n_votes"], found["n_raters"], found["kinds"]) == (24, 72, 3, {"human": 72})
    lines = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert len(lines) == 72
    assert {line["comparison_id"] for line in lines} == {f"c{i}" for i in range(24)}
    assert main(["votes", "--model", model, "--snapshot", str(snapshot_dir)]) == 1
    assert "but the model was trained on" in capsys.readouterr().err
