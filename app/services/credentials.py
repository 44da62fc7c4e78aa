"""What an admin has seen proof of: credentials, languages, places of data, skills. Routing reads them (`requirements`).

They hold in every campaign until they expire or are ended. Nothing that is measured moves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from app.domain import Rater, Role, utc_now
from app.errors import InvalidInput, NotAllowed, NotFound
from app.requirements import CREDENTIAL, KINDS, SKILL, WITH_LEVEL, Requirement
from app.services import events, standing
from app.services.lookup import find_account
from app.services.wording import said
from app.store import tables
from app.store.engine import Store

_skill = tables.rater_skill


@dataclass(frozen=True)
class Credential:
    """Something that an account holds everywhere.

    Attributes:
        what: kind, name and level.
        evidence: what was seen, and by whom.
    """

    what: Requirement
    evidence: Mapping[str, Any]
    granted_at: datetime
    expires_at: datetime | None


def attach(
    store: Store,
    actor_name: str,
    rater_name: str,
    name: str,
    *,
    evidence: str,
    kind: str = CREDENTIAL,
    level: int = 1,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """Attach a credential to an account, in place of what it held of it.

    Args:
        store: the database.
        actor_name: an admin.
        rater_name: the account.
        name: as the comparisons require it, e.g. "physician", or "de" for a language.
        evidence: what was seen: a document, a number, a date.
        kind: credential, language, residency or skill.
        level: 1 to 3, for a language or a skill.
        expires_at: from when it holds no more; None for no end.
        now: the time; the clock by default.

    Raises:
        NotFound: no such account.
        NotAllowed: the actor is no admin.
        InvalidInput: a name, kind, level or end that cannot be, or nothing is said of the evidence.
    """
    now = now or utc_now()
    what = _checked(kind, name, level)
    evidence = said(evidence, "evidence", remedy="Say what was seen of it: a document, a number, a date.")
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(f"It would have ended on {expires_at:%Y-%m-%d}: give a day to come, or none.")
    with store.write() as connection:
        rater = _managed(connection, actor_name, rater_name)
        document = {"seen": evidence, "by": actor_name}
        standing.grant(connection, rater, what.key, level=level, evidence=document, now=now, expires_at=expires_at)
        detail = {"credential": what.key, "level": level, "until": expires_at and expires_at.isoformat(), **document}
        _record(connection, "credential.attached", actor_name, rater, detail)


def end(
    store: Store,
    actor_name: str,
    rater_name: str,
    name: str,
    *,
    reason: str,
    kind: str = CREDENTIAL,
    now: datetime | None = None,
) -> None:
    """Let an account hold a credential no more; that it was held stays on record.

    Raises:
        NotFound: no such account, or it does not hold this.
        NotAllowed: the actor is no admin.
        InvalidInput: no reason, or a kind that there is not.
    """
    what = _checked(kind, name, 1)
    reason = said(reason, "reason", remedy="Say why it holds no more.")
    with store.write() as connection:
        rater = _managed(connection, actor_name, rater_name)
        if not standing.end_skill(connection, rater, what.key, campaign_id=None, now=now or utc_now()):
            raise NotFound(f"{rater_name} holds no {kind} {name!r}.")
        _record(connection, "credential.ended", actor_name, rater, {"credential": what.key, "reason": reason})


def held_by(store: Store, actor_name: str, rater_name: str, *, now: datetime | None = None) -> list[Credential]:
    """What an account holds everywhere now, by kind and name.

    Raises:
        NotFound: no such account.
        NotAllowed: the actor is no admin.
    """
    now = now or utc_now()
    with store.read() as connection:
        rater = _managed(connection, actor_name, rater_name)
        rows = connection.execute(
            select(_skill)
            .where(
                _skill.c.rater_id == rater.id,
                _skill.c.campaign_id.is_(None),
                or_(_skill.c.expires_at.is_(None), _skill.c.expires_at > now),
            )
            .order_by(_skill.c.skill)
        )
        return [
            Credential(_read(row.skill, row.level), row.evidence or {}, row.granted_at, row.expires_at) for row in rows
        ]


def _read(key: str, level: int) -> Requirement:
    kind, _, name = key.partition(":")
    return Requirement(kind, name, level) if kind in KINDS and name else Requirement(SKILL, key, level)


def _checked(kind: str, name: str, level: int) -> Requirement:
    if kind not in KINDS:
        raise InvalidInput(f"There is no kind {kind!r}: use {', '.join(KINDS)}.")
    name = said(name, "name", remedy=f"Name the {kind}, as the comparisons require it.")
    if ":" in name:
        raise InvalidInput(f"{name!r} has a colon: give the name alone, and its kind apart.")
    if level not in standing.LEVELS or (level != 1 and kind not in WITH_LEVEL):
        raise InvalidInput(
            f"Level {level} of a {kind}: use 1 to 3 for a {' or a '.join(WITH_LEVEL)}, else leave it out."
        )
    return Requirement(kind, name, level)


def _managed(connection: Connection, actor_name: str, rater_name: str) -> Rater:
    actor, rater = find_account(connection, actor_name), find_account(connection, rater_name)
    if Role.ADMIN not in actor.roles:
        raise NotAllowed(f"{actor_name} is no admin. Ask one.")
    return rater


def _record(connection: Connection, action: str, actor: str, rater: Rater, detail: Mapping[str, Any]) -> None:
    events.record(connection, actor=actor, action=action, subject=f"rater {rater.name}", detail=detail)
