"""What is wrong with a rubric: every problem at once, each with its place and its remedy."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

Location = tuple[str | int, ...]
"""The way from the document to a value: keys and list indices, as in `("criteria", 0, "points")`."""

RULE = "rubric_rule"
"""The pydantic error type under which our own rules report; see `rule_error`."""


@dataclass(frozen=True)
class RubricProblem:
    """One thing that is wrong with a rubric.

    Attributes:
        location: the way to the value; empty for the document as a whole.
        reason: what is wrong, with the offending value.
        remedy: what would be right.
        line: line in the file, from 1; None where the rubric did not come from a text.
    """

    location: Location
    reason: str
    remedy: str
    line: int | None = None

    @property
    def field(self) -> str:
        """The location as people write it: `criteria[0].points`; `rubric` for the whole."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.location)
        return text.lstrip(".") or "rubric"

    def __str__(self) -> str:
        return f"{self.field}: {self.reason} ({self.remedy})"


class RubricError(ValueError):
    """A rubric cannot be read; the text has one line per problem: `file:line: field: reason (remedy)`.

    Attributes:
        source: the file, or another name of where the rubric came from.
        problems: everything that is wrong, in the order of the lines.
    """

    def __init__(self, source: str, problems: Iterable[RubricProblem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__("\n".join(f"{self._place(problem)}: {problem}" for problem in self.problems))

    def _place(self, problem: RubricProblem) -> str:
        return self.source if problem.line is None else f"{self.source}:{problem.line}"

    def __reduce__(self) -> tuple[type[RubricError], tuple[str, tuple[RubricProblem, ...]]]:
        """Pickle by source and problems, so that the error survives a process boundary."""
        return type(self), (self.source, self.problems)


WRONG = {
    "int_parsing": "is no whole number",
    "int_from_float": "is no whole number",
    "int_type": "is no whole number",
    "float_parsing": "is no number",
    "float_type": "is no number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "string_type": "is no text",
    "tuple_type": "is no list",
    "model_type": "is no mapping of fields",
    "dict_type": "is no mapping of fields",
}
"""Kinds of error that pydantic names in a programmer's words -> what they say of the value."""


def rule_error(problems: Sequence[RubricProblem]) -> PydanticCustomError:
    """The error that a model validator raises for broken rules; locations are relative to the validator's model."""
    parts = [{"location": problem.location, "reason": problem.reason, "remedy": problem.remedy} for problem in problems]
    text = "; ".join(map(str, problems)).replace("{", "(").replace("}", ")")
    return PydanticCustomError(RULE, text, {"problems": parts})  # type: ignore[arg-type]


def suggest(word: object, known: Iterable[str]) -> str:
    """A remedy for an unknown word: the nearest known one, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(str(word), known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def problems_of(error: ValidationError, *, document: Any, model_at: Mapping[Location, type[BaseModel]]) -> list:
    """Put a pydantic error into our words.

    Args:
        error: what pydantic raised.
        document: the value that was validated; locations are cut to what exists in it.
        model_at: for each location without its list indices, the model that governs the mapping there.

    Returns:
        A list of `RubricProblem`, without lines.
    """
    problems: list[RubricProblem] = []
    for detail in error.errors(include_url=False, include_context=True):
        if detail["type"] == RULE:
            prefix = tuple(detail["loc"])
            problems += [
                RubricProblem((*prefix, *part["location"]), part["reason"], part["remedy"])
                for part in detail["ctx"]["problems"]
            ]
        else:
            problems.append(_translate(detail, document=document, model_at=model_at))
    return problems


def _translate(detail: Any, *, document: Any, model_at: Mapping[Location, type[BaseModel]]) -> RubricProblem:
    location = _existing(tuple(detail["loc"]), document)
    name = str(location[-1]) if location else "rubric"
    model = model_at.get(tuple(part for part in location[:-1] if isinstance(part, str)))
    if detail["type"] == "extra_forbidden" and model is not None:
        return RubricProblem(location, "unknown field", suggest(name, model.model_fields))
    meaning = _meaning(model, name)
    if detail["type"] == "missing":
        return RubricProblem(location, "is missing", f"add it: {meaning}" if meaning else "add it")
    value = reprlib.repr(detail["input"])
    reason = (
        f"{value} {WRONG[detail['type']]}" if detail["type"] in WRONG else f"{value}: {_lower_first(detail['msg'])}"
    )
    verb = "say" if meaning.startswith("whether") else "give"
    return RubricProblem(location, reason, f"{verb} {meaning}" if meaning else "correct it")


def _existing(location: Location, document: Any) -> Location:
    """The part of a location that leads to something in the document, plus one step for what is missing there."""
    found: list[str | int] = []
    for part in location:
        found.append(part)
        try:
            document = document[part]
        except (LookupError, TypeError):
            return tuple(found) if isinstance(document, Mapping) else tuple(found[:-1])
    return tuple(found)


def _meaning(model: type[BaseModel] | None, name: str) -> str:
    """The first sentence of a field's own documentation."""
    if model is None or name not in model.model_fields:
        return ""
    text = " ".join((model.model_fields[name].description or "").split())
    return _lower_first(text.split(". ")[0].rstrip("."))


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
