"""Events: everything that changed the state, who did it and when."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pandas as pd
import streamlit as st

from app.domain import Event
from app.services import administration
from app.ui.components.page import empty_state, page_header
from app.ui.session import get_person, get_store

PER_PAGE = 50


def page() -> None:
    """The page."""
    person = get_person()
    page_header("Events", "Every use case that changed the state, in order. Nothing here can be edited.")
    campaigns = {membership.campaign.name: membership.campaign.id for membership in person.memberships}
    filters = _filters(list(campaigns))
    number = int(st.session_state.get("events-page", 1))
    found = administration.list_events(
        get_store(),
        person,
        campaign_id=campaigns.get(filters["campaign"] or ""),
        action=filters["action"],
        actor=filters["actor"],
        text=filters["text"],
        since=filters["since"],
        limit=PER_PAGE,
        offset=(number - 1) * PER_PAGE,
    )
    if found.n_all == 0:
        empty_state("No such event", "Take a filter away to see more.")
        return
    n_pages = -(-found.n_all // PER_PAGE)
    first = (number - 1) * PER_PAGE + 1
    st.caption(f"{first:,} to {first + len(found.events) - 1:,} of {found.n_all:,}, newest first; times are UTC.")
    names = {number: name for name, number in campaigns.items()}
    st.dataframe(
        _table(found.events, names),
        hide_index=True,
        width="stretch",
        height="auto",
        column_config=_COLUMNS,
        key="events",
    )
    if n_pages > 1:
        st.pagination(n_pages, key="events-page")
    _show_detail(found.events)


def _filters(campaign_names: list[str]) -> dict[str, Any]:
    actions, actors = administration.event_words(get_store(), get_person())
    columns = st.columns([2, 2, 2, 2, 1.4])
    wanted: dict[str, Any] = {}
    options: dict[str, Any] = {"on_change": _first_page}
    with columns[0]:
        wanted["action"] = st.selectbox("Action", actions, index=None, placeholder="every action", **options)
    with columns[1]:
        wanted["actor"] = st.selectbox("Actor", actors, index=None, placeholder="everybody", **options)
    with columns[2]:
        wanted["campaign"] = st.selectbox(
            "Campaign", campaign_names, index=None, placeholder="every campaign", **options
        )
    with columns[3]:
        wanted["text"] = st.text_input("Subject contains", **options)
    with columns[4]:
        since = st.date_input("Since", None, **options)
    wanted["since"] = datetime.combine(since, time(), UTC) if since else None
    return wanted


def _first_page() -> None:
    st.session_state["events-page"] = 1


def _table(events: tuple[Event, ...], campaigns: dict[int, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "event": event.id,
                "at": event.at,
                "actor": event.actor,
                "action": event.action,
                "subject": event.subject,
                "campaign": campaigns.get(event.campaign_id or 0, ""),
            }
            for event in events
        ]
    )


_COLUMNS = {"at": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss", timezone="UTC")}


def _show_detail(events: tuple[Event, ...]) -> None:
    by_id = {event.id: event for event in events}
    chosen = st.selectbox(
        "Look at one",
        list(by_id),
        index=None,
        placeholder="an event of this page",
        format_func=lambda one: f"{one} · {by_id[one].action} · {by_id[one].subject}",
        width=480,
    )
    if chosen in by_id:
        st.json(dict(by_id[chosen].detail), expanded=2)
