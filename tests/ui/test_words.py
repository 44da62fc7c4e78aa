"""The catalogue speaks every language, key by key; no text is missing, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
import streamlit as st

import app.ui
from app.domain import Preferences
from app.ui.words import CATALOGUE, LANGUAGES, choose_language, say

SOURCES = "\n".join(
    path.read_text(encoding="utf-8") for path in Path(app.ui.__file__).parent.rglob("*.py") if path.name != "words.py"
)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_language_has_the_text_and_its_placeholders(key):
    texts = CATALOGUE[key]
    assert len(texts) == len(LANGUAGES)
    assert all(text.strip() for text in texts)
    assert len({frozenset(placeholders(text)) for text in texts}) == 1


def test_every_text_that_is_said_is_there_and_every_text_that_is_there_is_said():
    said = set(re.findall(r"say\(\s*\"([^\"]+)\"", SOURCES))
    assert said <= CATALOGUE.keys()
    built = tuple(re.findall(r"f['\"]([a-z]+-)\{", SOURCES))
    named = {key for key in CATALOGUE if re.search(f"['\"]{key}['\"]", SOURCES)}
    helps = {f"{key}-help" for key in named}  # every switch of the bar has its help under such a key
    unused = [key for key in CATALOGUE if key not in named | helps and not key.startswith(built)]
    assert unused == []


@pytest.mark.parametrize(
    ("chosen", "browser", "language"),
    [(None, "de-AT", "de"), (None, "fr-FR", "en"), (None, None, "en"), ("en", "de-DE", "en"), ("de", "en", "de")],
)
def test_the_chosen_language_wins_over_the_browsers(monkeypatch, chosen, browser, language):
    monkeypatch.setattr(st, "session_state", {})
    monkeypatch.setattr(type(st.context), "locale", browser)
    assert choose_language(Preferences(language=chosen)) == language
    assert say("submit") == {"en": "Submit", "de": "Absenden"}[language]
    assert "3" in say("today", n=3, time="1 min")
