"""Job rows: what long work is doing, for pages and commands to show, and the wish to stop it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from app.domain import Job, JobState, utc_now
from app.errors import Conflict, NotFound
from app.services import events
from app.store import tables
from app.store.engine import Store

SILENCE = timedelta(minutes=2)
"""A running job without a sign of life for this long has lost its worker."""

MAX_ATTEMPTS = 3
"""How often a job that lost its worker is started again."""

_job = tables.job
_ENDED = (JobState.DONE.value, JobState.FAILED.value, JobState.CANCELLED.value)


def create(store: Store, kind: str, arguments: Mapping[str, Any], *, actor: str, campaign_id: int | None = None) -> Job:
    """Write down that work is wanted; a worker takes it up."""
    row = {
        "campaign_id": campaign_id,
        "kind": kind,
        "state": JobState.QUEUED.value,
        "arguments": dict(arguments),
        "actor": actor,
        "cancel_requested": False,
        "created_at": utc_now(),
    }
    with store.write() as connection:
        stored = connection.execute(insert(_job).returning(_job), row).one()
        events.record(
            connection,
            actor=actor,
            action="job.queued",
            subject=f"job {stored.id}",
            campaign_id=campaign_id,
            detail={"kind": kind, "arguments": row["arguments"]},
        )
    return job_of(stored)


def job_of(row: Row[Any]) -> Job:
    """A job row as the domain's type."""
    return Job(
        id=row.id,
        kind=row.kind,
        state=JobState(row.state),
        progress=row.progress,
        message=row.message,
        arguments=row.arguments,
        result=row.result,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        actor=row.actor,
        campaign_id=row.campaign_id,
        is_stopping=row.cancel_requested and row.state not in _ENDED,
    )


def find(store: Store, job_id: int) -> Job:
    """One job.

    Raises:
        NotFound: there is none with this number.
    """
    with store.read() as connection:
        row = connection.execute(select(_job).where(_job.c.id == job_id)).first()
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return job_of(row)


def list_jobs(
    store: Store,
    *,
    campaign_id: int | None = None,
    kind: str | None = None,
    state: JobState | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Job]:
    """The latest jobs, newest first; of one campaign, kind or state, or all."""
    statement = select(_job).order_by(_job.c.id.desc()).limit(limit).offset(offset)
    for column, wanted in ((_job.c.campaign_id, campaign_id), (_job.c.kind, kind), (_job.c.state, state)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    with store.read() as connection:
        return [job_of(row) for row in connection.execute(statement)]


def start(store: Store, job_id: int) -> bool:
    """Take a queued job up, or one that lost its worker; False if somebody else has it or it ended."""
    now = utc_now()
    is_free = or_(
        _job.c.state == JobState.QUEUED.value,
        (_job.c.state == JobState.RUNNING.value) & (_job.c.heartbeat_at < now - SILENCE),
    )
    with store.write() as connection:
        taken = connection.execute(
            update(_job)
            .where(_job.c.id == job_id, is_free)
            .values(
                state=JobState.RUNNING.value,
                started_at=now,
                heartbeat_at=now,
                progress=0.0,
                message="",
                n_attempts=_job.c.n_attempts + 1,
            )
        )
        if taken.rowcount:
            owner = f"{socket.gethostname()}:{os.getpid()}"
            events.record(connection, actor=owner, action="job.started", subject=f"job {job_id}")
    return bool(taken.rowcount)


def report(store: Store, job_id: int, *, progress: float, message: str = "") -> bool:
    """Show how far a running job is; returns whether somebody wants it to stop. One that has ended stays as it is."""
    with store.write() as connection:
        return bool(
            connection.execute(
                update(_job)
                .where(_job.c.id == job_id, _job.c.state == JobState.RUNNING.value)
                .values(progress=min(1.0, max(0.0, progress)), message=message, heartbeat_at=utc_now())
                .returning(_job.c.cancel_requested)
            ).scalar()
        )


def finish(
    store: Store, job_id: int, state: JobState, *, message: str = "", result: Mapping[str, Any] | None = None
) -> None:
    """End a running job: done, failed or cancelled, with a sentence and what it made. The first end counts."""
    values: dict[str, Any] = {
        "state": state.value,
        "message": message,
        "result": None if result is None else dict(result),
        "finished_at": utc_now(),
    }
    if state is JobState.DONE:
        values["progress"] = 1.0
    with store.write() as connection:
        is_running = (_job.c.id == job_id) & (_job.c.state == JobState.RUNNING.value)
        campaign = connection.execute(
            update(_job).where(is_running).values(**values).returning(_job.c.campaign_id)
        ).first()
        if campaign is not None:
            events.record(
                connection,
                actor="system",
                action=f"job.{state.value}",
                subject=f"job {job_id}",
                campaign_id=campaign.campaign_id,
                detail={"message": message},
            )


def request_cancel(store: Store, job_id: int, *, actor: str) -> Job:
    """Ask a job to stop: a queued one ends at once, a running one at its next sign of life.

    Raises:
        NotFound: there is none with this number.
        Conflict: it has ended.
    """
    with store.write() as connection:
        row = connection.execute(select(_job).where(_job.c.id == job_id).with_for_update()).first()
        if row is None:
            raise NotFound(f"There is no job {job_id}.")
        if row.state in _ENDED:
            raise Conflict(f"Job {job_id} is {row.state} already.")
        connection.execute(update(_job).where(_job.c.id == job_id).values(cancel_requested=True))
        connection.execute(
            update(_job)
            .where(_job.c.id == job_id, _job.c.state == JobState.QUEUED.value)
            .values(state=JobState.CANCELLED.value, finished_at=utc_now(), message="cancelled before it started")
        )
        events.record(
            connection,
            actor=actor,
            action="job.cancel_requested",
            subject=f"job {job_id}",
            campaign_id=row.campaign_id,
        )
    return find(store, job_id)


def release(store: Store, job_id: int) -> None:
    """Put a running job back into the queue, because its worker is told to end: the next worker takes it up at once."""
    with store.write() as connection:
        connection.execute(
            update(_job)
            .where(_job.c.id == job_id, _job.c.state == JobState.RUNNING.value)
            .values(state=JobState.QUEUED.value, n_attempts=_job.c.n_attempts - 1)
        )


def release_orphans(store: Store) -> None:
    """Put running jobs back whose worker was on this machine and is gone, so that nobody waits for its silence.

    A worker asks at its start, before it takes anything up.
    """
    event = tables.event
    with store.write() as connection:
        running = connection.execute(select(_job.c.id, _job.c.n_attempts).where(_job.c.state == JobState.RUNNING.value))
        for row in running.all():
            owner = connection.scalar(
                select(event.c.actor)
                .where(event.c.action == "job.started", event.c.subject == f"job {row.id}")
                .order_by(event.c.id.desc())
                .limit(1)
            )
            if row.n_attempts < MAX_ATTEMPTS and owner is not None and _is_gone(owner):
                connection.execute(update(_job).where(_job.c.id == row.id).values(state=JobState.QUEUED.value))


def _is_gone(owner: str) -> bool:
    """Whether `host:pid` was a process of this machine that is no more (or an earlier one of our own number)."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def waiting(store: Store) -> list[int]:
    """Jobs that should run and do not: queued ones, and those whose worker was lost.

    A worker asks at its start, so that work asked for before a crash goes on after it.
    """
    with store.read() as connection:
        queued = list(connection.scalars(select(_job.c.id).where(_job.c.state == JobState.QUEUED.value)))
    return sorted([*queued, *lost(store)])


def lost(store: Store) -> list[int]:
    """Running jobs without a sign of life; one that was lost too often fails here instead."""
    now = utc_now()
    is_lost = (_job.c.state == JobState.RUNNING.value) & (_job.c.heartbeat_at < now - SILENCE)
    message = f"its worker was lost {MAX_ATTEMPTS} times; see the worker's log, then start it anew"
    with store.write() as connection:
        failed = connection.execute(
            update(_job)
            .where(is_lost, _job.c.n_attempts >= MAX_ATTEMPTS)
            .values(state=JobState.FAILED.value, finished_at=now, message=message)
            .returning(_job.c.id, _job.c.campaign_id)
        ).all()
        for row in failed:
            events.record(
                connection,
                actor="system",
                action="job.failed",
                subject=f"job {row.id}",
                campaign_id=row.campaign_id,
                detail={"message": message},
            )
        return list(connection.scalars(select(_job.c.id).where(is_lost).order_by(_job.c.id)))
