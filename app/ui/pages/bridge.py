"""Bridge: a sample judged again under a new version; what moved, whether old votes stand, and what to judge again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.domain import Campaign, RaterKind, Round
from app.policy import Action
from app.services import bridging, staleness
from app.services.bridging import Plan
from app.services.sessions import Person
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.explain import explain
from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
from app.ui.components.page import campaign_header, empty_state, errors_shown
from app.ui.components.pilot.start import show_simulation
from app.ui.components.reports import choose_kinds, counted, open_report, percent, show_stamp
from app.ui.components.text import escape
from app.ui.components.versions import all_versions, version_words
from app.ui.session import get_person, get_store

LEAD = "Judge a sample again under a new version: what moved, and may the old votes stand beside the new ones?"
VERDICTS = {
    "carry over": "may be carried over",
    "do not": "may not be carried over",
    "not shown": "not shown either way",
    "too few": "too few comparisons",
}
SHOWN = 200


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
    _show_stale(campaign, chosen, kinds)
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
        for key, words in (("only_old", "Only the old version asks"), ("only_new", "Only the new version asks")):
            if document[key]:
                st.text(f"{words}: {', '.join(document[key])}.")
        _show_shifts(document)


def _show_shifts(document: Mapping[str, Any]) -> None:
    """How far every criterion moved, beside the verdict on its old votes."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("What moved", anchor=False, width="content")
        explain("bridge")
    shown = [row for row in document["criteria"] if row["enough_to_show"]]
    few = [row["criterion"] for row in document["criteria"] if not row["enough_to_show"]]
    if shown:
        rows = []
        for row in shown:
            name = {"Criterion": row["criterion"]}
            rows.append(estimate_row({**name, "Series": "shift towards the first response"}, row["shift"]))
            rows.append(estimate_row({**name, "Series": "bolder (above 0) or more timid"}, row["strength"]))
        most = max(shown, key=lambda row: abs(row["shift"]["value"]))
        shift = most["shift"]
        ends = f"[{shift['low']:+.2f}, {shift['high']:+.2f}]"
        reading = (
            f"{most['criterion']} moved most: by {shift['value']:+.2f} points {ends} over {shift['n_comparisons']} "
            f"comparisons; the margin is {document['margin']:g}."
        )
        show_intervals(
            estimates(rows),
            reading=reading,
            key="shifts",
            as_share=False,
            name="Criterion",
            series="Series",
            title="points of the scale",
            reference=0.0,
        )
        st.dataframe(
            [
                {
                    "Criterion": row["criterion"],
                    "Old votes": VERDICTS[row["verdict"]],
                    "Same side": percent(row["same_side"]["value"]),
                    "n": row["shift"]["n_comparisons"],
                    "n that would tell": row["n_needed"],
                }
                for row in shown
            ],
            hide_index=True,
            width="stretch",
        )
    if few:
        st.caption(escape(f"Under 20 comparisons judged under both, so nothing is claimed of: {', '.join(few)}."))


def _show_stale(campaign: Campaign, chosen: Round, kinds: tuple[RaterKind, ...]) -> None:
    """What to judge again, to read and to take along."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("What to judge again", anchor=False, width="content")
        explain("stale")
    with errors_shown():
        rows = staleness.list_stale(
            get_store(), get_person().name, campaign.name, version=chosen.rubric_version, kinds=kinds
        )
        if not rows:
            st.text("No label rests on anything that changed: nothing needs to be judged again.")
            return
        n_flips = sum(one.flips for one in rows)
        st.markdown(
            f"**{counted(len(rows), 'comparison')}** rest on what changed; the rubric's own label flips in {n_flips}."
        )
        st.download_button(
            "Download as priorities.jsonl",
            staleness.priority_lines(rows),
            file_name="priorities.jsonl",
            mime="application/jsonl",
            on_click="ignore",
        )
        st.dataframe(
            [
                {
                    "Comparison": one.comparison_id,
                    "Value": one.priority,
                    "Rests on the change": one.exposure,
                    "Near to flipping": one.nearness,
                    "Implied label flips": one.flips,
                    "Why": one.reason,
                }
                for one in rows[:SHOWN]
            ],
            hide_index=True,
            width="stretch",
            column_config={
                name: st.column_config.NumberColumn(format="%.2f")
                for name in ("Value", "Rests on the change", "Near to flipping")
            },
        )
        if len(rows) > SHOWN:
            st.caption(f"The first {SHOWN} of {len(rows):,}; the file has all of them.")
