"""The pictures of a pilot report: vague criteria, redundant ones, tension, what does not apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.ui.components.explain import explain
from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
from app.ui.components.reports import in_words, percent
from app.ui.components.text import escape

Document = Mapping[str, Any]
LEAST = 0.667
"""Agreement on which one can tentatively build."""
MOST_PAIRS = 10


def show_ambiguity(document: Document) -> None:
    """Agreement by criterion, the vaguest first."""
    _title("Vague criteria", "pilot-ambiguity")
    shown, few = _gated(document["ambiguity"])
    if shown:
        vaguest = shown[0]
        reading = f"{vaguest['criterion']} is the vaguest: {in_words(vaguest['agreement'], as_share=False)}"
        if vaguest["vaguest_share"] is not None and len(shown) > 1:
            reading += f", and it comes last in {percent(vaguest['vaguest_share'])} of the resamples"
        rows = [estimate_row({"Criterion": row["criterion"]}, row["agreement"]) for row in shown]
        show_intervals(
            estimates(rows),
            reading=f"{reading}.",
            key="ambiguity",
            as_share=False,
            name="Criterion",
            title="agreement: 0 chance, 1 perfect",
            reference=LEAST,
        )
    _say_few(few, "20 comparisons with two votes", [row["criterion"] for row in few])


def show_redundancy(document: Document) -> None:
    """Correlation by pair, the closest first."""
    _title("Criteria that say the same", "pilot-redundancy")
    shown, few = _gated(document["redundancy"])
    if not document["redundancy"]:
        st.text("The rubric has a single criterion.")
    if shown:
        closest = shown[0]
        reading = (
            f"{_pair(closest).capitalize()} go together most: r = {in_words(closest['correlation'], as_share=False)}; "
            f"they are kept apart in {in_words(closest['separated'])} of {closest['separated']['n']} judgments."
        )
        rows = [estimate_row({"Pair": ", ".join(row["between"])}, row["correlation"]) for row in shown[:MOST_PAIRS]]
        show_intervals(
            estimates(rows),
            reading=reading,
            key="redundancy",
            as_share=False,
            name="Pair",
            title="correlation of the comparisons' means",
        )
        if len(shown) > MOST_PAIRS:
            st.caption(f"The {MOST_PAIRS} closest of {len(shown)} pairs.")
    _say_few(few, "20 comparisons with votes on both", [_pair(row) for row in few])


def show_tension(document: Document) -> None:
    """How often pairs pull apart, and whether the rubric says what then."""
    _title("Criteria that pull apart", "pilot-tension")
    shown, few = _gated(document["tension"])
    if shown:
        most = shown[0]
        n_without = sum(not row["has_rule"] for row in shown)
        ruled = f"{n_without} of the {len(shown)} pairs have no rule" if n_without else "every pair has a rule"
        reading = (
            f"{_pair(most).capitalize()} pull apart most: in {in_words(most['tension_rate'])} of "
            f"{most['tension_rate']['n']} judgments that favour a side on both; {ruled}."
        )
        rows = [
            estimate_row(
                {"Pair": ", ".join(row["between"]), "Rule": "has a rule" if row["has_rule"] else "no rule"},
                row["tension_rate"],
            )
            for row in shown[:MOST_PAIRS]
        ]
        show_intervals(
            estimates(rows), reading=reading, key="pilot-tension", name="Pair", title="share that pulls apart"
        )
    _say_few(few, "30 judgments that favour a side on both", [_pair(row) for row in few])


def show_missing(document: Document) -> None:
    """What does not apply, and what the criteria leave unexplained."""
    _title("Not applicable and missing", "pilot-missing")
    shown, few = _gated(document["not_applicable"])
    rows = [
        estimate_row({"Share": f"{row['criterion']}: {words}"}, row[key])
        for row in shown
        for key, words in (("not_applicable", "not applicable"), ("cannot_judge", "cannot judge"))
        if row[key]["value"]
    ]
    labels = (
        ("unexplained_share", "unexplained: no criterion favours a side"),
        ("defiance_share", "defiance: against every criterion"),
    )
    rows += [
        estimate_row({"Share": words}, document[key])
        for key, words in labels
        if document[key]["n"] >= 30 or document[key]["value"] is None
    ]
    often = [row["criterion"] for row in shown if (row["not_applicable"]["value"] or 0) > 0]
    reading = f"Raters say not applicable of {', '.join(often)}." if often else "Every criterion applies everywhere."
    if rows:
        show_intervals(estimates(rows), reading=reading, key="pilot-missing", name="Share", title="share")
    else:
        st.text("Fewer than 30 decided judgments: nothing is claimed yet.")
    _say_few(few, "30 answers", [row["criterion"] for row in few])


def _gated(rows: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    return [row for row in rows if row["enough_to_show"]], [row for row in rows if not row["enough_to_show"]]


def _say_few(few: Sequence[Document], gate: str, names: Sequence[str]) -> None:
    if few:
        listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        st.caption(escape(f"Too few to show (under {gate}): {listed}."))


def _pair(row: Document) -> str:
    return f"{row['between'][0]} and {row['between'][1]}"


def _title(title: str, explanation: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(escape(title), anchor=False, width="content")
        explain(explanation)
