"""What to judge again after a change: to read, comparison by comparison, and to take along."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign, RaterKind
from app.services import staleness
from app.services.staleness import StaleComparison, StaleList
from app.stats.implied import SHOW_FROM
from app.stats.results import Estimate
from app.stats.words import counted
from app.ui.components.case import show_case
from app.ui.components.explain import explain
from app.ui.components.page import errors_shown
from app.ui.components.reports import in_words
from app.ui.components.text import escape
from app.ui.session import get_person, get_store

SHOWN = 200


def show_stale(campaign: Campaign, version: str, kinds: tuple[RaterKind, ...]) -> None:
    """The list for a new version.

    Args:
        campaign: the campaign.
        version: the new version.
        kinds: whose votes the old labels rest on.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("What to judge again", anchor=False, width="content")
        explain("stale")
    with errors_shown():
        found = staleness.list_stale(get_store(), get_person().name, campaign.name, version=version, kinds=kinds)
        if not found.rows:
            st.text("No label rests on anything that changed: nothing needs to be judged again.")
            return
        st.markdown(f"**{escape(reading(found))}**")
        st.download_button(
            "Download as priorities.jsonl",
            staleness.priority_lines(found.rows),
            file_name="priorities.jsonl",
            mime="application/jsonl",
            on_click="ignore",
        )
        _show_rows(campaign, found.rows)


def reading(found: StaleList) -> str:
    """How much is stale, with interval where enough comparisons carry it."""
    n, n_flips = found.share.n, sum(one.flips for one in found.rows)
    if n < SHOW_FROM:
        return (
            f"{len(found.rows)} of {counted(n, 'comparison')} {'rests' if len(found.rows) == 1 else 'rest'} on what "
            f"changed; the rubric's own label flips in {n_flips}. Under {SHOW_FROM} comparisons no share is claimed."
        )
    return (
        f"{len(found.rows):,} of {counted(n, 'comparison')} rest on what changed, {_said(found.share)}; the rubric's "
        f"own label flips in {n_flips:,}, {_said(found.flips)}."
    )


def _said(estimate: Estimate) -> str:
    return in_words({"value": estimate.value, "low": estimate.low, "high": estimate.high})


def _show_rows(campaign: Campaign, rows: tuple[StaleComparison, ...]) -> None:
    """The most valuable; the one that is chosen is opened with its votes."""
    numbers = ("Value", "Rests on the change", "Near to flipping")
    picked = st.dataframe(
        [
            {
                "Comparison": one.comparison_id,
                "Value": one.priority,
                "Votes": one.n_judgments,
                "Rests on the change": one.exposure,
                "Near to flipping": one.nearness,
                "Implied label flips": "flips" if one.flips else "",
                "Why": one.reason,
            }
            for one in rows[:SHOWN]
        ],
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="single-row",
        key=f"stale-{campaign.name}",
        column_config={name: st.column_config.NumberColumn(format="%.2f") for name in numbers},
    )
    if len(rows) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(rows):,}; the file has all of them.")
    chosen = [place for place in picked.selection.rows if place < min(len(rows), SHOWN)]
    if chosen:
        show_case(campaign, rows[chosen[0]].comparison_id, key="stale")
    else:
        st.caption("Choose a row to read the comparison with its votes.")
