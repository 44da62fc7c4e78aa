"""Who may judge what: requirements as data, and whether somebody meets them. Pure.

A requirement names one thing that a rater holds: a skill (with a level), a language, a credential, or where their data
may be. `Requirements` are clauses: every clause must be met, and a clause is met by any one of its requirements.

```json
{"all": [{"skill": "medicine", "level": 2}, {"residency": "eu"}], "any": [{"language": "de"}, {"language": "fr"}]}
```
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SKILL, LANGUAGE, CREDENTIAL, RESIDENCY = "skill", "language", "credential", "residency"
KINDS = (SKILL, LANGUAGE, CREDENTIAL, RESIDENCY)
"""What can be required."""

WITH_LEVEL = (SKILL, LANGUAGE)
"""What comes in levels; the others are held or not."""


class RequirementError(ValueError):
    """A document that is no requirement: which field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, order=True)
class Requirement:
    """One thing that a rater must hold.

    Attributes:
        kind: one of `KINDS`.
        value: which one, e.g. "medicine" or "de".
        level: the lowest level that will do; 1 where there are no levels.
    """

    kind: str
    value: str
    level: int = 1

    @property
    def key(self) -> str:
        """The name under which raters hold it: a skill's own, else `kind:value`."""
        return self.value if self.kind == SKILL else f"{self.kind}:{self.value}"

    def to_dict(self) -> dict[str, Any]:
        """As written in a file."""
        return {self.kind: self.value, **({"level": self.level} if self.level != 1 else {})}

    def __str__(self) -> str:
        level = f" at level {self.level}" if self.level != 1 else ""
        return f"{self.kind} {self.value}{level}"


@dataclass(frozen=True)
class Requirements:
    """Clauses that must all be met; each by any one of its requirements. None: everybody may.

    Attributes:
        clauses: sorted, without repetition.
    """

    clauses: tuple[tuple[Requirement, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.clauses)

    def __and__(self, other: Requirements) -> Requirements:
        """Both of them."""
        return requirements([*self.clauses, *other.clauses])

    def met_by(self, held: Mapping[str, int]) -> bool:
        """Whether somebody meets them who holds these things (`Requirement.key` -> level)."""
        return all(any(held.get(one.key, 0) >= one.level for one in clause) for clause in self.clauses)

    def to_list(self) -> list[list[dict[str, Any]]]:
        """The clauses as plain values: one set of requirements has one form."""
        return [[one.to_dict() for one in clause] for clause in self.clauses]

    def to_dict(self) -> dict[str, Any]:
        """As written in a file, `all` and `any`.

        Raises:
            ValueError: two clauses with alternatives, which `any` cannot say; no file makes them.
        """
        if not self.clauses:
            return {}
        alternatives = [clause for clause in self.clauses if len(clause) > 1]
        if len(alternatives) > 1:
            raise ValueError("Requirements with two sets of alternatives have no form in a file.")
        plain: dict[str, Any] = {}
        if single := [clause[0].to_dict() for clause in self.clauses if len(clause) == 1]:
            plain["all"] = single
        if alternatives:
            plain["any"] = [one.to_dict() for one in alternatives[0]]
        return plain

    def __str__(self) -> str:
        return "; ".join(" or ".join(map(str, clause)) for clause in self.clauses) or "nothing"


NOTHING = Requirements()
"""Everybody may."""


def requirements(clauses: Iterable[Iterable[Requirement]]) -> Requirements:
    """Requirements from clauses in any order."""
    return Requirements(tuple(sorted({tuple(sorted(set(clause))) for clause in clauses})))


def from_list(clauses: Sequence[Sequence[Mapping[str, Any]]] | None) -> Requirements:
    """The inverse of `Requirements.to_list`; None requires nothing."""
    return requirements([_read_one(one, "requires") for one in clause] for clause in clauses or ())


def from_dict(document: object, field: str = "requires") -> Requirements:
    """Requirements as written in a file; None requires nothing.

    Args:
        document: an object with `all`, `any` or both.
        field: what to call it in an error.

    Raises:
        RequirementError: which field is wrong, and why.
    """
    if document is None:
        return Requirements()
    if not isinstance(document, Mapping):
        raise RequirementError(field, f"must be an object with all and any, is {document!r:.60}")
    for name in document:
        if name not in ("all", "any"):
            raise RequirementError(f"{field}.{name}", "unknown field; known here: all, any")
    single = [[one] for one in _read_list(document.get("all"), f"{field}.all")]
    either = _read_list(document.get("any"), f"{field}.any")
    return requirements([*single, either] if either else single)


def _read_list(value: object, field: str) -> list[Requirement]:
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise RequirementError(field, f"must be a list of requirements, is {value!r:.60}")
    if not value:
        raise RequirementError(field, "is empty; give at least one requirement or leave it out")
    return [_read_one(one, f"{field}[{position}]") for position, one in enumerate(value)]


def _read_one(document: object, field: str) -> Requirement:
    if not isinstance(document, Mapping):
        raise RequirementError(
            field, f'must be an object such as {{"skill": "medicine", "level": 2}}: {document!r:.60}'
        )
    kinds = [kind for kind in KINDS if kind in document]
    unknown = [name for name in document if name not in (*KINDS, "level")]
    if unknown or len(kinds) != 1:
        raise RequirementError(field, f"must name exactly one of {', '.join(KINDS)} (and a level), is {document!r:.60}")
    kind, level = kinds[0], document.get("level", 1)
    value = document[kind]
    if not isinstance(value, str) or not value.strip():
        raise RequirementError(f"{field}.{kind}", f"must be a name, is {value!r:.60}")
    if type(level) is not int or level < 1:
        raise RequirementError(f"{field}.level", f"must be a whole number from 1 on, is {level!r:.60}")
    if level != 1 and kind not in WITH_LEVEL:
        raise RequirementError(f"{field}.level", f"a {kind} has no levels: leave it out")
    return Requirement(kind, value.strip(), level)
