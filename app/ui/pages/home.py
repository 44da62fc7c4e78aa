"""Where everybody arrives: the next step for each thing that one does here."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign, Role
from app.policy import Action, may_work
from app.services import desk as desks
from app.services import questions, working_time
from app.services.campaigns import CampaignOverview, show_campaign
from app.services.sessions import Person
from app.ui import navigation
from app.ui.components.page import empty_state, go_to, link_to, page_header
from app.ui.components.text import escape
from app.ui.components.time import show_duration, start_of_day
from app.ui.session import choose_campaign, get_person, get_store
from app.ui.words import say

SECTIONS = ("Rubrics", "Votes", "Research")
"""Pages of these sections are about one campaign; each campaign links to them."""


def page() -> None:
    """The page."""
    person = get_person()
    page_header(say("hello", name=person.name), _lead(person))
    campaigns = [membership.campaign for membership in person.memberships]
    if not campaigns:
        _show_start(person)
        return
    for campaign in campaigns:
        _show_campaign(person, campaign)


def _lead(person: Person) -> str:
    if not person.may(Action.JUDGE):
        return say("your-campaigns")
    day = working_time.today(get_store(), person.name, since=start_of_day())
    if not day.n_judgments:
        return say("nothing-today")
    return say("rated-today", n=day.n_judgments, time=show_duration(day.seconds))


def _show_start(person: Person) -> None:
    if person.may(Action.MANAGE_CAMPAIGN):
        empty_state(say("no-campaign"), say("no-campaign-next"), to="campaigns", label=say("create-campaign"))
        return
    if person.may(Action.PUBLISH_RUBRIC):
        empty_state(say("in-no-campaign"), say("in-no-campaign-write"), to="studio", label=say("open-studio"))
        return
    empty_state(say("in-no-campaign"), say("in-no-campaign-next"))


def _show_campaign(person: Person, campaign: Campaign) -> None:
    with st.container(key=f"campaign-{campaign.id}", border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"head-{campaign.id}"):
            with st.container(gap=None):
                st.subheader(escape(campaign.title), anchor=False)
                if campaign.state == "closed":
                    st.caption(say("campaign-closed"))
            if campaign in person.campaigns_for(Action.JUDGE):
                _show_rating(person, campaign)
        if person.roles - {Role.RATER}:
            _show_progress(show_campaign(get_store(), campaign.name))
            _show_questions(person, campaign)
            _show_links(person, campaign)


def _show_questions(person: Person, campaign: Campaign) -> None:
    """Raters wait for these; nothing where nobody asked."""
    if campaign not in person.campaigns_for(Action.ADJUDICATE):
        return
    n = questions.n_open(get_store(), person.name, campaign.name)
    if n:
        waiting = "1 question or report of a rater waits" if n == 1 else f"{n:,} questions and reports of raters wait"
        link_to("inbox", f"{waiting} for an answer", campaign=campaign.name)


def _show_links(person: Person, campaign: Campaign) -> None:
    with st.container(horizontal=True, gap="small", key=f"links-{campaign.id}"):
        for entry in navigation.PAGES:
            is_here = entry.action is not None and campaign in person.campaigns_for(entry.action)
            if entry.section in SECTIONS and is_here:
                link_to(entry.name, entry.shown_title, campaign=campaign.name)


def _show_rating(person: Person, campaign: Campaign) -> None:
    days = desks.own_days(get_store(), person.name, campaign.name)
    n_done = sum(day.n_judgments for day in days)
    st.caption(say("rated-by-you", n=n_done) if n_done else say("not-rated-by-you"), width="content")
    if campaign.state == "closed":
        return
    if not may_work(person.account.state):
        st.caption(say("no-work-now", state=say(f"account-{person.account.state.value}")), width="content")
        return
    if st.button(say("rate-on" if n_done else "rate-start"), key=f"rate-{campaign.id}", type="primary"):
        choose_campaign(campaign.name)
        go_to("rate")


def _show_progress(overview: CampaignOverview) -> None:
    for progress in overview.rounds:
        if not progress.n_comparisons:
            continue
        share = progress.n_complete / progress.n_comparisons
        text = say(
            "round-progress",
            name=progress.round.name,
            n=progress.n_complete,
            of=progress.n_comparisons,
            judgments=progress.n_judgments,
        )
        st.progress(share, text=escape(text))
