"""Audits: batches of settled comparisons, a sample that one judges without seeing the label, and what it decides."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.domain import Campaign
from app.errors import SteelyardError
from app.policy import Action
from app.services import audits
from app.services.audits import Audit
from app.services.sessions import Person
from app.stats.sampling_plans import find_plan
from app.ui.components.audit_case import NOTICE, promise, show_open_audit
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state, show_error, show_notice
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store

LEAD = "A sample of what the votes settled, judged by somebody senior; too many wrong labels send the batch back."


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Audits", person, Action.ADJUDICATE, lead=LEAD)
    if campaign is None:
        return
    show_notice(NOTICE)
    found = audits.list_audits(get_store(), person.name, campaign.name)
    waiting = audits.n_waiting(get_store(), person.name, campaign.name)
    for audit in found:
        if audit.state == audits.OPEN:
            with st.container(key=f"audit-{audit.id}", gap="small"):
                show_open_audit(person, campaign, audit)
    if waiting:
        _show_start(person, campaign, waiting)
    if found:
        st.subheader("All audits", anchor=False)
        st.dataframe(_table(found), hide_index=True, width="stretch", key="audits")
    elif not waiting:
        empty_state(
            "Nothing to audit yet",
            "Comparisons appear here once their votes settle them. A round can open audits by itself (its rules).",
            to="plan",
            label="How far the votes are",
        )


def _show_start(person: Person, campaign: Campaign, waiting: dict[str, int]) -> None:
    st.subheader("Start an audit", anchor=False)
    left, middle, right = st.columns(3)
    with left:
        name = st.selectbox("Round", list(waiting), format_func=lambda one: f"{one} ({waiting[one]:,} settled)")
    with middle:
        size = st.number_input("Comparisons in the batch", 1, 100_000, min(audits.BATCH, waiting[name]))
    with right:
        bad = st.number_input("Wrong labels that must not pass, %", 6, 90, round(audits.BAD * 100))
    plan = find_plan(min(int(size), waiting[name]), good=audits.GOOD, bad=bad / 100)
    st.caption(promise(plan))
    if st.button("Start", key="start-audit", type="primary"):
        try:
            options = {"round_name": name, "size": int(size), "bad": bad / 100}
            audits.start(get_store(), person.name, campaign.name, **options)
        except SteelyardError as error:
            show_error(error)
            return
        st.rerun()


def _table(found: list[Audit]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "round": one.round,
                "audit": one.position,
                "state": one.state,
                "batch": one.n_items,
                "inspected": f"{one.n_inspected} of {one.plan.n}",
                "wrong": f"{one.n_defects}, {one.plan.c} allowed",
                "share wrong": _share(one),
                "opened": show_time(one.opened_at),
                "by": one.opened_by,
            }
            for one in found
        ]
    )


def _share(audit: Audit) -> str:
    share = audit.defect_share
    if share.value is None:
        return "none inspected"
    return f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}], n = {share.n}"
