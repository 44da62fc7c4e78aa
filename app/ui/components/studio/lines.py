"""Two texts line by line: what one has and the other has not."""

from __future__ import annotations

import difflib
import html

import streamlit as st


def show_line_difference(before: str, after: str) -> None:
    """The lines that came and went, with two lines around them."""
    st.html(f'<div class="sy-paper"><pre class="sy-lines">{line_difference(before, after)}</pre></div>')


def line_difference(before: str, after: str) -> str:
    """The lines that differ as HTML, with two lines around them; removed ones are `<del>`, new ones `<ins>`."""
    tags = {"+": "ins", "-": "del"}
    shown = []
    for line in list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]:
        text, tag = html.escape(line[1:], quote=False), tags.get(line[0])
        shown.append("\u2026" if line.startswith("@@") else f"<{tag}>{text}</{tag}>" if tag else text)
    return "\n".join(shown)
