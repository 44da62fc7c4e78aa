"""Kinds of content that a rater would rather not be shown: named by a comparison's meta, left out of their work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select

from app.domain import utc_now
from app.errors import InvalidInput
from app.services import events
from app.services.holding import hand_back, held_rows
from app.services.lookup import find_account
from app.store import tables
from app.store.engine import Store

MAX_LENGTH = 100
"""The longest name of a kind of content."""

_unwanted = tables.content_opt_out
_content = tables.comparison_content


def unwanted_kinds(store: Store, rater_name: str) -> list[str]:
    """The kinds of content that a rater opted out of, by name.

    Raises:
        NotFound: no such account.
    """
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        mine = select(_unwanted.c.kind).where(_unwanted.c.rater_id == rater.id)
        return list(connection.scalars(mine.order_by(_unwanted.c.kind)))


def known_kinds(store: Store, rater_name: str) -> list[str]:
    """The kinds of content in the campaigns of which a rater is a member, by name.

    Raises:
        NotFound: no such account.
    """
    comparison, member = tables.comparison, tables.campaign_member
    with store.read() as connection:
        rater = find_account(connection, rater_name)
        own = select(member.c.campaign_id).where(member.c.rater_id == rater.id)
        return list(
            connection.scalars(
                select(_content.c.kind)
                .join(comparison, comparison.c.id == _content.c.comparison_id)
                .where(comparison.c.campaign_id.in_(own))
                .distinct()
                .order_by(_content.c.kind)
            )
        )


def opt_out(store: Store, rater_name: str, kind: str, *, now: datetime | None = None) -> bool:
    """Never offer a rater this kind of content again; one that they hold goes back, its draft kept.

    Returns:
        Whether anything changed: False where they had opted out before.

    Raises:
        NotFound: no such account.
        InvalidInput: no name of a kind, or too long a one.
    """
    now, wanted = now or utc_now(), kind.strip().casefold()
    if not 0 < len(wanted) <= MAX_LENGTH:
        raise InvalidInput(f"{kind[:40]!r} is no kind of content: give a name of 1 to {MAX_LENGTH} characters.")
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        known = (_unwanted.c.rater_id == rater.id, _unwanted.c.kind == wanted)
        is_new = connection.scalar(select(_unwanted.c.kind).where(*known)) is None
        if is_new:
            connection.execute(insert(_unwanted), {"rater_id": rater.id, "kind": wanted, "since": now})
            detail = {"kind": wanted}
            events.record(connection, actor=rater.name, action="content.refused", subject=rater.name, detail=detail)
        for row in held_rows(connection, rater):
            here = (_content.c.comparison_id == row.comparison_id, _content.c.kind == wanted)
            if connection.scalar(select(_content.c.kind).where(*here)) is not None:
                hand_back(connection, rater, row, reason=f"content: {wanted}", now=now)
    return is_new


def opt_in(store: Store, rater_name: str, kind: str) -> bool:
    """Offer a rater this kind of content again; returns whether they had opted out of it.

    Raises:
        NotFound: no such account.
    """
    wanted = kind.strip().casefold()
    with store.write() as connection:
        rater = find_account(connection, rater_name)
        mine = (_unwanted.c.rater_id == rater.id, _unwanted.c.kind == wanted)
        was_out = bool(connection.execute(delete(_unwanted).where(*mine)).rowcount)
        if was_out:
            detail = {"kind": wanted}
            events.record(connection, actor=rater.name, action="content.accepted", subject=rater.name, detail=detail)
    return was_out
