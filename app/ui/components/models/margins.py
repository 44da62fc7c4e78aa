"""Margins of rewards on held-out pairs, as a histogram: of a finished model, and of a run under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from app.stats.words import counted
from app.ui.components.charts import figure


def show_margins(histogram: Mapping[str, Any] | None, *, when: str = "", key: str, height: int = 240) -> None:
    """Reward of the chosen minus reward of the rejected response; nothing where there is no histogram.

    Args:
        histogram: `edges` and `counts`.
        when: of which step, for the reading.
        key: unique on the page.
        height: of the chart, pixels.
    """
    if not histogram or not sum(histogram["counts"]):
        return
    edges = histogram["edges"]
    table = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "pairs": histogram["counts"]})
    table["model"] = (table["from"] >= 0).map({True: "sides with the raters", False: "sides against them"})
    n_wrong = int(table.loc[table["to"] <= 0, "pairs"].sum())
    chart = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("from:Q", bin="binned", title="reward of the chosen minus the rejected"),
            x2="to:Q",
            y=alt.Y("pairs:Q", title="pairs"),
            color=alt.Color("model:N", legend=alt.Legend(orient="top", title=None)),
            tooltip=list(table.columns),
        )
    )
    figure(
        chart.properties(height=height),
        table,
        reading=f"{n_wrong:,} of {counted(int(table['pairs'].sum()), 'pair')} with a margin below 0{when}: "
        "there the model prefers the other response.",
        key=key,
    )
