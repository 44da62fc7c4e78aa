"""Bridge: a sample judged again under a new version; what moved, whether old votes stand, and what to judge again."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign, RaterKind, Round
from app.policy import Action
from app.services import bridging
from app.services.bridging import Plan
from app.services.sessions import Person
from app.stats.report_bridge import direction
from app.ui.components.bridge.shifts import show_shifts
from app.ui.components.bridge.stale import show_stale
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state, errors_shown
from app.ui.components.pilot.start import show_simulation
from app.ui.components.reports import choose_kinds, open_report, show_stamp
from app.ui.components.text import escape
from app.ui.components.versions import all_versions, version_words
from app.ui.session import get_person, get_store

LEAD = "Judge a sample again under a new version: what moved, and may the old votes stand beside the new ones?"


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Bridge", person, Action.PUBLISH_RUBRIC, lead=LEAD)
    if campaign is None:
        return
    bridges = bridging.bridges_in(get_store(), campaign.name)
    if not bridges:
        empty_state("No bridge round yet", "Once a new version is published, open a bridge round with it below.")
        _show_start(campaign)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="bridge-bar"):
        names = [one.name for one in bridges]
        name = st.selectbox("Bridge", names, key=f"bridge-{campaign.name}", label_visibility="collapsed", width=240)
        kinds = choose_kinds(campaign, key="bridge")
    chosen = next(one for one in bridges if one.name == name)
    _show_report(person, campaign, chosen, kinds)
    show_simulation(campaign, chosen)
    show_stale(campaign, chosen.rubric_version, kinds)
    with st.expander("Open another bridge round"):
        _show_start(campaign)


def _show_start(campaign: Campaign) -> None:
    versions = all_versions()
    with st.form(f"start-bridge-{campaign.name}"):
        left, right = st.columns(2)
        with left:
            version = st.selectbox("New version", versions, format_func=version_words)
            name = st.text_input("Name of the round", "bridge", max_chars=64)
        with right:
            n_comparisons = st.number_input("Comparisons to judge again, drawn by lot", 5, 5000, bridging.SAMPLE)
            overlap = st.number_input("Raters a comparison", 1, 20, 3)
        st.caption("Drawn from what was judged in the newest main round under another version.")
        if not st.form_submit_button("Open the bridge round", type="primary", disabled=not versions):
            return
    with errors_shown():
        plan = Plan(version.version, name.strip(), n_comparisons=int(n_comparisons), overlap=int(overlap))
        bridging.start_bridge(get_store(), get_person().name, campaign.name, plan)
        st.rerun()


def _show_report(person: Person, campaign: Campaign, chosen: Round, kinds: tuple[RaterKind, ...]) -> None:
    with errors_shown():
        kept = open_report(person, campaign, "bridge", kinds=kinds, round_name=chosen.name)
        if kept is None:
            return
        document = kept.document
        show_stamp(kept)
        st.markdown(f"**{escape(document['reading'])}**")
        st.text(direction(document))
        for key, words in (("only_old", "Only the old version asks"), ("only_new", "Only the new version asks")):
            if document[key]:
                st.text(f"{words}: {', '.join(document[key])}.")
        if document["criteria"]:
            show_shifts(document)
