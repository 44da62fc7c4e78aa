"""Comparisons of a pair of criteria, with their votes and justifications: one click from a cell of the map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.domain import Campaign, RaterKind
from app.services.sessions import Person
from app.stats.words import counted
from app.ui.components.case import show_case
from app.ui.components.reports import open_report
from app.ui.components.tensions.words import name_of

Document = Mapping[str, Any]


def pick_pair(campaign: Campaign, between: frozenset[str]) -> None:
    """Show the comparisons of this pair, the clearest of them opened."""
    st.session_state[_wanted(campaign)] = between


def show_examples(person: Person, campaign: Campaign, kinds: tuple[RaterKind, ...]) -> None:
    """Comparisons of a chosen pair, and one of them to read."""
    st.subheader("Comparisons to read", anchor=False)
    kept = open_report(person, campaign, "examples", kinds=kinds)
    if kept is None:
        return
    pairs = kept.document["pairs"]
    if not pairs:
        st.text("No comparison has two criteria that pull apart.")
        return
    _take_up_click(campaign, pairs)
    left, right = st.columns(2)
    with left:
        pair = st.selectbox("Pair of criteria", pairs, format_func=name_of, key=f"pair-{campaign.name}")
    with right:
        example = st.selectbox(
            "Comparison",
            pair["examples"],
            format_func=_in_short,
            index=None,
            placeholder="Choose one to read",
            key=_example_key(campaign, pair),
        )
    _show_list(pair)
    if example is not None:
        show_case(campaign, example["comparison_id"], key="example")


def _take_up_click(campaign: Campaign, pairs: list[Document]) -> None:
    """Choose what was clicked on the map; a cell whose pair has no conflict changes nothing."""
    between = st.session_state.pop(_wanted(campaign), None)
    pair = next((one for one in pairs if frozenset(one["between"]) == between), None)
    if pair is not None:
        st.session_state[f"pair-{campaign.name}"] = pair
        st.session_state[_example_key(campaign, pair)] = pair["examples"][0]


def _wanted(campaign: Campaign) -> str:
    return f"clicked-pair-{campaign.name}"


def _example_key(campaign: Campaign, pair: Document) -> str:
    return f"example-{campaign.name}-{name_of(pair)}"


def _in_short(example: Document) -> str:
    return f"{example['comparison_id']}: {example['n_conflicts']} of {counted(example['n_judgments'], 'judgment')} torn"


def _show_list(pair: Document) -> None:
    first, second = pair["between"]
    st.dataframe(
        [
            {
                "Comparison": example["comparison_id"],
                "Torn": example["n_conflicts"],
                "Judgments on both": example["n_judgments"],
                "Strength": example["strength"],
                f"{first} prevails": example["prevails"][first],
                f"{second} prevails": example["prevails"][second],
                "Unresolved": example["n_unresolved"],
            }
            for example in pair["examples"]
        ],
        hide_index=True,
        width="stretch",
        column_config={"Strength": st.column_config.NumberColumn(format="%.2f")},
    )
