"""Edits of a rubric's text, place by place, that keep its comments and its order: what a form does to the YAML.

The text is the one model. It need not be a valid rubric to be edited, only readable YAML, so that form and text serve
side by side while somebody writes. Every edit is checked: read again, the text says exactly what was asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from rubrics.errors import Location, RubricError, RubricProblem
from rubrics.loader import dump_document, load_document, read_values, styled


def put(text: str, location: Location, value: Any) -> str:
    """The text with a value at a place; mappings and lists on the way are made where they are missing.

    A text that says so already is returned as it is, to the letter. Where the last step is the length of a list, the
    value is appended.

    Raises:
        RubricError: the text is no readable YAML, the place cannot be reached, or ruamel.yaml would change another
            value (it rounds some numbers with an exponent): then edit the text.
    """
    values = read_values(text)
    if _find(values, location) == value and _has(values, location):
        return text
    return _edited(text, values, location, lambda holder, step, style: _put(holder, step, style(value)), makes_way=True)


def take_out(text: str, location: Location) -> str:
    """The text without the value at a place, and without the mapping or list that it leaves empty.

    A place that is not there changes nothing.

    Raises:
        RubricError: see `put`.
    """
    values = read_values(text)
    if not _has(values, location):
        return text
    if len(location) > 1 and len(_find(values, location[:-1])) == 1:
        return take_out(text, location[:-1])

    def remove(holder: Any, step: Any, style: Any) -> None:
        del holder[step]

    return _edited(text, values, location, remove)


def move(text: str, location: Location, *, by: int) -> str:
    """The text with an entry of a list moved up or down; its comments stay with it.

    Raises:
        RubricError: see `put`; also where the entry would leave the list.
    """

    def shift(holder: Any, step: Any, style: Any) -> None:
        if not 0 <= step + by < len(holder):
            raise _error(location, f"cannot be moved by {by}", f"the list has {len(holder)} entries")
        holder.insert(step + by, holder.pop(step))

    return _edited(text, read_values(text), location, shift)


def find(text: str, location: Location) -> Any:
    """The plain value at a place; None where there is none.

    Raises:
        RubricError: the text is no readable YAML.
    """
    return _find(read_values(text), location)


Style = Callable[[Any], Any]
Change = Callable[[Any, Any, Style], None]


def _edited(text: str, values: Any, location: Location, change: Change, *, makes_way: bool = False) -> str:
    """Do the same to the commented document and to its plain values, and see that they agree.

    A text that does not survive in the style that stands there (a block, say) is written in double quotes.
    """
    wanted = _changed(values, location, change, copy.deepcopy, makes_way=makes_way)
    for style in (styled, _quoted):
        edited = dump_document(_changed(load_document(text), location, change, style, makes_way=makes_way))
        if read_values(edited) == wanted:
            return edited
    raise _error(location, "cannot be edited in place", "change it in the text")


def _changed(document: Any, location: Location, change: Change, style: Style, *, makes_way: bool) -> Any:
    changed = copy.deepcopy(document)
    holder = _holder(changed, location, makes_way=makes_way)
    change(holder, _step(holder, location), style)
    return changed


def _quoted(value: Any) -> Any:
    return DoubleQuotedScalarString(value) if isinstance(value, str) else styled(value)


def _holder(document: Any, location: Location, *, makes_way: bool) -> Any:
    """The mapping or list that holds the last step of a location."""
    for place, step in enumerate(location[:-1]):
        step = _key(document, step)
        if makes_way and (not _has(document, (step,)) or document[step] is None):
            _put(document, step, [] if isinstance(location[place + 1], int) else {})
        document = document[step]
    return document


def _put(holder: Any, step: Any, value: Any) -> None:
    if isinstance(holder, list) and step == len(holder):
        holder.append(value)
    else:
        holder[step] = value


def _step(holder: Any, location: Location) -> Any:
    if not isinstance(holder, dict | list) or (isinstance(holder, list) and not isinstance(location[-1], int)):
        raise _error(location, "stands where something else is written", "correct it in the text")
    return _key(holder, location[-1])


def _key(holder: Any, step: str | int) -> Any:
    """A step as the document writes it: keys of anchors are numbers, which locations name as texts."""
    if isinstance(holder, dict) and step not in holder:
        number = int(step) if isinstance(step, str) and step.lstrip("-").isdigit() else step
        return next((key for key in holder if str(key) == str(step)), number)
    return step


def _has(values: Any, location: Location) -> bool:
    for step in location:
        step = _key(values, step)
        try:
            values = values[step]
        except (LookupError, TypeError):
            return False
    return True


def _find(values: Any, location: Location) -> Any:
    for step in location:
        if not _has(values, (step,)):
            return None
        values = values[_key(values, step)]
    return values


def _error(location: Location, reason: str, remedy: str) -> RubricError:
    return RubricError("rubric", [RubricProblem(location, reason, remedy)])
