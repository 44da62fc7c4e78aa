"""Two models beside each other, on what each was measured on."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.services.model_shelf import TrainedModel
from app.ui.components.charts import figure
from app.ui.components.grouped import grouped_intervals
from app.ui.components.models.report import accuracy_table
from app.ui.components.page import empty_state
from app.ui.components.text import escape


def choose_model(label: str, models: list[TrainedModel], *, key: str, index: int = 0) -> TrainedModel:
    """A choice among models, by name and run."""
    by_id = {str(model.directory): model for model in models}
    chosen = st.selectbox(
        label,
        list(by_id),
        index=min(index, len(by_id) - 1),
        key=key,
        format_func=lambda one: f"{by_id[one].name} · {by_id[one].run['run_id']} · {by_id[one].run['base']['name']}",
    )
    return by_id[chosen]


def show_compare(models: list[TrainedModel]) -> None:
    """Choose two; what they were measured on, accuracy, likelihood, slices, parameters."""
    measured = [model for model in models if model.evaluation is not None]
    if len(measured) < 2:
        empty_state("Nothing to compare yet", "Two measured models are needed: start another run under Runs.")
        return
    left, right = st.columns(2)
    with left:
        first = choose_model("First", measured, key="compare-model-first", index=1)
    with right:
        second = choose_model("Second", measured, key="compare-model-second")
    if first.directory == second.directory:
        st.info("Choose two different models.")
        return
    _show_same_data(first, second)
    names = (first.name, second.name)
    if first.name == second.name:
        names = (f"{first.name} {first.run['run_id']}", f"{second.name} {second.run['run_id']}")
    _show_accuracy(first, second, names)
    _show_figures(first, second, names)
    _show_slices(first, second, names)


def _show_same_data(first: TrainedModel, second: TrainedModel) -> None:
    a, b = (model.evaluation["data"] for model in (first, second))  # type: ignore[index]
    if (a["hash"], a.get("split")) == (b["hash"], b.get("split")):
        st.markdown(
            escape(f"Both were measured on the same pairs: split {a.get('split')} of snapshot {a['hash'][:12]}.")
        )
    else:
        st.warning(
            escape(
                f"They were measured on different pairs (snapshots {a['hash'][:12]} and {b['hash'][:12]}), so the "
                "numbers do not compare. Measure both on one: steelyard evaluate --model DIR --data SNAPSHOT"
            )
        )


def _show_accuracy(first: TrainedModel, second: TrainedModel, names: tuple[str, str]) -> None:
    tables = [
        accuracy_table(model.evaluation).assign(model=name) for model, name in zip((first, second), names, strict=True)
    ]
    table = pd.concat(tables, ignore_index=True)
    mine = table[table["who"] == "reward model"]
    parts = [
        f"{row.accuracy:.1%} for {row.model} (n = {row.n:,})" for row in mine.itertuples() if row.accuracy is not None
    ]
    lows, highs = mine["from"].max(), mine["to"].min()
    apart = "the intervals overlap, so no difference is shown" if lows <= highs else "the intervals do not overlap"
    figure(
        grouped_intervals(table, name="who", group="model", value="accuracy", low="from", high="to"),
        table[["model", "who", "accuracy", "from", "to", "n", "ties", "undefined"]],
        reading=f"Accuracy {' and '.join(parts)}; {apart}.",
        key="compare-accuracy",
    )


def _show_figures(first: TrainedModel, second: TrainedModel, names: tuple[str, str]) -> None:
    rows = []
    measures = {
        "negative log-likelihood": "nll",
        "against soft labels": "nll_soft",
        "calibration error": "calibration",
        "accuracy, clustered": "accuracy_clustered",
    }
    for title, key in measures.items():
        a, b = (model.evaluation[key]["value"] for model in (first, second))  # type: ignore[index]
        rows.append({"": title, names[0]: _shown(a), names[1]: _shown(b)})
    facts = {
        "base": lambda run: run["base"]["name"],
        "snapshot": lambda run: run["snapshot"]["hash"][:12],
        "target": lambda run: run["target"],
        "epochs": lambda run: f"{run['training']['n_epochs']:.2f}",
        "learning rate": lambda run: f"{run['parameters']['learning_rate']:g}",
        "batch size": lambda run: str(run["parameters"]["batch_size"]),
        "seed": lambda run: str(run["parameters"]["seed"]),
        "training pairs": lambda run: f"{run['training']['n_pairs']:,}",
        "seconds": lambda run: f"{run['training']['seconds']:,.0f}",
    }
    for title, read in facts.items():
        rows.append({"": title, names[0]: read(first.run), names[1]: read(second.run)})
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", key="compare-figures")


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _show_slices(first: TrainedModel, second: TrainedModel, names: tuple[str, str]) -> None:
    sides = [{one["name"]: one for one in model.evaluation["slices"]} for model in (first, second)]  # type: ignore[index]
    rows = [
        {
            "slice": name,
            names[0]: sides[0].get(name, {}).get("value"),
            names[1]: sides[1].get(name, {}).get("value"),
            "n": (sides[0].get(name) or sides[1][name])["n"],
        }
        for name in dict.fromkeys([*sides[0], *sides[1]])
    ]
    if not rows:
        return
    st.subheader("Slices", anchor=False)
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        key="compare-slices",
        column_config={names[0]: percent, names[1]: percent},
    )
