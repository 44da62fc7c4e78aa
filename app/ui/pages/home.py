"""Where everybody arrives: the next step for each thing that one does here."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign, Role
from app.policy import Action, may_work
from app.services import desk as desks
from app.services.campaigns import CampaignOverview, show_campaign
from app.services.sessions import Person
from app.ui import navigation
from app.ui.components.page import empty_state, go_to, link_to, page_header
from app.ui.components.text import escape
from app.ui.components.time import show_duration, start_of_day
from app.ui.session import choose_campaign, get_person, get_store

SECTIONS = ("Rubrics", "Votes", "Research")
"""Pages of these sections are about one campaign; each campaign links to them."""


def page() -> None:
    """The page."""
    person = get_person()
    page_header(f"Hello, {person.name}", _lead(person))
    campaigns = [membership.campaign for membership in person.memberships]
    if not campaigns:
        _show_start(person)
        return
    for campaign in campaigns:
        _show_campaign(person, campaign)


def _lead(person: Person) -> str:
    if not person.may(Action.JUDGE):
        return "Your campaigns, and where to go on."
    today = desks.own_days(get_store(), person.name, since=start_of_day())
    n_today = sum(day.n_judgments for day in today)
    if not n_today:
        return "Nothing rated yet today."
    return f"{n_today} rated today, {show_duration(sum(day.seconds for day in today))} of active time."


def _show_start(person: Person) -> None:
    if person.may(Action.MANAGE_CAMPAIGN):
        empty_state(
            "No campaign yet",
            "A campaign holds comparisons and the rubric they are judged by. Create one and import a file.",
            to="campaigns",
            label="Create a campaign",
        )
        return
    empty_state(
        "You are in no campaign yet",
        "A researcher or an admin adds you to one; then your work appears here. Reload the page after that.",
    )


def _show_campaign(person: Person, campaign: Campaign) -> None:
    with st.container(key=f"campaign-{campaign.id}", border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"head-{campaign.id}"):
            with st.container(gap=None):
                st.subheader(escape(campaign.title), anchor=False)
                if campaign.state == "closed":
                    st.caption("Closed: nobody gets work from it.")
            if campaign in person.campaigns_for(Action.JUDGE):
                _show_rating(person, campaign)
        if person.roles - {Role.RATER}:
            _show_progress(show_campaign(get_store(), campaign.name))
            _show_links(person, campaign)


def _show_links(person: Person, campaign: Campaign) -> None:
    with st.container(horizontal=True, gap="small", key=f"links-{campaign.id}"):
        for entry in navigation.PAGES:
            is_here = entry.action is not None and campaign in person.campaigns_for(entry.action)
            if entry.section in SECTIONS and is_here:
                link_to(entry.name, entry.title, campaign=campaign.name)


def _show_rating(person: Person, campaign: Campaign) -> None:
    days = desks.own_days(get_store(), person.name, campaign.name)
    n_done = sum(day.n_judgments for day in days)
    st.caption(f"{n_done} rated by you" if n_done else "not rated by you yet", width="content")
    if campaign.state == "closed":
        return
    if not may_work(person.account.state):
        st.caption(f"Your account is {person.account.state.value}: no work for it now.", width="content")
        return
    label = "Go on rating" if n_done else "Start rating"
    if st.button(label, key=f"rate-{campaign.id}", type="primary"):
        choose_campaign(campaign.name)
        go_to("rate")


def _show_progress(overview: CampaignOverview) -> None:
    for progress in overview.rounds:
        if not progress.n_comparisons:
            continue
        share = progress.n_complete / progress.n_comparisons
        text = (
            f"Round {progress.round.name}: {progress.n_complete:,} of {progress.n_comparisons:,} comparisons complete, "
            f"{progress.n_judgments:,} judgments"
        )
        st.progress(share, text=escape(text))
