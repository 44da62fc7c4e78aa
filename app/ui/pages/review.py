"""Review: what a rater handed in, to be accepted or changed by somebody else; a senior settles where the two differ."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign, ReviewLevel
from app.policy import Action
from app.services import reviewing
from app.services.reviewing import Waiting
from app.services.sessions import Person
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state, show_notice
from app.ui.components.reviews import NOTICE, show_attempt, show_summary
from app.ui.session import get_person, get_store

LEAD = "One judgment at a time, without a name. Your word stands beside it; the attempt stays as it was given."

LEVELS = {ReviewLevel.REVIEW: "Attempts", ReviewLevel.SENIOR: "To settle"}


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Review", person, Action.REVIEW, lead=LEAD)
    if campaign is None:
        return
    show_notice(NOTICE)
    found = reviewing.waiting(get_store(), person.name, campaign.name)
    level = _choose_level(person, campaign, found)
    attempt = reviewing.next_attempt(get_store(), person.name, campaign.name, level=level)
    if attempt is None:
        _show_nothing(level, found[level])
    else:
        with st.container(key="case", gap="small"):
            show_attempt(campaign, attempt)
    if _may(person, campaign, Action.SEE_QUALITY):
        show_summary(campaign)


def _choose_level(person: Person, campaign: Campaign, found: dict[ReviewLevel, Waiting]) -> ReviewLevel:
    """Attempts or differences to settle; those who settle nothing have no choice."""
    if not _may(person, campaign, Action.ADJUDICATE):
        st.caption(f"Waiting for you: {found[ReviewLevel.REVIEW].n_for_me:,}")
        return ReviewLevel.REVIEW
    chosen = st.segmented_control(
        "What waits",
        list(LEVELS),
        default=ReviewLevel.REVIEW,
        format_func=lambda level: f"{LEVELS[level]} ({found[level].n_for_me:,})",
        key="review-level",
        required=True,
        label_visibility="collapsed",
    )
    return ReviewLevel(chosen)


def _show_nothing(level: ReviewLevel, waiting: Waiting) -> None:
    if waiting.n_for_me:
        empty_state("Everything is in other hands", "Others look at what is left at this moment: come back in a while.")
    elif waiting.n:
        empty_state(
            "Nothing is left for you",
            f"{waiting.n:,} wait for somebody else: you gave or reviewed them, or had the comparison yourself.",
        )
    elif level is ReviewLevel.SENIOR:
        empty_state("Nothing to settle", "An attempt appears here when its reviewer would answer otherwise.")
    else:
        empty_state(
            "Nothing to review",
            "Attempts appear here as raters hand them in, where a round lets a share of them be reviewed: a researcher "
            "sets it among the rules of the round, under Campaigns.",
        )


def _may(person: Person, campaign: Campaign, action: Action) -> bool:
    return campaign.name in {one.name for one in person.campaigns_for(action)}
