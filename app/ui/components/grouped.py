"""Interval charts of tables whose columns have names of their own."""

from __future__ import annotations

import altair as alt
import pandas as pd

from app.ui.components.interval_charts import HIGH, LOW, VALUE, interval_chart


def single_intervals(
    table: pd.DataFrame, *, name: str, value: str, low: str, high: str, reference: float | None = None
) -> alt.LayerChart:
    """A point with its interval per row, lying, each with its name; `reference` is a line to compare with."""
    renamed = table.rename(columns={value: VALUE, low: LOW, high: HIGH})
    return interval_chart(renamed, name=name, title=value, as_share=False, reference=reference)


def grouped_intervals(table: pd.DataFrame, *, name: str, group: str, value: str, low: str, high: str) -> alt.LayerChart:
    """The same, the groups of a name one below the other in colours; `group` is the column that tells them apart."""
    renamed = table.rename(columns={value: VALUE, low: LOW, high: HIGH})
    return interval_chart(renamed, name=name, series=group, title=value, as_share=False)
