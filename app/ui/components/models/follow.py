"""A training run under way: loss, time left, log, all read from the run's own files."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.domain import Job
from app.services import model_shelf
from app.services.model_shelf import RunLog
from app.ui.components.charts import figure
from app.ui.components.models.margins import show_margins
from app.ui.components.time import show_duration

FOLLOW_SECONDS = 2.0


def show_run(job: Job) -> None:
    """Figures, the loss curve and the end of the log; called on every refresh."""
    output = model_shelf.run_output(job)
    log = model_shelf.read_log(output)
    _show_figures(log)
    if len(log.points) > 1:
        show_curve(log, key=f"loss-{job.id}")
    tail = model_shelf.log_tail(output)
    if tail:
        with st.expander("Log"):
            st.code(tail, language=None, wrap_lines=True)


def _show_figures(log: RunLog) -> None:
    last = log.points[-1] if log.points else {}
    left = log.seconds_left
    held_out = next((point for point in reversed(log.points) if point.get("held_out_accuracy") is not None), None)
    figures = {
        "Step": f"{log.step:,} of {log.n_steps:,}" if log.n_steps else "not begun",
        "Loss": _number(last.get("loss")),
        "Right in the batch": _percent(last.get("accuracy")),
        "Training time left": "unknown yet" if left is None else show_seconds(left),
    }
    if held_out is not None:
        figures["Right on held-out pairs"] = _percent(held_out["held_out_accuracy"])
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(name, value, width=140)


def show_curve(log: RunLog, *, key: str) -> None:
    """Loss over steps, and accuracy on held-out pairs where the log carries it."""
    table = pd.DataFrame(log.points)
    table = table[[name for name in COLUMNS if name in table]].rename(columns=COLUMNS)
    first, last = table["loss"].iloc[0], table["loss"].iloc[-1]
    figure(
        _curve(table),
        table,
        reading=f"Training loss {first:.3f} at step {int(table['step'].iloc[0]):,}, {last:.3f} at step {log.step:,}: "
        "means of batches, good for following a run. What the model is worth is measured on held-out pairs at the end.",
        key=key,
    )
    if "held-out accuracy" in table:
        _show_held_out(log, table, key=f"{key}-held-out")


COLUMNS = {
    "step": "step",
    "loss": "loss",
    "accuracy": "right in the batch",
    "held_out_accuracy": "held-out accuracy",
    "held_out_low": "from",
    "held_out_high": "to",
    "held_out_n": "held-out pairs",
}
"""Fields of a line of the log, in the words of the table."""


def _show_held_out(log: RunLog, table: pd.DataFrame, *, key: str) -> None:
    measured = table[table["held-out accuracy"].notna()]
    if measured.empty:
        return
    last = measured.iloc[-1]
    base = alt.Chart(measured.assign(of="validation")).encode(
        x=alt.X("step:Q", axis=alt.Axis(format="d", tickMinStep=1), scale=alt.Scale(zero=False, nice=False)),
        color=alt.Color("of:N", legend=None),
        tooltip=list(measured.columns),
    )
    y: dict[str, Any] = {"title": "held-out accuracy", "scale": alt.Scale(zero=False)}
    layers = [base.mark_line(point=True).encode(y=alt.Y("held-out accuracy:Q", **y))]
    if {"from", "to"} <= set(measured.columns):
        band = {"y": alt.Y("from:Q", **y), "y2": "to:Q"}
        layers = [base.mark_area(opacity=0.2).encode(**band), base.mark_rule(opacity=0.4).encode(**band), *layers]
    n_pairs = int(last.get("held-out pairs", 0))
    figure(
        alt.layer(*layers).properties(height=240),
        measured,
        reading=f"Right on {last['held-out accuracy']:.1%} of {n_pairs:,} validation pairs at step "
        f"{int(last['step']):,} of {log.n_steps:,}; the band is the 95 % interval.",
        key=key,
    )
    newest = next((point for point in reversed(log.points) if point.get("held_out_margins")), None)
    if newest is not None:
        show_margins(newest["held_out_margins"], when=f" at step {newest['step']:,}", key=f"{key}-margins")


def _curve(table: pd.DataFrame) -> alt.Chart:
    steps = alt.Axis(format="d", tickMinStep=1)
    return (
        alt.Chart(table)
        .mark_line(point=True)
        .encode(
            x=alt.X("step:Q", axis=steps, scale=alt.Scale(zero=False, nice=False)),
            y=alt.Y("loss:Q", scale=alt.Scale(zero=False)),
            tooltip=["step", alt.Tooltip("loss", format=".3f")],
        )
        .properties(height=240)
    )


def show_seconds(seconds: float) -> str:
    """A time to wait, in words."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else show_duration(seconds)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
