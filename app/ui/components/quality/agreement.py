"""How far raters agree: one coefficient by criterion, by slice, and pairs of raters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.stats.words import counted
from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
from app.ui.components.text import escape

Document = Mapping[str, Any]

COEFFICIENTS = {
    "krippendorff_alpha": "Krippendorff's alpha, nominal",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha, ordinal",
    "krippendorff_alpha_interval": "Krippendorff's alpha, interval",
    "percent_agreement": "percent agreement",
    "percent_agreement_without_ties": "percent agreement without ties",
    "fleiss_kappa": "Fleiss' kappa",
    "gwet_ac1": "Gwet's AC1",
    "gwet_ac2": "Gwet's AC2, quadratic",
    "human_ceiling.agreement": "human ceiling: a vote against the rest",
    "human_ceiling.kappa": "human ceiling, corrected for chance",
    "human_ceiling.strict": "human ceiling, decided votes only",
    "kendall_w": "Kendall's W",
    "kendall_tau_b": "Kendall's tau-b",
}
"""Coefficients of the report, in the words of the command line."""

SHARES = {
    "percent_agreement",
    "percent_agreement_without_ties",
    "human_ceiling.agreement",
    "human_ceiling.strict",
}
"""Coefficients that are shares; the others are written as numbers."""


def show_agreement(document: Document, slices: Mapping[str, Document] | None, by: str) -> None:
    """The section; `slices` is the same report for each value of a key, None where none is chosen."""
    known = [key for key in COEFFICIENTS if any(_of(one, key) for one in document["criteria"].values())]
    for name, result in document["criteria"].items():
        for flag in result["flags"]:
            st.warning(escape(f"{name}: {flag}"))
    chosen = st.selectbox(
        "Coefficient", known, format_func=COEFFICIENTS.__getitem__, key="agreement-coefficient", width=420
    )
    rows = [
        estimate_row({"Criterion": name}, estimate)
        for name, result in document["criteria"].items()
        if (estimate := _of(result, chosen)) is not None
    ]
    _picture(estimates(rows), "Criterion", chosen, reading=_reading(document), key="agreement")
    if slices is not None:
        _show_slices(slices, by, chosen)
    with st.expander("What each criterion's agreement says"):
        for name, result in document["criteria"].items():
            st.markdown(f"**{escape(name)}**: {escape(result['reading'])}")
    _show_pairs(document)


def _show_slices(slices: Mapping[str, Document], by: str, chosen: str) -> None:
    """One criterion over the values of a `meta` key."""
    criteria = list(dict.fromkeys(name for one in slices.values() for name in one["criteria"]))
    criterion = st.selectbox("Criterion", criteria, key="agreement-criterion", width=420)
    rows = [
        estimate_row({by: value}, estimate)
        for value, one in slices.items()
        if (estimate := _of(one["criteria"].get(criterion, {}), chosen)) is not None
    ]
    table = estimates(rows)
    _picture(table, by, chosen, reading=_slice_reading(table, by, criterion), key="agreement-slices")


def _picture(table: pd.DataFrame, name: str, chosen: str, *, reading: str, key: str) -> None:
    is_share = chosen in SHARES
    show_intervals(
        table,
        reading=reading,
        key=key,
        as_share=is_share,
        name=name,
        title=COEFFICIENTS[chosen],
        reference=None if is_share else 0.0,
    )


def _reading(document: Document) -> str:
    focus = next(iter(document["criteria"]))
    said = document["criteria"][focus]["reading"]
    return f"{focus.capitalize()}: {said[0].lower()}{said[1:]}"


def _slice_reading(table: pd.DataFrame, by: str, criterion: str) -> str:
    known = table[table["Value"].notna()] if len(table) else table
    if len(known) < 2:
        return f"Fewer than two values of {by} have enough votes to compare."
    low, high = known.loc[known["Value"].idxmin()], known.loc[known["Value"].idxmax()]
    apart = "their intervals do not overlap" if low["High"] < high["Low"] else "their intervals overlap"
    return f"On {criterion}, raters agree least where {by} is {low[by]} and most where it is {high[by]}; {apart}."


def _of(result: Document, key: str) -> Document | None:
    """A coefficient of a criterion; None where the report has none."""
    part: Any = result
    for name in key.split("."):
        part = part.get(name) if part else None
    return part


def _show_pairs(document: Document) -> None:
    pairs = document["rater_pairs"]
    with st.expander(f"Pairs of raters ({document['rater_pairs_criterion']})"):
        if not pairs:
            st.text("No two raters share 20 comparisons yet.")
            return
        rows = [
            {
                "Raters": " & ".join(pair["raters"]),
                "n": pair["n"],
                "Percent agreement": pair["percent_agreement"],
                "Cohen's kappa": pair["cohen_kappa"],
                "Low": pair["cohen_kappa_low"],
                "High": pair["cohen_kappa_high"],
                "Kappa, quadratic": pair["cohen_kappa_quadratic"],
            }
            for pair in pairs
        ]
        numbers = {
            name: st.column_config.NumberColumn(format="%.3f")
            for name in ("Cohen's kappa", "Low", "High", "Kappa, quadratic")
        }
        share = {"Percent agreement": st.column_config.NumberColumn(format="percent")}
        st.dataframe(rows, hide_index=True, width="stretch", column_config=numbers | share)
        omitted = document["rater_pairs_omitted"]
        if omitted:
            st.caption(f"{counted(omitted, 'further pair')} met on fewer than 20 comparisons.")
