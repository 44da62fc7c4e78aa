"""Finding campaigns, rounds, raters and rubrics by the names that people use."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import URL, Connection, Row, Select, bindparam, or_, select

from app.domain import (
    Calibration,
    Campaign,
    CriteriaOrder,
    OverallPlace,
    OverlapPolicy,
    Preferences,
    RankingMode,
    Rater,
    RaterKind,
    RaterState,
    Role,
    Round,
    RoundPurpose,
    RoundRules,
    Scope,
)
from app.errors import NotAllowed, NotFound
from app.policy import Action, may
from app.requirements import from_list
from app.store import tables
from app.store.visibility import visible
from rubrics.model import Rubric

_rubrics: dict[tuple[URL, str], Rubric] = {}


def rubric_of(connection: Connection, version: str) -> Rubric:
    """The published rubric with this version hash; versions are immutable, so it is read once per process.

    Raises:
        NotFound: no such version was published here.
    """
    known = (connection.engine.url, version)
    if known not in _rubrics:
        content = connection.scalar(
            select(tables.rubric_version.c.content).where(tables.rubric_version.c.version == version)
        )
        if content is None:
            raise NotFound(f"No rubric version {version} is published here. Publish it, or create a round with it.")
        _rubrics[known] = Rubric.from_dict(content)
    return _rubrics[known]


def rules_to_dict(rules: RoundRules) -> dict[str, Any]:
    """Round rules as stored."""
    scopes = [{**asdict(scope), "requires": scope.requires.to_list()} for scope in rules.scopes]
    return {**asdict(rules), "policy": rules.policy.value, "experts": rules.experts.to_list(), "scopes": scopes}


def rules_from_dict(document: Mapping[str, Any]) -> RoundRules:
    """Stored round rules, read back; rounds from before there were policies collect a fixed overlap."""
    calibration = document.get("calibration")
    read: dict[str, Any] = {
        **document,
        "required_skills": tuple(document["required_skills"]),
        "calibration": None if calibration is None else Calibration(**calibration),
        "policy": document.get("policy", OverlapPolicy.FIXED),
        "experts": from_list(document.get("experts")),
        "scopes": tuple(_scope(one) for one in document.get("scopes", ())),
    }
    kinds = {"criteria_order": CriteriaOrder, "overall_place": OverallPlace, "policy": OverlapPolicy}
    for name, kind in kinds.items():
        if name in document or name == "policy":
            read[name] = kind(read[name])
    return RoundRules(**read)


def _scope(document: Mapping[str, Any]) -> Scope:
    requires = from_list(document["requires"])
    return Scope(document["name"], tuple(document["criteria"]), document["asks_overall"], requires)


def campaign_of(row: Row[Any]) -> Campaign:
    """A campaign row as the domain's type."""
    kinds = tuple(RaterKind(kind) for kind in row.counted_kinds)
    return Campaign(row.id, row.name, row.title, kinds, row.state, row.created_at, row.renders_math)


def round_of(row: Row[Any]) -> Round:
    """A round row as the domain's type."""
    return Round(
        id=row.id,
        campaign_id=row.campaign_id,
        name=row.name,
        purpose=RoundPurpose(row.purpose),
        mode=RankingMode(row.mode),
        rubric_version=row.rubric_version,
        rules=rules_from_dict(row.rules),
        state=row.state,
        created_at=row.created_at,
    )


def rater_of(row: Row[Any]) -> Rater:
    """A rater row as the domain's type."""
    roles = frozenset(Role(role) for role in row.roles)
    kind, state = RaterKind(row.kind), RaterState(row.state)
    return Rater(row.id, row.name, row.namespace, kind, state, roles, Preferences(**(row.preferences or {})))


_CAMPAIGN = select(tables.campaign).where(tables.campaign.c.name == bindparam("name"))


def find_campaign(connection: Connection, name: str) -> Campaign:
    """The campaign of this name.

    Raises:
        NotFound: there is none; the message suggests the nearest name.
    """
    row = connection.execute(_CAMPAIGN, {"name": name}).first()
    if row is None:
        names = connection.scalars(select(tables.campaign.c.name)).all()
        raise NotFound(
            f"There is no campaign {name!r}{_suggestion(name, names)}. `steelyard campaign list` lists them."
        )
    return campaign_of(row)


def rounds_of(connection: Connection, campaign_id: int, *, batch_id: int | None = None) -> list[Round]:
    """All rounds of a campaign, oldest first; those that an unfinished import opened only for that import.

    Args:
        connection: a transaction.
        campaign_id: the campaign.
        batch_id: the import that asks, if it is one.
    """
    rows = connection.execute(_rounds_query(), {"campaign_id": campaign_id, "batch_id": batch_id})
    return [round_of(row) for row in rows]


@cache
def _rounds_query() -> Select[Any]:
    """The rounds of `:campaign_id` that are there for everybody or for the import `:batch_id`, oldest first."""
    round_ = tables.round_
    is_there = or_(visible(round_.c.batch_id), round_.c.batch_id == bindparam("batch_id", type_=round_.c.batch_id.type))
    return select(round_).where(round_.c.campaign_id == bindparam("campaign_id"), is_there).order_by(round_.c.id)


def find_round(connection: Connection, campaign: Campaign, name: str) -> Round:
    """The round of this name in a campaign.

    Raises:
        NotFound: there is none.
    """
    rounds = rounds_of(connection, campaign.id)
    for round_ in rounds:
        if round_.name == name:
            return round_
    names = [round_.name for round_ in rounds]
    raise NotFound(f"Campaign {campaign.name!r} has no round {name!r}{_suggestion(name, names)}; it has {names}.")


def find_account(connection: Connection, name: str) -> Rater:
    """The account (a rater known everywhere) of this name.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(_account_query(), {"name": name}).first()
    if row is None:
        names = connection.scalars(select(tables.rater.c.name).where(tables.rater.c.namespace == "")).all()
        raise NotFound(
            f"There is no account {name!r}{_suggestion(name, names)}. `steelyard user add {name} --role rater` adds it."
        )
    return rater_of(row)


@cache
def _account_query() -> Select[Any]:
    """The account `:name`; built once, because building it takes longer than running it."""
    return select(tables.rater).where(tables.rater.c.namespace == "", tables.rater.c.name == bindparam("name"))


def locked_account(connection: Connection, name: str) -> Rater:
    """`find_account`, locked until the end of a write transaction: what two tabs or services do for one takes turns.

    Raises:
        NotFound: there is none.
    """
    if connection.dialect.name != "sqlite":  # there a write transaction is alone anyway
        own_row = select(tables.rater.c.id).where(tables.rater.c.namespace == "", tables.rater.c.name == name)
        connection.execute(own_row.with_for_update(key_share=True))
    return find_account(connection, name)


_RULES = select(tables.round_.c.rules).where(tables.round_.c.id == bindparam("round_id")).with_for_update(read=True)


def held_rules(connection: Connection, round_id: int) -> RoundRules:
    """A round's rules, which nobody changes until the end of this transaction.

    Everybody takes locks in one order, so that nobody waits in a ring: one's own account and assignment, then the
    round (here to read its rules, in `locked_round` to change them), then an attempt (`review_queue.locked_attempt`)
    and what waits for a review, then the round's queue items (`queueing.lock_in_order`). Who changes the rules waits
    for nothing that stands before the round; who passes over locked rows instead of waiting needs no order.
    """
    return rules_from_dict(connection.scalars(_RULES, {"round_id": round_id}).one())


def locked_round(connection: Connection, campaign: Campaign, name: str) -> Round:
    """`find_round`, locked until the end of a write transaction by who changes it; `held_rules` says in which order.

    Raises:
        NotFound: there is none.
    """
    if connection.dialect.name != "sqlite":  # there a write transaction is alone anyway
        own_row = select(tables.round_.c.id).where(
            tables.round_.c.campaign_id == campaign.id, tables.round_.c.name == name
        )
        connection.execute(own_row.with_for_update(key_share=True))  # who only refers to it, as leases do, goes on
    return find_round(connection, campaign, name)


_ROLES = select(tables.campaign_member.c.roles).where(
    tables.campaign_member.c.campaign_id == bindparam("campaign_id"),
    tables.campaign_member.c.rater_id == bindparam("rater_id"),
)


def roles_in(connection: Connection, rater: Rater, campaign_id: int) -> frozenset[Role]:
    """What a person is in a campaign: the roles given there, and admin where the account has it.

    Roles on the account itself hold everywhere for an admin only; the others are given campaign by campaign.
    """
    stored = connection.scalar(_ROLES, {"campaign_id": campaign_id, "rater_id": rater.id})
    here = frozenset(Role(role) for role in stored or ())
    return here | (rater.roles & {Role.ADMIN})


def require(connection: Connection, rater: Rater, action: Action, *, campaign: Campaign) -> None:
    """Check that a person may do something in a campaign.

    Raises:
        NotAllowed: none of their roles permits it.
    """
    roles = roles_in(connection, rater, campaign.id)
    if not may(roles, action):
        have = ", ".join(sorted(roles)) or "no role"
        raise NotAllowed(
            f"{rater.name} may not {action.value} in campaign {campaign.name!r} (has: {have}). "
            "Ask an admin to add the role."
        )


THE_HOUSE = None
"""In place of somebody's name: whoever holds the database itself, such as the command line on the server."""


def require_named(connection: Connection, name: str | None, action: Action, *, campaign: Campaign) -> None:
    """`require` for an account by name; `THE_HOUSE` may do everything.

    Raises:
        NotFound: no such account.
        NotAllowed: none of its roles permits it.
    """
    if name is not None:
        require(connection, find_account(connection, name), action, campaign=campaign)


def _suggestion(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
