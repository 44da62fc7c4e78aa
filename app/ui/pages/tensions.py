"""Tension map: where the criteria of the rubric pull apart, which prevails, and comparisons to read."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.domain import Campaign, RaterKind
from app.policy import Action
from app.services.sessions import Person
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state
from app.ui.components.parts import show_parts
from app.ui.components.reports import choose_kinds, open_report, show_stamp
from app.ui.components.tensions.camps import show_camps
from app.ui.components.tensions.examples import pick_pair, show_examples
from app.ui.components.tensions.pictures import show_map, show_prevails, show_shares, show_weights
from app.ui.components.tensions.rules import show_rules
from app.ui.components.tensions.slices import show_slices
from app.ui.components.tensions.what_if import show_what_if
from app.ui.components.tensions.words import findings, too_few
from app.ui.components.text import escape
from app.ui.session import get_person

LEAD = "Where the criteria of a judgment favour different responses, and which of them then prevails."


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Tension map", person, Action.PUBLISH_RUBRIC, lead=LEAD)
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
    show_parts(
        {
            "Map": lambda: _show_overview(person, campaign, kinds, document),
            "Raters": lambda: show_camps(person, campaign, kinds),
            "Slices": lambda: show_slices(person, campaign, kinds, document),
            "Rules": lambda: show_rules(campaign, document),
            "What if": lambda: show_what_if(campaign, kinds),
        },
        key="part",
    )


def _show_overview(
    person: Person, campaign: Campaign, kinds: tuple[RaterKind, ...], document: Mapping[str, Any]
) -> None:
    st.markdown(f"**{escape(document['reading'])}**")
    _show_findings(document)
    left, right = st.columns(2, gap="large")
    with left:
        show_map(document, on_pick=lambda between: pick_pair(campaign, between))
    with right:
        show_prevails(document)
    show_examples(person, campaign, kinds)
    left, right = st.columns(2, gap="large")
    with left:
        show_weights(document)
    with right:
        show_shares(document)


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
            to="versions",
            label="Versions",
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
