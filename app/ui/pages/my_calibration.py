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


def page() -> None:
    """The page."""
    person = get_person()
    campaign = campaign_header(say("page-my_calibration"), person, Action.JUDGE, lead=say("calibration-lead"))
    if campaign is None:
        return
    error = st.session_state.pop("appeal-error", None)
    if isinstance(error, SteelyardError):
        show_error(error)
    _show_standing(person, campaign)
    st.subheader(say("skills"), anchor=False)
    show_skills(raters.own_skills(get_store(), person.name, campaign.name))
    _show_decisions(person, campaign)
    card = own_card(get_store(), person.name, campaign.name)
    st.subheader(say("your-card"), anchor=False)
    if card is None:
        empty_state(say("no-card"), say("no-card-next"), to="rate", label=say("page-rate"))
    else:
        show_own_card(card.card)


def _show_standing(person: Person, campaign: Campaign) -> None:
    state = raters.state_in(get_store(), person.name, campaign.name)
    exam = examining.exam_status(get_store(), person.name, campaign.name)
    with st.container(border=True, key="standing"):
        st.markdown(f"**{escape(say(f'stands-{state.value}'))}**")
        if exam.state != "none":
            st.text(what_next(exam))
        if state is RaterState.WARNED:
            link_to("learn", say("to-refreshers"), campaign=campaign.name)
        elif exam.state in ("ready", "running", "lessons", "waiting"):
            link_to("exam", say("to-exam"), campaign=campaign.name)


def _show_decisions(person: Person, campaign: Campaign) -> None:
    found = raters.decisions(get_store(), person.name, campaign.name, person.name)
    st.subheader(say("decisions"), anchor=False)
    if not found:
        st.text(say("nothing-decided"))
    show_decisions(found, below=_show_appeal)


def _show_appeal(decision: RaterDecision) -> None:
    if decision.decision not in APPEALABLE or decision.appeal is not None or decision.is_withdrawn:
        return
    with st.popover(say("appeal")):
        st.text_area(say("appeal-what"), key=f"appeal-{decision.id}", height=120)
        st.button(say("appeal-send"), key=f"send-{decision.id}", on_click=_appeal, args=(decision.id,))
        st.caption(say("appeal-note"))


def _appeal(decision_id: int) -> None:
    try:
        raters.appeal(get_store(), get_person().name, decision_id, text=st.session_state[f"appeal-{decision_id}"])
    except SteelyardError as error:
        st.session_state["appeal-error"] = error
