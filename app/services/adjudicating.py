"""Settling disagreement without erasing it: contested comparisons, their votes side by side, and decisions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, distinct, exists, func, insert, select

from app.domain import Adjudication, Campaign, Cause, Comparison, Judgment, RaterKind, Round, utc_now
from app.errors import InvalidInput, NotFound
from app.policy import Action
from app.services import events
from app.services.lookup import find_account, find_campaign, find_round, require, rounds_of, rubric_of
from app.services.questions import QUESTION
from app.services.wording import said
from app.stats.coding import CLASSES
from app.stats.frames import OVERALL
from app.store import tables
from app.store.engine import Store
from app.store.judgments import read_judgments
from app.store.queries import adjudications, read_comparisons
from app.store.visibility import visible
from app.store.votes import judgments_frame
from rubrics.answers import Answer
from rubrics.model import Rubric
from rubrics.submission import shape_problems

COUNTED_PURPOSES = ("work", "gold")
PAIR = ["comparison_id", "round", "first", "second"]


@dataclass(frozen=True)
class ContestedComparison:
    """A comparison on which the votes do not settle the overall verdict.

    Attributes:
        votes: outcome ("a", "tie", "both_bad" ... of the most divided pair) -> number of votes.
        share: of the strongest outcome, 0 to 1; the lower, the more contested.
        is_decided: whether a decision stands beside the votes.
    """

    comparison_id: str
    round: str
    votes: dict[str, int]
    n_votes: int
    share: float
    is_decided: bool


@dataclass(frozen=True)
class Disputed:
    """A comparison that needs somebody senior for another reason than divided votes.

    Attributes:
        why: "tension" (raters let different criteria prevail) or "report" (a rater flagged it).
    """

    comparison_id: str
    why: str


@dataclass(frozen=True)
class Case:
    """Everything that an adjudicator looks at.

    Attributes:
        judgments: every rater's latest revision first seen, oldest first; machines and simulations named as such.
        decisions: earlier decisions, the last one holds.
    """

    comparison: Comparison
    round: Round
    rubric: Rubric
    judgments: tuple[Judgment, ...]
    decisions: tuple[Adjudication, ...]


def contested(
    store: Store, campaign_name: str, *, kinds: Collection[RaterKind] | None = None, min_votes: int = 2
) -> list[ContestedComparison]:
    """Comparisons on which no outcome has more than half of the votes, the most divided first, undecided ones first.

    For rankings the most divided pair of the comparison counts.

    Args:
        store: the database.
        campaign_name: the campaign.
        kinds: kinds of rater; the campaign's counted kinds by default.
        min_votes: fewer votes than this contest nothing.

    Raises:
        NotFound: no such campaign.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        counted = [kind.value for kind in (kinds or campaign.counted_kinds)]
        votes = judgments_frame(connection, campaign.id, kinds=counted, purposes=COUNTED_PURPOSES, as_settled=True)
        decided = {(one.comparison_id, one.adjudication.round) for one in adjudications(connection, campaign.id)}
    found = _divided(votes, min_votes=min_votes)
    rows = [
        ContestedComparison(*key, votes=counts, n_votes=n, share=share, is_decided=key in decided)
        for key, (counts, n, share) in found.items()
    ]
    return sorted(rows, key=lambda row: (row.is_decided, row.share, -row.n_votes, row.comparison_id))


def disputed(store: Store, campaign_name: str) -> list[Disputed]:
    """Comparisons that need somebody senior though their votes may settle them: tension disputes and open reports.

    Raises:
        NotFound: no such campaign.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        found = [
            *(Disputed(name, "tension") for name in _tension_disputes(connection, campaign)),
            *(Disputed(name, "report") for name in _reported(connection, campaign)),
        ]
    why: dict[str, Disputed] = {}
    for one in found:
        why.setdefault(one.comparison_id, one)
    return sorted(why.values(), key=lambda one: one.comparison_id)


def _tension_disputes(connection: Connection, campaign: Campaign) -> list[str]:
    """Comparisons on which raters declared the same tension and let different criteria prevail."""
    tension, judgment, assignment = tables.declared_tension, tables.judgment, tables.assignment
    later = judgment.alias("later")
    is_latest = ~exists().where(
        later.c.assignment_id == judgment.c.assignment_id, later.c.revision > judgment.c.revision
    )
    return list(
        connection.scalars(
            select(tables.comparison.c.external_id)
            .select_from(
                tension.join(judgment, judgment.c.id == tension.c.judgment_id)
                .join(assignment, assignment.c.id == judgment.c.assignment_id)
                .join(tables.comparison, tables.comparison.c.id == assignment.c.comparison_id)
            )
            .where(
                tables.comparison.c.campaign_id == campaign.id,
                tension.c.prevailed.is_not(None),
                visible(judgment.c.batch_id),
                is_latest,
            )
            .group_by(
                tables.comparison.c.external_id,
                assignment.c.round_id,
                tension.c.first_criterion,
                tension.c.second_criterion,
            )
            .having(func.count(distinct(tension.c.prevailed)) > 1)
        )
    )


def _reported(connection: Connection, campaign: Campaign) -> list[str]:
    """Comparisons with a report that nobody has answered; questions to the designer wait in the inbox."""
    report, assignment = tables.rater_report, tables.assignment
    return list(
        connection.scalars(
            select(tables.comparison.c.external_id)
            .distinct()
            .select_from(
                report.join(assignment, assignment.c.id == report.c.assignment_id).join(
                    tables.comparison, tables.comparison.c.id == assignment.c.comparison_id
                )
            )
            .where(
                tables.comparison.c.campaign_id == campaign.id,
                report.c.answered_at.is_(None),
                report.c.kind != QUESTION,
                visible(assignment.c.batch_id),
            )
        )
    )


def form_view(
    store: Store,
    actor_name: str,
    campaign_name: str,
    comparison_id: str,
    *,
    answer: Answer,
    now: datetime | None = None,
) -> None:
    """Keep what somebody thinks of a comparison before they see its votes; the first view stands.

    Raises:
        NotFound: no such account, campaign or comparison.
        NotAllowed: the account may not adjudicate here.
    """
    view = tables.adjudicator_view
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        actor = find_account(connection, actor_name)
        require(connection, actor, Action.ADJUDICATE, campaign=campaign)
        row_id = _row_id(connection, campaign, comparison_id)
        mine = (view.c.comparison_id == row_id) & (view.c.rater_id == actor.id)
        if connection.scalar(select(func.count()).select_from(view).where(mine)):
            return
        row = {"comparison_id": row_id, "rater_id": actor.id, "answer": answer.to_dict(), "formed_at": now or utc_now()}
        connection.execute(insert(view), row)
        events.record(
            connection,
            actor=actor.name,
            action="adjudicator.view_formed",
            subject=f"comparison {comparison_id}",
            campaign_id=campaign.id,
            detail={"answer": answer.to_dict()},
        )


def _divided(votes: pd.DataFrame, *, min_votes: int) -> dict[tuple[str, str], tuple[dict[str, int], int, float]]:
    """(comparison, round) -> votes of its most divided pair, their number and the strongest share.

    Counted as one table of pairs by class, so that only what is contested costs time in Python.
    """
    is_counted = (votes["criterion"] == OVERALL) & votes["outcome"].isin(CLASSES) & (votes["repeat_index"] == 0)
    overall = votes[is_counted]
    if overall.empty:
        return {}
    groups = overall.groupby(PAIR, observed=True, sort=True)
    pair, outcome = groups.ngroup().to_numpy(), pd.Categorical(overall["outcome"], categories=CLASSES).codes
    table = np.bincount(pair * len(CLASSES) + outcome, minlength=groups.ngroups * len(CLASSES))
    table = table.reshape(-1, len(CLASSES))
    n = table.sum(axis=1)
    share = table.max(axis=1) / n
    divided = np.flatnonzero((n >= min_votes) & (share <= 0.5))
    divided = divided[np.argsort(share[divided], kind="stable")]
    names = groups.size().index[divided].to_frame(index=False)
    names = names[~names.duplicated(PAIR[:2])].astype(str)
    found: dict[tuple[str, str], tuple[dict[str, int], int, float]] = {}
    for at, comparison_id, round_, first, second in names.itertuples():
        row = divided[at]
        counts = zip((first, second, *CLASSES[2:]), table[row].tolist(), strict=True)
        found[comparison_id, round_] = ({name: k for name, k in counts if k}, int(n[row]), float(share[row]))
    return found


def open_case(store: Store, campaign_name: str, comparison_id: str) -> Case:
    """A comparison with all its votes, justifications and decisions.

    Raises:
        NotFound: no such campaign or comparison, or no round of its mode.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        row_id = _row_id(connection, campaign, comparison_id)
        comparison = next(read_comparisons(connection, [row_id])).comparison
        judgments = _latest(read_judgments(connection, [row_id]).get(row_id, []))
        decisions = [one for one in adjudications(connection, campaign.id) if one.comparison_id == comparison_id]
        round_ = _round_of(connection, campaign, comparison, judgments)
        rubric = rubric_of(connection, round_.rubric_version)
    ordered = sorted(decisions, key=lambda one: one.position)
    return Case(comparison, round_, rubric, tuple(judgments), tuple(one.adjudication for one in ordered))


def decide(
    store: Store,
    actor_name: str,
    campaign_name: str,
    comparison_id: str,
    *,
    answer: Answer,
    cause: Cause,
    reason: str,
    round_name: str | None = None,
    now: datetime | None = None,
) -> Adjudication:
    """Write a decision beside the votes. Only the cause `error` changes a label; no vote is touched.

    Args:
        store: the database.
        actor_name: an account that may adjudicate in the campaign.
        campaign_name: the campaign.
        comparison_id: its external id.
        answer: the overall answer that should stand.
        cause: why the raters disagreed.
        reason: in words; required.
        round_name: the round; the one in which the comparison was judged by default.
        now: the time; the clock by default.

    Raises:
        NotFound: no such account, campaign, comparison or round.
        NotAllowed: the account may not adjudicate here.
        InvalidInput: no reason, or an answer that does not fit the rubric.
    """
    reason = said(reason, "reason", remedy="A decision needs a reason: it stands beside the votes for good.")
    case = open_case(store, campaign_name, comparison_id)
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        actor = find_account(connection, actor_name)
        require(connection, actor, Action.ADJUDICATE, campaign=campaign)
        round_ = case.round if round_name is None else find_round(connection, campaign, round_name)
        rubric = rubric_of(connection, round_.rubric_version)
        problems = shape_problems(rubric, {}, overall=answer, completion_ids=case.comparison.completion_ids)
        if problems:
            raise InvalidInput(str(problems[0]))
        table = tables.adjudication
        row_id = _row_id(connection, campaign, comparison_id)
        n_before = connection.scalar(
            select(func.count()).where(table.c.round_id == round_.id, table.c.comparison_id == row_id)
        )
        event_id = events.record(
            connection,
            actor=actor.name,
            action="comparison.adjudicated",
            subject=f"comparison {comparison_id}",
            campaign_id=campaign.id,
            detail={"answer": answer.to_dict(), "cause": cause.value, "reason": reason},
        )
        decided_at = now or utc_now()
        connection.execute(
            insert(table),
            {
                "round_id": round_.id,
                "comparison_id": row_id,
                "position": n_before,
                "answer": answer.to_dict(),
                "cause": cause.value,
                "reason": reason,
                "adjudicator": actor.name,
                "decided_at": decided_at,
                "event_id": event_id,
            },
        )
    return Adjudication(answer, cause, reason, actor.name, decided_at, round_.name)


def _row_id(connection: Connection, campaign: Campaign, comparison_id: str) -> int:
    comparison = tables.comparison
    here = (comparison.c.campaign_id == campaign.id) & (comparison.c.external_id == comparison_id)
    row_id = connection.scalar(select(comparison.c.id).where(here, visible(comparison.c.batch_id)))
    if row_id is None:
        raise NotFound(f"Campaign {campaign.name!r} has no comparison {comparison_id!r}.")
    return row_id


def _latest(judgments: list[Judgment]) -> list[Judgment]:
    """The latest revision of each rater's judgment, in the order of the ledger."""
    latest: dict[tuple[str | None, str, int], Judgment] = {}
    for judgment in judgments:
        key = (judgment.round, judgment.rater, judgment.repeat_index)
        if key not in latest or judgment.revision > latest[key].revision:
            latest[key] = judgment
    return list(latest.values())


def _round_of(connection: Connection, campaign: Campaign, comparison: Comparison, judgments: list[Judgment]) -> Round:
    """The round in which a comparison was judged, or the first of its mode."""
    rounds = [round_ for round_ in rounds_of(connection, campaign.id) if round_.mode is comparison.mode]
    judged_in = {judgment.round for judgment in judgments}
    for round_ in rounds:
        if round_.name in judged_in:
            return round_
    if not rounds:
        raise NotFound(f"Campaign {campaign.name!r} has no round for {comparison.mode.value} comparisons: open one.")
    return rounds[0]
