"""Connections: SQLite (a file, or in memory for tests) and PostgreSQL behind one small class."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from app.errors import StoreError
from app.store.gathering import Gathering
from app.store.tables import metadata

BUSY_TIMEOUT_MS = 60_000
CHECKPOINT_PAGES, CHECKPOINT_PAGES_UNFLUSHED = 1_000, 16_384
"""SQLite's log is copied into the database when it has grown so far. An import changes the same pages of its indexes
again and again, and copies them once in 64 MiB; a rater's change never waits for that much."""

IN_LIST = 10_000
"""The longest IN list of a statement: SQLite takes 32,766 parameters, PostgreSQL 65,535."""

_IS_READ = "steelyard_is_read"
_T = TypeVar("_T")


def batched(values: Sequence[_T], size: int = IN_LIST) -> Iterator[Sequence[_T]]:
    """Values in pieces that fit an IN list; nothing for no values."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


class Store:
    """A database, with one way to read and one way to write.

    `write()` is one transaction: on SQLite it takes the write lock at once (`BEGIN IMMEDIATE`), because a deferred
    transaction that upgrades later fails with "database is locked" under concurrency. What `write()` committed is on
    disk (`synchronous=FULL`). `read()` sees one consistent state. Writers of one process take turns before they ask for
    SQLite's lock: its own waiting polls, is unfair, and lets one of many starve until its timeout.
    """

    def __init__(self, url: str, *, pool_size: int = 16) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 64, "pool_timeout": 60}
        if not self.is_sqlite:
            options["pool_pre_ping"] = True
        self.engine: Engine = create_engine(self.url, **options)
        self._reader = self.engine.execution_options(**{_IS_READ: True})
        self._turn: AbstractContextManager[Any] = Lock() if self.is_sqlite else nullcontext()
        self._gathering = Gathering(self.engine, self._turn)
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
        else:
            self._reader = self._reader.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def write(self, *, is_flushed: bool = True) -> Iterator[Connection]:
        """One read-write transaction, committed on a normal exit and rolled back on an error.

        Args:
            is_flushed: whether the commit waits for the disk. One that does not may be undone when the machine fails,
                until the next that does has flushed it, too: for what nobody is told of before that one, such as the
                chunks of an import before its batch is complete.

        Raises:
            StoreError: the database cannot be reached or is locked for longer than the busy timeout.
        """
        with (
            self._reachable(),
            self._turn,
            self.engine.connect() as connection,
            connection.begin() if is_flushed else self._unflushed(connection),
        ):
            yield connection

    @contextmanager
    def _unflushed(self, connection: Connection) -> Iterator[None]:
        """A transaction whose commit does not wait for the disk."""
        if not self.is_sqlite:
            with connection.begin():
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                yield
            return
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA synchronous=NORMAL")  # before it begins: within a transaction this is refused
        driver.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES_UNFLUSHED}")
        try:
            with connection.begin():
                yield
        finally:
            try:
                driver.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
                driver.execute("PRAGMA synchronous=FULL")
            except sqlite3.Error as error:  # its transaction could not even be rolled back: nobody gets it again
                connection.invalidate(error)

    def write_together(self, work: Callable[[Connection], _T]) -> _T:
        """What `write` does, for short work that many do at once: drafts, clocks.

        A SQLite file has one writer, and each commit waits for the disk: with a hundred raters nearly all of the time
        would go into standing in line for that. Here all that has gathered is committed at once. PostgreSQL does
        this by itself.

        Args:
            work: what to do in the transaction; it may run in another thread, and must not open one of its own.

        Raises:
            StoreError: as `write`.
            Exception: what the work raised; nothing of it is stored, and the work of others is.
        """
        if not self.is_sqlite:
            with self.write() as connection:
                return work(connection)
        with self._reachable():
            return self._gathering.do(work)

    @contextmanager
    def read(self, *, settled: bool = False) -> Iterator[Connection]:
        """One read-only view of a single state of the database.

        Args:
            settled: for whoever names the state by its last event. PostgreSQL gives out event numbers before it
                commits, so that a view can hold event 8 while event 7 is still to come; a settled view waits for
                the writers under way (and lets no new one begin until then): what it lacks comes after what it has.
                On SQLite, with its one writer, every view is settled.
        """
        with self._reachable(), self._reader.connect() as connection:
            if settled and not self.is_sqlite:
                with self.engine.begin() as barrier:
                    barrier.exec_driver_sql("LOCK TABLE event IN SHARE MODE")
                    connection.exec_driver_sql("SELECT 1")  # from here on the view is fixed
            yield connection

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if type(error) not in (OperationalError, DatabaseError):
                raise
            shown = self.url.render_as_string(hide_password=True)
            raise StoreError(f"The database {shown} did not do it: {error.orig}. See `steelyard db check`.") from error

    def refresh_statistics(self, *, roughly: bool = False) -> None:
        """Let PostgreSQL's planner know how large the tables have become; without this it scans what it could look up.

        SQLite plans well without, and is left alone.

        Args:
            roughly: from a tenth of the usual sample, for tables that go on growing: their sizes are what matters.
        """
        if not self.is_sqlite:
            with self.write() as connection:
                if roughly:
                    connection.exec_driver_sql("SET LOCAL default_statistics_target = 10")
                connection.exec_driver_sql(f"ANALYZE {', '.join(metadata.tables)}")  # ours, not the server's own

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: we say BEGIN below
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",  # first: switching to WAL may itself have to wait
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-65536",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        is_read = connection.get_execution_options().get(_IS_READ, False)
        connection.exec_driver_sql("BEGIN" if is_read else "BEGIN IMMEDIATE")
