"""Drift lines: how raters' answers on gold went over time, and when that deserves a talk or a pause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.stats.words import counted
from app.ui.components.charts import figure
from app.ui.components.explain import explain
from app.ui.components.reports import percent
from app.ui.words import say

Card = Mapping[str, Any]

LINES = {"path": "CUSUM", "accuracy": "rolling accuracy, last 20"}
WARN_AT, STOP_AT = 3.5, 4.5
MOST_LINES = 8
"""More lines in one picture cannot be told apart."""
ANSWER, RATER = "gold answer", "Rater"


def show_drift(cards: Sequence[Card]) -> None:
    """One line per rater, those with the strongest evidence of decline first."""
    st.subheader("Drift on gold", anchor=False)
    explain("drift")
    measured = sorted((card for card in cards if card["drift"]["n"]), key=lambda card: -card["drift"]["level"])
    if not measured:
        st.text("Nobody has answered gold yet. Give some comparisons a gold key, and lines appear here.")
        return
    key = st.segmented_control(
        "Line", list(LINES), format_func=LINES.__getitem__, default="path", key="drift-line", required=True
    )
    drawn = measured[:MOST_LINES]
    table = pd.concat([_points(card, key) for card in drawn], ignore_index=True)
    figure(_chart(table, key), table, reading=_reading(measured), key="drift")


def show_own_drift(card: Card) -> None:
    """A rater's own rolling accuracy; without gold answers nothing."""
    if not card["drift"]["n"]:
        return
    table = _points(card, "accuracy").drop(columns=RATER)
    last, n = card["drift"]["accuracy"][-1], card["drift"]["n"]
    reading = say("own-drift", last=min(n, 20), share=percent(last), n=n)
    figure(_chart(table, "accuracy"), table, reading=reading, key="own-drift")


def _points(card: Card, key: str) -> pd.DataFrame:
    drift = card["drift"]
    first = drift["first"]
    numbers = range(first, first + len(drift[key]))
    return pd.DataFrame({RATER: card["rater"], ANSWER: numbers, LINES[key]: drift[key]})


def _chart(table: pd.DataFrame, key: str) -> alt.LayerChart:
    """Steps, with the two thresholds of the CUSUM."""
    is_path = key == "path"
    top = max(STOP_AT + 0.5, float(table[LINES[key]].max())) if is_path else 1.0
    axis = alt.Axis(tickMinStep=1, format="d")
    scale = alt.Scale(domain=[0, top], nice=False)
    y = alt.Y(f"{LINES[key]}:Q", scale=scale, axis=alt.Axis(format="~g" if is_path else ".0%"), title=LINES[key])
    encoding: dict[str, Any] = {"x": alt.X(f"{ANSWER}:Q", axis=axis, title="number of the gold answer"), "y": y}
    if RATER in table:
        legend = alt.Legend(orient="top", title=None, columns=3, labelLimit=90)
        encoding["color"] = alt.Color(f"{RATER}:N", sort=None, legend=legend)
    encoding["tooltip"] = [alt.Tooltip(column) for column in table.columns]
    lines = alt.Chart(table).mark_line(interpolate="step-after" if is_path else "linear", point=len(table) < 40)
    layers: list[alt.Chart] = [lines.encode(**encoding)]
    if is_path:
        limits = pd.DataFrame({"at": [WARN_AT, STOP_AT]})
        rule = alt.Chart(limits).mark_rule(strokeDash=[4, 4], color="#8a949a", tooltip=None)
        layers.insert(0, rule.encode(y=alt.Y("at:Q", scale=scale)))
    return alt.layer(*layers).properties(height=260)


def _reading(measured: Sequence[Card]) -> str:
    """Who crossed a line, the strongest first."""
    stop = [card["rater"] for card in measured if card["drift"]["state"] == "stop"]
    warn = [card["rater"] for card in measured if card["drift"]["state"] == "warn"]
    n_answers = sum(card["drift"]["n"] for card in measured)
    rest = f"{counted(len(measured), 'rater')}, {counted(n_answers, 'gold answer')}"
    more = f"; the {MOST_LINES} highest lines are drawn" if len(measured) > MOST_LINES else ""
    if not stop and not warn:
        return f"Nobody's gold answers have become clearly worse ({rest}{more})."
    crossed = [f"{_named(stop)} crossed the line for a pause"] if stop else []
    crossed += [f"{_named(warn)} crossed the line for a talk"] if warn else []
    sentence = " and ".join(crossed)
    return f"{sentence[0].upper()}{sentence[1:]} ({rest}{more})."


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
