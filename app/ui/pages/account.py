"""One's own account: roles, password, log-ins, log-out."""

from __future__ import annotations

import streamlit as st

from app.services import sessions
from app.services.sessions import Person
from app.ui.components.page import errors_shown, page_header
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store

SHOWN = 4

LOG_OUT = '<form method="post" action="/logout"><button class="sy-button">Log out</button></form>'


def page() -> None:
    """The page."""
    person = get_person()
    page_header(person.name, "Roles: " + (", ".join(sorted(person.roles)) or "none yet; an admin gives them."))
    if person.login_id is None:
        if st.button("Log out"):
            st.logout()
        return
    st.html(LOG_OUT)
    _logins(person)
    _password(person)


def _logins(person: Person) -> None:
    st.subheader("Where you are logged in", anchor=False)
    logins = sessions.list_logins(get_store(), person.name)
    logins.sort(key=lambda login: login.id != person.login_id)
    lines = [
        f"Since {show_time(login.created_at)}, until {show_time(login.expires_at)}"
        + (" (this browser)" if login.id == person.login_id else "")
        for login in logins[:SHOWN]
    ]
    if len(logins) > SHOWN:
        lines.append(f"and {len(logins) - SHOWN} more")
    st.text("\n".join(lines))
    if len(logins) > 1 and st.button(f"End the other {len(logins) - 1}"):
        sessions.end_logins(get_store(), person.name, actor=person.name, keep=person.login_id)
        st.rerun()


def _password(person: Person) -> None:
    st.subheader("Password", anchor=False)
    with st.form("password", clear_on_submit=True, width=420):
        old = st.text_input("Present password", type="password", autocomplete="current-password")
        new = st.text_input("New password", type="password", autocomplete="new-password")
        again = st.text_input("The new one again", type="password", autocomplete="new-password")
        is_sent = st.form_submit_button("Change password")
    if not is_sent:
        return
    if new != again:
        st.error("The two new passwords differ.")
        return
    with errors_shown():
        sessions.change_password(get_store(), person, old=old, new=new)
        st.success("Changed. Your other log-ins were ended.")
