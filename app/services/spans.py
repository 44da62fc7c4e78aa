"""Error spans: passages of a response that a rater marked as wrong, checked and written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from app.domain import ErrorSpan
from app.store import tables


def span_problems(
    spans: Sequence[ErrorSpan], *, lengths: Mapping[str, int], criteria: Collection[str]
) -> Iterator[tuple[ErrorSpan, str]]:
    """What is wrong with spans: each names a completion, a criterion and a passage of the text, once.

    Args:
        spans: what was marked.
        lengths: completion id -> the number of characters of its text.
        criteria: the keys that the rubric has.

    Yields:
        The span and a sentence with the remedy.
    """
    seen: set[tuple[str, str, int, int]] = set()
    for span in spans:
        place = (span.completion, span.criterion, span.start, span.end)
        if span.completion not in lengths:
            yield span, f"there is no completion {span.completion!r} (name one of {', '.join(sorted(lengths))})"
        elif span.criterion not in criteria:
            yield span, f"{span.criterion!r} is no criterion (name one of {', '.join(criteria) or 'none'})"
        elif not 0 <= span.start < span.end <= lengths[span.completion]:
            n = lengths[span.completion]
            yield span, f"characters {span.start} to {span.end} are no passage of a text of {n} (0 <= start < end)"
        elif place in seen:
            yield span, f"characters {span.start} to {span.end} of {span.completion!r} are marked twice (keep one)"
        seen.add(place)


def text_lengths(connection: Connection, comparison_id: int) -> dict[str, int]:
    """Completion id -> the number of characters of its text; an erased text has none."""
    rows = connection.execute(
        select(tables.completion.c.slot, tables.content.c.body)
        .join(tables.content)
        .where(tables.completion.c.comparison_id == comparison_id)
    )
    return {row.slot: len(row.body or "") for row in rows}


def span_rows(judgment_id: int, spans: Sequence[ErrorSpan]) -> list[dict[str, Any]]:
    """Error spans as rows."""
    return [
        {
            "judgment_id": judgment_id,
            "completion": span.completion,
            "criterion": span.criterion,
            "start_character": span.start,
            "end_character": span.end,
            "note": span.note,
        }
        for span in spans
    ]
