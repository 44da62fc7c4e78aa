"""The next batch: information, diversity, a random share with its propensity, and one line for each choice."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from reward import select as selecting
from reward.__main__ import main
from reward.contract import file_hash, read_manifest, write_manifest
from reward.laplace import fit_posterior, greedy_d_optimal, information_gain
from tests.reward.building import MESSAGES, build_snapshot
from tests.reward.conftest import easy_rows

POOL_SCHEMA = pa.schema(
    [
        ("comparison_id", pa.string()),
        ("prompt", MESSAGES),
        ("completions", pa.list_(pa.struct([("id", pa.string()), ("text", pa.string())]))),
        ("meta", pa.string()),
    ]
)


class Vectors:
    """An encoder of words without a model: counts of letters."""

    def __init__(self, *args, **kwargs):
        pass

    def embed(self, texts):
        return np.array([[text.count(letter) / 9 for letter in "abcdefghiklmnor"] for text in texts], np.float32)


def with_pool(directory, n):
    """A snapshot with a pool of n comparisons, every fifth of three responses, and one of a single response."""
    build_snapshot(directory, {"train": easy_rows(range(40)), "test": easy_rows(range(40, 50))})
    rows = [
        {
            "comparison_id": f"p{i}",
            "prompt": [{"role": "user", "content": f"question {i}"}],
            "completions": [
                {"id": name, "text": f"the answer {i} is {word}" + " and so on" * (i % 4)}
                for name, word in zip("abc", ("clear", "vague", "kind"), strict=True)
            ][: 3 if i % 5 == 0 else 2],
            "meta": "{}",
        }
        for i in range(n)
    ]
    rows.append({**rows[0], "comparison_id": "alone", "completions": rows[0]["completions"][:1]})
    pq.write_table(pa.Table.from_pylist(rows, schema=POOL_SCHEMA), directory / "pool.parquet")
    content = dict(read_manifest(directory, verify=False).content)
    content["files"] = {**content["files"], "pool.parquet": file_hash(directory / "pool.parquet")}
    write_manifest(directory, content=content, written_at="2026-01-01T00:00:00+00:00")
    return directory


def test_the_posterior_of_one_feature_by_hand():
    """Two wins and one loss on x = 1 with precision 1: the mode solves 3 (2/3 - s(w)) = w."""
    fit = fit_posterior(np.ones((3, 1)), np.array([1.0, 1.0, 0.0]))
    w = fit.mean[0]
    assert 2 - 3 * expit(w) == pytest.approx(w, abs=1e-9)
    assert fit.covariance[0, 0] == pytest.approx(1 / (1 + 3 * expit(w) * (1 - expit(w))))
    assert fit.converged
    doubled = fit_posterior(np.ones((3, 1)), np.array([1.0, 1.0, 0.0]), weights=np.full(3, 2.0))
    assert doubled.covariance[0, 0] < fit.covariance[0, 0]


def test_an_offset_is_taken_off_and_a_weight_multiplies():
    """Three wins by a margin of 1/2: the mode solves 3 (1 - s(w - 1/2)) = w. A pair's gain is log(1 + weight p q v)."""
    fit = fit_posterior(np.ones((3, 1)), np.ones(3), offsets=np.full(3, 0.5))
    assert 3 * (1 - expit(fit.mean[0] - 0.5)) == pytest.approx(fit.mean[0], abs=1e-9)
    [(_, gain)] = greedy_d_optimal(fit, [np.ones((1, 1))], 1, weights=[2 / 3], probabilities=[np.array([0.3])])
    assert gain == pytest.approx(np.log1p(2 / 3 * 0.3 * 0.7 * fit.covariance[0, 0]))


def test_the_models_own_temperature_softens_what_it_is_sure_of(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps({"evaluation": {"temperature": {"value": 2.0}}}))
    scorer = SimpleNamespace(run=SimpleNamespace(directory=tmp_path), score=lambda texts: np.array([3.0, 1.0, 0.0]))
    candidate = selecting.Candidate("x", (), ("a", "b", "c"))
    [found] = selecting.open_probabilities(scorer, [candidate])
    assert found == pytest.approx([expit(1.0), expit(1.5), expit(0.5)])


def test_swapping_sides_swaps_the_prediction():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.random(50)
    there, back = fit_posterior(x, y), fit_posterior(-x, 1 - y)
    assert there.mean == pytest.approx(back.mean)
    assert there.probabilities(x) + there.probabilities(-x) == pytest.approx(1)


def test_the_batch_is_the_greedy_maximum_of_the_log_determinant():
    rng = np.random.default_rng(1)
    posterior = fit_posterior(rng.normal(size=(30, 5)), rng.integers(0, 2, 30).astype(float))
    candidates = [rng.normal(size=(3 if i % 4 == 0 else 1, 5)) for i in range(20)]
    found = greedy_d_optimal(posterior, candidates, 4)
    information = np.linalg.inv(posterior.covariance)
    for index, gain in found:
        before = np.linalg.slogdet(information)[1]
        p = expit(candidates[index] @ posterior.mean)
        information = information + (candidates[index] * (p * (1 - p))[:, None]).T @ candidates[index]
        assert np.linalg.slogdet(information)[1] - before == pytest.approx(gain, abs=1e-9)
    assert len({index for index, _ in found}) == 4


def test_a_copy_of_what_was_chosen_comes_last():
    posterior = fit_posterior(np.zeros((1, 3)), np.array([0.5]))
    candidates = [np.array([[3.0, 0, 0]]), np.array([[3.0, 0, 0]]), np.array([[0, 2.0, 0]]), np.array([[0, 0, 2.0]])]
    assert [index for index, _ in greedy_d_optimal(posterior, candidates, 4)] == [0, 2, 3, 1]
    assert greedy_d_optimal(posterior, [], 3) == []


def test_information_is_largest_where_weights_are_uncertain_not_where_votes_are():
    rng = np.random.default_rng(2)
    x = np.c_[rng.normal(size=400), np.zeros(400)]
    posterior = fit_posterior(x, np.full(400, 0.5))  # feature 0 is known to mean nothing, feature 1 is unknown
    known, unknown = information_gain(posterior, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert unknown > 10 * known
    assert known >= 0


@pytest.fixture(scope="module")
def model_dir(snapshot_dir, bert_dir, tmp_path_factory):
    from reward.train import train

    output = tmp_path_factory.mktemp("select") / "model"
    options = {"epochs": 1, "batch_size": 16, "learning_rate": 1e-3, "precision": "fp32", "progress": False}
    train(snapshot_dir, output_dir=output, base=str(bert_dir), frozen_baseline_pairs=0, **options)
    return output


def run(snapshot, model, output, capsys, *more):
    arguments = ["select", "--snapshot", str(snapshot), "--model", str(model), "--output", str(output), *more]
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out), [json.loads(line) for line in output.read_text().splitlines()]


def test_a_batch_has_two_arms_with_reasons_and_propensities(model_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(selecting, "Embedder", Vectors)
    snapshot = with_pool(tmp_path / "s", 40)
    weighed, greedy = [], selecting.greedy_d_optimal
    monkeypatch.setattr(
        selecting, "greedy_d_optimal", lambda *a, **more: weighed.extend(more["weights"]) or greedy(*a, **more)
    )
    document, lines = run(snapshot, model_dir, tmp_path / "p.jsonl", capsys, "--n", "10")
    assert (document["n"], document["n_random"], document["n_pool"], document["n_skipped"]) == (10, 3, 40, 1)
    assert document["information_gain"] > document["information_gain_random"] > 0
    assert set(lines[0]) == {"comparison_id", "priority", "reason", "propensity", "arm", "model", "snapshot"}
    arms = [line["arm"] for line in lines]
    assert Counter(arms) == {"d_optimal": 7, "random": 3}
    assert arms != sorted(arms), "both arms in one order: a batch that is cut short keeps its lots"
    assert set(weighed) == {1.0, 2 / 3}, "2 / k of a ranking"
    assert {line["propensity"] for line in lines if line["arm"] == "random"} == {3 / 40}
    assert {line["propensity"] for line in lines if line["arm"] == "d_optimal"} == {1.0}
    assert [line["priority"] for line in lines] == pytest.approx([1 - i / 10 for i in range(10)])
    assert len({line["comparison_id"] for line in lines}) == 10
    assert all("nats" in line["reason"] or "drawn by lot" in line["reason"] for line in lines)
    again = run(snapshot, model_dir, tmp_path / "q.jsonl", capsys, "--n", "10")[1]
    assert again == lines
    assert run(snapshot, model_dir, tmp_path / "r.jsonl", capsys, "--n", "10", "--seed", "1")[1] != lines


def test_every_comparison_is_drawn_by_lot_with_its_propensity(model_dir, tmp_path, capsys, monkeypatch):
    """Over 60 seeds each of 12 comparisons is in the random arm of 3 about 15 times (binomial, sd 3.4)."""
    monkeypatch.setattr(selecting, "Embedder", Vectors)
    snapshot = with_pool(tmp_path / "s", 12)
    drawn: Counter[str] = Counter()
    for seed in range(60):
        options = ("--n", "3", "--random-share", "1", "--seed", str(seed))
        drawn.update(
            line["comparison_id"] for line in run(snapshot, model_dir, tmp_path / "p.jsonl", capsys, *options)[1]
        )
    assert len(drawn) == 12
    assert min(drawn.values()) >= 3
    assert max(drawn.values()) <= 28


def test_more_than_the_pool_gives_the_pool(model_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(selecting, "Embedder", Vectors)
    snapshot = with_pool(tmp_path / "s", 5)
    document, lines = run(snapshot, model_dir, tmp_path / "p.jsonl", capsys, "--n", "50")
    assert document["n"] == len(lines) == 5


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--n", "0"], "--n 0: it must be above 0"),
        (["--n", "3", "--random-share", "2"], "must lie between 0 and 1"),
        (["--n", "3"], "every comparison has been judged"),
    ],
)
def test_what_cannot_be_done_is_named(model_dir, snapshot_dir, tmp_path, capsys, options, reason):
    arguments = ["select", "--snapshot", str(snapshot_dir), "--model", str(model_dir)]
    assert main([*arguments, "--output", str(tmp_path / "p.jsonl"), *options]) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "p.jsonl").exists()
