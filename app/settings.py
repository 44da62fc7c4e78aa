"""Frozen settings, read once from STEELYARD_* environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from app.errors import InvalidInput

_OIDC = (
    "STEELYARD_OIDC_CLIENT_ID",
    "STEELYARD_OIDC_CLIENT_SECRET",
    "STEELYARD_OIDC_METADATA_URL",
    "STEELYARD_OIDC_COOKIE_SECRET",
)


_ASSISTANT = ("STEELYARD_ASSISTANT_URL", "STEELYARD_ASSISTANT_MODEL", "STEELYARD_ASSISTANT_KEY")


@dataclass(frozen=True)
class Oidc:
    """An identity provider with which people log in, beside passwords (STEELYARD_OIDC_*).

    People are found by their verified e-mail address, which is the name of their account.

    Attributes:
        client_id: STEELYARD_OIDC_CLIENT_ID.
        client_secret: STEELYARD_OIDC_CLIENT_SECRET.
        metadata_url: the provider's `.well-known/openid-configuration` (STEELYARD_OIDC_METADATA_URL).
        cookie_secret: signs the provider's cookie; the same on every server (STEELYARD_OIDC_COOKIE_SECRET).
    """

    client_id: str
    client_secret: str
    metadata_url: str
    cookie_secret: str


@dataclass(frozen=True)
class Assistant:
    """A language model behind an OpenAI-compatible endpoint, on this machine or elsewhere (STEELYARD_ASSISTANT_*).

    Only the server talks to it, and only when somebody asks for a draft.

    Attributes:
        url: the base address, as in http://127.0.0.1:8080/v1 (STEELYARD_ASSISTANT_URL).
        model: the name that the endpoint knows it by (STEELYARD_ASSISTANT_MODEL).
        key: sent as a bearer token; empty for none (STEELYARD_ASSISTANT_KEY).
    """

    url: str
    model: str
    key: str = field(default="", repr=False)


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
        public_url: the address that people type, where a proxy stands in front (STEELYARD_PUBLIC_URL, empty by
            default); with https it makes cookies Secure, and only its host is served.
        oidc: an identity provider, None by default.
        assistant: a language model that drafts rubrics, None by default.
    """

    data_directory: Path
    database_url: str
    queue_url: str
    public_url: str = ""
    oidc: Oidc | None = None
    assistant: Assistant | None = None

    @property
    def is_https(self) -> bool:
        """Whether people reach the server by https."""
        return self.public_url.startswith("https://")

    @property
    def public_host(self) -> str:
        """The host of the public URL, empty where none is set."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def queue_file(self) -> Path:
        """The SQLite file in which jobs wait when no Redis is named."""
        return self.data_directory / "queue.db"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from an environment; unset and empty variables take the defaults.

    Raises:
        InvalidInput: a STEELYARD_ variable that no setting reads (a typo), or a database URL of an unknown kind.
    """
    known = {
        "STEELYARD_DATA_DIRECTORY",
        "STEELYARD_DATABASE_URL",
        "STEELYARD_QUEUE_URL",
        "STEELYARD_PUBLIC_URL",
        *_OIDC,
        *_ASSISTANT,
    }
    reserved = ("STEELYARD_TEST_", "STEELYARD_SKIP_")
    for name in environment:
        if name.startswith("STEELYARD_") and name not in known and not name.startswith(reserved):
            raise InvalidInput(f"Unknown setting {name}; the settings are {', '.join(sorted(known))}.")
    data_directory = Path(environment.get("STEELYARD_DATA_DIRECTORY") or "steelyard-data").absolute()
    database_url = environment.get("STEELYARD_DATABASE_URL") or f"sqlite:///{data_directory / 'steelyard.db'}"
    if not database_url.startswith(("sqlite:", "postgresql+psycopg:")):
        kind = database_url.partition(":")[0]  # the rest may hold a password
        raise InvalidInput(
            f"STEELYARD_DATABASE_URL is of kind {kind!r}; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        )
    public_url = environment.get("STEELYARD_PUBLIC_URL", "").rstrip("/")
    if public_url and not re.fullmatch(r"https?://[^/\s]+", public_url):
        raise InvalidInput(f"STEELYARD_PUBLIC_URL is {public_url!r}; use https://HOST, without a path.")
    oidc = _read_oidc(environment, public_url=public_url)
    queue_url, assistant = environment.get("STEELYARD_QUEUE_URL", ""), _read_assistant(environment)
    return Settings(data_directory, database_url, queue_url, public_url, oidc, assistant)


def _read_oidc(environment: Mapping[str, str], *, public_url: str) -> Oidc | None:
    """The identity provider: all of its variables are set, or none is."""
    given = {name: environment.get(name, "") for name in _OIDC}
    if not any(given.values()):
        return None
    absent = [name for name, value in {**given, "STEELYARD_PUBLIC_URL": public_url}.items() if not value]
    if absent:
        raise InvalidInput(f"Log-in with an identity provider also needs {', '.join(absent)}.")
    return Oidc(*given.values())


def _read_assistant(environment: Mapping[str, str]) -> Assistant | None:
    """The assistant: its address and its model are set, or nothing is."""
    url, model, key = (environment.get(name, "") for name in _ASSISTANT)
    if not (url or model or key):
        return None
    if not url or not model:
        raise InvalidInput("The assistant needs both STEELYARD_ASSISTANT_URL and STEELYARD_ASSISTANT_MODEL.")
    if not re.fullmatch(r"https?://[^\s]+", url):
        raise InvalidInput(f"STEELYARD_ASSISTANT_URL is {url!r}; use an address as in http://127.0.0.1:8080/v1.")
    if urlsplit(url).password is not None or urlsplit(url).username is not None:
        raise InvalidInput("STEELYARD_ASSISTANT_URL holds a name or password; give the key as STEELYARD_ASSISTANT_KEY.")
    key = key.strip()
    if not key.isascii() or not key.isprintable():
        raise InvalidInput("STEELYARD_ASSISTANT_KEY has a sign that no header can carry: copy the key again.")
    return Assistant(url.rstrip("/"), model, key)


@cache
def settings() -> Settings:
    """The settings of this process."""
    return read_settings(os.environ)
