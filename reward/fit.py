"""The training itself: parameters, TRL's configuration, and what happened."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reward import processes, runs
from reward.errors import RewardError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerFast
    from trl import RewardConfig

    from reward.trainer import PreferenceTrainer

PRECISIONS = ("auto", "bf16", "fp32")
WARMUP_SHARE = 0.1
WEIGHT_DECAY = 0.01
SHARINGS = ("auto", "on", "off")
MIN_SAVED = 0.05
SHARING_SAMPLE = 500


@dataclass(frozen=True)
class Parameters:
    """All that decides the result of a run; an interrupted run is resumed only under the same ones.

    Attributes:
        snapshot: hash of the snapshot.
        base: name of the base model, and `base_sha256` of its weights where they lie in one local file.
        epochs: passes over the training pairs; fractions are allowed.
        learning_rate: peak, after 10 % warm-up, falling linearly to 0.
        batch_size: pairs per step and process.
        gradient_accumulation: steps per optimiser step.
        max_length_tokens: longest text.
        seed: of head, order and everything drawn.
        freeze_layers: transformer layers that do not train, with the embeddings; 0 trains all.
        pooling: 'mean', 'model' or 'auto'.
        target: a key of `reward.targets.TARGETS`.
        include_ties: whether ties train as soft label .5.
        center_rewards: coefficient of TRL's centring term, or None.
        precision: 'bf16' or 'fp32'.
        length_grouping: whether a batch holds texts of like length.
        prefix_sharing: 'auto' (where the model is causal and it saves tokens), 'on' or 'off'.
        lora_rank: rank of the adapters; 0 trains the model itself.
        lora_alpha: their scale, alpha / rank.
        early_stopping: evaluations without improvement after which the run stops; 0 for never.
        activation_checkpointing: recompute activations instead of keeping them: less memory, a third more time.
        n_processes: processes that train together.
    """

    snapshot: str
    base: str
    base_sha256: str | None
    epochs: float
    learning_rate: float
    batch_size: int
    gradient_accumulation: int
    max_length_tokens: int
    seed: int
    freeze_layers: int
    pooling: str
    target: str
    include_ties: bool
    center_rewards: float | None
    precision: str
    length_grouping: bool = True
    prefix_sharing: str = "auto"
    lora_rank: int = 0
    lora_alpha: float = 32.0
    early_stopping: int = 0
    activation_checkpointing: bool = False
    n_processes: int = 1


def choose_precision(wanted: str) -> str:
    """'bf16' or 'fp32'; 'auto' takes bfloat16 where the processor computes in it.

    Raises:
        RewardError: another word than 'auto', 'bf16' and 'fp32'.
    """
    import torch

    if wanted not in PRECISIONS:
        raise RewardError(f"--precision {wanted}: choose one of {', '.join(PRECISIONS)}.")
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16") else "fp32"


@dataclass(frozen=True)
class RunOptions:
    """What changes how a run goes, and not what it learns.

    Attributes:
        checkpoint_steps: steps between checkpoints; a tenth of the run, at least 20, when None.
        time_limit_seconds: training stops after the step that passes it.
        progress: a bar on standard error, where that is a terminal.
        report_to: trackers that TRL reports to, such as 'tensorboard', 'wandb' or 'trackio'; none by default, because
            no request leaves the host unasked.
    """

    checkpoint_steps: int | None = None
    time_limit_seconds: float | None = None
    progress: bool = True
    report_to: Sequence[str] = ()


def check_options(options: RunOptions) -> None:
    """Refuse what the trainer would refuse minutes later, in words of its own.

    Raises:
        RewardError: a tracker that is not there, steps below 1, or several GPUs without a launcher.
    """
    import torch
    from transformers.integrations.integration_utils import get_available_reporting_integrations

    if options.checkpoint_steps is not None and options.checkpoint_steps < 1:
        raise RewardError(f"--checkpoint-steps {options.checkpoint_steps}: it must be above 0.")
    known = get_available_reporting_integrations()
    absent = [name for name in options.report_to if name not in known]
    if absent:
        here = ", ".join(sorted(known)) or "none"
        raise RewardError(f"--report-to {absent[0]}: not a tracker that is installed here (these are: {here}).")
    n_gpus = torch.cuda.device_count()
    if n_gpus > 1 and processes.count() == 1:
        raise RewardError(
            f"This process sees {n_gpus} GPUs: launch one for each (accelerate launch --config_file "
            f"reward/configs/ddp.yaml --num_processes {n_gpus} -m reward train ...), or choose one with "
            "CUDA_VISIBLE_DEVICES=0."
        )


def fit(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    datasets: Mapping[str, Dataset],
    parameters: Parameters,
    partial: Path,
    options: RunOptions,
) -> tuple[PreferenceTrainer, dict[str, Any]]:
    """Train from the last checkpoint, or from the beginning.

    Args:
        model: trained in place (with adapters: the trainer's model holds it).
        tokenizer: gives the padding, and is kept with the checkpoints.
        datasets: `train`, and `validation` where there is one, from `tokenise_pairs`.
        parameters: what is learned, and how.
        partial: the working directory: checkpoints and log.
        options: how it runs.

    Returns:
        The trainer, and what happened, as JSON: pairs, steps, epochs, first and last loss, `seconds` of training over
        all processes that took part one after the other, `seconds_since_resume` of the last one (None where nothing was
        resumed), where it resumed and why it stopped, precision, device, numbers of parameters, what was shared.
    """
    from reward.held_out import HeldOut
    from reward.progress import RunLog, TimeLimit, seconds_before

    train = datasets["train"]
    sharing = choose_sharing(model, train, parameters, pad_token_id=tokenizer.pad_token_id)
    if not parameters.length_grouping:
        train = train.remove_columns("length")
    n_steps = _n_steps(len(train), parameters)
    limit = TimeLimit(options.time_limit_seconds)
    stopping = datasets.get("validation") if parameters.early_stopping else None
    arguments = training_arguments(
        parameters,
        options,
        partial / runs.CHECKPOINTS_NAME,
        n_steps=n_steps,
        checkpoint_steps=options.checkpoint_steps or max(20, n_steps // 10),
        chooses_best=stopping is not None,
    )
    used = {"train": train, "validation": stopping}
    trainer = _trainer(model, tokenizer, used, arguments, parameters, share_prefixes=sharing["used"])
    held_out = HeldOut.choose(trainer, datasets.get("validation"), n_pair_steps=n_steps * parameters.batch_size)
    trainer.add_callback(limit)
    checkpoint, log = runs.last_checkpoint(partial), partial / runs.LOG_NAME
    earlier = seconds_before(log) if checkpoint else 0.0
    if trainer.is_world_process_zero():
        trainer.add_callback(RunLog(log, n_steps=n_steps, bar=options.progress, held_out=held_out, earlier=earlier))
    start = time.monotonic()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    seconds = time.monotonic() - start
    resumed_from = int(checkpoint.name.rpartition("-")[2]) if checkpoint else None
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    stopped_early = bool(parameters.early_stopping) and trainer.state.global_step < n_steps and not limit.reached
    return trainer, {
        "n_pairs": _n_pairs(train),
        "n_elements": len(train),
        "n_steps": trainer.state.global_step,
        "n_epochs": float(trainer.state.epoch or 0),
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        "seconds": earlier + seconds,
        "seconds_since_resume": seconds if checkpoint else None,
        "resumed_from_step": resumed_from,
        "stopped_by": "time_limit" if limit.reached else "early_stopping" if stopped_early else "epochs",
        "best_step": _best_step(trainer) if parameters.early_stopping else None,
        "precision": parameters.precision,
        "device": str(trainer.args.device),
        "distributed": str(trainer.accelerator.distributed_type.value),
        "prefix_sharing": sharing,
        "n_parameters": sum(p.numel() for p in trainer.model.parameters()),
        "n_trainable_parameters": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
    }


def _best_step(trainer: PreferenceTrainer) -> int | None:
    best = trainer.state.best_model_checkpoint
    return None if best is None else int(best.rpartition("-")[2])


def _n_pairs(train: Dataset) -> int:
    if "texts_ids" not in train.column_names:
        return len(train)
    return sum(len(labels) for labels in train["soft_label"])


def choose_sharing(
    model: PreTrainedModel, train: Dataset, parameters: Parameters, *, pad_token_id: int
) -> dict[str, Any]:
    """Decide whether to share prefixes, prepare the model for it, and say why.

    Returns:
        `used`; `saved`, the share of tokens that need not be computed (on up to 500 elements); `reason` where unused.

    Raises:
        RewardError: it was asked for, and the model cannot.
    """
    from reward.elements import element_of
    from reward.prefix import enable_sharing, row_length, sharing_obstacle

    if parameters.prefix_sharing not in SHARINGS:
        raise RewardError(f"--prefix-sharing {parameters.prefix_sharing}: choose one of {', '.join(SHARINGS)}.")
    if parameters.prefix_sharing == "off":
        return {"used": False, "saved": None, "reason": "switched off"}
    elements = [element_of(train[i])[0] for i in range(min(len(train), SHARING_SAMPLE))]
    n_apart = sum(len(text) for texts in elements for text in texts)
    saved = 1 - sum(row_length(texts) for texts in elements) / n_apart
    obstacle = sharing_obstacle(model, min(elements, key=row_length), pad_token_id=pad_token_id)
    if obstacle is not None and parameters.prefix_sharing == "on":
        raise RewardError(f"--prefix-sharing on: {obstacle}.")
    if obstacle is None and parameters.prefix_sharing == "auto" and saved < MIN_SAVED:
        obstacle = f"responses share {saved:.0%} of their tokens, too few to gain by it"
    if obstacle is None:
        enable_sharing(model)
    return {"used": obstacle is None, "saved": saved, "reason": obstacle}


def _n_steps(n_elements: int, parameters: Parameters) -> int:
    per_step = parameters.batch_size * parameters.gradient_accumulation * parameters.n_processes
    return max(1, round(-(-n_elements // per_step) * parameters.epochs))


def with_adapters(model: PreTrainedModel, parameters: Parameters) -> PreTrainedModel:
    """The model with LoRA adapters on its linear layers and a head that trains in full.

    A head that is not named in `modules_to_save` stays frozen as it was drawn, and nothing says so: the loss just does
    not move. So the head is looked for in the model, whatever the architecture calls it.

    Raises:
        RewardError: peft is not installed, or no head was found.

    Source: Hu et al. (2021).
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise RewardError("--lora-rank needs peft: pip install 'steelyard[reward]'.") from error
    config = LoraConfig(
        task_type="SEQ_CLS",
        r=parameters.lora_rank,
        lora_alpha=parameters.lora_alpha,
        target_modules="all-linear",
        modules_to_save=[head_name(model)],
    )
    return get_peft_model(model, config)


def head_name(model: PreTrainedModel) -> str:
    """The name of the module of a reward model that ends in its one output.

    Raises:
        RewardError: no linear layer has one output.
    """
    from torch import nn

    names = [name for name, m in model.named_modules() if isinstance(m, nn.Linear) and m.out_features == 1]
    if not names:
        raise RewardError(f"{type(model).__name__} shows no head with one output; train without --lora-rank.")
    return names[-1].partition(".")[0]


def training_arguments(
    parameters: Parameters,
    options: RunOptions,
    output_dir: Path,
    *,
    n_steps: int,
    checkpoint_steps: int,
    chooses_best: bool,
) -> RewardConfig:
    """TRL's configuration of a run.

    Args:
        parameters: what is learned, and how.
        options: how it runs.
        output_dir: of the checkpoints.
        n_steps: optimiser steps.
        checkpoint_steps: steps between checkpoints.
        chooses_best: whether each checkpoint is measured on validation pairs and the best one is kept in the end.
    """
    import torch
    from trl import RewardConfig

    best = {
        "eval_strategy": "steps",
        "eval_steps": checkpoint_steps,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "per_device_eval_batch_size": parameters.batch_size,
    }
    return RewardConfig(
        output_dir=str(output_dir),
        max_steps=n_steps,
        learning_rate=parameters.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=int(WARMUP_SHARE * n_steps),
        weight_decay=WEIGHT_DECAY,
        per_device_train_batch_size=parameters.batch_size,
        gradient_accumulation_steps=parameters.gradient_accumulation,
        gradient_checkpointing=parameters.activation_checkpointing,
        max_length=None,  # our own tokenising has cut already; TRL would drop
        center_rewards_coefficient=parameters.center_rewards,
        bf16=parameters.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=parameters.seed,
        save_strategy="steps",
        save_steps=checkpoint_steps,
        save_total_limit=2,
        logging_first_step=True,
        logging_steps=max(1, min(10, n_steps // 10)),
        report_to=list(options.report_to) or "none",
        ddp_find_unused_parameters=False if parameters.n_processes > 1 else None,
        disable_tqdm=True,
        **(best if chooses_best else {}),
    )


def _trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    datasets: Mapping[str, Dataset | None],
    arguments: RewardConfig,
    parameters: Parameters,
    *,
    share_prefixes: bool,
) -> PreferenceTrainer:
    """The trainer of `train`; with `validation` it stops early."""
    from transformers import EarlyStoppingCallback, PrinterCallback, ProgressCallback

    from reward.elements import PreferenceCollator
    from reward.trainer import PreferenceTrainer

    trainer = PreferenceTrainer(
        model=with_adapters(model, parameters) if parameters.lora_rank else model,
        args=arguments,
        data_collator=PreferenceCollator(tokenizer.pad_token_id, share_prefixes=share_prefixes),
        train_dataset=datasets["train"],
        eval_dataset=datasets["validation"],
        processing_class=tokenizer,
    )
    if datasets["validation"] is not None:
        trainer.add_callback(EarlyStoppingCallback(parameters.early_stopping))
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    return trainer
