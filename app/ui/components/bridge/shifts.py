"""How far every criterion moved from one version to the next, beside the verdict on its old votes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.stats.bridge import MIN_UNITS
from app.ui.components.explain import explain
from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
from app.ui.components.reports import in_words
from app.ui.components.text import escape

Document = Mapping[str, Any]
VERDICTS = {
    "carry over": "may be carried over",
    "do not": "may not be carried over",
    "not shown": "not shown either way",
    "too few": "too few comparisons",
}


def show_shifts(document: Document) -> None:
    """Shift and strength of every criterion with enough comparisons, and what becomes of its old votes."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("What moved", anchor=False, width="content")
        explain("bridge")
    shown = [row for row in document["criteria"] if row["enough_to_show"]]
    few = [row["criterion"] for row in document["criteria"] if not row["enough_to_show"]]
    if shown:
        _show_picture(shown, document)
        st.dataframe([_verdict(row) for row in shown], hide_index=True, width="stretch")
    if few:
        st.caption(
            escape(f"Under {MIN_UNITS} comparisons judged under both, so nothing is claimed of: {', '.join(few)}.")
        )


def _show_picture(shown: list[Document], document: Document) -> None:
    rows = []
    for row in shown:
        name = {"Criterion": row["criterion"]}
        rows.append(estimate_row({**name, "Series": "shift: above 0 towards A, below 0 towards B"}, row["shift"]))
        rows.append(estimate_row({**name, "Series": "strength: above 0 bolder, below 0 more timid"}, row["strength"]))
    most = max(shown, key=lambda row: abs(row["shift"]["value"]))
    shift = most["shift"]
    ends = f"[{shift['low']:+.2f}, {shift['high']:+.2f}]"
    side = "A" if shift["value"] > 0 else "B"
    reading = (
        f"{most['criterion']} moved most: by {shift['value']:+.2f} points {ends} towards {side} over "
        f"{shift['n_comparisons']} comparisons; the margin is {document['margin']:g}."
    )
    show_intervals(
        estimates(rows),
        reading=reading,
        key="shifts",
        as_share=False,
        name="Criterion",
        series="Series",
        title="points of the scale, new minus old",
        reference=0.0,
    )


def _verdict(row: Document) -> dict[str, Any]:
    return {
        "Criterion": row["criterion"],
        "Old votes": VERDICTS[row["verdict"]],
        "Same side": in_words(row["same_side"]),
        "n": row["shift"]["n_comparisons"],
        "n that would tell": row["n_needed"],
    }
