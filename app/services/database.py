"""The database as a whole: open, upgrade, check, back up, restore."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import ColumnElement, and_, func, not_, select, text, true

from app.domain import AssignmentState
from app.errors import StoreError
from app.services.assigning import recount
from app.settings import Settings
from app.store import tables
from app.store.engine import Store
from app.store.migrate import current_revision, newest_revision, require_current, upgrade

__all__ = ["Store", "back_up", "check", "open_store", "restore", "upgrade_database"]


def open_store(chosen: Settings, *, create: bool = True) -> Store:
    """The store that the settings name, its schema current.

    A new, empty database is given its schema where `create` says so; an older one is never upgraded in passing.

    Raises:
        StoreError: the database is unreachable, or its schema is not the one that this version expects.
    """
    store = Store(chosen.database_url)
    if create and current_revision(store) is None:
        upgrade(store)
    require_current(store)
    return store


def upgrade_database(chosen: Settings) -> tuple[str | None, str]:
    """Bring the schema to the newest revision; returns the revision before and after."""
    store = Store(chosen.database_url)
    before = current_revision(store)
    upgrade(store)
    store.close()
    return before, newest_revision()


def check(store: Store, *, repair: bool = False) -> list[str]:
    """Look for damage: the file's structure, dangling references, and queue counters that differ from the facts.

    Args:
        store: the database.
        repair: recount the queues from the facts where they differ.

    Returns:
        One sentence per problem; empty when all is well.
    """
    problems = list(_structure_problems(store)) if store.is_sqlite else []
    with store.read() as connection:
        n_wrong = connection.scalar(select(func.count()).select_from(tables.queue_item).where(_counter_is_wrong()))
    if n_wrong:
        problems.append(f"{n_wrong} queue counters differ from the assignments; `steelyard db check --repair` recounts")
        if repair:
            with store.write() as connection:
                recount(connection, chosen=true())
            problems[-1] = f"{n_wrong} queue counters differed from the assignments and were recounted"
    return problems


def _structure_problems(store: Store) -> Iterator[str]:
    with store.read() as connection:
        for row in connection.exec_driver_sql("PRAGMA integrity_check"):
            if row[0] != "ok":
                yield f"the file is damaged: {row[0]}; restore a backup"
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there"


def _counter_is_wrong() -> ColumnElement[bool]:
    item, assignment = tables.queue_item, tables.assignment
    n_taken = (
        select(func.count())
        .select_from(assignment)
        .where(
            assignment.c.comparison_id == item.c.comparison_id,
            assignment.c.round_id == item.c.round_id,
            assignment.c.takes_place,
            assignment.c.state.in_([AssignmentState.OPEN.value, AssignmentState.SUBMITTED.value]),
        )
        .scalar_subquery()
    )
    is_complete = select(tables.import_batch.c.id).where(tables.import_batch.c.completed_at.is_not(None))
    comparison = tables.comparison
    unfinished = select(comparison.c.id).where(
        comparison.c.batch_id.is_not(None), comparison.c.batch_id.not_in(is_complete)
    )
    return and_(not_(item.c.comparison_id.in_(unfinished)), item.c.n_taken != n_taken)


def back_up(store: Store, file: Path) -> None:
    """Write a consistent copy of the database while people work on: a SQLite file, or a `pg_dump` archive.

    Raises:
        StoreError: the file exists already, or `pg_dump` is not installed or failed.
    """
    if file.exists():
        raise StoreError(f"{file} exists already: name a new file, a backup never replaces another.")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    if store.is_sqlite:
        source = sqlite3.connect(str(store.url.database))
        target = sqlite3.connect(partial)
        with source, target:
            source.backup(target)
        target.close()
        source.close()
    else:
        _postgres_tool(store, "pg_dump", "--format=custom", f"--file={partial}")
    _sync(partial)
    partial.rename(file)


def restore(chosen: Settings, file: Path, *, replace: bool = False) -> None:
    """Bring a backup back in place of the database that the settings name.

    Args:
        chosen: the settings.
        file: what `back_up` wrote.
        replace: whether a database that holds something may be replaced.

    Raises:
        StoreError: the file is no backup of this kind of database, the database is not empty, or `pg_restore` failed.
    """
    if not file.is_file():
        raise StoreError(f"There is no backup {file}.")
    store = Store(chosen.database_url)
    if current_revision(store) is not None and not replace:
        raise StoreError("The database is not empty: add --replace to put the backup in its place.")
    if store.is_sqlite:
        _check_sqlite_backup(file)
        store.close()
        place = Path(str(store.url.database))
        partial = place.with_name(place.name + ".restoring")
        shutil.copyfile(file, partial)
        _sync(partial)
        for leftover in ("-wal", "-shm"):
            place.with_name(place.name + leftover).unlink(missing_ok=True)
        partial.replace(place)
    else:
        with store.write() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        _postgres_tool(
            store, "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={_postgres_url(store)}", str(file)
        )
        store.close()


def _check_sqlite_backup(file: Path) -> None:
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.close()
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{file} is not a backup of a Steelyard database: {error}.") from error
    if found is None:
        raise StoreError(f"{file} holds no Steelyard database.")


def _postgres_url(store: Store) -> str:
    return store.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _postgres_tool(store: Store, tool: str, *arguments: str) -> None:
    if shutil.which(tool) is None:
        raise StoreError(f"{tool} is not installed: install PostgreSQL's client programs of the server's version.")
    database = [] if tool == "pg_restore" else [_postgres_url(store)]
    done = subprocess.run([tool, *arguments, *database], capture_output=True, text=True, check=False)
    if done.returncode:
        raise StoreError(f"{tool} failed: {done.stderr.strip().splitlines()[-1] if done.stderr else done.returncode}")


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
