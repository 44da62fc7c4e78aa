"""The questions of an import chunk: what raters asked or reported outside any judgment, with the answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.domain import AssignmentState, Question, Report
from app.services.judgment_rows import report_rows
from app.store import tables
from app.store.engine import batched

Key = tuple[int, str, str, int]
"""Round number, external comparison id, rater name, repeat index: what makes an assignment one."""

_Raised = tuple[str, str, datetime | None]
"""Kind, text and time: what makes a question one."""


class QuestionBook:
    """The questions of a chunk's comparisons: those that the ledger has, and those that a file adds."""

    def __init__(self) -> None:
        self._known: dict[tuple[Key, _Raised], Report] = {}
        self._new: list[tuple[Key, Report]] = []

    @property
    def n_new(self) -> int:
        """Questions that will be written."""
        return len(self._new)

    def load(self, connection: Connection, keys: Mapping[int, Key]) -> None:
        """Read what was asked before.

        Args:
            connection: of the chunk's transaction.
            keys: assignment -> its key.
        """
        table = tables.rater_report
        for some in batched(sorted(keys)):
            query = select(table).where(table.c.assignment_id.in_(some), table.c.judgment_id.is_(None))
            for row in connection.execute(query):
                one = Report(
                    row.kind, row.text, row.reported_at, row.answer, row.answered_by, row.answered_at, row.read_at
                )
                self._known[keys[row.assignment_id], _raised(one)] = one

    def refusal(self, key: Key, report: Report) -> str | None:
        """Why a question cannot be taken: it stands here with another answer; the ledger's answers are not replaced."""
        known = self._known.get((key, _raised(report)))
        if known is None or report.answer is None or report.answer == known.answer:
            return None
        there = "without an answer" if known.answer is None else "with another answer"
        return f"{key[2]!r} asked this here already, {there}: answer it in the inbox, or leave it out of the file"

    def keep(self, questions: Iterable[tuple[Key, Question]]) -> None:
        """Remember the questions of an accepted line; known ones pass in silence."""
        for key, question in questions:
            what = (key, _raised(question.report))
            if what not in self._known:
                self._known[what] = question.report
                self._new.append((key, question.report))

    def without_assignment(self, keys: Iterable[Key]) -> list[Key]:
        """The new questions' assignments that are not among these, each once: the rater asked, and did not judge."""
        there = set(keys)
        return list(dict.fromkeys(key for key, _ in self._new if key not in there))

    def rows(self, assignments: Mapping[Key, tuple[int, str]]) -> Iterator[dict[str, Any]]:
        """The new questions as rows.

        Args:
            assignments: key -> number and state.
        """
        for key, report in self._new:
            yield from report_rows(assignments[key][0], None, [report], reported_at=None)


def passed_on(
    key: Key, comparison_id: int, rater_id: int, *, scope: str, batch_id: int, policy: str, now: datetime
) -> dict[str, Any]:
    """The row of an assignment that only a question tells of: it was given back without a judgment."""
    return {
        "round_id": key[0],
        "comparison_id": comparison_id,
        "rater_id": rater_id,
        "batch_id": batch_id,
        "repeat_index": key[3],
        "scope": scope,
        "purpose": "work",
        "state": AssignmentState.SKIPPED.value,
        "asks_overall": True,
        "takes_place": False,
        "policy": policy,
        "leased_at": now,
    }


def _raised(report: Report) -> _Raised:
    return report.kind, report.text, report.at
