"""What a round's policy will cost before votes come in, and what it costs and gives while they do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, select

from app.domain import Campaign, ItemState, OverlapPolicy, Round, utc_now
from app.errors import InvalidInput
from app.policy import Action
from app.services.lookup import find_campaign, find_round, require_named, rounds_of
from app.services.stopping import gold_votes, latest_model
from app.stats.calibration import MIN_GOLD
from app.stats.intervals import wilson
from app.stats.planning import Crowd, PolicyCost, drawn_crowd, simulate_policies
from app.stats.results import Estimate
from app.stats.stopping import fit_stopping
from app.store import tables
from app.store.engine import Store
from app.store.visibility import visible

ASSUMED_ACCURACY, ASSUMED_SPREAD, ASSUMED_RATERS = 0.8, 0.08, 20
WEEK = timedelta(days=7)

_queue, _decision = tables.queue_item, tables.overlap_decision
_assignment, _judgment = tables.assignment, tables.judgment


@dataclass(frozen=True)
class Assumptions:
    """What a plan assumes.

    Attributes:
        n_comparisons: comparisons of the round.
        gold_rate: share of the work that is gold and gives no vote.
        crowd: accuracies of the raters, and what is hard.
        source: where the accuracies come from, in words.
        pay: what one judgment costs; None where nobody said.
    """

    n_comparisons: int
    gold_rate: float
    crowd: Crowd
    source: str
    pay: float | None


@dataclass(frozen=True)
class PlanRow:
    """One policy: what it gives in the simulation, and what it asks of the campaign.

    Attributes:
        n_votes: votes for all comparisons.
        n_judgments: those and the gold among them.
        cost: of all judgments, where a judgment has a price.
        cost_per_label: for each settled comparison.
        is_current: whether the round collects so.
    """

    result: PolicyCost
    n_votes: int
    n_judgments: int
    cost: float | None
    cost_per_label: float | None
    is_current: bool


@dataclass(frozen=True)
class Running:
    """What a round costs and gives so far.

    Attributes:
        n_comparisons: in the queue, each scope counted.
        n_settled: with votes enough.
        n_contested: exhausted without a majority.
        n_votes: votes that take a place.
        n_judgments: with gold and repeats.
        votes_per_label: votes for each settled comparison; None before the first.
        saved: share of the votes that a fixed overlap would have taken on the same comparisons, not asked for.
        audited: how often the answer at the stop is the one of the full overlap, on the audited share.
        on_gold: accuracy of the stopping rule on gold that it had not seen; None where no posterior stops.
        per_day: judgments a day in the last seven days.
        cost: of all judgments so far, where a judgment has a price.
        cost_per_label: for each settled comparison.
        model_note: whether a posterior stops, and why not.
    """

    round: str
    policy: str
    n_comparisons: int
    n_settled: int
    n_contested: int
    n_votes: int
    n_judgments: int
    votes_per_label: float | None
    saved: Estimate
    audited: Estimate
    on_gold: dict[str, Any] | None
    per_day: float
    cost: float | None
    cost_per_label: float | None
    model_note: str


def plan(
    store: Store,
    actor_name: str | None,
    campaign_name: str,
    *,
    round_name: str | None = None,
    accuracy: float | None = None,
    n_raters: int = ASSUMED_RATERS,
    pay: float | None = None,
    overlaps: tuple[int, ...] = (3, 5, 7),
    seed: int = 0,
) -> tuple[Assumptions, list[PlanRow]]:
    """Simulate every policy on the comparisons of a round.

    Raters are as accurate as gold says, where there are 100 answers to it and no other accuracy is asked for.

    Args:
        store: the database.
        actor_name: who asks; `THE_HOUSE` for the command line.
        campaign_name: the campaign.
        round_name: the round; the first by default.
        accuracy: mean accuracy to assume, .5 to .99.
        n_raters: raters to assume with it.
        pay: what one judgment costs.
        overlaps: largest overlaps to compare; the round's own is always among them.
        seed: of the simulation.

    Raises:
        NotFound: no such account, campaign or round.
        NotAllowed: the account may not see quality here.
        InvalidInput: an accuracy, a number of raters or a price out of range.
    """
    if pay is not None and pay < 0:
        raise InvalidInput(f"A judgment cannot cost {pay}: give 0 or more.")
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require_named(connection, actor_name, Action.SEE_QUALITY, campaign=campaign)
        round_ = find_round(connection, campaign, round_name) if round_name else rounds_of(connection, campaign.id)[0]
        n_comparisons = _count(connection, round_, None)
        crowd, source = _crowd(connection, campaign, accuracy=accuracy, n_raters=n_raters, seed=seed)
    rules = round_.rules
    rows = simulate_policies(
        crowd,
        overlaps=tuple(sorted({*overlaps, rules.overlap})),
        threshold=rules.threshold,
        audit_share=rules.audit_share,
        seed=seed,
    )
    if not rows:
        raise InvalidInput(f"{len(crowd.accuracies)} raters cannot give {min(overlaps)} votes: assume more of them.")
    found = Assumptions(n_comparisons, rules.gold_rate, crowd, source, pay)
    return found, [_row(one, found, is_current=_is_current(one, round_)) for one in rows]


def running(
    store: Store, actor_name: str | None, campaign_name: str, *, pay: float | None = None, now: datetime | None = None
) -> list[Running]:
    """What every round of a campaign costs and gives so far.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not see quality here.
    """
    now = now or utc_now()
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require_named(connection, actor_name, Action.SEE_QUALITY, campaign=campaign)
        return [_running(connection, round_, pay=pay, now=now) for round_ in rounds_of(connection, campaign.id)]


# --- before ------------------------------------------------------------------------------------------------------


def _crowd(
    connection: Connection, campaign: Campaign, *, accuracy: float | None, n_raters: int, seed: int
) -> tuple[Crowd, str]:
    """Raters as gold knows them, or as assumed."""
    votes = gold_votes(connection, campaign) if accuracy is None else []
    if len(votes) >= MIN_GOLD:
        measured = fit_stopping(votes, largest=3, min_gold=len(votes) + 1).accuracy  # accuracies alone
        source = f"{len(votes):,} gold answers of {len(measured)} raters"
        return Crowd(tuple(min(0.99, max(0.5, one)) for one in measured.values())), source
    mean = ASSUMED_ACCURACY if accuracy is None else accuracy
    try:
        crowd = drawn_crowd(n_raters, mean=mean, spread=ASSUMED_SPREAD, seed=seed)
    except ValueError as error:
        raise InvalidInput(f"{n_raters} raters of accuracy {mean}: give at least one, and .5 to .99.") from error
    known = "" if accuracy is not None else f"; {len(votes)} gold answers are too few to know, {MIN_GOLD} are needed"
    return crowd, f"assumed: {n_raters} raters, {mean:.0%} right on average{known}"


def _row(result: PolicyCost, assumed: Assumptions, *, is_current: bool) -> PlanRow:
    n_votes = round(result.votes_per_comparison * assumed.n_comparisons)
    n_judgments = round(n_votes / (1 - assumed.gold_rate))
    cost = None if assumed.pay is None else assumed.pay * n_judgments
    n_labels = result.settled_share * assumed.n_comparisons
    return PlanRow(result, n_votes, n_judgments, cost, cost / n_labels if cost and n_labels else None, is_current)


def _is_current(result: PolicyCost, round_: Round) -> bool:
    return (result.policy, result.overlap) == (round_.rules.policy.value, round_.rules.overlap)


# --- meanwhile ---------------------------------------------------------------------------------------------------


def _running(connection: Connection, round_: Round, *, pay: float | None, now: datetime) -> Running:
    mine = (_assignment.c.round_id == round_.id, _assignment.c.state == "submitted", visible(_assignment.c.batch_id))
    n_judgments = connection.scalar(select(func.count()).select_from(_assignment).where(*mine)) or 0
    n_votes = connection.scalar(select(func.count()).select_from(_assignment).where(*mine, _assignment.c.takes_place))
    n_settled = _count(connection, round_, ItemState.SETTLED)
    lately = connection.scalar(
        select(func.count())
        .select_from(_assignment.join(_judgment))
        .where(*mine, _judgment.c.revision == 0, _judgment.c.submitted_at >= now - WEEK)
    )
    cost = None if pay is None else pay * n_judgments
    found = latest_model(connection, round_.id) if round_.rules.policy is OverlapPolicy.POSTERIOR else None
    return Running(
        round=round_.name,
        policy=round_.rules.policy.value,
        n_comparisons=_count(connection, round_, None),
        n_settled=n_settled,
        n_contested=_count(connection, round_, ItemState.CONTESTED),
        n_votes=n_votes or 0,
        n_judgments=n_judgments,
        votes_per_label=(n_votes or 0) / n_settled if n_settled else None,
        saved=_saved(connection, round_),
        audited=_audited(connection, round_),
        on_gold=dict(found[1].held_out) if found and found[1].held_out else None,
        per_day=(lately or 0) / WEEK.days,
        cost=cost,
        cost_per_label=cost / n_settled if cost is not None and n_settled else None,
        model_note=_model_note(round_, found),
    )


def _count(connection: Connection, round_: Round, state: ItemState | None) -> int:
    comparison = tables.comparison
    wanted = [_queue.c.round_id == round_.id, visible(comparison.c.batch_id)]
    if state is not None:
        wanted.append(_queue.c.state == state.value)
    statement = select(func.count()).select_from(_queue.join(comparison)).where(*wanted)
    return connection.scalar(statement) or 0


def _saved(connection: Connection, round_: Round) -> Estimate:
    """Votes not asked for on settled comparisons, of those that a fixed overlap takes; Wilson, votes as trials."""
    n, taken = connection.execute(
        select(func.count(), func.sum(_queue.c.n_taken)).where(
            _queue.c.round_id == round_.id, _queue.c.state == ItemState.SETTLED.value, _queue.c.n_extra == 0
        )
    ).one()
    full = n * round_.rules.overlap
    return wilson(max(0, full - int(taken or 0)), full)


def _audited(connection: Connection, round_: Round) -> Estimate:
    """How often the answer at an early stop is what the full overlap settles on, among the audited comparisons."""
    early, final = _decision.alias("early"), _decision.alias("final")
    newest = (
        select(func.max(_decision.c.id).label("id"))
        .where(_decision.c.round_id == round_.id)
        .group_by(_decision.c.comparison_id, _decision.c.scope)
        .subquery()
    )
    first = (
        select(func.min(_decision.c.id).label("id"))
        .where(_decision.c.round_id == round_.id, _decision.c.is_audited)
        .group_by(_decision.c.comparison_id, _decision.c.scope)
        .subquery()
    )
    same_item = and_(early.c.comparison_id == final.c.comparison_id, early.c.scope == final.c.scope)
    rows = connection.execute(
        select(early.c.answer.label("before"), final.c.answer, final.c.state)
        .select_from(early.join(first, first.c.id == early.c.id).join(final, same_item))
        .join(newest, newest.c.id == final.c.id)
        .where(~final.c.is_audited)
    ).all()
    return wilson(sum(before == after and state == "settled" for before, after, state in rows), len(rows))


def _model_note(round_: Round, found: Any) -> str:
    if round_.rules.policy is not OverlapPolicy.POSTERIOR:
        return ""
    if found is None:
        return "No posterior is fitted yet: votes are curtailed. It is fitted every night, or now by refitting."
    number, model = found
    verb = "stops comparisons" if model.is_usable else "does not stop anything, votes are curtailed"
    return f"Posterior {number} {verb}: {model.reason}."
