"""An admin's use cases: accounts, their roles and states, one-time links, log-ins, and the record of events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from app.domain import Event, Rater, RaterKind, RaterState, Role
from app.errors import Conflict, InvalidInput
from app.services import campaigns, events, people, sessions
from app.services.lookup import find_account, rater_of
from app.services.managing import MEMBER_ROLES
from app.services.permission import require_admin
from app.services.sessions import Login, Person
from app.store import tables
from app.store.engine import Store


@dataclass(frozen=True)
class AccountRow:
    """An account as an admin sees it.

    Attributes:
        account: name, kind, state, roles.
        campaigns: campaign name -> roles there.
        n_logins: log-ins that hold now.
        has_password: whether a password was set; without one, a one-time link is due.
        created_at: since when.
    """

    account: Rater
    campaigns: Mapping[str, frozenset[Role]]
    n_logins: int
    has_password: bool
    created_at: datetime


@dataclass(frozen=True)
class EventPage:
    """Some events, newest first, and how many there are in all."""

    events: tuple[Event, ...]
    n_all: int


def list_people(store: Store, person: Person) -> list[AccountRow]:
    """Every account by name.

    Raises:
        NotAllowed: the person is no admin.
    """
    require_admin(person)
    rater, member, campaign = tables.rater, tables.campaign_member, tables.campaign
    n_logins: dict[str, int] = {}
    for login in sessions.list_logins(store):
        n_logins[login.name] = n_logins.get(login.name, 0) + 1
    with store.read() as connection:
        memberships: dict[int, dict[str, frozenset[Role]]] = {}
        for row in connection.execute(
            select(member.c.rater_id, member.c.roles, campaign.c.name).select_from(member.join(campaign))
        ):
            memberships.setdefault(row.rater_id, {})[row.name] = frozenset(map(Role, row.roles))
        rows = connection.execute(select(rater).where(rater.c.namespace == "").order_by(rater.c.name)).all()
    return [
        AccountRow(
            account=rater_of(row),
            campaigns=memberships.get(row.id, {}),
            n_logins=n_logins.get(row.name, 0),
            has_password=row.password_hash is not None,
            created_at=row.created_at,
        )
        for row in rows
    ]


def add_person(
    store: Store, person: Person, name: str, *, roles: Collection[Role], campaign_names: Collection[str] = ()
) -> str:
    """Add an account and make it a member of campaigns with the same roles; returns the one-time link's token.

    Raises:
        NotAllowed: the person is no admin.
        AlreadyExists: the name is taken.
        InvalidInput: the name has other characters, or no role is given.
        NotFound: no such campaign.
    """
    require_admin(person)
    for campaign_name in campaign_names:
        campaigns.show_campaign(store, campaign_name)
    people.add_account(store, name, roles=roles, actor=person.name)
    here = [role for role in roles if role in MEMBER_ROLES]
    for campaign_name in campaign_names if here else ():
        campaigns.add_member(store, campaign_name, name, roles=here, actor=person.name)
    return people.issue_link(store, name, actor=person.name)


def reset_link(store: Store, person: Person, name: str) -> str:
    """A fresh one-time link's token, with which somebody sets another password; earlier unused links stop working.

    Raises:
        NotAllowed: the person is no admin.
        NotFound: no such account.
        InvalidInput: the account is no person.
    """
    require_admin(person)
    with store.read() as connection:
        account = find_account(connection, name)
    if account.kind is not RaterKind.HUMAN:
        raise InvalidInput(f"{name} is a {account.kind.value} rater; only people log in.")
    return people.issue_link(store, name, actor=person.name)


def set_roles(store: Store, person: Person, name: str, *, roles: Collection[Role]) -> None:
    """Give an account these roles in place of those it had.

    Raises:
        NotAllowed: the person is no admin.
        NotFound: no such account.
        InvalidInput: no role is named.
        Conflict: nobody would be admin any more.
    """
    require_admin(person)
    if not roles:
        raise InvalidInput(f"Give {name} at least one role: {', '.join(Role)}.")
    with store.write() as connection:
        account = find_account(connection, name)
        if Role.ADMIN not in roles:
            _keep_an_admin(connection, account)
        values = sorted(role.value for role in roles)
        _change(connection, account, {"roles": values})
        detail = {"before": sorted(account.roles), "after": values}
        events.record(
            connection, actor=person.name, action="account.roles_changed", subject=f"rater {name}", detail=detail
        )


def set_state(store: Store, person: Person, name: str, *, state: RaterState) -> None:
    """Set where an account stands; one that is retired cannot log in, and its log-ins end.

    Raises:
        NotAllowed: the person is no admin.
        NotFound: no such account.
        Conflict: nobody would be admin any more.
    """
    require_admin(person)
    with store.write() as connection:
        account = find_account(connection, name)
        if state is RaterState.RETIRED:
            _keep_an_admin(connection, account)
        _change(connection, account, {"state": state.value})
        detail = {"before": account.state.value, "after": state.value}
        events.record(
            connection, actor=person.name, action="account.state_changed", subject=f"rater {name}", detail=detail
        )
    if state is RaterState.RETIRED:
        sessions.end_logins(store, name, actor=person.name)


def logins_of(store: Store, person: Person, name: str) -> list[Login]:
    """The log-ins of an account that hold.

    Raises:
        NotAllowed: the person is no admin.
    """
    require_admin(person)
    return sessions.list_logins(store, name)


def end_logins(store: Store, person: Person, name: str) -> int:
    """End every log-in of an account (one's own present one excepted); takes effect at the next click.

    Raises:
        NotAllowed: the person is no admin.
        NotFound: no such account.
    """
    require_admin(person)
    keep = person.login_id if name == person.name else None
    return sessions.end_logins(store, name, actor=person.name, keep=keep)


def list_events(
    store: Store,
    person: Person,
    *,
    campaign_id: int | None = None,
    action: str | None = None,
    actor: str | None = None,
    text: str = "",
    since: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
) -> EventPage:
    """What happened, newest first.

    Args:
        store: the database.
        person: who asks.
        campaign_id: only what concerns this campaign.
        action: only this action, such as `import.completed`.
        actor: only what this actor did.
        text: only subjects that contain this.
        since: only from this time on.
        limit: so many.
        offset: after so many newer ones.

    Raises:
        NotAllowed: the person is no admin.
    """
    require_admin(person)
    event = tables.event
    wanted: list[ColumnElement[bool]] = []
    for column, value in ((event.c.campaign_id, campaign_id), (event.c.action, action), (event.c.actor, actor)):
        if value is not None:
            wanted.append(column == value)
    if text:
        wanted.append(event.c.subject.icontains(text, autoescape=True))
    if since is not None:
        wanted.append(event.c.at >= since)
    with store.read() as connection:
        n_all = connection.scalar(select(func.count()).select_from(event).where(*wanted)) or 0
        rows = connection.execute(
            select(event).where(*wanted).order_by(event.c.id.desc()).limit(limit).offset(offset)
        ).all()
    return EventPage(
        tuple(Event(r.id, r.campaign_id, r.actor, r.action, r.subject, r.at, r.detail) for r in rows), n_all
    )


def event_words(store: Store, person: Person) -> tuple[list[str], list[str]]:
    """The actions and the actors that occur, for filters.

    Raises:
        NotAllowed: the person is no admin.
    """
    require_admin(person)
    event = tables.event
    with store.read() as connection:
        actions = connection.scalars(select(event.c.action).distinct().order_by(event.c.action)).all()
        actors = connection.scalars(select(event.c.actor).distinct().order_by(event.c.actor).limit(1000)).all()
    return list(actions), list(actors)


def _change(connection: Connection, account: Rater, values: Mapping[str, Any]) -> None:
    connection.execute(update(tables.rater).where(tables.rater.c.id == account.id).values(**values))


def _keep_an_admin(connection: Connection, leaving: Rater) -> None:
    """Refuse to leave the house without an admin who can log in."""
    if Role.ADMIN not in leaving.roles:
        return
    rater = tables.rater
    others = connection.execute(
        select(rater.c.roles).where(
            rater.c.namespace == "",
            rater.c.kind == RaterKind.HUMAN.value,
            rater.c.state != RaterState.RETIRED.value,
            rater.c.password_hash.is_not(None),
            rater.c.id != leaving.id,
        )
    )
    if not any(Role.ADMIN.value in row.roles for row in others):
        raise Conflict(f"{leaving.name} is the only admin who can log in: make somebody else one first.")


def trail(store: Store, subject: str) -> list[Event]:
    """What happened to one subject, such as `rater ann`, oldest first."""
    event = tables.event
    with store.read() as connection:
        rows = connection.execute(select(event).where(event.c.subject == subject).order_by(event.c.id)).all()
    return [Event(r.id, r.campaign_id, r.actor, r.action, r.subject, r.at, r.detail) for r in rows]
