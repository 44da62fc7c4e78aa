"""The bar above the desk: campaign, progress of the day, and the few switches."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign
from app.policy import Action
from app.services import desk as desks
from app.services.desk import Desk
from app.services.sessions import Person
from app.ui.components.page import campaign_choice
from app.ui.components.rating.panel import show_rubric
from app.ui.components.time import show_duration, start_of_day
from app.ui.session import get_store


def show_bar(person: Person, campaign: Campaign, desk: Desk) -> bool:
    """Progress and the few switches; returns whether texts are shown raw."""
    today = desks.own_days(get_store(), person.name, since=start_of_day())
    n_today, seconds = sum(day.n_judgments for day in today), sum(day.seconds for day in today)
    with st.container(key="bar", horizontal=True, vertical_alignment="center", gap="medium"):
        campaign_choice(person, Action.JUDGE, campaign, width=320)
        st.caption(f"{n_today} today, {show_duration(seconds)}", width="content")
        st.space("stretch")
        raw = st.toggle("Raw text", key="raw-text", help="Every character as it was written", persist_state="session")
        if st.button("Rubric", key="open-rubric", type="tertiary"):
            _rubric_dialog(desk)
        with st.popover("Keys", type="tertiary"):
            st.toggle("Single-key shortcuts", value=True, key="single-keys", persist_state="session")
            st.html(_KEYS)
    return raw


_KEYS = """<table class="sy-keys">
<tr><td><kbd>1</kbd> … <kbd>9</kbd></td><td>answer the marked row, from left to right</td></tr>
<tr><td><kbd>j</kbd> <kbd>k</kbd></td><td>next row, previous row</td></tr>
<tr><td><kbd>n</kbd></td><td>write the justification; <kbd>Esc</kbd> leaves it</td></tr>
<tr><td><kbd>Ctrl</kbd> or <kbd>⌘</kbd> <kbd>Enter</kbd></td><td>submit</td></tr></table>"""


@st.dialog("The rubric", width="large")
def _rubric_dialog(desk: Desk) -> None:
    show_rubric(desk.rubric)
