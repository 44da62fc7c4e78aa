"""Hidden gold and blind repeats: at which rate this rater gets them now, and which gold comparisons may still be used.

On the wire a hidden gold comparison is like any other: the same assignment, from the same call, in a drawn order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, distinct, func, or_, select

from app.domain import AssignmentState, Rater, RaterState, Round
from app.services import standing
from app.services.lookup import rounds_of
from app.stats.probing import STEPS, gold_share
from app.store import tables

LESSON_SHARE = 5
"""One gold comparison in so many that has an explanation teaches, and examines nobody."""

_assignment = tables.assignment


def rates(connection: Connection, round_: Round, rater: Rater) -> tuple[float, float]:
    """The share of hidden gold and of blind repeats for a rater in a round, now."""
    rules = round_.rules
    if rules.calibration is None:
        return rules.gold_rate, rules.repeat_rate
    n_done = connection.scalar(_done_query(), {"round_id": round_.id, "rater_id": rater.id}) or 0
    is_warned = standing.standing_of(connection, rater, round_.campaign_id).state is RaterState.WARNED
    return gold_share(n_done, is_warned=is_warned), rules.repeat_rate


def unused_gold(connection: Connection, round_: Round, comparison_ids: list[int]) -> list[int]:
    """Those of some gold comparisons that may still be used to measure in a round.

    Where any round of the campaign is calibrated, comparisons that teach are left out; in the calibrated round those,
    too, that as many raters have seen as the exposure cap allows: a key that many know measures nothing.
    """
    others = [one.rules.calibration for one in rounds_of(connection, round_.campaign_id)] if comparison_ids else []
    if not any(others):
        return comparison_ids
    rows = connection.execute(_key_query(), {"campaign_id": round_.campaign_id})
    teaching = {row.id for row in rows if teaches(row.external_id, bool(row.explanation))}
    worn = _worn_out(connection, round_)
    return [one for one in comparison_ids if one not in teaching and one not in worn]


def _worn_out(connection: Connection, round_: Round) -> set[int]:
    """Gold comparisons that as many raters have seen as the round's exposure cap allows.

    Where the campaign has fewer raters than that, there are none, and nothing is counted.
    """
    calibration = round_.rules.calibration
    if calibration is None:
        return set()
    known = {"campaign_id": round_.campaign_id, "cap": calibration.exposure_cap}
    if (connection.scalar(_crowd_query(), known) or 0) < calibration.exposure_cap:
        return set()
    rows = exposures(connection, round_.campaign_id)
    return {row.id for row in rows if row.n_raters >= calibration.exposure_cap}


def exposures(connection: Connection, campaign_id: int) -> Sequence[Row[Any]]:
    """Every gold comparison of a campaign (`id`, `external_id`, `explanation`) with `n_raters` who have seen it."""
    return connection.execute(_exposure_query(), {"campaign_id": campaign_id}).all()


def teaches(external_id: str, has_explanation: bool) -> bool:
    """Whether a gold comparison of a calibrated campaign is for lessons: by its name, so that it always is."""
    digest = hashlib.sha256(f"lesson\0{external_id}".encode()).digest()
    return has_explanation and digest[0] % LESSON_SHARE == 0


@cache
def _done_query() -> Select[Any]:
    """Judgments of `:rater_id` in `:round_id`, counted as far as the schedule looks."""
    some = (
        select(_assignment.c.id)
        .where(
            _assignment.c.round_id == bindparam("round_id"),
            _assignment.c.rater_id == bindparam("rater_id"),
            _assignment.c.state == AssignmentState.SUBMITTED.value,
            _assignment.c.purpose != "exam",
        )
        .limit(STEPS[-1][0])
    )
    return select(func.count()).select_from(some.subquery())


@cache
def _key_query() -> Select[Any]:
    """The gold comparisons of `:campaign_id`, with what tells which of them teach."""
    comparison, key = tables.comparison, tables.gold_key
    return (
        select(comparison.c.id, comparison.c.external_id, key.c.explanation)
        .join(key, key.c.comparison_id == comparison.c.id)
        .where(comparison.c.campaign_id == bindparam("campaign_id"))
    )


@cache
def _crowd_query() -> Select[Any]:
    """How many raters `:campaign_id` can have had, accounts and its own pseudonyms, counted up to `:cap`."""
    rater, campaign = tables.rater, tables.campaign
    name = select(campaign.c.name).where(campaign.c.id == bindparam("campaign_id")).scalar_subquery()
    some = select(rater.c.id).where(or_(rater.c.namespace == "", rater.c.namespace == name)).limit(bindparam("cap"))
    return select(func.count()).select_from(some.subquery())


@cache
def _exposure_query() -> Select[Any]:
    """Every gold comparison of `:campaign_id` with the number of raters who have seen it."""
    comparison, key = tables.comparison, tables.gold_key
    return (
        select(
            comparison.c.id,
            comparison.c.external_id,
            func.max(key.c.explanation).label("explanation"),
            func.count(distinct(_assignment.c.rater_id)).label("n_raters"),
        )
        .select_from(comparison.join(key).outerjoin(_assignment, _assignment.c.comparison_id == comparison.c.id))
        .where(comparison.c.campaign_id == bindparam("campaign_id"))
        .group_by(comparison.c.id, comparison.c.external_id)
    )
