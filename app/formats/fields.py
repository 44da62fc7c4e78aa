"""Checks of single values, shared by the readers: each returns the value in its type or refuses it by field."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from app.formats.base import Refusal, kind_of, shown_value

MAX_TEXT_BYTES = 2 * 1024 * 1024
"""The longest prompt message, response or justification."""

MAX_NAME_LENGTH = 512
"""The longest id, name of a rater, round, criterion or model."""

MAX_INTEGER = 2**31 - 1
"""The largest integer that every database keeps in an integer column."""


def long_text(value: Any, field: str) -> str:
    """A text of at most `MAX_TEXT_BYTES`; it may be empty.

    Raises:
        Refusal: not text, or too long.
    """
    if type(value) is not str:
        raise Refusal(field, f"must be text, is {kind_of(value)}: {shown_value(value)}")
    if len(value) * 4 > MAX_TEXT_BYTES and (n_bytes := len(value.encode("utf-8", "surrogatepass"))) > MAX_TEXT_BYTES:
        raise Refusal(field, f"{n_bytes} bytes long; at most {MAX_TEXT_BYTES}: shorten it or leave the line out")
    return value


def name(value: Any, field: str) -> str:
    """A text that names something: not blank, not longer than `MAX_NAME_LENGTH`.

    Raises:
        Refusal: not text, blank, or too long.
    """
    if type(value) is not str:
        raise Refusal(field, f"must be text, is {kind_of(value)}: {shown_value(value)}; write it in quotes")
    if not value or value.isspace():
        raise Refusal(field, "is empty; give a name or leave the field out")
    if len(value) > MAX_NAME_LENGTH:
        raise Refusal(field, f"{len(value)} characters long; at most {MAX_NAME_LENGTH}")
    return value


def number(value: Any, field: str) -> float:
    """A finite number.

    Raises:
        Refusal: not a number, NaN, or infinite.
    """
    kind = type(value)
    if kind is not float and kind is not int:
        raise Refusal(field, f"must be a number, is {kind_of(value)}: {shown_value(value)}")
    try:
        made = float(value)
    except OverflowError:
        made = math.inf
    if not math.isfinite(made):
        raise Refusal(field, f"must be a finite number, is {shown_value(value)}")
    return made


def count(value: Any, field: str) -> int:
    """A whole number from 0 on; 2.0 counts as 2.

    Raises:
        Refusal: not a whole number, negative, or larger than `MAX_INTEGER`.
    """
    made = number(value, field)
    if made != int(made) or not 0 <= made <= MAX_INTEGER:
        raise Refusal(field, f"must be a whole number from 0 on, is {shown_value(value)}")
    return int(made)


def yes_or_no(value: Any, field: str) -> bool:
    """True or false.

    Raises:
        Refusal: anything else.
    """
    if type(value) is not bool:
        raise Refusal(field, f"must be true or false, is {shown_value(value)}")
    return value


def moment(value: Any, field: str) -> datetime:
    """A time with its zone, in UTC.

    Raises:
        Refusal: not an ISO 8601 time, or one without a zone.
    """
    if type(value) is not str:
        raise Refusal(field, f"must be a time such as 2026-01-31T10:00:00Z, is {kind_of(value)}: {shown_value(value)}")
    try:
        made = datetime.fromisoformat(value)
    except ValueError:
        raise Refusal(field, f"{shown_value(value)} is no time; write it like 2026-01-31T10:00:00Z") from None
    if made.tzinfo is None:
        raise Refusal(field, f"{shown_value(value)} has no zone; write UTC with a Z: 2026-01-31T10:00:00Z")
    try:
        return made.astimezone(UTC)
    except OverflowError:
        raise Refusal(field, f"{shown_value(value)} is outside the years 1 to 9999 in UTC") from None


def mapping(value: Any, field: str) -> dict[str, Any]:
    """An object.

    Raises:
        Refusal: anything else.
    """
    if type(value) is not dict:
        raise Refusal(field, f"must be an object, is {kind_of(value)}: {shown_value(value)}")
    return value


def items(value: Any, field: str) -> list[Any]:
    """A list.

    Raises:
        Refusal: anything else.
    """
    if type(value) is not list:
        raise Refusal(field, f"must be a list, is {kind_of(value)}: {shown_value(value)}")
    return value


def names(value: Any, field: str) -> tuple[str, ...]:
    """A list of names, none of them twice.

    Raises:
        Refusal: not a list, an entry that is no name, or one that stands twice.
    """
    made = tuple(name(one, f"{field}[{position}]") for position, one in enumerate(items(value, field)))
    if len(set(made)) != len(made):
        twice = next(one for one in made if made.count(one) > 1)
        raise Refusal(field, f"names {twice!r} twice")
    return made
