"""The pictures of a tension report: the map, who prevails, weights, shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.stats.words import counted
from app.ui.components.charts import figure
from app.ui.components.explain import explain
from app.ui.components.interval_charts import CELL, estimate_row, estimates, show_intervals, triangle
from app.ui.components.reports import in_words, percent
from app.ui.components.tensions.words import SHARES, SHOW_FROM, name_of
from app.ui.components.text import escape

Document = Mapping[str, Any]


def show_map(document: Document, *, on_pick: Callable[[frozenset[str]], None]) -> None:
    """How often each pair pulls apart.

    Args:
        document: the report.
        on_pick: called with the pair whose cell was clicked.
    """
    _title("Tension map", "map")
    table = pd.DataFrame([_map_row(pair, document) for pair in document["pairs"]])
    order = list(document["revealed_weights"])
    table = table.sort_values(["One", "Other"], key=lambda column: column.map(order.index), ignore_index=True)
    chart = triangle(table, x="One", y="Other", value="Rate", label="label", small="small")
    shown = [pair for pair in document["pairs"] if pair["enough_to_show"]]
    reading = f"No pair of criteria has the {SHOW_FROM} conflicts that a finding needs."
    if shown:
        most = max(shown, key=lambda pair: pair["tension_rate"]["value"])
        share = percent(most["tension_rate"]["value"])
        judged = counted(most["n_active"], "judgment")
        reading = (
            f"{name_of(most).capitalize()} pull apart most: in {share} of the {judged} that favour a side on both."
        )
    numbers = table.drop(columns=["label", "small"])
    shares = dict.fromkeys(("Rate", "Low", "High"), st.column_config.NumberColumn(format="percent"))

    def picked() -> None:
        cells = st.session_state["chart-tension-map"].selection.get(CELL) or []
        for cell in cells[-1:]:
            on_pick(frozenset((cell["One"], cell["Other"])))

    reading += " Click a square to read its comparisons."
    figure(chart, numbers, reading=reading, key="tension-map", on_select=picked, **shares)


def show_prevails(document: Document) -> None:
    """Which of two wins when they pull apart, raw and adjusted."""
    _title("Who prevails", "prevails")
    rows = []
    for pair in document["pairs"]:
        if not pair["enough_to_show"]:
            continue
        first, second = pair["between"]
        for series, key in (("raw", "prevails"), ("adjusted: if nothing else pulled", "adjusted_prevails")):
            rows.append(estimate_row({"Pair": f"{first} over {second}", "Series": series}, pair[key][first]))
    if not rows:
        st.text(f"No pair has {SHOW_FROM} conflicts yet; below that, who prevails is guesswork.")
        return
    table = estimates(rows)
    show_intervals(
        table,
        reading=_prevails_reading(document),
        key="prevails",
        name="Pair",
        series="Series",
        title="share that goes to the first",
        domain=(0, 1),
        reference=0.5,
    )


def show_weights(document: Document) -> None:
    """Declared beside revealed weights."""
    _title("Declared and revealed weights", "weights")
    reason = document["revealed_fit"]["undefined_reason"]
    if reason:
        st.text(f"Revealed weights are undefined: {reason}.")
        return
    rows = []
    for name, weight in document["revealed_weights"].items():
        rows.append(estimate_row({"Criterion": name, "Series": "revealed by the verdicts"}, weight))
        if weight["declared"] is not None:
            declared = {"value": weight["declared"], "low": weight["declared"], "high": weight["declared"]}
            rows.append(estimate_row({"Criterion": name, "Series": "declared by the rubric"}, declared))
    table = estimates(rows)
    reading = _weights_reading(document)
    title = "share of the weight"
    show_intervals(table, reading=reading, key="weights", name="Criterion", series="Series", title=title)


def show_shares(document: Document) -> None:
    """Torn, unexplained, defiance, against the weights, between raters."""
    _title("Shares", "shares")
    table = estimates([estimate_row({"Share": words}, document[key]) for key, words in SHARES.items()])
    unexplained, fit = document["unexplained_share"], document["revealed_fit"]
    reading = (
        f"The criteria leave {in_words(unexplained)} of {counted(unexplained['n'], 'decided verdict')} unexplained."
    )
    if unexplained["value"] is None:
        reading = f"The unexplained share is undefined: {unexplained['undefined_reason']}."
    elif fit["converged"] is False:
        reading += " The regression behind the weights did not converge."
    show_intervals(table, reading=reading, key="shares", name="Share", title="share", domain=(0, 1))


def _title(title: str, explanation: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(escape(title), anchor=False, width="content")
        explain(explanation)


def _map_row(pair: Document, document: Document) -> dict[str, Any]:
    order = list(document["revealed_weights"])
    one, other = sorted(pair["between"], key=order.index)
    rate = pair["tension_rate"]
    is_shown = pair["enough_to_show"]
    return {
        "One": one,
        "Other": other,
        "Rate": rate["value"] if is_shown else None,
        "Low": rate["low"] if is_shown else None,
        "High": rate["high"] if is_shown else None,
        "Conflicts": pair["n_conflicts"],
        "Judgments on both": pair["n_active"],
        "label": percent(rate["value"]) if is_shown else "too few",
        "small": f"{pair['n_conflicts']:,} of {pair['n_active']:,}",
    }


def _prevails_reading(document: Document) -> str:
    shown = [pair for pair in document["pairs"] if pair["enough_to_show"]]
    adjusted = [pair["adjusted_prevails"][pair["between"][0]] for pair in shown]
    told = [estimate for estimate in adjusted if estimate["low"] is not None]
    counting = told or [pair["prevails"][pair["between"][0]] for pair in shown]
    n_clear = sum(one["low"] is not None and not one["low"] <= 0.5 <= one["high"] for one in counting)
    said = f"{n_clear} of {counted(len(counting), 'pair')} {'has' if n_clear == 1 else 'have'} a clear winner"
    if told:
        return f"{said} once everything else is set aside; intervals that cross the line have none."
    return f"{said} as the verdicts stand. What each would do alone is undefined: {adjusted[0]['undefined_reason']}."


def _weights_reading(document: Document) -> str:
    gaps = {
        name: weight
        for name, weight in document["revealed_weights"].items()
        if weight["declared"] is not None and not weight["low"] <= weight["declared"] <= weight["high"]
    }
    if all(weight["declared"] is None for weight in document["revealed_weights"].values()):
        return "The rubric declares no weights; these are the ones that the verdicts reveal."
    if not gaps:
        return "Every declared weight lies within the interval of the revealed one: raters weigh as the rubric says."
    listed = ", ".join(f"{name} {'more' if weight['gap'] > 0 else 'less'}" for name, weight in gaps.items())
    return f"Verdicts clearly weigh some criteria otherwise than the rubric says: {listed}."
