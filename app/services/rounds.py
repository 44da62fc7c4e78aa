"""How far a round has been judged."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, func, select

from app.domain import AssignmentState, Round
from app.services.lookup import find_campaign, find_round
from app.store import tables
from app.store.engine import Store
from app.store.visibility import visible

_assignment = tables.assignment


def judged_in_round(store: Store, campaign_name: str, round_name: str) -> int:
    """How many judgments a round has.

    Raises:
        NotFound: no such campaign or round.
    """
    with store.read() as connection:
        return judged_in(connection, find_round(connection, find_campaign(connection, campaign_name), round_name))


def judged_in(connection: Connection, round_: Round) -> int:
    """How many judgments a round has, a revised one counted once."""
    return connection.scalar(select(func.count()).select_from(_assignment).where(_is_judged(round_))) or 0


def judged_comparisons(connection: Connection, round_: Round) -> list[str]:
    """External ids of the comparisons that somebody has judged in a round, sorted."""
    comparison = tables.comparison
    query = (
        select(comparison.c.external_id)
        .distinct()
        .join(_assignment, _assignment.c.comparison_id == comparison.c.id)
        .where(_is_judged(round_), visible(comparison.c.batch_id))
    )
    return sorted(connection.scalars(query))


def _is_judged(round_: Round) -> ColumnElement[bool]:
    return and_(
        _assignment.c.round_id == round_.id,
        _assignment.c.state == AssignmentState.SUBMITTED.value,
        visible(_assignment.c.batch_id),
    )
