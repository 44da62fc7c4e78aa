"""Bias of the set, and the strength of the models behind the responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.ui.components.explain import explain
from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
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
INDEPENDENT = "Interval if votes were independent"
HALO = {
    "own_overall": "the own verdict",
    "overall_first": "a verdict asked first",
    "criterion_before": "the criterion before",
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
    title = "share of the decided votes"
    show_intervals(
        table, reading=document["reading"], key="bias", name="What", title=title, domain=(0, 1), reference=0.5
    )
    _show_effects(document)
    _show_halo(document["halo"])
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
        fisher = model["fisher"]
        beside = {INDEPENDENT: f"[{fisher['low']:.2f}, {fisher['high']:.2f}]"}
        named = {"Model": model["model"], "Series": "as voted"}
        rows.append(estimate_row(named, model | {"n": model["n_games"]}) | beside | counts)
        controlled = model.get("length_controlled") or {}
        if controlled.get("value") is not None:
            named = {"Model": model["model"], "Series": "at equal length"}
            rows.append(estimate_row(named, controlled | {"n": model["n_games"]}) | {INDEPENDENT: ""} | counts)
    table = estimates(rows)
    show_intervals(
        table,
        reading=document["reading"],
        key="models",
        as_share=False,
        name="Model",
        series="Series",
        title="log odds against the mean model",
        reference=0,
    )
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
    clear = [row["Effect"] for row in rows if row["Value"] is not None and not row["Low"] <= 0 <= row["High"]]
    reading = f"Clearly different from 0: {', '.join(clear)}." if clear else "No effect is clearly different from 0."
    title = "log odds of winning"
    show_intervals(table, reading=reading, key="effects", as_share=False, name="Effect", title=title, reference=0)


def _show_halo(halo: Mapping[str, Document]) -> None:
    """What pulls criteria besides what is on the page."""
    rows = [estimate_row({"Pulled towards": words}, halo[key]) for key, words in HALO.items()]
    if all(row["Value"] is None for row in rows):
        return
    st.subheader("Halo", anchor=False)
    explain("halo")
    clear = [row["Pulled towards"] for row in rows if row["Value"] is not None and row["Low"] > 0]
    reading = f"Criteria are pulled towards {' and '.join(clear)}." if clear else "No clear pull on the criteria."
    title = "added to the share of criteria on the same side"
    show_intervals(estimates(rows), reading=reading, key="halo", name="Pulled towards", title=title, reference=0)


def _show_slices(slices: Mapping[str, Document], by: str) -> None:
    chosen = st.selectbox("By slice", list(WINS), format_func=WINS.__getitem__, key="bias-slice", width=420)
    table = estimates([estimate_row({by: value}, one[chosen]) for value, one in slices.items()])
    known = table[table["Value"].notna()]
    clear = [row[by] for _, row in known.iterrows() if not row["Low"] <= 0.5 <= row["High"]]
    where = f"where {by} is {', '.join(clear)}" if clear else "in no slice"
    reading = f"Clearly away from 50 % {where}."
    title = WINS[chosen]
    show_intervals(table, reading=reading, key="bias-slices", name=by, title=title, domain=(0, 1), reference=0.5)
