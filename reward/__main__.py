"""`python -m reward train|evaluate|score|select|votes`: the commands behind `steelyard train` and so on.

Exit status: 0 done, 1 the work failed (one line on standard error says why), 2 bad usage. With `--json` exactly one
JSON document goes to standard output; everything else goes to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reward import processes
from reward.config import with_config
from reward.contract import ContractError, read_manifest
from reward.errors import RewardError
from reward.runs import read_run
from reward.targets import TARGETS

FROZEN_PAIRS = 1_000
NEEDED = ("torch", "transformers", "trl", "datasets", "sklearn")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = _parser()
    try:
        options = parser.parse_args(_with_config(parser, sys.argv[1:] if arguments is None else arguments))
        _require_extra()
        _check_what_is_named(options)
        _quiet()
        with contextlib.redirect_stdout(sys.stderr):
            document, text = options.command(options)
    except (RewardError, ContractError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a folder without permission: the message names the file
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 1
    if processes.is_first():
        print(json.dumps(document, ensure_ascii=False, allow_nan=False) if options.json else text)
    return 0


def _with_config(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> list[str]:
    """The arguments, with those of a `--config` file put in after the command's name."""
    commands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction)).choices
    if not arguments or arguments[0] not in commands:
        return list(arguments)
    return [arguments[0], *with_config(commands[arguments[0]], arguments[1:])]


def _require_extra() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise RewardError(f"{', '.join(missing)} not installed: pip install 'steelyard[reward]'.")


def _check_what_is_named(options: argparse.Namespace) -> None:
    """Refuse what does not go together or is not there before the libraries load, which takes seconds."""
    named = vars(options)
    if named.get("test_data") is not None and named.get("data") is None:
        raise RewardError("--test-data belongs to --data; a snapshot has its own test split.")
    for model in filter(None, (named.get("model"), named.get("against"))):
        read_run(model)
    if named.get("snapshot") is not None:
        read_manifest(named["snapshot"], verify=False)
    heads = named.get("heads")
    if heads is not None and not heads.is_dir():
        raise RewardError(f"{heads}: there are no heads; fit them with `steelyard heads`.")


def _quiet() -> None:
    """No telemetry, no chatter of libraries, and threads that sleep while they wait.

    OpenMP's threads spin by default; where other work shares the cores, that made a training step 5 times slower.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    import huggingface_hub
    import transformers

    huggingface_hub.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()


def _train(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from reward.train import summary, train

    apart = ("command", "json", "snapshot", "data", "test_data", "output", "config")
    chosen = {key: value for key, value in vars(options).items() if key not in apart}
    with _source(options) as snapshot:
        report = train(snapshot, output_dir=options.output, **chosen)
    return report, summary(report, options.output) if report["run"] else ""


@contextlib.contextmanager
def _source(options: argparse.Namespace) -> Iterator[Path]:
    """The snapshot to train from: the one named, or the one that a file of pairs is frozen into beside the model.

    Where nothing comes of the run, nothing is left of what was frozen for it.
    """
    from reward.freezing import freeze_file, frozen_place
    from reward.runs import partial_of

    if options.data is None:
        yield options.snapshot
        return
    place = frozen_place(options.output)
    is_new = not place.exists()
    with processes.first_goes_ahead():
        freeze_file(options.data, place, test=options.test_data, replace=options.overwrite)
    try:
        yield place
    except BaseException:
        if is_new and processes.is_first() and not (options.output.exists() or partial_of(options.output).exists()):
            shutil.rmtree(place, ignore_errors=True)
        raise


def _evaluate(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from reward.evaluate import evaluate
    from reward.report import text_report

    with _bar("Scoring", unit="text") as bar:
        document = evaluate(
            options.model,
            options.data,
            split=options.split,
            labels=options.labels,
            device=options.device,
            against=options.against,
            on_progress=bar.update,
        )
    return document, text_report(document)


def _score(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from reward.heads import CriterionScorer
    from reward.score import score_file
    from reward.scorer import Scorer

    device = options.device or processes.device()
    heads = CriterionScorer(options.heads, device=device) if options.heads is not None else None
    scorer = Scorer(options.model, device=device)
    with _bar("Scoring", unit="row") as bar:
        summary = score_file(scorer, options.input, options.output, heads=heads, on_progress=bar.update)
    processes.leave()
    return asdict(summary), summary.sentences(scorer.run.max_length_tokens)


def _votes(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from reward.votes import votes_behind

    found = votes_behind(options.model, options.snapshot, output=options.output)
    return found.to_json(), found.sentence()


def _select(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from reward.select import select

    found = select(
        options.snapshot,
        options.model,
        n=options.n,
        output=options.output,
        random_share=options.random_share,
        seed=options.seed,
        encoder=options.encoder,
        cache_dir=options.cache_dir,
        device=options.device,
    )
    return found.to_json(), found.sentence()


def _heads(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from reward.heads import heads_sentence, train_heads

    found = train_heads(
        options.snapshot, output_dir=options.output, encoder=options.encoder, cache_dir=options.cache_dir
    )
    return found, heads_sentence(found)


def _bar(title: str, *, unit: str) -> Any:
    from tqdm import tqdm

    return tqdm(desc=title, unit=unit, disable=None if processes.is_first() else True, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("REWARD_PROG", "python -m reward"), description="Learn from snapshots of preference data."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands)
    _add_evaluate(commands)
    _add_score(commands)
    _add_select(commands)
    _add_heads(commands)
    _add_votes(commands)
    return parser


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train a reward model from a snapshot, or from a file of pairs, and measure it",
        description="Train a reward model from a snapshot or from a file of preference pairs, evaluate it on the "
        "held-out split beside its baselines, and write model, report.json and a model card. The model appears "
        "complete or not at all.",
    )
    parser.set_defaults(command=_train)
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML with any of these options; flags win")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--snapshot", type=Path, metavar="DIR", help="snapshot directory")
    source.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="instead: .jsonl, .json or .parquet in TRL's form (chosen, rejected, perhaps prompt; text or messages); a "
        "tenth of the prompts is held out to validate on and a tenth to test on; frozen into OUTPUT.data",
    )
    parser.add_argument("--test-data", type=Path, metavar="FILE", help="test on this file; --data is all for training")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the finished model appears")
    parser.add_argument(
        "--base",
        default="minilm",
        metavar="MODEL",
        help="minilm (embedded, offline), a hub id such as Qwen/Qwen3-0.6B, or a directory; default %(default)s",
    )
    _add_learning(parser)
    _add_running(parser)
    parser.add_argument("--json", action="store_true", help="print report.json on standard output, and nothing else")


def _add_learning(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is learned, and how")
    group.add_argument(
        "--target",
        choices=tuple(TARGETS),
        default="soft",
        help="; ".join(f"{name}: {meaning}" for name, meaning in TARGETS.items()),
    )
    group.add_argument("--include-ties", action="store_true", help="train on ties, too, as soft label .5")
    group.add_argument("--epochs", type=float, default=2.0, metavar="N", help="default %(default)s")
    group.add_argument(
        "--learning-rate", type=float, metavar="RATE", help="default 3e-4 for minilm, 2e-5 for other bases"
    )
    group.add_argument("--batch-size", type=int, default=16, metavar="PAIRS", help="default %(default)s")
    group.add_argument("--gradient-accumulation", type=int, default=1, metavar="N", help="default %(default)s")
    group.add_argument(
        "--max-length-tokens",
        type=int,
        metavar="N",
        help="longest text; the prompt loses its beginning first, and all cuts are reported; "
        "default 256 for minilm, else 1024 or what the model allows",
    )
    group.add_argument(
        "--freeze-layers", type=int, metavar="N", help="freeze embeddings and N layers; default 2 for minilm, else 0"
    )
    group.add_argument(
        "--pooling",
        choices=("auto", "mean", "model"),
        default="auto",
        help="mean of the token vectors, or the model's own head; auto: mean for minilm",
    )
    group.add_argument("--center-rewards", type=float, metavar="C", help="TRL's centring coefficient; .01 is usual")
    group.add_argument("--lora-rank", type=int, default=0, metavar="R", help="train adapters and head; 0 the model")
    group.add_argument("--lora-alpha", type=float, metavar="A", help="scale of the adapters; default twice the rank")
    group.add_argument(
        "--early-stopping",
        type=int,
        default=0,
        metavar="N",
        help="stop after N checkpoints without a better loss on the validation split; 0 for never",
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how it runs")
    group.add_argument("--precision", choices=("auto", "bf16", "fp32"), default="auto", help="default %(default)s")
    group.add_argument(
        "--prefix-sharing",
        choices=("auto", "on", "off"),
        default="auto",
        help="compute what both responses share once; exact, causal models only",
    )
    group.add_argument(
        "--no-length-grouping",
        dest="length_grouping",
        action="store_false",
        help="random batches instead of batches of like length",
    )
    group.add_argument("--activation-checkpointing", action="store_true", help="less memory, about a third more time")
    group.add_argument(
        "--report-to",
        type=lambda names: tuple(name for name in names.split(",") if name),
        default=(),
        metavar="NAMES",
        help="trackers, such as tensorboard,wandb; default none",
    )
    group.add_argument(
        "--frozen-baseline-pairs",
        type=int,
        default=FROZEN_PAIRS,
        metavar="N",
        help="training pairs for the baseline on frozen embeddings, 0 for none; default %(default)s",
    )
    group.add_argument("--time-limit-seconds", type=float, metavar="S", help="stop after S seconds, and say so")
    group.add_argument("--checkpoint-steps", type=int, metavar="N", help="default a tenth of the run, at least 20")
    group.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    group.add_argument("--overwrite", action="store_true", help="replace a finished model or an interrupted run")
    group.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="an earlier model, to measure on the same held-out pairs",
    )
    group.add_argument("--cache-dir", type=Path, metavar="DIR", help="keep tokenised pairs here for later runs")


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a model on held-out pairs beside its baselines",
        description="Measure a finished model: accuracy with intervals, baselines, calibration and slices.",
    )
    parser.set_defaults(command=_evaluate)
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="a finished model")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="SNAPSHOT_OR_FILE",
        help="a snapshot directory, or a .jsonl, .json or .parquet file with chosen, rejected and (optionally) prompt "
        "and subset (RewardBench's form; both sides may be lists), or native comparisons",
    )
    parser.add_argument("--split", metavar="NAME", help="of a snapshot; default test, else validation")
    parser.add_argument(
        "--labels",
        choices=("reference", "votes"),
        default="reference",
        help="of a file of native comparisons: its references, or the majority of its votes; default %(default)s",
    )
    parser.add_argument("--against", type=Path, metavar="DIR", help="another finished model, for a paired test")
    parser.add_argument("--device", metavar="NAME", help="such as cuda or cpu; default the accelerator if there is one")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")


def _add_score(commands: Any) -> None:
    parser = commands.add_parser(
        "score",
        help="score a file of texts",
        description="Score each row of a file: native comparisons (prompt, completions), preference rows (chosen, "
        "rejected; both may be lists) or single texts (prompt, response). One JSON line out for each row in, in the "
        "same order; of preference rows also the accuracy, with its interval and ties apart. With --heads each line "
        "ends in 'criteria': for each criterion the same fields (scores; chosen_score, rejected_score and margin; or "
        "score). There only differences between responses tell; 1 is the root mean square over the training pairs.",
    )
    parser.set_defaults(command=_score)
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="a finished model")
    parser.add_argument("--input", type=Path, required=True, metavar="FILE", help=".jsonl, .json or .parquet")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help=".jsonl; appears when complete")
    parser.add_argument("--heads", type=Path, metavar="DIR", help="scores by criterion, too: what 'heads' wrote there")
    parser.add_argument("--device", metavar="NAME", help="such as cuda or cpu; default the accelerator if there is one")
    parser.add_argument("--json", action="store_true", help="print counts and accuracy as one JSON document")


def _add_select(commands: Any) -> None:
    parser = commands.add_parser(
        "select",
        help="choose what to judge next",
        description="Choose comparisons of the snapshot's pool: most of them where a vote tells most, a share drawn by "
        "lot, each with its reason and the probability with which it was chosen.",
    )
    parser.set_defaults(command=_select)
    parser.add_argument("--snapshot", type=Path, required=True, metavar="DIR", help="training pairs and pool")
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="a finished model")
    parser.add_argument("--n", type=int, required=True, metavar="N", help="comparisons wanted")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="priorities.jsonl, to be imported")
    parser.add_argument(
        "--random-share", type=float, default=0.3, metavar="P", help="drawn by lot; default %(default)s"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
    parser.add_argument("--encoder", default="minilm", metavar="MODEL", help="sentence encoder; default %(default)s")
    parser.add_argument("--cache-dir", type=Path, metavar="DIR", help="keep embeddings here for later calls")
    parser.add_argument("--device", metavar="NAME", help="such as cuda or cpu; default the accelerator if there is one")
    parser.add_argument("--json", action="store_true", help="print what was chosen as one JSON document")


def _add_heads(commands: Any) -> None:
    parser = commands.add_parser(
        "heads",
        help="one head per criterion and a gate: learned beside revealed weights",
        description="Fit a head per criterion on frozen embeddings and a gate that weighs them.",
    )
    parser.set_defaults(command=_heads)
    parser.add_argument("--snapshot", type=Path, required=True, metavar="DIR", help="with votes by criterion")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="gets heads.npz and heads.json")
    parser.add_argument("--encoder", default="minilm", metavar="MODEL", help="sentence encoder; default %(default)s")
    parser.add_argument("--cache-dir", type=Path, metavar="DIR", help="keep embeddings here for later calls")
    parser.add_argument("--json", action="store_true", help="print heads.json")


def _add_votes(commands: Any) -> None:
    parser = commands.add_parser(
        "votes",
        help="the exact votes behind a model",
        description="List the votes on the comparisons that a model was trained on, after checking that the snapshot "
        "is the one that the model names.",
    )
    parser.set_defaults(command=_votes)
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="a finished model")
    parser.add_argument("--snapshot", type=Path, required=True, metavar="DIR", help="the snapshot it was trained on")
    parser.add_argument("--output", type=Path, metavar="FILE", help=".jsonl or .parquet for the votes themselves")
    parser.add_argument("--json", action="store_true", help="print the counts as one JSON document")


if __name__ == "__main__":
    sys.exit(main())
