"""My calibration: where one stands, what was decided and why, one's skills and card; and the way to appeal."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign, RaterState
from app.errors import SteelyardError
from app.policy import Action
from app.services import examining, raters
from app.services.own_card import own_card
from app.services.sessions import Person
from app.services.standing import APPEALABLE, RaterDecision
from app.ui.components.calibration.decisions import show_decisions, show_skills
from app.ui.components.calibration.shares import what_next
from app.ui.components.page import campaign_header, empty_state, link_to, show_error
from app.ui.components.quality.card import show_own_card
from app.ui.components.text import escape
from app.ui.session import get_person, get_store
from app.ui.words import say

STATES = {
    RaterState.APPLICANT: "You have yet to pass the exam.",
    RaterState.TRAINING: "You are learning the rubric.",
    RaterState.QUALIFIED: "You get work, and all is well.",
    RaterState.WARNED: "You get work. Your recent answers were less good: some refreshers will help.",
    RaterState.PAUSED: "You get no work here at the moment.",
    RaterState.RETIRED: "Your account is retired.",
}


def page() -> None:
    """The page."""
    person = get_person()
    lead = "How you are doing, what was decided, and why. Only you and those who run the campaign see this."
    campaign = campaign_header(say("page-my_calibration"), person, Action.JUDGE, lead=lead)
    if campaign is None:
        return
    error = st.session_state.pop("appeal-error", None)
    if isinstance(error, SteelyardError):
        show_error(error)
    _show_standing(person, campaign)
    st.subheader("Skills", anchor=False)
    show_skills(raters.own_skills(get_store(), person.name, campaign.name))
    _show_decisions(person, campaign)
    card = own_card(get_store(), person.name, campaign.name)
    st.subheader("Your card", anchor=False)
    if card is None:
        empty_state("No card yet", "It appears the day after your first judgments here.", to="rate", label="Rate")
    else:
        show_own_card(card.card)


def _show_standing(person: Person, campaign: Campaign) -> None:
    state = raters.state_in(get_store(), person.name, campaign.name)
    exam = examining.exam_status(get_store(), person.name, campaign.name)
    with st.container(border=True, key="standing"):
        st.markdown(f"**{escape(STATES[state])}**")
        if exam.state != "none":
            st.text(what_next(exam))
        if state is RaterState.WARNED:
            link_to("learn", "To the refreshers", campaign=campaign.name)
        elif exam.state in ("ready", "running", "lessons", "waiting"):
            link_to("exam", "To the exam", campaign=campaign.name)


def _show_decisions(person: Person, campaign: Campaign) -> None:
    found = raters.decisions(get_store(), person.name, campaign.name, person.name)
    st.subheader("Decisions", anchor=False)
    if not found:
        st.text("Nothing was decided about you here.")
    show_decisions(found, below=_show_appeal)


def _show_appeal(decision: RaterDecision) -> None:
    if decision.decision not in APPEALABLE or decision.appeal is not None or decision.is_withdrawn:
        return
    with st.popover("Appeal"):
        st.text_area("What is wrong with this decision?", key=f"appeal-{decision.id}", height=120)
        st.button("Send the appeal", key=f"send-{decision.id}", on_click=_appeal, args=(decision.id,))
        st.caption("A designer reads it and answers. It changes nothing for the worse.")


def _appeal(decision_id: int) -> None:
    try:
        raters.appeal(get_store(), get_person().name, decision_id, text=st.session_state[f"appeal-{decision_id}"])
    except SteelyardError as error:
        st.session_state["appeal-error"] = error
