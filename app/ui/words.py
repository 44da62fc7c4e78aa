"""What the rater's pages say, in the language of the person who looks: chosen under Account, else the browser's."""

from __future__ import annotations

import streamlit as st

from app.catalogue import say_in, spoken
from app.domain import Preferences

_CHOSEN = "language"


def choose_language(preferences: Preferences) -> str:
    """Settle the language of this run of the page; returns its code."""
    language = spoken([preferences.language, st.context.locale])
    st.session_state[_CHOSEN] = language
    return language


def say(key: str, **values: object) -> str:
    """`say_in` the language of the page."""
    return say_in(st.session_state.get(_CHOSEN, "en"), key, **values)
