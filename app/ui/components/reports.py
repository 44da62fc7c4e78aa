"""A kept report on a page: as of when, whose votes, and what to do while a job works it out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import streamlit as st

from app import jobs
from app.domain import Campaign, JobState, RaterKind, utc_now
from app.services import quality
from app.services.quality import KeptReport, Wanted
from app.services.sessions import Person
from app.settings import settings
from app.stats.words import counted
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.session import get_store
from app.ui.words import say

LOOK_EVERY_SECONDS = 2.0
REST = timedelta(minutes=1)
"""A report of a large campaign is not made again sooner, however many people vote; the page says as of when it is."""

KIND_NAMES = {
    RaterKind.HUMAN: "human",
    RaterKind.MODEL: "model",
    RaterKind.PROGRAM: "program",
    RaterKind.SIMULATED: "simulated",
}


def folder() -> Path:
    """Where reports are kept."""
    return settings().data_directory / "reports"


def choose_kinds(campaign: Campaign, *, key: str) -> tuple[RaterKind, ...]:
    """Whose votes count; those of the campaign by default, and never an empty choice."""
    chosen = st.pills(
        "Kinds of rater",
        list(RaterKind),
        selection_mode="multi",
        default=list(campaign.counted_kinds),
        format_func=KIND_NAMES.__getitem__,
        key=f"{key}-kinds-{campaign.name}",
        label_visibility="collapsed",
    )
    return tuple(chosen) or campaign.counted_kinds


def open_report(
    person: Person,
    campaign: Campaign,
    name: str,
    *,
    kinds: tuple[RaterKind, ...] | None = None,
    by: str = "",
    round_name: str = "",
) -> KeptReport | None:
    """A report, at once where it is kept or quickly made.

    Where a large campaign has new votes, a job counts them: the page shows the last report kept (or nothing) and a
    line that says so, and comes back by itself.
    """
    store = get_store()
    wanted = quality.want(store, name, campaign.name, kinds=kinds, by=by, round_name=round_name)
    kept = quality.find(store, person.name, wanted, folder=folder())
    if kept is not None and (kept.is_current or utc_now() - kept.made_at < REST):
        return kept
    job = quality.find_job(store, wanted)
    if job is not None and job.state is JobState.DONE:
        kept = quality.find(store, person.name, wanted, folder=folder())
        if kept is not None and kept.is_current:
            return kept  # the job ended between two looks
        if (job.result or {}).get("code") != quality.code():
            st.error("The worker runs another version of Steelyard than this page. Restart both together.")
            return kept
    if job is None or job.state is JobState.DONE:
        _ask(person, wanted)
    _wait(person, wanted, is_first=kept is None)
    return kept


def show_stamp(kept: KeptReport, document: Mapping[str, Any] | None = None) -> None:
    """Whose votes, how many, and as of when."""
    facts = document if document is not None else kept.document
    parts = []
    if "kinds" in facts:
        parts.append(f"Counted kinds: {', '.join(facts['kinds'])}")
    for key, thing in (("n_comparisons", "comparison"), ("n_raters", "rater"), ("n_judgments", "judgment")):
        if key in facts:
            parts.append(counted(facts[key], thing))
    parts.append(f"as of event {kept.as_of_event:,}, {show_time(kept.as_of)}")
    st.caption(escape(" · ".join(parts)))


def percent(share: float | None) -> str:
    """A share as "53 %"; one decimal below 10 and above 90."""
    if share is None:
        return "undefined"
    return f"{100 * share:.{0 if 0.1 <= share <= 0.9 else 1}f} %"


def in_words(estimate: Mapping[str, Any], *, as_share: bool = True) -> str:
    """A number with its interval, or why there is none."""
    if estimate.get("value") is None:
        return say("undefined", reason=estimate.get("undefined_reason") or say("too-little"))
    show = percent if as_share else (lambda value: f"{value:.2f}")
    if estimate.get("low") is None or estimate.get("high") is None:
        return show(estimate["value"])
    return f"{show(estimate['value'])} [{show(estimate['low'])}, {show(estimate['high'])}]"


def n_of(estimate: Mapping[str, Any]) -> int:
    """How many things an estimate rests on, whatever they are called."""
    return next((value for key, value in estimate.items() if key == "n" or key.startswith("n_")), 0)


def _ask(person: Person, wanted: Wanted) -> None:
    """Have a job make a report."""
    arguments, campaign_id = quality.job_arguments(get_store(), wanted)
    arguments["folder"] = str(folder())
    jobs.enqueue(get_store(), quality.JOB_KIND, arguments, actor=person.name, campaign_id=campaign_id)


@st.fragment(run_every=LOOK_EVERY_SECONDS)
def _wait(person: Person, wanted: Wanted, *, is_first: bool) -> None:
    """Say that a job is at work, until it is done; then show the whole page again."""
    job = quality.find_job(get_store(), wanted)
    if job is None or job.state is JobState.DONE:
        st.rerun()
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        st.error(escape(f"Job {job.id} did not make this report: {job.message or job.state.value}."))
        if st.button("Try again", key=f"again-{wanted.name}-{wanted.by}"):
            _ask(person, wanted)
            st.rerun()
        return
    how_far = job.message or job.state.value
    if is_first:
        st.info(escape(f"Job {job.id} is working this out ({how_far}). It appears here by itself."))
    else:
        st.info(
            escape(f"There are new votes; job {job.id} is counting them ({how_far}). Below is the report as it stood.")
        )
