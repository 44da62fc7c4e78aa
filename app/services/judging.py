"""Drafts, submissions, revisions and skips: what a rater does with an assignment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, insert, select, update

from app.domain import (
    OVERALL,
    AssignmentState,
    DeclaredTension,
    ErrorSpan,
    Purpose,
    Rater,
    RaterKind,
    Report,
    utc_now,
)
from app.errors import AlreadyEnded, Conflict, InvalidInput, LeaseLost, NotFound, RefusedSubmission
from app.formats.base import Refusal
from app.formats.lines import refuse_unstorable
from app.policy import Action
from app.services import events, review_queue, watching, working_time
from app.services.assigning import require_judge
from app.services.collecting import decide_after_vote
from app.services.judgment_rows import report_rows, tension_rows, verdict_rows
from app.services.justifying import find_grounds, remember
from app.services.lookup import find_account, find_campaign, held_rules, require, rubric_of, rules_from_dict
from app.services.prejudging_audit import after_vote
from app.services.queueing import give_back, take_place
from app.services.spans import span_problems, span_rows, text_lengths
from app.store import tables
from app.store.engine import Store
from app.store.judgments import error_spans
from rubrics.answers import Answer
from rubrics.model import Rubric
from rubrics.submission import validate_submission

_assignment = tables.assignment
_judgment = tables.judgment


@dataclass(frozen=True)
class Receipt:
    """The answer to a submission: acknowledged means on disk.

    Attributes:
        judgment_id: the row.
        revision: 0 for the first submission.
        was_known: whether this submission had been stored already (a double click, a second tab).
    """

    judgment_id: int
    revision: int
    was_known: bool


@dataclass(frozen=True)
class Submission:
    """What a rater hands in.

    Attributes:
        answers: criterion key (and "overall") -> answer, in completion ids.
        justification: the rater's words.
        tensions: tensions that the rater declares.
        reports: flags and questions.
        error_spans: passages marked as wrong.
        confidence: 1 to 5.
        seconds: active seconds on this comparison; left out, the server's own measure (`working_time`).
    """

    answers: Mapping[str, Answer]
    justification: str = ""
    tensions: tuple[DeclaredTension, ...] = ()
    reports: tuple[Report, ...] = ()
    error_spans: tuple[ErrorSpan, ...] = ()
    confidence: int | None = None
    seconds: float | None = None


def save_draft(
    store: Store, rater_name: str, assignment_id: int, draft: Mapping[str, Any], *, now: datetime | None = None
) -> bool:
    """Keep unfinished work and let the lease run from now; a draft that comes after the submission changes nothing.

    Returns:
        Whether it was kept: False once the assignment is submitted, skipped or lost.

    Raises:
        NotFound: no such assignment of this rater.
        InvalidInput: the draft is not JSON, or has a character that no database stores.
    """
    now = now or utc_now()
    _check_draft(draft)

    def keep(connection: Connection) -> bool:
        row = _own_assignment(connection, find_account(connection, rater_name), assignment_id)
        if row.state != AssignmentState.OPEN.value:
            return False
        values = {
            "draft": dict(draft),
            "draft_saved_at": now,
            "lease_expires_at": now + timedelta(seconds=rules_from_dict(row.rules).lease_seconds),
        }
        connection.execute(_draft_statement(), {"own_id": assignment_id, **values})
        working_time.note(connection, row.rater_id, assignment_id, now=now)
        return True

    return store.write_together(keep)


@cache
def _draft_statement() -> Update:
    """The assignment `:own_id` with another draft; built once, as all that runs with every change is."""
    return update(_assignment).where(_assignment.c.id == bindparam("own_id"))


def _check_draft(draft: Mapping[str, Any]) -> None:
    try:
        text = json.dumps(draft, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The draft cannot be kept: {error}. Send JSON values.") from error
    if (problem := _unstorable(json.loads(text), "draft")) is not None:
        raise InvalidInput(f"The draft cannot be kept: {problem}.")


def submit(
    store: Store, rater_name: str, assignment_id: int, submission: Submission, *, now: datetime | None = None
) -> Receipt:
    """Store a judgment: policy, rubric, justification rules, then the rows. A second call returns the first's receipt.

    A lease that ran out is taken again if the comparison still has a place.

    Raises:
        NotFound: no such assignment of this rater.
        NotAllowed: the rater was paused, retired or taken off the campaign meanwhile; the draft is kept.
        Conflict: the assignment was skipped.
        LeaseLost: the lease ran out and the last place is taken; the work is kept as the assignment's draft.
        RefusedSubmission: the judgment breaks the rubric; nothing is stored.
    """
    as_draft(submission)
    return hand_in(store, rater_name, assignment_id, lambda _row: submission, validate=_validate, now=now)


def hand_in(
    store: Store,
    rater_name: str,
    assignment_id: int,
    submission_for: Callable[[Row[Any]], Submission],
    *,
    validate: Callable[[Connection, Row[Any], Submission], list[str]],
    now: datetime | None,
    draft_for: Callable[[Row[Any], Submission], dict[str, Any]] = lambda _, submission: as_draft(submission),
) -> Receipt:
    """Store the first judgment on an assignment, in one transaction; `submit` says how, and what it raises.

    Args:
        store: the database.
        rater_name: an account.
        assignment_id: the assignment.
        submission_for: makes the submission from the assignment's row.
        validate: refuses a submission, or gives the names of the rules that only advise.
        now: the time; the clock by default.
        draft_for: what is kept where the lease was lost; by default all of the submission, and nothing else.
    """
    now = now or utc_now()
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        row = _own_assignment(connection, rater, assignment_id)
        if row.state == AssignmentState.SUBMITTED.value:
            return _first_receipt(connection, assignment_id)
        if row.state == AssignmentState.SKIPPED.value:
            said = f"Assignment {assignment_id} was skipped; ask for the next comparison."
            raise AlreadyEnded(said, state=row.state)
        _require_turn(connection, rater, row)
        submission = submission_for(row)
        is_lost = row.state == AssignmentState.EXPIRED.value and not _take_again(connection, row)
        if is_lost:
            kept = {"draft": draft_for(row, submission), "draft_saved_at": now}
            connection.execute(update(_assignment).where(_assignment.c.id == assignment_id).values(**kept))
        else:
            advice = validate(connection, row, submission)
            receipt = _store(connection, rater, row, submission, revision=0, now=now, advice=advice)
            connection.execute(
                update(_assignment)
                .where(_assignment.c.id == assignment_id)
                .values(state=AssignmentState.SUBMITTED.value, closed_at=now, draft=None)
            )
            decide_after_vote(connection, row, now=now)
            after_vote(connection, row.round_id, row.comparison_id, now=now)
    if is_lost:
        raise LeaseLost(
            f"The lease of assignment {assignment_id} ran out at {row.lease_expires_at:%H:%M} UTC and the comparison "
            "has all its judgments now. The text is kept as a draft; ask for the next comparison."
        )
    if row.rules.get("calibration") and row.purpose != Purpose.EXAM.value:
        watching.look_in_turn(store, rater_name, row.campaign, row.round_id, now=now)
    return receipt


def revise(
    store: Store, rater_name: str, assignment_id: int, submission: Submission, *, now: datetime | None = None
) -> Receipt:
    """Add a new revision to a submitted judgment; the earlier ones stay. An identical one is not stored again.

    Raises:
        NotFound: no such assignment of this rater.
        NotAllowed: the rater was paused, retired or taken off the campaign meanwhile.
        Conflict: the assignment has not been submitted, or its round or campaign is closed.
        RefusedSubmission: the judgment breaks the rubric; nothing is stored.
    """
    now = now or utc_now()
    as_draft(submission)
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        row = _own_assignment(connection, rater, assignment_id)
        if row.state != AssignmentState.SUBMITTED.value:
            raise Conflict(f"Assignment {assignment_id} is {row.state}: submit it before revising it.")
        if row.purpose == Purpose.EXAM.value:
            raise Conflict(f"Assignment {assignment_id} was an exam's: the answer stands.")
        campaign = find_campaign(connection, row.campaign)
        require_judge(connection, rater, campaign=campaign)
        if "closed" in (row.round_state, campaign.state):
            raise Conflict(f"Assignment {assignment_id} is of a closed round: its judgments stand.")
        advice = _validate(connection, row, submission)
        last = connection.execute(
            select(_judgment).where(_judgment.c.assignment_id == assignment_id).order_by(_judgment.c.revision.desc())
        ).first()
        assert last is not None, "a submitted assignment has a judgment"
        if _says_the_same(connection, last, submission):
            return Receipt(last.id, last.revision, was_known=True)
        receipt = _store(connection, rater, row, submission, revision=last.revision + 1, now=now, advice=advice)
        decide_after_vote(connection, row, now=now, is_new=False)
        after_vote(connection, row.round_id, row.comparison_id, now=now)
    return receipt


def skip(store: Store, rater_name: str, assignment_id: int, *, reason: str, now: datetime | None = None) -> bool:
    """Hand a comparison back with a reason; another rater gets it. Returns False if it was skipped already.

    Raises:
        NotFound: no such assignment of this rater.
        Conflict: it was submitted.
        InvalidInput: the reason has a character that no database stores.
    """
    now = now or utc_now()
    if (problem := _unstorable(reason, "reason")) is not None:
        raise InvalidInput(f"The comparison cannot be skipped: {problem}.")
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        row = _own_assignment(connection, rater, assignment_id)
        if row.state == AssignmentState.SUBMITTED.value:
            said = f"Assignment {assignment_id} was submitted: revise it instead of skipping it."
            raise AlreadyEnded(said, state=row.state)
        if row.purpose == Purpose.EXAM.value:
            raise Conflict(f"Assignment {assignment_id} is an exam's: answer it; 'cannot judge' is an answer.")
        if row.state == AssignmentState.SKIPPED.value:
            return False
        connection.execute(
            update(_assignment)
            .where(_assignment.c.id == assignment_id)
            .values(state=AssignmentState.SKIPPED.value, closed_at=now, skip_reason=reason)
        )
        working_time.finish(connection, rater.id, assignment_id, ended_by="skipped", now=now)
        if row.state == AssignmentState.OPEN.value and row.takes_place:
            give_back(connection, row.round_id, row.comparison_id, row.scope)
        events.record(
            connection,
            actor=rater.name,
            action="assignment.skipped",
            subject=f"assignment {assignment_id}",
            campaign_id=row.campaign_id,
            detail={"reason": reason},
        )
    return True


def _require_turn(connection: Connection, rater: Rater, row: Row[Any]) -> None:
    """Check that the rater may hand this in now; an exam is open to those who get no work yet, or none any more."""
    campaign = find_campaign(connection, row.campaign)
    if row.purpose == Purpose.EXAM.value:
        require(connection, rater, Action.JUDGE, campaign=campaign)
    else:
        require_judge(connection, rater, campaign=campaign)


def _own_assignment(connection: Connection, rater: Rater, assignment_id: int) -> Row[Any]:
    """The assignment's row, locked, with what judging needs of its comparison and round; only the rater's own."""
    row = connection.execute(_own_query(), {"assignment_id": assignment_id, "rater_id": rater.id}).first()
    if row is None:
        raise NotFound(f"{rater.name} has no assignment {assignment_id}.")
    return row


@cache
def _own_query() -> Select[Any]:
    """`:assignment_id` of `:rater_id`; built once, because building it takes longer than running it."""
    comparison, round_ = tables.comparison, tables.round_
    return (
        select(
            _assignment,
            comparison.c.meta,
            round_.c.campaign_id,
            tables.campaign.c.name.label("campaign"),
            tables.campaign.c.counted_kinds,
            round_.c.rubric_version,
            round_.c.rules,
            round_.c.state.label("round_state"),
        )
        .join(comparison, comparison.c.id == _assignment.c.comparison_id)
        .join(round_, round_.c.id == _assignment.c.round_id)
        .join(tables.campaign, tables.campaign.c.id == round_.c.campaign_id)
        .where(_assignment.c.id == bindparam("assignment_id"), _assignment.c.rater_id == bindparam("rater_id"))
        .with_for_update(of=_assignment)
    )


def _first_receipt(connection: Connection, assignment_id: int) -> Receipt:
    first = connection.execute(
        select(_judgment.c.id, _judgment.c.revision)
        .where(_judgment.c.assignment_id == assignment_id)
        .order_by(_judgment.c.revision)
        .limit(1)
    ).one()
    return Receipt(first.id, first.revision, was_known=True)


def _validate(connection: Connection, row: Row[Any], submission: Submission) -> list[str]:
    """The names of the rules that only advise and spoke up.

    Raises:
        RefusedSubmission: something keeps the judgment from being stored.
    """
    rubric = rubric_of(connection, row.rubric_version)
    answers = dict(submission.answers)
    overall = answers.pop(OVERALL, None)
    problems = validate_submission(
        rubric,
        answers,
        overall=overall,
        justification=submission.justification,
        meta=row.meta,
        completion_ids=_completion_ids(connection, row),
        settled=[tension.between for tension in submission.tensions],
        scope=None if row.criteria_shown is None else [*row.criteria_shown, *([OVERALL] if row.asks_overall else [])],
        grounds=find_grounds(
            connection, rubric, rater_id=row.rater_id, assignment_id=row.id, text=submission.justification
        ),
    )
    sentences = [str(problem) for problem in problems if not problem.is_advice]
    sentences += _tension_problems(rubric, submission.tensions)
    sentences += _report_problems(submission.reports)
    if submission.error_spans:
        lengths = text_lengths(connection, row.comparison_id)
        problems_of = span_problems(submission.error_spans, lengths=lengths, criteria=rubric.criterion_keys)
        sentences += [f"error_spans: {sentence}" for _, sentence in problems_of]
    if submission.confidence is not None and submission.confidence not in range(1, 6):
        sentences.append(f"confidence: {submission.confidence} is not one of the five levels (give 1 to 5)")
    if submission.seconds is not None and not 0 <= submission.seconds < 86_400:
        sentences.append(f"seconds: {submission.seconds} is not the length of one sitting (give 0 to 86,400)")
    if sentences:
        raise RefusedSubmission(sentences)
    return [problem.rule for problem in problems if problem.is_advice]


def _completion_ids(connection: Connection, row: Row[Any]) -> tuple[str, ...]:
    """The completions of an assignment; where a file did not say what was shown, those of the comparison."""
    slot = tables.completion.c.slot
    slots = row.shown or connection.scalars(select(slot).where(tables.completion.c.comparison_id == row.comparison_id))
    return tuple(sorted(slots))


def _tension_problems(rubric: Rubric, tensions: Sequence[DeclaredTension]) -> Iterator[str]:
    """A declared tension names two criteria of the rubric, once, and one of the two as what prevailed."""
    seen: set[tuple[str, ...]] = set()
    for tension in tensions:
        named = " and ".join(tension.between)
        unknown = [key for key in tension.between if key not in rubric.criterion_keys]
        if unknown:
            yield f"tensions: {unknown[0]!r} is no criterion (name two of {', '.join(rubric.criterion_keys)})"
        elif tension.between[0] == tension.between[1]:
            yield f"tensions: {tension.between[0]!r} stands twice (name two different criteria)"
        elif tension.prevailed is not None and tension.prevailed not in tension.between:
            yield f"tensions: {tension.prevailed!r} cannot have prevailed (name one of {named}, or neither)"
        elif tuple(sorted(tension.between)) in seen:
            yield f"tensions: {named} are declared twice (keep one)"
        seen.add(tuple(sorted(tension.between)))


def _report_problems(reports: Sequence[Report]) -> Iterator[str]:
    """A report says what it is about."""
    if not all(report.kind.strip() for report in reports):
        yield "reports: a report has no kind (say what it is about)"


def _unstorable(value: Any, field: str) -> str | None:
    """Which text in a value no database stores (NUL characters, halves of surrogate pairs), and the remedy."""
    try:
        refuse_unstorable(value, field)
    except Refusal as refusal:
        return f"{refusal.field} {refusal.reason}"
    return None


def _take_again(connection: Connection, row: Row[Any]) -> bool:
    """Take the place of an expired lease again; work that takes no place can always be submitted."""
    held_rules(connection, row.round_id)  # before its queue: who changes the rules locks them in this order
    return not row.takes_place or take_place(connection, row.round_id, row.comparison_id, row.scope)


def as_draft(submission: Submission) -> dict[str, Any]:
    """A submission in the form of a draft.

    Raises:
        RefusedSubmission: it has a text that no database stores.
    """
    draft = {
        "answers": {key: answer.to_dict() for key, answer in submission.answers.items()},
        "justification": submission.justification,
        "tensions": [
            {"between": list(tension.between), "prevailed": tension.prevailed, "why": tension.why}
            for tension in submission.tensions
        ],
        "reports": [{"kind": report.kind, "text": report.text} for report in submission.reports],
        "error_spans": [asdict(span) for span in submission.error_spans],
        "confidence": submission.confidence,
        "seconds": submission.seconds,
    }
    if (problem := _unstorable(draft, "")) is not None:
        raise RefusedSubmission([problem])
    return draft


_INSERT = insert(_judgment).returning(_judgment.c.id)
_INSERT_VERDICTS = insert(tables.verdict)
_ATTACH_REPORTS = (
    update(tables.rater_report)
    .where(
        tables.rater_report.c.assignment_id == bindparam("its_assignment"), tables.rater_report.c.judgment_id.is_(None)
    )
    .values(judgment_id=bindparam("its_judgment"))
)


def _store(
    connection: Connection,
    rater: Rater,
    row: Row[Any],
    submission: Submission,
    *,
    revision: int,
    now: datetime,
    advice: Sequence[str],
) -> Receipt:
    """Write a judgment with all that belongs to it; the event says which advice the rater did not take."""
    answers = {key: answer.to_dict() for key, answer in submission.answers.items()}
    seconds = submission.seconds
    if rater.kind is RaterKind.HUMAN:
        measured = working_time.finish(connection, rater.id, row.id, ended_by="submitted", now=now)
        seconds = measured if seconds is None else seconds
    event_id = events.record(
        connection,
        actor=rater.name,
        action="judgment.revised" if revision else "judgment.submitted",
        subject=f"assignment {row.id}",
        campaign_id=row.campaign_id,
        detail={
            "answers": answers,
            **({"advice": sorted(set(advice))} if advice else {}),
            **({"reports": [report.kind for report in submission.reports]} if submission.reports else {}),
        },
    )
    judgment_id = connection.execute(
        _INSERT,
        {
            "assignment_id": row.id,
            "revision": revision,
            "rubric_version": row.rubric_version,
            "justification": submission.justification,
            "confidence": submission.confidence,
            "active_seconds": seconds,
            "submitted_at": now,
            "event_id": event_id,
        },
    ).scalar_one()
    connection.execute(_INSERT_VERDICTS, verdict_rows(judgment_id, submission.answers))
    if submission.tensions:
        connection.execute(insert(tables.declared_tension), tension_rows(judgment_id, submission.tensions))
    if submission.error_spans:
        connection.execute(insert(tables.error_span), span_rows(judgment_id, submission.error_spans))
    if submission.reports:
        connection.execute(
            insert(tables.rater_report), report_rows(row.id, judgment_id, submission.reports, reported_at=now)
        )
    review_queue.enter(connection, judgment_id, row, counts=rater.kind.value in row.counted_kinds)
    remember(connection, rater.id, judgment_id, submission.justification)
    connection.execute(_ATTACH_REPORTS, {"its_assignment": row.id, "its_judgment": judgment_id})
    return Receipt(judgment_id, revision, was_known=False)


def _says_the_same(connection: Connection, last: Row[Any], submission: Submission) -> bool:
    """Whether a revision would repeat the judgment that holds."""
    if (last.justification, last.confidence) != (submission.justification, submission.confidence):
        return False
    if submission.reports:
        return False
    stored = connection.execute(select(tables.verdict).where(tables.verdict.c.judgment_id == last.id)).all()
    answers = {row.criterion: (row.preferred, row.strength, row.scores, row.checks, row.ranking) for row in stored}
    given = {
        row["criterion"]: (row["preferred"], row["strength"], row["scores"], row["checks"], row["ranking"])
        for row in verdict_rows(last.id, submission.answers)
    }
    table = tables.declared_tension
    declared = connection.execute(select(table).where(table.c.judgment_id == last.id)).all()
    tensions = {(row.first_criterion, row.second_criterion): (row.prevailed, row.why) for row in declared}
    given_tensions = {
        (row["first_criterion"], row["second_criterion"]): (row["prevailed"], row["why"])
        for row in tension_rows(last.id, submission.tensions)
    }
    spans = error_spans(connection, [last.id]).get(last.id, ())
    return answers == given and tensions == given_tensions and set(spans) == set(submission.error_spans)
