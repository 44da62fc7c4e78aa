"""CSV pairs (`csv`): columns `prompt`, `response_a`, `response_b`, and perhaps more.

Optional columns: `id`, `model_a`, `model_b`, `preferred` (a, b, tie, both_bad or cannot_judge), `rater`, `strength`,
`justification`, and `meta.NAME` for any NAME. Adjacent rows of one id (or, without ids, of one content) are several
raters' votes on one comparison. A row with a `rater` is a judgment; `preferred` without a rater is a label from
outside and becomes `reference`. An empty cell is an absent one, except that a response may be empty.

UTF-8 with or without a byte order mark; quoted cells may hold line breaks. Line numbers are those on which rows begin.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain import OVERALL, Comparison, Completion, ImportedComparison, Judgment, Message, RefusedLine
from app.errors import InvalidInput
from app.formats import fields
from app.formats.answers import read_answer
from app.formats.base import Format, ReadLine, Refusal, suggestion
from app.formats.identity import content_id
from app.formats.lines import DAMAGED, existing_file, open_bytes, refuse_unstorable, refused_encoding, suffix_of
from app.formats.lints import lint
from rubrics.answers import Answer

REQUIRED_COLUMNS = ("prompt", "response_a", "response_b")
OPTIONAL_COLUMNS = ("id", "model_a", "model_b", "preferred", "rater", "strength", "justification")

_MAX_CELL_CHARACTERS = 2 * fields.MAX_TEXT_BYTES
_MAX_LINE_BYTES = 4 * fields.MAX_TEXT_BYTES
_IDS = ("a", "b")

Cells = tuple[int, dict[str, str]]
"""The line on which a row begins, and its cells by column."""


class _Lines:
    """The physical lines of a file as text; remembers where a byte was that is not UTF-8."""

    def __init__(self, path: Path) -> None:
        self._file = open_bytes(path)
        self._offset = 0
        self.n_lines = 0
        self.bad_byte: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[str]:
        with self._file as file:
            while raw := file.readline(_MAX_LINE_BYTES):
                self.n_lines += 1
                if self.n_lines == 1 and raw.startswith(codecs.BOM_UTF8):
                    self._offset = len(codecs.BOM_UTF8)
                    raw = raw[len(codecs.BOM_UTF8) :]
                yield self._decode(raw)
                self._offset += len(raw)

    def _decode(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            if self.bad_byte is None:
                self.bad_byte = (self._offset + error.start, raw[error.start])
            return raw.decode("utf-8", "replace")


def _rows(path: Path) -> Iterator[tuple[int, list[str] | RefusedLine]]:
    """The rows of a file with the lines on which they begin; blank lines are passed over."""
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL_CHARACTERS))
    lines = _Lines(path)
    reader = csv.reader(lines, strict=True)
    while True:
        line = lines.n_lines + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, RefusedLine(line, "", f"not CSV, up to line {lines.n_lines}: {error}; look for an open quote")
            continue
        except DAMAGED as error:
            yield line, RefusedLine(line, "", f"the gzip file is damaged or cut off here ({error}); fetch it again")
            return
        if lines.bad_byte is not None:
            offset, byte = lines.bad_byte
            lines.bad_byte = None
            reason = f"byte 0x{byte:02x} at offset {offset} is not UTF-8; save the file as CSV UTF-8"
            yield line, RefusedLine(line, "", reason)
        elif row:
            yield line, row


def _check_header(path: Path, header: list[str]) -> tuple[str, ...]:
    """The columns of a file.

    Raises:
        InvalidInput: a required column is missing, one is unknown, or one stands twice.
    """
    columns = tuple(name.strip() for name in header)
    known = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)
    expected = f"a CSV of pairs has {', '.join(REQUIRED_COLUMNS)}, and perhaps {', '.join(OPTIONAL_COLUMNS)}, meta.NAME"
    found = f"{path}, line 1: the columns are {', '.join(columns)}"
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    if missing and len(columns) == 1 and any(mark in columns[0] for mark in ";\t"):
        raise InvalidInput(f"{found}; separate columns with commas, not with semicolons or tabs; {expected}.")
    if missing:
        raise InvalidInput(f"{found}; {', '.join(missing)} is missing; {expected}.")
    unknown = [name for name in columns if name not in known and not (name.startswith("meta.") and name != "meta.")]
    if unknown:
        hint = suggestion(unknown[0], known)
        raise InvalidInput(f"{found}; {unknown[0]!r} is unknown ({hint}); call it meta.{unknown[0]} to keep it.")
    if len(set(columns)) != len(columns):
        raise InvalidInput(f"{found}; one of them stands twice; {expected}.")
    return columns


@dataclass
class _Group:
    """A comparison with the votes of the rows seen so far."""

    line: int
    comparison: Comparison
    judgments: list[Judgment]
    notes: list[str]

    def imported(self) -> ImportedComparison:
        return lint(ImportedComparison(self.line, self.comparison, tuple(self.judgments), (), tuple(self.notes)))

    def add(self, row: _Group) -> None:
        """Add the votes of another row on the same comparison.

        Raises:
            Refusal: other texts or facts under the same id, or a rater who already voted.
        """
        if row.comparison != self.comparison:
            differing = _difference(self.comparison, row.comparison)
            reason = f"differs from line {self.line}, which has the same id {row.comparison.id!r}; give it another id"
            raise Refusal(differing, reason)
        raters = {judgment.rater for judgment in self.judgments}
        for judgment in row.judgments:
            if judgment.rater in raters:
                raise Refusal("rater", f"{judgment.rater!r} already judges this comparison above; keep one row")
        self.judgments.extend(row.judgments)
        self.notes.extend(row.notes)


def _difference(first: Comparison, second: Comparison) -> str:
    """The column in which two comparisons differ."""
    if first.prompt != second.prompt:
        return "prompt"
    for one, other in zip(first.completions, second.completions, strict=True):
        if one != other:
            return f"response_{one.id}" if one.text != other.text else f"model_{one.id}"
    return "preferred" if first.reference != second.reference else "meta"


def _read_cells(line: int, cells: dict[str, str]) -> _Group:
    """One row as a comparison with at most one vote.

    Raises:
        Refusal: with the column and the reason.
    """
    refuse_unstorable(dict(cells), "")
    prompt = (Message("user", fields.long_text(cells["prompt"], "prompt")),)
    completions = tuple(
        Completion(
            one, fields.long_text(cells[f"response_{one}"], f"response_{one}"), cells.get(f"model_{one}") or None
        )
        for one in _IDS
    )
    notes: list[str] = []
    answer = _read_vote(cells, notes)
    rater = cells.get("rater")
    comparison = Comparison(
        fields.name(cells["id"], "id") if cells.get("id") else content_id(prompt, completions),
        prompt,
        completions,
        reference={"preferred": answer.preferred} if answer is not None and not rater else None,
        meta={name.removeprefix("meta."): cell for name, cell in cells.items() if name.startswith("meta.") and cell},
    )
    return _Group(line, comparison, _read_judgments(cells, answer, rater), notes)


def _read_vote(cells: dict[str, str], notes: list[str]) -> Answer | None:
    row: dict[str, Any] = {"preferred": cells.get("preferred", "").strip().lower() or None}
    if strength := cells.get("strength", "").strip():
        try:
            row["strength"] = float(strength)
        except ValueError:
            raise Refusal(
                "strength", f"{strength!r:.60} is no number; leave the cell empty where there is none"
            ) from None
    return read_answer(row, _IDS, notes)


def _read_judgments(cells: dict[str, str], answer: Answer | None, rater: str | None) -> list[Judgment]:
    justification = cells.get("justification", "")
    if not rater:
        if justification:
            raise Refusal("rater", "is empty beside a justification; say who judged")
        return []
    if answer is None:
        raise Refusal("preferred", "is empty beside a rater; write a, b, tie, both_bad or cannot_judge")
    return [
        Judgment(
            fields.name(rater, "rater"),
            {OVERALL: answer},
            justification=fields.long_text(justification, "justification"),
        )
    ]


def _cells(line: int, row: list[str], columns: tuple[str, ...]) -> dict[str, str]:
    if len(row) != len(columns):
        reason = f"has {len(row)} cells under {len(columns)} columns; put quotes round texts that have commas"
        raise Refusal("", reason)
    return dict(zip(columns, row, strict=True))


def _read(
    path: Path, columns: tuple[str, ...], rows: Iterator[tuple[int, list[str] | RefusedLine]]
) -> Iterator[ReadLine]:
    group: _Group | None = None
    for line, row in rows:
        if isinstance(row, RefusedLine):
            yield row
            continue
        try:
            one = _read_cells(line, _cells(line, row, columns))
            if group is not None and one.comparison.id == group.comparison.id:
                group.add(one)
                continue
        except Refusal as refusal:
            yield refusal.at(line)
            continue
        if group is not None:
            yield group.imported()
        group = one
    if group is not None:
        yield group.imported()


def read(path: Path) -> Iterator[ReadLine]:
    """The comparisons of a CSV file; of each, the adjacent rows together. A refused row comes before its comparison.

    Raises:
        InvalidInput: there is no such file, it is empty, or its header is wrong.
    """
    if (refused := refused_encoding(existing_file(path))) is not None:
        return iter((refused,))
    rows = _rows(path)
    for _, header in rows:
        if isinstance(header, RefusedLine):
            raise InvalidInput(f"{path}, {header}")
        return _read(path, _check_header(path, header), rows)
    raise InvalidInput(f"{path} is empty; its first line must name the columns {', '.join(REQUIRED_COLUMNS)}.")


def detect(path: Path) -> bool:
    """Whether the file is called `.csv`, or its first line names the columns of a pair."""
    if not path.is_file():
        return False
    if suffix_of(path) == ".csv":
        return True
    header = next((row for _, row in _rows(path)), None)
    return isinstance(header, list) and {name.strip() for name in header}.issuperset(REQUIRED_COLUMNS)


FORMAT = Format("csv", "CSV pairs: prompt, response_a, response_b, and perhaps votes", detect, read)
