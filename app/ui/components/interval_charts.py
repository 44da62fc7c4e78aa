"""Charts of estimates with their intervals: several series on one axis, a triangle of pairs, stated against realised.

All take tidy frames with readable column names; rows without a value are left out by `defined`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.ui.components.charts import figure
from app.ui.components.reports import n_of
from app.ui.components.text import escape

VALUE, LOW, HIGH, N, WHY = "Value", "Low", "High", "n", "Undefined because"
_NAME_AXIS = alt.Axis(
    labelLimit=220,
    labelFontSize=13,
    labelFlush=False,
    labelOverlap=False,
    labelExpr="split(replace(datum.label, /(: | over |, )/, '$1|'), '|')",
)
"""Names of rows; long ones take two lines, so that a narrow screen keeps room for the points."""

CELL = "cell"
"""The name under which a picked square of `triangle` is found in the selection of its chart."""

ROW_HEIGHT, BESIDE_ROWS, LEGEND_HEIGHT, LEGEND_ROW = 36, 75, 26, 24
"""Of one name (of two lines, perhaps), of the axis with its title, of the space round a legend, and of its rows."""


def estimate_row(name: Mapping[str, str], estimate: Mapping[str, Any]) -> dict[str, Any]:
    """One row of a table of estimates.

    Args:
        name: what the row is about: column -> text.
        estimate: with value, low, high, its n and undefined_reason.
    """
    return {
        **name,
        VALUE: estimate.get("value"),
        LOW: estimate.get("low"),
        HIGH: estimate.get("high"),
        N: n_of(estimate),
        WHY: estimate.get("undefined_reason") or "",
    }


def estimates(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of `estimate_row` as a frame; the reason has a column only where one is given."""
    table = pd.DataFrame(list(rows))
    if WHY in table and not table[WHY].any():
        table = table.drop(columns=WHY)
    return table


def defined(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a value."""
    return table[table[VALUE].notna()] if len(table) else table


def column_formats(*, as_share: bool) -> dict[str, Any]:
    """How the numbers of a table of estimates are written."""
    written = "percent" if as_share else "%.3f"
    return {name: st.column_config.NumberColumn(format=written) for name in (VALUE, LOW, HIGH)}


def show_intervals(
    table: pd.DataFrame,
    *,
    reading: str,
    key: str,
    as_share: bool = True,
    columns: Mapping[str, Any] | None = None,
    **chart: Any,
) -> None:
    """A picture of estimates with its reading and table; where none is defined, the reasons instead of the picture.

    Args:
        table: from `estimates`.
        reading: what to see.
        key: unique on the page.
        as_share: write numbers as percentages.
        columns: how further columns of the table are written.
        **chart: of `interval_chart`.
    """
    written = column_formats(as_share=as_share) | dict(columns or {})
    if len(defined(table)):
        figure(interval_chart(table, as_share=as_share, **chart), table, reading=reading, key=key, **written)
        return
    st.markdown(escape(reading))
    st.dataframe(table, hide_index=True, width="stretch", column_config=written, key=f"table-{key}")


def interval_chart(
    table: pd.DataFrame,
    *,
    name: str,
    series: str | None = None,
    title: str,
    as_share: bool = True,
    domain: tuple[float, float] | None = None,
    reference: float | None = None,
) -> alt.LayerChart:
    """Points with their intervals, one row per name; series stand above each other in their own colours.

    Args:
        table: from `estimates`.
        name: the column with the names.
        series: the column that tells series apart, or None.
        title: of the axis.
        as_share: write shares as percentages.
        domain: the ends of the axis; from the data by default.
        reference: a dashed line to compare with.
    """
    shown = defined(table)
    scale = alt.Scale(domain=domain) if domain else alt.Scale(zero=False, nice=True)
    axis = alt.Axis(format=".1~%" if as_share else "~g", title=title, tickCount=6)
    names = list(dict.fromkeys(shown[name]))
    encoding: dict[str, Any] = {
        "y": alt.Y(f"{_field(name)}:N", sort=names, title=None, axis=_NAME_AXIS),
        "tooltip": [alt.Tooltip(_field(column), title=column) for column in shown.columns],
    }
    per_name = 1
    if series is not None:
        order = list(dict.fromkeys(shown[series]))
        per_name = max(1, int(shown.groupby(name, sort=False)[series].nunique().max()))
        if per_name > 1:
            encoding["yOffset"] = alt.YOffset(f"{series}:N", sort=order)
        encoding["color"] = alt.Color(
            f"{series}:N", sort=order, legend=alt.Legend(orient="top", title=None, direction="vertical", labelLimit=320)
        )
    base = alt.Chart(shown).encode(**encoding)
    low, value = (alt.X(f"{column}:Q", scale=scale, axis=axis) for column in (LOW, VALUE))
    rules = base.mark_rule(strokeWidth=2.5, **_colour(series)).encode(x=low, x2=HIGH)
    points = base.mark_point(filled=True, size=75, opacity=1, **_colour(series)).encode(x=value)
    layers = [rules, points]
    if reference is not None:
        line = alt.Chart(pd.DataFrame({"x": [reference]})).mark_rule(strokeDash=[4, 4], color="#8a949a", tooltip=None)
        layers.insert(0, line.encode(x=alt.X("x:Q", scale=scale, axis=axis)))
    legend = 0 if series is None else LEGEND_HEIGHT + LEGEND_ROW * shown[series].nunique()
    rows = ROW_HEIGHT * (1 + 0.45 * (per_name - 1)) * len(names)
    return alt.layer(*layers).properties(height=rows + BESIDE_ROWS + legend)


def triangle(table: pd.DataFrame, *, x: str, y: str, value: str, label: str, small: str) -> alt.LayerChart:
    """A square for every pair, darker for more; two lines of text on each.

    Args:
        table: one row per pair.
        x: the column of one side.
        y: the column of the other side.
        value: what the colour shows; no colour where it is missing.
        label: the column with the large text.
        small: the column with the small text.
    """
    columns, rows = list(dict.fromkeys(table[x])), list(dict.fromkeys(table[y]))
    angle = 0 if len(columns) <= 4 else -30
    base = alt.Chart(table).encode(
        x=alt.X(
            f"{x}:N",
            sort=columns,
            title=None,
            axis=alt.Axis(labelAngle=angle, labelLimit=140, labelFontSize=13, labelFlush=False),
        ),
        y=alt.Y(f"{y}:N", sort=rows, title=None, axis=alt.Axis(labelLimit=160, labelFontSize=13)),
        tooltip=[alt.Tooltip(column) for column in table.columns if column not in (label, small)],
    )
    top = max(0.01, float(table[value].max())) if table[value].notna().any() else 1.0
    squares = base.mark_rect(cornerRadius=5, cursor="pointer", stroke="rgba(127,127,127,.35)", strokeWidth=1).encode(
        color=alt.condition(
            f"isValid(datum['{value}'])",
            alt.Color(f"{value}:Q", scale=alt.Scale(domain=[0, top]), legend=None),
            alt.value("rgba(127,127,127,.08)"),
        )
    )
    squares = squares.add_params(alt.selection_point(name=CELL, fields=[x, y], on="click"))
    on_dark, plain = ("#10171b", "#e4e9ec") if _is_dark() else ("#ffffff", "#1f2a30")
    ink = alt.condition(f"datum['{value}'] > {0.55 * top}", alt.value(on_dark), alt.value(plain))
    large = base.mark_text(fontWeight=600, fontSize=15, dy=-7, cursor="pointer").encode(text=f"{label}:N", color=ink)
    note = base.mark_text(fontSize=11, dy=11, cursor="pointer").encode(text=f"{small}:N", color=ink)
    return alt.layer(squares, large, note).properties(height=74 * len(rows) + 50)


def calibration_chart(table: pd.DataFrame, *, stated: str, series: str) -> alt.LayerChart:
    """What a method states against what it reaches; on the diagonal it is honest."""
    shown = defined(table)
    axis = alt.Axis(format=".1~%", tickCount=5)
    scale = alt.Scale(domain=[0, 1])
    diagonal = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]})
    line = alt.Chart(diagonal).mark_line(strokeDash=[4, 4], color="#8a949a", tooltip=None).encode(x="x:Q", y="y:Q")
    base = alt.Chart(shown).encode(
        x=alt.X(f"{stated}:Q", scale=scale, axis=axis, title="stated confidence"),
        color=alt.Color(f"{series}:N", legend=alt.Legend(orient="top", title=None, labelLimit=320)),
        tooltip=[alt.Tooltip(column) for column in shown.columns],
    )
    reached = alt.Y(f"{VALUE}:Q", scale=scale, axis=axis, title="right on gold")
    rules = base.mark_rule(strokeWidth=1.5).encode(y=alt.Y(f"{LOW}:Q", scale=scale, axis=axis), y2=HIGH)
    return alt.layer(line, rules, base.mark_point(filled=True, size=75, opacity=1).encode(y=reached)).properties(
        height=300
    )


def _colour(series: str | None) -> dict[str, Any]:
    """The colour of a single series: rules are black by themselves, which a dark page swallows."""
    return {} if series is not None else {"color": "#6fb1d0" if _is_dark() else "#2f7396"}


def _field(column: str) -> str:
    """A column's name for Vega, in which dots, brackets and colons mean something."""
    return "".join(f"\\{letter}" if letter in ".[]:" else letter for letter in column)


def _is_dark() -> bool:
    """Whether the visitor's theme is dark; light where it is not known yet."""
    return st.context.theme.type == "dark"
