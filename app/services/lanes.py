"""Lanes: the parts of a round's queue that ask the same of a rater, and which of them a rater may work in.

A comparison waits once for each scope of its round, in the lane of that scope and of what is required for it: by the
scope, by the comparison, and, once its votes contest each other, of the experts whom the round names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, or_, select, update

from app.domain import Campaign, Rater, Round, Scope
from app.requirements import NOTHING, Requirements, from_dict, from_list
from app.store import tables
from rubrics.model import Rubric

WHOLE = Scope("", asks_overall=True)
"""The scope of rounds that have none: the whole rubric."""

_lane = tables.lane


@dataclass(frozen=True)
class Lane:
    """One part of a round's queue.

    Attributes:
        scope: name of the scope; empty for the whole rubric.
        requires: what a rater must hold.
        for_contested: whether it is for comparisons whose votes contest each other.
        n_items: how many comparisons were put into it.
    """

    id: int
    round_id: int
    scope: str
    requires: Requirements
    for_contested: bool
    n_items: int = 0


def scopes_of(round_: Round) -> Sequence[Scope]:
    """The scopes of a round; the whole rubric where it names none."""
    return round_.rules.scopes or (WHOLE,)


def scope_named(round_: Round, name: str) -> Scope:
    """The scope of this name; what was leased under one that the rules no longer have asks the whole rubric."""
    return next((scope for scope in scopes_of(round_) if scope.name == name), WHOLE)


def asked_in(scope: Scope, rubric: Rubric, meta: Mapping[str, Any]) -> list[str]:
    """The criteria asked of a comparison with this meta, in the order of the rubric."""
    keys = [criterion.key for criterion in rubric.applicable(meta)]
    return keys if scope == WHOLE else [key for key in keys if key in scope.criteria]


def held_by(connection: Connection, campaign: Campaign, rater: Rater, *, now: datetime) -> dict[str, int]:
    """What a rater holds now, everywhere or in this campaign: `Requirement.key` -> highest level."""
    skill = tables.rater_skill
    rows = connection.execute(
        select(skill.c.skill, func.max(skill.c.level).label("level"))
        .where(
            skill.c.rater_id == rater.id,
            or_(skill.c.campaign_id.is_(None), skill.c.campaign_id == campaign.id),
            or_(skill.c.expires_at.is_(None), skill.c.expires_at > now),
        )
        .group_by(skill.c.skill)
    )
    return {row.skill: row.level for row in rows}


def lanes_of(connection: Connection, round_id: int) -> list[Lane]:
    """The lanes of a round, those that require most first: who may work in them is needed there most."""
    rows = connection.execute(_lanes_query(), {"round_id": round_id})
    found = [
        Lane(row.id, row.round_id, row.scope, from_list(row.requires), row.for_contested, row.n_items) for row in rows
    ]
    return sorted(found, key=lambda lane: (-len(lane.requires.clauses), lane.id))


@cache
def _lanes_query() -> Select[Any]:
    """The lanes of `:round_id`; built once, because building it takes longer than running it."""
    return select(_lane).where(_lane.c.round_id == bindparam("round_id"))


def lane_id(
    connection: Connection, round_: Round, scope: Scope, requires: Requirements, *, for_contested: bool = False
) -> int:
    """The lane of a scope and of what a comparison requires on top of it, made where there is none."""
    wanted = scope.requires & requires & (round_.rules.experts if for_contested else NOTHING)
    key = _key(wanted, for_contested=for_contested)
    known = (_lane.c.round_id == round_.id) & (_lane.c.scope == scope.name) & (_lane.c.key == key)
    found = connection.scalar(select(_lane.c.id).where(known))
    if found is not None:
        return found
    row = {
        "round_id": round_.id,
        "scope": scope.name,
        "key": key,
        "requires": wanted.to_list() or None,
        "for_contested": for_contested,
    }
    return connection.execute(insert(_lane).returning(_lane.c.id), row).scalar_one()


def _key(requires: Requirements, *, for_contested: bool) -> str:
    """What tells lanes of a scope apart; empty for the one without requirements."""
    if not requires and not for_contested:
        return ""
    text = json.dumps([requires.to_list(), for_contested], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def remove_lanes(connection: Connection, round_ids: Any) -> None:
    """Remove the lanes of rounds that go; their queue items went before."""
    connection.execute(delete(_lane).where(_lane.c.round_id.in_(round_ids)))


def requires_of(document: Any) -> Requirements:
    """What a stored comparison requires."""
    return from_dict(document)


def open_to(lanes: Sequence[Lane], held: Mapping[str, int]) -> list[Lane]:
    """The lanes in which somebody may work who holds these things."""
    return [lane for lane in lanes if lane.requires.met_by(held)]


def is_routed(lanes: Collection[Lane]) -> bool:
    """Whether any lane requires something."""
    return any(lane.requires for lane in lanes)


def recount_lanes(connection: Connection, campaign_id: int) -> None:
    """Count again what every lane of a campaign holds, after comparisons went; an empty lane goes too."""
    item, round_ = tables.queue_item, tables.round_
    in_lane = select(func.count()).where(item.c.lane_id == _lane.c.id).scalar_subquery()
    here = _lane.c.round_id.in_(select(round_.c.id).where(round_.c.campaign_id == campaign_id))
    connection.execute(update(_lane).where(here).values(n_items=in_lane))
    connection.execute(delete(_lane).where(here, in_lane == 0))
