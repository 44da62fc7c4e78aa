"""Bias of the set, and the strength of the models behind the responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.ui.components.charts import figure
from app.ui.components.interval_charts import column_formats, estimate_row, estimates, interval_chart
from app.ui.components.reports import in_words
from app.ui.components.text import escape

Document = Mapping[str, Any]

WINS = {"first_shown_wins": "first shown wins", "longer_wins": "longer response wins"}
FORMATS = {
    "n_list_items": "more list items win",
    "n_headings": "more headings win",
    "n_code_blocks": "more code blocks win",
    "n_bold": "more bold text wins",
}
EFFECTS = {
    "position": "shown first",
    "length": "twice as long",
    "verbosity": "more words at equal criteria",
}


def show_bias(document: Document, slices: Mapping[str, Document] | None, by: str) -> None:
    """Position, length and format; whole and by slice."""
    for flag in document.get("flags", ()):
        st.warning(escape(flag))
    rows = [estimate_row({"What": words}, document[key]) for key, words in WINS.items()]
    rows += [
        estimate_row({"What": FORMATS.get(key, key)}, part["share"])
        for key, part in document.get("formats", {}).items()
    ]
    table = estimates(rows)
    chart = interval_chart(table, name="What", title="share of the decided votes", domain=(0, 1), reference=0.5)
    figure(chart, table, reading=document["reading"], key="bias", **column_formats(as_share=True))
    _show_effects(document)
    if slices is not None:
        _show_slices(slices, by)


def show_models(document: Document, slices: Mapping[str, Document] | None, by: str) -> None:
    """Strengths with intervals, and what they rest on."""
    models = document["models"]
    if not models:
        st.text(document["reading"])
        st.caption("Import comparisons whose completions name their model, and strengths appear here.")
        return
    if not document["connected"]:
        st.warning("Some models never met, directly or through others: their strengths cannot be compared.")
    rows = []
    for model in models:
        counts = {name: model[f"n_{name}"] for name in ("wins", "losses", "ties")}
        named = {"Model": model["model"], "Series": "as voted"}
        rows.append(estimate_row(named, model | {"n": model["n_games"]}) | counts)
        controlled = model.get("length_controlled") or {}
        if controlled.get("value") is not None:
            named = {"Model": model["model"], "Series": "at equal length"}
            rows.append(estimate_row(named, controlled | {"n": model["n_games"]}) | counts)
    table = estimates(rows)
    columns = ["Model", "Series", "Value", "Low", "High", "n"]
    title = "log odds against the mean model"
    chart = interval_chart(table[columns], name="Model", series="Series", title=title, as_share=False, reference=0)
    figure(chart, table, reading=document["reading"], key="models", **column_formats(as_share=False))
    fit = document["fit"]
    state = "converged" if fit["converged"] else "NOT converged"
    order = in_words(document["order_effect"], as_share=False)
    how = f"{fit['error_method'].capitalize()} errors; {fit['n_iterations']} steps, {state}."
    st.caption(escape(f"Being shown first adds {order} to the log odds. {how}"))
    if slices is not None:
        said = [{by: value, "Votes": one["n_judgments"], "Reading": one["reading"]} for value, one in slices.items()]
        st.dataframe(said, hide_index=True, width="stretch")


def _show_effects(document: Document) -> None:
    """Log odds, so that influences can be set side by side."""
    rows = [estimate_row({"Effect": words}, document[key]) for key, words in EFFECTS.items() if key in document]
    if not any(row["Value"] is not None for row in rows):
        return
    table = estimates(rows)
    chart = interval_chart(table, name="Effect", title="log odds of winning", as_share=False, reference=0)
    clear = [row["Effect"] for row in rows if row["Value"] is not None and not row["Low"] <= 0 <= row["High"]]
    reading = f"Clearly different from 0: {', '.join(clear)}." if clear else "No effect is clearly different from 0."
    figure(chart, table, reading=reading, key="effects", **column_formats(as_share=False))


def _show_slices(slices: Mapping[str, Document], by: str) -> None:
    chosen = st.selectbox("By slice", list(WINS), format_func=WINS.__getitem__, key="bias-slice", width=420)
    table = estimates([estimate_row({by: value}, one[chosen]) for value, one in slices.items()])
    known = table[table["Value"].notna()]
    chart = interval_chart(table, name=by, title=WINS[chosen], domain=(0, 1), reference=0.5)
    clear = [row[by] for _, row in known.iterrows() if not row["Low"] <= 0.5 <= row["High"]]
    where = f"where {by} is {', '.join(clear)}" if clear else "in no slice"
    reading = f"Clearly away from 50 % {where}."
    figure(chart, table, reading=reading, key="bias-slices", **column_formats(as_share=True))
