"""What is judged: the conversation, what it builds on, then the responses side by side, all of it literal."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.domain import Message
from app.services.showing import Material
from app.ui.components.formulas import put_formulas_in_place
from app.ui.components.rating.answer_widgets import letter
from app.ui.components.rating.differences import differences
from app.ui.components.text import excerpt, raw_html, text_html
from app.ui.words import say

FOLD_ABOVE = 6
"""A conversation of more turns shows its last ones; the earlier ones unfold."""

KEPT = 3

LONG_CHARACTERS, LONG_LINES = 4000, 60
"""A response with more of either is cut on the screen until it is unfolded."""

SHORT_CHARACTERS = 600
"""A system prompt or a source document that is longer starts folded."""


@dataclass(frozen=True)
class View:
    """How texts are shown.

    Attributes:
        raw: every character as it was written, instead of Markdown.
        differences: words that only one of two responses has are marked.
        unfolded: long responses are shown whole.
        math: formulas are set.
    """

    raw: bool = False
    differences: bool = False
    unfolded: bool = False
    math: bool = False


def show_conversation(prompt: tuple[Message, ...], *, view: View = View(), material: Material | None = None) -> None:
    """Every turn up to the response that is judged, and what the prompt builds on, in one block."""
    earlier, recent = (prompt[:-KEPT], prompt[-KEPT:]) if len(prompt) > FOLD_ABOVE else ((), prompt)
    folded = ""
    if earlier:
        turns = "".join(_turn(turn, view) for turn in earlier)
        named = html.escape(say("earlier-turns", n=len(earlier)))
        folded = f'<details class="sy-earlier"><summary>{named}</summary>{turns}</details>'
    st.html(f'<section class="sy-turns">{folded}{"".join(_turn(turn, view) for turn in recent)}</section>')
    if material:
        st.html(_material(material, view))
    if view.math:
        put_formulas_in_place()


def show_responses(responses: tuple[str, ...], *, key: str, view: View = View()) -> None:
    """The responses, called A, B, C by their place; up to three side by side, of equal height."""
    per_row = 2 if len(responses) in (2, 4) else 3
    shown = _bodies(responses, view)
    for start in range(0, len(responses), per_row):
        row = range(start, min(start + per_row, len(responses)))
        for place, column in zip(row, st.columns(per_row, border=True), strict=False):
            name = letter(str(place + 1))
            with column, st.container(key=f"response-{name}-{key}", gap="small"):
                title = html.escape(say("response", letter=name))
                st.html(f'<h3 class="sy-response sy-{name}">{title}</h3>')
                st.html(_passage(responses[place], shown[place], slot=place + 1, view=view))


def has_long(responses: Sequence[str]) -> bool:
    """Whether some response is long enough to be cut on the screen."""
    return any(map(_is_long, responses))


def are_related(responses: Sequence[str]) -> bool:
    """Whether the responses are two that have enough words in common to show their differences."""
    return len(responses) == 2 and differences(*responses) is not None


def _bodies(responses: tuple[str, ...], view: View) -> list[str]:
    if view.differences and len(responses) == 2:
        marked = differences(*responses)
        if marked is not None:
            return list(marked)
    return [_body(text, view) for text in responses]


def _body(text: str, view: View) -> str:
    return raw_html(text) if view.raw else text_html(text, math=view.math)


def _passage(text: str, body: str, *, slot: int, view: View) -> str:
    """A response as `assets/passages.js` finds it: by its slot."""
    if not text.strip():
        return f'<div class="sy-md sy-none">{html.escape(say("empty-text"))}</div>'
    if not _is_long(text) or view.unfolded:
        return f'<div class="sy-passage" data-slot="{slot}">{body}</div>'
    goes_on = html.escape(say("folded", n=f"{len(text):,}"))
    return f'<div class="sy-passage sy-folded" data-slot="{slot}">{body}</div><p class="sy-goes-on">{goes_on}</p>'


def _is_long(text: str) -> bool:
    return len(text) > LONG_CHARACTERS or text.count("\n") > LONG_LINES


def _turn(turn: Message, view: View) -> str:
    key = f"role-{turn.role}"
    role, body = html.escape(say(key) if turn.role in _ROLES else turn.role), _body(turn.content, view)
    kind = html.escape(turn.role)
    if turn.role == "system" and len(turn.content) > SHORT_CHARACTERS:
        return f'<div class="sy-turn sy-turn-{kind}">{_fold(role, turn.content, body)}</div>'
    return f'<div class="sy-turn sy-turn-{kind}"><div class="sy-role">{role}</div>{body}</div>'


_ROLES = ("system", "user", "assistant", "tool")


def _fold(title: str, text: str, body: str) -> str:
    begins = html.escape(excerpt(text, 110))
    return f'<details><summary><span class="sy-role">{title}</span> <q>{begins}</q></summary>{body}</details>'


def _material(material: Material, view: View) -> str:
    parts = []
    if material.constraints:
        items = "".join(f"<li>{_body(one, view)}</li>" for one in material.constraints)
        parts.append(f'<div class="sy-role">{html.escape(say("constraints"))}</div><ul>{items}</ul>')
    for title, text in material.documents:
        name, body = html.escape(title or say("source-document")), _body(text, view)
        if len(text) > SHORT_CHARACTERS:
            parts.append(_fold(name, text, body))
        else:
            parts.append(f'<div class="sy-role">{name}</div>{body}')
    label = html.escape(say("material"), quote=True)
    return f'<aside class="sy-material" aria-label="{label}">{"".join(parts)}</aside>'
