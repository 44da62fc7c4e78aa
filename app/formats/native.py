"""Native JSONL (`native`): one comparison a line, with judgments, gold key, reference and decisions.

`prompt` and `completions` are required, everything else may be absent or null. A line without an id takes one from
its content; completions without ids take them from their texts. Unknown fields are refused by name. Meta is free,
except that `"content_kinds": ["violence", ...]` warns raters, who may opt out of kinds of content.

```json
{"id": "x1", "prompt": "text, or a list of {role, content}",
 "completions": [{"id": "a", "text": "...", "model": "m1"}, {"id": "b", "text": "...", "model": "m2"}],
 "judgments": [{"rater": "w053", "preferred": "a", "strength": 2, "criteria": {"clarity": {"scores": {"a": 4, "b": 2}}},
                "tensions": [{"between": ["clarity", "depth"], "prevailed": "depth", "why": "..."}],
                "reports": [{"kind": "broken_text", "text": "..."}],
                "error_spans": [{"completion": "a", "criterion": "clarity", "start": 0, "end": 12, "note": "..."}],
                "reviews": [{"level": "review", "preferred": "b", "reason": "...", "by": "rea", "at": "..."},
                            {"level": "senior", "reason": "...", "by": "carol", "at": "..."}]}],
 "adjudications": [{"preferred": "b", "cause": "error", "reason": "...", "by": "carol", "at": "2026-01-31T10:00:00Z"}],
 "questions": [{"rater": "w053", "kind": "question", "text": "...", "at": "2026-01-31T10:00:00Z", "answer": "...",
                "answered_by": "carol", "answered_at": "2026-02-01T10:00:00Z"}],
 "gold": {"accepted": ["a"]}, "reference": {"preferred": "a"}, "meta": {"topic": "..."},
 "requires": {"all": [{"skill": "medicine", "level": 2}, {"residency": "eu"}], "any": [{"language": "de"}]}}
```

A review with answers (all that was asked) says what should stand instead, one without lets the judgment stand.
A gold key may be `suspended_at` a time, `suspended_for` a reason with its figures, and `kept_at` a later one.
`questions` are what raters asked or reported outside a judgment, in a `round` and under a `scope` where these are
given; the reports of a judgment take the same fields.

`requires` says what a rater must hold to judge the comparison: everything of `all` and one of `any`, each a `skill` or
`language` (with a `level`), a `credential` or a `residency` (where a rater's data may be).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from app.domain import Comparison, Completion, ImportedComparison, Message
from app.formats import fields
from app.formats.answers import refuse_unknown_completion
from app.formats.base import Format, ReadLine, Refusal, kind_of, refuse_unknown_fields, suggestion
from app.formats.identity import completion_id, content_id, hash_order, letters, refuse_wrong_number
from app.formats.lines import existing_file, json_lines, suffix_of, wide_encoding
from app.formats.lints import lint
from app.formats.native_judgments import read_adjudications, read_gold, read_judgments
from app.formats.native_reports import read_questions
from app.formats.native_writer import line_of, write
from app.formats.rows import map_rows
from app.requirements import RequirementError, Requirements, from_dict
from rubrics.answers import RESERVED_PREFERENCES

__all__ = ["FORMAT", "detect", "line_of", "read", "read_row", "write"]

ROLES = ("system", "user", "assistant", "tool")
"""Who speaks in a prompt."""

LINE_FIELDS = frozenset(
    ("id", "prompt", "completions", "judgments", "adjudications", "questions", "gold", "reference", "meta", "requires"),
)
COMPLETION_FIELDS = frozenset(("id", "text", "model", "parameters", "source", "licence"))
MESSAGE_FIELDS = frozenset(("role", "content"))

_SUFFIXES = frozenset((".jsonl", ".ndjson"))
_LOOKED_AT = 20


def read_prompt(value: Any) -> tuple[Message, ...]:
    """A prompt: text becomes one message of the user, a list its messages.

    Raises:
        Refusal: neither, an empty list, a message that is none.
    """
    if type(value) is str:
        return (Message("user", fields.long_text(value, "prompt")),)
    if type(value) is not list:
        raise Refusal("prompt", f"must be text or a list of messages, is {kind_of(value)}")
    return read_messages(value, "prompt")


def read_messages(value: list[Any], field: str) -> tuple[Message, ...]:
    """A conversation.

    Raises:
        Refusal: no messages, a role that is none, content that is no text.
    """
    if not value:
        raise Refusal(field, "has no messages; give at least one of {role, content}")
    return tuple(_read_message(one, f"{field}[{position}]") for position, one in enumerate(value))


def _read_message(value: Any, field: str) -> Message:
    row = fields.mapping(value, field)
    try:
        refuse_unknown_fields(row, MESSAGE_FIELDS)
    except Refusal as refusal:
        raise refusal.inside(field) from None
    role = row.get("role")
    if role not in ROLES:
        raise Refusal(f"{field}.role", f"{role!r:.60} is no role; {suggestion(role, ROLES)}")
    return Message(role, fields.long_text(row.get("content"), f"{field}.content"))


def _read_completion(row: Any, given_id: str) -> Completion:
    """One completion; `given_id` is its checked id. Fields are named from the completion on."""
    text = row.get("text")
    if text is None:
        raise Refusal("text", 'is missing; an empty response is written as ""')
    fields.long_text(text, "text")
    model, parameters = row.get("model"), row.get("parameters")
    source, licence = row.get("source"), row.get("licence")
    return Completion(
        given_id,
        text,
        None if model is None else fields.name(model, "model"),
        None if parameters is None else fields.mapping(parameters, "parameters"),
        None if source is None else fields.name(source, "source"),
        None if licence is None else fields.name(licence, "licence"),
    )


def read_completions(value: Any, prompt: tuple[Message, ...]) -> tuple[Completion, ...]:
    """The completions in id order; where no one has an id, the order of their hashes gives a, b, c.

    Raises:
        Refusal: fewer than two, ids alike or given to some only, a text that is missing or too long.
    """
    if value is None:
        raise Refusal("completions", "is missing; give a list of at least two {id, text}")
    rows = fields.items(value, "completions")
    refuse_wrong_number(len(rows))
    made = []
    for position, row in enumerate(rows):
        try:
            plain = fields.mapping(row, "")
            if not plain.keys() <= COMPLETION_FIELDS:
                refuse_unknown_fields(plain, COMPLETION_FIELDS)
            given = plain.get("id")
            made.append(_read_completion(plain, "" if given is None else completion_id(given, "id")))
        except Refusal as refusal:
            raise refusal.inside(f"completions[{position}]") from None
    if not any(completion.id for completion in made):
        return _named_by_hash(made, prompt)
    return _in_id_order(made)


def _named_by_hash(completions: list[Completion], prompt: tuple[Message, ...]) -> tuple[Completion, ...]:
    order = hash_order(prompt, [completion.text for completion in completions])
    ids = letters(len(completions))
    return tuple(
        Completion(given, one.text, one.model, one.parameters, one.source, one.licence)
        for given, one in zip(ids, (completions[position] for position in order), strict=True)
    )


def _in_id_order(completions: list[Completion]) -> tuple[Completion, ...]:
    seen: dict[str, int] = {}
    for position, completion in enumerate(completions):
        if not completion.id:
            raise Refusal(f"completions[{position}].id", "is missing while others have one; name all or none")
        earlier = seen.setdefault(completion.id, position)
        if earlier != position:
            reason = f"{completion.id!r} is also the id of completions[{earlier}]; ids must differ"
            raise Refusal(f"completions[{position}].id", reason)
    ids = list(seen)
    return tuple(completions) if ids == sorted(ids) else tuple(completions[seen[one]] for one in sorted(ids))


def _read_reference(value: Any, ids: tuple[str, ...]) -> dict[str, Any]:
    reference = fields.mapping(value, "reference")
    preferred = reference.get("preferred")
    if preferred is not None:
        refuse_unknown_completion(preferred, ids, "reference.preferred", also=RESERVED_PREFERENCES)
    return reference


def read_comparison(row: dict[str, Any]) -> Comparison:
    """The comparison of a native object, without its judgments.

    Raises:
        Refusal: with the field and the reason.
    """
    if row.get("prompt") is None:
        raise Refusal("prompt", "is missing; give text or a list of {role, content}")
    prompt = read_prompt(row["prompt"])
    completions = read_completions(row.get("completions"), prompt)
    ids = tuple(completion.id for completion in completions)
    given, gold, reference, meta = row.get("id"), row.get("gold"), row.get("reference"), row.get("meta")
    return Comparison(
        content_id(prompt, completions) if given is None else fields.name(given, "id"),
        prompt,
        completions,
        None if gold is None else read_gold(gold, ids),
        None if reference is None else _read_reference(reference, ids),
        {} if meta is None else fields.mapping(meta, "meta"),
        _read_requires(row.get("requires")),
    )


def _read_requires(value: Any) -> Requirements:
    try:
        return from_dict(value)
    except RequirementError as error:
        raise Refusal(error.field, error.reason) from error


def read_row(line: int, row: dict[str, Any]) -> ImportedComparison:
    """One native object as an imported comparison.

    Raises:
        Refusal: with the field and the reason.
    """
    if not row.keys() <= LINE_FIELDS:
        refuse_unknown_fields(row, LINE_FIELDS)
    comparison = read_comparison(row)
    judgments, adjudications, questions = row.get("judgments"), row.get("adjudications"), row.get("questions")
    notes: list[str] = []
    ids = comparison.completion_ids
    imported = ImportedComparison(
        line,
        comparison,
        () if judgments is None else read_judgments(judgments, ids, notes),
        () if adjudications is None else read_adjudications(adjudications, ids, notes),
        tuple(notes),
        () if questions is None else read_questions(questions),
    )
    return lint(imported)


def detect(path: Path) -> bool:
    """Whether one of the first objects has completions; a `.jsonl` file that no other format claims is native too."""
    if not path.is_file():
        return False
    named_so = suffix_of(path) in _SUFFIXES
    if not named_so and wide_encoding(path) is not None:
        return False
    rows = [row for _, row in islice(json_lines(path), _LOOKED_AT) if isinstance(row, dict)]
    if any("completions" in row for row in rows):
        return True
    return named_so and not any("chosen" in row or "rejected" in row for row in rows)


def read(path: Path) -> Iterator[ReadLine]:
    """The comparisons of a native JSONL file, in its order, one line at a time.

    Raises:
        InvalidInput: there is no such file.
    """
    return map_rows(json_lines(existing_file(path)), read_row)


FORMAT = Format("native", "native JSONL: one comparison a line, with its judgments", detect, read, write)
