"""One rater's card: shares with their intervals, how gold answers went over time, and what is no share.

Designers see every card, a rater only their own (`show_own_card`).
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from app.stats.words import counted
from app.ui.components.explain import explain
from app.ui.components.quality.drift import show_own_drift
from app.ui.components.reports import in_words, n_of
from app.ui.components.text import escape

Card = Mapping[str, Any]

MEASURES = {
    "agreement_with_others": "agreement with others",
    "gold_accuracy": "gold accuracy",
    "recent_gold_accuracy": "gold accuracy, recent answers counting more",
    "self_consistency": "self-consistency on blind repeats",
    "label_error_rate": "label error rate",
    "first_shown_wins": "first shown wins",
    "tie_share": "ties",
    "missing_share": "cannot judge, or does not apply",
    "duplicate_justifications": "repeated justifications",
}
"""Shares on a card, in the words of the command line."""


def show_card(card: Card) -> None:
    """Everything that is known of one rater."""
    if card.get("signs"):
        st.html(f'<div class="sy-signs">{"".join(f"<span>{html.escape(sign)}</span>" for sign in card["signs"])}</div>')
    rows = [
        {"Measure": name, "Value": in_words(card[key]), "n": n_of(card[key])}
        for key, name in MEASURES.items()
        if key in card
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height="content")
    lines = list(_further(card))
    if lines:
        st.markdown("\n".join(f"- {escape(line)}" for line in lines))


def show_own_card(card: Card) -> None:
    """A rater's own card, with its explanation."""
    explain("own card")
    show_card(card)
    show_own_drift(card)


def _further(card: Card) -> Iterator[str]:
    """What is no share: pace, drift, confidence, leanings, runs, fatigue."""
    pace = card.get("pace") or {}
    if pace.get("median_seconds") is not None:
        relative = pace.get("relative")
        beside = f", {relative:.2f} times the others' time on the same" if relative is not None else ""
        fast = f"{pace['n_below_floor']} of {pace['n']} too fast to read"
        yield f"Pace: {pace['median_seconds']:.0f} s (median){beside}; {fast}"
    drift = card.get("drift") or {}
    if drift.get("state") is not None:
        n = counted(drift["n"], "answer")
        yield f"Drift on gold (CUSUM): {drift['state']} after {n}, level {drift['level']:.2f}"
    confidence = card.get("confidence") or {}
    if confidence.get("bias") is not None:
        how = "overconfident" if confidence["bias"] > 0 else "underconfident"
        yield f"Confidence: {how} by {abs(confidence['bias']):.2f} on {confidence['n']} gold answers"
    if card.get("extremity") is not None:
        stronger = "stronger" if card["extremity"] > 0 else "weaker"
        others = card["n_beside_others"]
        yield f"Words: {stronger} than the others' by {abs(card['extremity']):.2f} of the scale ({others} shared votes)"
    runs = card.get("side_runs") or {}
    if runs.get("p_value") is not None:
        yield f"Longest run of one side: {runs['longest']} of {runs['n']} (p = {runs['p_value']:.2f})"
    fatigue = card.get("fatigue") or {}
    if fatigue.get("p_value") is not None:
        more = "rises" if fatigue["z"] > 0 else "falls"
        yield f"Within a sitting, disagreement {more} (z = {fatigue['z']:.1f}, p = {fatigue['p_value']:.2f})"
