"""Long work: asked for, run, failed, cancelled, lost and taken up again."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from huey import SqliteHuey
from sqlalchemy import update

from app import jobs
from app.domain import Job, JobState, utc_now
from app.errors import Conflict, InvalidInput, NotFound, SteelyardError
from app.services import job_rows
from app.settings import Settings
from app.store import tables
from app.store.engine import Store
from tests.services.house import count, line, make_campaign, rows, write_lines


@pytest.fixture
def chosen(tmp_path: Path, sqlite_store: Store) -> Settings:
    return Settings(tmp_path, str(sqlite_store.url), "")


@pytest.fixture
def queue(tmp_path: Path) -> SqliteHuey:
    return SqliteHuey("steelyard", filename=str(tmp_path / "asked.db"))


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> dict[str, jobs.Work]:
    """The kinds of job, replaced by what the test puts here."""
    kinds: dict[str, jobs.Work] = {}
    monkeypatch.setattr(jobs, "KINDS", kinds)
    return kinds


def ask(store: Store, kind: str, arguments: Mapping[str, Any] | None = None) -> Job:
    return job_rows.create(store, kind, {"actor": "rosa", **(arguments or {})}, actor="rosa")


def actions(store: Store) -> list[str]:
    return [row.action for row in rows(store, tables.event) if row.action.startswith("job.")]


def age(store: Store, job_id: int, by: timedelta = job_rows.SILENCE + timedelta(seconds=1)) -> None:
    """Let the last sign of life be longer ago."""
    with store.write() as connection:
        connection.execute(update(tables.job).where(tables.job.c.id == job_id).values(heartbeat_at=utc_now() - by))


def until(is_so: Callable[[], object]) -> None:
    """Wait for something, twenty seconds at most."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def test_a_job_runs_to_its_end(store: Store, works: dict[str, jobs.Work]) -> None:
    seen: list[Job] = []

    def work(at: Store, arguments: Mapping[str, Any], progress: jobs.Progress) -> Mapping[str, Any]:
        progress.report(0.25, "a quarter")
        seen.append(job_rows.find(at, 1))
        progress.report(7.0, "beyond")
        seen.append(job_rows.find(at, 1))
        return {"answer": arguments["n"] + 1}

    works["count"] = work
    job = ask(store, "count", {"n": 41})
    assert (job.state, job.progress) == (JobState.QUEUED, 0.0)
    jobs.run(store, job.id)
    assert [(one.state, one.progress, one.message) for one in seen] == [
        (JobState.RUNNING, 0.25, "a quarter"),
        (JobState.RUNNING, 1.0, "beyond"),
    ]
    done = job_rows.find(store, job.id)
    assert (done.state, done.progress, done.result) == (JobState.DONE, 1.0, {"answer": 42})
    assert done.finished_at is not None
    assert actions(store) == ["job.queued", "job.started", "job.done"]
    jobs.run(store, job.id)
    assert actions(store) == ["job.queued", "job.started", "job.done"]


@pytest.mark.parametrize(
    ("error", "message"),
    [(InvalidInput("There is no file x."), "There is no file x."), (ZeroDivisionError("oh"), "ZeroDivisionError: oh")],
)
def test_a_failure_ends_in_the_row(
    sqlite_store: Store, works: dict[str, jobs.Work], error: Exception, message: str
) -> None:
    def work(*_: Any) -> Mapping[str, Any]:
        raise error

    works["fail"] = work
    job = ask(sqlite_store, "fail")
    jobs.run(sqlite_store, job.id)
    failed = job_rows.find(sqlite_store, job.id)
    assert (failed.state, failed.message, failed.result) == (JobState.FAILED, message, None)
    assert actions(sqlite_store)[-1] == "job.failed"


def test_a_queued_job_is_cancelled_at_once(store: Store, works: dict[str, jobs.Work]) -> None:
    works["never"] = lambda *_: pytest.fail("it ran")
    job = ask(store, "never")
    assert job_rows.request_cancel(store, job.id, actor="rosa").state is JobState.CANCELLED
    jobs.run(store, job.id)
    with pytest.raises(Conflict, match=r"is cancelled already"):
        job_rows.request_cancel(store, job.id, actor="rosa")
    with pytest.raises(NotFound, match="no job 99"):
        job_rows.request_cancel(store, 99, actor="rosa")
    with pytest.raises(NotFound):
        job_rows.find(store, 99)


def test_a_running_job_is_cancelled_at_its_next_report(store: Store, works: dict[str, jobs.Work]) -> None:
    def work(at: Store, arguments: Mapping[str, Any], progress: jobs.Progress) -> Mapping[str, Any]:
        progress.report(0.1)
        job_rows.request_cancel(at, 1, actor="rosa")
        progress.report(0.2)
        pytest.fail("it went on")

    works["long"] = work
    jobs.run(store, ask(store, "long").id)
    assert job_rows.find(store, 1).state is JobState.CANCELLED
    assert actions(store)[-2:] == ["job.cancel_requested", "job.cancelled"]


def test_an_import_is_cancelled_and_leaves_nothing(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.importing.CHUNK", 1)
    make_campaign(sqlite_store, tmp_path, raters=())
    path = write_lines(tmp_path / "lines.jsonl", [line(f"x{n}") for n in range(10)])
    job = ask(sqlite_store, "import", {"campaign": "c", "path": str(path), "n_lines": 10})
    real = job_rows.report

    def report(store: Store, job_id: int, *, progress: float, message: str = "") -> bool:
        if message.startswith("3 lines"):
            job_rows.request_cancel(store, job_id, actor="rosa")
        return real(store, job_id, progress=progress, message=message)

    monkeypatch.setattr(job_rows, "report", report)
    jobs.run(sqlite_store, job.id)
    assert job_rows.find(sqlite_store, job.id).state is JobState.CANCELLED
    assert count(sqlite_store, tables.comparison) == count(sqlite_store, tables.import_batch) == 0


def test_an_import_job_says_what_it_did(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, raters=())
    path = write_lines(tmp_path / "lines.jsonl", [line("x1"), "{nonsense", line("x2")])
    job = ask(sqlite_store, "import", {"campaign": "c", "path": str(path), "n_lines": 3})
    jobs.run(sqlite_store, job.id)
    result = job_rows.find(sqlite_store, job.id).result
    assert result is not None
    assert (result["n_comparisons"], result["n_refused"]) == (2, 1)
    assert result["refused"][0]["line"] == 2


def fake_python(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the reward package be a shell script; the process that watches over it stays real."""
    file = folder / "fake-python"
    watcher = f'case "$*" in *"-m app.child"*) exec {sys.executable} "$@";; esac'
    file.write_text(f"#!/bin/sh\n{watcher}\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(file))


def test_training_runs_as_a_child_and_its_failure_is_told(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_python(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/asked; echo "error: snapshot not found"; exit 3')
    job = ask(sqlite_store, "train", {"snapshot": "s", "output": str(tmp_path / "models" / "first")})
    jobs.run(sqlite_store, job.id)
    failed = job_rows.find(sqlite_store, job.id)
    assert failed.state is JobState.FAILED
    assert failed.message == "Training ended with status 3: snapshot not found"
    assert "-m reward train --snapshot=s" in (tmp_path / "asked").read_text()


def test_cancelling_training_ends_the_child(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_python(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    job = ask(sqlite_store, "train", {"snapshot": "s", "output": str(tmp_path / "models" / "first")})
    thread = threading.Thread(target=jobs.run, args=(sqlite_store, job.id))
    thread.start()
    until(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().strip())
    job_rows.request_cancel(sqlite_store, job.id, actor="rosa")
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert job_rows.find(sqlite_store, job.id).state is JobState.CANCELLED
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


# --- workers that are lost --------------------------------------------------------------------------------------


def test_only_a_silent_job_is_taken_up_again(store: Store) -> None:
    job = ask(store, "import")
    assert job_rows.waiting(store) == [job.id]
    assert job_rows.start(store, job.id)
    assert not job_rows.start(store, job.id)
    assert job_rows.waiting(store) == job_rows.lost(store) == []
    age(store, job.id)
    assert job_rows.waiting(store) == job_rows.lost(store) == [job.id]
    assert job_rows.start(store, job.id)
    assert job_rows.lost(store) == []


def test_a_job_that_kills_its_workers_is_given_up(store: Store) -> None:
    job = ask(store, "import")
    for _ in range(job_rows.MAX_ATTEMPTS):
        assert job_rows.start(store, job.id)
        age(store, job.id)
    assert job_rows.lost(store) == []
    failed = job_rows.find(store, job.id)
    assert failed.state is JobState.FAILED
    assert "its worker was lost 3 times" in failed.message
    assert actions(store)[-1] == "job.failed"
    assert not job_rows.start(store, job.id)


def test_the_first_end_of_a_job_counts(store: Store) -> None:
    job = ask(store, "import")
    job_rows.start(store, job.id)
    job_rows.finish(store, job.id, JobState.DONE, result={"n": 1})
    job_rows.finish(store, job.id, JobState.FAILED, message="a worker that came back from the dead")
    job_rows.report(store, job.id, progress=0.1, message="still here")
    done = job_rows.find(store, job.id)
    assert (done.state, done.progress, done.message, done.result) == (JobState.DONE, 1.0, "", {"n": 1})


def test_a_long_call_still_shows_that_it_lives(
    sqlite_store: Store, works: dict[str, jobs.Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BEAT_SECONDS", 0.02)

    def work(at: Store, arguments: Mapping[str, Any], progress: jobs.Progress) -> Mapping[str, Any]:
        age(at, 1)
        deadline = time.monotonic() + 10
        while job_rows.lost(at) and time.monotonic() < deadline:
            time.sleep(0.01)
        return {"lost": job_rows.lost(at)}

    works["deep"] = work
    jobs.run(sqlite_store, ask(sqlite_store, "deep").id)
    assert job_rows.find(sqlite_store, 1).result == {"lost": []}


# --- the queue --------------------------------------------------------------------------------------------------


def test_an_unknown_kind_is_refused(sqlite_store: Store, queue: SqliteHuey) -> None:
    with pytest.raises(SteelyardError, match=r"no kind of job 'imprt'; the kinds are import"):
        jobs.enqueue(sqlite_store, "imprt", {}, actor="rosa", queue=queue)
    assert job_rows.list_jobs(sqlite_store) == []


def test_many_jobs_go_through_one_queue(sqlite_store: Store, queue: SqliteHuey) -> None:
    asked = [jobs.enqueue(sqlite_store, "import", {"n": n}, actor="rosa", queue=queue) for n in range(3)]
    assert len(queue.pending()) == 3
    assert [job.id for job in job_rows.list_jobs(sqlite_store)] == [job.id for job in reversed(asked)]
    assert asked[0].arguments == {"n": 0, "actor": "rosa"}


def test_a_worker_does_what_is_asked_and_what_was_left(
    sqlite_store: Store, chosen: Settings, works: dict[str, jobs.Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One job was asked for before a crash that lost the queue, one lost its worker; one comes while it runs."""
    works["count"] = lambda at, arguments, progress: {"n": arguments["n"]}
    left, lost = ask(sqlite_store, "count", {"n": 1}), ask(sqlite_store, "count", {"n": 2})
    job_rows.start(sqlite_store, lost.id)
    age(sqlite_store, lost.id)
    worker = jobs.make_worker(sqlite_store, chosen)
    monkeypatch.setattr(worker, "_set_signal_handlers", lambda: None)
    worker.start()
    other = jobs.make_queue(chosen)
    late = jobs.enqueue(sqlite_store, "count", {"n": 3}, actor="rosa", queue=other)
    wanted = [left.id, lost.id, late.id]
    until(lambda: all(job_rows.find(sqlite_store, one).state is JobState.DONE for one in wanted))
    worker.stop(graceful=True)
    assert [job_rows.find(sqlite_store, one).result for one in wanted] == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_worker_looks_for_lost_jobs_while_it_runs(
    sqlite_store: Store, chosen: Settings, works: dict[str, jobs.Work]
) -> None:
    works["count"] = lambda at, arguments, progress: {"n": 1}
    worker = jobs.make_worker(sqlite_store, chosen)
    job = ask(sqlite_store, "count")
    job_rows.start(sqlite_store, job.id)
    age(sqlite_store, job.id)
    for periodic in worker.huey._registry.periodic_tasks:
        periodic.execute()
    [message] = worker.huey.pending()
    assert message.args == (job.id,)
