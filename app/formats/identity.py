"""Identities that a file leaves out: an id of a comparison from its content, ids of completions from their texts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from string import ascii_lowercase

from app.domain import Completion, Message
from app.formats.base import Refusal
from rubrics.answers import RESERVED_PREFERENCES

MAX_COMPLETIONS = len(ascii_lowercase)
"""Completions of one comparison: a to z."""

_COMPLETION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _digest(parts: object) -> str:
    plain = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


def content_id(prompt: Sequence[Message], completions: Iterable[Completion]) -> str:
    """The id of a comparison that has none: `h-` and 20 hexadecimal digits of the SHA-256 of its content.

    The content is the prompt, the completion ids and their texts; models and meta do not count.
    """
    texts = [(completion.id, completion.text) for completion in completions]
    return "h-" + _digest([[(message.role, message.content) for message in prompt], texts])[:20]


def hash_order(prompt: Sequence[Message], texts: Sequence[str]) -> list[int]:
    """Positions of the texts in the order of their hashes.

    The first becomes `a`, the second `b`, and so on. The prompt is part of what is hashed, so a sentence that one
    model always says is not always `a`. Equal texts stay in the order of the file, where nothing tells them apart.
    """
    turns = [(message.role, message.content) for message in prompt]
    return sorted(range(len(texts)), key=lambda position: _digest([turns, texts[position]]))


def letters(n_completions: int) -> str:
    """The ids a, b, c ... for so many completions.

    Raises:
        Refusal: fewer than 2 or more than 26.
    """
    refuse_wrong_number(n_completions)
    return ascii_lowercase[:n_completions]


def refuse_wrong_number(n_completions: int) -> None:
    """Refuse a comparison that has nothing to compare, or more than a to z.

    Raises:
        Refusal: fewer than 2 completions or more than 26.
    """
    if n_completions < 2:
        raise Refusal("completions", f"has {n_completions}; a comparison takes at least 2")
    if n_completions > MAX_COMPLETIONS:
        raise Refusal("completions", f"has {n_completions}; at most {MAX_COMPLETIONS}")


def completion_id(value: object, field: str) -> str:
    """The id of a completion as a file gives it.

    Raises:
        Refusal: not text, reserved (`tie` and the like), or with characters that an id cannot have.
    """
    if type(value) is not str or not _COMPLETION_ID.fullmatch(value):
        reason = f"{value!r:.80} cannot be the id of a completion; use letters and digits, such as a, b, c"
        raise Refusal(field, reason)
    if value in RESERVED_PREFERENCES:
        raise Refusal(field, f"{value!r} is reserved for answers; use letters and digits, such as a, b, c")
    return value
