"""What a person prefers on the screen: kept with the account, so that it holds in every browser."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import update

from app.domain import Preferences
from app.services import events
from app.services.sessions import Person
from app.store import tables
from app.store.engine import Store


def set_preferences(store: Store, person: Person, preferences: Preferences) -> None:
    """Keep a person's preferences; those that are there already are not written again."""
    if preferences == person.account.preferences:
        return
    with store.write() as connection:
        own = tables.rater.c.id == person.account.id
        connection.execute(update(tables.rater).where(own).values(preferences=asdict(preferences)))
        events.record(
            connection,
            actor=person.name,
            action="preferences.set",
            subject=f"rater {person.name}",
            detail=asdict(preferences),
        )
