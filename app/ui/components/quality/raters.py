"""Raters side by side, and one rater's card. Private to designers and researchers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.stats.words import counted
from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
from app.ui.components.quality.card import MEASURES, measure_words, show_card
from app.ui.components.quality.drift import show_drift

Document = Mapping[str, Any]

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
    chosen = st.selectbox("Measure", known, format_func=measure_words, key="rater-measure", width=420)
    rows = [estimate_row({"Rater": card["rater"], "Kind": card["kind"]}, card[chosen]) for card in cards]
    rows.sort(key=lambda row: (row["Value"] is None, row["Value"] or 0.0))
    table = estimates(rows)
    more = f" The {SHOWN} lowest of {len(cards):,} are drawn." if len(cards) > SHOWN else ""
    reading = document["reading"] + more
    reference = REFERENCES.get(chosen)
    show_intervals(
        table,
        reading=reading,
        key="raters",
        name="Rater",
        title=measure_words(chosen),
        domain=(0, 1),
        reference=reference,
    )
    show_drift(cards)
    _show_card(cards)


def _show_card(cards: list[Document]) -> None:
    """Everything that is known of one rater."""
    st.subheader("Rater card", anchor=False)
    st.caption("Private to designers and researchers. A rater sees only their own.")
    show_card(st.selectbox("Rater", cards, format_func=_title, key="rater-card", width=420))


def _title(card: Document) -> str:
    signs = card.get("signs") or ()
    mark = f" · {len(signs)} sign{'s' if len(signs) > 1 else ''}" if signs else ""
    return f"{card['rater']} · {card['kind']} · {counted(card['n_votes'], 'vote')}{mark}"
