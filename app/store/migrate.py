"""The schema's history (Alembic), run in process: no alembic.ini, no working directory to mind.

Only upgrading needs Alembic. To compare revisions, as every command does, the number in the database and the newest
file's are enough: loading Alembic and the whole history would take longer than most commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from app.errors import StoreError
from app.store.engine import Store

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def configuration(store: Store) -> Config:
    """Alembic's configuration for a store; the environment script takes the store from its attributes."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["store"] = store
    return config


def upgrade(store: Store) -> None:
    """Bring the schema to the newest revision; a database already there is left alone.

    Raises:
        StoreError: the database cannot be reached, or has a revision that this version of the code does not know.
    """
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(configuration(store), "head")
    except CommandError as error:
        raise StoreError(
            f"The database {store.url.render_as_string()} cannot be upgraded: {error}. "
            "A newer version of steelyard made it; install that version or restore a backup."
        ) from error


def current_revision(store: Store) -> str | None:
    """The revision of the database, None for an empty one."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(text("SELECT version_num FROM alembic_version"))


def newest_revision() -> str:
    """The revision that this version of the code expects: the files are named after theirs, in order."""
    return max(file.name for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py")).partition("_")[0]


def require_current(store: Store) -> None:
    """Check that the code and the database agree on the schema.

    Raises:
        StoreError: the database is older or newer than the code.
    """
    found, expected = current_revision(store), newest_revision()
    if found != expected:
        raise StoreError(
            f"The database {store.url.render_as_string()} has schema {found or '(none)'}, this version expects "
            f"{expected}. Run `steelyard db upgrade`."
        )
