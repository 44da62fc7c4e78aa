"""The sheet of the designer's pages: rubrics, votes side by side, differences."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import streamlit as st


def apply_designer_style() -> None:
    """Put the sheet on the page."""
    st.html(_sheet())


@cache
def _sheet() -> str:
    sheet = (files("app.ui") / "assets" / "designer.css").read_text(encoding="utf-8")
    return f"<style>{sheet}{''.join(_scale_rules())}</style>"


def _scale_rules() -> Iterator[str]:
    """On the adjudicator's scale, too, the chosen button has the colour of the response that it favours."""
    for bound in range(1, 6):
        for tied, after in (("t", bound + 2), ("n", bound + 1)):
            chosen = f'.st-key-case [class*="st-key-scale-{bound}{tied}-"] [role="radio"][aria-checked="true"]'
            right = f":nth-child(n+{after}):nth-child(-n+{after + bound - 1})"
            for places, colour in ((f":nth-child(-n+{bound})", "--sy-a"), (right, "--sy-b")):
                yield f"{chosen}{places}{{background:var({colour});border-color:var({colour});color:#fff!important}}"
