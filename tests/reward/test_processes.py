"""Two processes train as one does, sharded or not, and the launch files are what accelerate and DeepSpeed read."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from reward.__main__ import main
from reward.heads import train_heads
from reward.train import train
from tests.reward.building import build_snapshot
from tests.reward.conftest import easy_rows

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "reward" / "configs"
LEAVING = 100

LEARNING = {"epochs": 1, "learning_rate": 1e-3, "max_length_tokens": 192, "frozen_baseline_pairs": 0}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def launch(folder: Path, tasks: Sequence[Mapping[str, object]]) -> None:
    """Let two processes on the CPU (gloo) do some tasks, launched with the shipped FSDP file in place of eight GPUs."""
    config = yaml.safe_load((CONFIGS / "fsdp.yaml").read_text())
    config |= {"num_processes": 2, "use_cpu": True, "mixed_precision": "no"}
    (folder / "fsdp.yaml").write_text(yaml.safe_dump(config))
    (folder / "tasks.json").write_text(json.dumps([{**task, "port": free_port()} for task in tasks]))
    launcher = ("accelerate.commands.launch", "--config_file", str(folder / "fsdp.yaml"))
    port = ("--main_process_port", str(free_port()))
    command = [sys.executable, "-m", *launcher, *port, "-m", "tests.reward.two_processes", str(folder)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "ACCELERATE_USE_CPU": "true",
        "CUDA_VISIBLE_DEVICES": "",
    }
    with (folder / "log").open("w+") as log:
        launched = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            launched.wait(240)
        finally:
            launched.terminate()  # should it hang: the launcher ends its processes with itself
            launched.wait()
        log.seek(0)
        assert launched.returncode == 0, log.read()[-4000:]


@pytest.fixture(scope="module")
def small_snapshot(tmp_path_factory) -> Path:
    """32 pairs to train on and 8 held out."""
    splits = {"train": easy_rows(range(32)), "test": easy_rows(range(32, 40))}
    return build_snapshot(tmp_path_factory.mktemp("snapshot") / "s", splits)


@pytest.fixture(scope="module")
def trained_alone(small_snapshot, qwen_dir, tmp_path_factory) -> Path:
    """What one process makes of it, in batches of 8."""
    output = tmp_path_factory.mktemp("alone") / "one"
    train(
        small_snapshot,
        output_dir=output,
        base=str(qwen_dir),
        batch_size=8,
        precision="fp32",
        progress=False,
        **LEARNING,
    )
    return output


@pytest.fixture(scope="module")
def together(small_snapshot, trained_alone, qwen_dir, bert_dir, tmp_path_factory) -> Path:
    """What two processes made, each task with a process group of its own: trained, trained in shards, scored."""
    folder = tmp_path_factory.mktemp("together")
    rows = [{"prompt": f"question {i}", "response": "the answer is clear" + " and so on" * (i % 9)} for i in range(37)]
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    train_heads(small_snapshot, output_dir=folder / "heads", encoder=str(bert_dir))
    learning = [f"--{name.replace('_', '-')}={value}" for name, value in LEARNING.items()]
    training = ["train", *learning, "--snapshot", str(small_snapshot), "--base", str(qwen_dir)]
    training += ["--precision", "fp32", "--batch-size", "4", "--json", "--output"]
    tasks = {
        "sharded": ("command, sharded", [*training, str(folder / "sharded")]),
        "copies": ("command", [*training, str(folder / "copies")]),
        "score": ("command", [*score_arguments(trained_alone, folder), "--output", str(folder / "shared.jsonl")]),
        "loss": ("loss, sharded", [str(qwen_dir), str(folder / "loss")]),
        "late": ("late", [str(qwen_dir), str(folder / "late")]),
        "limit": ("limit", []),
        "leave": ("leave", [str(folder), str(LEAVING)]),
    }
    launch(folder, [{"name": name, "kind": kind, "arguments": given} for name, (kind, given) in tasks.items()])
    return folder


def score_arguments(model: Path, folder: Path) -> list[str]:
    """Everything but the output."""
    given = {"model": model, "input": folder / "in.jsonl", "heads": folder / "heads"}
    return ["score", *(f"--{name}={path}" for name, path in given.items()), "--json"]


def largest_difference(one: Path, other: Path) -> float:
    """Between the weights of two models that have the same names for them."""
    from safetensors.torch import load_file

    first, second = (load_file(directory / "model.safetensors") for directory in (one, other))
    assert set(first) == set(second)
    return max((first[name] - second[name]).abs().max().item() for name in first)


@pytest.mark.parametrize(("name", "kind"), [("copies", "MULTI_CPU"), ("sharded", "FSDP")])
def test_two_processes_train_as_one_does(together, trained_alone, name, kind):
    """Batches of 4 in two processes are batches of 8 in one; one report, one card, no file of the trainer's.

    With DDP, and with the shipped FSDP file through `accelerate launch`: sharded, gathered, one whole model.
    """
    training = json.loads((together / f"{name}.out").read_text())["run"]["training"]  # one document, from the first
    assert (training["distributed"], training["n_steps"]) == (kind, 4)
    assert training["prefix_sharing"]["used"]
    assert largest_difference(trained_alone, together / name) < 1e-5
    assert {"README.md", "run.json", "report.json"} <= {path.name for path in (together / name).iterdir()}
    assert not (together / name / "training_args.bin").exists()


def test_two_processes_score_as_one_does(together, trained_alone):
    said = json.loads((together / "score.out").read_text())
    assert (said["n_rows"], said["criteria"]) == (37, ["clarity"])
    assert main([*score_arguments(trained_alone, together), "--output", str(together / "alone.jsonl")]) == 0
    shared, alone = (
        [json.loads(line) for line in (together / f"{name}.jsonl").read_text().splitlines()]
        for name in ("shared", "alone")
    )
    assert [line["id"] for line in shared] == [line["id"] for line in alone]
    assert [line["score"] for line in shared] == pytest.approx([line["score"] for line in alone], abs=1e-5)
    together_on, alone_on = ([line["criteria"]["clarity"]["score"] for line in lines] for lines in (shared, alone))
    assert together_on == pytest.approx(alone_on, abs=1e-5)
    assert len({round(value, 3) for value in alone_on}) == 9, "a head tells texts of nine lengths apart"


def test_a_checkpoint_ends_when_every_process_has_written_its_part(together):
    """Its last file says that it can be resumed from: one whose random states are not all there must have none."""
    assert (together / "late.out").read_text().split() == ["rng_state_0.pth", "rng_state_1.pth"]


def test_the_clock_of_the_first_process_stops_all_of_them(together):
    assert json.loads((together / "limit.out").read_text()) == [[True, False], [True, False]]


def test_leaving_with_a_model_in_copies_never_waits_forever(together):
    """Where the last wait is not kept, one in about ten does."""
    assert int((together / "leave.out").read_text()) == LEAVING


def test_the_loss_through_fsdp_is_that_of_the_whole_model(together):
    """Two shards, shared prefixes: same loss, same gradients, about half of the parameters in each process."""
    loss, gradient, share = map(float, (together / "loss.out").read_text().split()[-3:])
    assert loss < 1e-6
    assert gradient < 1e-4
    assert 0.4 < share < 0.6


@pytest.mark.parametrize("name", ["ddp", "fsdp", "deepspeed_zero3"])
def test_accelerate_reads_the_launch_files(name):
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(CONFIGS / f"{name}.yaml"))
    assert config.num_processes == 8
    assert config.use_cpu is False


def test_the_fsdp_file_names_fields_that_accelerate_knows():
    from dataclasses import fields

    from accelerate.utils import FullyShardedDataParallelPlugin

    known = {field.name for field in fields(FullyShardedDataParallelPlugin)}
    wanted = yaml.safe_load((CONFIGS / "fsdp.yaml").read_text())["fsdp_config"]
    names = {name.removeprefix("fsdp_") for name in wanted} - {"version"}
    renamed = {"offload_params": "cpu_offload"}
    assert {renamed.get(name, name) for name in names} <= known
    plugin = FullyShardedDataParallelPlugin(
        fsdp_version=2, state_dict_type=wanted["fsdp_state_dict_type"], auto_wrap_policy="transformer_based_wrap"
    )
    assert "FULL" in str(plugin.state_dict_type)


def test_accelerate_reads_the_deepspeed_file():
    from accelerate.utils.deepspeed import HfDeepSpeedConfig

    path = CONFIGS / "deepspeed_zero3.json"
    config = HfDeepSpeedConfig(str(path))
    assert config.is_zero3()
    assert config.get_value("zero_optimization.stage3_gather_16bit_weights_on_model_save")


ZERO_FIELDS = {
    "stage",
    "overlap_comm",
    "contiguous_gradients",
    "reduce_bucket_size",
    "stage3_prefetch_bucket_size",
    "stage3_param_persistence_threshold",
    "stage3_gather_16bit_weights_on_model_save",
}
"""Those of our file, as `DeepSpeedZeroConfig` of DeepSpeed 0.19.8 names them; it refuses any other name."""


def test_the_deepspeed_file_leaves_to_the_run_what_the_run_decides():
    document = json.loads((CONFIGS / "deepspeed_zero3.json").read_text())
    assert set(document["zero_optimization"]) == ZERO_FIELDS
    decided_by_the_run = ("gradient_accumulation_steps", "gradient_clipping", "train_batch_size")
    assert {document[name] for name in decided_by_the_run} == {"auto"}


def test_deepspeed_itself_reads_the_file_as_the_trainer_fills_it(tmp_path, monkeypatch):
    """Every 'auto' gets the run's own value, and DeepSpeed's own classes take the whole document."""
    pytest.importorskip("deepspeed", reason="DeepSpeed is not installed; its field names are checked in another test")
    from deepspeed.runtime.config import DeepSpeedConfig
    from transformers import Qwen3Config
    from transformers.integrations.deepspeed import HfTrainerDeepSpeedConfig
    from trl import RewardConfig

    arguments = RewardConfig(output_dir=str(tmp_path), per_device_train_batch_size=16, bf16=True, use_cpu=True)
    read = HfTrainerDeepSpeedConfig(str(CONFIGS / "deepspeed_zero3.json"))
    read.trainer_config_process(arguments)
    read.trainer_config_finalize(arguments, SimpleNamespace(config=Qwen3Config()), 100)
    assert "auto" not in json.dumps(read.config)
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    taken = DeepSpeedConfig(read.config)
    assert (taken.zero_optimization_stage, taken.train_batch_size) == (3, 16)
