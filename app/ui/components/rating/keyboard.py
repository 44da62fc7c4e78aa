"""Single keys for the rating form, and the commit of a text after a pause: a component without a frame of its own."""

from __future__ import annotations

from importlib.resources import files

import streamlit as st

_SCRIPT = (files("app.ui") / "assets" / "keyboard.js").read_text(encoding="utf-8")
_KEYS = st.components.v2.component("steelyard_keyboard", html="<span hidden></span>", js=_SCRIPT)


def listen(item: int, *, is_on: bool) -> None:
    """Listen for keys; a new item starts at the first row, and at the top of the page.

    Args:
        item: the assignment on the screen.
        is_on: whether single keys do something; texts are committed either way.
    """
    _KEYS(key="steelyard-keyboard", data={"item": item, "on": is_on}, width="content", height="content")
