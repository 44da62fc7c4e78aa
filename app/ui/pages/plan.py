"""Work plan: what each policy costs against how right it is, before votes come in, and what they cost meanwhile."""

from __future__ import annotations

import streamlit as st

from app.policy import Action
from app.services import planning
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state
from app.ui.components.work_plan import show_plan, show_running, show_waiting
from app.ui.session import get_person, get_store

ACCURACY = "Empty: what raters' answers to gold say, where there are 100 of them."
LEAD = "How many votes a comparison needs, what that costs, and how right the labels are."


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Work plan", person, Action.SEE_QUALITY, lead=LEAD)
    if campaign is None:
        return
    rounds = planning.running(get_store(), get_person().name, campaign.name)
    if not any(one.n_comparisons for one in rounds):
        empty_state(
            "Nothing to plan yet",
            "Import comparisons, or open a round: then the plan says what their labels will cost.",
            to="campaigns",
            label="Import comparisons",
        )
        return
    names = [one.round for one in rounds if one.n_comparisons]
    left, middle, right = st.columns(3)
    with left:
        name = st.selectbox("Round", names, key="plan-round")
    with middle:
        pay = st.number_input("Price of one judgment", 0.0, 10_000.0, 0.0, 0.1, key="plan-pay", help="0: count votes")
    with right:
        accuracy = st.number_input(
            "Accuracy to assume, %", 50, 99, None, key="plan-accuracy", placeholder="what gold says", help=ACCURACY
        )
    show_plan(campaign, name, pay=pay or None, accuracy=None if accuracy is None else accuracy / 100)
    st.subheader("So far", anchor=False)
    for one in planning.running(get_store(), get_person().name, campaign.name, pay=pay or None):
        if one.round == name:
            show_running(campaign, one)
    show_waiting(campaign)
