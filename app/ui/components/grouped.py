"""Estimates with intervals, two or more side by side for each name: for comparing."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd


def single_intervals(
    table: pd.DataFrame, *, name: str, value: str, low: str, high: str, reference: float | None = None
) -> alt.LayerChart:
    """A point with its interval per row, lying, each with its name; `reference` is a line to compare with."""
    return grouped_intervals(
        table.assign(all=""), name=name, group="all", value=value, low=low, high=high, reference=reference
    )


def grouped_intervals(
    table: pd.DataFrame,
    *,
    name: str,
    group: str,
    value: str,
    low: str,
    high: str,
    reference: float | None = None,
) -> alt.LayerChart:
    """A point with its interval per row, lying; the groups of a name stand one below the other, in colours.

    Args:
        table: one row per name and group; names of columns without dots or brackets.
        name: column with the names.
        group: column that is told apart by colour.
        value: column with the estimate.
        low: column with the lower end.
        high: column with the upper end.
        reference: a line to compare with.
    """
    drawn = table[table[value].notna()]
    n_groups, n_names = max(1, drawn[group].nunique()), max(1, drawn[name].nunique())
    legend = alt.Legend(orient="top", title=None, columns=1, labelLimit=320) if n_groups > 1 else None
    base = alt.Chart(drawn).encode(
        y=alt.Y(f"{name}:N", sort=None, title=None, axis=alt.Axis(labelLimit=230, labelOverlap=False)),
        yOffset=alt.YOffset(f"{group}:N", sort=None),
        color=alt.Color(f"{group}:N", sort=None, legend=legend),
        tooltip=[column for column in table.columns if column != "all"],
    )
    scale = alt.Scale(zero=False)
    x: dict[str, Any] = {"scale": scale, "title": value, "axis": alt.Axis(tickCount=6)}
    layers = [
        base.mark_rule(strokeWidth=2).encode(x=alt.X(f"{low}:Q", **x), x2=f"{high}:Q"),
        base.mark_point(filled=True, size=60, opacity=1).encode(x=alt.X(f"{value}:Q", **x)),
    ]
    if reference is not None:
        line = alt.Chart(pd.DataFrame({value: [reference]})).mark_rule(strokeDash=[4, 4], color="#8a949b")
        layers.insert(0, line.encode(x=alt.X(f"{value}:Q", **x)))
    rows = n_names * (14 + 18 * n_groups)
    return alt.layer(*layers).properties(height=rows + 60 + (24 * n_groups if legend else 0))
