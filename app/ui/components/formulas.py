"""Formulas in texts: LaTeX between dollars or LaTeX's own brackets, as MathML.

The page gets the LaTeX as it was written, with the MathML in a data attribute: Streamlit's sanitiser lets only HTML
through, so `assets/formulas.js` puts the MathML in place, element by element from a list of allowed ones. Without the
script, and where the LaTeX is broken, people read the LaTeX.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import streamlit as st
from latex2mathml import exceptions
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

LONGEST = 2000
"""A longer formula is shown as it was written."""

_FORMULAS = (
    (re.compile(r"\$\$(?P<latex>[^$]+?)\$\$"), "block"),
    (re.compile(r"\$(?!\s)(?P<latex>[^$\n]*?[^$\s\\])\$(?!\d)"), "inline"),
    (re.compile(r"\\\[(?P<latex>.+?)\\\]", re.DOTALL), "block"),
    (re.compile(r"\\\((?P<latex>.+?)\\\)", re.DOTALL), "inline"),
)
_BROKEN = (
    *(found for found in vars(exceptions).values() if isinstance(found, type) and issubclass(found, Exception)),
    *(StopIteration, IndexError, KeyError, ValueError, RecursionError),
)
"""What the converter raises on broken LaTeX: its own classes, and what it does not catch (found by trying)."""

_SCRIPT = (files("app.ui") / "assets" / "formulas.js").read_text(encoding="utf-8")
_SETTER = st.components.v2.component("steelyard_formulas", html="<span hidden></span>", js=_SCRIPT)


def set_formulas(markdown: MarkdownIt) -> None:
    """Let a Markdown parser find formulas."""
    markdown.inline.ruler.before("escape", "formula", _find)
    markdown.add_render_rule("formula", _render)


def put_formulas_in_place() -> None:
    """Mount the script that puts the MathML on the page; once per run, where formulas may be."""
    _SETTER(key="steelyard-formulas", width="content", height="content")


@lru_cache(maxsize=4096)
def mathml(latex: str, display: str) -> str | None:
    """MathML of a formula; None where the LaTeX cannot be read or is longer than `LONGEST`."""
    if len(latex) > LONGEST or not _is_balanced(latex):
        return None
    try:
        return convert(latex, display=display)
    except _BROKEN:
        return None


def _is_balanced(latex: str) -> bool:
    """Whether every brace is closed: the converter drops what stands before one that is not."""
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", latex):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def _find(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "$\\":
        return False
    for pattern, display in _FORMULAS:
        match = pattern.match(state.src, state.pos, state.posMax)
        made = match and mathml(match["latex"].strip(), display)
        if match is None or made is None:
            continue
        if not silent:
            token = state.push("formula", "", 0)
            token.content, token.meta = match[0], {"mathml": made, "display": display}
        state.pos = match.end()
        return True
    return False


def _render(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _environment: Mapping[str, Any]
) -> str:
    token = tokens[index]
    made, display = html.escape(token.meta["mathml"], quote=True), token.meta["display"]
    return f'<span class="sy-math" data-display="{display}" data-mathml="{made}">{html.escape(token.content)}</span>'
