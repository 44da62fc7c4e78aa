"""The bar above the desk: campaign, progress of the day, and how texts are shown."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign
from app.policy import Action
from app.services.desk import Desk
from app.services.sessions import Person
from app.services.working_time import Today
from app.ui.components.page import campaign_choice
from app.ui.components.rating.conversation import View, are_related, has_long
from app.ui.components.rating.day import show_day, show_rest
from app.ui.components.rating.keyboard import open_keys
from app.ui.components.rating.panel import open_rubric
from app.ui.words import say


def show_bar(person: Person, campaign: Campaign, desk: Desk, day: Today) -> View:
    """Progress and the few switches; returns how texts are shown."""
    is_unrelated = _switch_off_for_unrelated(desk)
    with st.container(key="bar", horizontal=True, vertical_alignment="center", gap="medium"):
        campaign_choice(person, Action.JUDGE, campaign, width=320)
        show_day(day)
        st.space("stretch")
        view = _show_switches(desk)
        if st.button(say("rubric"), key="open-rubric", type="tertiary"):
            open_rubric(desk)
        if st.button(say("keys"), key="open-keys", type="tertiary", help="?"):
            open_keys(person)
    with st.container(gap="small"):  # not in the bar, which stays while one scrolls; and no part of the desk moves
        if is_unrelated:
            st.caption(say("unrelated"))
        show_rest(day)
    return view


def _show_switches(desk: Desk) -> View:
    responses = desk.assignment.responses
    differs = len(responses) == 2 and _switch("differences")
    raw = _switch("raw")
    unfolded = has_long(responses) and _switch("unfold")
    return View(raw=raw, differences=differs, unfolded=unfolded, math=desk.renders_math)


def _switch(name: str) -> bool:
    return st.toggle(say(name), key=name, help=say(f"{name}-help"), persist_state="session")


def _switch_off_for_unrelated(desk: Desk) -> bool:
    """Switch the differences off where there is nearly nothing else; returns whether that was so."""
    is_asked = st.session_state.get("differences") and len(desk.assignment.responses) == 2
    if not is_asked or are_related(desk.assignment.responses):
        return False
    st.session_state["differences"] = False
    return True
