"""Estimates with intervals, two or more side by side for each name: for comparing."""

from __future__ import annotations

import altair as alt
import pandas as pd


def grouped_intervals(table: pd.DataFrame, *, name: str, group: str, value: str, low: str, high: str) -> alt.LayerChart:
    """A point with its interval per row, lying; the groups of a name stand one below the other, in colours.

    Args:
        table: one row per name and group; names of columns without dots or brackets.
        name: column with the names.
        group: column that is told apart by colour.
        value: column with the estimate.
        low: column with the lower end.
        high: column with the upper end.
    """
    drawn = table[table[value].notna()]
    base = alt.Chart(drawn).encode(
        y=alt.Y(f"{name}:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
        yOffset=alt.YOffset(f"{group}:N", sort=None),
        color=alt.Color(
            f"{group}:N", sort=None, legend=alt.Legend(orient="top", title=None, columns=1, labelLimit=320)
        ),
        tooltip=list(table.columns),
    )
    scale = alt.Scale(zero=False)
    rules = base.mark_rule(strokeWidth=2).encode(x=alt.X(f"{low}:Q", scale=scale, title=value), x2=f"{high}:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x=alt.X(f"{value}:Q", scale=scale, title=value))
    n_rows = max(1, drawn[name].nunique()) * max(1, drawn[group].nunique())
    return alt.layer(rules, points).properties(height=max(90, 24 * n_rows))
