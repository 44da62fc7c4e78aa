"""A researcher's campaigns: create, rounds and their rules, members, open and closed. Every function asks who it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, select, update

from app.domain import Campaign, RankingMode, RaterKind, RaterState, Role, Round, RoundPurpose, RoundRules
from app.errors import InvalidInput, NotFound
from app.policy import Action
from app.services import campaigns, events, review_queue
from app.services.campaigns import CampaignOverview
from app.services.collecting import decide_again
from app.services.lookup import find_account, find_campaign, locked_round, rubric_of, rules_to_dict
from app.services.permission import require_anywhere, require_in
from app.services.queueing import recount
from app.services.sessions import Person
from app.store import tables
from app.store.engine import Store
from rubrics.loader import library, load_library, parse_rubric
from rubrics.model import Rubric

MEMBER_ROLES = (Role.RATER, Role.REVIEWER, Role.DESIGNER, Role.RESEARCHER)
"""What somebody can be in a campaign; admin is a role of the account, which an admin gives."""


@dataclass(frozen=True)
class RubricChoice:
    """A rubric that a round can have.

    Attributes:
        id: a version hash, or `library:KEY`.
        key: its key.
        title: its title.
        version: the hash of what raters see.
        published_at: None for one of the library that was not published here yet.
        suits_kway: whether it can rank three or more responses.
    """

    id: str
    key: str
    title: str
    version: str
    published_at: datetime | None
    suits_kway: bool


@dataclass(frozen=True)
class Member:
    """An account with its roles in a campaign."""

    name: str
    kind: RaterKind
    state: RaterState
    roles: frozenset[Role]
    joined_at: datetime


def rubric_choices(store: Store) -> list[RubricChoice]:
    """Published versions, newest first, then the ready rubrics that are not published yet."""
    version = tables.rubric_version
    with store.read() as connection:
        rows = connection.execute(
            select(version.c.version, version.c.published_at).order_by(version.c.published_at.desc(), version.c.version)
        ).all()
        published = [(rubric_of(connection, row.version), row.published_at) for row in rows]
    known = {rubric.version for rubric, _ in published}
    ready = [(load_library(key), None) for key in sorted(library())]
    return [
        RubricChoice(
            id=rubric.version if at else f"library:{rubric.key}",
            key=rubric.key,
            title=rubric.title,
            version=rubric.version,
            published_at=at,
            suits_kway=rubric.suits_kway,
        )
        for rubric, at in [*published, *(one for one in ready if one[0].version not in known)]
    ]


def chosen_rubric(store: Store, choice: str) -> tuple[Rubric, str | None]:
    """The rubric of a choice, with its YAML where it comes from the library.

    Raises:
        NotFound: no such version.
    """
    if choice.startswith("library:"):
        text = library()[choice.removeprefix("library:")].read_text(encoding="utf-8")
        return parse_rubric(text, source=choice), text
    with store.read() as connection:
        return rubric_of(connection, choice), None


def create_campaign(
    store: Store,
    person: Person,
    name: str,
    *,
    rubric: str,
    title: str = "",
    counted_kinds: Sequence[RaterKind] = (RaterKind.HUMAN,),
    rules: RoundRules | None = None,
) -> Campaign:
    """Create a campaign with its main round; whoever creates it is a researcher in it.

    Args:
        store: the database.
        person: who asks.
        name: letters, digits, `.`, `_` and `-`; commands use it.
        rubric: the id of a `RubricChoice`.
        title: a longer name, for people.
        counted_kinds: raters whose votes count.
        rules: of the main round.

    Raises:
        NotAllowed: the person is no researcher anywhere.
        AlreadyExists: the name is taken.
        InvalidInput: a name, kind or rule is out of range.
    """
    require_anywhere(person, Action.MANAGE_CAMPAIGN)
    found, source = chosen_rubric(store, rubric)
    campaign = campaigns.create_campaign(
        store,
        name,
        rubric=found,
        title=title or None,
        counted_kinds=counted_kinds,
        rules=rules,
        source_yaml=source,
        actor=person.name,
    )
    campaigns.add_member(store, name, person.name, roles=[Role.RESEARCHER], actor=person.name)
    return campaign


def overview(store: Store, person: Person, campaign_name: str) -> CampaignOverview:
    """Counts and progress of a campaign.

    Raises:
        NotAllowed: the person may not manage it.
    """
    require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    return campaigns.show_campaign(store, campaign_name)


def set_campaign_open(store: Store, person: Person, campaign_name: str, *, is_open: bool) -> None:
    """Close a campaign (nobody gets work from it) or open it again.

    Raises:
        NotAllowed: the person may not manage it.
    """
    require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    campaigns.set_campaign_state(store, campaign_name, is_open=is_open, actor=person.name)


def set_formulas(store: Store, person: Person, campaign_name: str, *, are_set: bool) -> None:
    """Let the texts of a campaign show LaTeX between dollar signs as formulas, or as it was written.

    Raises:
        NotAllowed: the person may not manage it.
    """
    require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        if campaign.renders_math == are_set:
            return
        here = tables.campaign.c.id == campaign.id
        connection.execute(update(tables.campaign).where(here).values(renders_math=are_set))
        events.record(
            connection,
            actor=person.name,
            action="campaign.formulas",
            subject=f"campaign {campaign_name}",
            campaign_id=campaign.id,
            detail={"renders_math": are_set},
        )


def open_round(
    store: Store,
    person: Person,
    campaign_name: str,
    *,
    name: str,
    rubric: str,
    mode: RankingMode,
    purpose: RoundPurpose,
    rules: RoundRules,
) -> Round:
    """Open a further round.

    Raises:
        NotAllowed: the person may not manage the campaign.
        InvalidInput: no name, a rule out of range, or a rubric that does not suit the mode.
        AlreadyExists: a round of this name is there.
    """
    require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    if not campaigns.NAME_PATTERN.fullmatch(name):
        raise InvalidInput(f"Round {name!r}: use letters, digits and . _ -, at most 64 of them.")
    found, _ = chosen_rubric(store, rubric)
    return campaigns.open_round(
        store, campaign_name, name=name, rubric=found, mode=mode, purpose=purpose, rules=rules, actor=person.name
    )


def set_round_open(store: Store, person: Person, campaign_name: str, round_name: str, *, is_open: bool) -> None:
    """Close a round or open it again.

    Raises:
        NotAllowed: the person may not manage the campaign.
    """
    require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    campaigns.set_round_state(store, campaign_name, round_name, is_open=is_open, actor=person.name)


def change_rules(store: Store, person: Person, campaign_name: str, round_name: str, *, rules: RoundRules) -> None:
    """Collect under other rules from now on; what was judged stays, and counters follow a changed overlap.

    Raises:
        NotAllowed: the person may not manage the campaign.
        InvalidInput: a rule is out of range.
    """
    campaign = require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    campaigns.check_rules(rules)
    item = tables.queue_item
    with store.write() as connection:
        round_ = locked_round(connection, campaign, round_name)
        if rules.scopes != round_.rules.scopes:
            raise InvalidInput(f"Round {round_name!r} is divided into its scopes for good: open a round with others.")
        document = rules_to_dict(rules)
        connection.execute(update(tables.round_).where(tables.round_.c.id == round_.id).values(rules=document))
        if rules.review_share != round_.rules.review_share:
            review_queue.refill(connection, campaign, round_)
        if _decides_otherwise(round_.rules, rules):
            recount(connection, chosen=item.c.round_id == round_.id)
            everything = connection.scalars(select(item.c.comparison_id).where(item.c.round_id == round_.id)).all()
            decide_again(connection, replace(round_, rules=rules), sorted(set(everything)))
        events.record(
            connection,
            actor=person.name,
            action="round.rules_changed",
            subject=f"round {round_name}",
            campaign_id=campaign.id,
            detail={"before": rules_to_dict(round_.rules), "after": document},
        )


def _decides_otherwise(before: RoundRules, after: RoundRules) -> bool:
    """Whether other votes would be enough under other rules."""
    deciding = ("overlap", "policy", "threshold", "audit_share", "experts", "expert_votes")
    return any(getattr(before, name) != getattr(after, name) for name in deciding)


def members_of(store: Store, person: Person, campaign_name: str) -> list[Member]:
    """The members of a campaign by name.

    Raises:
        NotAllowed: the person may not manage it.
    """
    campaign = require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    member, rater = tables.campaign_member, tables.rater
    with store.read() as connection:
        rows = connection.execute(
            select(rater.c.name, rater.c.kind, rater.c.state, member.c.roles, member.c.joined_at)
            .select_from(member.join(rater))
            .where(member.c.campaign_id == campaign.id)
            .order_by(rater.c.name)
        )
        return [
            Member(r.name, RaterKind(r.kind), RaterState(r.state), frozenset(map(Role, r.roles)), r.joined_at)
            for r in rows
        ]


def candidates_for(store: Store, person: Person, campaign_name: str) -> list[str]:
    """Names of the accounts that are no members yet and are not retired.

    Raises:
        NotAllowed: the person may not manage the campaign.
    """
    there = {member.name for member in members_of(store, person, campaign_name)}
    rater = tables.rater
    with store.read() as connection:
        names = connection.scalars(
            select(rater.c.name)
            .where(rater.c.namespace == "", rater.c.state != RaterState.RETIRED.value)
            .order_by(rater.c.name)
        )
        return [name for name in names if name not in there]


def set_member(store: Store, person: Person, campaign_name: str, account_name: str, *, roles: Collection[Role]) -> None:
    """Make an account a member with these roles, in place of those it had there.

    Raises:
        NotAllowed: the person may not manage the campaign.
        InvalidInput: no role, or one that is not given in campaigns.
        NotFound: no such account.
    """
    require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    if not set(roles) <= set(MEMBER_ROLES):
        raise InvalidInput(f"In a campaign one is {', '.join(MEMBER_ROLES)}; an admin makes admins, under People.")
    campaigns.add_member(store, campaign_name, account_name, roles=roles, actor=person.name)


def remove_member(store: Store, person: Person, campaign_name: str, account_name: str) -> None:
    """End a membership; what the person judged stays, and a lease in progress may still be submitted.

    Raises:
        NotAllowed: the person may not manage the campaign.
        NotFound: no such member.
    """
    campaign = require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    member = tables.campaign_member
    with store.write() as connection:
        find_campaign(connection, campaign_name)
        account = find_account(connection, account_name)
        gone = connection.execute(
            delete(member).where(member.c.campaign_id == campaign.id, member.c.rater_id == account.id)
        )
        if gone.rowcount == 0:
            raise NotFound(f"{account_name} is no member of campaign {campaign_name!r}.")
        events.record(
            connection,
            actor=person.name,
            action="member.removed",
            subject=f"rater {account_name}",
            campaign_id=campaign.id,
        )
