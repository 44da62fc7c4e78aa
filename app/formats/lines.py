"""JSON Lines as numbered objects, streamed, so that memory does not grow with the file.

A line that cannot be read is a `RefusedLine`; the reading goes on behind it.
"""

from __future__ import annotations

import codecs
import gzip
import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from app.domain import RefusedLine
from app.errors import InvalidInput
from app.formats.base import Refusal, kind_of

MAX_LINE_BYTES = 32 * 1024 * 1024
"""A longer line is refused without being held in memory."""

DEEPEST = 100
"""Lists and objects in one another, at most: what databases and libraries take differs, and nobody reads that."""

Row = tuple[int, dict[str, Any] | RefusedLine]
"""A line number with its object, or with the reason why there is none."""

_CHUNK = 1 << 20

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a damaged gzip file raises."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different; JSON leaves two alike undefined, so they are refused."""
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Refusal(key, "the field stands twice in one object; keep one")
            seen.add(key)
    return made


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Refusal("", f"the number {text} is too large for any column; correct it")
    return number


def _refuse_constant(text: str) -> float:
    raise Refusal("", f"{text} is not JSON; write null or leave the field out")


DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_float=_finite, parse_constant=_refuse_constant)


def parse_object(text: str) -> dict[str, Any]:
    """One JSON object from text.

    Raises:
        Refusal: not JSON, not an object, a field twice, NaN or Infinity, a text that no database can store.
    """
    try:
        row = DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Refusal("", f"not JSON: {error.msg} at column {error.colno}; one object a line") from None
    except ValueError as error:
        raise Refusal("", f"not JSON that can be read: {error}") from None
    except RecursionError:
        raise Refusal("", "not JSON that can be read: nested too deeply") from None
    if not isinstance(row, dict):
        raise Refusal("", f"each line must be an object, this one is {kind_of(row)}")
    if text.count("[") + text.count("{") > DEEPEST:
        refuse_deep(row)
    if "\\u" in text:
        refuse_unstorable(row, "")
    return row


def refuse_deep(value: Any) -> None:
    """Refuse what is nested deeper than `DEEPEST`.

    Raises:
        Refusal: without a field, because a field that deep has no name to read.
    """
    if _is_deeper(value, DEEPEST):
        raise Refusal("", f"nested more than {DEEPEST} levels deep; give what is inside as text")


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects stand in one another more often than this."""
    if not isinstance(value, dict | list):
        return False
    within = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in within)


def refuse_unstorable(value: Any, field: str) -> None:
    """Refuse characters that no database stores: NUL, and halves of surrogate pairs.

    Raises:
        Refusal: with the field in which the character stands.
    """
    if isinstance(value, str):
        if "\0" in value:
            raise Refusal(field, f"has a NUL character at {value.index(chr(0))}; remove it")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Refusal(field, f"has half a surrogate pair at character {error.start}; remove it") from None
    elif isinstance(value, dict):
        for key, inner in value.items():
            refuse_unstorable(key, field)
            refuse_unstorable(inner, f"{field}.{key}" if field else key)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            refuse_unstorable(inner, f"{field}[{position}]")


def open_bytes(path: Path) -> BinaryIO:
    """A file's bytes, unpacked where it is gzip."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb")


def wide_encoding(path: Path) -> str | None:
    """The name of a wide encoding that the file's first bytes betray, or None."""
    try:
        with open_bytes(path) as file:
            start = file.read(4)
    except DAMAGED:
        return None
    if b"\0\0" in start:
        return "UTF-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or 0 in start[:2]:
        return "UTF-16"
    return None


def refused_encoding(path: Path) -> RefusedLine | None:
    """The refusal of a whole file in a wide encoding, or None for one that may be UTF-8."""
    name = wide_encoding(path)
    if name is None:
        return None
    remedy = f"save it as UTF-8, for example: iconv -f {name} -t UTF-8 {path.name} > utf8-{path.name}"
    return RefusedLine(1, "", f"the file is {name} from byte 0 on, not UTF-8; {remedy}")


def decode_line(raw: bytes, offset: int) -> str:
    """The text of a line.

    Args:
        raw: the bytes of the line.
        offset: where the line starts in the file, for the message.

    Raises:
        Refusal: not UTF-8, with the byte offset and the remedy.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = offset + error.start
        byte = raw[error.start]
        remedy = "save the file as UTF-8, for example: iconv -f LATIN1 -t UTF-8 FILE > NEW"
        raise Refusal("", f"byte 0x{byte:02x} at offset {place} is not UTF-8; {remedy}") from None


def _skip_line(file: Any) -> int:
    """Read to the end of a line that is too long; returns the bytes passed."""
    n_bytes = 0
    while chunk := file.readline(_CHUNK):
        n_bytes += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return n_bytes


def json_lines(path: Path) -> Iterator[Row]:
    """The objects of a JSON Lines file with their line numbers; blank lines are passed over.

    UTF-8 with or without a byte order mark. A file in UTF-16 is one refusal, at line 1.
    """
    if (refused := refused_encoding(path)) is not None:
        yield 1, refused
        return
    line = 0
    try:
        for line, row in _json_lines(path):
            yield line, row
    except DAMAGED as error:
        yield line + 1, refused_archive(line, error)


def refused_archive(line: int, error: Exception) -> RefusedLine:
    """The refusal of what is left of a gzip file that is damaged behind a line."""
    return RefusedLine(line + 1, "", f"the gzip file is damaged or cut off here ({error}); fetch it again")


def _json_lines(path: Path) -> Iterator[Row]:
    with open_bytes(path) as file:
        offset = 0
        line = 0
        while raw := file.readline(MAX_LINE_BYTES):
            line += 1
            start = offset
            offset += len(raw)
            if len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
                n_bytes = len(raw) + _skip_line(file)
                offset = start + n_bytes
                yield line, RefusedLine(line, "", f"{n_bytes} bytes long; at most {MAX_LINE_BYTES} a line")
                continue
            if line == 1 and raw.startswith(codecs.BOM_UTF8):
                start += len(codecs.BOM_UTF8)
                raw = raw[len(codecs.BOM_UTF8) :]
            try:
                text = decode_line(raw, start)
                if text.isspace() or not text:
                    continue
                row = parse_object(text)
            except Refusal as refusal:
                yield line, refusal.at(line)
            else:
                yield line, row


def existing_file(path: Path) -> Path:
    """The path, if it is a file.

    Raises:
        InvalidInput: there is no such file.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    return path


def suffix_of(path: Path) -> str:
    """The suffix of a file's name in lower case, `.gz` aside."""
    name = Path(path.stem) if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()
