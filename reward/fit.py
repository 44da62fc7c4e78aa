"""The training itself: parameters, TRL's configuration, and what happened."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reward import runs
from reward.errors import RewardError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from reward.trainer import PreferenceTrainer

PRECISIONS = ("auto", "bf16", "fp32")
WARMUP_SHARE = 0.1
WEIGHT_DECAY = 0.01


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
        target: 'soft' or 'hard'.
        include_ties: whether ties train as soft label .5.
        center_rewards: coefficient of TRL's centring term, or None.
        precision: 'bf16' or 'fp32'.
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


def fit(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    dataset: Dataset,
    parameters: Parameters,
    partial: Path,
    checkpoint_steps: int | None,
    time_limit_seconds: float | None,
    progress: bool,
) -> dict[str, Any]:
    """Train from the last checkpoint, or from the beginning.

    Args:
        model: trained in place.
        tokenizer: gives the padding, and is kept with the checkpoints.
        dataset: from `tokenise_pairs`.
        parameters: what is learned, and how.
        partial: the working directory: checkpoints and log.
        checkpoint_steps: steps between checkpoints; a tenth of the run, at least 20, when None.
        time_limit_seconds: training stops after the step that passes it.
        progress: a bar on standard error, where that is a terminal.

    Returns:
        What happened, as JSON: pairs, steps, epochs, first and last loss, seconds, where it resumed and why it stopped,
        precision, device, numbers of parameters.
    """
    from reward.progress import RunLog, TimeLimit

    n_steps = _n_steps(len(dataset), parameters)
    limit = TimeLimit(time_limit_seconds)
    trainer = _trainer(
        model, tokenizer, dataset, parameters, partial, n_steps, checkpoint_steps or max(20, n_steps // 10)
    )
    trainer.add_callback(limit)
    trainer.add_callback(RunLog(partial / runs.LOG_NAME, n_steps=n_steps, bar=progress))
    checkpoint = runs.last_checkpoint(partial)
    start = time.monotonic()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    seconds = time.monotonic() - start
    resumed_from = int(checkpoint.name.rpartition("-")[2]) if checkpoint else None
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        "n_pairs": len(dataset),
        "n_steps": trainer.state.global_step,
        "n_epochs": float(trainer.state.epoch or 0),
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        "seconds": seconds,
        "resumed_from_step": resumed_from,
        "stopped_by": "time_limit" if limit.reached else "epochs",
        "precision": parameters.precision,
        "device": str(trainer.args.device),
        "n_parameters": sum(p.numel() for p in model.parameters()),
        "n_trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }


def _n_steps(n_pairs: int, parameters: Parameters) -> int:
    per_epoch = -(-n_pairs // (parameters.batch_size * parameters.gradient_accumulation))
    return max(1, round(per_epoch * parameters.epochs))


def _trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    dataset: Dataset,
    parameters: Parameters,
    partial: Path,
    n_steps: int,
    checkpoint_steps: int,
) -> PreferenceTrainer:
    import torch
    from transformers import PrinterCallback, ProgressCallback
    from trl import RewardConfig

    from reward.trainer import PreferenceCollator, PreferenceTrainer

    config = RewardConfig(
        output_dir=str(partial / runs.CHECKPOINTS_NAME),
        max_steps=n_steps,
        learning_rate=parameters.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=int(WARMUP_SHARE * n_steps),
        weight_decay=WEIGHT_DECAY,
        per_device_train_batch_size=parameters.batch_size,
        gradient_accumulation_steps=parameters.gradient_accumulation,
        gradient_checkpointing=False,
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
        report_to="none",
        disable_tqdm=True,
    )
    trainer = PreferenceTrainer(
        model=model,
        args=config,
        data_collator=PreferenceCollator(tokenizer.pad_token_id),
        train_dataset=dataset,
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    return trainer
