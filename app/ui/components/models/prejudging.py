"""A model that judges before people: start it, what stands, what the audit says, and where people overturn it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.domain import Campaign
from app.services import job_board, prejudging_desk
from app.services.model_shelf import TrainedModel
from app.services.prejudging import AUDIT_RATE, MAX_ERROR, Prejudging
from app.settings import settings
from app.ui.components.charts import figure
from app.ui.components.grouped import single_intervals
from app.ui.components.jobs import ask_for, follow, show_end
from app.ui.components.models.compare import choose_model
from app.ui.components.page import empty_state, errors_shown
from app.ui.components.reports import in_words, open_report, show_stamp
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store

LEAD = (
    "Where a model is sure enough, its label stands and people are not asked. The threshold is calibrated on pairs "
    "that people have decided and the model has not seen; a share of the sure labels, drawn by lot, goes to people all "
    "the same. When their votes refute the bound, all labels of the batch are withdrawn."
)
OUTCOMES = {
    "accepted": "label stands",
    "audit": "audited by people",
    "people": "goes to people",
    "calibration": "calibration",
    "gold": "gold",
}
SHOWN_GROUPS = 12


def show_prejudging(campaign: Campaign, models: list[TrainedModel]) -> None:
    """The part of the page."""
    st.markdown(LEAD)
    jobs = job_board.jobs_of(get_store(), get_person(), campaign.name, "prejudge", limit=1)
    for job in jobs:
        if job.has_ended:
            show_end(job, done=str((job.result or {}).get("sentence", "")))
        else:
            follow(job)
    if not models:
        empty_state("No model yet", "Train one under Runs first.")
    elif not jobs or jobs[0].has_ended:
        _show_start(campaign, models)
    batches = prejudging_desk.batches_for(get_store(), get_person(), campaign.name)
    for batch in batches:
        _show_batch(campaign, batch)
    if batches:
        _show_overturned(campaign)


def _show_start(campaign: Campaign, models: list[TrainedModel]) -> None:
    with st.form("start-prejudging", border=True):
        model = choose_model("Model", models, key="prejudging-model")
        left, right = st.columns(2)
        with left:
            bound = st.number_input(
                "Largest error of labels that stand, %", 1.0, 50.0, 100 * MAX_ERROR, step=1.0, format="%g"
            )
        with right:
            rate = st.number_input(
                "Share of them that people audit, %", 1.0, 99.0, 100 * AUDIT_RATE, step=1.0, format="%g"
            )
        is_sent = st.form_submit_button("Let it judge first", type="primary")
    if is_sent:
        with errors_shown():
            ask_for(
                prejudging_desk.request_prejudging(
                    get_person(),
                    campaign.name,
                    model,
                    max_error=bound / 100,
                    audit_rate=rate / 100,
                    data_directory=settings().data_directory,
                )
            )
            st.rerun()


def _show_batch(campaign: Campaign, batch: Prejudging) -> None:
    state = "labels stand" if batch.state == "standing" else "withdrawn"
    with st.container(border=True):
        st.subheader(escape(f"Batch {batch.id}: {state}"), anchor=False)
        st.caption(escape(f"{batch.model} · round {batch.round} · {show_time(batch.started_at)}"))
        with st.container(horizontal=True):
            for outcome, words in OUTCOMES.items():
                if outcome in batch.outcomes:
                    st.metric(words, f"{batch.outcomes[outcome]:,}", width=150)
            error = batch.audit.error
            st.metric("audited error", "none yet" if error.value is None else f"{error.value:.0%}", width=150)
        st.markdown(escape(batch.sentence()))
        if batch.state == "standing" and batch.outcomes.get("accepted"):
            _show_withdraw(campaign, batch)


def _show_withdraw(campaign: Campaign, batch: Prejudging) -> None:
    with st.expander("Withdraw these labels"), st.form(f"withdraw-{batch.id}", border=False):
        reason = st.text_input("Why", key=f"withdraw-reason-{batch.id}", max_chars=300)
        if st.form_submit_button("Withdraw, and ask people"):
            with errors_shown():
                prejudging_desk.withdraw_for(get_store(), get_person(), campaign.name, batch.id, reason=reason)
                st.rerun()


def _show_overturned(campaign: Campaign) -> None:
    st.subheader("Where people overturn the model", anchor=False)
    kept = open_report(get_person(), campaign, "overturned")
    if kept is None:
        return
    report = kept.document
    if report["undefined_reason"]:
        st.markdown(escape(f"Nothing to report: {report['undefined_reason']}."))
        return
    show_stamp(kept)
    st.markdown(escape(f"{report['reading']} Share of all pairs: {in_words(report['rate'])}."))
    groups = pd.DataFrame(
        [
            {
                "group": f"{one['by']}: {one['name']}",
                "overturned": one["rate"]["value"],
                "from": one["rate"]["low"],
                "to": one["rate"]["high"],
                "n": one["n"],
                "stands out": "yes" if one["stands_out"] else "",
            }
            for one in report["groups"]
        ]
    )
    if not groups.empty:
        top = groups.head(SHOWN_GROUPS)
        figure(
            single_intervals(
                top, name="group", value="overturned", low="from", high="to", reference=report["rate"]["value"]
            ),
            groups,
            reading="Groups with the most corrections beyond their share, largest first; the dashed line is the share "
            "of all pairs, and the intervals hold for all groups together.",
            key="overturned",
        )
    if report["cases"]:
        with st.expander(f"The {len(report['cases'])} of which the model was surest"):
            st.dataframe(pd.DataFrame(report["cases"]), hide_index=True, width="stretch", key="overturned-cases")
