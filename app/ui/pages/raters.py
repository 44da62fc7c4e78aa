"""Raters: where each stands and why; appeals to answer, pauses and requalifications."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.domain import Campaign, RaterState
from app.errors import SteelyardError
from app.policy import Action
from app.services import raters
from app.services.raters import RaterRow
from app.services.standing import RaterDecision
from app.ui.components.calibration.decisions import show_decisions, show_skills
from app.ui.components.page import campaign_header, empty_state, link_to, show_error
from app.ui.components.text import escape
from app.ui.session import get_person, get_store

LEAD = "Where each rater stands, with the figures behind it. Flags are for a look and a talk, never a verdict."


def page() -> None:
    """The page."""
    person = get_person()
    campaign = campaign_header("Raters", person, Action.MANAGE_RATERS, lead=LEAD)
    if campaign is None:
        return
    error = st.session_state.pop("raters-error", None)
    if isinstance(error, SteelyardError):
        show_error(error)
    rows = raters.list_raters(get_store(), person.name, campaign.name)
    if not rows:
        empty_state("No raters yet", "A researcher adds members under Campaigns; an admin adds people.")
        return
    flags = raters.flagged(get_store(), person.name, campaign.name)
    _show_counts(rows, flags)
    st.dataframe(_table(rows, flags), hide_index=True, width="stretch", column_config=_COLUMNS, key="raters-table")
    names = [row.rater.name for row in rows]
    if st.session_state.get("rater-choice") not in names:
        st.session_state["rater-choice"] = names[0]
    chosen = st.selectbox("Rater", names, key="rater-choice", width=360)
    _show_rater(campaign, next(row for row in rows if row.rater.name == chosen), flags.get(chosen, ()))


def _show_counts(rows: list[RaterRow], flags: dict[str, tuple[str, ...]]) -> None:
    states = [row.standing.state for row in rows]
    with st.container(horizontal=True, gap="large", key="rater-counts"):
        for state in (RaterState.QUALIFIED, RaterState.WARNED, RaterState.PAUSED, RaterState.APPLICANT):
            st.metric(state.value.capitalize(), states.count(state))
        st.metric("Open appeals", sum(row.appeal is not None for row in rows))
        st.metric("Flagged", len(flags))


def _table(rows: list[RaterRow], flags: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "rater": row.rater.name,
                "kind": row.rater.kind.value,
                "state": row.standing.state.value,
                "judgments": row.n_judgments,
                "on gold": row.accuracy.value,
                "at least": row.accuracy.low,
                "gold answers": row.accuracy.n,
                "appeal": "open" if row.appeal else "",
                "flags": "; ".join(flags.get(row.rater.name, ())),
            }
            for row in rows
        ]
    )


_COLUMNS = {
    "on gold": st.column_config.NumberColumn(format="percent", help="Recent answers count more"),
    "at least": st.column_config.NumberColumn(format="percent", help="With 90 % belief"),
}


def _show_rater(campaign: Campaign, row: RaterRow, flags: tuple[str, ...]) -> None:
    if flags:
        st.warning(escape(f"Several signs together: {', '.join(flags)}. Look at the card and talk before you act."))
        link_to("quality", "The card, under Quality", campaign=campaign.name)
    left, right = st.columns([2, 1], gap="large")
    with left:
        st.subheader("Decisions", anchor=False)
        found = raters.decisions(get_store(), get_person().name, campaign.name, row.rater.name)
        if not found:
            st.text("None yet.")
        show_decisions(found, below=_show_answer)
    with right:
        st.subheader("Skills", anchor=False)
        show_skills(row.skills)
        _show_actions(campaign, row)


def _show_actions(campaign: Campaign, row: RaterRow) -> None:
    name = row.rater.name
    with st.container(border=True, key="rater-actions"):
        st.text_area("Why (the rater reads it)", key=f"why-{name}", height=90)
        with st.container(horizontal=True):
            is_paused = row.standing.state is RaterState.PAUSED
            st.button("Pause", key=f"pause-{name}", disabled=is_paused, on_click=_pause, args=(campaign.name, name))
            st.button("Give work again", key=f"requalify-{name}", on_click=_requalify, args=(campaign.name, name))


def _pause(campaign_name: str, name: str) -> None:
    try:
        raters.pause(get_store(), get_person().name, campaign_name, name, reason=st.session_state[f"why-{name}"])
    except SteelyardError as error:
        st.session_state["raters-error"] = error


def _requalify(campaign_name: str, name: str) -> None:
    try:
        raters.requalify(get_store(), get_person().name, campaign_name, name, reason=st.session_state[f"why-{name}"])
    except SteelyardError as error:
        st.session_state["raters-error"] = error


def _show_answer(decision: RaterDecision) -> None:
    if decision.appeal is None or decision.appeal_answer is not None:
        return
    st.text_area("Your answer", key=f"answer-{decision.id}", height=90)
    with st.container(horizontal=True):
        grant = "Withdraw the decision"
        st.button(grant, key=f"grant-{decision.id}", type="primary", on_click=_answer, args=(decision.id, True))
        st.button("The decision stands", key=f"refuse-{decision.id}", on_click=_answer, args=(decision.id, False))


def _answer(decision_id: int, is_granted: bool) -> None:
    text = st.session_state[f"answer-{decision_id}"]
    try:
        raters.answer_appeal(get_store(), get_person().name, decision_id, text=text, is_granted=is_granted)
    except SteelyardError as error:
        st.session_state["raters-error"] = error
