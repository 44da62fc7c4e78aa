"""A chosen and a rejected text as a comparison: for formats whose rows say which response is the better one."""

from __future__ import annotations

from typing import Any

from app.domain import OVERALL, Comparison, Completion, ImportedComparison, Judgment, Message
from app.formats import fields
from app.formats.identity import content_id, hash_order, letters
from app.formats.lints import lint
from app.formats.native_reports import read_kind
from rubrics.answers import Answer

_SCORES = (("score_chosen", "score_rejected"), ("chosen_score", "rejected_score"))
_NOT_META = frozenset(("id", "prompt", "chosen", "rejected", "margin", "rater", "rater_kind", "meta", "messages"))
_MODELS = ("chosen_model", "rejected_model")


def labelled_pair(
    line: int, row: dict[str, Any], prompt: tuple[Message, ...], texts: tuple[str, str]
) -> ImportedComparison:
    """A comparison of the chosen and the rejected text, named by hash, with the label as `reference` or judgment.

    Args:
        line: its line number.
        row: the row, for everything beside the texts.
        prompt: the conversation up to the responses.
        texts: the chosen text and the rejected one.

    Raises:
        Refusal: with the field and the reason.
    """
    order = hash_order(prompt, texts)
    ids = letters(2)
    given = {position: ids[rank] for rank, position in enumerate(order)}
    completions = tuple(Completion(given[position], texts[position], _model(row, position)) for position in order)
    chosen, rejected = given[0], given[1]
    judgments = _judgments(row, chosen)
    comparison = Comparison(
        _row_id(row) or content_id(prompt, completions),
        prompt,
        completions,
        reference=_reference(row, chosen, rejected, labelled=not judgments),
        meta=_meta(row),
    )
    return lint(ImportedComparison(line, comparison, judgments))


def _row_id(row: dict[str, Any]) -> str | None:
    value = row.get("id")
    if type(value) is int:  # such files count their rows
        return str(value)
    return None if value is None else fields.name(value, "id")


def _model(row: dict[str, Any], position: int) -> str | None:
    column = _MODELS[position]
    value = row.get(column)
    return None if value is None else fields.name(value, column)


def _judgments(row: dict[str, Any], chosen: str) -> tuple[Judgment, ...]:
    if row.get("rater") is None:
        return ()
    rater = fields.name(row["rater"], "rater")
    answers = {OVERALL: Answer(preferred=chosen)}
    if row.get("rater_kind") is None:
        return (Judgment(rater, answers),)
    return (Judgment(rater, answers, read_kind(row["rater_kind"])),)


def _reference(row: dict[str, Any], chosen: str, rejected: str, *, labelled: bool) -> dict[str, Any] | None:
    """What the row says about the pair from outside; None where a rater said it and there are no numbers."""
    reference: dict[str, Any] = {"preferred": chosen} if labelled else {}
    if row.get("margin") is not None:
        reference["margin"] = fields.number(row["margin"], "margin")
    for columns in _SCORES:
        scores = {
            given: fields.number(row[column], column)
            for given, column in zip((chosen, rejected), columns, strict=True)
            if row.get(column) is not None
        }
        if scores:
            reference["scores"] = scores
            break
    return reference or None


def _meta(row: dict[str, Any]) -> dict[str, Any]:
    meta = dict(fields.mapping(row["meta"], "meta")) if row.get("meta") is not None else {}
    known = _NOT_META.union(_MODELS, *_SCORES)
    return meta | {name: value for name, value in row.items() if name not in known and value is not None}
