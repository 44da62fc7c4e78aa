"""Decisions of the inbox, as they stand: what was raised, what was decided, and which version answers it."""

from __future__ import annotations

import streamlit as st

from app.services.inbox import InboxDecision, ItemKind, Outcome
from app.ui.components.text import escape_html, text_html
from app.ui.components.time import show_time

KINDS = {
    ItemKind.VALUE_CONFLICT: "Value conflict",
    ItemKind.UNDERSPECIFIED: "Left open by the rubric",
    ItemKind.QUESTION: "Question",
    ItemKind.REPORT: "Report",
    ItemKind.GOLD: "Suspect gold key",
    ItemKind.DRIFT: "Agreement drops",
}
OUTCOMES = {
    Outcome.CHANGE: "Change the rubric",
    Outcome.EXPLAIN: "Explain it to the raters",
    Outcome.FIX_KEY: "Correct or withdraw the gold key",
    Outcome.LEAVE: "Leave everything as it is",
}


def show_decision(one: InboxDecision) -> None:
    """One decision with the item that it settled."""
    answered = f" · answered by version {one.rubric_version[:12]}" if one.rubric_version else ""
    where = f" · {one.comparison_id}" if one.comparison_id else ""
    head = f"{KINDS[one.kind]}{where} · {one.by}, {show_time(one.at)}{answered}"
    st.html(
        f'<div class="sy-voice"><header><b>{escape_html(OUTCOMES[one.outcome])}</b>'
        f'<span class="sy-soft">{escape_html(head)}</span></header>{text_html(one.text)}'
        f'<div class="sy-lead">{text_html(one.reason)}</div></div>'
    )
