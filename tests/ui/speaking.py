"""What a page says, and its buttons, for tests."""

from __future__ import annotations

from app.services import sessions
from tests.ui.places import Place

KINDS = ("header", "subheader", "markdown", "caption", "text", "html", "error", "warning", "info", "success")


def words(at) -> str:
    """What the page says in messages and texts, escapes taken away."""
    return " ".join(str(element.value).replace("\\", "") for kind in KINDS for element in at.get(kind))


def button(at, label: str):
    """The button with this label."""
    return next(one for one in at.button if one.label == label)


def field(at, kind: str, label: str):
    """The input of this kind with this label."""
    return next(one for one in at.get(kind) if one.label == label)


def person(place: Place, name: str) -> sessions.Person:
    """Somebody with today's roles."""
    found = sessions.person_named(place.store, name)
    assert found is not None
    return found
