"""The few rules of style that the theme cannot say: one small sheet, the same on every page."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import streamlit as st


def apply_style() -> None:
    """Put the sheet on the page."""
    st.html(_sheet())


@cache
def _sheet() -> str:
    return f"<style>{(files('app.ui') / 'assets' / 'steelyard.css').read_text(encoding='utf-8')}</style>"
