"""Cycles: the votes that went into each model, what it is worth before and after, and the curve against lots."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.domain import Campaign
from app.services import prejudging_desk
from app.services.cycles import Cycle
from app.services.model_shelf import TrainedModel
from app.services.snapshot_shelf import ShelvedSnapshot
from app.stats.words import counted
from app.ui.components.charts import HEIGHT, figure
from app.ui.components.grouped import single_intervals
from app.ui.components.page import empty_state
from app.ui.components.text import escape
from app.ui.session import get_person, get_store

ARMS = {"random": "drawn by lot", "": "no arm named"}


def show_cycles(campaign: Campaign, models: list[TrainedModel], snapshots: list[ShelvedSnapshot]) -> None:
    """The part of the page."""
    measured = [model for model in reversed(models) if model.evaluation is not None]
    cycles = prejudging_desk.cycles_for(get_store(), get_person(), campaign.name)
    if not measured and not cycles:
        empty_state(
            "No cycle yet",
            "A cycle is: freeze a snapshot, train, choose what to judge next (steelyard select, then steelyard "
            "priorities import), collect the votes, and train again beside the model before.",
        )
        return
    if measured:
        _show_models(measured, snapshots)
    _show_curve(measured)
    if cycles:
        _show_choices(cycles)


def _show_models(measured: list[TrainedModel], snapshots: list[ShelvedSnapshot]) -> None:
    st.subheader("Votes spent, and what the model is worth", anchor=False)
    votes = {
        snapshot.hash: snapshot.manifest.content["counts"]["n_judgments"]
        for snapshot in snapshots
        if snapshot.manifest is not None
    }
    rows = [_model_row(model, votes) for model in measured]
    for before, row in pairwise(rows):
        if None not in (before["votes"], row["votes"]):
            row["votes since"] = row["votes"] - before["votes"]
    table = pd.DataFrame(rows)
    last = measured[-1]
    against = (last.evaluation or {}).get("against_model")
    reading = against["sentence"] if against else "The newest model was not measured beside an earlier one."
    drawn = table[table["accuracy"].notna()]
    chart = single_intervals(drawn, name="model", value="accuracy", low="from", high="to")
    figure(chart, table, reading=reading, key="cycles")
    st.caption(
        "Each accuracy is on the test split of the model's own snapshot; only before and after of one row are on the "
        "same pairs."
    )


def _model_row(model: TrainedModel, votes: Mapping[str, int]) -> dict[str, Any]:
    evaluation = model.evaluation or {}
    accuracy, against = evaluation["accuracy"], evaluation.get("against_model") or {}
    difference = against.get("difference") or {}
    return {
        "model": model.name,
        "snapshot": model.run["snapshot"]["hash"][:12],
        "votes": votes.get(model.run["snapshot"]["hash"]),
        "votes since": None,
        "before": (against.get("accuracy") or {}).get("value"),
        "accuracy": accuracy.get("value"),
        "from": accuracy.get("low"),
        "to": accuracy.get("high"),
        "n": accuracy.get("n"),
        "difference": difference.get("value"),
        "difference from": difference.get("low"),
        "difference to": difference.get("high"),
    }


def _show_curve(measured: list[TrainedModel]) -> None:
    st.subheader("Chosen against lots", anchor=False)
    curves = [model.curve for model in reversed(measured) if model.curve]
    drawn = next((curve for curve in curves if curve["points"]), None)
    if drawn is None:
        reason = curves[0]["undefined_reason"] if curves else "no model was trained with votes of both arms"
        st.markdown(escape(f"No curve yet: {reason}. No saving is claimed."))
        return
    rows = [
        {"pairs": point["n"], "votes": name, "accuracy": one["value"], "from": one["low"], "to": one["high"]}
        for point in drawn["points"]
        for name, one in (("chosen", point["chosen"]), ("drawn by lot", point["random"]))
    ]
    table = pd.DataFrame(rows)
    base = alt.Chart(table).encode(
        x=alt.X("pairs:Q", title="pairs of the arm, beside those that no cycle chose", axis=alt.Axis(tickCount=6)),
        color=alt.Color("votes:N", legend=alt.Legend(orient="top", title=None, symbolOpacity=1)),
        tooltip=list(table.columns),
    )
    y = {"title": "held-out accuracy", "scale": alt.Scale(zero=False)}
    chart = alt.layer(
        base.mark_area(opacity=0.15).encode(y=alt.Y("from:Q", **y), y2="to:Q"),
        base.mark_line(point=True).encode(y=alt.Y("accuracy:Q", **y)),
    )
    figure(
        chart.properties(height=HEIGHT),
        table,
        reading=f"{drawn['sentence']} A linear model on frozen embeddings; "
        f"{counted(drawn['n_held_out'], 'held-out pair')} that no rule chose; bands are 95 % intervals.",
        key="campaign-curve",
    )


def _show_choices(cycles: list[Cycle]) -> None:
    st.subheader("What was chosen to be judged", anchor=False)
    rows = [
        {
            "cycle": cycle.number,
            "begun": pd.Timestamp(cycle.started_at),
            "file": cycle.source,
            "model": cycle.model or "",
            "arm": ARMS.get(arm, arm),
            "comparisons": n,
            "votes since": cycle.n_votes.get(arm, 0),
        }
        for cycle in cycles
        for arm, n in sorted(cycle.n.items())
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        key="cycles-table",
        column_config={"begun": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")},
    )
