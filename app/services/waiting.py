"""What waits for raters who are not there: open comparisons that nobody may judge who has not met them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, distinct, false, func, select

from app.domain import AssignmentState, Campaign, Rater, RaterState, Role, Round, utc_now
from app.policy import Action, may_work
from app.services import standing
from app.services.lanes import Lane, held_by, is_routed, lanes_of
from app.services.lookup import find_campaign, rater_of, require_named, rounds_of
from app.store import tables
from app.store.engine import Store, batched
from app.store.visibility import visible

N_EXAMPLES = 5

_queue, _assignment, _comparison = tables.queue_item, tables.assignment, tables.comparison


@dataclass(frozen=True)
class Waiting:
    """Open comparisons of one kind that nobody may judge.

    Attributes:
        round: the round's name.
        scope: the scope's name; empty for the whole rubric.
        requires: what a rater must hold, in words.
        n_comparisons: how many wait.
        n_eligible: members at work who hold it; all of them have met every comparison that waits.
        examples: some of the comparisons.
    """

    round: str
    scope: str
    requires: str
    n_comparisons: int
    n_eligible: int
    examples: tuple[str, ...]


def report_waiting(
    store: Store, actor_name: str | None, campaign_name: str, *, now: datetime | None = None
) -> list[Waiting]:
    """Comparisons that wait in open rounds while no rater at work may judge them; most first.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not see quality here.
    """
    now = now or utc_now()
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require_named(connection, actor_name, Action.SEE_QUALITY, campaign=campaign)
        if campaign.state == "closed":
            return []
        raters = _at_work(connection, campaign)
        found = [
            stuck
            for round_ in rounds_of(connection, campaign.id)
            if round_.state == "open"
            for stuck in _of_round(connection, campaign, round_, raters, now=now)
        ]
    return sorted(found, key=lambda one: (-one.n_comparisons, one.round, one.scope))


def _at_work(connection: Connection, campaign: Campaign) -> list[Rater]:
    """The members who judge here and whose state gives them work."""
    member, rater = tables.campaign_member, tables.rater
    rows = connection.execute(
        select(rater, member.c.roles.label("roles_here"))
        .select_from(member.join(rater))
        .where(member.c.campaign_id == campaign.id, rater.c.state != RaterState.RETIRED.value)
        .order_by(rater.c.id)
    )
    raters = [rater_of(row) for row in rows if Role.RATER.value in row.roles_here]
    return [one for one in raters if may_work(standing.standing_of(connection, one, campaign.id).state)]


def _of_round(
    connection: Connection, campaign: Campaign, round_: Round, raters: Sequence[Rater], *, now: datetime
) -> list[Waiting]:
    lanes = lanes_of(connection, round_.id)
    required = set(round_.rules.required_skills)
    able = [one for one in raters if standing.is_certified(connection, round_, one, now=now)]
    needs_facts = bool(required) or is_routed(lanes)
    held = {one.id: held_by(connection, campaign, one, now=now) if needs_facts else {} for one in able}
    found = []
    for lane in lanes:
        eligible = [one for one in held if required <= held[one].keys() and lane.requires.met_by(held[one])]
        n, examples = _stuck(connection, lane, eligible)
        if n:
            words = "; ".join(
                [*(f"skill {skill}" for skill in sorted(required)), *([str(lane.requires)] * bool(lane.requires))]
            )
            found.append(Waiting(round_.name, lane.scope, words or "nothing", n, len(eligible), examples))
    return found


def _stuck(connection: Connection, lane: Lane, eligible: Sequence[int]) -> tuple[int, tuple[str, ...]]:
    """How many open comparisons of a lane everybody eligible has met, and some of their names."""
    open_ = (_queue.c.lane_id == lane.id, _queue.c.is_open, visible(_comparison.c.batch_id))
    statement = select(_comparison.c.external_id).select_from(_queue.join(_comparison)).where(*open_)
    if eligible:
        met = (
            select(func.count(distinct(_assignment.c.rater_id)))
            .where(
                _assignment.c.comparison_id == _queue.c.comparison_id,
                _assignment.c.round_id == lane.round_id,
                _assignment.c.state != AssignmentState.EXPIRED.value,
                _among(eligible),
            )
            .scalar_subquery()
        )
        statement = statement.where(met >= len(eligible))
    names = connection.scalars(statement.order_by(_queue.c.sort_key)).all()
    return len(names), tuple(names[:N_EXAMPLES])


def _among(rater_ids: Sequence[int]) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = false()
    for some in batched(rater_ids):
        condition = condition | _assignment.c.rater_id.in_(some)
    return condition
