"""Pictures with words: each says in one sentence what to see, and has its numbers as a table beside it.

Charts are Altair charts in the theme's colours; the makers below cover what the pages draw. Every one takes a tidy
frame with readable column names, because the table view shows that same frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.ui.components.text import escape

AnyChart = alt.Chart | alt.LayerChart | alt.ConcatChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart

HEIGHT = 280


def figure(
    chart: AnyChart,
    table: pd.DataFrame,
    *,
    reading: str,
    key: str,
    on_select: Callable[[], None] | None = None,
    **columns: Any,
) -> None:
    """A chart with its one-sentence reading above it and its numbers in a second tab.

    Args:
        chart: an Altair chart.
        table: the numbers behind it, under the names that people read.
        reading: what to see, with the n behind it.
        key: unique on the page.
        on_select: called when something of the chart was picked; what, is in the state `chart-KEY`.
        columns: `column_config` of the table, by column.
    """
    with st.container(key=f"figure-{key}"):
        st.markdown(escape(reading))
        picture, numbers = st.tabs(["Chart", "Table"], key=f"figure-tabs-{key}")
        with picture:
            st.altair_chart(chart, width="stretch", key=f"chart-{key}", alt=reading, on_select=on_select or "ignore")
        with numbers:
            st.dataframe(table, hide_index=True, width="stretch", column_config=columns or None, key=f"table-{key}")


def bars(table: pd.DataFrame, *, x: str, y: str, colour: str | None = None, height: int = HEIGHT) -> alt.Chart:
    """One bar per row; `y` may be a quantity and `x` a name, or the other way round for lying bars."""
    chart = alt.Chart(table).mark_bar(cornerRadius=2)
    return chart.encode(**_encoding(table, x=x, y=y, colour=colour)).properties(height=height)


def lines(table: pd.DataFrame, *, x: str, y: str, colour: str | None = None, height: int = HEIGHT) -> alt.Chart:
    """A line through the rows, with a point on each."""
    chart = alt.Chart(table).mark_line(point=True)
    return chart.encode(**_encoding(table, x=x, y=y, colour=colour)).properties(height=height)


def _encoding(table: pd.DataFrame, *, x: str, y: str, colour: str | None) -> dict[str, Any]:
    encoding: dict[str, Any] = {
        "x": alt.X(f"{_field(x)}:{_kind(table[x])}", title=x, sort=None),
        "y": alt.Y(f"{_field(y)}:{_kind(table[y])}", title=y, sort=None),
        "tooltip": [alt.Tooltip(_field(column), title=column) for column in table.columns],
    }
    if colour:
        legend = alt.Legend(orient="top", title=None)
        encoding["color"] = alt.Color(f"{_field(colour)}:N", legend=legend, sort=None)
    return encoding


def _field(column: str) -> str:
    """A column's name for Vega, in which dots, brackets and colons mean something."""
    return "".join(f"\\{letter}" if letter in ".[]:" else letter for letter in column)


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(column):
        return "T"
    return "Q" if pd.api.types.is_numeric_dtype(column) else "N"
