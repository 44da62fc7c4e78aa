"""A ranking by pointer: letters that are dragged into an order, onto each other for a tie.

The rows of places below it stay what keys, screen readers and single clicks use; the board only sets them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import streamlit as st

from app.services.desk import LETTERS
from app.ui.words import say

_ASSETS = files("app.ui") / "assets"
_BOARD = st.components.v2.component(
    "steelyard_board",
    html='<div class="board" aria-hidden="true"></div>',
    css=(_ASSETS / "board.css").read_text(encoding="utf-8"),
    js=(_ASSETS / "board.js").read_text(encoding="utf-8"),
)


def show_board(
    slots: Sequence[str],
    groups: Sequence[Sequence[str]],
    key: str,
    on_order: Callable[[list[list[str]]], None],
    *,
    allows_tie: bool,
) -> None:
    """The letters in their order so far; `on_order` gets the new one, best first, when something was dropped.

    Args:
        slots: the responses by their place on the screen.
        groups: the order so far, ties together; responses that are not in it wait beside the board.
        key: of the component.
        on_order: called before the page runs again.
        allows_tie: whether a letter may be dropped onto another.
    """
    data = {
        "groups": [list(group) for group in groups],
        "slots": list(slots),
        "letters": {slot: LETTERS[int(slot) - 1] for slot in slots},
        "ties": allows_tie,
        "words": {name: say(f"board-{name}") for name in ("best", "worst", "hint")},
    }

    def ordered() -> None:
        told: Any = st.session_state[key].get("order")
        order = checked_order(told, slots)
        if order is not None:
            on_order(order)

    _BOARD(key=key, data=data, on_order_change=ordered, width="stretch", height="content")


def checked_order(told: Any, slots: Sequence[str]) -> list[list[str]] | None:
    """What a browser tells of an order: groups of known slots, none twice and none empty; else None."""
    if not isinstance(told, list) or not all(isinstance(group, list) and group for group in told):
        return None
    named = [slot for group in told for slot in group]
    is_known = all(isinstance(slot, str) and slot in slots for slot in named)
    return told if is_known and len(set(named)) == len(named) else None
