"""A comparison to read on a report: the conversation, the responses, and every vote with its words."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign
from app.services import quality
from app.ui.components.rating.conversation import show_conversation, show_responses
from app.ui.components.votes import show_votes
from app.ui.session import get_person, get_store


def show_case(campaign: Campaign, comparison_id: str, *, key: str) -> None:
    """A comparison for somebody who may see its votes.

    Args:
        campaign: the campaign.
        comparison_id: its external id.
        key: unique on the page; together with the campaign and the comparison.
    """
    case = quality.open_case(get_store(), get_person().name, campaign.name, comparison_id)
    with st.container(border=True, key="case"):
        show_conversation(case.comparison.prompt)
        show_responses(tuple(one.text for one in case.comparison.completions), key=f"{key}-{comparison_id}")
        show_votes(case, campaign.counted_kinds)
