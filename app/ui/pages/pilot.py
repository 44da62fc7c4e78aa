"""Pilot report: what a small round says of its rubric, and what to change before anybody is paid."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.domain import Campaign, RaterKind, Round, RoundPurpose
from app.errors import SteelyardError
from app.policy import Action
from app.services import rounds as round_counts
from app.services import rubric_drafts, rubric_versions
from app.services.sessions import Person
from app.stats.words import counted
from app.ui.components.case import show_case
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state, show_error
from app.ui.components.pilot.pictures import show_ambiguity, show_missing, show_redundancy, show_tension
from app.ui.components.pilot.start import show_simulation, show_start
from app.ui.components.reports import choose_kinds, open_report, show_stamp
from app.ui.components.studio.writing import go_to_draft
from app.ui.components.text import escape
from app.ui.components.versions import all_versions
from app.ui.session import get_person, get_store

LEAD = "Try a rubric on a few comparisons: which criteria are vague, say the same, or are missing."


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Pilot report", person, Action.PUBLISH_RUBRIC, lead=LEAD)
    if campaign is None:
        return
    rounds = rubric_versions.rounds_in(get_store(), campaign.name)
    pilots = [one for one in reversed(rounds) if one.purpose is RoundPurpose.PILOT]
    if not pilots:
        empty_state("No pilot yet", "Start one below: 30 comparisons, three raters each, with the rubric to try.")
        show_start(campaign, rounds)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="pilot-bar"):
        chosen = _choose_round(campaign, pilots)
        kinds = choose_kinds(campaign, key="pilot")
    _go_to_draft()
    _show_report(person, campaign, chosen, kinds)
    show_simulation(campaign, chosen)
    with st.expander("Start another pilot"):
        show_start(campaign, rounds)


def _choose_round(campaign: Campaign, pilots: list[Round]) -> Round:
    wanted = st.query_params.get("round")
    names = [one.name for one in pilots]
    key = f"pilot-round-{campaign.name}"
    if st.session_state.get(key) not in names:
        st.session_state[key] = wanted if wanted in names else names[0]
    name = st.selectbox("Pilot", names, key=key, label_visibility="collapsed", width=240)
    st.query_params["round"] = name
    return next(one for one in pilots if one.name == name)


def _show_report(person: Person, campaign: Campaign, chosen: Round, kinds: tuple[RaterKind, ...]) -> None:
    kept = open_report(person, campaign, "pilot", kinds=kinds, round_name=chosen.name)
    if kept is None:
        return
    document = kept.document
    show_stamp(kept)
    if document["n_judgments"] == 0:
        _show_nothing(campaign, chosen)
        return
    st.markdown(f"**{escape(document['reading'])}**")
    _show_advice(document, chosen)
    left, right = st.columns(2, gap="large")
    with left:
        show_ambiguity(document)
        show_tension(document)
    with right:
        show_redundancy(document)
        show_missing(document)
    _show_disputed(campaign, document)


def _show_nothing(campaign: Campaign, chosen: Round) -> None:
    n_all = round_counts.judged_in_round(get_store(), campaign.name, chosen.name)
    if n_all:
        there = f"It has {counted(n_all, 'judgment')} of other kinds: choose them above to see what they say."
    else:
        there = "Raters get its comparisons from the page Rate. Simulated raters can go first, below."
    empty_state("Nobody of the chosen kinds has judged in this pilot", there)


def _show_advice(document: Mapping[str, Any], chosen: Round) -> None:
    st.subheader("What to change", anchor=False)
    if document["advice"]:
        listed = "".join(f"<li>{html.escape(one['sentence'])}</li>" for one in document["advice"])
        st.html(f'<ol class="sy-findings">{listed}</ol>')
    else:
        st.text("Nothing stands out that the intervals carry. More comparisons would tell more.")
    st.button("Change this rubric", key="change-rubric", on_click=_draft, args=(chosen.rubric_version,))


def _draft(version: str) -> None:
    """Begin a draft with the version that was piloted."""
    text = next(one.yaml for one in all_versions() if one.version == version)
    try:
        st.session_state["pilot-draft"] = rubric_drafts.create_draft(get_store(), get_person(), text)
    except SteelyardError as error:
        st.session_state["pilot-problem"] = error


def _go_to_draft() -> None:
    """Open the draft that was just begun, in the Studio."""
    if (draft := st.session_state.pop("pilot-draft", None)) is not None:
        go_to_draft(draft, part="Criteria")
    if (problem := st.session_state.pop("pilot-problem", None)) is not None:
        show_error(problem)


def _show_disputed(campaign: Campaign, document: Mapping[str, Any]) -> None:
    """Comparisons on which raters differ most, by criterion."""
    rows = {row["criterion"]: row["disputed"] for row in document["ambiguity"] if row["disputed"]}
    if not rows:
        return
    st.subheader("Comparisons to read", anchor=False)
    left, right = st.columns(2)
    with left:
        criterion = st.selectbox("Where raters differ on", list(rows), key=f"disputed-{campaign.name}")
    with right:
        comparison_id = st.selectbox(
            "Comparison",
            rows[criterion],
            index=None,
            placeholder="Choose one to read",
            key=f"disputed-{campaign.name}-{criterion}",
        )
    if comparison_id is not None:
        show_case(campaign, comparison_id, key="disputed")
