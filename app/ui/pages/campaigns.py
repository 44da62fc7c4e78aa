"""Campaigns: what is collected, by whom, under which rules, and how far it is."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.policy import Action
from app.services import managing
from app.ui.components.campaigns.create import show_create
from app.ui.components.campaigns.importing import show_import
from app.ui.components.campaigns.members import show_members
from app.ui.components.campaigns.progress import show_progress
from app.ui.components.campaigns.rounds import show_rounds
from app.ui.components.campaigns.state import show_settings
from app.ui.components.page import campaign_header, empty_state, page_header
from app.ui.components.parts import show_parts
from app.ui.components.text import escape
from app.ui.session import chosen_campaign, get_person, get_store

LEAD = "Comparisons, rounds and members under one name."


def page() -> None:
    """The page."""
    person = get_person()
    if chosen_campaign(person, Action.MANAGE_CAMPAIGN) is None:
        page_header("Campaigns", LEAD)
        empty_state("No campaign yet", "Create the first one here; then import comparisons and add raters.")
        show_create()
        return
    campaign = campaign_header("Campaigns", person, Action.MANAGE_CAMPAIGN, lead=LEAD)
    if campaign is None:
        return
    created = st.session_state.pop("campaign-created", None)
    if created:
        st.success(f"Created campaign {escape(created)}. Next: import comparisons, then add raters under Members.")
    if campaign.state != "open":
        st.warning("This campaign is closed: nobody gets work from it. Settings reopens it.")
    overview = managing.overview(get_store(), person, campaign.name)
    show_parts(
        {
            "Progress": partial(show_progress, overview),
            "Rounds": partial(show_rounds, overview),
            "Members": partial(show_members, campaign.name),
            "Import": partial(show_import, campaign.name),
            "Settings": partial(show_settings, campaign),
            "New campaign": show_create,
        },
        key="campaigns",
    )
