"""Single keys for the rating form: a component without a frame of its own, and the list of keys."""

from __future__ import annotations

import html
from dataclasses import replace
from importlib.resources import files

import streamlit as st

from app.services.preferences import set_preferences
from app.services.sessions import Person
from app.ui.session import get_person, get_store
from app.ui.words import say

_SCRIPT = (files("app.ui") / "assets" / "keyboard.js").read_text(encoding="utf-8")
_KEYS = st.components.v2.component("steelyard_keyboard", html="<span hidden></span>", js=_SCRIPT)

_CHANGED = "single-keys-changed"

LIST = (
    ("1 … 9", "key-answer"),
    ("0", "key-cannot"),
    ("x", "key-outside"),
    ("j k", "key-rows"),
    ("l h", "key-sentence"),
    ("Shift+l", "key-extend"),
    ("g", "key-response"),
    ("q", "key-quote"),
    ("e", "key-mark"),
    ("n", "key-note"),
    ("t", "key-tension"),
    ("d w u", "key-view"),
    ("s m", "key-skip"),
    ("?", "key-help"),
    ("Ctrl+Enter", "key-submit"),
)
"""Every key with its meaning; keys that are pressed together have a plus between them."""


def listen(item: int, *, is_on: bool) -> None:
    """Listen for keys; a new item starts at the first row, and at the top of the page.

    Args:
        item: the assignment on the screen.
        is_on: whether single keys do something.
    """
    _KEYS(key="steelyard-keyboard", data={"item": item, "on": is_on}, width="content", height="content")


def open_keys(person: Person) -> None:
    """The list of keys over the page, with the switch for single ones."""
    st.dialog(say("keys"))(_show_keys)(person)


def show_single_keys(person: Person) -> None:
    """The switch for single keys; it holds in every browser."""
    st.session_state.setdefault("single-keys", person.account.preferences.single_keys)
    st.toggle(
        say("single-keys"), key="single-keys", help=say("single-keys-help"), on_change=_keep, persist_state="session"
    )


def _show_keys(person: Person) -> None:
    show_single_keys(person)
    if st.session_state.pop(_CHANGED, False):
        st.rerun()  # a dialog is a fragment: the page behind it has to learn of the switch
    rows = "".join(f"<tr><td>{_keys(keys)}</td><td>{html.escape(say(meaning))}</td></tr>" for keys, meaning in LIST)
    st.html(f'<table class="sy-keys">{rows}</table>')


def _keys(keys: str) -> str:
    return " ".join("+".join(f"<kbd>{html.escape(one)}</kbd>" for one in key.split("+")) for key in keys.split(" "))


def _keep() -> None:
    person = get_person()
    wanted = replace(person.account.preferences, single_keys=st.session_state["single-keys"])
    set_preferences(get_store(), person, wanted)
    st.session_state[_CHANGED] = True
