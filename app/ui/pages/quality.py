"""Quality: how far raters agree, what their votes support, how each rater does, what else moves the votes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app.domain import Campaign, RaterKind
from app.policy import Action
from app.services.sessions import Person
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.explain import explain
from app.ui.components.page import campaign_header, empty_state
from app.ui.components.quality.agreement import show_agreement
from app.ui.components.quality.consensus import show_consensus
from app.ui.components.quality.influences import show_bias, show_models
from app.ui.components.quality.raters import show_raters
from app.ui.components.reports import choose_kinds, open_report, show_stamp
from app.ui.session import get_person

Document = Mapping[str, Any]
Show = Callable[[Document, Mapping[str, Document] | None, str], None]

SECTIONS: Mapping[str, tuple[str, Show | None]] = {
    "agreement": ("Agreement", show_agreement),
    "consensus": ("Consensus", show_consensus),
    "raters": ("Raters", None),
    "bias": ("Bias", show_bias),
    "models": ("Models", show_models),
}
"""Report -> its title and what shows it with slices; cards of raters have none. Tensions are a page of their own."""

LEAD = "The same reports as `steelyard report`, with intervals, as of the last vote."


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Quality", person, Action.SEE_QUALITY, lead=LEAD.replace("`", ""))
    if campaign is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="quality-bar"):
        name = _choose_section()
        explain(name)
    kinds, by = _choose_votes(person, campaign, name)
    kept = open_report(person, campaign, name, kinds=kinds)
    if kept is None:
        return
    show_stamp(kept)
    if kept.document["n_judgments"] == 0:
        _show_nothing(kinds)
        return
    show = SECTIONS[name][1]
    if show is None:
        show_raters(kept.document)
        return
    slices = open_report(person, campaign, name, kinds=kinds, by=by) if by else None
    show(kept.document, slices.document if slices else None, by)


def _choose_section() -> str:
    chosen = st.query_params.get("report")
    if "quality-section" not in st.session_state:
        st.session_state["quality-section"] = chosen if chosen in SECTIONS else "agreement"
    name = st.segmented_control(
        "Report",
        list(SECTIONS),
        format_func=lambda key: SECTIONS[key][0],
        key="quality-section",
        required=True,
        wrap=True,
        label_visibility="collapsed",
    )
    st.query_params["report"] = name
    return name


def _choose_votes(person: Person, campaign: Campaign, name: str) -> tuple[tuple[RaterKind, ...], str]:
    """Whose votes count, and the `meta` key to slice by (empty for none)."""
    with st.container(horizontal=True, vertical_alignment="center", key="quality-votes"):
        kinds = choose_kinds(campaign, key="quality")
        by = ""
        kept = open_report(person, campaign, "slices") if SECTIONS[name][1] is not None else None
        if kept is not None and kept.document["keys"]:
            keys = ["", *(f"meta.{key}" for key in kept.document["keys"])]
            by = st.selectbox(
                "Slices",
                keys,
                format_func=lambda key: f"by {key}" if key else "not sliced",
                key=f"quality-by-{campaign.name}",
                label_visibility="collapsed",
                width=220,
            )
    return kinds, by


def _show_nothing(kinds: tuple[RaterKind, ...]) -> None:
    named = ", ".join(kind.value for kind in kinds)
    empty_state(
        "No votes yet",
        f"Nobody of the chosen kinds ({named}) has judged here. Choose other kinds, invite raters, or import votes.",
        to="campaigns",
        label="Campaigns",
    )
