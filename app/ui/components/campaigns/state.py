"""A campaign as a whole: close and reopen it, take everything along."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.domain import Campaign, Job, JobState
from app.services import job_board, managing
from app.settings import settings
from app.stats.words import counted
from app.ui.components.jobs import ask_for, follow, show_end
from app.ui.components.page import errors_shown
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store


def show_settings(campaign: Campaign) -> None:
    """State, formulas and export."""
    kinds = ", ".join(campaign.counted_kinds)
    st.text(f"{campaign.name}: counts {kinds} votes; created {show_time(campaign.created_at)}.")
    _show_state(campaign)
    _show_formulas(campaign)
    _show_export(campaign)


def _show_state(campaign: Campaign) -> None:
    is_open = campaign.state == "open"
    with st.container(border=True):
        st.subheader(f"The campaign is {campaign.state}", anchor=False)
        st.text(
            "Closing it gives nobody further work; what was leased may still be submitted, and nothing is deleted."
            if is_open
            else "Nobody gets work from it. Reopen it to collect more; its rounds are as they were."
        )
        if st.button("Close campaign" if is_open else "Reopen campaign", key="campaign-state"):
            with errors_shown():
                managing.set_campaign_open(get_store(), get_person(), campaign.name, is_open=not is_open)
                st.rerun()


def _show_formulas(campaign: Campaign) -> None:
    with st.container(border=True):
        st.subheader("Formulas", anchor=False)
        st.session_state["campaign-formulas"] = campaign.renders_math
        st.toggle(
            "Show LaTeX as formulas",
            key="campaign-formulas",
            help="Between dollar signs, or in LaTeX's own brackets, in prompts and responses. Off: as it was written.",
            on_change=_keep_formulas,
            args=(campaign,),
        )


def _keep_formulas(campaign: Campaign) -> None:
    are_set = st.session_state["campaign-formulas"]
    with errors_shown():
        managing.set_formulas(get_store(), get_person(), campaign.name, are_set=are_set)


def _show_export(campaign: Campaign) -> None:
    with st.container(border=True):
        st.subheader("Take everything along", anchor=False)
        st.text(
            "Native JSONL: every comparison, judgment, revision, gold key and decision. Importing the file into an "
            "empty campaign gives the same ledger. Gold keys are in it: do not train on it, build a snapshot for that."
        )
        exports = job_board.jobs_of(get_store(), get_person(), campaign.name, "export", limit=1)
        if exports and not exports[0].has_ended:
            follow(exports[0])
            return
        if st.button("Export campaign"):
            with errors_shown():
                ask_for(job_board.request_export(get_person(), campaign.name, data_directory=settings().data_directory))
                st.rerun()
        if exports:
            _show_ready(exports[0])


def _show_ready(job: Job) -> None:
    if job.state is not JobState.DONE or job.result is None:
        show_end(job)
        return
    path = Path(str(job.result["file"]))
    if not path.is_file():
        return
    counts = job.result
    st.markdown(
        escape(
            f"As of {show_time(job.finished_at)}: {counted(counts['n_comparisons'], 'comparison')}, "
            f"{counted(counts['n_judgments'], 'judgment')}, {counted(counts['n_adjudications'], 'decision')}, "
            f"{counted(counts.get('n_questions', 0), 'question')}, {counted(counts.get('n_reviews', 0), 'review')}, "
            f"{path.stat().st_size / 1e6:,.1f} MB."
        )
    )
    if counts["n_left_out_erased"]:
        st.markdown(escape(f"Left out, for a withdrawn text: {counted(counts['n_left_out_erased'], 'comparison')}."))
    st.download_button(
        f"Download {escape(path.name)}",
        lambda: path.open("rb"),
        path.name,
        "application/jsonl",
        on_click="ignore",
        key=f"export-{job.id}",
    )
