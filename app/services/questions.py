"""What raters ask and report about a comparison while they judge it, and what the designers answer.

Texts call responses by letter; they are stored with the completion's identity, and every reader sees the letters of
their own screen: the rater in the order shown to them, the designer in the order of the ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from app.domain import utc_now
from app.errors import Conflict, InvalidInput, NotFound
from app.policy import Action
from app.services import events
from app.services.desk import call_responses, name_responses
from app.services.lookup import find_account, find_campaign, require
from app.services.wording import check_text, said
from app.store import tables
from app.store.engine import Store

QUESTION = "question"
"""The kind of a question to the designer."""

HARMFUL = "harmful"
"""The kind of a report of harmful content."""

_report = tables.rater_report
_assignment = tables.assignment
_comparison = tables.comparison
_campaign = tables.campaign
_rater = tables.rater


@dataclass(frozen=True)
class Question:
    """A question or a report about one comparison.

    Attributes:
        kind: `question`, `harmful`, or whatever a rater flagged with a judgment.
        comparison_id: the comparison's external id; not for the rater's eyes.
        text: the rater's words, with the letters of the reader's screen.
        answer: the designer's words, likewise; None while it waits.
        read_at: when the rater saw the answer.
    """

    id: int
    campaign: str
    comparison_id: str
    assignment_id: int
    rater: str
    kind: str
    text: str
    asked_at: datetime | None
    answer: str | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    read_at: datetime | None = None

    @property
    def is_new(self) -> bool:
        """Whether there is an answer that the rater has not seen."""
        return self.answered_at is not None and self.read_at is None


def ask(store: Store, rater_name: str, assignment_id: int, text: str, *, now: datetime | None = None) -> int:
    """Ask the designers something about a comparison; the number of the question. Asking the same twice asks once.

    Raises:
        NotFound: no such assignment of this rater.
        NotAllowed: the rater may not judge in the campaign any more.
        InvalidInput: no text, too long a one, or a character that no database stores.
    """
    said(text, "question", remedy="The question is empty: write what is unclear.")
    return _file(store, rater_name, assignment_id, QUESTION, text, now=now)


def report(
    store: Store,
    rater_name: str,
    assignment_id: int,
    *,
    kind: str = HARMFUL,
    text: str = "",
    now: datetime | None = None,
) -> int:
    """Report something about a comparison, harmful content above all; the number of the report.

    The comparison stays with the rater: whether to judge or skip it is another decision.

    Raises:
        NotFound: no such assignment of this rater.
        NotAllowed: the rater may not judge in the campaign any more.
        InvalidInput: no kind, too long a text, or a character that no database stores.
    """
    if not kind.strip() or kind == QUESTION:
        raise InvalidInput(f"{kind!r} is no kind of report: say what it is about, e.g. {HARMFUL!r}.")
    return _file(store, rater_name, assignment_id, kind, text, now=now)


def own_questions(store: Store, rater_name: str, *, campaign_name: str | None = None) -> list[Question]:
    """What a rater asked and reported, newest first, with the letters of their own screen.

    Raises:
        NotFound: no such account.
    """
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        mine = _query().where(_assignment.c.rater_id == rater.id, _assignment.c.batch_id.is_(None))
        if campaign_name is not None:
            mine = mine.where(_campaign.c.name == campaign_name)
        rows = connection.execute(mine.order_by(_report.c.id.desc())).all()
    return [_question(row, row.shown or ()) for row in rows]


def mark_read(store: Store, rater_name: str, question_ids: Sequence[int], *, now: datetime | None = None) -> int:
    """Note that a rater saw the answers to their questions; how many were new to them.

    Raises:
        NotFound: no such account.
    """
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        own = select(_assignment.c.id).where(_assignment.c.rater_id == rater.id)
        n_read = connection.execute(
            update(_report)
            .where(_report.c.id.in_(question_ids), _report.c.assignment_id.in_(own))
            .where(_report.c.answered_at.is_not(None), _report.c.read_at.is_(None))
            .values(read_at=now or utc_now())
        ).rowcount
        if n_read:
            detail = {"questions": sorted(question_ids)}
            events.record(connection, actor=rater.name, action="question.read", subject="questions", detail=detail)
    return n_read


def open_questions(
    store: Store, actor_name: str, campaign_name: str, *, with_answered: bool = False, limit: int = 200
) -> list[Question]:
    """Questions and reports of a campaign that wait for an answer, oldest first, with the letters of the id order.

    What came with imported judgments is history and asks nobody.

    Args:
        store: the database.
        actor_name: an account that may adjudicate in the campaign.
        campaign_name: the campaign.
        with_answered: those with an answer too, newest first.
        limit: at most so many.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not adjudicate here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.ADJUDICATE, campaign=campaign)
        wanted = _query().where(_campaign.c.id == campaign.id, _assignment.c.batch_id.is_(None)).limit(limit)
        if with_answered:
            wanted = wanted.order_by(_report.c.id.desc())
        else:
            wanted = wanted.where(_report.c.answered_at.is_(None)).order_by(_report.c.id)
        return [_question(row, _slots(connection, row)) for row in connection.execute(wanted).all()]


def n_open(store: Store, actor_name: str, campaign_name: str) -> int:
    """How many questions and reports of a campaign wait for an answer.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not adjudicate here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.ADJUDICATE, campaign=campaign)
        waiting = _query().where(
            _campaign.c.id == campaign.id, _assignment.c.batch_id.is_(None), _report.c.answered_at.is_(None)
        )
        return connection.scalar(select(func.count()).select_from(waiting.subquery())) or 0


def answer(store: Store, actor_name: str, question_id: int, text: str, *, now: datetime | None = None) -> Question:
    """Answer a question or a report; the rater who asked sees the words. The same answer again changes nothing.

    Raises:
        NotFound: no such account or question.
        NotAllowed: the account may not adjudicate in the question's campaign.
        InvalidInput: no text, too long a one, or a character that no database stores.
        Conflict: somebody answered it otherwise meanwhile.
    """
    with store.write() as connection:
        return answer_within(connection, actor_name, question_id, text, now=now)


def answer_within(
    connection: Connection, actor_name: str, question_id: int, text: str, *, now: datetime | None = None
) -> Question:
    """`answer` inside a transaction of the caller; raises the same."""
    if not text.strip():
        raise InvalidInput("The answer is empty: the rater reads it as you write it.")
    check_text(text, "answer")
    now = now or utc_now()
    row = connection.execute(_query().where(_report.c.id == question_id).with_for_update(of=_report)).first()
    if row is None:
        raise NotFound(f"There is no question {question_id}.")
    actor = find_account(connection, actor_name)
    require(connection, actor, Action.ADJUDICATE, campaign=find_campaign(connection, row.campaign))
    slots = _slots(connection, row)
    words = name_responses(text.strip(), slots)
    if row.answered_at is not None:
        if row.answer == words:
            return _question(row, slots)
        raise Conflict(f"{row.answered_by} answered this meanwhile: “{call_responses(row.answer or '', slots)}”")
    connection.execute(
        update(_report).where(_report.c.id == question_id).values(answer=words, answered_at=now, answered_by=actor.name)
    )
    events.record(
        connection,
        actor=actor.name,
        action="question.answered",
        subject=f"question {question_id}",
        campaign_id=row.campaign_id,
        detail={"kind": row.kind, "answer": words},
    )
    asked = _question(row, slots)
    return replace(asked, answer=text.strip(), answered_at=now, answered_by=actor.name)


def _file(store: Store, rater_name: str, assignment_id: int, kind: str, text: str, *, now: datetime | None) -> int:
    """Write a question or a report, once."""
    check_text(text, kind)
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        row = connection.execute(
            select(_assignment.c.shown, _comparison.c.campaign_id, _campaign.c.name)
            .join(_comparison, _comparison.c.id == _assignment.c.comparison_id)
            .join(_campaign, _campaign.c.id == _comparison.c.campaign_id)
            .where(_assignment.c.id == assignment_id, _assignment.c.rater_id == rater.id)
            .with_for_update(of=_assignment)
        ).first()
        if row is None:
            raise NotFound(f"{rater_name} has no assignment {assignment_id}.")
        require(connection, rater, Action.JUDGE, campaign=find_campaign(connection, row.name))
        words = name_responses(text.strip(), row.shown or ())
        same = (_report.c.assignment_id == assignment_id, _report.c.kind == kind, _report.c.text == words)
        known = connection.scalar(select(_report.c.id).where(*same, _report.c.answered_at.is_(None)))
        if known is not None:
            return known
        report_id = connection.execute(
            insert(_report).returning(_report.c.id),
            {"assignment_id": assignment_id, "kind": kind, "text": words, "reported_at": now or utc_now()},
        ).scalar_one()
        events.record(
            connection,
            actor=rater.name,
            action="question.asked" if kind == QUESTION else "report.filed",
            subject=f"question {report_id}",
            campaign_id=row.campaign_id,
            detail={"assignment": assignment_id, "kind": kind, "text": words},
        )
    return report_id


def _query() -> Select[Any]:
    return (
        select(
            _report,
            _assignment.c.shown,
            _assignment.c.comparison_id.label("row_id"),
            _comparison.c.external_id,
            _comparison.c.campaign_id,
            _campaign.c.name.label("campaign"),
            _rater.c.name.label("rater"),
        )
        .join(_assignment, _assignment.c.id == _report.c.assignment_id)
        .join(_comparison, _comparison.c.id == _assignment.c.comparison_id)
        .join(_campaign, _campaign.c.id == _comparison.c.campaign_id)
        .join(_rater, _rater.c.id == _assignment.c.rater_id)
    )


def _slots(connection: Connection, row: Row[Any]) -> list[str]:
    """The completions of a question's comparison in the order of their ids: how designers see them."""
    slot = tables.completion.c.slot
    mine = tables.completion.c.comparison_id == row.row_id
    return list(connection.scalars(select(slot).where(mine).order_by(slot)))


def _question(row: Row[Any], order: Sequence[str]) -> Question:
    return Question(
        id=row.id,
        campaign=row.campaign,
        comparison_id=row.external_id,
        assignment_id=row.assignment_id,
        rater=row.rater,
        kind=row.kind,
        text=call_responses(row.text, order),
        asked_at=row.reported_at,
        answer=None if row.answer is None else call_responses(row.answer, order),
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        read_at=row.read_at,
    )
