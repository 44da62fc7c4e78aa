"""The catalogue speaks every language, key by key; no text is missing, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
import streamlit as st

import app
from app.catalogue import CATALOGUE, LANGUAGES
from app.domain import Decision, Preferences, RaterState
from app.ui.components.quality.card import MEASURES, further_lines, measure_words
from app.ui.words import choose_language, say

SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for part in ("ui", "web")
    for path in (Path(app.__file__).parent / part).rglob("*.py")
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
    said = set(re.findall(r"say\((?:request, )?\s*\"([^\"]+)\"", SOURCES))
    assert said <= CATALOGUE.keys()
    built = tuple(re.findall(r"f['\"]([a-z]+-)\{", SOURCES))
    ended = tuple(re.findall(r"say\(f['\"]\{[a-z_.]+\}(-[a-z]+)['\"]", SOURCES))
    named = {key for key in CATALOGUE if re.search(f"['\"]{key}['\"]", SOURCES)}
    helps = {f"{key}-help" for key in named}  # every switch of the bar has its help under such a key
    unused = [key for key in CATALOGUE if key not in named | helps and not key.startswith(built)]
    unused = [key for key in unused if not key.endswith(ended)]
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


CARD = {
    "pace": {"median_seconds": 31.4, "relative": 0.5, "n_below_floor": 2, "n": 9},
    "drift": {"state": "warn", "level": 3.7, "n": 12},
    "confidence": {"bias": -0.125, "n": 30},
    "extremity": 0.25,
    "n_beside_others": 40,
    "side_runs": {"longest": 7, "n": 20, "p_value": 0.031},
    "fatigue": {"z": 2.1, "p_value": 0.04},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_a_card_is_said_in_every_language(monkeypatch, language):
    monkeypatch.setattr(st, "session_state", {"language": language})
    lines = list(further_lines(CARD))
    assert len(lines) == 6
    assert [measure_words(key) for key in MEASURES] == [
        CATALOGUE[f"card-{key}"][list(LANGUAGES).index(language)] for key in MEASURES
    ]
    text = " ".join(lines)
    for number in ("31 s", "0.50", "2 ", "3.70", "0.12", "30", "0.25", "40", "7", "0.03", "2.1", "0.04"):
        assert number in text
    assert ("Sitzung" in text) is (language == "de")


@pytest.mark.parametrize("word", [*RaterState])
def test_every_state_of_an_account_has_its_words(word):
    assert {f"stands-{word.value}", f"account-{word.value}"} <= CATALOGUE.keys()


@pytest.mark.parametrize("word", [*Decision])
def test_every_decision_has_its_words(word):
    assert f"decision-{word.value}" in CATALOGUE
