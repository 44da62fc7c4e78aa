"""How far every criterion moved from one version to the next, beside the verdict on its old votes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.stats.bridge import MIN_UNITS
from app.stats.words import counted
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


SHIFT, STRENGTH = "shift: + to A, \u2212 to B", "strength: + bolder"
WORDS = {"shift": ("towards A", "towards B"), "strength": ("bolder", "more timid")}


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
        rows.append(estimate_row({**name, "Series": SHIFT}, row["shift"]))
        rows.append(estimate_row({**name, "Series": STRENGTH}, row["strength"]))
    show_intervals(
        estimates(rows),
        reading=_reading(shown, document),
        key="shifts",
        as_share=False,
        name="Criterion",
        series="Series",
        title="points of the scale, new minus old",
        reference=0.0,
    )


def _reading(shown: list[Document], document: Document) -> str:
    """What moved most, in which direction."""
    moves = [(row["criterion"], key, row[key]) for row in shown for key in WORDS]
    criterion, key, most = max(moves, key=lambda move: abs(move[2]["value"]))
    above, below = WORDS[key]
    is_shown = most["low"] > 0 or most["high"] < 0
    where = (above if most["value"] > 0 else below) if is_shown else "so no move is established"
    return (
        f"{criterion} moved most: by {most['value']:+.2f} points of {key} [{most['low']:+.2f}, {most['high']:+.2f}], "
        f"{where}, over {counted(most['n_comparisons'], 'comparison')}; the margin is {document['margin']:g}."
    )


def _verdict(row: Document) -> dict[str, Any]:
    return {
        "Criterion": row["criterion"],
        "Old votes": VERDICTS[row["verdict"]],
        "Same side": in_words(row["same_side"]),
        "n": row["shift"]["n_comparisons"],
        "n that would tell": f"{row['n_needed']:,}" if row["n_needed"] else "",
    }
