"""Long work on a page: how far it is, live, with a button to stop it; and what became of it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import jobs
from app.domain import Job, JobState, utc_now
from app.services import job_board
from app.services.job_board import JobRequest
from app.ui.components.page import errors_shown
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store

WORDS = {
    "import": "Import",
    "export": "Export",
    "report": "Report",
    "simulate": "Simulation",
    "snapshot": "Snapshot",
    "train": "Training run",
    "prejudge": "Pre-judging",
    "rubric_draft": "Draft of a rubric",
}
COLOURS = {
    JobState.QUEUED: "gray",
    JobState.RUNNING: "blue",
    JobState.DONE: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "orange",
}
PATIENCE_SECONDS = 20


def ask_for(request: JobRequest) -> Job:
    """Put work into the queue."""
    return jobs.submit(get_store(), request)


def follow(job: Job, *, show_more: Callable[[Job], None] | None = None, every_seconds: float = 1.0) -> None:
    """A job that has not ended, refreshed by itself; the whole page runs again at its end.

    Args:
        job: the job.
        show_more: shows what else there is to see of it, on every refresh.
        every_seconds: between two looks.
    """

    @st.fragment(run_every=every_seconds)
    def look() -> None:
        now = job_board.find_job(get_store(), get_person(), job.id)
        if now.has_ended:
            st.rerun()
        with st.container(key=f"job-{job.id}", border=True):
            _show_bar(now)
            if show_more is not None:
                show_more(now)

    look()


def _show_bar(job: Job) -> None:
    left, right = st.columns([5, 1], vertical_alignment="center")
    with left:
        st.progress(job.progress, text=escape(f"{WORDS.get(job.kind, job.kind)} {job.id}: {_doing(job)}"))
    with right:
        label = "Stopping …" if job.is_stopping else "Cancel"
        if st.button(label, key=f"cancel-{job.id}", disabled=job.is_stopping, width="stretch"):
            with errors_shown():
                job_board.cancel(get_store(), get_person(), job.id)
                st.rerun()


def _doing(job: Job) -> str:
    if job.state is JobState.RUNNING:
        return job.message or "starting"
    if (utc_now() - job.created_at).total_seconds() > PATIENCE_SECONDS:
        return "still waiting; another job is before it, or no worker runs (`steelyard worker` is one)"
    return "waiting for a worker"


def show_end(job: Job, *, done: str = "") -> None:
    """What became of a job that has ended: a sentence, and a button to start it again where it did not succeed.

    Args:
        job: an ended job.
        done: what to say when all is well.
    """
    when = show_time(job.finished_at)
    if job.state is JobState.DONE:
        if done:
            st.success(escape(done))
        return
    if job.state is JobState.CANCELLED:
        st.info(escape(f"{WORDS.get(job.kind, job.kind)} {job.id} was cancelled at {when}."))
    else:
        st.error(escape(f"{WORDS.get(job.kind, job.kind)} {job.id} failed at {when}. {job.message}"))
    again_button(job)


def again_button(job: Job) -> None:
    """Ask for the same work once more."""
    if st.button("Start again", key=f"again-{job.id}"):
        with errors_shown():
            ask_for(job_board.request_again(get_store(), get_person(), job.id))
            st.rerun()


def state_badge(state: JobState) -> None:
    """The state of a job as a coloured word."""
    st.badge(state.value, color=COLOURS[state])
