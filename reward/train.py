"""Train a reward model from a snapshot, measure it, and leave a directory that documents itself.

The order of work, top to bottom: verify the snapshot, load the base, tokenise (cached, everything cut is counted),
train with checkpoints, save as safetensors, fit the baselines, evaluate what was saved, write report, card and, last,
`run.json`; then one rename makes the model appear. See `reward.runs` for what a killed run leaves.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.stats.words import counted
from reward import frozen, processes, runs
from reward.baselines import Baselines, TfidfBaseline, fit_tfidf
from reward.contract import content_hash
from reward.dataset import CutReport, tokenise_pairs
from reward.errors import RewardError
from reward.evaluate import evaluate_pairs, held_out_split, snapshot_data
from reward.fit import Parameters, RunOptions, check_options, choose_precision, fit
from reward.overlap import FILE_NAME as FINGERPRINTS_NAME
from reward.overlap import save_fingerprints
from reward.pairs import Pair, Snapshot, open_snapshot, read_pairs
from reward.rendering import RENDERING_VERSION, Renderer, choose_layout
from reward.targets import FROM_VOTES, JUDGMENTS_NAME, TARGETS, TargetReport, apply_target

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from reward.models import Base
    from reward.trainer import PreferenceTrainer

DEFAULT_MAX_LENGTH_TOKENS = {"embedded": 256, "directory": 1024, "hub": 1024}
DEFAULT_FREEZE_LAYERS = {"embedded": 2, "directory": 0, "hub": 0}
DEFAULT_LEARNING_RATE = {"embedded": 3e-4, "directory": 2e-5, "hub": 2e-5}
LORA_LEARNING_RATE = 2e-4


def train(
    snapshot_dir: Path,
    *,
    output_dir: Path,
    base: str = "minilm",
    epochs: float = 2.0,
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
    length_grouping: bool = True,
    prefix_sharing: str = "auto",
    lora_rank: int = 0,
    lora_alpha: float | None = None,
    early_stopping: int = 0,
    activation_checkpointing: bool = False,
    checkpoint_steps: int | None = None,
    time_limit_seconds: float | None = None,
    report_to: Sequence[str] = (),
    frozen_baseline_pairs: int = frozen.MAX_PAIRS,
    resume: bool = False,
    overwrite: bool = False,
    against: Path | None = None,
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
        target: what is learned from the votes, a key of `reward.targets.TARGETS`.
        include_ties: train on ties, too, as soft label .5.
        center_rewards: TRL's centring coefficient (.01 is usual), or None.
        precision: 'auto' (bfloat16 where the processor computes in it), 'bf16' or 'fp32'.
        length_grouping: batches of like length.
        prefix_sharing: 'auto' (causal models, where it saves tokens), 'on' or 'off'; exact, see `reward.prefix`.
        lora_rank: train adapters of this rank and the head instead of the whole model; 0 trains the model.
        lora_alpha: their scale; twice the rank when None.
        early_stopping: stop after so many checkpoints without a better loss on the validation split; 0 for never.
        activation_checkpointing: less memory, a third more time.
        checkpoint_steps: steps between checkpoints; a tenth of the run, at least 20, when None.
        time_limit_seconds: training stops after the step that passes it; the model is saved and says so.
        report_to: trackers for TRL to report to, such as 'tensorboard'.
        frozen_baseline_pairs: training pairs on which the baseline on frozen embeddings is fitted; 0 for none.
        resume: go on from the last checkpoint of an interrupted run with the same parameters; a run that is finished
            already gives its report.
        overwrite: replace a finished model, or an interrupted run.
        against: an earlier model, to be measured on the same held-out pairs: accuracy before and after.
        cache_dir: where tokenised sets are kept between runs; inside the run when None.
        progress: a progress bar on standard error, where that is a terminal.

    Returns:
        The document written to `report.json`: `run` (as in `run.json`), `evaluation` (None without held-out pairs), and
        `curve`, the campaign's learning curve by how pairs were chosen (`reward.curve`; None without held-out pairs).
        Started by `accelerate launch`, every process but the first gets {"run": None, "evaluation": None}.

    Raises:
        ContractError: the snapshot is unsound.
        RewardError: anything else that the caller can act on.
    """
    from reward.models import freeze_layers as freeze_layers_of
    from reward.models import load_base, load_tokenizer, resolve_base

    options = RunOptions(checkpoint_steps, time_limit_seconds, progress, tuple(report_to))
    check_options(options)
    snapshot = open_snapshot(snapshot_dir)
    rival = None if against is None else runs.read_run(against)
    found = resolve_base(base)
    tokenizer = load_tokenizer(found.location)
    model = load_base(found, pooling=pooling, pad_token_id=tokenizer.pad_token_id, seed=seed)
    layers = DEFAULT_FREEZE_LAYERS[found.kind] if freeze_layers is None else freeze_layers
    parameters = Parameters(
        snapshot=snapshot.manifest.hash,
        base=found.name,
        base_sha256=found.sha256,
        epochs=float(epochs),
        learning_rate=_learning_rate(found, lora_rank) if learning_rate is None else learning_rate,
        batch_size=batch_size,
        gradient_accumulation=gradient_accumulation,
        max_length_tokens=_length_limit(model, found, max_length_tokens),
        seed=seed,
        freeze_layers=0 if lora_rank else layers,
        pooling=pooling,
        target=target,
        include_ties=include_ties,
        center_rewards=center_rewards,
        precision=choose_precision(precision),
        length_grouping=length_grouping,
        prefix_sharing=prefix_sharing,
        lora_rank=lora_rank,
        lora_alpha=2.0 * lora_rank if lora_alpha is None else lora_alpha,
        early_stopping=early_stopping,
        activation_checkpointing=activation_checkpointing,
        n_processes=processes.count(),
    )
    _check_ranges(parameters, snapshot)
    done = runs.finished_report(output_dir, asdict(parameters)) if resume else None
    if done is not None:
        return done
    freeze_layers_of(model, parameters.freeze_layers)
    pairs, target_report = apply_target(
        snapshot, read_pairs(snapshot, "train", include_ties=include_ties), parameters.target
    )
    if not pairs:
        raise RewardError(f"{snapshot.directory}: the snapshot has no training pairs.")
    work = Work(parameters, snapshot, pairs, target_report, found, model, tokenizer, output_dir, rival, cache_dir)
    with processes.first_holds(
        runs.working_directory(output_dir, asdict(parameters), resume=resume, overwrite=overwrite),
        otherwise=runs.partial_of(output_dir),
    ) as partial:
        return _run(work, partial, options, frozen_baseline_pairs=frozen_baseline_pairs)


@dataclass(frozen=True)
class Work:
    """All that a run works with."""

    parameters: Parameters
    snapshot: Snapshot
    pairs: Sequence[Pair]
    target: TargetReport
    base: Base
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    output_dir: Path
    rival: runs.Run | None
    cache_dir: Path | None


def _run(work: Work, partial: Path, options: RunOptions, *, frozen_baseline_pairs: int) -> dict[str, Any]:
    parameters, snapshot, pairs = work.parameters, work.snapshot, work.pairs
    layout = choose_layout(work.tokenizer)
    renderer = Renderer(work.tokenizer, layout=layout, max_length_tokens=parameters.max_length_tokens)
    datasets, cut = _tokenised(work, renderer, partial)
    trainer, training = fit(work.model, work.tokenizer, datasets, parameters, partial, options)
    model = _save(trainer, work, partial)
    processes.leave()
    if not processes.is_first():
        return {"run": None, "evaluation": None}
    baseline = fit_tfidf(pairs, seed=parameters.seed)
    if isinstance(baseline, TfidfBaseline):
        baseline.save(partial / runs.BASELINE_NAME)
    probe = frozen.fit_frozen(pairs, max_pairs=frozen_baseline_pairs, seed=parameters.seed)
    if isinstance(probe, frozen.FrozenBaseline):
        probe.save(partial / frozen.FILE_NAME)
    save_fingerprints(partial / FINGERPRINTS_NAME, pairs)
    n_ties = 0 if parameters.include_ties else snapshot.n_ties("train")
    training |= {"cut": asdict(cut), "target": asdict(work.target), "n_ties_left_out": n_ties}
    run = _run_document(parameters, snapshot, work.base, model, layout, training, partial)
    run["baseline_absent_reason"] = baseline if isinstance(baseline, str) else None
    run["frozen_baseline_absent_reason"] = probe if isinstance(probe, str) else None
    evaluation = _evaluate_saved(partial, run, work, Baselines(baseline, probe))
    curve = None if evaluation is None else _curve(work, has_encoder=isinstance(probe, frozen.FrozenBaseline))
    report = {"run": run, "evaluation": evaluation, "curve": curve}
    _finish(partial, work.output_dir, report)
    return report


def _tokenised(work: Work, renderer: Renderer, partial: Path) -> tuple[dict[str, Dataset], CutReport]:
    """The training set, and the validation split where there is one; the first process fills the cache."""
    parameters, snapshot = work.parameters, work.snapshot
    cache_dir = work.cache_dir or partial / "tokens"
    votes = [snapshot.manifest.files[JUDGMENTS_NAME]] if parameters.target in FROM_VOTES else []
    with processes.first_goes_ahead():
        hashes = snapshot.file_hashes("train", include_ties=parameters.include_ties)
        train, cut = tokenise_pairs(
            work.pairs,
            renderer=renderer,
            target=parameters.target,
            source_hashes=[*hashes, *votes],
            cache_dir=cache_dir,
        )
        datasets = {"train": train}
        if "validation" in snapshot.files:
            datasets["validation"], _ = tokenise_pairs(
                read_pairs(snapshot, "validation"),
                renderer=renderer,
                target="soft",
                source_hashes=snapshot.file_hashes("validation"),
                cache_dir=cache_dir,
            )
    return datasets, cut


def _save(trainer: PreferenceTrainer, work: Work, partial: Path) -> PreTrainedModel:
    """Write the model as a whole, adapters merged into it and kept beside it; sharded weights are gathered."""
    model = work.model
    if work.parameters.lora_rank:  # never sharded, see _check_ranges: every process has the whole model
        adapted = trainer.accelerator.unwrap_model(trainer.model)
        if processes.is_first():
            adapted.save_pretrained(partial / "adapter")
        model = adapted.merge_and_unload()
    if processes.count() > 1 and not work.parameters.lora_rank:
        trainer.save_model(str(partial))  # collective: every process takes part, the first one writes
        if processes.is_first():
            (partial / "training_args.bin").unlink(missing_ok=True)
    elif processes.is_first():
        model.save_pretrained(partial)
    if processes.is_first():
        work.tokenizer.save_pretrained(partial)
    return model


def _learning_rate(base: Base, lora_rank: int) -> float:
    return LORA_LEARNING_RATE if lora_rank else DEFAULT_LEARNING_RATE[base.kind]


def _length_limit(model: PreTrainedModel, base: Base, wanted: int | None) -> int:
    from reward.models import max_positions

    limit = max_positions(model)
    if wanted is None:
        return min(DEFAULT_MAX_LENGTH_TOKENS[base.kind], limit or DEFAULT_MAX_LENGTH_TOKENS[base.kind])
    if limit is not None and wanted > limit:
        raise RewardError(f"--max-length-tokens {wanted}: {base.name} reads at most {limit} tokens.")
    return wanted


def _check_ranges(parameters: Parameters, snapshot: Snapshot) -> None:
    above_zero = ("epochs", "learning_rate", "batch_size", "gradient_accumulation")
    for name in above_zero:
        if not getattr(parameters, name) > 0:
            raise RewardError(f"--{name.replace('_', '-')} {getattr(parameters, name)}: it must be above 0.")
    if parameters.target not in TARGETS:
        raise RewardError(f"--target {parameters.target}: choose one of {', '.join(TARGETS)}.")
    for name in ("lora_rank", "early_stopping"):
        if getattr(parameters, name) < 0:
            raise RewardError(f"--{name.replace('_', '-')} {getattr(parameters, name)}: it must not be below 0.")
    if parameters.lora_rank and processes.is_sharded():
        raise RewardError(
            "--lora-rank with FSDP or DeepSpeed: adapters are merged into a whole model at the end; launch with "
            "reward/configs/ddp.yaml, or train without --lora-rank."
        )
    if parameters.early_stopping and not {"validation", "test"} <= set(snapshot.files):
        raise RewardError(
            "--early-stopping chooses on the validation split, so the report needs a test split of its own; this "
            f"snapshot has only {', '.join(snapshot.files)}."
        )


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
        | {name: version(name) for name in ("torch", "transformers", "trl", "datasets", "accelerate", "peft")},
    }


def _evaluate_saved(partial: Path, run: Mapping[str, Any], work: Work, baselines: Baselines) -> dict[str, Any] | None:
    """Evaluate the model as it was saved, so that the report is about what will be loaded."""
    from reward.scorer import Scorer

    split = held_out_split(work.snapshot)
    if split is None:
        return None
    rendering = run["rendering"]
    saved = runs.Run(partial, run["run_id"], rendering["layout"], rendering["max_length_tokens"], run)
    data = snapshot_data(work.snapshot, split=split)
    return evaluate_pairs(Scorer(partial, run=saved), data, baselines=baselines, rival=work.rival)


def _curve(work: Work, *, has_encoder: bool) -> dict[str, Any]:
    """The campaign's learning curve by arm, on the pairs that the evaluation was made on."""
    from reward.curve import campaign_curve
    from reward.embeddings import Embedder

    split = held_out_split(work.snapshot)
    held_out = read_pairs(work.snapshot, split) if split else []
    embedder = Embedder(cache_dir=work.cache_dir) if has_encoder else None
    return campaign_curve(work.pairs, held_out, embedder=embedder, seed=work.parameters.seed)


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
    from reward.card import duration
    from reward.report import text_report

    run = report["run"]
    training = run["training"]
    lines = [
        f"Trained {run['run_id']} from {run['base']['name']} on snapshot {run['snapshot']['hash'][:12]} "
        f"in {duration(training)} ({counted(training['n_steps'], 'step')}, loss {training['last_loss']:.3f})",
        CutReport(**training["cut"]).sentence() + _ties_left_out(training),
        f"Written to {output_dir}",
        "",
    ]
    evaluation = report["evaluation"]
    lines.append(text_report(evaluation) if evaluation else "Not measured: the snapshot holds no pairs out.")
    return "\n".join(lines)


def _ties_left_out(training: Mapping[str, Any]) -> str:
    n = training["n_ties_left_out"]
    return f" {counted(n, 'tie')} left out; --include-ties trains on them as soft label .5." if n else ""
