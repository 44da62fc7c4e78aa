"""What the votes support: contested comparisons first, then methods, and how honest their confidence is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.stats.words import counted
from app.ui.components.charts import figure
from app.ui.components.interval_charts import (
    calibration_chart,
    column_formats,
    estimate_row,
    estimates,
    show_intervals,
)
from app.ui.components.page import link_to
from app.ui.components.reports import percent
from app.ui.components.text import escape

Document = Mapping[str, Any]

METHODS = {
    "majority": "majority",
    "one_coin": "one coin",
    "dawid_skene": "Dawid-Skene",
    "one_coin_anchored": "one coin, anchored on gold",
    "dawid_skene_anchored": "Dawid-Skene, anchored on gold",
}
OUTCOMES = ("first", "second", "tie", "both_bad")


def show_consensus(document: Document, slices: Mapping[str, Document] | None, by: str) -> None:
    """The section; `slices` is the same report for each value of a key, None where none is chosen."""
    _show_contested(document)
    if slices is not None:
        _show_slices(slices, by, document["contested_criterion"])
    criterion = st.selectbox("Criterion", list(document["criteria"]), key="consensus-criterion", width=420)
    result = document["criteria"][criterion]
    chosen = METHODS.get(result["chosen_method"], result["chosen_method"])
    st.markdown(
        f"**{escape(criterion)}**: {escape(result['reading'])} "
        f"Chosen: **{escape(chosen)}** ({escape(result['chosen_because'])})."
    )
    left, right = st.columns(2, gap="large")
    with left:
        _show_methods(result)
    with right:
        _show_calibration(result)


def _show_contested(document: Document) -> None:
    rows = document["contested"]
    focus = document["contested_criterion"]
    n = document["criteria"][focus]["n_contested"]
    st.subheader("Contested first", anchor=False)
    if not rows:
        st.text("Nothing is contested: everywhere one answer has more than half of the votes.")
        return
    more = f"; the {len(rows)} most divided are listed" if n > len(rows) else ""
    n_units = document["criteria"][focus]["n_units"]
    st.text(f"{n:,} of {counted(n_units, 'pair')} of responses on {focus}{more}.")
    st.dataframe(
        [
            {
                "Comparison": row["comparison_id"],
                "Pair": f"{row['first']}, {row['second']}",
                **{outcome.replace("_", " "): row["votes"][outcome] for outcome in OUTCOMES},
                "Consensus": row["decision"].replace("_", " "),
                "Its probability": row["distribution"][row["decision"]],
            }
            for row in rows
        ],
        hide_index=True,
        width="stretch",
        height=min(320, 38 + 35 * len(rows)),
        column_config={"Its probability": st.column_config.NumberColumn(format="percent")},
    )
    link_to("adjudicate", "Read the votes and decide")


def _show_slices(slices: Mapping[str, Document], by: str, focus: str) -> None:
    rows = []
    for value, one in slices.items():
        result = one["criteria"].get(focus)
        if result is None or not result["n_units"]:
            continue
        share = {"value": result["n_contested"] / result["n_units"], "n": result["n_units"]}
        rows.append(estimate_row({by: value}, share))
    if not rows:
        return
    table = estimates(sorted(rows, key=lambda row: -row["Value"]))
    most = table.iloc[0]
    reading = f"Most contested where {by} is {most[by]}: {percent(most['Value'])} of {counted(int(most['n']), 'pair')}."
    title = "share of the pairs that are contested"
    show_intervals(table, reading=reading, key="contested-slices", name=by, title=title)


def _show_methods(result: Document) -> None:
    """Accuracy on gold beside what the methods decide."""
    methods = result["methods"]
    rows = [
        estimate_row({"Method": METHODS.get(name, name)}, fit["accuracy_on_gold"])
        | {outcome.replace("_", " "): fit["decisions"][outcome] for outcome in OUTCOMES}
        | {"Same as majority": fit["same_as_majority"], "Stated confidence": fit["mean_confidence"]}
        | {"Steps": fit["n_iterations"], "Converged": fit["converged"]}
        for name, fit in methods.items()
    ]
    table = estimates(rows)
    shares = dict.fromkeys(("Same as majority", "Stated confidence"), st.column_config.NumberColumn(format="percent"))
    reading = "No gold key has votes on this criterion, so no method's accuracy is known."
    if table["Value"].notna().any():
        best = table.loc[table["Value"].idxmax()]
        n = int(best["n"])
        reading = f"On {counted(n, 'gold unit')}, {best['Method']} is right most often: {percent(best['Value'])}."
    show_intervals(table, reading=reading, key="methods", columns=shares, name="Method", title="right on gold")


def _show_calibration(result: Document) -> None:
    rows = []
    for name in dict.fromkeys(("majority", result["chosen_method"])):
        calibration = result["methods"][name]["calibration"]
        for part in calibration.get("raw", {}).get("bins", ()):
            if part["realised"]["value"] is not None and part["stated"] is not None:
                named = {"Method": METHODS.get(name, name), "Stated": part["stated"]}
                rows.append(estimate_row(named, part["realised"]))
    if not rows:
        return
    table = estimates(rows)
    raw = result["methods"][result["chosen_method"]]["calibration"]["raw"]
    stated, realised = percent(raw["stated"]), percent(raw["realised"]["value"])
    chosen = METHODS.get(result["chosen_method"], result["chosen_method"])
    reading = f"{chosen.capitalize()} states {stated} and reaches {realised} on gold."
    columns = column_formats(as_share=True) | {"Stated": st.column_config.NumberColumn(format="percent")}
    chart = calibration_chart(table, stated="Stated", series="Method")
    figure(chart, table, reading=reading, key="calibration", **columns)
