"""Train a reward model from a snapshot, measure it, and leave a directory that documents itself.

The order of work, top to bottom: verify the snapshot, load the base, tokenise (cached, everything cut is counted),
train with checkpoints, save as safetensors, fit the baselines, evaluate what was saved, write report, card and, last,
`run.json`; then one rename makes the model appear. See `reward.runs` for what a killed run leaves.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reward import runs
from reward.baselines import TfidfBaseline, fit_tfidf
from reward.contract import content_hash
from reward.dataset import TARGETS, CutReport, tokenise_pairs
from reward.errors import RewardError
from reward.evaluate import evaluate_pairs, held_out_split, snapshot_data
from reward.pairs import Snapshot, open_snapshot, read_pairs
from reward.rendering import RENDERING_VERSION, Renderer, choose_layout

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from reward.models import Base
    from reward.trainer import PreferenceTrainer

PRECISIONS = ("auto", "bf16", "fp32")
DEFAULT_MAX_LENGTH_TOKENS = {"embedded": 256, "directory": 1024, "hub": 1024}
DEFAULT_FREEZE_LAYERS = {"embedded": 2, "directory": 0, "hub": 0}
DEFAULT_LEARNING_RATE = {"embedded": 3e-4, "directory": 2e-5, "hub": 2e-5}
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


def train(
    snapshot_dir: Path,
    *,
    output_dir: Path,
    base: str = "minilm",
    epochs: float = 3.0,
    learning_rate: float | None = None,
    batch_size: int = 16,
    gradient_accumulation: int = 1,
    max_length_tokens: int | None = None,
    seed: int = 0,
    freeze_layers: int | None = None,
    pooling: str = "auto",
    target: str = "soft",
    include_ties: bool = False,
    center_rewards: float | None = None,
    precision: str = "auto",
    checkpoint_steps: int | None = None,
    time_limit_seconds: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    cache_dir: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train, save, evaluate and document one reward model.

    Args:
        snapshot_dir: a snapshot directory; verified against its manifest first.
        output_dir: where the finished model appears; `OUTPUT.partial` until then.
        base: 'minilm' (embedded), a hub id, or a directory.
        epochs: passes over the training pairs.
        learning_rate: peak; 3e-4 for the embedded base, 2e-5 otherwise, when None.
        batch_size: pairs per step.
        gradient_accumulation: steps per optimiser step.
        max_length_tokens: longest text; 256 for the embedded base, 1,024 (or what the model allows) otherwise.
        seed: of everything drawn.
        freeze_layers: layers that do not train, with the embeddings; 2 for the embedded base, 0 otherwise.
        pooling: 'mean', 'model' (the architecture's own head), or 'auto': mean for the embedded base.
        target: 'soft' (the snapshot's soft labels) or 'hard' (their majority).
        include_ties: train on ties, too, as soft label .5.
        center_rewards: TRL's centring coefficient (.01 is usual), or None.
        precision: 'auto' (bfloat16 where the processor computes in it), 'bf16' or 'fp32'.
        checkpoint_steps: steps between checkpoints; a tenth of the run, at least 20, when None.
        time_limit_seconds: training stops after the step that passes it; the model is saved and says so.
        resume: go on from the last checkpoint of an interrupted run with the same parameters; a run that is finished
            already gives its report.
        overwrite: replace a finished model, or an interrupted run.
        cache_dir: where tokenised sets are kept between runs; inside the run when None.
        progress: a progress bar on standard error, where that is a terminal.

    Returns:
        The document written to `report.json`: `run` (as in `run.json`) and `evaluation` (None without held-out pairs).

    Raises:
        ContractError: the snapshot is unsound.
        RewardError: anything else that the caller can act on.
    """
    from reward.models import load_base, load_tokenizer, resolve_base

    _forbid_processes()
    snapshot = open_snapshot(snapshot_dir)
    found = resolve_base(base)
    tokenizer = load_tokenizer(found.location)
    model = load_base(found, pooling=pooling, pad_token_id=tokenizer.pad_token_id, seed=seed)
    parameters = Parameters(
        snapshot=snapshot.manifest.hash,
        base=found.name,
        base_sha256=found.sha256,
        epochs=float(epochs),
        learning_rate=DEFAULT_LEARNING_RATE[found.kind] if learning_rate is None else learning_rate,
        batch_size=batch_size,
        gradient_accumulation=gradient_accumulation,
        max_length_tokens=_length_limit(model, found, max_length_tokens),
        seed=seed,
        freeze_layers=DEFAULT_FREEZE_LAYERS[found.kind] if freeze_layers is None else freeze_layers,
        pooling=pooling,
        target=target,
        include_ties=include_ties,
        center_rewards=center_rewards,
        precision=_precision(precision),
    )
    _check_ranges(parameters)
    done = runs.finished_report(output_dir, asdict(parameters)) if resume else None
    return done or _run(
        parameters,
        snapshot=snapshot,
        base=found,
        model=model,
        tokenizer=tokenizer,
        output_dir=output_dir,
        partial=runs.claim_output(output_dir, asdict(parameters), resume=resume, overwrite=overwrite),
        checkpoint_steps=checkpoint_steps,
        time_limit_seconds=time_limit_seconds,
        cache_dir=cache_dir,
        progress=progress,
    )


def _run(
    parameters: Parameters,
    *,
    snapshot: Snapshot,
    base: Base,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    output_dir: Path,
    partial: Path,
    checkpoint_steps: int | None,
    time_limit_seconds: float | None,
    cache_dir: Path | None,
    progress: bool,
) -> dict[str, Any]:
    from reward.models import freeze_layers

    layout = choose_layout(tokenizer)
    renderer = Renderer(tokenizer, layout=layout, max_length_tokens=parameters.max_length_tokens)
    pairs = read_pairs(snapshot, "train", include_ties=parameters.include_ties)
    if not pairs:
        raise RewardError(f"{snapshot.directory}: the snapshot has no training pairs.")
    dataset, cut = tokenise_pairs(
        pairs,
        renderer=renderer,
        target=parameters.target,
        source_hashes=snapshot.file_hashes("train", include_ties=parameters.include_ties),
        cache_dir=cache_dir or partial / "tokens",
    )
    freeze_layers(model, parameters.freeze_layers)
    training = _fit(model, tokenizer, dataset, parameters, partial, checkpoint_steps, time_limit_seconds, progress)
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    baseline = fit_tfidf(pairs, seed=parameters.seed)
    if isinstance(baseline, TfidfBaseline):
        baseline.save(partial / runs.BASELINE_NAME)
    run = _run_document(parameters, snapshot, base, model, layout, {**training, "cut": asdict(cut)}, partial)
    run["baseline_absent_reason"] = baseline if isinstance(baseline, str) else None
    report = {"run": run, "evaluation": _evaluate_saved(partial, run, snapshot, baseline)}
    _finish(partial, output_dir, report)
    return report


def _forbid_processes() -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RewardError("Training runs in one process; start it without `accelerate launch` or `torchrun`.")


def _length_limit(model: PreTrainedModel, base: Base, wanted: int | None) -> int:
    from reward.models import max_positions

    limit = max_positions(model)
    if wanted is None:
        return min(DEFAULT_MAX_LENGTH_TOKENS[base.kind], limit or DEFAULT_MAX_LENGTH_TOKENS[base.kind])
    if limit is not None and wanted > limit:
        raise RewardError(f"--max-length-tokens {wanted}: {base.name} reads at most {limit} tokens.")
    return wanted


def _check_ranges(parameters: Parameters) -> None:
    above_zero = ("epochs", "learning_rate", "batch_size", "gradient_accumulation")
    for name in above_zero:
        if not getattr(parameters, name) > 0:
            raise RewardError(f"--{name.replace('_', '-')} {getattr(parameters, name)}: it must be above 0.")
    if parameters.target not in TARGETS:
        raise RewardError(f"--target {parameters.target}: choose one of {', '.join(TARGETS)}.")


def _precision(wanted: str) -> str:
    """'bf16' or 'fp32'; 'auto' takes bfloat16 where the processor computes in it."""
    import torch

    if wanted not in PRECISIONS:
        raise RewardError(f"--precision {wanted}: choose one of {', '.join(PRECISIONS)}.")
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16") else "fp32"


def _fit(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    dataset: Dataset,
    parameters: Parameters,
    partial: Path,
    checkpoint_steps: int | None,
    time_limit_seconds: float | None,
    progress: bool,
) -> dict[str, Any]:
    """Train from the last checkpoint, or from the beginning; what happened, as JSON."""
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


def _run_document(
    parameters: Parameters,
    snapshot: Snapshot,
    base: Base,
    model: PreTrainedModel,
    layout: str,
    training: Mapping[str, Any],
    partial: Path,
) -> dict[str, Any]:
    """All of `run.json` but the time of finishing."""
    rendering = {"layout": layout, "max_length_tokens": parameters.max_length_tokens, "version": RENDERING_VERSION}
    files = runs.model_files(partial)
    content = snapshot.manifest.content
    return {
        "schema_version": runs.RUN_SCHEMA_VERSION,
        "run_id": runs.run_id_of(files, rendering),
        "base": {
            "name": base.name,
            "kind": base.kind,
            "sha256": base.sha256,
            "commit": getattr(model.config, "_commit_hash", None),
        },
        "model_class": type(model).__name__,
        "target": parameters.target,
        "rendering": rendering,
        "parameters": asdict(parameters),
        "parameters_hash": content_hash(asdict(parameters)),
        "snapshot": {
            "name": snapshot.directory.name,
            "hash": snapshot.manifest.hash,
            "splits": sorted(snapshot.files),
            "counted_kinds": content.get("counted_kinds"),
            "aggregation": content.get("aggregation"),
        },
        "training": dict(training),
        "files": files,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "transformers", "trl", "datasets")},
    }


def _evaluate_saved(
    partial: Path, run: Mapping[str, Any], snapshot: Snapshot, baseline: TfidfBaseline | str
) -> dict[str, Any] | None:
    """Evaluate the model as it was saved, so that the report is about what will be loaded."""
    from reward.scorer import Scorer

    split = held_out_split(snapshot)
    if split is None:
        return None
    rendering = run["rendering"]
    saved = runs.Run(partial, run["run_id"], rendering["layout"], rendering["max_length_tokens"], run)
    return evaluate_pairs(Scorer(partial, run=saved), snapshot_data(snapshot, split=split), baseline=baseline)


def _finish(partial: Path, output_dir: Path, report: Mapping[str, Any]) -> None:
    """Card and report, then `run.json` as the last file, then the rename, then the checkpoints go."""
    from reward.card import model_card

    runs.write_json(partial / runs.REPORT_NAME, report)
    (partial / "README.md").write_text(model_card(report["run"], report["evaluation"]), encoding="utf-8")
    finished_at = datetime.now(UTC).isoformat(timespec="seconds")
    runs.write_json(partial / runs.RUN_NAME, {**report["run"], "finished_at": finished_at})
    runs.complete(partial, output_dir)
    for leftover in (runs.CHECKPOINTS_NAME, "tokens"):
        shutil.rmtree(output_dir / leftover, ignore_errors=True)


def summary(report: Mapping[str, Any], output_dir: Path) -> str:
    """The end of a run in words, for the terminal."""
    from reward.report import text_report

    run = report["run"]
    training = run["training"]
    lines = [
        f"Trained {run['run_id']} from {run['base']['name']} on snapshot {run['snapshot']['hash'][:12]} "
        f"in {training['seconds']:.0f} s ({training['n_steps']} steps, loss {training['last_loss']:.3f})",
        CutReport(**training["cut"]).sentence(),
        f"Written to {output_dir}",
        "",
    ]
    evaluation = report["evaluation"]
    lines.append(text_report(evaluation) if evaluation else "Not measured: the snapshot holds no pairs out.")
    return "\n".join(lines)
