"""The database as a whole: open, upgrade, check, back up, restore."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, ColumnElement, and_, exists, func, not_, select, text, true

from app.domain import AssignmentState, ItemState
from app.errors import StoreError
from app.services.lookup import round_of
from app.services.queueing import counted_places, recount
from app.settings import Settings
from app.store import tables
from app.store.engine import Store, batched
from app.store.migrate import current_revision, newest_revision, require_current, upgrade
from app.store.visibility import visible

__all__ = ["Store", "back_up", "check", "open_store", "restore", "upgrade_database"]

DECIDES_FROM = "0007"
"""The revision from which rounds decide when a comparison has votes enough."""


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
    if before is not None and before < DECIDES_FROM:
        decide_complete(store)
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
    n_left = sum(len(some) for some in _complete(store).values())
    if n_left:
        problems.append(f"{n_left} comparisons have all their votes and no decision; --repair decides them")
        if repair:
            decide_complete(store)
            problems[-1] = f"{n_left} comparisons had all their votes and no decision, and were decided"
    return problems


def decide_complete(store: Store) -> None:
    """Let the rounds decide about comparisons that had all their votes before rounds decided anything."""
    from app.services.collecting import CHUNK, decide_again  # with statistics behind it that opening needs not

    for round_id, comparison_ids in _complete(store).items():
        for some in batched(comparison_ids, CHUNK):
            with store.write() as connection:
                row = connection.execute(select(tables.round_).where(tables.round_.c.id == round_id)).one()
                decide_again(connection, round_of(row), some)


def _complete(store: Store) -> dict[int, list[int]]:
    """Round -> comparisons that still collect, though every place is taken by a vote that was handed in."""
    item, assignment = tables.queue_item, tables.assignment
    is_held = exists().where(
        assignment.c.round_id == item.c.round_id,
        assignment.c.comparison_id == item.c.comparison_id,
        assignment.c.takes_place,
        assignment.c.state == AssignmentState.OPEN.value,
    )
    query = (
        select(item.c.round_id, item.c.comparison_id)
        .distinct()
        .where(
            item.c.state == ItemState.COLLECTING.value,
            ~item.c.is_open,
            item.c.n_taken > 0,
            item.c.n_taken >= item.c.n_slots,
            ~is_held,
        )
        .order_by(item.c.round_id, item.c.comparison_id)
    )
    found: dict[int, list[int]] = {}
    with store.read() as connection:
        for row in connection.execute(query):
            found.setdefault(row.round_id, []).append(row.comparison_id)
    return found


def _structure_problems(store: Store) -> Iterator[str]:
    with store.read() as connection:
        for row in connection.exec_driver_sql("PRAGMA integrity_check"):
            if row[0] != "ok":
                yield f"the file is damaged: {row[0]}; restore a backup"
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is not there"


def _counter_is_wrong() -> ColumnElement[bool]:
    """Whether a queue item's counter differs from the facts; those of an unfinished import are not there yet."""
    item, comparison = tables.queue_item, tables.comparison
    unfinished = select(comparison.c.id).where(not_(visible(comparison.c.batch_id)))
    return and_(item.c.comparison_id.not_in(unfinished), item.c.n_taken != counted_places())


def back_up(store: Store, file: Path) -> None:
    """Write a consistent copy of the database while people work on: a SQLite file, or a `pg_dump` archive.

    Raises:
        StoreError: the file exists already, the copy failed, or `pg_dump` is not installed or failed.
    """
    if file.exists():
        raise StoreError(f"{file} exists already: name a new file, a backup never replaces another.")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        if store.is_sqlite:
            _copy_sqlite(Path(str(store.url.database)), partial)
        else:
            _postgres_tool(store, "pg_dump", "--format=custom", f"--file={partial}", f"--dbname={_public_url(store)}")
        _sync(partial)
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)


def _copy_sqlite(place: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(place)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise StoreError(f"{place} could not be copied to {copy}: {error}.") from error


def restore(chosen: Settings, file: Path, *, replace: bool = False) -> None:
    """Bring a backup back in place of the database that the settings name.

    Cut short at any moment, the old database is there as it was; run it again.

    Args:
        chosen: the settings.
        file: what `back_up` wrote.
        replace: whether a database that holds something, or is damaged, may be replaced.

    Raises:
        StoreError: the file is no backup of this kind of database, the database is not empty or in use, or
            `pg_restore` failed.
    """
    if not file.is_file():
        raise StoreError(f"There is no backup {file}.")
    store = Store(chosen.database_url)
    try:
        if not replace and current_revision(store) is not None:
            raise StoreError("The database is not empty: add --replace to put the backup in its place.")
    finally:
        store.close()
    if store.is_sqlite:
        _restore_sqlite(Path(str(store.url.database)), file)
    else:
        _restore_postgres(store, file)


def _restore_sqlite(place: Path, file: Path) -> None:
    """Copy beside the place, then swap; the log of the old database is emptied before, or it would be replayed."""
    _check_sqlite_backup(file)
    partial = place.with_name(place.name + ".restoring")
    shutil.copyfile(file, partial)
    _sync(partial)
    _empty_log(place)
    for leftover in ("-wal", "-shm"):
        place.with_name(place.name + leftover).unlink(missing_ok=True)
    partial.replace(place)
    _sync(place.parent)


def _check_sqlite_backup(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{file} is not a backup of a Steelyard database: {error}.") from error
    if found is None:
        raise StoreError(f"{file} holds no Steelyard database.")
    if damage != "ok":
        raise StoreError(f"{file} is damaged: {damage}.")


def _empty_log(place: Path) -> None:
    """Move what the log holds into the file, which only works while nobody else has the database open."""
    try:
        with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise StoreError(f"{place} is in use ({error}): stop the server and the workers first.") from error
    except sqlite3.DatabaseError:
        return  # too damaged to be opened: there is nothing to keep


SET_ASIDE = "steelyard_before_restore"
"""The schema that keeps the old tables of a PostgreSQL database until the restored ones are complete."""


def _restore_postgres(store: Store, file: Path) -> None:
    listing = _postgres_tool(store, "pg_restore", "--list", str(file))
    if "alembic_version" not in listing:
        raise StoreError(f"{file} holds no Steelyard database.")
    _set_aside(store)
    try:
        options = ("--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={_public_url(store)}")
        _postgres_tool(store, "pg_restore", *options, str(file))
    except StoreError:
        _take_back(store)
        raise
    with store.write() as connection:
        connection.execute(text(f"DROP SCHEMA {SET_ASIDE} CASCADE"))
    store.close()


def _set_aside(store: Store) -> None:
    """Rename the schema of the old tables; one that an interrupted restore set aside holds them already."""
    with store.write() as connection:
        if connection.scalar(text(f"SELECT to_regnamespace('{SET_ASIDE}') IS NOT NULL")):
            connection.execute(text("DROP SCHEMA public CASCADE"))
        else:
            connection.execute(text(f"ALTER SCHEMA public RENAME TO {SET_ASIDE}"))
        connection.execute(text("CREATE SCHEMA public"))


def _take_back(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text(f"ALTER SCHEMA {SET_ASIDE} RENAME TO public"))


def _public_url(store: Store) -> str:
    """The URL without its password, which everybody on the machine could read among the arguments."""
    url = store.url
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query).render_as_string()


def _postgres_tool(store: Store, tool: str, *arguments: str) -> str:
    """Run one of PostgreSQL's client programs; returns its standard output."""
    if shutil.which(tool) is None:
        raise StoreError(f"{tool} is not on the PATH: install PostgreSQL's client programs of the server's version.")
    password = {"PGPASSWORD": str(store.url.password)} if store.url.password else {}
    done = subprocess.run(
        [tool, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **password}
    )
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise StoreError(f"{tool} failed: {reason.removeprefix(f'{tool}: error: ')}")
    return done.stdout


def _sync(file: Path) -> None:
    opened = os.open(file, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
