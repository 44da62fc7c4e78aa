"""The directory of a trained model: what it holds, and when it counts as finished.

A run works in `OUTPUT.partial` (checkpoints, parameters, log) and becomes `OUTPUT` by one rename after `run.json` was
written as its last file. So a directory with a `run.json` is a complete model, and a killed run leaves none.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reward.contract import canonical_json, content_hash, file_hash
from reward.errors import RewardError

RUN_SCHEMA_VERSION = 1
RUN_NAME = "run.json"
REPORT_NAME = "report.json"
BASELINE_NAME = "baseline_tfidf.npz"
LOG_NAME = "log.jsonl"
PARAMETERS_NAME = "parameters.json"
CHECKPOINTS_NAME = "checkpoints"
LOCK_NAME = "lock"


@dataclass(frozen=True)
class Run:
    """What `run.json` says of a trained model.

    Attributes:
        directory: where the model lies.
        run_id: 12 hexadecimal digits over weights, tokenizer, layout and length: the model as a rater.
        layout: how prompts and responses are rendered.
        max_length_tokens: the longest text.
        document: the whole of `run.json`.
    """

    directory: Path
    run_id: str
    layout: str
    max_length_tokens: int
    document: Mapping[str, Any]


def read_run(directory: Path) -> Run:
    """Read a finished model's `run.json`.

    Raises:
        RewardError: no finished model is there, or one of another schema version.
    """
    path = directory / RUN_NAME
    if not path.is_file():
        raise RewardError(
            f"{directory} is not a finished model: it has no {RUN_NAME}. Train one with `steelyard train`."
        )
    document = json.loads(path.read_text(encoding="utf-8"))
    found = document.get("schema_version")
    if found != RUN_SCHEMA_VERSION:
        raise RewardError(f"{path}: schema_version is {found}, this version reads {RUN_SCHEMA_VERSION}.")
    return Run(
        directory=directory,
        run_id=document["run_id"],
        layout=document["rendering"]["layout"],
        max_length_tokens=document["rendering"]["max_length_tokens"],
        document=document,
    )


def model_files(directory: Path) -> dict[str, str]:
    """Name -> sha256 of the files that make the model: weights, configuration, tokenizer."""
    endings = (".safetensors", ".json", ".jinja", ".txt", ".model")
    skipped = {RUN_NAME, REPORT_NAME, PARAMETERS_NAME}
    paths = sorted(p for p in directory.iterdir() if p.is_file() and p.name.endswith(endings) and p.name not in skipped)
    return {path.name: file_hash(path) for path in paths}


def run_id_of(files: Mapping[str, str], rendering: Mapping[str, Any]) -> str:
    """The identity of a model as a scorer: hash of its files and of how texts are rendered for it."""
    return content_hash({"files": dict(files), "rendering": dict(rendering)})[:12]


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document so that a reader sees the old file or the new one, never a half."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def partial_of(output_dir: Path) -> Path:
    """Where a run works until it is complete."""
    return output_dir.with_name(f"{output_dir.name}.partial")


@contextmanager
def working_directory(
    output_dir: Path, parameters: Mapping[str, Any], *, resume: bool, overwrite: bool
) -> Iterator[Path]:
    """Hold the working directory of a run, alone, until the run is complete or has failed.

    What an interrupted run left is kept if it has a checkpoint. A run that fails before its first one leaves nothing.

    Args:
        output_dir: where the finished model will lie.
        parameters: all that decides the result; a run is resumed only under the same ones.
        resume: go on from the last checkpoint of an interrupted run, or begin where there is none.
        overwrite: begin anew, replacing what is there when the new run is complete.

    Yields:
        The working directory.

    Raises:
        RewardError: something is in the way and neither flag allows it, the parameters differ, or another process
            is at work there.
    """
    partial = partial_of(output_dir)
    if output_dir.exists() and not overwrite and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise RewardError(f"--output {output_dir} exists already: choose another, or give --overwrite.")
    partial.mkdir(parents=True, exist_ok=True)
    with (partial / LOCK_NAME).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RewardError(f"Another process is training in {partial}: wait for it, or choose another.") from error
        _prepare(partial, parameters, resume=resume, overwrite=overwrite)
        try:
            yield partial
        except BaseException:
            if last_checkpoint(partial) is None:
                shutil.rmtree(partial, ignore_errors=True)
            raise


def _prepare(partial: Path, parameters: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Keep what an interrupted run left, or clear it away."""
    if last_checkpoint(partial) is not None and not (overwrite and not resume):
        if not resume:
            raise RewardError(f"{partial} holds an interrupted run: go on with --resume, or anew with --overwrite.")
        _check_parameters(partial / PARAMETERS_NAME, parameters)
        return
    for path in partial.iterdir():
        if path.name != LOCK_NAME:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_json(partial / PARAMETERS_NAME, dict(parameters))


def finished_report(output_dir: Path, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The report of a finished run with these very parameters, or None: resuming it again changes nothing."""
    if not (output_dir / RUN_NAME).is_file():
        return None
    if read_run(output_dir).document["parameters_hash"] != content_hash(dict(parameters)):
        return None
    return json.loads((output_dir / REPORT_NAME).read_text(encoding="utf-8"))


def _check_parameters(path: Path, parameters: Mapping[str, Any]) -> None:
    before, now = json.loads(path.read_text(encoding="utf-8")), json.loads(canonical_json(parameters))
    for key in sorted(set(before) | set(now)):
        if before.get(key) != now.get(key):
            raise RewardError(
                f"{path.parent} was begun with {key} = {before.get(key)!r}, not {now.get(key)!r}: "
                "resume with the same parameters, or begin anew with --overwrite."
            )


def last_checkpoint(partial: Path) -> Path | None:
    """The newest complete checkpoint; one whose writing was interrupted is passed over."""
    found = filter(_is_complete, (partial / CHECKPOINTS_NAME).glob("checkpoint-*"))
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_complete(checkpoint: Path) -> bool:
    """Whether all was written: the trainer's state comes last, after each process's part; a cut one is no JSON."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return True


def complete(partial: Path, output_dir: Path) -> None:
    """Turn the working directory into the finished model; `run.json` must be in it."""
    if not (partial / RUN_NAME).is_file():
        raise RewardError(f"{partial} is not complete: it has no {RUN_NAME}.")
    (partial / LOCK_NAME).unlink(missing_ok=True)
    if not output_dir.exists():
        os.rename(partial, output_dir)
        return
    old = output_dir.with_name(f"{output_dir.name}.old")
    if old.exists():
        shutil.rmtree(old)
    os.rename(output_dir, old)
    os.rename(partial, output_dir)
    shutil.rmtree(old)
