"""What reviews say: how much was changed, whose attempts, and how right the reviewers are, by seniors and by gold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from app.domain import Campaign, Review, ReviewLevel, ReviewVerdict
from app.policy import Action
from app.services import gold_scoring, review_queue
from app.services.lookup import find_account, find_campaign, require
from app.services.reviewing import final_word
from app.stats.intervals import wilson
from app.stats.results import Estimate
from app.store import tables
from app.store.engine import Store
from app.store.judgments import read_reviews
from rubrics.answers import Answer


@dataclass(frozen=True)
class ReviewedRater:
    """How a rater's attempts fared.

    Attributes:
        changed: share of the attempts whose review has ended that other answers replaced.
    """

    rater: str
    n_reviewed: int
    changed: Estimate


@dataclass(frozen=True)
class Reviewer:
    """How a reviewer's words fared.

    Attributes:
        edits: share of the reviews that would change the attempt.
        upheld: share of the settled edits that a senior let stand in some form.
        right_on_gold: share of the reviews of hidden gold after which the answer is right.
    """

    name: str
    n_reviews: int
    edits: Estimate
    upheld: Estimate
    right_on_gold: Estimate


@dataclass(frozen=True)
class ReviewSummary:
    """The reviews of a campaign.

    Attributes:
        n_attempts: attempts that their rounds let somebody review.
        n_reviewed: those that a reviewer has seen.
        n_edits: those that the reviewer would change.
        n_settled: edits that a senior has settled.
        n_changed: attempts in whose place other answers count.
    """

    n_attempts: int
    n_reviewed: int
    n_edits: int
    n_settled: int
    n_changed: int
    raters: tuple[ReviewedRater, ...]
    reviewers: tuple[Reviewer, ...]


@dataclass(frozen=True)
class _Reviewed:
    """One reviewed attempt: who gave it, its words, and whether the answer after the review is right on gold."""

    rater: str
    words: Sequence[Review]
    is_right: bool | None

    @property
    def is_edit(self) -> bool:
        return self.words[0].verdict is ReviewVerdict.EDIT

    @property
    def settled(self) -> Review | None:
        return next((one for one in self.words if one.level is ReviewLevel.SENIOR), None)

    @property
    def is_changed(self) -> bool:
        return self.settled is not None and self.settled.verdict is ReviewVerdict.EDIT


def summarise(store: Store, actor_name: str, campaign_name: str) -> ReviewSummary:
    """The reviews of a campaign as of now.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not see quality here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.SEE_QUALITY, campaign=campaign)
        found = _reviewed(connection, campaign)
        attempts = review_queue.attempts(connection, campaign)
        n_attempts = 0
        if attempts is not None:
            n_attempts = connection.scalar(select(func.count()).select_from(attempts.subquery())) or 0
    return ReviewSummary(
        n_attempts=n_attempts,
        n_reviewed=len(found),
        n_edits=sum(one.is_edit for one in found),
        n_settled=sum(one.settled is not None for one in found),
        n_changed=sum(one.is_changed for one in found),
        raters=tuple(_rater(name, some) for name, some in _grouped(found, lambda one: one.rater)),
        reviewers=tuple(_reviewer(name, some) for name, some in _grouped(found, lambda one: one.words[0].by)),
    )


def _grouped(found: Sequence[_Reviewed], key: Callable[[_Reviewed], str]) -> Sequence[tuple[str, Sequence[_Reviewed]]]:
    groups: dict[str, list[_Reviewed]] = {}
    for one in found:
        groups.setdefault(key(one), []).append(one)
    return sorted(groups.items())


def _rater(name: str, some: Sequence[_Reviewed]) -> ReviewedRater:
    ended = [one for one in some if final_word(one.words) is not None]
    return ReviewedRater(name, len(some), wilson(sum(one.is_changed for one in ended), len(ended)))


def _reviewer(name: str, some: Sequence[_Reviewed]) -> Reviewer:
    edits = [one for one in some if one.is_edit]
    settled = [one for one in edits if one.settled is not None]
    on_gold = [one.is_right for one in some if one.is_right is not None]
    return Reviewer(
        name=name,
        n_reviews=len(some),
        edits=wilson(len(edits), len(some)),
        upheld=wilson(sum(one.is_changed for one in settled), len(settled)),
        right_on_gold=wilson(sum(on_gold), len(on_gold)),
    )


def _reviewed(connection: Connection, campaign: Campaign) -> list[_Reviewed]:
    """Every attempt of a campaign that a reviewer has seen."""
    review, judgment, assignment, rater = tables.review, tables.judgment, tables.assignment, tables.rater
    rows = connection.execute(
        select(judgment.c.id, assignment.c.comparison_id, rater.c.name)
        .select_from(
            review.join(judgment, judgment.c.id == review.c.judgment_id)
            .join(assignment, assignment.c.id == judgment.c.assignment_id)
            .join(rater, rater.c.id == assignment.c.rater_id)
            .join(tables.round_, tables.round_.c.id == assignment.c.round_id)
        )
        .where(tables.round_.c.campaign_id == campaign.id, review.c.level == ReviewLevel.REVIEW.value)
        .order_by(judgment.c.id)
    ).all()
    words = read_reviews(connection, [row.id for row in rows])
    keys = _keys(connection, campaign)
    given = gold_scoring.answers_of(connection, [row.id for row in rows if row.comparison_id in keys])
    return [
        _Reviewed(row.name, words[row.id], _is_right(keys.get(row.comparison_id), words[row.id][0], given.get(row.id)))
        for row in rows
    ]


def _keys(connection: Connection, campaign: Campaign) -> dict[int, gold_scoring.GoldKey]:
    """Comparison -> gold key that holds."""
    key, comparison = tables.gold_key, tables.comparison
    rows = connection.execute(
        select(key)
        .join(comparison, comparison.c.id == key.c.comparison_id)
        .where(comparison.c.campaign_id == campaign.id, key.c.suspended_at.is_(None))
    )
    return {row.comparison_id: gold_scoring.key_of(row) for row in rows}


def _is_right(key: gold_scoring.GoldKey | None, word: Review, given: Mapping[str, Answer] | None) -> bool | None:
    if key is None:
        return None
    return gold_scoring.score_answer(key, word.answers or given or {}).is_right
