"""Two texts line by line: what one has and the other has not."""

from __future__ import annotations

import difflib
import html

import streamlit as st

LEFT_OUT = "\u2026"


def show_line_difference(before: str, after: str) -> None:
    """The lines that came and went, with two lines around them."""
    st.html(f'<div class="sy-paper"><pre class="sy-lines">{line_difference(before, after)}</pre></div>')


def line_difference(before: str, after: str) -> str:
    """The lines that differ as HTML, with two lines around them and dots for what is left out between.

    Removed lines are `<del>`, new ones `<ins>`.
    """
    old, new = before.splitlines(), after.splitlines()
    shown = []
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(2):
        if group[0][1]:
            shown.append(LEFT_OUT)
        for what, i, j, k, n in group:
            if what == "equal":
                shown += [html.escape(line, quote=False) for line in old[i:j]]
                continue
            shown += [f"<del>{html.escape(line, quote=False)}</del>" for line in old[i:j]]
            shown += [f"<ins>{html.escape(line, quote=False)}</ins>" for line in new[k:n]]
    if shown and group[-1][2] < len(old):
        shown.append(LEFT_OUT)
    return "\n".join(shown)
