"""A JSON array of objects, streamed: one element in memory at a time, each with the line on which it begins."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from app.formats.base import Refusal, kind_of
from app.formats.lines import (
    DAMAGED,
    DECODER,
    MAX_LINE_BYTES,
    Row,
    open_bytes,
    refuse_deep,
    refuse_unstorable,
    refused_archive,
    refused_encoding,
)

_CHUNK = 1 << 18


class _BadElement(Refusal):
    """An element that is read to its end but cannot be used; the next one can."""


class _Text:
    """The text of a file as far as it was read: what is ahead, and the line where that begins."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._n_bytes = 0
        self._buffer = ""
        self._start = 0
        self.line = 1
        self.at_end = False

    @property
    def n_ahead(self) -> int:
        """How many characters are ahead."""
        return len(self._buffer) - self._start

    def peek(self, n_characters: int = 1) -> str:
        """The next characters, without stepping over them."""
        return self._buffer[self._start : self._start + n_characters]

    def read_more(self) -> None:
        """Read another chunk.

        Raises:
            Refusal: it is not UTF-8.
        """
        chunk = self._file.read(max(_CHUNK, self.n_ahead))
        self.at_end = not chunk
        try:
            self._buffer = self._buffer[self._start :] + self._decoder.decode(chunk, final=self.at_end)
        except UnicodeDecodeError as error:
            place = self._n_bytes + error.start
            reason = f"byte 0x{error.object[error.start]:02x} near offset {place} is not UTF-8; save the file as UTF-8"
            raise Refusal("", f"{reason}; nothing behind it is read") from None
        self._start = 0
        self._n_bytes += len(chunk)

    def decode_next(self) -> Any:
        """The JSON value ahead, stepped over.

        Raises:
            ValueError: what is ahead is none, or not all of it has been read.
            RecursionError: it is nested too deeply.
            Refusal: it has a field twice, or a number that is none.
        """
        value, end = DECODER.raw_decode(self._buffer, self._start)
        self.pass_over(end - self._start)
        return value

    def pass_over(self, n_characters: int) -> None:
        """Step over so many characters, counting lines."""
        end = self._start + n_characters
        self.line += self._buffer.count("\n", self._start, end)
        self._start = end

    def pass_blanks(self) -> None:
        """Step over white space, reading on where needed."""
        while True:
            while self.n_ahead and self.peek() in " \t\r\n":
                self.pass_over(1)
            if self.n_ahead or self.at_end:
                return
            self.read_more()


def array_rows(path: Path) -> Iterator[Row]:
    """The objects of a JSON array with the lines on which they begin.

    What follows a syntax error inside an array cannot be told apart, so the reading ends there, with a refusal.
    """
    if (refused := refused_encoding(path)) is not None:
        yield 1, refused
        return
    line = 0
    try:
        with open_bytes(path) as file:
            for line, row in _elements(_Text(file)):
                yield line, row
    except DAMAGED as error:
        yield line + 1, refused_archive(line, error)


def _elements(text: _Text) -> Iterator[Row]:
    try:
        text.pass_blanks()
        text.pass_over(1)
        text.pass_blanks()
        while text.peek() != "]":
            line = text.line
            try:
                yield line, _next_object(text)
            except _BadElement as refusal:
                yield line, refusal.at(line)
            _pass_comma(text)
    except Refusal as refusal:
        yield text.line, refusal.at(text.line)


def _next_object(text: _Text) -> dict[str, Any]:
    while True:
        try:
            row = text.decode_next()
        except (ValueError, RecursionError) as error:
            if text.at_end or text.n_ahead > MAX_LINE_BYTES:
                problem = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                raise Refusal("", f"not JSON: {problem}; what follows in the array is not read") from None
            text.read_more()
            continue
        except Refusal as refusal:
            raise Refusal(refusal.field, f"{refusal.reason} (what follows in the array is not read)") from None
        return _checked(row)


def _checked(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise _BadElement("", f"each element must be an object, this one is {kind_of(row)}")
    try:
        refuse_deep(row)
        refuse_unstorable(row, "")
    except Refusal as refusal:
        raise _BadElement(refusal.field, refusal.reason) from None
    return row


def _pass_comma(text: _Text) -> None:
    """Step over the comma behind an element, up to the next one.

    Raises:
        Refusal: there is neither a comma nor the end of the array.
    """
    text.pass_blanks()
    if text.peek() == ",":
        text.pass_over(1)
        text.pass_blanks()
    elif text.peek() != "]":
        found = repr(text.peek(20)) if text.n_ahead else "the end of the file"
        raise Refusal("", f"not JSON: expected a comma or ] and found {found}; what follows in the array is not read")
