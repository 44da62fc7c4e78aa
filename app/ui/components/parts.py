"""The parts of a page as tabs of which only the open one is computed, kept in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st


def show_parts(parts: Mapping[str, Callable[[], None]], *, key: str) -> None:
    """Tabs; a reload and a link open the same one.

    Args:
        parts: title -> what shows it.
        key: the name in the address; unique among pages.
    """
    tabs = st.tabs(list(parts), key=key, on_change="rerun", bind="query-params")
    for tab, show in zip(tabs, parts.values(), strict=True):
        if tab.open:
            with tab:
                show()
