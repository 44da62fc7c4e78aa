"""Every format by name. A format is one file in this package and one line here; contract tests run over the dict."""

from __future__ import annotations

from pathlib import Path

from app.errors import InvalidInput
from app.formats import csv_pairs, hh, hub, native, trl
from app.formats.base import Format

FORMATS: dict[str, Format] = {
    known.name: known for known in (native.FORMAT, hh.FORMAT, trl.FORMAT, csv_pairs.FORMAT, hub.FORMAT)
}
"""In the order in which `detect_format` asks."""


def detect_format(path: Path | str) -> str:
    """The name of the first format that a file looks like.

    Raises:
        InvalidInput: there is no such file, or no format knows it; the message lists the formats.
    """
    place = Path(path)
    for known in FORMATS.values():
        if known.detect(place):
            return known.name
    if not place.exists():
        raise InvalidInput(f"There is no file or directory {path}.")
    formats = "; ".join(f"{known.name} ({known.description})" for known in FORMATS.values())
    raise InvalidInput(f"{path} looks like none of the formats: {formats}. Name one with --format if you know it.")


def format_named(name: str) -> Format:
    """A format by its name.

    Raises:
        InvalidInput: there is no such format; the message lists the names.
    """
    if name not in FORMATS:
        raise InvalidInput(f"There is no format {name!r}; known are {', '.join(FORMATS)}.")
    return FORMATS[name]
