"""Where model and raters disagree most, and how well the model picks the best of several responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.stats.words import counted
from app.ui.components.models.words import BASELINE_NAMES
from app.ui.components.reports import in_words
from app.ui.components.text import escape

LISTS = {
    "likely_label_errors": (
        "Likely label errors",
        "Model and baselines weigh more than the lead of the votes: look at the votes again.",
    ),
    "likely_blind_spots": (
        "Likely blind spots of the model",
        "The votes weigh more: look for what the model cannot see.",
    ),
}


def show_best_of_n(best: Mapping[str, Any]) -> None:
    """Best-of-n accuracy; nothing where no comparison has more than two responses."""
    if best.get("value") is None:
        return
    st.subheader("Best of several", anchor=False)
    st.markdown(
        escape(
            f"The response with the highest reward is one that people put first on {in_words(best)} of "
            f"{counted(best['n'], 'comparison')}; by lot it would be {best['chance']:.0%}."
        )
    )
    if best.get("subsets"):
        st.dataframe(pd.DataFrame(best["subsets"]), hide_index=True, width="stretch", key="best-of-n-subsets")


def show_disagreements(found: Mapping[str, Any]) -> None:
    """The two lists, each from the strongest case down."""
    if not found:
        return
    st.subheader("Where model and raters disagree", anchor=False)
    st.markdown(
        escape(
            f"They disagree on {counted(found['n'], 'held-out pair')}: "
            f"{counted(found['n_likely_label_errors'], 'likely error')} of the label, "
            f"{counted(found['n_likely_blind_spots'], 'likely blind spot')} of the model. The order ranks; it proves "
            "nothing."
        )
    )
    for tab, (key, (_, what)) in zip(st.tabs([title for title, _ in LISTS.values()]), LISTS.items(), strict=True):
        with tab:
            st.caption(what)
            if not found[key]:
                st.text("None.")
                continue
            st.dataframe(_table(found[key]), hide_index=True, width="stretch", key=key, column_config=_COLUMNS)


def _table(entries: list[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "comparison": one["comparison_id"],
                "label prefers": one["chosen_id"] or "chosen",
                "model prefers": one["rejected_id"] or "rejected",
                "votes": one["n_judgments"],
                "soft label": one["soft_label"],
                "margin": one["margin"],
                "with the model": ", ".join(BASELINE_NAMES.get(name, name) for name in one["with_model"]),
                "log odds": one["log_odds_label_wrong"],
            }
            for one in entries
        ]
    )


_COLUMNS = {
    name: st.column_config.NumberColumn(format="%.2f", help=help_text)
    for name, help_text in {
        "soft label": "Share of the votes for the label.",
        "margin": "Reward of the label's response minus the other one.",
        "log odds": "Evidence that the label is wrong; above 0 it is the likelier mistake.",
    }.items()
}
