"""What the ledger knows of an import chunk: who the raters are, and what they said and what was decided before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, exists, or_, select

from app.domain import Adjudication, Campaign, ImportedComparison, Judgment, RaterKind
from app.services.importing_questions import Key, QuestionBook
from app.services.importing_reviews import ReviewBook
from app.services.judgment_rows import tension_rows, verdict_rows
from app.store import tables
from app.store.engine import batched
from app.store.judgments import error_spans

_assignment, _judgment, _verdict = tables.assignment, tables.judgment, tables.verdict


class KnownLedger:
    """Raters, assignments, judgments and decisions on a chunk's comparisons; accepted lines are added to it.

    Attributes:
        raters: name -> row number (None until it is written) and kind.
        assignments: key -> row number and state.
        scopes: key -> the part of the rubric that was asked; empty for the whole.
        said: key and revision -> what the judgment says, see `what_is_said`.
        decisions: round number and comparison -> what was decided, in the order of positions.
    """

    def __init__(self, connection: Connection, campaign: Campaign) -> None:
        self._connection = connection
        self._campaign = campaign
        self.raters: dict[str, tuple[int | None, RaterKind]] = {}
        self.assignments: dict[Key, tuple[int, str]] = {}
        self.scopes: dict[Key, str] = {}
        self.said: dict[tuple[Key, int], Any] = {}
        self.decisions: dict[tuple[int, str], list[Any]] = {}

    def load(
        self,
        lines: Sequence[ImportedComparison],
        *,
        known_ids: Mapping[str, int],
        questions: QuestionBook,
        reviews: ReviewBook,
    ) -> None:
        """Read what there is on the chunk's raters and comparisons; `questions` and `reviews` read their own."""
        self._load_raters(lines)
        self._load_ledger(lines, known_ids, questions, reviews)

    def _load_raters(self, lines: Sequence[ImportedComparison]) -> None:
        """Who the names of this chunk are, where they are known.

        A name is the campaign's own pseudonym, since an import gave it; else the account of a member, or of somebody
        who judged here. `/name` is the account where a pseudonym has the same name (see `app.store.judgments`).
        """
        names = sorted({name for line in lines for name in _names_in(line)})
        rater, member, round_ = tables.rater, tables.campaign_member, tables.round_
        is_member = rater.c.id.in_(select(member.c.rater_id).where(member.c.campaign_id == self._campaign.id))
        rounds = select(round_.c.id).where(round_.c.campaign_id == self._campaign.id)
        has_judged = exists().where(_assignment.c.rater_id == rater.c.id, _assignment.c.round_id.in_(rounds))
        is_ours = or_(rater.c.namespace == self._campaign.name, and_(rater.c.namespace == "", is_member | has_judged))
        pseudonyms: dict[str, tuple[int, RaterKind]] = {}
        accounts: dict[str, tuple[int, RaterKind]] = {}
        for some in batched(sorted({*names, *(name.removeprefix("/") for name in names)})):
            query = select(rater.c.id, rater.c.name, rater.c.namespace, rater.c.kind)
            for row in self._connection.execute(query.where(rater.c.name.in_(some), is_ours)):
                (pseudonyms if row.namespace else accounts)[row.name] = (row.id, RaterKind(row.kind))
        shared = {f"/{name}": account for name, account in accounts.items() if name in pseudonyms}
        known = {**shared, **accounts, **pseudonyms}
        self.raters.update((name, known[name]) for name in names if name in known)

    def _load_ledger(
        self,
        lines: Sequence[ImportedComparison],
        known_ids: Mapping[str, int],
        questions: QuestionBook,
        reviews: ReviewBook,
    ) -> None:
        """Assignments, judgments and decisions on the chunk's comparisons that were there before it."""
        judged = {line.comparison.id for line in lines if line.judgments or line.adjudications or line.questions}
        ids = {known_ids[name]: name for name in judged if name in known_ids}
        if not ids:
            return
        raters = {rater_id: name for name, (rater_id, _) in self.raters.items()}
        assignments = self._connection.execute(
            select(
                _assignment.c.id,
                _assignment.c.round_id,
                _assignment.c.comparison_id,
                _assignment.c.rater_id,
                _assignment.c.repeat_index,
                _assignment.c.state,
                _assignment.c.scope,
            ).where(_assignment.c.comparison_id.in_(ids))
        ).all()
        keys = {}
        for row in assignments:
            if row.rater_id not in raters:
                continue
            key = (row.round_id, ids[row.comparison_id], raters[row.rater_id], row.repeat_index)
            self.assignments[key] = (row.id, row.state)
            self.scopes[key] = row.scope
            keys[row.id] = key
        questions.load(self._connection, keys)
        self._load_judgments(ids, keys, reviews)
        table = tables.adjudication
        decisions = self._connection.execute(
            select(table).where(table.c.comparison_id.in_(ids)).order_by(table.c.position)
        )
        for row in decisions:
            said = (row.answer, row.cause, row.reason, row.adjudicator, row.decided_at)
            self.decisions.setdefault((row.round_id, ids[row.comparison_id]), []).append(said)

    def _load_judgments(self, ids: Mapping[int, str], keys: Mapping[int, Key], reviews: ReviewBook) -> None:
        rows = self._connection.execute(
            select(
                _judgment.c.id,
                _judgment.c.assignment_id,
                _judgment.c.revision,
                _judgment.c.justification,
                _judgment.c.confidence,
            )
            .join(_assignment, _assignment.c.id == _judgment.c.assignment_id)
            .where(_assignment.c.comparison_id.in_(ids))
        ).all()
        verdicts: dict[int, dict[str, Any]] = {}
        stored = self._connection.execute(
            select(_verdict)
            .join(_judgment, _judgment.c.id == _verdict.c.judgment_id)
            .join(_assignment, _assignment.c.id == _judgment.c.assignment_id)
            .where(_assignment.c.comparison_id.in_(ids))
        )
        for row in stored:
            said = (row.preferred, row.strength, row.scores, row.checks, row.ranking)
            verdicts.setdefault(row.judgment_id, {})[row.criterion] = said
        tensions = self._load_tensions(ids)
        spans = error_spans(self._connection, [row.id for row in rows])
        for row in rows:
            if row.assignment_id not in keys:
                continue
            said = (
                verdicts.get(row.id, {}),
                row.justification,
                row.confidence,
                tensions.get(row.id, set()),
                set(spans.get(row.id, ())),
            )
            self.said[keys[row.assignment_id], row.revision] = said
        places = {row.id: (keys[row.assignment_id], row.revision) for row in rows if row.assignment_id in keys}
        reviews.load(self._connection, places)

    def _load_tensions(self, ids: Mapping[int, str]) -> dict[int, set[Any]]:
        table = tables.declared_tension
        found: dict[int, set[Any]] = {}
        rows = self._connection.execute(
            select(table)
            .join(_judgment, _judgment.c.id == table.c.judgment_id)
            .join(_assignment, _assignment.c.id == _judgment.c.assignment_id)
            .where(_assignment.c.comparison_id.in_(ids))
        )
        for row in rows:
            said = (row.first_criterion, row.second_criterion, row.prevailed, row.why)
            found.setdefault(row.judgment_id, set()).add(said)
        return found


def _names_in(line: ImportedComparison) -> Iterator[str]:
    """Who judged, reviewed and asked."""
    for judgment in line.judgments:
        yield judgment.rater
        yield from (review.by for review in judgment.reviews)
    yield from (question.rater for question in line.questions)


def what_is_said(judgment: Judgment) -> Any:
    """What a judgment says, for telling a repetition from a contradiction."""
    tensions = {
        (row["first_criterion"], row["second_criterion"], row["prevailed"], row["why"])
        for row in tension_rows(0, judgment.tensions)
    }
    answers = {
        row["criterion"]: (row["preferred"], row["strength"], row["scores"], row["checks"], row["ranking"])
        for row in verdict_rows(0, judgment.answers)
    }
    return answers, judgment.justification, judgment.confidence, tensions, set(judgment.error_spans)


def what_is_decided(decision: Adjudication) -> Any:
    """What a decision says, for the same purpose."""
    return decision.answer.to_dict(), decision.cause.value, decision.reason, decision.by, decision.at
