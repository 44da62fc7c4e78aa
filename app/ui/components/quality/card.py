"""One rater's card: shares with their intervals, how gold answers went over time, and what is no share.

Designers see every card, a rater only their own (`show_own_card`).
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from app.ui.components.explain import explain_with
from app.ui.components.quality.drift import show_own_drift
from app.ui.components.reports import in_words, n_of
from app.ui.components.text import escape
from app.ui.words import say

Card = Mapping[str, Any]

MEASURES = (
    "agreement_with_others",
    "gold_accuracy",
    "recent_gold_accuracy",
    "self_consistency",
    "label_error_rate",
    "first_shown_wins",
    "tie_share",
    "missing_share",
    "duplicate_justifications",
)
"""Shares on a card."""


def measure_words(key: str) -> str:
    """A share in words: in English those of the command line."""
    return say(f"card-{key}")


def show_card(card: Card) -> None:
    """Everything that is known of one rater."""
    if card.get("signs"):
        st.html(f'<div class="sy-signs">{"".join(f"<span>{html.escape(sign)}</span>" for sign in card["signs"])}</div>')
    rows = [
        {say("measure"): measure_words(key), say("value"): in_words(card[key]), "n": n_of(card[key])}
        for key in MEASURES
        if key in card
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height="content")
    lines = list(further_lines(card))
    if lines:
        st.markdown("\n".join(f"- {escape(line)}" for line in lines))


def show_own_card(card: Card) -> None:
    """A rater's own card, with its explanation."""
    explain_with(say("own-card"), key="own card")
    show_card(card)
    show_own_drift(card)


def further_lines(card: Card) -> Iterator[str]:
    """What is no share: pace, drift, confidence, leanings, runs, fatigue."""
    pace = card.get("pace") or {}
    if pace.get("median_seconds") is not None:
        relative = pace.get("relative")
        beside = "" if relative is None else say("pace-beside", relative=relative)
        yield say("pace", seconds=pace["median_seconds"], beside=beside, n_fast=pace["n_below_floor"], n=pace["n"])
    drift = card.get("drift") or {}
    if drift.get("state") is not None:
        yield say("drift", state=say(f"state-{drift['state']}"), level=drift["level"], n=drift["n"])
    confidence = card.get("confidence") or {}
    if confidence.get("bias") is not None:
        how = "overconfident" if confidence["bias"] > 0 else "underconfident"
        yield say(how, bias=abs(confidence["bias"]), n=confidence["n"])
    if card.get("extremity") is not None:
        how = "stronger-words" if card["extremity"] > 0 else "weaker-words"
        yield say(how, by=abs(card["extremity"]), n=card["n_beside_others"])
    runs = card.get("side_runs") or {}
    if runs.get("p_value") is not None:
        yield say("side-run", longest=runs["longest"], n=runs["n"], p=runs["p_value"])
    fatigue = card.get("fatigue") or {}
    if fatigue.get("p_value") is not None:
        yield say("tiring-rises" if fatigue["z"] > 0 else "tiring-falls", z=fatigue["z"], p=fatigue["p_value"])
