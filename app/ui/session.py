"""Who is here and what they look at: the store of this process, the person, the campaign that is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import streamlit as st

from app.domain import Campaign
from app.errors import NotAllowed
from app.policy import Action
from app.services import sessions
from app.services.database import Store, open_store
from app.services.sessions import Person
from app.settings import Settings, settings

_CAMPAIGN = "campaign"
_here: ContextVar[Person | None] = ContextVar("_here", default=None)


class LoggedOut(NotAllowed):
    """Nobody is logged in (any more)."""


def get_store() -> Store:
    """The store, opened once per process."""
    return _opened(settings())


@cache
def _opened(chosen: Settings) -> Store:
    return open_store(chosen)


@contextmanager
def being(person: Person) -> Iterator[None]:
    """One run of a page, which asks once who is there."""
    before = _here.set(person)
    try:
        yield
    finally:
        _here.reset(before)


def find_name() -> str | None:
    """The name of the person behind this browser tab, for a callback that needs no more; see `find_person`."""
    login = st.user.get("login")
    if login:
        return sessions.name_of(get_store(), int(str(login)))
    person = find_person()
    return None if person is None else person.name


def find_person() -> Person | None:
    """The person behind this browser tab, as of now: what an admin ended is over; None if nobody is logged in."""
    return _here.get() or _look_up()


def _look_up() -> Person | None:
    login = st.user.get("login")
    if login:
        return sessions.person_of(get_store(), int(str(login)))
    email = st.user.get("email")
    vouched = settings().oidc is not None and st.user.get("is_logged_in") and st.user.get("email_verified", True)
    return sessions.person_named(get_store(), str(email)) if vouched and email else None


def get_person() -> Person:
    """The person; callbacks ask as pages do.

    Raises:
        LoggedOut: nobody is.
    """
    person = find_person()
    if person is None:
        raise LoggedOut("You are logged out. Log in again; drafts are kept.")
    return person


def chosen_campaign(person: Person, action: Action) -> Campaign | None:
    """The campaign that the person looks at, among those in which they may do this; None if there is none.

    The choice stands in the address, so that a reload and a link keep it, and in the session, so that other pages do.
    """
    campaigns = {campaign.name: campaign for campaign in person.campaigns_for(action)}
    if not campaigns:
        return None
    named = (st.query_params.get(_CAMPAIGN), st.session_state.get(_CAMPAIGN))
    campaign = next((campaigns[name] for name in named if name in campaigns), next(iter(campaigns.values())))
    st.session_state[_CAMPAIGN] = campaign.name
    if len(campaigns) > 1 and st.query_params.get(_CAMPAIGN) != campaign.name:
        st.query_params[_CAMPAIGN] = campaign.name
    return campaign


def choose_campaign(name: str) -> None:
    """Look at another campaign from now on."""
    st.session_state[_CAMPAIGN] = name
    st.query_params[_CAMPAIGN] = name
