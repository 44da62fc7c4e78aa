"""Saying that nobody can rank a comparison: a judgment of its own kind, not a skip."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from app.domain import OVERALL, Purpose, Report
from app.errors import Conflict
from app.services.desk import name_responses
from app.services.judging import Receipt, Submission, as_draft, hand_in
from app.services.wording import check_text, said
from app.store.engine import Store
from rubrics.answers import CANNOT_JUDGE, Answer

NOT_RANKABLE = "not_rankable"
"""The kind of the report that says why."""


def mark_not_rankable(
    store: Store, rater_name: str, assignment_id: int, *, reason: str, text: str = "", now: datetime | None = None
) -> Receipt:
    """Hand in that nobody can rank a comparison, and why; a second call returns the first's receipt.

    Unlike a skip it is a judgment: every answer is `cannot_judge`, so that it takes its place in the overlap as a
    missing answer, and no rule for justifications binds it. Where the overlap is spent and nobody gave an answer, the
    comparison is contested. The reason is a report: it waits for the designers at once, whatever others answer.

    Args:
        store: the database.
        rater_name: an account.
        assignment_id: what the rater holds.
        reason: why nobody can, in a few words; required.
        text: what the rater adds to it, with the letters of their screen.
        now: the time; the clock by default.

    Raises:
        NotFound, NotAllowed, LeaseLost: as `judging.submit`.
        Conflict: the assignment was skipped, or is an exam's.
        InvalidInput: no reason, or words that are too long or that no database stores.
    """
    why = said(reason, "reason", remedy="Say why nobody can rank this comparison: the designers go by it.")
    words = f"{why}: {text.strip()}" if text.strip() else why
    check_text(words, "reason")

    def unanswered(row: Row[Any]) -> Submission:
        if row.purpose == Purpose.EXAM.value:
            raise Conflict(f"Assignment {assignment_id} is an exam's: answer it; 'cannot judge' is an answer.")
        asked = [*(row.criteria_shown or ()), *([OVERALL] if row.asks_overall else [])]
        report = Report(NOT_RANKABLE, name_responses(words, row.shown or ()))
        return Submission(dict.fromkeys(asked, Answer(preferred=CANNOT_JUDGE)), reports=(report,))

    def with_the_words(row: Row[Any], submission: Submission) -> dict[str, Any]:
        """The rater's draft as it was, and why they gave it up: once, however often they say it."""
        draft, reports = row.draft or as_draft(Submission({})), as_draft(submission)["reports"]
        before = [one for one in draft.get("reports", ()) if one not in reports]
        return draft | {"reports": [*before, *reports]}

    return hand_in(
        store, rater_name, assignment_id, unanswered, validate=lambda *_: [], now=now, draft_for=with_the_words
    )
