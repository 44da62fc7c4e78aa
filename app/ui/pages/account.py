"""One's own account: roles, password, log-ins, log-out."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.catalogue import LANGUAGES
from app.errors import NotAllowed, UnfitPassword
from app.policy import Action
from app.services import sessions
from app.services.preferences import set_preferences
from app.services.sessions import Person
from app.ui.components.page import page_header
from app.ui.components.rating.keyboard import show_single_keys
from app.ui.components.rating.warning import show_content_choice
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store
from app.ui.words import say

SHOWN = 4


def page() -> None:
    """The page."""
    person = get_person()
    page_header(person.name, say("roles", roles=", ".join(sorted(person.roles)) or say("no-roles")))
    if person.may(Action.JUDGE):
        _screen(person)
    if person.login_id is None:
        if st.button(say("log-out")):
            st.logout()
        return
    st.html(f'<form method="post" action="/logout"><button class="sy-button">{say("log-out")}</button></form>')
    _logins(person)
    _password(person)


def _screen(person: Person) -> None:
    """How the rating screen is: its language, and whether single keys do something."""
    st.subheader(say("screen"), anchor=False)
    st.session_state["language-choice"] = person.account.preferences.language
    st.selectbox(
        say("language"),
        [None, *LANGUAGES],
        key="language-choice",
        format_func=lambda one: LANGUAGES.get(one, say("language-browser")),
        help=say("language-help"),
        on_change=_keep_language,
        width=300,
    )
    show_single_keys(person)
    show_content_choice(person)


def _keep_language() -> None:
    person = get_person()
    wanted = replace(person.account.preferences, language=st.session_state["language-choice"])
    set_preferences(get_store(), person, wanted)


def _logins(person: Person) -> None:
    st.subheader(say("logged-in-where"), anchor=False)
    logins = sessions.list_logins(get_store(), person.name)
    logins.sort(key=lambda login: login.id != person.login_id)
    lines = [
        say("logged-in-since", since=show_time(login.created_at), until=show_time(login.expires_at))
        + (" " + say("this-browser") if login.id == person.login_id else "")
        for login in logins[:SHOWN]
    ]
    if len(logins) > SHOWN:
        lines.append(say("and-more", n=len(logins) - SHOWN))
    st.text("\n".join(lines))
    if len(logins) > 1 and st.button(say("end-others", n=len(logins) - 1)):
        sessions.end_logins(get_store(), person.name, actor=person.name, keep=person.login_id)
        st.rerun()


def _password(person: Person) -> None:
    st.subheader(say("password"), anchor=False)
    with st.form("password", clear_on_submit=True, width=420):
        old = st.text_input(say("password-old"), type="password", autocomplete="current-password")
        new = st.text_input(say("password-new"), type="password", autocomplete="new-password")
        again = st.text_input(say("password-again"), type="password", autocomplete="new-password")
        is_sent = st.form_submit_button(say("password-change"))
    if not is_sent:
        return
    if new != again:
        st.error(say("passwords-differ"))
        return
    try:
        sessions.change_password(get_store(), person, old=old, new=new)
    except UnfitPassword as error:
        st.error(say(f"password-{error.fault}", n=error.n, limit=error.limit))
    except NotAllowed:
        st.error(say("password-wrong"))
    else:
        st.success(say("password-changed"))
