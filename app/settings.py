"""Frozen settings, read once from STEELYARD_* environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.errors import InvalidInput


@dataclass(frozen=True)
class Settings:
    """Where things are and which services are used.

    Attributes:
        data_directory: databases, snapshots and models made by jobs (STEELYARD_DATA_DIRECTORY, default
            `steelyard-data` in the working directory).
        database_url: SQLAlchemy URL (STEELYARD_DATABASE_URL, default a SQLite file in the data directory;
            `postgresql+psycopg://user@host/name` for teams).
        queue_url: where jobs wait (STEELYARD_QUEUE_URL: empty for a SQLite file in the data directory,
            or `redis://...`).
    """

    data_directory: Path
    database_url: str
    queue_url: str

    @property
    def queue_file(self) -> Path:
        """The SQLite file in which jobs wait when no Redis is named."""
        return self.data_directory / "queue.db"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from an environment; unset variables take the defaults.

    Raises:
        InvalidInput: a STEELYARD_ variable that no setting reads (a typo), or a database URL of an unknown kind.
    """
    known = {"STEELYARD_DATA_DIRECTORY", "STEELYARD_DATABASE_URL", "STEELYARD_QUEUE_URL"}
    reserved = ("STEELYARD_TEST_", "STEELYARD_SKIP_")
    for name in environment:
        if name.startswith("STEELYARD_") and name not in known and not name.startswith(reserved):
            raise InvalidInput(f"Unknown setting {name}; the settings are {', '.join(sorted(known))}.")
    data_directory = Path(environment.get("STEELYARD_DATA_DIRECTORY", "steelyard-data")).absolute()
    database_url = environment.get("STEELYARD_DATABASE_URL", f"sqlite:///{data_directory / 'steelyard.db'}")
    if not database_url.startswith(("sqlite:", "postgresql+psycopg:")):
        raise InvalidInput(
            f"STEELYARD_DATABASE_URL is {database_url!r}; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        )
    return Settings(data_directory, database_url, environment.get("STEELYARD_QUEUE_URL", ""))


@cache
def settings() -> Settings:
    """The settings of this process."""
    return read_settings(os.environ)
