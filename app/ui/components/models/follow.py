"""A training run under way: loss, time left, log, all read from the run's own files."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from app.domain import Job
from app.services import model_shelf
from app.services.model_shelf import RunLog
from app.ui.components.charts import figure
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
    figures = {
        "Step": f"{log.step:,} of {log.n_steps:,}" if log.n_steps else "not begun",
        "Loss": _number(last.get("loss")),
        "Right in the batch": _percent(last.get("accuracy")),
        "Training time left": "unknown yet" if left is None else show_seconds(left),
    }
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(name, value, width=180)


def show_curve(log: RunLog, *, key: str) -> None:
    """Loss over steps, and accuracy on held-out pairs where the log carries it."""
    table = pd.DataFrame(log.points)
    columns = {
        "step": "step",
        "loss": "loss",
        "accuracy": "right in the batch",
        "held_out_accuracy": "held-out accuracy",
    }
    table = table[[name for name in columns if name in table]].rename(columns=columns)
    first, last = table["loss"].iloc[0], table["loss"].iloc[-1]
    figure(
        _curve(table),
        table,
        reading=f"Training loss {first:.3f} at step {int(table['step'].iloc[0]):,}, {last:.3f} at step {log.step:,}: "
        "means of batches, good for following a run. What the model is worth is measured on held-out pairs at the end.",
        key=key,
    )


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
