"""Bridge rounds: a sample judged again under a new rubric version, and what that says of the old votes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.domain import Campaign, OverlapPolicy, RankingMode, RaterKind, Round, RoundPurpose, RoundRules
from app.errors import InvalidInput, NotFound
from app.policy import Action
from app.services import campaigns
from app.services.consensus import COUNTED_PURPOSES
from app.services.lookup import find_account, find_campaign, find_round, require, rounds_of, rubric_of
from app.services.rounds import judged_comparisons, judged_in
from app.stats.bridge import MARGIN
from app.stats.report import Report
from app.stats.report_bridge import Side, bridge_report
from app.store import tables
from app.store.engine import Store
from app.store.queries import last_event
from app.store.votes import judgments_frame
from rubrics.model import OVERALL, Rubric

SHORTEST_HASH = 6
"""So much of a version's hash has to be given."""

SAMPLE = 60
"""Comparisons that a bridge takes by default: with three votes each, enough to tell a shift of half a point."""


@dataclass(frozen=True)
class Plan:
    """How a bridge is judged.

    Attributes:
        version: the hash of the published version to go over to.
        name: of the new round.
        from_round: the round whose comparisons are judged again; by default the newest one that collected data under
            another version.
        n_comparisons: at most so many, drawn by lot.
        overlap: votes that each gets.
    """

    version: str
    name: str = "bridge"
    from_round: str | None = None
    n_comparisons: int = SAMPLE
    overlap: int = 3


def start_bridge(store: Store, actor_name: str, campaign_name: str, plan: Plan) -> Round:
    """Open a round in which a sample of what was judged is judged again under another rubric version.

    Raises:
        NotFound: no such account, campaign, version or round.
        NotAllowed: the account may not publish rubrics in the campaign.
        AlreadyExists: the campaign has a round of this name.
        InvalidInput: the version is the one judged by already, or nothing was judged under another.
    """
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.PUBLISH_RUBRIC, campaign=campaign)
        return _open(connection, campaign, actor_name, plan)


def open_bridge(store: Store, campaign_name: str, plan: Plan, *, actor: str) -> Round:
    """`start_bridge` for whoever holds the machine, as the command line does; raises the same but NotAllowed."""
    with store.write() as connection:
        return _open(connection, find_campaign(connection, campaign_name), actor, plan)


def version_named(store: Store, name: str) -> str:
    """The hash of a published version: the newest of a rubric's key, or the one whose hash begins so.

    Raises:
        NotFound: no version, or more than one, is named so.
    """
    table = tables.rubric_version
    with store.read() as connection:
        rows = connection.execute(select(table.c.version, table.c.key).order_by(table.c.published_at)).all()
    of_key = [row.version for row in rows if row.key == name]
    begun = [row.version for row in rows if len(name) >= SHORTEST_HASH and row.version.startswith(name)]
    if not of_key and len(begun) != 1:
        keys = ", ".join(sorted({row.key for row in rows})) or "none"
        raise NotFound(
            f"{name!r} names no published version: give the beginning of its hash ({SHORTEST_HASH} signs or more), or "
            f"a key for the newest of {keys}."
        )
    return of_key[-1] if of_key else begun[0]


def bridges_in(store: Store, campaign_name: str) -> list[Round]:
    """The bridge rounds of a campaign, newest first.

    Raises:
        NotFound: no such campaign.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        rounds = rounds_of(connection, campaign.id)
    return [one for one in reversed(rounds) if one.purpose is RoundPurpose.BRIDGE]


def report_bridge(
    store: Store,
    campaign_name: str,
    *,
    round_name: str | None = None,
    from_round: str | None = None,
    kinds: Collection[RaterKind] | None = None,
    margin: float = MARGIN,
) -> Report:
    """What moved between the version of a bridge round and the one before it.

    Args:
        store: the database.
        campaign_name: the campaign.
        round_name: the bridge; the newest by default.
        from_round: the round to compare with; by default the newest one that collected data under another version.
        kinds: kinds of rater; the campaign's counted kinds by default.
        margin: points that count as no shift.

    Raises:
        NotFound: no such campaign or round.
        InvalidInput: there is no bridge round, nothing to compare with, or a margin that is not above 0.
    """
    if not margin > 0:
        raise InvalidInput(f"The margin is {margin}: state how many points count as no shift, above 0.")
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        bridge = _bridge(connection, campaign, round_name)
        before = round_before(connection, campaign, bridge.rubric_version, bridge.mode, from_round)
        event = last_event(connection)
        counted = [kind.value for kind in (kinds or campaign.counted_kinds)]
        old, new = (
            judgments_frame(
                connection,
                campaign.id,
                kinds=counted,
                as_of_event=event,
                rounds=[one.name],
                purposes=COUNTED_PURPOSES,
            )
            for one in (before, bridge)
        )
        points = points_of(rubric_of(connection, before.rubric_version))
        sides = _side(connection, before), _side(connection, bridge)
    return bridge_report(old, new, kinds=counted, as_of_event=event, points=points, margin=margin, sides=sides)


def _side(connection: Connection, round_: Round) -> Side:
    asked = (*rubric_of(connection, round_.rubric_version).criterion_keys, OVERALL)
    return Side(round_.name, round_.rubric_version, asked)


def points_of(rubric: Rubric) -> dict[str, float]:
    """Criterion (and overall) -> what the value 1 is worth in points of its scale."""
    return {OVERALL: rubric.overall.strength_bound} | {one.key: one.strength_bound for one in rubric.criteria}


def _open(connection: Connection, campaign: Campaign, actor: str, plan: Plan) -> Round:
    if not campaigns.NAME_PATTERN.fullmatch(plan.name):
        raise InvalidInput(f"Round name {plan.name!r}: use letters, digits, '.', '_' and '-', at most 64 of them.")
    rubric = rubric_of(connection, plan.version)
    before = round_before(connection, campaign, plan.version, None, plan.from_round)
    if before.rubric_version == plan.version:
        known = plan.version[:12]
        raise InvalidInput(f"Round {before.name!r} is judged by version {known} already: bridge to another one.")
    judged = judged_comparisons(connection, before)
    if not judged:
        raise InvalidInput(f"Nobody has judged in round {before.name!r} yet: there is nothing to judge again.")
    return campaigns.add_round(
        connection,
        campaign,
        name=plan.name,
        rubric=rubric,
        mode=before.mode,
        purpose=RoundPurpose.BRIDGE,
        rules=RoundRules(overlap=plan.overlap, gold_rate=0.0, sample=plan.n_comparisons, policy=OverlapPolicy.FIXED),
        actor=actor,
        among=judged,
    )


def _bridge(connection: Connection, campaign: Campaign, name: str | None) -> Round:
    if name is not None:
        return find_round(connection, campaign, name)
    bridges = [one for one in rounds_of(connection, campaign.id) if one.purpose is RoundPurpose.BRIDGE]
    if not bridges:
        raise InvalidInput(
            f"Campaign {campaign.name!r} has no bridge round: open one with the new version, and let raters judge."
        )
    return bridges[-1]


def round_before(
    connection: Connection, campaign: Campaign, version: str, mode: RankingMode | None, name: str | None
) -> Round:
    """The round named, or one that collected data under the newest other version: that with the most judgments."""
    if name is not None:
        return find_round(connection, campaign, name)
    rounds = rounds_of(connection, campaign.id)
    usable = [
        one
        for one in rounds
        if one.purpose is RoundPurpose.MAIN and one.rubric_version != version and mode in (None, one.mode)
    ]
    judged = [one for one in usable if judged_in(connection, one)]
    if not judged:
        raise InvalidInput(
            f"Campaign {campaign.name!r} has no main round with votes under another rubric version: there is nothing "
            "to bridge from. Name a round."
        )
    of_newest = [one for one in judged if one.rubric_version == judged[-1].rubric_version]
    return max(of_newest, key=lambda one: (judged_in(connection, one), one.id))
