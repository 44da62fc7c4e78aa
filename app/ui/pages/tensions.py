"""Tensions: where the criteria of the rubric pull apart, which prevails, and comparisons to read."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.domain import Campaign, RaterKind
from app.policy import Action
from app.services.sessions import Person
from app.ui.components.case import show_case
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state
from app.ui.components.reports import choose_kinds, counted, open_report, show_stamp
from app.ui.components.tensions.pictures import show_map, show_prevails, show_shares, show_weights
from app.ui.components.tensions.words import findings, name_of, too_few
from app.ui.components.text import escape
from app.ui.session import get_person

LEAD = "Where the criteria of a judgment favour different responses, and which of them then prevails."


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Tensions", person, Action.PUBLISH_RUBRIC, lead=LEAD)
    if campaign is None:
        return
    kinds = choose_kinds(campaign, key="tensions")
    kept = open_report(person, campaign, "tensions", kinds=kinds)
    if kept is None:
        return
    show_stamp(kept)
    document = kept.document
    if not any(pair["n_active"] for pair in document["pairs"]):
        _show_nothing(document)
        return
    st.markdown(f"**{escape(document['reading'])}**")
    _show_findings(document)
    left, right = st.columns(2, gap="large")
    with left:
        show_map(document)
        show_weights(document)
    with right:
        show_prevails(document)
        show_shares(document)
    _show_examples(person, campaign, kinds)


def _show_nothing(document: Mapping[str, Any]) -> None:
    if document["n_judgments"] == 0:
        empty_state(
            "Nobody has judged yet",
            "Tension shows once raters of the chosen kinds have judged by a rubric with two or more criteria.",
        )
    else:
        empty_state(
            "Nothing can pull apart yet",
            "No judgment favours a response on two criteria. A rubric with more criteria shows where they differ.",
            to="rubrics",
            label="Rubrics",
        )


def _show_findings(document: Mapping[str, Any]) -> None:
    """What stands out, in sentences; said plainly where there is too little to say anything."""
    items = findings(document)
    few = too_few(document)
    if items:
        listed = "".join(f"<li>{html.escape(item)}</li>" for item in items)
        st.html(f'<ul class="sy-findings">{listed}</ul>')
    elif not few:
        st.text("Nothing stands out: no inversion, no rule defied, nothing unexplained.")
    if few:
        st.info(escape(few))


def _show_examples(person: Person, campaign: Campaign, kinds: tuple[RaterKind, ...]) -> None:
    """Comparisons of a chosen pair, and one of them to read."""
    st.subheader("Comparisons to read", anchor=False)
    kept = open_report(person, campaign, "examples", kinds=kinds)
    if kept is None:
        return
    pairs = kept.document["pairs"]
    if not pairs:
        st.text("No comparison has two criteria that pull apart.")
        return
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
            key=f"example-{campaign.name}-{name_of(pair)}",
        )
    if example is None:
        _show_list(pair)
        return
    show_case(campaign, example["comparison_id"], key="example")


def _in_short(example: Mapping[str, Any]) -> str:
    return f"{example['comparison_id']}: {example['n_conflicts']} of {counted(example['n_judgments'], 'judgment')} torn"


def _show_list(pair: Mapping[str, Any]) -> None:
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
