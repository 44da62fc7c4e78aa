"""Jobs: long work of all campaigns, with progress, cancel and start again."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.domain import Job, JobState
from app.errors import SteelyardError
from app.services import job_board
from app.ui.components.jobs import WORDS, again_button, follow, state_badge
from app.ui.components.page import empty_state, page_header
from app.ui.components.text import escape
from app.ui.components.time import show_duration, show_time
from app.ui.session import get_person, get_store

LIMIT = 200


def page() -> None:
    """The page."""
    person = get_person()
    page_header("Jobs", "Long work: imports, exports, reports, snapshots, training runs.")
    if not job_board.all_jobs(get_store(), person, limit=1):
        empty_state("No job yet", "Imports, snapshots and training runs appear here as people ask for them.")
        return
    left, right = st.columns(2)
    with left:
        kind = st.selectbox("Kind", list(WORDS), index=None, placeholder="every kind", format_func=WORDS.__getitem__)
    with right:
        state = st.selectbox(
            "State", list(JobState), index=None, placeholder="every state", format_func=lambda one: one.value
        )
    jobs = job_board.all_jobs(get_store(), person, kind=kind, state=state, limit=LIMIT)
    for job in jobs:
        if not job.has_ended:
            follow(job)
    if not jobs:
        st.text("No job of this kind and state.")
        return
    names = {membership.campaign.id: membership.campaign.name for membership in person.memberships}
    st.dataframe(_table(jobs, names), hide_index=True, width="stretch", column_config=_COLUMNS, key="jobs")
    if len(jobs) == LIMIT:
        st.caption(f"The latest {LIMIT}.")
    _show_one(jobs)


def _table(jobs: list[Job], campaigns: dict[int, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "job": job.id,
                "kind": WORDS.get(job.kind, job.kind),
                "state": job.state.value,
                "progress": job.progress,
                "campaign": campaigns.get(job.campaign_id or 0, ""),
                "asked by": job.actor,
                "asked": job.created_at,
                "took": _took(job),
                "message": job.message,
            }
            for job in jobs
        ]
    )


_COLUMNS = {
    "progress": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
    "asked": st.column_config.DatetimeColumn(format="D MMM, HH:mm:ss"),
    "message": st.column_config.TextColumn(width="large"),
}


def _took(job: Job) -> str:
    if job.started_at is None or job.finished_at is None:
        return ""
    seconds = (job.finished_at - job.started_at).total_seconds()
    return f"{seconds:.1f} s" if seconds < 90 else show_duration(seconds)


def _show_one(jobs: list[Job]) -> None:
    by_id = {job.id: job for job in jobs}
    chosen = st.selectbox(
        "Job",
        list(by_id),
        format_func=lambda one: f"{one} · {WORDS.get(by_id[one].kind, by_id[one].kind)} · {by_id[one].state.value}",
        width=360,
    )
    try:
        job = job_board.find_job(get_store(), get_person(), chosen)
    except SteelyardError as error:
        st.error(escape(str(error)))
        return
    with st.container(border=True, key="job-detail"):
        state_badge(job.state)
        st.text(f"Asked by {job.actor}, {show_time(job.created_at)}. {job.message}")
        if job.has_ended:
            again_button(job)
        with st.expander("What was asked, and what came of it"):
            st.json({"arguments": dict(job.arguments), "result": _short(job)}, expanded=2)


def _short(job: Job) -> dict[str, object] | None:
    """The result, long lists cut."""
    if job.result is None:
        return None
    return {key: value[:20] if isinstance(value, list) else value for key, value in job.result.items()}
