"""Accounts: people and other raters that are known everywhere, and the one-time links with which people come in."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.domain import Rater, RaterKind, RaterState, Role, utc_now
from app.errors import AlreadyExists, InvalidInput
from app.services import events
from app.services.lookup import find_account, rater_of
from app.store import tables
from app.store.engine import Store

LINK_LIFETIME = timedelta(days=7)
NAME_PATTERN = re.compile(r"[\w][\w.@+-]{0,63}")


def add_account(
    store: Store,
    name: str,
    *,
    roles: Collection[Role] = (Role.RATER,),
    kind: RaterKind = RaterKind.HUMAN,
    state: RaterState = RaterState.QUALIFIED,
    specification: Mapping[str, Any] | None = None,
    actor: str = "system",
) -> Rater:
    """Add an account.

    Args:
        store: the database.
        name: unique; letters, digits and `. @ + - _`.
        roles: what the account may do wherever it is a member; admin holds everywhere.
        kind: what the judge is.
        state: qualified by default; campaigns that examine their raters start them as applicants.
        specification: what a machine rater is made of, or the ability of a simulated one.
        actor: who asked.

    Raises:
        AlreadyExists: the name is taken.
        InvalidInput: the name has other characters, or no role is given.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise InvalidInput(f"Name {name!r}: use letters, digits and . @ + - _, at most 64 of them.")
    if not roles:
        raise InvalidInput(f"Give {name!r} at least one role: {', '.join(Role)}.")
    with store.write() as connection:
        return insert_account(
            connection, name, roles=roles, kind=kind, state=state, specification=specification, actor=actor
        )


def insert_account(
    connection: Connection,
    name: str,
    *,
    roles: Collection[Role] = (Role.RATER,),
    kind: RaterKind = RaterKind.HUMAN,
    state: RaterState = RaterState.QUALIFIED,
    specification: Mapping[str, Any] | None = None,
    actor: str,
) -> Rater:
    """`add_account` inside a transaction of the caller, who has checked the name."""
    row = {
        "namespace": "",
        "name": name,
        "kind": kind.value,
        "state": state.value,
        "roles": sorted(role.value for role in roles),
        "specification": dict(specification) if specification else None,
        "created_at": utc_now(),
    }
    try:
        stored = connection.execute(insert(tables.rater).returning(tables.rater), row).one()
    except IntegrityError as error:
        raise AlreadyExists(f"There is an account {name!r} already: choose another name.") from error
    events.record(
        connection,
        actor=actor,
        action="account.added",
        subject=f"rater {name}",
        detail={"kind": row["kind"], "roles": row["roles"]},
    )
    return rater_of(stored)


def issue_link(store: Store, name: str, *, actor: str = "system", now: datetime | None = None) -> str:
    """A fresh one-time token with which a person sets their password; earlier unused ones stop working.

    Only the token's hash is stored. The token goes into a link: `/password/TOKEN`.

    Raises:
        NotFound: no such account.
    """
    now = now or utc_now()
    token = secrets.token_urlsafe(32)
    link = tables.login_token
    with store.write() as connection:
        account = find_account(connection, name)
        _revoke_links(connection, account.id, now=now)
        connection.execute(
            insert(link),
            {
                "rater_id": account.id,
                "purpose": "set_password",
                "token_hash": token_hash(token),
                "created_at": now,
                "expires_at": now + LINK_LIFETIME,
            },
        )
        events.record(connection, actor=actor, action="link.issued", subject=f"rater {name}")
    return token


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def list_accounts(store: Store) -> list[Rater]:
    """All accounts by name."""
    with store.read() as connection:
        rows = connection.execute(
            select(tables.rater).where(tables.rater.c.namespace == "").order_by(tables.rater.c.name)
        )
        return [rater_of(row) for row in rows]


def _revoke_links(connection: Connection, rater_id: int, *, now: datetime) -> None:
    link = tables.login_token
    connection.execute(
        update(link)
        .where(link.c.rater_id == rater_id, link.c.purpose == "set_password", link.c.used_at.is_(None))
        .values(used_at=now)
    )
