"""The reviews of an import chunk: what reviewers and seniors said of its judgments, beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, insert

from app.domain import OVERALL, Comparison, Judgment, RaterKind, Review
from app.services.importing_questions import Key
from app.store import tables
from app.store.judgments import read_reviews
from rubrics.model import Rubric
from rubrics.submission import shape_problems

Place = tuple[Key, int]
"""An assignment and a revision: what makes a judgment one."""


class ReviewBook:
    """The reviews of a chunk's judgments: those that the ledger has, and those that a file brings."""

    def __init__(self) -> None:
        self._known: dict[Place, tuple[Review, ...]] = {}
        self.n_new = 0

    def load(self, connection: Connection, places: Mapping[int, Place]) -> None:
        """Read what was said before.

        Args:
            connection: of the chunk's transaction.
            places: judgment -> where it stands.
        """
        found = read_reviews(connection, sorted(places))
        self._known.update((places[judgment_id], reviews) for judgment_id, reviews in found.items())

    def refusal(self, place: Place, judgment: Judgment) -> str | None:
        """Why reviews of a judgment on record cannot be taken: they come with their judgment, or are given here."""
        known = self._known.get(place, ())
        unknown = [one for one in judgment.reviews if one not in known]
        if not unknown:
            return None
        return (
            f"{unknown[0].by!r} said this of a judgment that is on record without it: reviews come with their "
            "judgment; leave it out, or review it here"
        )

    def keep(self, place: Place, judgment: Judgment) -> None:
        """Remember the reviews of a judgment that will be written."""
        self._known[place] = judgment.reviews
        self.n_new += len(judgment.reviews)


def problems_of(reviews: Iterable[Review], rubric: Rubric, comparison: Comparison) -> Iterable[tuple[int, str]]:
    """(position, what is wrong) of reviews whose answers do not fit the rubric."""
    for position, review in enumerate(reviews):
        answers = dict(review.answers or {})
        overall = answers.pop(OVERALL, None)
        for problem in shape_problems(rubric, answers, overall=overall, completion_ids=comparison.completion_ids):
            yield position, f"{problem.message} ({problem.remedy})"


def review_rows(
    judgment_id: int, comparison_id: int, judgment: Judgment, raters: Mapping[str, tuple[int | None, RaterKind]]
) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """The reviews of a judgment as rows, each with its claim: who reviewed a comparison does not judge it."""
    for one in judgment.reviews:
        who = {"judgment_id": judgment_id, "level": one.level.value, "reviewer_id": raters[one.by][0]}
        said = {
            "verdict": one.verdict.value,
            "answers": None if one.answers is None else {key: each.to_dict() for key, each in one.answers.items()},
            "reason": one.reason,
            "reviewed_at": one.at,
        }
        yield who | said, who | {"comparison_id": comparison_id, "claimed_at": one.at}


def write_reviews(connection: Connection, rows: Iterable[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Write reviews and their claims."""
    pairs = list(rows)
    if pairs:
        connection.execute(insert(tables.review), [review for review, _ in pairs])
        connection.execute(insert(tables.review_claim), [claim for _, claim in pairs])
