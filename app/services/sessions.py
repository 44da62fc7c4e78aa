"""Who is there: passwords, one-time links, and log-ins that can be ended.

A log-in is a row of `login_token` with the hash of a random token; the token itself is only in the person's cookie.
`used_at` ends it: on log-out, when the password changes, or when an admin says so.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import BindParameter, ColumnElement, Connection, Row, Select, bindparam, insert, select, update

from app.domain import Campaign, Rater, RaterKind, RaterState, Role, utc_now
from app.errors import InvalidInput, NotAllowed, NotFound, UnfitPassword
from app.policy import Action, may
from app.services import events
from app.services.lookup import campaign_of, find_account, rater_of
from app.services.people import token_hash
from app.store import tables
from app.store.engine import Store

LOGIN_LIFETIME = timedelta(days=7)
"""How long a person stays logged in."""

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 1024

SESSION = "session"
SET_PASSWORD = "set_password"

_token = tables.login_token
_rater = tables.rater
_hasher = PasswordHasher()
_hashing = threading.BoundedSemaphore(4)
"""Hashing takes much memory on purpose: a crowd at the door takes turns."""


@dataclass(frozen=True)
class Membership:
    """A campaign and what the person is in it."""

    campaign: Campaign
    roles: frozenset[Role]


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in.

    Attributes:
        account: the rater row behind the name.
        memberships: the campaigns in which the person has a role, by title; all of them for an admin.
        login_id: the log-in by which they are here; None where an identity provider vouches for them.
    """

    account: Rater
    memberships: tuple[Membership, ...]
    login_id: int | None = None

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    @property
    def roles(self) -> frozenset[Role]:
        """Roles of the account and of every campaign: what the person may be anywhere."""
        return self.account.roles.union(*(membership.roles for membership in self.memberships))

    def may(self, action: Action) -> bool:
        """Whether the person may do this anywhere, so that its page is worth showing."""
        return may(self.roles, action)

    def campaigns_for(self, action: Action) -> list[Campaign]:
        """The campaigns in which the person may do this."""
        return [membership.campaign for membership in self.memberships if may(membership.roles, action)]


@dataclass(frozen=True)
class Login:
    """One log-in of a person, as they or an admin may see it."""

    id: int
    name: str
    created_at: datetime
    expires_at: datetime


def log_in(store: Store, name: str, password: str, *, now: datetime | None = None) -> str | None:
    """A fresh token for the person's cookie, or None where name and password do not belong together.

    An unknown name costs as much time as a wrong password. Every log-in gets a token of its own.
    """
    now = now or utc_now()
    with store.read() as connection:
        row = connection.execute(select(_rater).where(_rater.c.namespace == "", _rater.c.name == name)).first()
    known = row is not None and row.password_hash is not None and _may_enter(row)
    stored = row.password_hash if known and row is not None else _decoy()
    is_right = _verify(stored, password)
    if row is None or not known or not is_right:
        return None
    with store.write() as connection:
        if _hasher.check_needs_rehash(stored):
            _set_hash(connection, row.id, _hash(password))
        return _new_login(connection, row, now=now)


def who(store: Store, token: str | None, *, now: datetime | None = None) -> int | None:
    """The id of the log-in behind a cookie's token; None if there is none that holds."""
    if not token or len(token) > 200:
        return None
    with store.read() as connection:
        return connection.scalar(
            select(_token.c.id).where(_token.c.token_hash == token_hash(token), _holds(now or utc_now()))
        )


def person_of(store: Store, login_id: int, *, now: datetime | None = None) -> Person | None:
    """The person behind a log-in, with today's roles; None once it has expired or was ended."""
    with store.read() as connection:
        row = connection.execute(_login_query(), {"login_id": login_id, "now": now or utc_now()}).first()
        return _person(connection, row, login_id=login_id)


def name_of(store: Store, login_id: int, *, now: datetime | None = None) -> str | None:
    """The name of the person behind a log-in, for what needs no more; None once it has expired or was ended."""
    with store.read() as connection:
        row = connection.execute(_login_query(), {"login_id": login_id, "now": now or utc_now()}).first()
        return row.name if row is not None and _may_enter(row) else None


def person_named(store: Store, name: str) -> Person | None:
    """The person whom an identity provider vouches for under this name (their e-mail address); None if unknown."""
    with store.read() as connection:
        row = connection.execute(select(_rater).where(_rater.c.namespace == "", _rater.c.name == name)).first()
        return _person(connection, row, login_id=None)


def log_out(store: Store, token: str, *, now: datetime | None = None) -> bool:
    """End the log-in behind a token; returns whether there was one."""
    with store.write() as connection:
        row = connection.execute(
            select(_token.c.id, _rater.c.name)
            .join(_rater)
            .where(_token.c.token_hash == token_hash(token), _holds(now or utc_now()))
        ).first()
        if row is None:
            return False
        _end(connection, _token.c.id == row.id, now=now or utc_now())
        events.record(connection, actor=row.name, action="login.ended", subject=f"rater {row.name}")
    return True


def end_logins(store: Store, name: str, *, actor: str, keep: int | None = None, now: datetime | None = None) -> int:
    """End every log-in of a person (but `keep`); takes effect at their next click. Returns how many.

    Raises:
        NotFound: no such account.
    """
    with store.write() as connection:
        account = find_account(connection, name)
        n_ended = _end_all(connection, account.id, keep=keep, now=now or utc_now())
        if n_ended:
            detail = {"n": n_ended}
            events.record(connection, actor=actor, action="login.ended", subject=f"rater {name}", detail=detail)
    return n_ended


def list_logins(store: Store, name: str | None = None, *, now: datetime | None = None) -> list[Login]:
    """The log-ins that hold, newest first; of one person, or of all."""
    statement = (
        select(_token.c.id, _rater.c.name, _token.c.created_at, _token.c.expires_at)
        .join(_rater)
        .where(_holds(now or utc_now()))
        .order_by(_token.c.id.desc())
    )
    if name is not None:
        statement = statement.where(_rater.c.namespace == "", _rater.c.name == name)
    with store.read() as connection:
        return [Login(*row) for row in connection.execute(statement)]


def link_owner(store: Store, token: str, *, now: datetime | None = None) -> str | None:
    """The name for which a one-time link sets the password; None once it was used or has expired."""
    with store.read() as connection:
        row = _link(connection, token, now=now or utc_now())
        return None if row is None else row.name


def use_link(store: Store, token: str, password: str, *, now: datetime | None = None) -> str:
    """Set the password with a one-time link and log in: the link is spent, every earlier log-in ends.

    Returns:
        The token for the person's cookie.

    Raises:
        NotFound: the link was used, has expired, or never was.
        UnfitPassword: it is too short, too long, or too easy to guess.
    """
    now = now or utc_now()
    with store.read() as connection:
        owner = _link(connection, token, now=now)
    _check_password(password, name="" if owner is None else owner.name)
    hashed = _hash(password)
    with store.write() as connection:
        row = _link(connection, token, now=now)
        if row is None:
            raise NotFound("This link was used or has expired. Ask an admin for a new one.")
        connection.execute(update(_token).where(_token.c.token_hash == token_hash(token)).values(used_at=now))
        _change(connection, row, hashed, actor=row.name, now=now)
        return _new_login(connection, row, now=now)


def change_password(store: Store, person: Person, *, old: str, new: str, now: datetime | None = None) -> None:
    """Change one's own password; the other log-ins end.

    Raises:
        NotAllowed: the old password is wrong.
        UnfitPassword: the new one is too short, too long, or too easy to guess.
    """
    with store.read() as connection:
        row = connection.execute(select(_rater).where(_rater.c.id == person.account.id)).one()
    if not _verify(row.password_hash or _decoy(), old):
        raise NotAllowed("The present password is not right.")
    set_password(store, person.name, new, actor=person.name, keep=person.login_id, now=now)


def set_password(
    store: Store,
    name: str,
    password: str,
    *,
    actor: str = "system",
    keep: int | None = None,
    now: datetime | None = None,
) -> None:
    """Set a person's password; their log-ins (but `keep`) end.

    Raises:
        NotFound: no such account.
        UnfitPassword: it is too short, too long, or too easy to guess.
        InvalidInput: the account is no person.
    """
    _check_password(password, name=name)
    hashed = _hash(password)
    with store.write() as connection:
        account = find_account(connection, name)
        if account.kind is not RaterKind.HUMAN:
            raise InvalidInput(f"{name} is a {account.kind.value} rater; only people log in.")
        row = connection.execute(select(_rater).where(_rater.c.id == account.id)).one()
        _change(connection, row, hashed, actor=actor, keep=keep, now=now or utc_now())


def _may_enter(row: Row[Any]) -> bool:
    return row.kind == RaterKind.HUMAN.value and row.state != RaterState.RETIRED.value


def _person(connection: Connection, row: Row[Any] | None, *, login_id: int | None) -> Person | None:
    if row is None or not _may_enter(row):
        return None
    account = rater_of(row)
    is_admin = Role.ADMIN in account.roles
    rows = connection.execute(_memberships_query(of_all=is_admin), {"rater_id": account.id})
    admin = frozenset({Role.ADMIN}) if is_admin else frozenset()
    return Person(
        account,
        tuple(Membership(campaign_of(r), admin | {Role(role) for role in r.own_roles or ()}) for r in rows),
        login_id,
    )


@cache
def _login_query() -> Select[Any]:
    """The rater behind `:login_id`, if it holds at `:now`; built once, because every run of every page asks it."""
    now = bindparam("now", type_=_token.c.expires_at.type)
    return select(_rater).join(_token).where(_token.c.id == bindparam("login_id"), _holds(now))


@cache
def _memberships_query(*, of_all: bool) -> Select[Any]:
    """The campaigns of `:rater_id` with their roles there; all campaigns for an admin."""
    member, campaign = tables.campaign_member, tables.campaign
    own = (member.c.campaign_id == campaign.c.id) & (member.c.rater_id == bindparam("rater_id"))
    return (
        select(campaign, member.c.roles.label("own_roles"))
        .select_from(campaign.join(member, own, isouter=of_all))
        .order_by(campaign.c.title, campaign.c.id)
    )


def _holds(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return (_token.c.purpose == SESSION) & _token.c.used_at.is_(None) & (_token.c.expires_at > now)


def _link(connection: Connection, token: str, *, now: datetime) -> Row[Any] | None:
    row = connection.execute(
        select(_rater)
        .join(_token)
        .where(
            _token.c.token_hash == token_hash(token),
            _token.c.purpose == SET_PASSWORD,
            _token.c.used_at.is_(None),
            _token.c.expires_at > now,
        )
    ).first()
    return row if row is not None and _may_enter(row) else None


def _new_login(connection: Connection, row: Row[Any], *, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(_token),
        {
            "rater_id": row.id,
            "purpose": SESSION,
            "token_hash": token_hash(token),
            "created_at": now,
            "expires_at": now + LOGIN_LIFETIME,
        },
    )
    events.record(connection, actor=row.name, action="login.started", subject=f"rater {row.name}")
    return token


def _change(
    connection: Connection, row: Row[Any], hashed: str, *, actor: str, now: datetime, keep: int | None = None
) -> None:
    _set_hash(connection, row.id, hashed)
    _end_all(connection, row.id, keep=keep, now=now)
    events.record(connection, actor=actor, action="password.set", subject=f"rater {row.name}")


def _set_hash(connection: Connection, rater_id: int, hashed: str) -> None:
    connection.execute(update(_rater).where(_rater.c.id == rater_id).values(password_hash=hashed))


def _end_all(connection: Connection, rater_id: int, *, keep: int | None, now: datetime) -> int:
    chosen = _token.c.rater_id == rater_id
    return _end(connection, chosen if keep is None else chosen & (_token.c.id != keep), now=now)


def _end(connection: Connection, chosen: ColumnElement[bool], *, now: datetime) -> int:
    return connection.execute(update(_token).where(chosen, _holds(now)).values(used_at=now)).rowcount


def _check_password(password: str, *, name: str) -> None:
    n, least, most = len(password), MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH
    if n < least:
        message = f"The password has {n} characters: use at least {least}."
        raise UnfitPassword(message, fault="short", n=n, limit=least)
    if n > most:
        raise UnfitPassword(f"The password has {n} characters: use at most {most}.", fault="long", n=n, limit=most)
    if password.casefold() == name.casefold() or len(set(password)) < 4:
        message = "The password is too easy to guess: use a few unrelated words."
        raise UnfitPassword(message, fault="easy", n=n, limit=least)


def _hash(password: str) -> str:
    with _hashing:
        return _hasher.hash(password)


def _verify(stored: str, password: str) -> bool:
    with _hashing:
        try:
            return _hasher.verify(stored, password[: MAX_PASSWORD_LENGTH + 1])
        except (VerifyMismatchError, InvalidHashError):
            return False


_decoys: list[str] = []


def _decoy() -> str:
    """A hash that nobody knows the password of, so that unknown names take as long as known ones."""
    if not _decoys:
        _decoys.append(_hash(secrets.token_urlsafe(16)))
    return _decoys[0]
