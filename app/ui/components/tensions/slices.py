"""A tension by the values of a `meta` key: where it comes up, and whether it is resolved the same way everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.domain import Campaign, RaterKind
from app.services.sessions import Person
from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
from app.ui.components.reports import in_words, open_report
from app.ui.components.tensions.words import SHOW_FROM, name_of
from app.ui.components.text import escape

Document = Mapping[str, Any]
MIN_ACTIVE = 30


def show_slices(person: Person, campaign: Campaign, kinds: tuple[RaterKind, ...], document: Document) -> None:
    """Rate and resolution of a chosen pair, by a chosen key."""
    keys = open_report(person, campaign, "slices")
    if keys is None:
        return
    if not keys.document["keys"]:
        st.text("No meta key of these comparisons has between 2 and 40 values, so there is nothing to slice by.")
        return
    left, right = st.columns(2)
    with left:
        pair = st.selectbox("Pair of criteria", document["pairs"], format_func=name_of, key=f"slice-{campaign.name}")
    with right:
        by = st.selectbox("By", [f"meta.{key}" for key in keys.document["keys"]], key=f"slice-by-{campaign.name}")
    kept = open_report(person, campaign, "tensions", kinds=kinds, by=by)
    if kept is not None:
        _show_pair(pair, kept.document)


def _show_pair(pair: Document, slices: Mapping[str, Document]) -> None:
    found = {value: _pair_in(one, pair["between"]) for value, one in slices.items()}
    rated = {value: one for value, one in found.items() if one is not None and one["n_active"] >= MIN_ACTIVE}
    settled = {value: one for value, one in rated.items() if one["enough_to_show"]}
    first, second = pair["between"]
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("How often they pull apart", anchor=False)
        if rated:
            most = max(rated, key=lambda value: rated[value]["tension_rate"]["value"])
            rows = [estimate_row({"Slice": value}, one["tension_rate"]) for value, one in rated.items()]
            reading = (
                f"Most in “{most}”: {in_words(rated[most]['tension_rate'])} of {rated[most]['n_active']} judgments."
            )
            show_intervals(
                estimates(rows), reading=reading, key="slice-rate", name="Slice", title="share that pulls apart"
            )
    with right:
        st.subheader("Who prevails", anchor=False)
        if settled:
            rows = [estimate_row({"Slice": value}, one["prevails"][first]) for value, one in settled.items()]
            show_intervals(
                estimates(rows),
                reading=_reading(settled, first, second),
                key="slice-prevails",
                name="Slice",
                title=f"share that goes to {first}",
                domain=(0, 1),
                reference=0.5,
            )
        else:
            st.text(f"No slice has {SHOW_FROM} conflicts of {first} and {second}.")
    few = [value for value in slices if value not in rated]
    if few:
        st.caption(escape(f"Under {MIN_ACTIVE} judgments on both, so nothing is shown of: {', '.join(few)}."))


def _pair_in(document: Document, between: list[str]) -> Document | None:
    return next((one for one in document["pairs"] if set(one["between"]) == set(between)), None)


def _reading(settled: Mapping[str, Document], first: str, second: str) -> str:
    to_first = [f"“{value}”" for value, one in settled.items() if one["prevails"][first]["low"] > 0.5]
    to_second = [f"“{value}”" for value, one in settled.items() if one["prevails"][second]["low"] > 0.5]
    if to_first and to_second:
        return f"It depends: {first} prevails in {', '.join(to_first)}, {second} in {', '.join(to_second)}."
    clear = to_first or to_second
    if not clear:
        return f"In no slice does {first} or {second} clearly prevail; intervals that cross the line have no winner."
    return f"{first if to_first else second} prevails in {', '.join(clear)}, and nowhere clearly the other."
