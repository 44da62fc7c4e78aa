"""Where everybody arrives."""

from __future__ import annotations

from app.ui.components.page import page_header
from app.ui.session import get_person


def page() -> None:
    """The page."""
    person = get_person()
    page_header(f"Hello, {person.name}")
