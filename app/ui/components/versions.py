"""Rubric versions in lists."""

from __future__ import annotations

from app.services import rubric_versions
from app.services.rubric_versions import Version
from app.ui.components.time import show_time
from app.ui.session import get_store

NOTICE = "rubrics-notice"
"""What the page of versions says once: where a version or a round was made."""


def version_words(version: Version) -> str:
    """A version in a list: key, beginning of the hash, when it was published."""
    return f"{version.rubric.key} {version.version[:12]}, {show_time(version.published_at)}"


def all_versions() -> list[Version]:
    """Every published version, the newest first."""
    everything = rubric_versions.list_versions(get_store())
    found = [version for versions in everything.values() for version in versions]
    return sorted(found, key=lambda one: one.published_at, reverse=True)
