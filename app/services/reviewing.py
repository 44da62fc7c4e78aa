"""Attempt, review, senior: a second person accepts what a rater handed in or changes it; a senior settles differences.

An optional layer of a round (`RoundRules.review_share`). Each word is a row of its own with its reason; the attempt is
never touched. What counts in a label: the attempt, until a senior settles that other answers should stand; a reviewer
alone changes no label. What raters are measured by is always the attempt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from app.domain import (
    OVERALL,
    Campaign,
    Comparison,
    Completion,
    DeclaredTension,
    Judgment,
    Message,
    Rater,
    Review,
    ReviewLevel,
    ReviewVerdict,
    utc_now,
)
from app.errors import Conflict, InvalidInput
from app.policy import Action
from app.services import events, review_queue
from app.services.collecting import decide_again
from app.services.lookup import find_account, find_campaign, require, round_of, rubric_of
from app.services.prejudging_audit import after_vote
from app.services.showing import ERASED
from app.services.wording import check_text, said
from app.store import tables
from app.store.engine import Store
from app.store.judgments import error_spans, read_reviews, stored_answer
from app.store.queries import PROMPT, read_comparisons
from rubrics.answers import Answer
from rubrics.justification import Problem
from rubrics.model import Rubric
from rubrics.submission import validate_submission

_assignment, _judgment, _review = tables.assignment, tables.judgment, tables.review

ACTION_OF = {ReviewLevel.REVIEW: Action.REVIEW, ReviewLevel.SENIOR: Action.ADJUDICATE}
"""What one must be allowed to do at each level."""


@dataclass(frozen=True)
class Attempt:
    """What a reviewer sees: the comparison and one rater's judgment of it; no names, no models, no other vote.

    Attributes:
        judgment_id: the judgment's number.
        comparison: prompt, responses and meta; a withdrawn text says so.
        judgment: as it was given, its `rater` empty; `criteria_shown` is what was asked of it.
        earlier: for a senior, what the reviewer said; its `by` is empty.
    """

    judgment_id: int
    level: ReviewLevel
    comparison: Comparison
    rubric: Rubric
    judgment: Judgment
    asks_overall: bool
    earlier: Review | None = None
    renders_math: bool = False

    @property
    def asked(self) -> tuple[str, ...]:
        """The criteria that were asked."""
        return self.judgment.criteria_shown or ()

    def problems(self, answers: Mapping[str, Answer]) -> list[Problem]:
        """What keeps answers from standing instead of the attempt's."""
        found = validate_submission(
            self.rubric,
            {key: answer for key, answer in answers.items() if key != OVERALL},
            overall=answers.get(OVERALL),
            justification="",
            meta=self.comparison.meta,
            completion_ids=self.comparison.completion_ids,
            scope=[*self.asked, *([OVERALL] if self.asks_overall else [])],
        )
        return [problem for problem in found if problem.field != "justification"]


@dataclass(frozen=True)
class Waiting:
    """How many attempts wait at a level: in all, and for this person."""

    n: int
    n_for_me: int


def waiting(store: Store, actor_name: str, campaign_name: str) -> dict[ReviewLevel, Waiting]:
    """What waits at each level that this person may work at.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not review here.
    """
    with store.read() as connection:
        campaign, actor = _reviewer(connection, actor_name, campaign_name, ReviewLevel.REVIEW)
        found = review_queue.counts(connection, campaign, actor)
    return {level: Waiting(*counted) for level, counted in found.items()}


def next_attempt(
    store: Store, actor_name: str, campaign_name: str, *, level: ReviewLevel, now: datetime | None = None
) -> Attempt | None:
    """The attempt that somebody reviews: the one they hold, else the oldest that nobody else holds; None for none.

    Looking at what is held writes nothing, so that a page may ask on every run.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not review at this level here.
    """
    now = now or utc_now()
    with store.read() as connection:
        campaign, actor = _reviewer(connection, actor_name, campaign_name, level)
        held = review_queue.held(connection, campaign, level, actor, now=now)
        if held is not None:
            return _attempt(connection, campaign, held, level)
    with store.write() as connection:
        taken = review_queue.take(connection, campaign, level, actor, now=now)
        if taken is None:
            return None
        events.record(
            connection,
            actor=actor.name,
            action="attempt.claimed",
            subject=f"judgment {taken}",
            campaign_id=campaign.id,
            detail={"level": level.value},
        )
    with store.read() as connection:
        return _attempt(connection, campaign, taken, level)


def review(
    store: Store,
    actor_name: str,
    campaign_name: str,
    judgment_id: int,
    *,
    level: ReviewLevel,
    answers: Mapping[str, Answer] | None,
    reason: str,
    now: datetime | None = None,
) -> None:
    """Accept an attempt, or say which answers should stand instead; the attempt stays as it was given.

    Args:
        store: the database.
        actor_name: somebody else than the rater who gave it, and, for a senior, than the reviewer.
        campaign_name: the campaign.
        judgment_id: the attempt.
        level: a reviewer's word, or a senior's, which settles.
        answers: criterion key (and "overall") -> answer, all that was asked; None where the attempt stands.
        reason: why; a reviewer who accepts may leave it out.
        now: the time; the clock by default.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not review at this level here.
        Conflict: the attempt does not wait for this person: it was reviewed, revised, or is their own.
        InvalidInput: no reason, or answers that do not fit what was asked.
    """
    now = now or utc_now()
    if answers is None and level is ReviewLevel.REVIEW:
        check_text(reason, "reason")
    else:
        reason = said(reason, "reason", remedy="Say why: the reason stands beside the attempt.")
    with store.write() as connection:
        campaign, actor = _reviewer(connection, actor_name, campaign_name, level)
        review_queue.locked_attempt(connection, judgment_id)
        found = review_queue.waiting_for(connection, campaign, level, actor)
        if (
            found is None
            or connection.execute(found.where(tables.review_wait.c.judgment_id == judgment_id)).first() is None
        ):
            raise Conflict("This attempt waits for no word of yours any more: take the next.")
        attempt = _attempt(connection, campaign, judgment_id, level)
        if answers is not None:
            _check_answers(attempt, answers)
        _write(connection, campaign, actor, attempt, answers, reason.strip(), now=now)
        if level is ReviewLevel.SENIOR and answers is not None:
            _decide_again(connection, judgment_id, now=now)


def feedback(store: Store, rater_name: str, assignment_id: int) -> Review | None:
    """The word that ended the review of a rater's own judgment as it stands, without a name; None where none did.

    Raises:
        NotFound: no such account.
    """
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        latest = connection.scalar(
            select(_judgment.c.id)
            .join(_assignment, _assignment.c.id == _judgment.c.assignment_id)
            .where(_assignment.c.id == assignment_id, _assignment.c.rater_id == rater.id)
            .order_by(_judgment.c.revision.desc())
            .limit(1)
        )
        found = final_word(read_reviews(connection, [latest]).get(latest, ())) if latest is not None else None
    return None if found is None else replace(found, by="")


def final_word(words: Sequence[Review]) -> Review | None:
    """The word that ends a review: a senior's, or a reviewer's who accepted; None while a senior has yet to settle."""
    ends = [one for one in words if one.level is ReviewLevel.SENIOR or one.verdict is ReviewVerdict.APPROVE]
    return ends[-1] if ends else None


def _reviewer(
    connection: Connection, actor_name: str, campaign_name: str, level: ReviewLevel
) -> tuple[Campaign, Rater]:
    campaign, actor = find_campaign(connection, campaign_name), find_account(connection, actor_name)
    require(connection, actor, ACTION_OF[level], campaign=campaign)
    return campaign, actor


def _check_answers(attempt: Attempt, answers: Mapping[str, Answer]) -> None:
    """All that was asked is answered and fits the rubric, and something differs from the attempt.

    Raises:
        InvalidInput: it is not so.
    """
    wrong = [str(problem) for problem in attempt.problems(answers)]
    if wrong:
        raise InvalidInput("; ".join(wrong))
    if dict(answers) == dict(attempt.judgment.answers):
        raise InvalidInput("These are the answers of the attempt: accept it, or change one.")


def _write(
    connection: Connection,
    campaign: Campaign,
    actor: Rater,
    attempt: Attempt,
    answers: Mapping[str, Answer] | None,
    reason: str,
    *,
    now: datetime,
) -> None:
    verdict = ReviewVerdict.APPROVE if answers is None else ReviewVerdict.EDIT
    document = None if answers is None else {key: answer.to_dict() for key, answer in answers.items()}
    row = {
        "judgment_id": attempt.judgment_id,
        "level": attempt.level.value,
        "verdict": verdict.value,
        "answers": document,
        "reason": reason,
        "reviewer_id": actor.id,
        "reviewed_at": now,
    }
    connection.execute(insert(_review), row)
    review_queue.advance(connection, attempt.judgment_id, attempt.level, verdict)
    events.record(
        connection,
        actor=actor.name,
        action="attempt.settled" if attempt.level is ReviewLevel.SENIOR else "attempt.reviewed",
        subject=f"judgment {attempt.judgment_id}",
        campaign_id=campaign.id,
        detail={"verdict": verdict.value, "answers": document, "reason": reason},
    )


def _decide_again(connection: Connection, judgment_id: int, *, now: datetime) -> None:
    """Let the round's policy look at the comparison again: one of its votes counts otherwise now."""
    row = connection.execute(
        select(tables.round_, _assignment.c.comparison_id)
        .join(_assignment, _assignment.c.round_id == tables.round_.c.id)
        .join(_judgment, _judgment.c.assignment_id == _assignment.c.id)
        .where(_judgment.c.id == judgment_id)
    ).one()
    decide_again(connection, round_of(row), [row.comparison_id], now=now)
    after_vote(connection, row.id, row.comparison_id, now=now)


def _attempt(connection: Connection, campaign: Campaign, judgment_id: int, level: ReviewLevel) -> Attempt:
    row = connection.execute(
        select(_judgment, _assignment.c.comparison_id, _assignment.c.criteria_shown, _assignment.c.asks_overall)
        .join(_assignment, _assignment.c.id == _judgment.c.assignment_id)
        .where(_judgment.c.id == judgment_id)
    ).one()
    words = read_reviews(connection, [judgment_id]).get(judgment_id, ()) if level is ReviewLevel.SENIOR else ()
    return Attempt(
        judgment_id=judgment_id,
        level=level,
        comparison=_comparison(connection, row.comparison_id),
        rubric=rubric_of(connection, row.rubric_version),
        judgment=_judgment_of(connection, row),
        asks_overall=row.asks_overall,
        earlier=replace(words[0], by="") if words else None,
        renders_math=campaign.renders_math,
    )


def _comparison(connection: Connection, row_id: int) -> Comparison:
    """A comparison as a reviewer may see it: without models, gold key and reference."""
    stored = next(read_comparisons(connection, [row_id]))
    whole, erased = stored.comparison, stored.erased
    return Comparison(
        id=whole.id,
        prompt=(Message("system", ERASED),) if PROMPT in erased else whole.prompt,
        completions=tuple(Completion(one.id, ERASED if one.id in erased else one.text) for one in whole.completions),
        meta=whole.meta,
    )


def _judgment_of(connection: Connection, row: Row[Any]) -> Judgment:
    """An attempt without its rater's name."""
    verdict, tension = tables.verdict, tables.declared_tension
    answers = connection.execute(select(verdict).where(verdict.c.judgment_id == row.id).order_by(verdict.c.criterion))
    declared = connection.execute(select(tension).where(tension.c.judgment_id == row.id).order_by(tension.c.id))
    return Judgment(
        rater="",
        answers={one.criterion: stored_answer(one) for one in answers},
        justification=row.justification,
        tensions=tuple(
            DeclaredTension((one.first_criterion, one.second_criterion), one.prevailed, one.why) for one in declared
        ),
        error_spans=error_spans(connection, [row.id]).get(row.id, ()),
        confidence=row.confidence,
        criteria_shown=tuple(row.criteria_shown or ()),
    )
