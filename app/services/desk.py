"""A rater's desk: the comparison in hand, what is still missing, and their own earlier work.

Nothing here says why a comparison was given, which model wrote a response, or what anybody else said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, select

from app.domain import OVERALL, Assignment, AssignmentState, Campaign, DeclaredTension, Purpose, Rater, utc_now
from app.errors import NotFound
from app.policy import Action, may_work
from app.services.assigning import next_assignment
from app.services.judging import Submission
from app.services.justifying import find_grounds, needs_grounds
from app.services.lookup import find_account, find_campaign, require, rubric_of
from app.services.showing import Material, material_of, prompt_from_text, whole_view
from app.services.standing import standing_of
from app.store import tables
from app.store.engine import Store
from app.store.judgments import error_spans
from rubrics.answers import Answer
from rubrics.justification import Grounds, Problem
from rubrics.model import Rubric
from rubrics.submission import validate_submission

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Responses are called by these on the screen, in the order shown."""

_MENTION = re.compile(r"\b(?:[Rr]esponse|Antwort) ([A-Z])\b")
"""How people call a response, in the languages of the screen."""

_TOKEN = re.compile(r"\[response:([^\]\s]+)\]")

_assignment = tables.assignment
_judgment = tables.judgment
_round = tables.round_
_campaign = tables.campaign
_is_open = and_(
    _round.c.state == "open", _campaign.c.state == "open", _assignment.c.purpose != Purpose.EXAM.value
).label("is_open")
"""Whether work may still be revised; the answers of an exam stand."""


@dataclass(frozen=True)
class Desk:
    """An assignment with the rubric that it is judged by.

    Attributes:
        assignment: what the rater sees.
        rubric: the version of the round.
        meta: the comparison's meta, by which criteria apply; only `material` of it is shown.
        renders_math: whether the campaign sets formulas.
    """

    assignment: Assignment
    rubric: Rubric
    meta: Mapping[str, Any]
    renders_math: bool = False

    @property
    def material(self) -> Material:
        """What stands beside the prompt."""
        return material_of(self.meta)

    @property
    def asks_everything(self) -> bool:
        """Whether every applicable criterion is asked; only then do criteria make a tension."""
        asked = set(self.assignment.criteria_shown)
        return {criterion.key for criterion in self.rubric.applicable(self.meta)} <= asked

    def problems(self, submission: Submission, *, grounds: Grounds | None = None) -> list[Problem]:
        """What keeps a submission from being stored, and what the rater is advised of, in the order of the rubric.

        Args:
            submission: what the rater would hand in.
            grounds: see `find_problems`, which finds them.
        """
        answers = {key: answer for key, answer in submission.answers.items() if key != OVERALL}
        return validate_submission(
            self.rubric,
            answers,
            overall=submission.answers.get(OVERALL),
            justification=submission.justification,
            meta=self.meta,
            completion_ids=self.assignment.shown,
            settled=[tension.between for tension in submission.tensions],
            scope=[*self.assignment.criteria_shown, *([OVERALL] if self.assignment.asks_overall else [])],
            grounds=grounds,
        )


@dataclass(frozen=True)
class OwnJudgment:
    """One line of a rater's own work.

    Attributes:
        revision: how often it was revised.
        can_revise: whether its round and its campaign are open, and it was no exam's.
        overall: the answer in the slots of the screen ("1" is the response that stood first); None where not asked.
    """

    assignment_id: int
    prompt: str
    submitted_at: datetime | None
    revision: int
    can_revise: bool
    overall: Answer | None
    n_responses: int
    confidence: int | None
    seconds: float | None


@dataclass(frozen=True)
class EarlierWork:
    """A submitted assignment of one's own.

    Attributes:
        desk: what was judged, in the order it was shown.
        submission: what was said last.
        can_revise: whether its round and its campaign are open, and it was no exam's.
    """

    desk: Desk
    submission: Submission
    can_revise: bool


@dataclass(frozen=True)
class DayCount:
    """What a rater did on one day (UTC)."""

    day: datetime
    n_judgments: int
    seconds: float


def open_desk(store: Store, rater_name: str, campaign_name: str, *, now: datetime | None = None) -> Desk | None:
    """The comparison that a rater works on: the one they hold, else a new lease; None when nothing is left.

    Looking at what is held writes nothing, so that a page may ask on every run.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not judge here, or its state gives it no work.
    """
    now = now or utc_now()
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        campaign = find_campaign(connection, campaign_name)
        require(connection, rater, Action.JUDGE, campaign=campaign)
        if may_work(standing_of(connection, rater, campaign.id).state):
            held = held_desk(connection, rater, campaign, now=now)
            if held is not None:
                return held
    return lease_desk(store, rater_name, campaign_name, now=now)


def held_desk(connection: Connection, rater: Rater, campaign: Campaign, *, now: datetime) -> Desk | None:
    """The open assignment whose lease has not run out, for a rater who may go on with it; None where there is none."""
    if campaign.state == "closed":
        return None
    mine = {"rater_id": rater.id, "campaign_id": campaign.id, "now": now}
    held = connection.scalar(_held_query(), mine)
    return None if held is None else _desk(connection, held)


def lease_desk(store: Store, rater_name: str, campaign_name: str, *, now: datetime | None = None) -> Desk | None:
    """The next comparison for a rater; see `assigning.next_assignment`, which also says what it raises."""
    assignment = next_assignment(store, rater_name, campaign_name, now=now)
    if assignment is None:
        return None
    with store.read() as connection:
        return _desk(connection, assignment.id)


def desk_of(store: Store, rater_name: str, assignment_id: int) -> Desk:
    """An assignment of a rater that is leased already, such as an exam item, with its rubric.

    Raises:
        NotFound: the rater has no such assignment.
    """
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        mine = select(_assignment.c.id).where(_assignment.c.id == assignment_id, _assignment.c.rater_id == rater.id)
        if connection.scalar(mine) is None:
            raise NotFound(f"{rater_name} has no assignment {assignment_id}.")
        return _desk(connection, assignment_id)


def find_problems(store: Store, rater_name: str, desk: Desk, submission: Submission) -> list[Problem]:
    """All that `judging.submit` would refuse or advise, justification and earlier work included.

    Raises:
        NotFound: no such account.
    """
    text = submission.justification
    if not needs_grounds(desk.rubric, text):
        return desk.problems(submission)
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        found = find_grounds(connection, desk.rubric, rater_id=rater.id, assignment_id=desk.assignment.id, text=text)
    return desk.problems(submission, grounds=found)


def reopen_desk(store: Store, rater_name: str, assignment_id: int) -> EarlierWork:
    """A submitted assignment of the rater's own, with what they said last.

    Raises:
        NotFound: the rater has submitted no such assignment.
    """
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        row = connection.execute(
            select(_judgment, _is_open)
            .select_from(
                _judgment.join(_assignment)
                .join(_round, _round.c.id == _assignment.c.round_id)
                .join(_campaign, _campaign.c.id == _round.c.campaign_id)
            )
            .where(
                _assignment.c.id == assignment_id,
                _assignment.c.rater_id == rater.id,
                _assignment.c.state == AssignmentState.SUBMITTED.value,
                _assignment.c.shown.is_not(None),
            )
            .order_by(_judgment.c.revision.desc())
        ).first()
        if row is None:
            raise NotFound(f"{rater_name} has submitted no assignment {assignment_id}.")
        verdicts = connection.execute(select(tables.verdict).where(tables.verdict.c.judgment_id == row.id))
        tensions = connection.execute(
            select(tables.declared_tension).where(tables.declared_tension.c.judgment_id == row.id)
        )
        submission = Submission(
            answers={verdict.criterion: _answer(verdict) for verdict in verdicts},
            justification=row.justification,
            tensions=tuple(
                DeclaredTension((t.first_criterion, t.second_criterion), t.prevailed, t.why) for t in tensions
            ),
            error_spans=error_spans(connection, [row.id]).get(row.id, ()),
            confidence=row.confidence,
            seconds=row.active_seconds,
        )
        return EarlierWork(_desk(connection, assignment_id), submission, can_revise=row.is_open)


def own_judgments(
    store: Store, rater_name: str, campaign_name: str, *, limit: int = 50, offset: int = 0
) -> list[OwnJudgment]:
    """A rater's judgments in a campaign as they stand now, newest first.

    Raises:
        NotFound: no such account or campaign.
    """
    later = _judgment.alias("later")
    latest = select(func.max(later.c.revision)).where(later.c.assignment_id == _assignment.c.id)
    overall = tables.verdict
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        campaign = find_campaign(connection, campaign_name)
        rows = connection.execute(
            select(
                _assignment.c.id,
                _assignment.c.shown,
                _judgment,
                _is_open,
                tables.content.c.body,
                *(overall.c[name] for name in ("preferred", "strength", "scores", "checks", "ranking", "criterion")),
            )
            .select_from(
                _assignment.join(_judgment, _judgment.c.assignment_id == _assignment.c.id)
                .join(_round, _round.c.id == _assignment.c.round_id)
                .join(_campaign, _campaign.c.id == _round.c.campaign_id)
                .join(tables.comparison, tables.comparison.c.id == _assignment.c.comparison_id)
                .join(tables.content, tables.content.c.hash == tables.comparison.c.prompt_hash)
                .outerjoin(overall, (overall.c.judgment_id == _judgment.c.id) & (overall.c.criterion == OVERALL))
            )
            .where(
                _assignment.c.rater_id == rater.id,
                _round.c.campaign_id == campaign.id,
                _assignment.c.state == AssignmentState.SUBMITTED.value,
                _assignment.c.shown.is_not(None),
                _judgment.c.revision == latest.scalar_subquery(),
            )
            .order_by(_assignment.c.closed_at.desc(), _assignment.c.id.desc())
            .limit(limit)
            .offset(offset)
        ).all()
    return [_own_judgment(row) for row in rows]


def own_days(store: Store, rater_name: str, campaign_name: str, *, since: datetime | None = None) -> list[DayCount]:
    """How many judgments a rater gave in a campaign and how long they worked on them, by day (UTC), oldest first."""
    statement = (
        select(_judgment.c.submitted_at, _judgment.c.active_seconds)
        .select_from(
            _judgment.join(_assignment)
            .join(tables.rater, tables.rater.c.id == _assignment.c.rater_id)
            .join(_round, _round.c.id == _assignment.c.round_id)
            .join(tables.campaign, tables.campaign.c.id == _round.c.campaign_id)
        )
        .where(tables.rater.c.namespace == "", tables.rater.c.name == rater_name)
        .where(tables.campaign.c.name == campaign_name)
        .where(_judgment.c.revision == 0, _judgment.c.submitted_at.is_not(None))
    )
    if since is not None:
        statement = statement.where(_judgment.c.submitted_at >= since)
    days: dict[datetime, tuple[int, float]] = {}
    with store.read() as connection:
        for at, seconds in connection.execute(statement.order_by(_judgment.c.submitted_at)):
            day = at.replace(hour=0, minute=0, second=0, microsecond=0)
            n_judgments, total = days.get(day, (0, 0.0))
            days[day] = (n_judgments + 1, total + (seconds or 0.0))
    return [DayCount(day, *counted) for day, counted in days.items()]


def name_responses(text: str, shown: Sequence[str]) -> str:
    """A rater's words with "Response A" as a token of the completion, so that every reader sees their own letters.

    The same for "Antwort A", as the German screen has it.
    """

    def token(match: re.Match[str]) -> str:
        place = LETTERS.index(match[1])
        return f"[response:{shown[place]}]" if place < len(shown) else match[0]

    return _MENTION.sub(token, text)


def call_responses(text: str, shown: Sequence[str], *, word: str = "Response") -> str:
    """Stored words with the letters under which a reader sees the responses; the inverse of `name_responses`.

    Args:
        text: a justification as it is stored.
        shown: completion ids in the reader's order.
        word: what the reader's screen calls a response.
    """

    def letter(match: re.Match[str]) -> str:
        return f"{word} {LETTERS[shown.index(match[1])]}" if match[1] in shown else match[0]

    return _TOKEN.sub(letter, text)


@cache
def _held_query() -> Select[Any]:
    """What `:rater_id` holds in `:campaign_id` at `:now`; built once, because building it takes longer than running."""
    return (
        select(_assignment.c.id)
        .join(_round)
        .where(
            _assignment.c.rater_id == bindparam("rater_id"),
            _assignment.c.state == AssignmentState.OPEN.value,
            _assignment.c.purpose != Purpose.EXAM.value,
            _assignment.c.lease_expires_at >= bindparam("now", type_=_assignment.c.lease_expires_at.type),
            _round.c.campaign_id == bindparam("campaign_id"),
            _round.c.state == "open",
        )
        .order_by(_round.c.id)
        .limit(1)
    )


def _desk(connection: Connection, assignment_id: int) -> Desk:
    seen = whole_view(connection, assignment_id)
    rubric = rubric_of(connection, seen.assignment.rubric_version)
    return Desk(seen.assignment, rubric, seen.meta, renders_math=seen.renders_math)


def _answer(row: Any) -> Answer:
    ranking = None if row.ranking is None else tuple(tuple(group) for group in row.ranking)
    return Answer(row.preferred, row.strength, row.scores, row.checks, ranking)


def _own_judgment(row: Any) -> OwnJudgment:
    turns = prompt_from_text(row.body)
    asked = [turn.content for turn in turns if turn.role == "user"] or [turn.content for turn in turns]
    overall = None if row.criterion is None else answer_to_slots(_answer(row), tuple(row.shown))
    return OwnJudgment(
        assignment_id=row.id,
        prompt=asked[-1] if asked else "",
        submitted_at=row.submitted_at,
        revision=row.revision,
        can_revise=row.is_open,
        overall=overall,
        n_responses=len(row.shown),
        confidence=row.confidence,
        seconds=row.active_seconds,
    )


def answer_to_slots(answer: Answer, shown: Sequence[str]) -> Answer:
    """An answer in completion ids as one in screen slots; the inverse of `showing.answer_from_slots`."""
    slots = {completion_id: str(place) for place, completion_id in enumerate(shown, start=1)}
    if answer.preferred is not None:
        return Answer(preferred=slots.get(answer.preferred, answer.preferred), strength=answer.strength)
    if answer.scores is not None:
        return Answer(scores={slots[key]: score for key, score in answer.scores.items()})
    if answer.checks is not None:
        return Answer(checks={slots[key]: yes for key, yes in answer.checks.items()})
    return Answer(ranking=tuple(tuple(slots[key] for key in group) for group in answer.ranking or ()))
