"""The judgments and decisions of an import chunk: checked against the ledger and the rubric, then written in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, insert

from app.domain import (
    OVERALL,
    Adjudication,
    AssignmentState,
    Campaign,
    Comparison,
    ImportedComparison,
    Judgment,
    Purpose,
    Question,
    RaterKind,
    RaterState,
    RefusedLine,
    Role,
    Round,
    utc_now,
)
from app.errors import NotFound
from app.formats.base import Refusal
from app.services.importing_ledger import KnownLedger, what_is_decided, what_is_said
from app.services.importing_questions import Key, QuestionBook, passed_on
from app.services.importing_reviews import ReviewBook, problems_of, review_rows, write_reviews
from app.services.importing_rounds import RoundBook
from app.services.judgment_rows import report_rows, tension_rows, verdict_rows
from app.services.lookup import rubric_of
from app.services.spans import span_problems, span_rows
from app.store import tables
from app.store.bulk import insert_rows
from rubrics.submission import shape_problems

IMPORT_POLICY = "imported"
"""The policy of assignments that came in a file: nobody here chose them, so they have no propensity."""

_assignment, _judgment, _verdict = tables.assignment, tables.judgment, tables.verdict


@dataclass(frozen=True)
class _Accepted:
    """A judgment that will be written."""

    key: Key
    judgment: Judgment
    rubric_version: str


class JudgmentWriter:
    """Sorts out and writes the judgments and decisions of one chunk, inside the chunk's transaction.

    Attributes:
        rounds: the campaign's rounds, those that the file opens included.
        counts: `n_judgments`, `n_judgments_known`, `n_adjudications`, `n_questions`, `n_reviews`.
    """

    def __init__(self, connection: Connection, campaign: Campaign, batch_id: int, *, actor: str) -> None:
        self._connection = connection
        self._campaign = campaign
        self._batch_id = batch_id
        self._known = KnownLedger(connection, campaign)
        self._questions, self._reviews = QuestionBook(), ReviewBook()
        self.rounds = RoundBook(connection, campaign, batch_id, actor=actor)
        self._accepted: list[_Accepted] = []
        self._new_decisions: list[tuple[Round, str, int, Adjudication]] = []
        names = ("n_judgments", "n_judgments_known", "n_adjudications", "n_questions", "n_reviews")
        self.counts = dict.fromkeys(names, 0)

    def load(self, lines: Sequence[ImportedComparison], *, known_ids: Mapping[str, int]) -> None:
        """Read what the ledger knows of the chunk's raters, judgments and decisions."""
        self._known.load(lines, known_ids=known_ids, questions=self._questions, reviews=self._reviews)

    def take(self, line: ImportedComparison) -> RefusedLine | None:
        """Keep a line's judgments and decisions for writing; or say what breaks the rubric or the ledger."""
        if not (line.judgments or line.adjudications or line.questions):
            return None
        rounds_before = self.rounds.names
        try:
            judgments = list(self._checked(line.comparison, line.judgments))
            decisions = list(self._checked_decisions(line.comparison, line.adjudications))
            questions = list(self._checked_questions(line, judgments))
        except Refusal as refusal:
            self.rounds.close(self.rounds.names - rounds_before)
            return refusal.at(line.line)
        self._keep(line.comparison, judgments, decisions)
        self._keep_questions(questions)
        return None

    def write(self, comparison_ids: Mapping[str, int]) -> None:
        """Write what was accepted: raters, assignments, judgments, verdicts, tensions, marks, reports, decisions."""
        self._write_raters()
        self._write_assignments(comparison_ids)
        self._write_judgments(comparison_ids)
        self._write_decisions(comparison_ids)
        insert_rows(self._connection, tables.rater_report, list(self._questions.rows(self._known.assignments)))

    # --- checking ----------------------------------------------------------------------------------------------

    def _checked(self, comparison: Comparison, judgments: Sequence[Judgment]) -> Iterator[_Accepted]:
        """The judgments of one line that are new; known ones pass in silence."""
        said_here: dict[tuple[Key, int], Any] = {}
        kinds_here: dict[str, RaterKind] = {}
        scopes_here: dict[Key, str] = {}
        for position, judgment in enumerate(judgments):
            place = f"judgments[{position}]"
            round_ = self.rounds.find(comparison, judgment.round, judgment.rubric_version, place)
            version = judgment.rubric_version or round_.rubric_version
            self._check_answers(comparison, judgment, version, place)
            self._check_kind(judgment.rater, judgment.rater_kind, kinds_here, place)
            key = (round_.id, comparison.id, judgment.rater, judgment.repeat_index)
            self._check_scope(key, judgment, scopes_here, place)
            state = self._known.assignments.get(key, (0, AssignmentState.SUBMITTED.value))[1]
            if state != AssignmentState.SUBMITTED.value:
                raise Refusal(
                    f"{place}.rater", f"{judgment.rater!r} has this comparison as {state} here: settle that first"
                )
            said = what_is_said(judgment)
            before = said_here.get((key, judgment.revision)) or self._known.said.get((key, judgment.revision))
            if before is not None and before != said:
                raise Refusal(
                    place,
                    f"{judgment.rater!r} is on record with another judgment of {comparison.id!r} (round "
                    f"{round_.name!r}, repeat_index {judgment.repeat_index}, revision {judgment.revision}): "
                    "give it the next revision",
                )
            reason = None if before is None else self._reviews.refusal((key, judgment.revision), judgment)
            if reason is not None:
                raise Refusal(f"{place}.reviews", reason)
            if before is None:
                said_here[key, judgment.revision] = said
                yield _Accepted(key, judgment, version)

    def _check_answers(self, comparison: Comparison, judgment: Judgment, version: str, place: str) -> None:
        try:
            rubric = rubric_of(self._connection, version)
        except NotFound as error:
            raise Refusal(f"{place}.rubric_version", str(error)) from error
        answers = dict(judgment.answers)
        overall = answers.pop(OVERALL, None)
        problems = shape_problems(rubric, answers, overall=overall, completion_ids=comparison.completion_ids)
        for problem in problems:
            field = place if problem.field == OVERALL else f"{place}.criteria.{problem.field}"
            raise Refusal(field, f"{problem.message} ({problem.remedy})")
        for key in judgment.criteria_shown or ():
            if key not in (*rubric.criterion_keys, OVERALL):
                raise Refusal(f"{place}.criteria_shown", f"rubric {rubric.key!r} has no criterion {key!r}")
        for tension in judgment.tensions:
            for key in tension.between:
                if key not in rubric.criterion_keys:
                    raise Refusal(f"{place}.tensions", f"rubric {rubric.key!r} has no criterion {key!r}")
        if len({tuple(sorted(tension.between)) for tension in judgment.tensions}) < len(judgment.tensions):
            raise Refusal(f"{place}.tensions", "names the same two criteria twice")
        lengths = {one.id: len(one.text) for one in comparison.completions}
        for position, sentence in problems_of(judgment.reviews, rubric, comparison):
            raise Refusal(f"{place}.reviews[{position}]", sentence)
        for _, sentence in span_problems(judgment.error_spans, lengths=lengths, criteria=rubric.criterion_keys):
            raise Refusal(f"{place}.error_spans", sentence)

    def _check_kind(self, rater: str, said: RaterKind, kinds_here: dict[str, RaterKind], place: str) -> None:
        known = self._known.raters.get(rater)
        kind = known[1] if known else kinds_here.setdefault(rater, said)
        if kind is not said:
            raise Refusal(
                f"{place}.rater_kind",
                f"{rater!r} is a {kind.value} rater here, the line says {said.value}: "
                "another kind is another rater, so give it another name",
            )

    def _check_scope(self, key: Key, one: Judgment | Question, scopes_here: dict[Key, str], place: str) -> None:
        """A rater judges a comparison under one scope in every revision; a file that names none agrees with all."""
        known = self._known.scopes.get(key, scopes_here.setdefault(key, one.scope or ""))
        if one.scope is not None and one.scope != known:
            raise Refusal(
                f"{place}.scope",
                f"{one.rater!r} judges this under {known or 'the whole rubric'!r}: every revision has one scope",
            )

    def _checked_questions(
        self, line: ImportedComparison, judgments: Sequence[_Accepted]
    ) -> Iterator[tuple[Key, Question]]:
        kinds_here = {one.judgment.rater: one.judgment.rater_kind for one in judgments}
        scopes_here = {one.key: one.judgment.scope or "" for one in judgments}
        for position, question in enumerate(line.questions):
            place = f"questions[{position}]"
            round_ = self.rounds.find(line.comparison, question.round, None, place)
            self._check_kind(question.rater, question.rater_kind, kinds_here, place)
            key = (round_.id, line.comparison.id, question.rater, question.repeat_index)
            if question.scope is not None:
                self._check_scope(key, question, scopes_here, place)
            reason = self._questions.refusal(key, question.report)
            if reason is not None:
                raise Refusal(place, reason)
            yield key, question

    def _checked_decisions(
        self, comparison: Comparison, decisions: Sequence[Adjudication]
    ) -> Iterator[tuple[Round, str, int, Adjudication]]:
        n_new: dict[int, int] = {}
        for position, decision in enumerate(decisions):
            place = f"adjudications[{position}]"
            round_ = self.rounds.find(comparison, decision.round, None, place)
            rubric = rubric_of(self._connection, round_.rubric_version)
            problems = shape_problems(rubric, {}, overall=decision.answer, completion_ids=comparison.completion_ids)
            for problem in problems:
                raise Refusal(place, f"{problem.message} ({problem.remedy})")
            before = self._known.decisions.get((round_.id, comparison.id), [])
            said = what_is_decided(decision)
            if said not in before:
                n_new[round_.id] = n_new.get(round_.id, 0) + 1
                yield round_, comparison.id, len(before) + n_new[round_.id] - 1, decision

    # --- writing -----------------------------------------------------------------------------------------------

    def _keep(self, comparison: Comparison, judgments: list[_Accepted], decisions: list[Any]) -> None:
        """Remember an accepted line: later lines of the chunk are checked against it."""
        for accepted in judgments:
            self._known.said[accepted.key, accepted.judgment.revision] = what_is_said(accepted.judgment)
            self._known.raters.setdefault(accepted.judgment.rater, (None, accepted.judgment.rater_kind))
            self._known.scopes.setdefault(accepted.key, accepted.judgment.scope or "")
            self._reviews.keep((accepted.key, accepted.judgment.revision), accepted.judgment)
            for review in accepted.judgment.reviews:
                self._known.raters.setdefault(review.by, (None, RaterKind.HUMAN))
        for round_, name, _, decision in decisions:
            said = what_is_decided(decision)
            self._known.decisions.setdefault((round_.id, name), []).append(said)
        self._accepted += judgments
        self._new_decisions += decisions
        self.counts["n_judgments"] += len(judgments)
        self.counts["n_adjudications"] += len(decisions)
        self.counts["n_reviews"] = self._reviews.n_new

    def _keep_questions(self, questions: Sequence[tuple[Key, Question]]) -> None:
        for key, question in questions:
            self._known.raters.setdefault(question.rater, (None, question.rater_kind))
            self._known.scopes.setdefault(key, question.scope or "")
        self._questions.keep(questions)
        self.counts["n_questions"] = self._questions.n_new

    def count_known(self, lines: Sequence[ImportedComparison]) -> None:
        """Count the judgments of accepted lines that were there before."""
        self.counts["n_judgments_known"] = sum(len(line.judgments) for line in lines) - self.counts["n_judgments"]

    def _write_raters(self) -> None:
        fresh = [(name, kind) for name, (rater_id, kind) in self._known.raters.items() if rater_id is None]
        created_at = utc_now()
        rows = [
            {
                "namespace": self._campaign.name,
                "name": name,
                "kind": kind.value,
                "state": RaterState.QUALIFIED.value,
                "roles": [Role.RATER.value],
                "created_at": created_at,
            }
            for name, kind in fresh
        ]
        for (name, kind), rater_id in zip(fresh, self._insert(tables.rater, rows), strict=True):
            self._known.raters[name] = (rater_id, kind)

    def _write_assignments(self, comparison_ids: Mapping[str, int]) -> None:
        fresh: dict[Key, _Accepted] = {}
        for accepted in self._accepted:
            if accepted.key not in self._known.assignments:
                fresh.setdefault(accepted.key, accepted)
        now = utc_now()
        rows = [self._assignment_row(accepted, comparison_ids, now) for accepted in fresh.values()]
        for key, assignment_id in zip(fresh, self._insert(_assignment, rows), strict=True):
            self._known.assignments[key] = (assignment_id, AssignmentState.SUBMITTED.value)
        asked = self._questions.without_assignment(self._known.assignments)
        rows = [
            passed_on(
                key,
                comparison_ids[key[1]],
                self._known.raters[key[2]][0] or 0,
                scope=self._known.scopes[key],
                batch_id=self._batch_id,
                policy=IMPORT_POLICY,
                now=now,
            )
            for key in asked
        ]
        for key, assignment_id in zip(asked, self._insert(_assignment, rows), strict=True):
            self._known.assignments[key] = (assignment_id, AssignmentState.SKIPPED.value)

    def _assignment_row(self, accepted: _Accepted, comparison_ids: Mapping[str, int], now: Any) -> dict[str, Any]:
        round_id, name, rater, repeat_index = accepted.key
        judgment = accepted.judgment
        rater_id, kind = self._known.raters[rater]
        return {
            "round_id": round_id,
            "comparison_id": comparison_ids[name],
            "rater_id": rater_id,
            "batch_id": self._batch_id,
            "repeat_index": repeat_index,
            "scope": judgment.scope or "",
            "purpose": judgment.purpose.value,
            "state": AssignmentState.SUBMITTED.value,
            "shown": None if judgment.shown is None else list(judgment.shown),
            "criteria_shown": None if judgment.criteria_shown is None else list(judgment.criteria_shown),
            "overall_first": judgment.overall_first,
            "asks_overall": OVERALL in judgment.answers,
            "takes_place": judgment.purpose is Purpose.WORK and kind in self._campaign.counted_kinds,
            "policy": IMPORT_POLICY,
            "leased_at": judgment.at or now,
            "closed_at": judgment.at,
        }

    def _write_judgments(self, comparison_ids: Mapping[str, int]) -> None:
        rows = [
            {
                "assignment_id": self._known.assignments[accepted.key][0],
                "revision": accepted.judgment.revision,
                "rubric_version": accepted.rubric_version,
                "justification": accepted.judgment.justification,
                "confidence": accepted.judgment.confidence,
                "active_seconds": accepted.judgment.seconds,
                "submitted_at": accepted.judgment.at,
                "batch_id": self._batch_id,
            }
            for accepted in self._accepted
        ]
        verdicts: list[dict[str, Any]] = []
        tensions: list[dict[str, Any]] = []
        reports: list[dict[str, Any]] = []
        spans: list[dict[str, Any]] = []
        reviews: list[Any] = []
        for accepted, row, judgment_id in zip(self._accepted, rows, self._insert(_judgment, rows), strict=True):
            judgment = accepted.judgment
            verdicts += verdict_rows(judgment_id, judgment.answers)
            tensions += tension_rows(judgment_id, judgment.tensions)
            spans += span_rows(judgment_id, judgment.error_spans)
            reports += report_rows(row["assignment_id"], judgment_id, judgment.reports, reported_at=judgment.at)
            reviews += review_rows(judgment_id, comparison_ids[accepted.key[1]], judgment, self._known.raters)
        for table, many in (
            (_verdict, verdicts),
            (tables.declared_tension, tensions),
            (tables.error_span, spans),
            (tables.rater_report, reports),
        ):
            insert_rows(self._connection, table, many)
        write_reviews(self._connection, reviews)

    def _write_decisions(self, comparison_ids: Mapping[str, int]) -> None:
        rows = [
            {
                "round_id": round_.id,
                "comparison_id": comparison_ids[name],
                "batch_id": self._batch_id,
                "position": position,
                "answer": decision.answer.to_dict(),
                "cause": decision.cause.value,
                "reason": decision.reason,
                "adjudicator": decision.by,
                "decided_at": decision.at,
            }
            for round_, name, position, decision in self._new_decisions
        ]
        insert_rows(self._connection, tables.adjudication, rows)

    def _insert(self, table: Table, rows: Sequence[dict[str, Any]]) -> list[int]:
        """Insert rows and return their numbers in the same order."""
        if not rows:
            return []
        statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
        return list(self._connection.scalars(statement, rows))
