"""Texts of models and people, literally: nothing in them runs, is fetched, or is rewritten.

`show_text` renders CommonMark on our side (no HTML, no directives, images as words, links only to the web and mail).
Formulas are set where the caller says so, which is where the campaign does; elsewhere a dollar is a dollar.
`escape` is for Streamlit's labels and messages, which are Markdown of Streamlit's own kind.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import streamlit as st
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from app.ui.components.formulas import set_formulas

_KANA, _HANGUL, _HAN = map(
    re.compile, ("[\u3040-\u30ff]", "[\u1100-\u11ff\uac00-\ud7af]", "[\u3400-\u4dbf\u4e00-\u9fff]")
)
_LINK = re.compile(r"(https?|mailto):", re.IGNORECASE)
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|$<>~:&=^\"'])")


def show_text(text: str, *, raw: bool = False, math: bool = False) -> None:
    """A text as its author laid it out; `raw` shows every character instead."""
    if not text.strip():
        st.html('<div class="sy-md sy-none">(empty)</div>')
    else:
        st.html(raw_html(text) if raw else text_html(text, math=math))


@lru_cache(maxsize=4096)
def text_html(text: str, *, math: bool = False) -> str:
    """Safe HTML of a Markdown text; every block finds its own direction, so that right-to-left scripts flow."""
    return f'<div class="sy-md" dir="auto"{_lang(text)}>{_markdown(math=math).render(text)}</div>'


def raw_html(text: str) -> str:
    """Every character as it is."""
    return f'<div class="sy-raw" dir="auto"{_lang(text)}>{html.escape(text)}</div>'


def language_of(text: str) -> str:
    """The language of which the script of a text tells: ja, ko or zh; empty where it tells of none.

    Browsers need it to choose among glyphs that share a code point and to break lines, screen readers to speak. Two
    thirds of the letters may be of other scripts; kana tell Japanese from Chinese.
    """
    kana, hangul, han = (len(script.findall(text)) for script in (_KANA, _HANGUL, _HAN))
    if 3 * (kana + hangul + han) < max(1, sum(map(str.isalpha, text))):
        return ""
    if hangul > kana + han:
        return "ko"
    return "ja" if 10 * kana > han else "zh"


def _lang(text: str) -> str:
    language = language_of(text)
    return f' lang="{language}"' if language else ""


@lru_cache(maxsize=4096)
def escape(text: str) -> str:
    """Text for a label, a message or a caption of Streamlit: shown as written, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def escape_html(text: str) -> str:
    """Text for `st.html`, on one line."""
    return html.escape(" ".join(text.split()))


def excerpt(text: str, n_characters: int = 90) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= n_characters else line[: n_characters - 1].rstrip() + "…"


@cache
def _markdown(*, math: bool) -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    markdown.enable(["table", "strikethrough"])
    markdown.core.ruler.push("direction", _find_directions)
    if math:
        set_formulas(markdown)
    markdown.validateLink = lambda url: bool(_LINK.match(url.strip()))  # type: ignore[method-assign]
    markdown.add_render_rule("image", _image)
    markdown.add_render_rule("link_open", _link_open)
    return markdown


def _find_directions(state: StateCore) -> None:
    """Every paragraph, heading, item and cell takes the direction of its own first letter."""
    for token in state.tokens:
        if token.type in _DIRECTED:
            token.attrSet("dir", "auto")


_BLOCKS = ("paragraph", "heading", "bullet_list", "ordered_list", "blockquote", "table", "th", "td")
_DIRECTED = frozenset(f"{name}_open" for name in _BLOCKS)


def _image(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _environment: Mapping[str, Any]
) -> str:
    token = tokens[index]
    source = html.escape(str(token.attrs.get("src", "")))
    return f'<span class="sy-image">[image: {html.escape(token.content)} {source}]</span>'


def _link_open(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _environment: Mapping[str, Any]
) -> str:
    href = html.escape(str(tokens[index].attrs.get("href", "")), quote=True)
    return f'<a href="{href}" title="{href}" target="_blank" rel="noopener noreferrer nofollow">'
