"""Drafts of rubrics: kept on the server, written by one or several designers, published when they are ready.

Who saves names the revision that they read. Where somebody else saved meanwhile, the save is refused and both texts
are still there. Versions belong to no campaign, and neither do drafts: a designer anywhere may write every one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from app.domain import utc_now
from app.errors import Conflict, DraftMoved, InvalidInput, NotFound
from app.policy import Action
from app.services import campaigns, events
from app.services.permission import require_anywhere
from app.services.sessions import Person
from app.store import tables
from app.store.engine import Store
from rubrics.errors import RubricError
from rubrics.loader import MAX_BYTES, parse_rubric, read_values
from rubrics.model import Rubric

UNTITLED = "Untitled rubric"

KEPT_TEXTS = 300
"""Earlier texts that a draft keeps: fields save themselves, so this is about a day of writing."""

_draft, _text = tables.rubric_draft, tables.rubric_draft_text


@dataclass(frozen=True)
class Draft:
    """A rubric in the making.

    Attributes:
        title: as the text gives it; that of an earlier revision where the text is not readable.
        text: the YAML, a valid rubric or not yet.
        revision: counts the saves, from 1.
        dismissed: ids of advice (`rubrics.advice.Advice.id`) that somebody has put aside.
        saved_by: who saved last.
        published_version: the version that it became; None while it is open, or where it was discarded.
        closed_at: when it was published or discarded; None while it is open.
    """

    id: int
    title: str
    text: str
    revision: int
    dismissed: frozenset[str]
    created_by: str
    created_at: datetime
    saved_by: str
    saved_at: datetime
    published_version: str | None
    closed_at: datetime | None


@dataclass(frozen=True)
class EarlierText:
    """A text that a draft had.

    Attributes:
        revision: of the draft when it had it.
        saved_by: who wrote it.
    """

    revision: int
    text: str
    saved_by: str
    saved_at: datetime


def list_drafts(store: Store, person: Person) -> list[Draft]:
    """The drafts that are open, saved last first.

    Raises:
        NotAllowed: the person designs nowhere.
    """
    require_anywhere(person, Action.PUBLISH_RUBRIC)
    with store.read() as connection:
        rows = connection.execute(
            select(_draft).where(_draft.c.closed_at.is_(None)).order_by(_draft.c.saved_at.desc(), _draft.c.id.desc())
        )
        return [_draft_of(row) for row in rows]


def read_draft(store: Store, person: Person, draft_id: int) -> Draft:
    """One draft, open or closed.

    Raises:
        NotAllowed: the person designs nowhere.
        NotFound: there is none with this number.
    """
    require_anywhere(person, Action.PUBLISH_RUBRIC)
    with store.read() as connection:
        return _find(connection, draft_id)


def create_draft(store: Store, person: Person, text: str) -> Draft:
    """Begin a draft with a text.

    Raises:
        NotAllowed: the person designs nowhere.
        InvalidInput: the text cannot be stored.
    """
    require_anywhere(person, Action.PUBLISH_RUBRIC)
    _check(text)
    now = utc_now()
    row = {
        "title": _title(text) or UNTITLED,
        "body": text,
        "revision": 1,
        "dismissed": [],
        "created_by": person.name,
        "created_at": now,
        "saved_by": person.name,
        "saved_at": now,
    }
    with store.write() as connection:
        stored = connection.execute(insert(_draft).returning(_draft), row).one()
        _record(connection, person, "rubric_draft.created", stored)
    return _draft_of(stored)


def save_draft(store: Store, person: Person, draft_id: int, text: str, *, revision: int) -> Draft:
    """Save a text over the revision that was read; the same text again changes nothing.

    Raises:
        NotAllowed: the person designs nowhere.
        NotFound: there is no such draft.
        DraftMoved: somebody else saved meanwhile; nothing was overwritten.
        Conflict: the draft was published or discarded.
        InvalidInput: the text cannot be stored.
    """
    require_anywhere(person, Action.PUBLISH_RUBRIC)
    _check(text)
    with store.write() as connection:
        found = _find_open(connection, draft_id)
        if found.text == text:
            return found
        values: dict[str, Any] = {"body": text, "revision": revision + 1, "saved_by": person.name}
        values |= {"saved_at": utc_now(), "title": _title(text) or found.title}
        saved = _swap(connection, found, revision, values)
        _keep(connection, found)
        return saved


def earlier_texts(store: Store, person: Person, draft_id: int) -> list[EarlierText]:
    """The texts that a draft had before, the latest first; at most `KEPT_TEXTS`.

    Raises:
        NotAllowed: the person designs nowhere.
        NotFound: there is no such draft.
    """
    require_anywhere(person, Action.PUBLISH_RUBRIC)
    with store.read() as connection:
        found = _find(connection, draft_id)
        query = select(_text).where(_text.c.draft_id == found.id).order_by(_text.c.revision.desc())
        return [EarlierText(row.revision, row.body, row.saved_by, row.saved_at) for row in connection.execute(query)]


def dismiss_advice(store: Store, person: Person, draft_id: int, advice_id: str, *, is_dismissed: bool = True) -> Draft:
    """Put an advice aside, or take it up again; the text and its revision stay as they are.

    Raises:
        NotAllowed: the person designs nowhere.
        NotFound: there is no such draft.
        Conflict: the draft was published or discarded.
    """
    require_anywhere(person, Action.PUBLISH_RUBRIC)
    with store.write() as connection:
        found = _find_open(connection, draft_id)
        dismissed = found.dismissed | {advice_id} if is_dismissed else found.dismissed - {advice_id}
        return _update(connection, draft_id, {"dismissed": sorted(dismissed)})


def discard_draft(store: Store, person: Person, draft_id: int) -> None:
    """End a draft without publishing it; its row stays.

    Raises:
        NotAllowed: the person designs nowhere.
        NotFound: there is no such draft.
        Conflict: the draft was published or discarded already.
    """
    require_anywhere(person, Action.PUBLISH_RUBRIC)
    with store.write() as connection:
        _find_open(connection, draft_id)
        _update(connection, draft_id, {"closed_at": utc_now()})
        events.record(
            connection, actor=person.name, action="rubric_draft.discarded", subject=f"rubric draft {draft_id}"
        )


def publish_draft(store: Store, person: Person, draft_id: int, *, revision: int) -> tuple[Rubric, bool]:
    """Publish what a draft says, and end it; returns the rubric, and whether its version is new here.

    Raises:
        NotAllowed: the person designs nowhere.
        NotFound: there is no such draft.
        DraftMoved: somebody else saved meanwhile, so that the person has not read what would be published.
        Conflict: the draft was published or discarded already.
        RubricError: the text is no rubric yet; every problem with its line.
    """
    require_anywhere(person, Action.PUBLISH_RUBRIC)
    with store.write() as connection:
        found = _find_open(connection, draft_id)
        if found.revision != revision:
            raise _moved(found)
        rubric = parse_rubric(found.text)
        known = connection.scalar(
            select(tables.rubric_version.c.version).where(tables.rubric_version.c.version == rubric.version)
        )
        campaigns.publish_rubric(connection, rubric, actor=person.name, source_yaml=found.text)
        ended = {"closed_at": utc_now(), "published_version": rubric.version}
        _swap(connection, found, revision, ended)
    return rubric, known is None


def _check(text: str) -> None:
    if "\x00" in text:
        raise InvalidInput("The text holds a NUL character, which no database stores: remove it.")
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise InvalidInput(f"The text is larger than {MAX_BYTES:,} bytes: shorten it; a rubric is read by people.")


def _title(text: str) -> str:
    """The title that a text gives; empty where there is none, or where the text is not readable."""
    try:
        title = read_values(text).get("title")
    except RubricError:
        return ""
    return " ".join(str(title or "").split())[:200]


def _find(connection: Connection, draft_id: int) -> Draft:
    row = connection.execute(select(_draft).where(_draft.c.id == draft_id)).first()
    if row is None:
        raise NotFound(f"There is no draft {draft_id}. The Studio lists those that are open.")
    return _draft_of(row)


def _find_open(connection: Connection, draft_id: int) -> Draft:
    found = _find(connection, draft_id)
    if found.closed_at is not None:
        ended = "discarded" if found.published_version is None else f"published as {found.published_version[:12]}"
        raise Conflict(f"Draft {draft_id} was {ended}. Begin another one with its text to go on.")
    return found


def _swap(connection: Connection, found: Draft, revision: int, values: dict[str, Any]) -> Draft:
    """Compare and set: only the revision that was read is replaced."""
    matching = (_draft.c.id == found.id) & (_draft.c.revision == revision) & _draft.c.closed_at.is_(None)
    row = connection.execute(update(_draft).where(matching).values(**values).returning(_draft)).first()
    if row is None:
        raise _moved(found)
    return _draft_of(row)


def _keep(connection: Connection, replaced: Draft) -> None:
    """Keep the text that a save has replaced, and let go of the oldest ones."""
    row = {
        "draft_id": replaced.id,
        "revision": replaced.revision,
        "body": replaced.text,
        "saved_by": replaced.saved_by,
        "saved_at": replaced.saved_at,
    }
    connection.execute(insert(_text), row)
    too_old = (_text.c.draft_id == replaced.id) & (_text.c.revision <= replaced.revision - KEPT_TEXTS)
    connection.execute(delete(_text).where(too_old))


def _moved(found: Draft) -> DraftMoved:
    return DraftMoved(revision=found.revision, saved_by=found.saved_by, text=found.text)


def _update(connection: Connection, draft_id: int, values: dict[str, Any]) -> Draft:
    row = connection.execute(update(_draft).where(_draft.c.id == draft_id).values(**values).returning(_draft)).one()
    return _draft_of(row)


def _record(connection: Connection, person: Person, action: str, row: Row[Any]) -> None:
    detail = {"title": row.title}
    events.record(connection, actor=person.name, action=action, subject=f"rubric draft {row.id}", detail=detail)


def _draft_of(row: Row[Any]) -> Draft:
    return Draft(
        id=row.id,
        title=row.title,
        text=row.body,
        revision=row.revision,
        dismissed=frozenset(row.dismissed),
        created_by=row.created_by,
        created_at=row.created_at,
        saved_by=row.saved_by,
        saved_at=row.saved_at,
        published_version=row.published_version,
        closed_at=row.closed_at,
    )
