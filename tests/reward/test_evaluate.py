"""Evaluations: baselines, verdicts, slices and the words for them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from reward.baselines import fit_tfidf, load_tfidf, longer_margins
from reward.disagreements import evidence_against_labels
from reward.errors import RewardError
from reward.evaluate import human_ceiling, load_data, measure
from reward.overlap import count_overlap, save_fingerprints
from reward.pairs import Pair
from reward.report import markdown_report, text_report
from tests.reward.building import build_snapshot, pair_row

CEILING = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100, "undefined_reason": None}


def pairs_of(n: int) -> list[Pair]:
    """Pairs in which 'clear' beats 'vague', and the chosen response is longer in two of three."""
    return [
        Pair(
            (("user", f"question {i}"),),
            "clear words" + " more" * (i % 3),
            "vague words" + " more" * ((i % 3) - 1 if i % 3 else 2),
            soft_label=0.8,
            comparison_id=f"c{i}",
            criteria={"clarity": 1.0, "brevity": -0.5 if i % 2 else 0.0},
            tensions={"brevity|clarity": 0.4 if i % 2 else 0.0},
        )
        for i in range(n)
    ]


def document(pairs, margins, **fields):
    source = {"kind": "file", "name": "x.jsonl", "label_source": "the file's own labels"}
    model = {"run_id": "abc", "base": "tiny", "target": "soft"}
    cut = {"n_pairs": len(pairs), "n_texts": 2 * len(pairs), "max_length_tokens": 64}
    baseline = fit_tfidf(pairs_of(30))
    return {
        "model": model,
        "data": source,
        "cut": cut,
        "overlap": {"caution": fields.get("caution")},
        **measure(pairs, margins, baseline=fields.get("baseline", baseline), ceiling=CEILING),
    }


def test_baselines_by_hand():
    pairs = pairs_of(30)
    lengths = longer_margins(pairs)
    assert (lengths > 0).mean() == pytest.approx(2 / 3)
    baseline = fit_tfidf(pairs)
    assert (baseline.margins(pairs) > 0).all()  # one word decides all
    swapped = [Pair(pair.prompt, pair.rejected, pair.chosen) for pair in pairs]
    assert baseline.margins(swapped) == pytest.approx(-baseline.margins(pairs))


def test_the_bag_of_words_survives_storage_without_pickle(tmp_path):
    baseline = fit_tfidf(pairs_of(30))
    baseline.save(tmp_path / "b.npz")
    assert load_tfidf(tmp_path / "b.npz").margins(pairs_of(7)) == pytest.approx(baseline.margins(pairs_of(7)))
    with pytest.raises(RewardError, match="is missing"):
        load_tfidf(tmp_path / "c.npz")


def test_soft_labels_of_a_half_teach_the_bag_of_words_nothing():
    ties = [Pair((), "clear words", "vague words", soft_label=0.5) for _ in range(20)]
    assert fit_tfidf(ties).margins(ties) == pytest.approx(0, abs=1e-9)


def test_no_bag_of_words_says_why():
    assert "empty vocabulary" in fit_tfidf([Pair((), "", "!")])
    assert "same words" in fit_tfidf([Pair((), "yes no", "yes  no")])


def test_a_better_model_is_said_to_be_better():
    pairs = pairs_of(60)
    found = document(pairs, np.ones(60), baseline="no baseline on words: none here")
    assert found["accuracy"]["value"] == 1
    assert found["against_best_baseline"]["name"] == "longer_wins"
    assert found["against_best_baseline"]["difference"]["value"] == pytest.approx(1 / 3)
    assert found["against_best_baseline"]["beats"] == "yes"
    assert "beats the best baseline by more than the interval" in found["verdict"]
    assert found["baselines"]["longer_wins"]["value"] == pytest.approx(2 / 3)
    assert found["baselines"]["shorter_wins"]["value"] == pytest.approx(1 / 3)
    assert found["baselines"]["tfidf"] == {"value": None, "undefined_reason": "no baseline on words: none here"}


def test_a_worse_and_an_equal_model_are_said_to_be_so():
    pairs = pairs_of(60)
    worse = document(pairs, -np.ones(60))
    assert worse["against_best_baseline"]["name"] == "tfidf"
    assert worse["against_best_baseline"]["beats"] == "no"
    assert "worse than the best baseline" in worse["verdict"]
    alike = document(pairs, longer_margins(pairs), baseline="none here")
    assert "as often as “the longer response wins”" in alike["verdict"]
    almost = np.ones(60)
    almost[0] = -1
    assert document(pairs, almost)["against_best_baseline"]["beats"] == "not established"
    silent = document(pairs, np.zeros(60))
    assert "decides no pair" in silent["verdict"]
    few = document(pairs[:5], np.ones(5))
    assert few["against_best_baseline"]["beats"] == "undefined"
    assert "a bootstrap needs 10" in few["verdict"]


def test_disagreements_know_temperature_ceiling_and_baselines():
    """The evidence of the report is that of its own temperature, of its ceiling, and of its baselines."""
    pairs = pairs_of(60)
    margins = np.where(np.arange(60) % 4 == 0, -0.7, 1.5)
    found = document(pairs, margins)
    witnesses = {"longer_wins": longer_margins(pairs), "tfidf": fit_tfidf(pairs_of(30)).margins(pairs)}
    temperature = found["temperature"]["value"]
    assert temperature not in (None, 1)
    evidence = evidence_against_labels(
        pairs, margins, witnesses=witnesses, temperature=temperature, vote_accuracy=CEILING["value"]
    )
    listed = found["disagreements"]["likely_label_errors"] + found["disagreements"]["likely_blind_spots"]
    assert len(listed) == 15
    for entry in listed:
        assert entry["log_odds_label_wrong"] == pytest.approx(evidence[int(entry["comparison_id"][1:])])


def test_slices_carry_their_n():
    pairs = pairs_of(60)
    margins = np.where(longer_margins(pairs) > 0, 1.0, -1.0)
    found = {entry["name"]: entry for entry in document(pairs, margins)["slices"]}
    assert (found["the longer response is chosen"]["value"], found["the longer response is chosen"]["n"]) == (1, 40)
    assert (found["the shorter response is chosen"]["value"], found["the shorter response is chosen"]["n"]) == (0, 20)
    assert found["clarity favours the chosen"]["n"] == 60
    assert found["brevity favours the rejected"]["n"] == found["brevity favours neither"]["n"] == 30
    assert found["brevity|clarity pulled apart"]["n"] == found["no tension"]["n"] == 30
    assert found["soft label .7 to .9"]["n"] == 60
    assert "clarity favours the rejected" not in found


def test_reports_show_every_row_and_fit_the_terminal():
    found = document(pairs_of(60), np.ones(60))
    text, markdown = text_report(found), markdown_report(found)
    for words in ("reward model", "longer response wins", "bag of words", "ceiling of human raters", "no tension"):
        assert words in text
        assert words in markdown
    assert max(map(len, text.splitlines())) <= 100
    assert "0.900  0.800 to 0.950  100" in text
    json.dumps(found, allow_nan=False)


def test_pairs_that_were_trained_on_are_counted_in_either_order(tmp_path):
    save_fingerprints(tmp_path / "f.npz", pairs_of(10))
    swapped = [Pair(pair.prompt, pair.rejected, pair.chosen) for pair in pairs_of(20)]
    found = count_overlap(tmp_path / "f.npz", swapped)
    assert (found.n_pairs_trained_on, found.n_pairs_with_prompt_trained_on) == (10, 10)
    assert "trained on 10 of the 20 pairs" in found.caution(20)
    other = [Pair(pair.prompt, "another", pair.rejected) for pair in pairs_of(20)]
    found = count_overlap(tmp_path / "f.npz", other)
    assert (found.n_pairs_trained_on, found.n_pairs_with_prompt_trained_on) == (0, 10)
    assert found.caution(20) is None
    assert found.note(20) == "Of 10 of the 20 pairs the model has seen the prompt, with other responses."
    shown = document(pairs_of(20), np.ones(20), caution="Caution: seen")
    assert "Caution: seen" in text_report(shown)
    assert "Caution: seen" in markdown_report(shown)
    with pytest.raises(RewardError, match="train it again"):
        count_overlap(tmp_path / "g.npz", other)


def test_the_split_is_found_or_named(tmp_path):
    row = pair_row("p", "yes", "no")
    only_validation = build_snapshot(tmp_path / "v", {"train": [row], "validation": [row]}, counted_kinds=["simulated"])
    data = load_data(only_validation)
    assert data.source["split"] == "validation"
    assert data.source["label_source"] == "consensus of simulated votes"
    assert data.human_ceiling["value"] is None
    nothing_held_out = build_snapshot(tmp_path / "t", {"train": [row]})
    with pytest.raises(RewardError, match="none of the splits test, validation, only train"):
        load_data(nothing_held_out)
    assert len(load_data(nothing_held_out, split="train").pairs) == 1
    with pytest.raises(RewardError, match="no 'test' split"):
        load_data(only_validation, split="test")


def test_ties_of_a_file_are_counted_and_not_measured_on(tmp_path):
    """A label of .5 prefers neither side: whatever the model says of it is neither right nor wrong."""
    path = tmp_path / "own.jsonl"
    labels = [1.0, 0.5, 0.8, 0.5]
    rows = [{"prompt": f"p{i}", "chosen": "clear", "rejected": "vague", "soft_label": p} for i, p in enumerate(labels)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = load_data(path)
    assert ([pair.soft_label for pair in data.pairs], data.source["n_undecided"]) == ([1.0, 0.8], 2)
    shown = document(data.pairs, np.ones(2))
    shown["data"] = data.source
    assert "labels: the file's own labels; 2 without a decided label left out" in text_report(shown)
    path.write_text(json.dumps(rows[1]))
    with pytest.raises(RewardError, match="every label is a tie"):
        load_data(path)


def test_the_label_source_is_named(tmp_path):
    completions = [{"id": name, "text": name} for name in "ab"]
    row = {"id": "x", "prompt": "p", "completions": completions, "reference": {"preferred": "a"}}
    path = tmp_path / "native.jsonl"
    undecided = {**row, "id": "y", "reference": {"preferred": "tie"}}
    rows = [{**row, "judgments": [{"rater": "r", "preferred": "b"}]}, undecided]
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    by_reference, by_votes = (load_data(path, labels=labels) for labels in ("reference", "votes"))
    assert by_reference.source["label_source"] == "the file's own references"
    assert by_votes.source["label_source"] == "the majority of the file's votes"
    assert ([pair.chosen for pair in by_reference.pairs], [pair.chosen for pair in by_votes.pairs]) == (["a"], ["b"])
    assert by_reference.source["n_undecided"] == by_votes.source["n_undecided"] == 1
    splits = {split: [pair_row(split, "yes", "no")] for split in ("train", "test")}
    snapshot = build_snapshot(tmp_path / "s", splits, ties={"test": [pair_row("q", "yes", "no", soft_label=0.5)]})
    assert load_data(snapshot).source["n_undecided"] == 1


def test_the_ceiling_is_read_as_an_estimate_or_a_number():
    assert human_ceiling({"human_ceiling": CEILING}) == CEILING
    assert human_ceiling({"human_ceiling": 0.7})["value"] == 0.7
    assert human_ceiling({})["undefined_reason"]
