"""Raters who resolve a tension differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.domain import Campaign, RaterKind
from app.services.sessions import Person
from app.ui.components.explain import explain
from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
from app.ui.components.reports import in_words, open_report
from app.ui.components.tensions.words import SHOW_FROM, name_of

Document = Mapping[str, Any]
CAMPS = ("one camp", "the other camp")


def show_camps(person: Person, campaign: Campaign, kinds: tuple[RaterKind, ...]) -> None:
    """Every rater's share of a pair, and two camps where they form them."""
    kept = open_report(person, campaign, "camps", kinds=kinds)
    if kept is None:
        return
    pairs = kept.document["pairs"]
    if not pairs:
        st.text(f"No pair has {SHOW_FROM} decided conflicts yet; below that, who resolves it how is guesswork.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        pair = st.selectbox(
            "Pair of criteria, the most different raters first", pairs, format_func=name_of, key=f"camp-{campaign.name}"
        )
        explain("camps")
    _show_pair(pair)


def _show_pair(pair: Document) -> None:
    first = pair["between"][0]
    rows = [
        estimate_row({"Rater": one["rater_id"], "Camp": "" if one["camp"] is None else CAMPS[one["camp"]]}, one)
        for one in pair["raters"]
    ]
    series = "Camp" if pair["camps"] else None
    table = estimates(rows if series else [{k: v for k, v in row.items() if k != "Camp"} for row in rows])
    show_intervals(
        table,
        reading=_reading(pair),
        key="camps",
        name="Rater",
        series=series,
        title=f"share of conflicts that go to {first}",
        domain=(0, 1),
        reference=0.5,
    )


def _reading(pair: Document) -> str:
    first, second = pair["between"]
    if pair["z"] is None:
        return f"Whether raters differ cannot be told: {pair['undefined_reason']}."
    tested = f"Tarone's Z is {pair['z']:.1f} over {pair['n_raters']} raters and {pair['n']} decided conflicts"
    if not pair["camps"]:
        return f"Raters resolve {first} against {second} alike, as far as the votes tell ({tested})."
    low, high = pair["camps"]
    return (
        f"Two camps: in one, {first} prevails over {second} in {in_words(low)} of {low['n']} conflicts, in the other "
        f"in {in_words(high)} of {high['n']} ({tested}). Do not average them: settle it with a rule."
    )
