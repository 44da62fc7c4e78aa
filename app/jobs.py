"""Long work on Huey: a SQLite file by default, Redis by URL. Job rows say how far it is; a restart loses none.

The queue carries numbers of job rows and nothing else, so the database alone says what is wanted. `steelyard worker`
runs jobs; `steelyard serve` starts one. A worker takes up, at its start, what was queued or lost its worker, and looks
every minute for more that lost theirs.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from huey import Huey, RedisHuey, SqliteHuey, crontab
from huey.consumer import Consumer

from app.child import run_child
from app.domain import Job, JobState, RaterKind
from app.errors import JobCancelled, SteelyardError, StoreError
from app.services import (
    audits,
    exporting,
    importing,
    job_rows,
    model_shelf,
    prejudging,
    quality,
    rubric_assistant,
    snapshotting,
    stopping,
)
from app.services.database import Store
from app.services.job_board import JobRequest
from app.services.rounds import judged_in_round
from app.services.uploads import remove_upload
from app.settings import Settings, settings

BEAT_SECONDS = 5.0
"""How often a running job shows that it lives, and learns that somebody wants it to stop."""

HANDOVER_ATTEMPTS, HANDOVER_SECONDS = 4, 5.0
"""How patiently a run waits for the process of an earlier attempt to end."""

log = logging.getLogger(__name__)


class Progress:
    """What a job says of itself while it runs."""

    def __init__(self, store: Store, job_id: int) -> None:
        self._store, self._job_id = store, job_id
        self._fraction, self._message = 0.0, ""
        self.is_cancelled = False

    def report(self, fraction: float, message: str = "") -> None:
        """Show how far the job is.

        Raises:
            JobCancelled: somebody wants it to stop.
        """
        self._fraction, self._message = fraction, message
        self.beat()
        if self.is_cancelled:
            raise JobCancelled("cancelled on request")

    def beat(self) -> None:
        """Show that the job lives."""
        wanted = job_rows.report(self._store, self._job_id, progress=self._fraction, message=self._message)
        self.is_cancelled = self.is_cancelled or wanted


Work = Callable[[Store, Mapping[str, Any], Progress], Mapping[str, Any]]


def _import(store: Store, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    path, n_total = Path(arguments["path"]), max(1, arguments.get("n_lines") or 1)
    summary = importing.import_file(
        store,
        arguments["campaign"],
        path,
        format_name=arguments.get("format", "auto"),
        actor=arguments["actor"],
        progress=lambda n: progress.report(min(0.99, n / n_total), f"{n:,} lines read"),
        is_cancelled=lambda: progress.is_cancelled,
    )
    remove_upload(path)
    refused = [{"line": r.line, "field": r.field, "reason": r.reason} for r in summary.refused]
    return {**summary.counts(), "file": path.name, "refused": refused, "warnings": summary.warnings[:1000]}


def _export(store: Store, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    progress.report(0.05, "writing")
    counts = exporting.export_campaign(store, arguments["campaign"], arguments["output"], actor=arguments["actor"])
    return {"file": arguments["output"], **asdict(counts)}


def _snapshot(store: Store, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    progress.report(0.05, "reading the votes")
    kinds = arguments.get("kinds")
    manifest = snapshotting.build(
        store,
        arguments["campaign"],
        Path(arguments["output"]),
        actor=arguments["actor"],
        kinds=None if kinds is None else [RaterKind(kind) for kind in kinds],
        progress=lambda n, n_all: progress.report(0.2 + 0.6 * n / max(1, n_all), f"{n:,} of {n_all:,} comparisons"),
        is_cancelled=lambda: progress.is_cancelled,
        **arguments.get("options", {}),
    )
    return {"hash": manifest.hash, "directory": arguments["output"], "counts": manifest.content["counts"]}


def _train(store: Store, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Training runs as a child process: its memory and its crash are its own.

    It goes on from the last checkpoint where an earlier attempt left one: the worker was lost, or somebody cancelled.
    """
    output = Path(arguments["output"])
    log = model_shelf.text_log_of(output)
    asked = [f"--snapshot={arguments['snapshot']}", f"--output={output}", "--resume", *arguments.get("options", ())]
    command = [sys.executable, "-P", "-m", "reward", "train", *asked]
    for _ in range(HANDOVER_ATTEMPTS):
        status = run_child(command, log, on_tick=lambda: progress.report(*model_shelf.run_state(output)))
        if not (status and "Another process is training" in model_shelf.last_words(output)):
            break
        time.sleep(HANDOVER_SECONDS)  # the child of a worker that was just lost is still ending
    if status:
        raise SteelyardError(f"Training ended with status {status}: {model_shelf.last_words(output)}")
    model = model_shelf.read_model(output)
    evaluation = (model.evaluation if model else None) or {}
    return {
        "model": str(output),
        "run_id": model.run["run_id"] if model else None,
        "accuracy": evaluation.get("accuracy"),
        "verdict": evaluation.get("verdict"),
    }


def _prejudge(store: Store, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Export, score in a child process, then one transaction: the labels that are sure enough stand."""
    folder = Path(arguments["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    comparisons, scores = folder / "comparisons.jsonl", folder / "scores.jsonl"
    progress.report(0.05, "exporting the campaign")
    exporting.export_campaign(store, arguments["campaign"], comparisons, actor=arguments["actor"])
    asked = [f"--model={arguments['model']}", f"--input={comparisons}", f"--output={scores}"]
    command = [sys.executable, "-P", "-m", "reward", "score", *asked]
    status = run_child(command, model_shelf.text_log_of(scores), on_tick=lambda: progress.report(0.3, "scoring"))
    comparisons.unlink()
    if status:
        raise SteelyardError(f"Scoring ended with status {status}: {model_shelf.last_words(scores)}")
    progress.report(0.9, "calibrating")
    made = prejudging.start(
        store,
        arguments["campaign"],
        scores,
        max_error=arguments["max_error"],
        audit_rate=arguments["audit_rate"],
        actor=arguments["actor"],
    )
    return {"batch": made.id, "outcomes": dict(made.outcomes), "sentence": made.sentence()}


def _report(store: Store, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    progress.report(0.05, "reading the votes")
    wanted = quality.Wanted.of(arguments)
    kept = quality.make(store, wanted, folder=Path(arguments["folder"]))
    return {"as_of_event": kept.as_of_event, "code": quality.code()}


def _simulate(store: Store, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    """Simulated raters judge in a child process: the command line knows how, and jobs know only services."""
    campaign, round_name, wanted = arguments["campaign"], arguments["round"], arguments["judgments"]
    before = judged_in_round(store, campaign, round_name)
    asked = [f"--raters={arguments['raters']}", f"--judgments={wanted}", f"--seed={arguments['seed']}"]
    command = [sys.executable, "-P", "-m", "app.cli.main", "simulate", campaign, f"--round={round_name}", *asked]

    def look() -> None:
        n_done = judged_in_round(store, campaign, round_name) - before
        progress.report(min(0.99, n_done / max(1, wanted)), f"{n_done:,} of {wanted:,} judgments")

    log = Path(arguments["log"])
    status = run_child(command, log, on_tick=look)
    if status:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise SteelyardError(f"The simulated raters ended with status {status}: {' '.join(last)}")
    return {"n_judgments": judged_in_round(store, campaign, round_name) - before}


def _rubric_draft(store: Store, arguments: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    assistant = settings().assistant
    if assistant is None:
        raise SteelyardError("No assistant is configured here: set STEELYARD_ASSISTANT_URL and _MODEL.")
    progress.report(0.1, f"{assistant.model} is writing")
    draft, n_problems = rubric_assistant.draft_from_brief(
        store,
        arguments["actor"],
        arguments["brief"],
        assistant=assistant,
        is_cancelled=lambda: progress.is_cancelled,
    )
    return {"draft": draft.id, "title": draft.title, "n_problems": n_problems}


KINDS: Mapping[str, Work] = {
    "import": _import,
    "export": _export,
    "report": _report,
    "simulate": _simulate,
    "snapshot": _snapshot,
    "train": _train,
    "prejudge": _prejudge,
    "rubric_draft": _rubric_draft,
}
"""What can be asked for."""


def make_queue(chosen: Settings) -> Huey:
    """The queue that the settings name."""
    if chosen.queue_url:
        return RedisHuey("steelyard", url=chosen.queue_url)
    chosen.data_directory.mkdir(parents=True, exist_ok=True)
    return SqliteHuey("steelyard", filename=str(chosen.queue_file), fsync=True)


@cache
def _own_queue() -> Huey:
    """The queue that the settings of this process name."""
    return make_queue(settings())


_tasks: WeakKeyDictionary[Huey, Callable[[int], Any]] = WeakKeyDictionary()


def make_task(queue: Huey, store: Store) -> Callable[[int], Any]:
    """The one task of a queue: run the job with this number. A queue takes it once; later calls return the same."""
    if queue not in _tasks:

        @queue.task(name="run_job")
        def run_job(job_id: int) -> None:
            run(store, job_id)

        _tasks[queue] = run_job
    return _tasks[queue]


def enqueue(
    store: Store,
    kind: str,
    arguments: Mapping[str, Any],
    *,
    actor: str,
    campaign_id: int | None = None,
    queue: Huey | None = None,
) -> Job:
    """Ask for long work; returns its row at once.

    Raises:
        SteelyardError: no such kind.
    """
    if kind not in KINDS:
        raise SteelyardError(f"There is no kind of job {kind!r}; the kinds are {', '.join(KINDS)}.")
    job = job_rows.create(store, kind, {**arguments, "actor": actor}, actor=actor, campaign_id=campaign_id)
    make_task(queue if queue is not None else _own_queue(), store)(job.id)
    return job


def submit(store: Store, request: JobRequest, *, queue: Huey | None = None) -> Job:
    """Put work into the queue that a service allowed somebody to ask for."""
    campaign_id = None if request.campaign is None else request.campaign.id
    return enqueue(store, request.kind, request.arguments, actor=request.actor, campaign_id=campaign_id, queue=queue)


_here: set[int] = set()
"""Jobs that this process is running."""


def run(store: Store, job_id: int) -> None:
    """Run one job to its end in this process, unless somebody else has it. Errors end in the job's row."""
    if not job_rows.start(store, job_id):
        return
    _here.add(job_id)
    try:
        _run(store, job_rows.find(store, job_id))
    finally:
        _here.discard(job_id)


def _run(store: Store, job: Job) -> None:
    job_id, progress = job.id, Progress(store, job.id)
    try:
        with _beating(progress):
            result = KINDS[job.kind](store, job.arguments, progress)
    except JobCancelled as error:
        job_rows.finish(store, job_id, JobState.CANCELLED, message=str(error))
    except SteelyardError as error:
        job_rows.finish(store, job_id, JobState.FAILED, message=str(error))
    except Exception as error:  # the row must say that it failed; the log keeps the traceback
        log.exception("job %s (%s) failed", job_id, job.kind)
        job_rows.finish(store, job_id, JobState.FAILED, message=f"{type(error).__name__}: {error}")
    else:
        job_rows.finish(store, job_id, JobState.DONE, result=result)


@contextmanager
def _beating(progress: Progress) -> Iterator[None]:
    """Let the job show that it lives from a thread of its own, also while it is deep in one call."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                progress.beat()
            except StoreError as error:
                log.warning("a running job could not show that it lives: %s", error)

    thread = threading.Thread(target=beat, name="job-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Worker(Consumer):
    """Runs jobs until it is told to stop; what it leaves unfinished then goes back into the queue."""

    def __init__(self, store: Store, queue: Huey, *, n_threads: int) -> None:
        super().__init__(queue, workers=n_threads, max_delay=1.0)
        self._store = store

    def run(self) -> None:
        """Run until told to stop."""
        try:
            super().run()
        finally:
            for job_id in list(_here):
                job_rows.release(self._store, job_id)


def make_worker(store: Store, chosen: Settings, *, n_threads: int = 1) -> Worker:
    """A worker that has taken up what was waiting; `.run()` blocks until it is told to stop."""
    job_rows.release_orphans(store)
    queue = make_queue(chosen)
    task = make_task(queue, store)

    @queue.periodic_task(crontab(), name="take_up_lost")
    def take_up_lost() -> None:
        for job_id in job_rows.lost(store):
            task(job_id)

    @queue.periodic_task(crontab(), name="open_audits")
    def open_audits() -> None:
        audits.open_due(store)

    @queue.periodic_task(crontab(hour="3", minute="0"), name="refit_stopping")
    def refit_stopping() -> None:
        stopping.refit_all(store)

    for job_id in job_rows.waiting(store):
        task(job_id)
    return Worker(store, queue, n_threads=n_threads)
