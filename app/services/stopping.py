"""The posterior of a round that may stop asking: fitted on the campaign's gold, kept by version, looked up by votes."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import URL, Connection, Select, bindparam, insert, select

from app.domain import OVERALL, AssignmentState, Campaign, GoldKey, OverlapPolicy, RankingMode, Round, utc_now
from app.policy import Action
from app.services import events
from app.services.gold_scoring import right_answers
from app.services.lookup import find_campaign, rounds_of
from app.services.permission import require_in
from app.services.sessions import Person
from app.stats.coding import CLASSES
from app.stats.stopping import GoldVote, StoppingModel, fit_stopping
from app.store import tables
from app.store.engine import Store
from app.store.visibility import visible
from rubrics.answers import Answer, outcome

_model = tables.overlap_model
_models: dict[tuple[URL, int, datetime], StoppingModel] = {}
"""Read once per process; the time tells versions apart that a restored database gave the same number."""


def refit(store: Store, campaign_name: str, *, actor: str = "system") -> dict[str, StoppingModel]:
    """Fit the posterior of every open pair round that stops by one; round's name -> model. One event for all.

    Raises:
        NotFound: no such campaign.
    """
    fitted: dict[str, StoppingModel] = {}
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        rounds = [one for one in rounds_of(connection, campaign.id) if _stops_by_posterior(one)]
        votes = gold_votes(connection, campaign) if rounds else []
        for round_ in rounds:
            model = fit_stopping(votes, largest=round_.rules.overlap, threshold=round_.rules.threshold)
            row = {"round_id": round_.id, "document": model.to_dict(), "fitted_at": utc_now()}
            connection.execute(insert(_model), row)
            fitted[round_.name] = model
        if fitted:
            events.record(
                connection,
                actor=actor,
                action="overlap_model.fitted",
                subject=f"campaign {campaign_name}",
                campaign_id=campaign.id,
                detail={name: {"n_gold": one.n_gold, "reason": one.reason} for name, one in fitted.items()},
            )
    return fitted


def refit_for(store: Store, person: Person, campaign_name: str) -> dict[str, StoppingModel]:
    """`refit`, for somebody who asks.

    Raises:
        NotAllowed: they may not see the campaign's quality.
    """
    require_in(person, Action.SEE_QUALITY, campaign_name)
    return refit(store, campaign_name, actor=person.name)


def refit_all(store: Store) -> None:
    """Fit the posteriors of every open campaign, as the worker does once a day."""
    with store.read() as connection:
        names = connection.scalars(select(tables.campaign.c.name).where(tables.campaign.c.state == "open")).all()
    for name in names:
        refit(store, name)


def latest_model(connection: Connection, round_id: int) -> tuple[int, StoppingModel] | None:
    """The newest posterior of a round with its number; None before the first."""
    row = connection.execute(_latest_query(), {"round_id": round_id}).first()
    if row is None:
        return None
    known = (connection.engine.url, row.id, row.fitted_at)
    if known not in _models:
        document = connection.scalar(select(_model.c.document).where(_model.c.id == row.id))
        _models[known] = StoppingModel.from_dict(document)
    return row.id, _models[known]


def gold_votes(connection: Connection, campaign: Campaign) -> list[GoldVote]:
    """Every counted rater's first answer to a gold pair, in the order in which they were given."""
    assignment, judgment, verdict = tables.assignment, tables.judgment, tables.verdict
    comparison, key, rater = tables.comparison, tables.gold_key, tables.rater
    rows = connection.execute(
        select(comparison.c.external_id, rater.c.id, assignment.c.shown, key.c.accepted, key.c.distribution, verdict)
        .select_from(
            assignment.join(comparison, comparison.c.id == assignment.c.comparison_id)
            .join(key, key.c.comparison_id == comparison.c.id)
            .join(rater, rater.c.id == assignment.c.rater_id)
            .join(judgment, judgment.c.assignment_id == assignment.c.id)
            .join(verdict, verdict.c.judgment_id == judgment.c.id)
        )
        .where(
            comparison.c.campaign_id == campaign.id,
            comparison.c.mode == RankingMode.PAIR.value,
            assignment.c.state == AssignmentState.SUBMITTED.value,
            assignment.c.repeat_index == 0,
            judgment.c.revision == 0,
            verdict.c.criterion == OVERALL,
            key.c.suspended_at.is_(None),
            rater.c.kind.in_([kind.value for kind in campaign.counted_kinds]),
            visible(assignment.c.batch_id),
        )
        .order_by(judgment.c.id)
    )
    found: dict[tuple[str, str], GoldVote] = {}
    for row in rows:
        vote = _gold_vote(row)
        if vote is not None:
            found.setdefault((vote.unit, vote.rater), vote)
    return list(found.values())


def _gold_vote(row: Any) -> GoldVote | None:
    """A stored answer as a vote; None where it is missing or where a file did not say what was shown."""
    if not row.shown or row.preferred is None:
        return None
    first, second = sorted(row.shown)
    said = outcome(Answer(preferred=row.preferred), first, second)
    if said not in CLASSES:
        return None
    key = GoldKey(tuple(row.accepted), distribution=row.distribution)
    names = {first: "first", second: "second"}
    accepted = tuple(CLASSES.index(names.get(one, one)) for one in right_answers(key))
    return GoldVote(row.external_id, str(row.id), CLASSES.index(said), accepted)


def _stops_by_posterior(round_: Round) -> bool:
    is_pair = round_.mode is RankingMode.PAIR
    return round_.state == "open" and is_pair and round_.rules.policy is OverlapPolicy.POSTERIOR


@cache
def _latest_query() -> Select[Any]:
    """Number and time of the newest posterior of `:round_id`."""
    mine = select(_model.c.id, _model.c.fitted_at).where(_model.c.round_id == bindparam("round_id"))
    return mine.order_by(_model.c.id.desc()).limit(1)
