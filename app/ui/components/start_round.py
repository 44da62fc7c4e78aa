"""Starting a round: a campaign, a version, and how it collects."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.domain import Campaign, RankingMode, Round, RoundPurpose, RoundRules
from app.errors import SteelyardError
from app.policy import Action
from app.services import rubric_versions
from app.services.rubric_versions import Version
from app.services.sessions import Person
from app.ui.components.page import empty_state, show_error
from app.ui.components.time import show_time
from app.ui.components.versions import NOTICE
from app.ui.session import get_person, get_store

MODES = {RankingMode.PAIR: "Pairs", RankingMode.KWAY: "Rankings of three or more"}
PURPOSES = {
    RoundPurpose.PILOT: "Pilot: try the rubric",
    RoundPurpose.MAIN: "Main: collect",
    RoundPurpose.BRIDGE: "Bridge: judge again under the new rubric",
}


def show_round_form(person: Person, versions: list[Version]) -> None:
    """The form, with the rounds that are there already."""
    campaigns = person.campaigns_for(Action.PUBLISH_RUBRIC)
    if not campaigns:
        empty_state(
            "No campaign is yours to design",
            "A round belongs to a campaign. Ask a researcher to create one and to add you as a designer.",
        )
        return
    campaign = st.selectbox("Campaign", campaigns, format_func=lambda one: one.title, key="round-campaign")
    rounds = rubric_versions.rounds_in(get_store(), campaign.name)
    _show_rounds(rounds)
    _show_form(campaign, rounds, versions)


def _show_rounds(rounds: list[Round]) -> None:
    st.dataframe(
        [
            {
                "Round": one.name,
                "State": one.state,
                "Purpose": one.purpose.value,
                "Judges": MODES[one.mode],
                "Rubric version": one.rubric_version[:12],
                "Overlap": one.rules.overlap,
                "Since": show_time(one.created_at),
            }
            for one in rounds
        ],
        hide_index=True,
        width="stretch",
    )


def _show_form(campaign: Campaign, rounds: list[Round], versions: list[Version]) -> None:
    rules = rounds[-1].rules if rounds else RoundRules()
    key = f"round-{campaign.name}-{versions[0].rubric.key}"
    modes = [mode for mode in RankingMode if mode is RankingMode.PAIR or versions[0].rubric.suits_kway]
    with st.form(key):
        left, right = st.columns(2)
        with left:
            version = st.selectbox(
                "Version",
                versions,
                format_func=lambda one: f"{one.rubric.key} {one.version[:12]}, {show_time(one.published_at)}",
            )
            name = st.text_input("Name of the round", placeholder="second", max_chars=64)
            mode = st.radio("What is judged", modes, format_func=MODES.__getitem__)
            purpose = st.radio("Purpose", list(RoundPurpose), index=1, format_func=PURPOSES.__getitem__)
        with right:
            overlap = st.number_input("Votes a comparison (overlap)", 1, 100, rules.overlap)
            gold = st.number_input("Share of hidden gold", 0.0, 0.5, rules.gold_rate, 0.05)
            repeat = st.number_input("Share of blind repeats", 0.0, 0.5, rules.repeat_rate, 0.05)
            minutes = st.number_input("Lease, in minutes", 1, 1440, max(1, rules.lease_seconds // 60))
            skills = st.text_input("Required skills", ", ".join(rules.required_skills), help="Separated by commas")
        close = st.multiselect(
            "Close these rounds, so that new work comes from the new one",
            [one.name for one in rounds if one.state == "open"],
        )
        is_sent = st.form_submit_button("Start the round", type="primary")
    if is_sent:
        wanted = replace(
            rules,
            scopes=(),
            overlap=int(overlap),
            gold_rate=float(gold),
            repeat_rate=float(repeat),
            lease_seconds=int(minutes) * 60,
            required_skills=tuple(skill.strip() for skill in skills.split(",") if skill.strip()),
        )
        _start(campaign, version, name.strip(), mode, purpose or RoundPurpose.MAIN, wanted, close)


def _start(
    campaign: Campaign,
    version: Version,
    name: str,
    mode: RankingMode,
    purpose: RoundPurpose,
    rules: RoundRules,
    close: list[str],
) -> None:
    try:
        opened = rubric_versions.start_round(
            get_store(),
            get_person().name,
            campaign.name,
            name=name,
            version=version.version,
            mode=mode,
            purpose=purpose,
            rules=rules,
            close=close,
        )
    except SteelyardError as error:
        show_error(error)
        return
    st.session_state[NOTICE] = f"Round {opened.name} of {campaign.title} is open; raters get work from it."
    st.rerun()
