"""Raters side by side, and one rater's card. Private to designers and researchers."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
from app.ui.components.reports import in_words, n_of
from app.ui.components.text import escape

Document = Mapping[str, Any]

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

SHOWN = 40
"""A picture of more raters would be a carpet; the table has them all."""

REFERENCES = {"first_shown_wins": 0.5, "gold_accuracy": 0.7, "recent_gold_accuracy": 0.7}


def show_raters(document: Document) -> None:
    """The section."""
    cards = document["raters"]
    known = [key for key in MEASURES if any(card.get(key, {}).get("value") is not None for card in cards)]
    if not known:
        st.text("No measure is defined yet: raters need votes in common, or gold among their comparisons.")
        return
    chosen = st.selectbox("Measure", known, format_func=MEASURES.__getitem__, key="rater-measure", width=420)
    rows = [estimate_row({"Rater": card["rater"], "Kind": card["kind"]}, card[chosen]) for card in cards]
    rows.sort(key=lambda row: (row["Value"] is None, row["Value"] or 0.0))
    table = estimates(rows)
    more = f" The {SHOWN} lowest of {len(cards):,} are drawn." if len(cards) > SHOWN else ""
    reading = document["reading"] + more
    reference = REFERENCES.get(chosen)
    show_intervals(
        table, reading=reading, key="raters", name="Rater", title=MEASURES[chosen], domain=(0, 1), reference=reference
    )
    _show_card(cards)


def _show_card(cards: list[Document]) -> None:
    """Everything that is known of one rater."""
    st.subheader("Rater card", anchor=False)
    st.caption("Private to designers and researchers. A rater sees only their own.")
    card = st.selectbox("Rater", cards, format_func=_title, key="rater-card", width=420)
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


def _title(card: Document) -> str:
    signs = card.get("signs") or ()
    mark = f" · {len(signs)} sign{'s' if len(signs) > 1 else ''}" if signs else ""
    return f"{card['rater']} · {card['kind']} · {card['n_votes']:,} votes{mark}"


def _further(card: Document) -> Iterator[str]:
    """What is no share: pace, drift, confidence, leanings, runs, fatigue."""
    pace = card.get("pace") or {}
    if pace.get("median_seconds") is not None:
        relative = pace.get("relative")
        beside = f", {relative:.2f} times the others' time on the same" if relative is not None else ""
        fast = f"{pace['n_below_floor']} of {pace['n']} too fast to read"
        yield f"Pace: {pace['median_seconds']:.0f} s (median){beside}; {fast}"
    drift = card.get("drift") or {}
    if drift.get("state") is not None:
        yield f"Drift on gold (CUSUM): {drift['state']} after {drift['n']} answers, level {drift['level']:.2f}"
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
