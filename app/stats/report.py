"""A report: a frozen document of numbers, and its rendering for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.stats.coding import CodedVotes
from app.stats.results import plain
from app.stats.words import counted

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """A report on a vote frame.

    Attributes:
        name: agreement, consensus, tensions, raters, bias or models.
        document: plain JSON types; every number with its n, interval and, when undefined, the reason.
        text: the same for a terminal: aligned columns and one-sentence readings.
    """

    name: str
    document: Document
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return the document as plain dicts and lists, free to be changed."""
        return deepcopy(dict(self.document))

    def to_text(self) -> str:
        """Return the report for a terminal."""
        return self.text


def make_report(name: str, document: Document, text: Iterable[str]) -> Report:
    """Return a report; the document is checked to be JSON without NaN."""
    return Report(name, plain(document), "\n".join(text).rstrip() + "\n")


def heading(kinds: Collection[str], as_of_event: int | None, votes: pd.DataFrame, coded: CodedVotes) -> dict[str, Any]:
    """Return the counts that open every report.

    `n_comparisons`, `n_raters` and `n_judgments` count what has at least one counted, non-missing vote.
    """
    judgments = votes["judgment_id"].to_numpy()[coded.row]
    units = np.flatnonzero(np.bincount(coded.unit, minlength=1))
    return {
        "kinds": sorted(kinds),
        "as_of_event": as_of_event,
        "n_comparisons": _n_used(coded.unit_comparison[units]) if len(coded) else 0,
        "n_raters": _n_used(coded.rater),
        "n_judgments": _n_distinct(judgments),
    }


def title_lines(title: str, document: Document) -> list[str]:
    """Return the first lines of a text report."""
    event = document["as_of_event"]
    counts = (
        f"{counted(document['n_comparisons'], 'comparison')}, {counted(document['n_raters'], 'rater')}, "
        f"{counted(document['n_judgments'], 'judgment')}"
    )
    kinds = ", ".join(document["kinds"])
    stamp = "" if event is None else f"; as of event {event:,}"
    return [title, f"{counts} (counted kinds: {kinds}{stamp})", ""]


def table(rows: Sequence[Sequence[str]], *, header: Sequence[str] = (), indent: str = "  ") -> list[str]:
    """Return aligned lines: the first column to the left, numbers to the right."""
    everything = [list(header), *map(list, rows)] if header else [list(row) for row in rows]
    if not everything:
        return []
    widths = [max(len(row[column]) for row in everything) for column in range(len(everything[0]))]
    numeric = [_is_numeric([row[column] for row in rows]) for column in range(len(widths))]
    lines = [
        indent
        + "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in everything
    ]
    if header:
        lines.insert(1, indent + "  ".join("-" * width for width in widths))
    return lines


def number(value: float | None, *, digits: int = 3) -> str:
    """Return a number for people: 0.291, or "undefined"."""
    return "undefined" if value is None else f"{value:.{digits}f}"


def interval(document: Document, *, digits: int = 3) -> str:
    """Return "[low, high]" of an estimate's document, or nothing."""
    if document.get("low") is None or document.get("high") is None:
        return ""
    return f"[{document['low']:.{digits}f}, {document['high']:.{digits}f}]"


def estimate_row(label: str, document: Document, *, n_name: str, unit: str) -> list[str]:
    """Return the cells of one estimate: label, value, interval, n, and the reason where it is undefined."""
    reason = document.get("undefined_reason")
    return [
        label,
        number(document["value"]),
        interval(document),
        f"{document[n_name]:,}",
        unit,
        f"({reason})" if reason else "",
    ]


def percent(value: float | None) -> str:
    """Return a share as "53 %"; one decimal below 10 and above 90."""
    if value is None:
        return "an undefined share"
    digits = 0 if 0.1 <= value <= 0.9 else 1
    return f"{100 * value:.{digits}f} %"


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(cell[0] in "-+.0123456789" or cell == "undefined" for cell in filled)


def _n_used(codes: np.ndarray) -> int:
    return int((np.bincount(codes) > 0).sum()) if len(codes) else 0


def _n_distinct(ids: np.ndarray) -> int:
    """Return the number of distinct integers; by a table where they are dense enough."""
    if len(ids) == 0:
        return 0
    low, high = int(ids.min()), int(ids.max())
    if high - low < 8 * len(ids) + 1000:
        return int(np.count_nonzero(np.bincount(ids - low)))
    return len(np.unique(ids))
