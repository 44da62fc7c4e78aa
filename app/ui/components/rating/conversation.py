"""What is judged: the conversation, then the responses side by side, all of it literal."""

from __future__ import annotations

import html

import streamlit as st

from app.domain import Message
from app.ui.components.rating.answer_widgets import letter
from app.ui.components.text import raw_html, show_text, text_html

ROLE_NAMES = {"system": "System prompt", "user": "User", "assistant": "Assistant", "tool": "Tool"}

FOLD_ABOVE = 6
"""A conversation of more turns shows its last ones; the earlier ones unfold."""

KEPT = 3


def show_conversation(prompt: tuple[Message, ...], *, raw: bool = False) -> None:
    """Every turn up to the response that is judged, in one block."""
    earlier, recent = (prompt[:-KEPT], prompt[-KEPT:]) if len(prompt) > FOLD_ABOVE else ((), prompt)
    folded = ""
    if earlier:
        turns = "".join(_turn(turn, raw=raw) for turn in earlier)
        folded = f'<details class="sy-earlier"><summary>{len(earlier)} earlier turns</summary>{turns}</details>'
    st.html(f'<section class="sy-turns">{folded}{"".join(_turn(turn, raw=raw) for turn in recent)}</section>')


def show_responses(responses: tuple[str, ...], *, key: str, raw: bool = False) -> None:
    """The responses, called A, B, C by their place; up to three side by side, of equal height."""
    per_row = 2 if len(responses) in (2, 4) else 3
    for start in range(0, len(responses), per_row):
        row = responses[start : start + per_row]
        for place, (column, text) in enumerate(zip(st.columns(per_row, border=True), row, strict=False), start + 1):
            name = letter(str(place))
            with column, st.container(key=f"response-{name}-{key}", gap="small"):
                st.html(f'<h3 class="sy-response sy-{name}">Response {name}</h3>')
                show_text(text, raw=raw)


def _turn(turn: Message, *, raw: bool) -> str:
    role = html.escape(ROLE_NAMES.get(turn.role, turn.role))
    body = raw_html(turn.content) if raw else text_html(turn.content)
    return f'<div class="sy-turn sy-turn-{html.escape(turn.role)}"><div class="sy-role">{role}</div>{body}</div>'
