"""What a format is, and the words in which a reader refuses a line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.domain import ImportedComparison, RefusedLine

ReadLine = ImportedComparison | RefusedLine
"""What a reader yields: a good line, or a bad one with its number and the reason."""

LIBRARY_EXTRA = "pip install 'steelyard[reward]'"
"""What brings the `datasets` library."""


@dataclass(frozen=True)
class Format:
    """One form of file that comparisons come in.

    Attributes:
        name: what `steelyard import --format` calls it.
        description: one line for help and error messages.
        detect: whether a file looks like this format; reads no more than its beginning.
        read: the file as a stream of comparisons and refused lines; memory does not grow with the file.
            Raises `InvalidInput` where the file as a whole cannot be read (a wrong CSV header, for example).
        write: comparisons to a file, returning how many; None for a format that only comes in.
    """

    name: str
    description: str
    detect: Callable[[Path], bool]
    read: Callable[[Path], Iterator[ReadLine]]
    write: Callable[[Path, Iterable[ImportedComparison]], int] | None = None


class Refusal(Exception):
    """A value in a line is not acceptable; becomes a `RefusedLine` once the line number is known."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def inside(self, parent: str) -> Refusal:
        """The same refusal, its field named from one level further out."""
        if not self.field or self.field.startswith("["):
            return Refusal(parent + self.field, self.reason)
        return Refusal(f"{parent}.{self.field}", self.reason)

    def at(self, line: int) -> RefusedLine:
        """The refusal with its line number."""
        return RefusedLine(line, self.field, self.reason)


def shown_value(value: object) -> str:
    """A value for an error message, cut to a length that a terminal can bear."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def kind_of(value: object) -> str:
    """The JSON name of a value's type, for error messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"a {type(value).__name__}"


def suggestion(word: object, known: Iterable[str]) -> str:
    """` (did you mean x?)`, or the list of what is known when nothing comes near."""
    words = [str(one) for one in known]
    near = difflib.get_close_matches(str(word), words, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(words))}"


def refuse_unknown_fields(row: dict[str, object], known: frozenset[str]) -> None:
    """Refuse the first field that the format does not know, with a suggestion.

    Raises:
        Refusal: a field is unknown.
    """
    for name in row:
        if name not in known:
            raise Refusal(str(name), f"unknown field; {suggestion(name, known)}")
