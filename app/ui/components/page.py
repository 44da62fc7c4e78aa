"""The frame of a page: title and campaign, what to do when there is nothing, and errors in plain words."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import streamlit as st

from app.domain import Campaign
from app.errors import RefusedSubmission, SteelyardError
from app.policy import Action
from app.services.sessions import Person
from app.ui.components.text import escape, escape_html
from app.ui.session import LoggedOut, choose_campaign, chosen_campaign
from app.ui.words import say

LOG_IN = '<a class="sy-link" href="/login" target="_self">Log in</a>'

log = logging.getLogger(__name__)


def page_header(title: str, lead: str = "") -> None:
    """The title of a page and one sentence about it."""
    with st.container(key="page-header", gap=None):
        st.header(escape(title), anchor=False)
        if lead:
            st.caption(escape(lead))


def campaign_header(title: str, person: Person, action: Action, *, lead: str = "") -> Campaign | None:
    """Title, and the choice of campaign where there are several; None (and what to do) where there is none.

    Args:
        title: of the page.
        person: who looks.
        action: what the page is for; only campaigns in which the person may do it are offered.
        lead: one sentence about the page.
    """
    campaign = chosen_campaign(person, action)
    if campaign is None:
        page_header(title, lead)
        empty_state(
            say("no-campaign-here"),
            say("no-campaign-here-next"),
        )
        return None
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        page_header(title, lead)
    with right:
        campaign_choice(person, action, campaign)
    return campaign


def campaign_choice(
    person: Person, action: Action, campaign: Campaign, *, width: int | Literal["stretch"] = "stretch"
) -> None:
    """The campaign on the page, and a way to another where the person has several."""
    titles = {one.name: one.title for one in person.campaigns_for(action)}
    if len(titles) < 2:
        st.html(
            f'<div class="sy-campaign">{escape_html(campaign.title)}</div>',
            width="stretch" if width == "stretch" else "content",
        )
        return
    key = f"campaign-choice-{action.name.lower()}"
    st.session_state[key] = campaign.name
    st.selectbox(
        say("campaign"),
        list(titles),
        key=key,
        format_func=titles.__getitem__,
        on_change=lambda: choose_campaign(st.session_state[key]),
        label_visibility="collapsed",
        width=width,
    )


def empty_state(title: str, what_next: str, *, to: str | None = None, label: str = "") -> None:
    """What a page says when it has nothing to show: why, and the next step, with a link to it where there is one.

    Args:
        title: what is missing.
        what_next: what to do about it.
        to: the name of a page in the navigation; no link is shown to somebody who may not open it.
        label: the words of the link.
    """
    with st.container(key=f"empty-{re.sub(r'[^a-z]+', '-', title.lower())}", border=True):
        st.subheader(escape(title), anchor=False)
        st.text(what_next)
        if to:
            link_to(to, label)


def link_to(name: str, label: str, *, campaign: str | None = None) -> None:
    """A link to another page, there with this campaign; nothing where the person may not open it."""
    page = st.session_state.get("pages", {}).get(name)
    if page is not None:
        st.page_link(page, label=escape(label), query_params={"campaign": campaign} if campaign else None)


def go_to(name: str) -> None:
    """Open another page now."""
    st.switch_page(st.session_state["pages"][name])


def show_error(error: SteelyardError) -> None:
    """Say what went wrong and what to do, literally."""
    if isinstance(error, RefusedSubmission):
        lines = "\n".join(f"- {escape(problem)}" for problem in error.problems)
        st.error(f"Not stored yet:\n{lines}")
    else:
        st.error(escape(str(error)))
    if isinstance(error, LoggedOut):
        st.html(LOG_IN)


def show_notice(key: str) -> None:
    """What the last click came to, once, in a place of its own: what is below does not move when it comes and goes.

    Args:
        key: where in the session it waits: an error, a list of what was not done, or a sentence of success.
    """
    notice = st.session_state.pop(key, None)
    with st.container():
        if isinstance(notice, SteelyardError):
            show_error(notice)
        elif isinstance(notice, list):
            bullet = "- " if len(notice) > 1 else ""
            st.warning("\n".join(f"{bullet}{escape(line)}" for line in notice))
        elif notice:
            st.success(escape(notice))


@contextmanager
def errors_shown() -> Iterator[None]:
    """Errors that a person can act on become a message in place; the page goes on below."""
    try:
        yield
    except SteelyardError as error:
        show_error(error)


def show_failure(error: Exception) -> bool:
    """The server's answer to an error that no page caught: plain words here, the traceback in the log."""
    if isinstance(error, SteelyardError):
        show_error(error)
    else:
        log.error("a page failed", exc_info=error)
        st.error("Something failed on our side. Reload the page; if it stays, tell an admin the time it happened.")
    return True
