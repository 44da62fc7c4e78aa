"""Options of a run: adapters with a head that trains, early stopping, prefix sharing, configuration files, the log."""

from __future__ import annotations

import json

import pytest
import torch

from reward import fit
from reward.__main__ import main
from reward.errors import RewardError
from reward.evaluate import evaluate
from reward.fit import (
    Parameters,
    RunOptions,
    check_options,
    choose_precision,
    head_name,
    training_arguments,
    with_adapters,
)
from reward.models import load_base, load_tokenizer, resolve_base
from reward.scorer import Scorer
from reward.train import train
from tests.reward.building import build_snapshot, pair_row
from tests.reward.conftest import easy_rows

FAST = {"batch_size": 8, "learning_rate": 2e-3, "precision": "fp32", "progress": False, "frozen_baseline_pairs": 0}


def parameters(**fields):
    needed = {
        "snapshot": "s",
        "base": "b",
        "base_sha256": None,
        "epochs": 1.0,
        "learning_rate": 1e-3,
        "batch_size": 4,
        "gradient_accumulation": 1,
        "max_length_tokens": 64,
        "seed": 0,
        "freeze_layers": 0,
        "pooling": "model",
        "target": "soft",
        "include_ties": False,
        "center_rewards": None,
        "precision": "fp32",
    }
    return Parameters(**{**needed, **fields})


@pytest.mark.parametrize(
    ("architecture", "pooling", "head"),
    [("bert", "model", "classifier"), ("bert", "mean", "score"), ("qwen", "model", "score")],
)
def test_the_head_of_an_adapted_model_has_a_gradient(request, architecture, pooling, head):
    """Without `modules_to_save` the head stays as it was drawn; here head and adapters get gradients, the rest none."""
    directory = request.getfixturevalue(f"{architecture}_dir")
    pad = load_tokenizer(str(directory)).pad_token_id
    model = load_base(resolve_base(str(directory)), pooling=pooling, pad_token_id=pad, seed=0)
    assert head_name(model) == head
    adapted = with_adapters(model, parameters(lora_rank=4))
    ids = torch.tensor([[2, 7, 8, 9], [2, 9, 8, 7]])
    rewards = adapted(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.flatten()
    torch.nn.functional.logsigmoid(rewards[0] - rewards[1]).backward()
    gradients = {name: p.grad.abs().sum().item() for name, p in adapted.named_parameters() if p.grad is not None}
    of_head = [size for name, size in gradients.items() if f".{head}.modules_to_save" in name and "weight" in name]
    assert of_head
    assert min(of_head) > 0
    assert any("lora_B" in name and size > 0 for name, size in gradients.items())
    assert all("lora_" in name or "modules_to_save" in name for name in gradients)


@pytest.mark.parametrize("architecture", ["bert", "qwen"])
def test_adapters_are_merged_and_kept(request, snapshot_dir, tmp_path, architecture):
    """The finished model scores as the adapted one did, and loads without peft."""
    directory = request.getfixturevalue(f"{architecture}_dir")
    options = {**FAST, "epochs": 2, "lora_rank": 4, "learning_rate": 1e-2}
    report = train(snapshot_dir, output_dir=tmp_path / "m", base=str(directory), **options)
    training = report["run"]["training"]
    assert training["n_trainable_parameters"] < 0.5 * training["n_parameters"]
    assert training["last_loss"] < training["first_loss"]
    assert (tmp_path / "m" / "adapter" / "adapter_model.safetensors").is_file()
    assert not report["run"]["model_class"].startswith("Peft")
    card = (tmp_path / "m" / "README.md").read_text()
    assert "LoRA of rank 4" in card
    assert f"{training['n_trainable_parameters']:,} of {training['n_parameters']:,} parameters trained" in card
    _assert_that_base_and_adapter_are_the_model(directory, tmp_path / "m")


def _assert_that_base_and_adapter_are_the_model(base, output):
    """The base under the kept adapter, head and all, gives the rewards of the merged model."""
    from peft import PeftModel

    tokenizer = load_tokenizer(str(output))
    plain = load_base(resolve_base(str(base)), pooling="auto", pad_token_id=tokenizer.pad_token_id, seed=9)
    texts = [((("user", "question 1"),), word) for word in ("clear", "vague")]
    scorer = Scorer(output)
    batch = tokenizer.pad({"input_ids": [one.ids for one in scorer.renderer.render(texts)]}, return_tensors="pt")
    with torch.inference_mode():
        drawn = plain.eval()(**batch).logits.flatten()
        adapted = PeftModel.from_pretrained(plain, output / "adapter").eval()(**batch).logits.flatten()
    assert scorer.score(texts).tolist() == pytest.approx(adapted.tolist(), abs=1e-5)
    assert (adapted - drawn).abs().min() > 1e-3


def test_adapters_on_sharded_models_are_refused(snapshot_dir, bert_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(RewardError, match="--lora-rank with FSDP or DeepSpeed"):
        train(snapshot_dir, output_dir=tmp_path / "m", base=str(bert_dir), lora_rank=4, **FAST)


def test_sharing_is_exact_through_a_whole_run_and_through_adapters(qwen_dir, tmp_path):
    """The same data with and without shared prefixes: the same steps, losses equal to rounding."""
    rows = easy_rows(range(24))
    snapshot = build_snapshot(tmp_path / "s", {"train": rows, "test": rows[:4]})
    for rank in (0, 4):
        losses = {}
        for sharing in ("off", "on"):
            options = {**FAST, "epochs": 1, "max_length_tokens": 256, "lora_rank": rank, "batch_size": 24}
            output = tmp_path / f"{sharing}{rank}"
            run = train(snapshot, output_dir=output, base=str(qwen_dir), prefix_sharing=sharing, **options)["run"]
            assert run["training"]["prefix_sharing"]["used"] == (sharing == "on")
            losses[sharing] = run["training"]["first_loss"]
        assert losses["on"] == pytest.approx(losses["off"], abs=1e-5)
    assert run["training"]["prefix_sharing"]["saved"] > 0.2
    assert "prefixes shared, exactly" in (tmp_path / "on4" / "README.md").read_text()


def test_sharing_is_refused_or_left_out_with_its_reason(snapshot_dir, bert_dir, tmp_path):
    with pytest.raises(RewardError, match=r"--prefix-sharing on: .* no causal body"):
        train(snapshot_dir, output_dir=tmp_path / "m", base=str(bert_dir), prefix_sharing="on", **FAST)
    run = train(snapshot_dir, output_dir=tmp_path / "m", base=str(bert_dir), epochs=0.2, **FAST)["run"]
    assert "no causal body" in run["training"]["prefix_sharing"]["reason"]


def test_rankings_train_and_are_measured_as_best_of_n(bert_dir, tmp_path):
    """Comparisons of three: one element each, best of n in the report."""
    words = ("clear", "so", "vague")
    rows = [
        pair_row(f"question {p}", f"it is {words[i]}", f"it is {words[j]}", comparison_id=f"k{p}", weight=2 / 3)
        | {"chosen_id": "abc"[i], "rejected_id": "abc"[j]}
        for p in range(20)
        for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    snapshot = build_snapshot(tmp_path / "s", {"train": rows[:45], "test": rows[45:]})
    report = train(snapshot, output_dir=tmp_path / "m", base=str(bert_dir), epochs=10, **FAST)
    training, best = report["run"]["training"], report["evaluation"]["best_of_n"]
    assert (training["n_pairs"], training["n_elements"]) == (45, 15)
    assert (best["n"], best["mean_responses"], best["chance"]) == (5, 3, pytest.approx(1 / 3))
    assert best["value"] > 0.9


def test_early_stopping_keeps_the_best_weights_and_needs_a_split_of_its_own(
    snapshot_dir, bert_dir, tmp_path, monkeypatch
):
    with pytest.raises(RewardError, match="needs a test split of its own"):
        train(snapshot_dir, output_dir=tmp_path / "m", base=str(bert_dir), early_stopping=1, **FAST)
    wrong = [{**row, "chosen": row["rejected"], "rejected": row["chosen"]} for row in easy_rows(range(12))]
    splits = {"train": easy_rows(range(24)), "validation": wrong, "test": easy_rows(range(24, 30))}
    snapshot = build_snapshot(tmp_path / "s", splits)
    options = {**FAST, "epochs": 30, "early_stopping": 2, "checkpoint_steps": 2, "learning_rate": 0.02}
    losses, best_step = [], fit._best_step
    monkeypatch.setattr(
        fit, "_best_step", lambda trainer: losses.extend(trainer.state.log_history) or best_step(trainer)
    )
    report = train(snapshot, output_dir=tmp_path / "m", base=str(bert_dir), **options)
    training = report["run"]["training"]
    assert training["stopped_by"] == "early_stopping"  # the validation labels are turned: learning makes it worse
    assert training["n_steps"] < 90
    assert training["best_step"] < training["n_steps"]
    assert f"weights of step {training['best_step']}" in (tmp_path / "m" / "README.md").read_text()
    measured = [entry["eval_loss"] for entry in losses if "eval_loss" in entry]
    assert measured[-1] > min(measured) + 1e-3
    kept = evaluate(tmp_path / "m", snapshot, split="validation")["nll_soft"]["value"]
    assert kept == pytest.approx(min(measured), abs=1e-4), "the weights that were best, not the last ones"


def test_the_log_follows_validation_pairs(bert_dir, tmp_path):
    splits = {"train": easy_rows(range(48)), "validation": easy_rows(range(48, 58)), "test": easy_rows(range(58, 62))}
    snapshot = build_snapshot(tmp_path / "s", splits)
    train(snapshot, output_dir=tmp_path / "m", base=str(bert_dir), epochs=4, **FAST)
    lines = [json.loads(line) for line in (tmp_path / "m" / "log.jsonl").read_text().splitlines()]
    assert all({"step", "n_steps", "seconds", "loss"} <= set(line) for line in lines)
    measured = [line for line in lines if "held_out_accuracy" in line]
    assert 2 <= len(measured) <= 10
    last = measured[-1]
    assert last["held_out_n"] == 10
    assert last["held_out_low"] <= last["held_out_accuracy"] <= last["held_out_high"]
    assert sum(last["held_out_margins"]["counts"]) == 10
    assert last["step"] == last["n_steps"]
    finished = evaluate(tmp_path / "m", snapshot, split="validation")
    assert last["held_out_accuracy"] == finished["accuracy"]["value"] > 0.5, "the same pairs, the same side"
    assert last["held_out_loss"] == pytest.approx(finished["nll"]["value"], abs=1e-4)


def test_trackers_are_trls(snapshot_dir, bert_dir, tmp_path, monkeypatch):
    seen = {}
    from transformers import TrainerCallback, trainer
    from transformers.integrations import integration_utils

    class Tracker(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            seen.update(logs or {})

    def found(names):
        assert list(names) == ["tensorboard"]
        return [Tracker]

    monkeypatch.setattr(trainer, "get_reporting_integration_callbacks", found)
    monkeypatch.setattr(integration_utils, "get_available_reporting_integrations", lambda: ["tensorboard"])
    options = {**FAST, "epochs": 0.5, "report_to": ["tensorboard"]}
    train(snapshot_dir, output_dir=tmp_path / "m", base=str(bert_dir), **options)
    assert "loss" in seen


def test_every_option_reaches_the_trainer(tmp_path):
    """Each with a value that is nobody's default."""
    asked = {"learning_rate": 3e-5, "batch_size": 3, "gradient_accumulation": 5, "center_rewards": 0.02, "seed": 11}
    run = parameters(**asked, precision="bf16", activation_checkpointing=True)
    found = training_arguments(
        run, RunOptions(report_to=["none"]), tmp_path, n_steps=40, checkpoint_steps=7, chooses_best=True
    )
    assert (found.learning_rate, found.per_device_train_batch_size, found.gradient_accumulation_steps) == (3e-5, 3, 5)
    assert (found.center_rewards_coefficient, found.seed, found.bf16) == (0.02, 11, True)
    assert (found.gradient_checkpointing, found.max_steps, found.warmup_steps) == (True, 40, 4)
    assert found.save_steps == found.eval_steps == 7
    assert (found.load_best_model_at_end, found.metric_for_best_model, found.greater_is_better) == (
        True,
        "eval_loss",
        False,
    )
    assert found.max_length is None, "TRL would drop what is longer"
    plain = training_arguments(parameters(), RunOptions(), tmp_path, n_steps=40, checkpoint_steps=7, chooses_best=False)
    assert (plain.bf16, plain.gradient_checkpointing, plain.load_best_model_at_end) == (False, False, False)


@pytest.mark.parametrize(
    ("options", "n_gpus", "reason"),
    [
        ({"report_to": ("paper",)}, 0, "--report-to paper: not a tracker that is installed here"),
        ({"checkpoint_steps": 0}, 0, "--checkpoint-steps 0: it must be above 0"),
        ({}, 4, r"sees 4 GPUs: .*--num_processes 4 .* CUDA_VISIBLE_DEVICES=0"),
    ],
)
def test_what_the_trainer_would_refuse_is_refused_at_once(options, n_gpus, reason, monkeypatch):
    """TRL raises under DataParallel, transformers for an unknown tracker: both once the base is loaded."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    with pytest.raises(RewardError, match=reason):
        check_options(RunOptions(**options))
    monkeypatch.setenv("WORLD_SIZE", "4")
    if n_gpus:
        check_options(RunOptions(**options))  # launched, one process for each


def test_the_precision_is_what_the_processor_computes_in(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for able, expected in (({"avx512_bf16": True}, "bf16"), ({"avx512_bf16": False}, "fp32"), ({}, "fp32")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert choose_precision("auto") == expected
    assert choose_precision("bf16") == "bf16"
    with pytest.raises(RewardError, match="--precision fp8: choose one of auto, bf16, fp32"):
        choose_precision("fp8")


def test_options_come_from_a_file_and_flags_win(snapshot_dir, bert_dir, tmp_path, capsys):
    config = tmp_path / "run.yaml"
    config.write_text(
        f"snapshot: {snapshot_dir}\noutput: {tmp_path / 'm'}\nbase: {bert_dir}\nepochs: 9\nbatch_size: 8\n"
        "precision: fp32\nfrozen-baseline-pairs: 0\ninclude-ties: true\nlearning-rate: 2e-3\nreport-to: []\n"
    )
    assert main(["train", "--config", str(config), "--epochs", "0.5", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)["run"]
    assert run["parameters"]["epochs"] == 0.5
    assert run["parameters"]["include_ties"] is True
    assert run["parameters"]["batch_size"] == 8
    assert run["training"]["n_pairs"] == 49


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epoch: 3", "there is no option 'epoch'"),
        ("- epochs", "a mapping of options is expected, found list"),
        ("epochs: [", "not YAML"),
        ("config: other.yaml", "there is no option 'config'"),
    ],
)
def test_bad_configurations_are_one_line(tmp_path, capsys, text, reason):
    (tmp_path / "run.yaml").write_text(text)
    assert main(["train", "--config", str(tmp_path / "run.yaml")]) == 1
    captured = capsys.readouterr()
    assert reason in captured.err
    assert len(captured.err.splitlines()) == 1
    assert main(["train", "--config", str(tmp_path / "absent.yaml")]) == 1
