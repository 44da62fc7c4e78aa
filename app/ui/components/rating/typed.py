"""Typed text: sent to the server while one types, kept in the tab until it is there, offered back after a cut."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import streamlit as st

from app.ui.components.rating.form_state import Form, called
from app.ui.session import find_person
from app.ui.words import say

CLOSED = "rate-closed"
"""Where a page notes the assignments that this session handed in or gave back."""

_ASSETS = files("app.ui") / "assets"
_TYPED = st.components.v2.component(
    "steelyard_typed",
    html='<p class="state" role="status"></p><div class="offers"></div>',
    css=(_ASSETS / "typed.css").read_text(encoding="utf-8"),
    js=(_ASSETS / "typed.js").read_text(encoding="utf-8"),
)
_WORDS = ("saved", "unsaved", "kept-here", "kept-elsewhere", "put-back", "copy", "let-go")


def keep_typing(form: Form) -> None:
    """Mount the script; `saved` tells it what the server has, so that it keeps nothing longer than needed."""
    person = find_person()
    data = {
        "who": person.name if person else "",
        "item": form.desk.assignment.id,
        "prefix": form.key(""),
        "saved": [called(form, text) for text in _texts(form.draft)],
        "closed": st.session_state.get(CLOSED, []),
        "words": {key: say(key) for key in _WORDS},
    }
    _TYPED(key=f"steelyard-typed-{form.prefix}", data=data, width="stretch", height="content")


def close(form: Form) -> None:
    """Note that nothing more is to be kept of an assignment in the tab: it was handed in or given back."""
    st.session_state[CLOSED] = [*st.session_state.get(CLOSED, [])[-20:], form.desk.assignment.id]


def _texts(draft: Mapping[str, Any]) -> list[str]:
    """Every text of a draft, in no order that matters."""
    texts = [draft.get("justification", "")]
    texts += [tension["why"] for tension in draft.get("tensions", ())]
    texts += [span["note"] for span in draft.get("error_spans", ())]
    return [text for text in texts if text]
