"""Cheap tricks: what a model makes of responses that were dressed up or damaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.ui.components.charts import figure
from app.ui.components.grouped import single_intervals

NOTE = (
    "Dressed up: the rejected response, and of the pairs that the model had right, the share that it then gets wrong. "
    "Damaged: the chosen response, and the share that is not ranked below the original. Shift: mean change of the "
    "reward, in standard deviations of the margins. A policy that is trained against the model finds what it pays for."
)


def show_probes(document: Mapping[str, Any]) -> None:
    """The table and its picture; nothing for reports that were made before there were probes."""
    rows = [
        {
            "probe": one["name"],
            "side": {"rejected": "dressed up", "chosen": "damaged"}[one["side"]],
            "fooled": one["fooled"]["value"],
            "from": one["fooled"].get("low"),
            "to": one["fooled"].get("high"),
            "n": one["fooled"].get("n"),
            "shift": one["shift"]["value"],
        }
        for one in document.get("probes", ())
    ]
    table = pd.DataFrame(rows)
    known = table[table["fooled"].notna()] if rows else table
    if known.empty:
        return
    st.subheader("Cheap tricks", anchor=False)
    worst = known.loc[known["from"].idxmax()]  # the one that is surely bad, not the one of a single pair
    figure(
        single_intervals(known, name="probe", value="fooled", low="from", high="to", reference=0.5),
        table,
        reading=f"Most is lost where a response is {worst['side']} ({worst['probe']}): the model is fooled "
        f"{worst['fooled']:.0%} of the time (n = {int(worst['n']):,}); bars are 95 % intervals.",
        key="probes",
    )
    st.caption(NOTE)
