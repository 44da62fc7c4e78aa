"""How long a rater works: measured here from what they do, kept in a log that is only ever added to.

Active time, plainly: the time between two things that a rater does on a comparison (an answer, a text that is saved,
handing in, skipping) counts. Where nothing happens for longer than `IDLE_SECONDS`, or than reading the comparison at
`READING_WORDS` words a minute takes if that is more, only so much counts. A pause counts nothing. The clock is the
server's, and a rater has one, so that two tabs count once; how fast somebody works is no part of it.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.domain import AssignmentState, utc_now
from app.errors import Conflict, NotFound
from app.services import events
from app.services.holding import hand_back, held_rows
from app.services.lookup import find_account, rules_from_dict
from app.store import tables
from app.store.engine import Store

IDLE_SECONDS = 90.0
"""So much of a stretch without any activity counts, whatever the texts."""

READING_WORDS = 120.0
"""Words a minute at which reading counts; a slow, careful reader's pace."""

CHARACTERS_A_WORD = 6.0

REST_SECONDS = 300.0
"""A break of this length is a rest."""

REST_AFTER_SECONDS = 50 * 60.0
"""After so much work without a rest the screen suggests one."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

_time = tables.working_time
_clock = tables.working_clock
_assignment = tables.assignment


@dataclass(frozen=True)
class Today:
    """A rater's day so far.

    Attributes:
        n_judgments: handed in since the day began, first submissions only.
        seconds: active seconds since then, the stretch under way included.
        unbroken_seconds: active seconds since the last rest.
        paused_at: since when the rater pauses, None where they do not.
    """

    n_judgments: int
    seconds: float
    unbroken_seconds: float
    paused_at: datetime | None

    @property
    def may_rest(self) -> bool:
        """Whether a rest would be a good idea."""
        return self.unbroken_seconds >= REST_AFTER_SECONDS


@dataclass(frozen=True)
class Stretch:
    """One line of the log: active work on one assignment, and what ended it."""

    started_at: datetime
    ended_at: datetime
    seconds: float
    ended_by: str
    campaign: str
    assignment_id: int


def note(connection: Connection, rater_id: int, assignment_id: int, *, now: datetime) -> None:
    """Note that a rater did something on an assignment: the clock runs on."""
    clock = _locked(connection, rater_id, now=now)
    counted, is_broken = _since(connection, clock, assignment_id, now=now)
    seconds, started = clock.seconds, clock.started_at
    if clock.assignment_id is None:
        started, seconds = now - timedelta(seconds=counted), counted
    elif is_broken or clock.assignment_id != assignment_id:
        _write(connection, clock, seconds=clock.seconds + counted, after=counted, ended_by="stopped")
        started, seconds = now, 0.0
    else:
        seconds += counted
    _set(connection, clock, assignment_id=assignment_id, started_at=started, seconds=seconds, counted=counted, now=now)


def finish(connection: Connection, rater_id: int, assignment_id: int, *, ended_by: str, now: datetime) -> float:
    """End the stretch on an assignment and write it down; the active seconds on this assignment in all.

    Args:
        connection: a write transaction.
        rater_id: whose clock.
        assignment_id: what was worked on.
        ended_by: submitted, skipped or paused.
        now: the time.
    """
    note(connection, rater_id, assignment_id, now=now)
    clock = _locked(connection, rater_id, now=now)
    _write(connection, clock, seconds=clock.seconds, after=0.0, ended_by=ended_by)
    _set(connection, clock, assignment_id=None, started_at=now, seconds=0.0, counted=0.0, now=now)
    total = select(func.coalesce(func.sum(_time.c.seconds), 0.0)).where(_time.c.assignment_id == assignment_id)
    return float(connection.scalar(total) or 0.0)


def pause(store: Store, rater_name: str, *, hold: bool, now: datetime | None = None) -> None:
    """Stop the clock; what the rater holds waits for them as long as a lease lasts, or goes back with its draft kept.

    Raises:
        NotFound: no such account.
    """
    now = now or utc_now()
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        rows = held_rows(connection, rater)
        clock = _locked(connection, rater.id, now=now)
        if clock.assignment_id is not None:
            finish(connection, rater.id, clock.assignment_id, ended_by="paused", now=now)
        connection.execute(update(_clock).where(_clock.c.rater_id == rater.id).values(paused_at=now))
        for row in rows:
            if hold:
                expires = now + timedelta(seconds=rules_from_dict(row.rules).lease_seconds)
                connection.execute(
                    update(_assignment).where(_assignment.c.id == row.id).values(lease_expires_at=expires)
                )
            else:
                hand_back(connection, rater, row, reason="pause", now=now)
        detail = {"hold": hold, "assignments": [row.id for row in rows]}
        events.record(connection, actor=rater.name, action="assignment.paused", subject=rater.name, detail=detail)


def resume(store: Store, rater_name: str, *, now: datetime | None = None) -> bool:
    """End a pause; whether there was one. The clock runs again from now on.

    Raises:
        NotFound: no such account.
    """
    now = now or utc_now()
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        rows = held_rows(connection, rater)
        clock = _locked(connection, rater.id, now=now)
        if clock.paused_at is None:
            return False
        if len(rows) == 1:
            note(connection, rater.id, rows[0].id, now=now)
        else:
            _set(connection, clock, assignment_id=None, started_at=now, seconds=0.0, counted=0.0, now=now)
        events.record(connection, actor=rater.name, action="assignment.resumed", subject=rater.name)
    return True


def arrive(store: Store, rater_name: str, assignment_id: int, *, now: datetime | None = None) -> None:
    """Note that a comparison that is held came on the screen (again): what follows is reading.

    Raises:
        NotFound: no such account, or the rater holds no such assignment.
    """
    now = now or utc_now()

    def begin(connection: Connection) -> None:
        rater = find_account(connection, rater_name)
        held = connection.scalar(
            select(_assignment.c.id)
            .where(_assignment.c.id == assignment_id, _assignment.c.rater_id == rater.id)
            .where(_assignment.c.state == AssignmentState.OPEN.value)
            .with_for_update()
        )
        if held is None:
            raise NotFound(f"{rater_name} holds no assignment {assignment_id}.")
        clock = _locked(connection, rater.id, now=now)
        if clock.paused_at is not None:
            raise Conflict(f"{rater_name} pauses since {clock.paused_at:%H:%M} UTC: go on first.")
        note(connection, rater.id, assignment_id, now=now)

    store.write_together(begin)


def today(store: Store, rater_name: str, *, since: datetime) -> Today:
    """A rater's day in every campaign, as of now.

    Args:
        store: the database.
        rater_name: an account.
        since: when the day began where the rater is.

    Raises:
        NotFound: no such account.
    """
    with store.read() as connection:
        return day_of(connection, find_account(connection, rater_name).id, since=since)


def day_of(connection: Connection, rater_id: int, *, since: datetime) -> Today:
    """`today` inside a transaction of the caller."""
    row = connection.execute(_day_query(), {"rater_id": rater_id, "since": since}).one()
    running = (row.running or 0.0) if row.assignment_id is not None else 0.0
    return Today(
        n_judgments=row.n_judgments,
        seconds=float(row.logged) + running,
        unbroken_seconds=row.unbroken_seconds or 0.0,
        paused_at=row.paused_at,
    )


@cache
def _day_query() -> Select[Any]:
    """The clock of `:rater_id`, and what they logged and handed in since `:since`: one row, with or without a clock."""
    judgment, rater = tables.judgment, tables.rater
    own, since = bindparam("rater_id"), bindparam("since", type_=_time.c.started_at.type)
    logged = select(func.coalesce(func.sum(_time.c.seconds), 0.0)).where(
        _time.c.rater_id == own, _time.c.started_at >= since
    )
    handed_in = (
        select(func.count())
        .select_from(judgment.join(_assignment))
        .where(
            _assignment.c.rater_id == own,
            _assignment.c.state == AssignmentState.SUBMITTED.value,
            judgment.c.revision == 0,
            judgment.c.submitted_at >= since,
        )
    )
    return (
        select(
            _clock.c.assignment_id,
            _clock.c.seconds.label("running"),
            _clock.c.unbroken_seconds,
            _clock.c.paused_at,
            logged.scalar_subquery().label("logged"),
            handed_in.scalar_subquery().label("n_judgments"),
        )
        .select_from(rater.outerjoin(_clock, _clock.c.rater_id == rater.c.id))
        .where(rater.c.id == own)
    )


def log(store: Store, rater_name: str, *, since: datetime | None = None) -> list[Stretch]:
    """A rater's log, oldest first; the stretch under way is not in it yet.

    Raises:
        NotFound: no such account.
    """
    campaign, round_ = tables.campaign, tables.round_
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        wanted = (
            select(_time, campaign.c.name.label("campaign"))
            .join(_assignment, _assignment.c.id == _time.c.assignment_id)
            .join(round_, round_.c.id == _assignment.c.round_id)
            .join(campaign, campaign.c.id == round_.c.campaign_id)
            .where(_time.c.rater_id == rater.id)
            .order_by(_time.c.id)
        )
        if since is not None:
            wanted = wanted.where(_time.c.started_at >= since)
        return [
            Stretch(row.started_at, row.ended_at, row.seconds, row.ended_by, row.campaign, row.assignment_id)
            for row in connection.execute(wanted)
        ]


def log_csv(stretches: list[Stretch]) -> str:
    """A log as CSV, times in UTC: began, ended, active_seconds, ended_by, campaign, assignment."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["began", "ended", "active_seconds", "ended_by", "campaign", "assignment"])
    for one in stretches:
        times = [moment.isoformat(timespec="seconds") for moment in (one.started_at, one.ended_at)]
        writer.writerow([*times, round(one.seconds, 1), one.ended_by, one.campaign, one.assignment_id])
    return file.getvalue()


def _locked(connection: Connection, rater_id: int, *, now: datetime) -> Row[Any]:
    """A rater's clock, locked; made where there is none, and then what it says of the past is nothing."""
    own = {"rater_id": rater_id}
    clock = connection.execute(_clock_query(), own).first()
    if clock is not None:
        return clock
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    fresh = {"rater_id": rater_id, "started_at": now, "last_at": _LONG_AGO, "seconds": 0.0, "unbroken_seconds": 0.0}
    connection.execute(dialect.insert(_clock).on_conflict_do_nothing(index_elements=["rater_id"]), fresh)
    return connection.execute(_clock_query(), own).one()


@cache
def _clock_query() -> Select[Any]:
    """The clock of `:rater_id`, locked."""
    return select(_clock).where(_clock.c.rater_id == bindparam("rater_id")).with_for_update()


def _since(connection: Connection, clock: Row[Any], assignment_id: int, *, now: datetime) -> tuple[float, bool]:
    """How much of the time since the last activity counts, and whether there was more than that.

    The first stretch on an assignment begins when it was leased.
    """
    if clock.paused_at is not None:
        return 0.0, True
    base = clock.last_at
    if clock.assignment_id is None:
        leased = connection.scalar(select(_assignment.c.leased_at).where(_assignment.c.id == assignment_id))
        base = max(base, leased or base)
    gap = max(0.0, (now - base).total_seconds())
    if gap <= IDLE_SECONDS:
        return gap, False
    bound = max(IDLE_SECONDS, _reading_seconds(connection, clock.assignment_id or assignment_id))
    return min(gap, bound), gap > bound


def _reading_seconds(connection: Connection, assignment_id: int) -> float:
    """How long reading the texts of an assignment takes, slowly."""
    comparison, completion, content = tables.comparison, tables.completion, tables.content
    here = select(_assignment.c.comparison_id).where(_assignment.c.id == assignment_id).scalar_subquery()
    prompt = select(comparison.c.prompt_hash).where(comparison.c.id == here)
    responses = select(completion.c.text_hash).where(completion.c.comparison_id == here)
    hashes = prompt.union_all(responses).subquery()
    lengths = select(func.coalesce(func.sum(func.length(content.c.body)), 0)).join(
        hashes, hashes.c[0] == content.c.hash
    )
    n_words = (connection.scalar(lengths) or 0) / CHARACTERS_A_WORD
    return n_words / READING_WORDS * 60.0


def _write(connection: Connection, clock: Row[Any], *, seconds: float, after: float, ended_by: str) -> None:
    """Put the stretch of a clock into the log; it ended `after` seconds after the last activity."""
    row = {
        "rater_id": clock.rater_id,
        "assignment_id": clock.assignment_id,
        "started_at": clock.started_at,
        "ended_at": clock.last_at + timedelta(seconds=after),
        "seconds": round(seconds, 3),
        "ended_by": ended_by,
    }
    connection.execute(insert(_time), row)


def _set(
    connection: Connection,
    clock: Row[Any],
    *,
    assignment_id: int | None,
    started_at: datetime,
    seconds: float,
    counted: float,
    now: datetime,
) -> None:
    """Set a clock after an activity."""
    idle = (now - clock.last_at).total_seconds() - counted
    before = clock.unbroken_seconds + counted
    after = counted if clock.assignment_id is None else 0.0  # what counts before a rest was worked before it
    unbroken = after if idle >= REST_SECONDS else before
    set_to = {
        "assignment_id": assignment_id,
        "started_at": started_at,
        "last_at": max(now, clock.last_at),
        "seconds": seconds,
        "unbroken_seconds": unbroken,
        "paused_at": None,
    }
    connection.execute(_set_statement(), {"own_id": clock.rater_id, **set_to})


@cache
def _set_statement() -> Update:
    """The clock of `:own_id` with new values."""
    return update(_clock).where(_clock.c.rater_id == bindparam("own_id"))
