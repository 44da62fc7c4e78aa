"""The report of a model: accuracy beside its baselines, reliability, slices, card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.services import model_shelf
from app.services.model_shelf import TrainedModel
from app.stats.words import counted, undecided_left_out
from app.ui.components.charts import HEIGHT, figure
from app.ui.components.grouped import single_intervals
from app.ui.components.models.disagreements import show_best_of_n, show_disagreements
from app.ui.components.models.follow import show_curve
from app.ui.components.models.margins import show_margins
from app.ui.components.models.probes import show_probes
from app.ui.components.models.words import BASELINE_NAMES
from app.ui.components.text import escape, show_text

_CONFIDENCE = "how sure the model is"
_STOPPED = {"epochs": "", "time_limit": "; stopped by the time limit", "early_stopping": "; stopped early"}


def show_report(model: TrainedModel) -> None:
    """Everything that the model's directory says of it."""
    _show_facts(model)
    evaluation = model.evaluation
    if evaluation is None:
        st.warning("Not measured: its snapshot holds no pairs out. Build one with a test split.")
    else:
        _show_accuracy(evaluation)
        _show_likelihood(evaluation)
        _show_reliability(evaluation)
        if evaluation.get("margin_histogram"):
            st.subheader("Margins", anchor=False)
            show_margins(evaluation["margin_histogram"], key="margins")
        _show_slices(evaluation)
        show_probes(evaluation.get("probes") or {})
        show_best_of_n(evaluation.get("best_of_n") or {})
        show_disagreements(evaluation.get("disagreements") or {})
    log = model_shelf.read_log(model.directory)
    if len(log.points) > 1:
        st.subheader("Training", anchor=False)
        show_curve(log, key="report-loss")
    card = model_shelf.read_card(model)
    if card:
        with st.expander("Model card"):
            show_text(card)


def _show_facts(model: TrainedModel) -> None:
    run = model.run
    training, parameters = run["training"], run["parameters"]
    stopped = _STOPPED[training["stopped_by"]]
    st.markdown(
        escape(
            f"Model {run['run_id']}: base {run['base']['name']}, {run['target']} target, seed {parameters['seed']}, "
            f"{counted(training['n_pairs'], 'pair')} of snapshot {run['snapshot']['hash'][:12]} for "
            f"{training['n_epochs']:.1f} epochs in {training['seconds']:,.0f} s on {training['device']}{stopped}."
        )
    )
    st.code(f"steelyard score --model {model.directory} --input FILE --output scores.jsonl", language=None)


def accuracy_table(evaluation: Mapping[str, Any]) -> pd.DataFrame:
    """The model, its baselines and the human ceiling, with intervals."""
    kinds = " and ".join(evaluation["data"].get("counted_kinds") or ["human"])
    rows = {"reward model": evaluation["accuracy"]}
    rows |= {BASELINE_NAMES.get(name, name): estimate for name, estimate in evaluation["baselines"].items()}
    rows[f"ceiling of {kinds} raters"] = evaluation["human_ceiling"]
    return pd.DataFrame(
        [
            {
                "": name,
                "accuracy": estimate.get("value"),
                "from": estimate.get("low"),
                "to": estimate.get("high"),
                "n": estimate.get("n"),
                "ties": estimate.get("n_tied"),
                "undefined": estimate.get("undefined_reason") or "",
            }
            for name, estimate in rows.items()
        ]
    ).rename(columns={"": "who"})


def _show_accuracy(evaluation: Mapping[str, Any]) -> None:
    st.subheader("Accuracy on held-out pairs", anchor=False)
    data = evaluation["data"]
    table = accuracy_table(evaluation)
    drawn = table[table["accuracy"].notna()]
    figure(
        single_intervals(drawn, name="who", value="accuracy", low="from", high="to", reference=0.5),
        table,
        reading=evaluation["verdict"],
        key="accuracy",
    )
    st.caption(
        escape(
            f"Split {data.get('split', 'of a file')} of {data['name']}: "
            f"{counted(evaluation['n_pairs'], 'pair')} of {counted(evaluation['n_prompts'], 'prompt')}; "
            f"labels: {data['label_source']}{undecided_left_out(data.get('n_undecided'))}. The dashed line is guessing."
        )
    )
    if evaluation.get("against_model"):
        st.markdown(escape(evaluation["against_model"]["sentence"]))
    overlap = evaluation.get("overlap", {})
    if overlap.get("caution"):
        st.warning(escape(overlap["caution"]))
    if overlap.get("note"):
        st.caption(escape(overlap["note"]))


def _show_likelihood(evaluation: Mapping[str, Any]) -> None:
    figures = {
        "Negative log-likelihood": evaluation["nll"]["value"],
        "against soft labels": evaluation["nll_soft"]["value"],
        "its floor": evaluation["label_entropy"]["value"],
        "Calibration error": evaluation["calibration"]["value"],
    }
    temperature = evaluation.get("temperature") or {}
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(name, "undefined" if value is None else f"{value:.3f}", width=160)
        if temperature:
            st.metric("Temperature", _with_interval(temperature), width=220, help=TEMPERATURE_HELP)


TEMPERATURE_HELP = (
    "Margins divided by it state an honest confidence; with its 95 % interval. Above 1 the model is too sure of "
    "itself, below 1 too timid."
)


def _with_interval(estimate: Mapping[str, Any]) -> str:
    if estimate.get("value") is None:
        return "undefined"
    if estimate.get("low") is None or estimate.get("high") is None:
        return f"{estimate['value']:.2f}"
    return f"{estimate['value']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"


_BIN_WORDS = {
    "low": "stated from",
    "high": "stated to",
    "confidence": "confidence",
    "accuracy": "accuracy",
    "accuracy_low": "from",
    "accuracy_high": "to",
    "n": "n",
}


def _show_reliability(evaluation: Mapping[str, Any]) -> None:
    bins = evaluation["calibration"].get("bins")
    if not bins:
        return
    st.subheader("Reliability", anchor=False)
    table = pd.DataFrame(bins).reindex(columns=list(_BIN_WORDS)).rename(columns=_BIN_WORDS)
    gap = (table["accuracy"] - table["confidence"]).mul(table["n"]).sum() / table["n"].sum()
    stance = (
        "over-confident" if gap < -0.02 else "under-confident" if gap > 0.02 else "neither over- nor under-confident"
    )
    diagonal = alt.Chart(pd.DataFrame({"x": [0.5, 1.0], "y": [0.5, 1.0]})).mark_line(strokeDash=[4, 4], color="#8a949b")
    points = alt.Chart(table).encode(
        x=alt.X("confidence:Q", title=_CONFIDENCE, scale=alt.Scale(domain=[0.5, 1]), axis=alt.Axis(tickCount=5)),
        y=alt.Y("accuracy:Q", title="share that is right", scale=alt.Scale(domain=[0, 1])),
        tooltip=list(table.columns),
    )
    chart = alt.layer(
        diagonal.encode(x=alt.X("x:Q", title=_CONFIDENCE), y=alt.Y("y:Q", title="share that is right")),
        points.mark_line(),
        points.mark_rule(color="#8a949b").encode(y=alt.Y("from:Q", title="share that is right"), y2="to:Q"),
        points.mark_point(filled=True, opacity=1).encode(size=alt.Size("n:Q", legend=None)),
    )
    error = evaluation["calibration"]["value"]
    figure(
        chart.properties(height=HEIGHT),
        table,
        reading=f"On average the model is {stance}: expected calibration error {error:.3f}, "
        f"n = {counted(int(table['n'].sum()), 'pair')}. On the dashed line it is right as often as it says; "
        "larger points hold more, bars are 95 % intervals.",
        key="reliability",
    )


def _show_slices(evaluation: Mapping[str, Any]) -> None:
    rows = [
        {
            "group": one["group"],
            "slice": one["name"],
            "accuracy": one["value"],
            "from": one["low"],
            "to": one["high"],
            "n": one["n"],
            "ties": one["n_tied"],
        }
        for one in evaluation["slices"]
    ]
    if not rows:
        return
    st.subheader("Slices", anchor=False)
    table = pd.DataFrame(rows)
    groups = list(table["group"].unique())
    chosen = st.segmented_control("Slices by", groups, default=groups[0], required=True, key="slices-by")
    part = table[table["group"] == chosen].drop(columns="group")
    known = part[part["accuracy"].notna()]
    if known.empty:
        st.text("No slice of this group has an accuracy.")
        return
    worst = known.loc[known["accuracy"].idxmin()]
    figure(
        single_intervals(known, name="slice", value="accuracy", low="from", high="to", reference=0.5),
        part,
        reading=f"Lowest where {worst['slice']}: {worst['accuracy']:.0%} (n = {int(worst['n']):,}); "
        "bars are 95 % intervals.",
        key=f"slices-{chosen}",
    )
