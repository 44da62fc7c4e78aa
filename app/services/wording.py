"""What people write for others to read (a reason, an answer, an appeal): something is said, and it can be kept."""

from __future__ import annotations

from app.errors import InvalidInput
from app.formats.base import Refusal
from app.formats.lines import refuse_unstorable

MAX_LENGTH = 4_000
"""The longest question, answer or reason, in characters."""


def said(text: str, field: str, *, remedy: str) -> str:
    """A text without the white space around it.

    Args:
        text: what somebody wrote.
        field: what it is, for the error.
        remedy: what to say where it says nothing.

    Raises:
        InvalidInput: it says nothing, is too long, or has a character that no database stores.
    """
    if not text.strip():
        raise InvalidInput(remedy)
    check_text(text, field)
    return text.strip()


def check_text(text: str, field: str) -> None:
    """Refuse a text that cannot be kept.

    Raises:
        InvalidInput: it is too long, or has a character that no database stores.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInput(f"The {field} has {len(text):,} characters: keep it under {MAX_LENGTH:,}.")
    try:
        refuse_unstorable(text, field)
    except Refusal as refusal:
        raise InvalidInput(f"The {field} cannot be kept: {refusal.reason}.") from refusal
