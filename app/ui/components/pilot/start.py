"""Starting a pilot, and letting simulated raters judge in it."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign, OverlapPolicy, RankingMode, RaterKind, Round, RoundPurpose, RoundRules
from app.services import job_board, rubric_versions
from app.settings import settings
from app.stats.words import counted
from app.ui.components.jobs import ask_for, follow, show_end
from app.ui.components.page import empty_state, errors_shown
from app.ui.components.text import escape
from app.ui.components.versions import all_versions, version_words
from app.ui.session import get_person, get_store


def show_start(campaign: Campaign, rounds: list[Round]) -> None:
    """The form that opens a pilot round on a sample."""
    versions = all_versions()
    if not versions:
        empty_state("No rubric is published yet", "Publish one first.", to="studio", label="Studio")
        return
    taken = {one.name for one in rounds}
    name = next(f"pilot-{number}" for number in range(1, len(taken) + 2) if f"pilot-{number}" not in taken)
    with st.form(f"start-pilot-{campaign.name}"):
        left, right = st.columns(2)
        with left:
            version = st.selectbox("Rubric version", versions, format_func=version_words)
            name = st.text_input("Name of the round", name, max_chars=64)
        with right:
            sample = st.number_input("Comparisons, drawn by lot", 5, 1000, 30)
            overlap = st.number_input("Raters a comparison", 2, 20, 3)
        st.caption("30 comparisons with three raters each tell vague and redundant criteria from sound ones.")
        if not st.form_submit_button("Start the pilot", type="primary"):
            return
    with errors_shown():
        # every vote is collected: to stop where raters agree would bias what a pilot measures
        rules = RoundRules(overlap=int(overlap), gold_rate=0.0, sample=int(sample), policy=OverlapPolicy.FIXED)
        rubric_versions.start_round(
            get_store(),
            get_person().name,
            campaign.name,
            name=name.strip(),
            version=version.version,
            mode=RankingMode.PAIR,
            purpose=RoundPurpose.PILOT,
            rules=rules,
        )
        st.rerun()


def show_simulation(campaign: Campaign, round_: Round) -> None:
    """Simulated raters for a round: how far they are, and a form to send some."""
    jobs = job_board.jobs_of(get_store(), get_person(), campaign.name, "simulate", limit=5)
    of_round = [job for job in jobs if job.arguments["round"] == round_.name]
    under_way = [job for job in of_round if not job.has_ended]
    for job in under_way:
        follow(job)
    if under_way:
        return
    if of_round:
        n_judgments = (of_round[0].result or {}).get("n_judgments", 0)
        nothing = "The simulated raters found nothing left to judge: the round is full."
        show_end(
            of_round[0], done=f"Simulated raters gave {counted(n_judgments, 'judgment')}." if n_judgments else nothing
        )
    if round_.state != "open":
        st.caption(escape(f"Round {round_.name} is closed, so nobody can judge in it."))
        return
    _show_form(campaign, round_)


def _show_form(campaign: Campaign, round_: Round) -> None:
    with st.form(f"simulate-{round_.id}"):
        st.markdown("**Let simulated raters judge**: to see what the report will look like, or to try the rubric out.")
        left, right = st.columns(2)
        with left:
            n_raters = st.number_input("Simulated raters", 1, 50, max(3, round_.rules.overlap))
        with right:
            wanted = round_.rules.overlap * (round_.rules.sample or 30)
            n_judgments = st.number_input("Judgments in all", 1, 5000, wanted)
        if RaterKind.SIMULATED not in campaign.counted_kinds:
            st.caption(
                "Their votes say that they are simulated and do not count here; choose the kind above to see them."
            )
        if not st.form_submit_button("Send simulated raters"):
            return
    with errors_shown():
        request = job_board.request_simulation(
            get_person(),
            campaign.name,
            round_name=round_.name,
            n_raters=int(n_raters),
            n_judgments=int(n_judgments),
            data_directory=settings().data_directory,
        )
        ask_for(request)
        st.rerun()
