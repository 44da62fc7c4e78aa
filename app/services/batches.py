"""Import batches: begun, beating, complete or swept away. What a batch brought is invisible until it is complete."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, insert, or_, select, text, update

from app.domain import Campaign, utc_now
from app.errors import Conflict
from app.services import events
from app.services.collecting import decide_brought
from app.services.lanes import recount_lanes
from app.services.lookup import rounds_of
from app.services.queueing import recount
from app.store import tables
from app.store.engine import Store

SILENCE = timedelta(minutes=10)
"""A batch whose owner cannot be looked up on this machine is dead after this long without a sign of life."""

_batch = tables.import_batch
_running: set[int] = set()
"""Batches that this process is working on."""


def begin(store: Store, campaign: Campaign, *, source: str, format_name: str) -> int:
    """Open a batch, after sweeping away what died before; one import at a time per campaign.

    Raises:
        Conflict: another import into the campaign is running.
    """
    with store.write() as connection:
        sweep(connection, campaign)
        row = {
            "campaign_id": campaign.id,
            "source": source,
            "format": format_name,
            "owner": _owner(),
            "started_at": utc_now(),
            "heartbeat_at": utc_now(),
        }
        batch_id = connection.execute(insert(_batch).returning(_batch.c.id), row).scalar_one()
        _running.add(batch_id)  # before the commit: another thread of this process may sweep right after it
    return batch_id


def beat(connection: Connection, batch_id: int) -> None:
    """Say that the batch is alive.

    Raises:
        Conflict: it was silent for so long that another import took it for dead and swept it away.
    """
    alive = connection.execute(update(_batch).where(_batch.c.id == batch_id).values(heartbeat_at=utc_now()))
    if alive.rowcount == 0:
        raise Conflict(f"Import batch {batch_id} was taken for dead and removed; nothing of it was kept. Import again.")


def complete(store: Store, campaign: Campaign, batch_id: int, *, actor: str, counts: Mapping[str, Any]) -> int:
    """Make everything that the batch brought visible at once, and open its comparisons for work.

    Returns:
        The number of the event that says so.

    Raises:
        Conflict: the batch was taken for dead meanwhile.
    """
    with store.write() as connection:
        beat(connection, batch_id)
        row = connection.execute(select(_batch).where(_batch.c.id == batch_id)).one()
        event_id = events.record(
            connection,
            actor=actor,
            action="import.completed",
            subject=f"batch {batch_id}",
            campaign_id=campaign.id,
            detail={
                "source": row.source,
                "format": row.format,
                "rounds_opened": _rounds(connection, batch_id),
                **counts,
            },
        )
        connection.execute(
            update(_batch)
            .where(_batch.c.id == batch_id)
            .values(completed_at=utc_now(), event_id=event_id, counts=dict(counts))
        )
        recount(connection, chosen=_touched(batch_id))
        for round_ in rounds_of(connection, campaign.id):
            decide_brought(connection, round_, batch_id)
    _running.discard(batch_id)
    return event_id


def abandon(store: Store, campaign: Campaign, batch_id: int) -> None:
    """Remove everything that an unfinished batch brought."""
    _running.discard(batch_id)
    with store.write() as connection:
        _remove(connection, campaign, batch_id)


def sweep(connection: Connection, campaign: Campaign) -> None:
    """Remove the batches of a campaign whose process died.

    Raises:
        Conflict: one of them is alive.
    """
    own_row = select(tables.campaign.c.id).where(tables.campaign.c.id == campaign.id)
    connection.execute(own_row.with_for_update(key_share=True))
    unfinished = connection.execute(
        select(_batch).where(_batch.c.campaign_id == campaign.id, _batch.c.completed_at.is_(None)).with_for_update()
    ).all()  # locked: the last transaction of a process that was just killed may still be on its way
    for row in unfinished:
        if _is_alive(row):
            raise Conflict(
                f"An import of {row.source} into campaign {campaign.name!r} is running since {row.started_at:%H:%M} "
                f"UTC ({row.owner}): wait for it to end."
            )
        _remove(connection, campaign, row.id)


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_alive(row: Row[Any]) -> bool:
    host, _, pid = row.owner.rpartition(":")
    if host != socket.gethostname():
        return utc_now() - row.heartbeat_at < SILENCE
    if int(pid) == os.getpid():
        return row.id in _running
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it exists and belongs to somebody else
    return not _is_zombie(int(pid)) and utc_now() - row.heartbeat_at < SILENCE


def _is_zombie(pid: int) -> bool:
    """Whether a process is dead and only waits to be reaped, which in many containers nobody does; Linux only."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]


def _rounds(connection: Connection, batch_id: int) -> list[str]:
    """Names of the rounds that the batch opened."""
    return list(connection.scalars(select(tables.round_.c.name).where(tables.round_.c.batch_id == batch_id)))


def _touched(batch_id: int) -> Any:
    """Queue items of comparisons that the batch brought, or brought judgments of, and of rounds that it opened."""
    item = tables.queue_item
    brought = select(tables.comparison.c.id).where(tables.comparison.c.batch_id == batch_id)
    judged = select(tables.assignment.c.comparison_id).where(tables.assignment.c.batch_id == batch_id)
    opened = select(tables.round_.c.id).where(tables.round_.c.batch_id == batch_id)
    return or_(item.c.comparison_id.in_(brought), item.c.comparison_id.in_(judged), item.c.round_id.in_(opened))


def _remove(connection: Connection, campaign: Campaign, batch_id: int) -> None:
    judgment, assignment, comparison, round_ = tables.judgment, tables.assignment, tables.comparison, tables.round_
    judgments = select(judgment.c.id).where(judgment.c.batch_id == batch_id)
    assignments = select(assignment.c.id).where(assignment.c.batch_id == batch_id)
    comparisons = select(comparison.c.id).where(comparison.c.batch_id == batch_id)
    rounds = select(round_.c.id).where(round_.c.batch_id == batch_id)
    for table, condition in (
        (tables.verdict, tables.verdict.c.judgment_id.in_(judgments)),
        (tables.declared_tension, tables.declared_tension.c.judgment_id.in_(judgments)),
        (tables.error_span, tables.error_span.c.judgment_id.in_(judgments)),
        (tables.review, tables.review.c.judgment_id.in_(judgments)),
        (tables.review_wait, tables.review_wait.c.judgment_id.in_(judgments)),
        (tables.review_claim, tables.review_claim.c.judgment_id.in_(judgments)),
        (tables.rater_report, tables.rater_report.c.judgment_id.in_(judgments)),
        (tables.rater_report, tables.rater_report.c.assignment_id.in_(assignments)),
        (judgment, judgment.c.batch_id == batch_id),
        (tables.adjudication, tables.adjudication.c.batch_id == batch_id),
        (assignment, assignment.c.batch_id == batch_id),
        (tables.queue_item, tables.queue_item.c.comparison_id.in_(comparisons)),
        (tables.queue_item, tables.queue_item.c.round_id.in_(rounds)),
        (tables.lane, tables.lane.c.round_id.in_(rounds)),
        (tables.gold_key, tables.gold_key.c.comparison_id.in_(comparisons)),
        (tables.comparison_content, tables.comparison_content.c.comparison_id.in_(comparisons)),
        (tables.completion, tables.completion.c.comparison_id.in_(comparisons)),
        (comparison, comparison.c.batch_id == batch_id),
        (round_, round_.c.batch_id == batch_id),
        (_batch, _batch.c.id == batch_id),
    ):
        connection.execute(delete(table).where(condition))
    recount_lanes(connection, campaign.id)
    has_judged = exists().where(assignment.c.rater_id == tables.rater.c.id)
    has_reviewed = exists().where(tables.review.c.reviewer_id == tables.rater.c.id)
    unused = and_(~has_judged, ~has_reviewed)
    connection.execute(delete(tables.rater).where(tables.rater.c.namespace == campaign.name, unused))
    _remove_unused_texts(connection)


def _remove_unused_texts(connection: Connection) -> None:
    """Remove texts that no comparison has; tombstones stay."""
    if connection.dialect.name != "sqlite":  # there a write transaction is alone anyway
        connection.execute(text("LOCK TABLE content IN SHARE ROW EXCLUSIVE MODE"))  # others may be about to use one
    content = tables.content
    is_used = or_(
        exists().where(tables.completion.c.text_hash == content.c.hash),
        exists().where(tables.comparison.c.prompt_hash == content.c.hash),
    )
    connection.execute(delete(content).where(content.c.erased_at.is_(None), ~is_used))
