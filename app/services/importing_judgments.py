"""The judgments and decisions of an import chunk: checked against the ledger and the rubric, then written in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, exists, insert, or_, select

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
    RankingMode,
    RaterKind,
    RaterState,
    RefusedLine,
    Role,
    Round,
    RoundRules,
    utc_now,
)
from app.errors import InvalidInput, NotFound
from app.services.campaigns import RANKING_ROUND, add_round
from app.services.importing_questions import Key, QuestionBook, passed_on
from app.services.judging import report_rows, tension_rows, verdict_rows
from app.services.lanes import remove_lanes
from app.services.lookup import rounds_of, rubric_of
from app.services.spans import span_problems, span_rows
from app.store import tables
from app.store.bulk import insert_rows
from app.store.engine import batched
from app.store.judgments import error_spans
from rubrics.submission import shape_problems

IMPORT_POLICY = "imported"
"""The policy of assignments that came in a file: nobody here chose them, so they have no propensity."""

_assignment, _judgment, _verdict = tables.assignment, tables.judgment, tables.verdict


class _Refused(Exception):
    """A judgment or a decision of a line is not acceptable."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True)
class _Accepted:
    """A judgment that will be written."""

    key: Key
    judgment: Judgment
    rubric_version: str


class JudgmentWriter:
    """Sorts out and writes the judgments and decisions of one chunk, inside the chunk's transaction.

    Attributes:
        counts: `n_judgments`, `n_judgments_known`, `n_adjudications`, `n_questions`.
    """

    def __init__(self, connection: Connection, campaign: Campaign, batch_id: int, *, actor: str) -> None:
        self._connection = connection
        self._campaign = campaign
        self._batch_id = batch_id
        self._actor = actor
        self._rounds = {round_.name: round_ for round_ in rounds_of(connection, campaign.id, batch_id=batch_id)}
        self._raters: dict[str, tuple[int | None, RaterKind]] = {}
        self._assignments: dict[Key, tuple[int, str]] = {}
        self._scopes: dict[Key, str] = {}
        self._said: dict[tuple[Key, int], Any] = {}
        self._questions = QuestionBook()
        self._decisions: dict[tuple[int, str], list[Any]] = {}
        self._accepted: list[_Accepted] = []
        self._new_decisions: list[tuple[Round, str, int, Adjudication]] = []
        self.counts = {"n_judgments": 0, "n_judgments_known": 0, "n_adjudications": 0, "n_questions": 0}

    def round_for_mode(self, mode: RankingMode) -> list[Round]:
        """The rounds in whose queues a comparison of this mode waits; none where no rubric of the campaign suits it."""
        return [round_ for round_ in self._rounds.values() if round_.mode is mode]

    def open_ranking_round(self) -> str | None:
        """Open the round in which rankings wait, if none is there; the reason where the rubric forbids it."""
        if not self.round_for_mode(RankingMode.KWAY):
            try:
                self._open_round(RANKING_ROUND, RankingMode.KWAY, None, "")
            except _Refused as refusal:
                return refusal.reason
        return None

    def load(self, lines: Sequence[ImportedComparison], *, known_ids: Mapping[str, int]) -> None:
        """Read what the ledger knows of the chunk's raters, judgments and decisions."""
        self._load_raters(lines)
        self._load_ledger(lines, known_ids)

    def take(self, line: ImportedComparison) -> RefusedLine | None:
        """Keep a line's judgments and decisions for writing; or say what breaks the rubric or the ledger."""
        rounds_before = set(self._rounds)
        try:
            judgments = list(self._checked(line.comparison, line.judgments))
            decisions = list(self._checked_decisions(line.comparison, line.adjudications))
            questions = list(self._checked_questions(line, judgments))
        except _Refused as refusal:
            self._close_again(self._rounds.keys() - rounds_before)
            return RefusedLine(line.line, refusal.field, refusal.reason)
        self._keep(line.comparison, judgments, decisions)
        self._keep_questions(questions)
        return None

    def write(self, comparison_ids: Mapping[str, int]) -> None:
        """Write what was accepted: raters, assignments, judgments, verdicts, tensions, marks, reports, decisions."""
        self._write_raters()
        self._write_assignments(comparison_ids)
        self._write_judgments()
        self._write_decisions(comparison_ids)
        insert_rows(self._connection, tables.rater_report, list(self._questions.rows(self._assignments)))

    # --- reading what is there ---------------------------------------------------------------------------------

    def _load_raters(self, lines: Sequence[ImportedComparison]) -> None:
        """Who the names of this chunk are, where they are known.

        A name is the campaign's own pseudonym, since an import gave it; else the account of a member, or of somebody
        who judged here. `/name` is the account where a pseudonym has the same name (see `app.store.judgments`).
        """
        names = sorted({one.rater for line in lines for one in (*line.judgments, *line.questions)})
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
        self._raters.update((name, known[name]) for name in names if name in known)

    def _load_ledger(self, lines: Sequence[ImportedComparison], known_ids: Mapping[str, int]) -> None:
        """Assignments, judgments and decisions on the chunk's comparisons that were there before it."""
        judged = {line.comparison.id for line in lines if line.judgments or line.adjudications or line.questions}
        ids = {known_ids[name]: name for name in judged if name in known_ids}
        if not ids:
            return
        raters = {rater_id: name for name, (rater_id, _) in self._raters.items()}
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
            self._assignments[key] = (row.id, row.state)
            self._scopes[key] = row.scope
            keys[row.id] = key
        self._questions.load(self._connection, keys)
        self._load_judgments(ids, keys)
        table = tables.adjudication
        decisions = self._connection.execute(
            select(table).where(table.c.comparison_id.in_(ids)).order_by(table.c.position)
        )
        for row in decisions:
            said = (row.answer, row.cause, row.reason, row.adjudicator, row.decided_at)
            self._decisions.setdefault((row.round_id, ids[row.comparison_id]), []).append(said)

    def _load_judgments(self, ids: Mapping[int, str], keys: Mapping[int, Key]) -> None:
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
            self._said[keys[row.assignment_id], row.revision] = said

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

    # --- checking ----------------------------------------------------------------------------------------------

    def _checked(self, comparison: Comparison, judgments: Sequence[Judgment]) -> Iterator[_Accepted]:
        """The judgments of one line that are new; known ones pass in silence."""
        said_here: dict[tuple[Key, int], Any] = {}
        kinds_here: dict[str, RaterKind] = {}
        scopes_here: dict[Key, str] = {}
        for position, judgment in enumerate(judgments):
            place = f"judgments[{position}]"
            round_ = self._round(comparison, judgment.round, judgment.rubric_version, place)
            version = judgment.rubric_version or round_.rubric_version
            self._check_answers(comparison, judgment, version, place)
            self._check_kind(judgment.rater, judgment.rater_kind, kinds_here, place)
            key = (round_.id, comparison.id, judgment.rater, judgment.repeat_index)
            self._check_scope(key, judgment, scopes_here, place)
            state = self._assignments.get(key, (0, AssignmentState.SUBMITTED.value))[1]
            if state != AssignmentState.SUBMITTED.value:
                raise _Refused(
                    f"{place}.rater", f"{judgment.rater!r} has this comparison as {state} here: settle that first"
                )
            said = _said(judgment)
            before = said_here.get((key, judgment.revision)) or self._said.get((key, judgment.revision))
            if before is not None and before != said:
                raise _Refused(
                    place,
                    f"{judgment.rater!r} is on record with another judgment of {comparison.id!r} (round "
                    f"{round_.name!r}, repeat_index {judgment.repeat_index}, revision {judgment.revision}): "
                    "give it the next revision",
                )
            if before is None:
                said_here[key, judgment.revision] = said
                yield _Accepted(key, judgment, version)

    def _check_answers(self, comparison: Comparison, judgment: Judgment, version: str, place: str) -> None:
        try:
            rubric = rubric_of(self._connection, version)
        except NotFound as error:
            raise _Refused(f"{place}.rubric_version", str(error)) from error
        answers = dict(judgment.answers)
        overall = answers.pop(OVERALL, None)
        problems = shape_problems(rubric, answers, overall=overall, completion_ids=comparison.completion_ids)
        for problem in problems:
            field = place if problem.field == OVERALL else f"{place}.criteria.{problem.field}"
            raise _Refused(field, f"{problem.message} ({problem.remedy})")
        for key in judgment.criteria_shown or ():
            if key not in (*rubric.criterion_keys, OVERALL):
                raise _Refused(f"{place}.criteria_shown", f"rubric {rubric.key!r} has no criterion {key!r}")
        for tension in judgment.tensions:
            for key in tension.between:
                if key not in rubric.criterion_keys:
                    raise _Refused(f"{place}.tensions", f"rubric {rubric.key!r} has no criterion {key!r}")
        if len({tuple(sorted(tension.between)) for tension in judgment.tensions}) < len(judgment.tensions):
            raise _Refused(f"{place}.tensions", "names the same two criteria twice")
        lengths = {one.id: len(one.text) for one in comparison.completions}
        for _, sentence in span_problems(judgment.error_spans, lengths=lengths, criteria=rubric.criterion_keys):
            raise _Refused(f"{place}.error_spans", sentence)

    def _check_kind(self, rater: str, said: RaterKind, kinds_here: dict[str, RaterKind], place: str) -> None:
        known = self._raters.get(rater)
        kind = known[1] if known else kinds_here.setdefault(rater, said)
        if kind is not said:
            raise _Refused(
                f"{place}.rater_kind",
                f"{rater!r} is a {kind.value} rater here, the line says {said.value}: "
                "another kind is another rater, so give it another name",
            )

    def _check_scope(self, key: Key, judgment: Judgment, scopes_here: dict[Key, str], place: str) -> None:
        """A rater judges a comparison under one scope in every revision; a file that names none agrees with all."""
        known = self._scopes.get(key, scopes_here.setdefault(key, judgment.scope or ""))
        if judgment.scope is not None and judgment.scope != known:
            raise _Refused(
                f"{place}.scope",
                f"{judgment.rater!r} judges this under {known or 'the whole rubric'!r}: every revision has one scope",
            )

    def _checked_questions(
        self, line: ImportedComparison, judgments: Sequence[_Accepted]
    ) -> Iterator[tuple[Key, Question]]:
        kinds_here = {one.judgment.rater: one.judgment.rater_kind for one in judgments}
        for position, question in enumerate(line.questions):
            place = f"questions[{position}]"
            round_ = self._round(line.comparison, question.round, None, place)
            self._check_kind(question.rater, question.rater_kind, kinds_here, place)
            key = (round_.id, line.comparison.id, question.rater, question.repeat_index)
            reason = self._questions.refusal(key, question.report)
            if reason is not None:
                raise _Refused(place, reason)
            yield key, question

    def _checked_decisions(
        self, comparison: Comparison, decisions: Sequence[Adjudication]
    ) -> Iterator[tuple[Round, str, int, Adjudication]]:
        n_new: dict[int, int] = {}
        for position, decision in enumerate(decisions):
            place = f"adjudications[{position}]"
            round_ = self._round(comparison, decision.round, None, place)
            rubric = rubric_of(self._connection, round_.rubric_version)
            problems = shape_problems(rubric, {}, overall=decision.answer, completion_ids=comparison.completion_ids)
            for problem in problems:
                raise _Refused(place, f"{problem.message} ({problem.remedy})")
            before = self._decisions.get((round_.id, comparison.id), [])
            said = (decision.answer.to_dict(), decision.cause.value, decision.reason, decision.by, decision.at)
            if said not in before:
                n_new[round_.id] = n_new.get(round_.id, 0) + 1
                yield round_, comparison.id, len(before) + n_new[round_.id] - 1, decision

    def _round(self, comparison: Comparison, name: str | None, version: str | None, place: str) -> Round:
        """The round that a judgment names, or the first of the comparison's mode; opened where there is none."""
        mode = comparison.mode
        if name is None:
            fitting = self.round_for_mode(mode)
            if fitting:
                return next((round_ for round_ in fitting if round_.state == "open"), fitting[0])
            return self._open_round(RANKING_ROUND, mode, version, place)
        if name not in self._rounds:
            return self._open_round(name, mode, version, place)
        round_ = self._rounds[name]
        if round_.mode is not mode:
            raise _Refused(
                f"{place}.round", f"round {name!r} is for {round_.mode.value} comparisons, this one is {mode.value}"
            )
        return round_

    def _open_round(self, name: str, mode: RankingMode, version: str | None, place: str) -> Round:
        if name in self._rounds:
            raise _Refused(f"{place}.round", f"is missing, and round {name!r} is not for {mode.value} comparisons")
        main = next(iter(self._rounds.values()))
        try:
            rubric = rubric_of(self._connection, version or main.rubric_version)
            round_ = add_round(
                self._connection,
                self._campaign,
                name=name,
                rubric=rubric,
                mode=mode,
                rules=RoundRules(overlap=main.rules.overlap, gold_rate=main.rules.gold_rate, policy=main.rules.policy),
                actor=self._actor,
                batch_id=self._batch_id,
            )
        except (InvalidInput, NotFound) as error:
            raise _Refused(f"{place}.round", str(error)) from error
        self._rounds[name] = round_
        return round_

    def _close_again(self, names: Collection[str]) -> None:
        """Take back the rounds that a refused line opened."""
        for name in names:
            round_id = self._rounds.pop(name).id
            self._connection.execute(delete(tables.queue_item).where(tables.queue_item.c.round_id == round_id))
            remove_lanes(self._connection, [round_id])
            self._connection.execute(delete(tables.round_).where(tables.round_.c.id == round_id))

    # --- writing -----------------------------------------------------------------------------------------------

    def _keep(self, comparison: Comparison, judgments: list[_Accepted], decisions: list[Any]) -> None:
        """Remember an accepted line: later lines of the chunk are checked against it."""
        for accepted in judgments:
            self._said[accepted.key, accepted.judgment.revision] = _said(accepted.judgment)
            self._raters.setdefault(accepted.judgment.rater, (None, accepted.judgment.rater_kind))
        for round_, name, _, decision in decisions:
            said = (decision.answer.to_dict(), decision.cause.value, decision.reason, decision.by, decision.at)
            self._decisions.setdefault((round_.id, name), []).append(said)
        self._accepted += judgments
        self._new_decisions += decisions
        self.counts["n_judgments"] += len(judgments)
        self.counts["n_adjudications"] += len(decisions)

    def _keep_questions(self, questions: Sequence[tuple[Key, Question]]) -> None:
        for _, question in questions:
            self._raters.setdefault(question.rater, (None, question.rater_kind))
        self._questions.keep(questions)
        self.counts["n_questions"] = self._questions.n_new

    def count_known(self, lines: Sequence[ImportedComparison]) -> None:
        """Count the judgments of accepted lines that were there before."""
        self.counts["n_judgments_known"] = sum(len(line.judgments) for line in lines) - self.counts["n_judgments"]

    def _write_raters(self) -> None:
        fresh = [(name, kind) for name, (rater_id, kind) in self._raters.items() if rater_id is None]
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
            self._raters[name] = (rater_id, kind)

    def _write_assignments(self, comparison_ids: Mapping[str, int]) -> None:
        fresh: dict[Key, _Accepted] = {}
        for accepted in self._accepted:
            if accepted.key not in self._assignments:
                fresh.setdefault(accepted.key, accepted)
        now = utc_now()
        rows = [self._assignment_row(accepted, comparison_ids, now) for accepted in fresh.values()]
        for key, assignment_id in zip(fresh, self._insert(_assignment, rows), strict=True):
            self._assignments[key] = (assignment_id, AssignmentState.SUBMITTED.value)
        asked = self._questions.without_assignment(self._assignments)
        rows = [
            passed_on(
                key,
                comparison_ids[key[1]],
                self._raters[key[2]][0] or 0,
                batch_id=self._batch_id,
                policy=IMPORT_POLICY,
                now=now,
            )
            for key in asked
        ]
        for key, assignment_id in zip(asked, self._insert(_assignment, rows), strict=True):
            self._assignments[key] = (assignment_id, AssignmentState.SKIPPED.value)

    def _assignment_row(self, accepted: _Accepted, comparison_ids: Mapping[str, int], now: Any) -> dict[str, Any]:
        round_id, name, rater, repeat_index = accepted.key
        judgment = accepted.judgment
        rater_id, kind = self._raters[rater]
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

    def _write_judgments(self) -> None:
        rows = [
            {
                "assignment_id": self._assignments[accepted.key][0],
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
        for accepted, row, judgment_id in zip(self._accepted, rows, self._insert(_judgment, rows), strict=True):
            judgment = accepted.judgment
            verdicts += verdict_rows(judgment_id, judgment.answers)
            tensions += tension_rows(judgment_id, judgment.tensions)
            spans += span_rows(judgment_id, judgment.error_spans)
            reports += report_rows(row["assignment_id"], judgment_id, judgment.reports, reported_at=judgment.at)
        for table, many in (
            (_verdict, verdicts),
            (tables.declared_tension, tensions),
            (tables.error_span, spans),
            (tables.rater_report, reports),
        ):
            insert_rows(self._connection, table, many)

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


def _said(judgment: Judgment) -> Any:
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
