"""Accounts: add one, and what an admin does with one. A one-time link is shown once."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from app.domain import RaterKind, RaterState, Role
from app.services import administration
from app.services.administration import AccountRow
from app.services.people import LINK_LIFETIME
from app.settings import settings
from app.ui.components.credentials import show_credentials
from app.ui.components.page import errors_shown
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store

_LINK = "one-time-link"

STATE_WORDS = {
    RaterState.APPLICANT: "applicant: has yet to pass an exam",
    RaterState.TRAINING: "training: learns the rubric",
    RaterState.QUALIFIED: "qualified: gets work",
    RaterState.WARNED: "warned: gets work, and was told",
    RaterState.PAUSED: "paused: gets no work",
    RaterState.RETIRED: "retired: cannot log in",
}


def show_fresh_link() -> None:
    """The link that was just made: on this run only."""
    found = st.session_state.pop(_LINK, None)
    if found is None:
        return
    name, token = found
    with st.container(key="fresh-link", border=True):
        st.markdown(f"**One-time link for {escape(name)}**")
        st.code(f"{_address()}/password/{token}", language=None, wrap_lines=True)
        st.caption(
            f"It opens once, within {LINK_LIFETIME.days} days, and sets a password. It is shown only now: copy it "
            "and hand it over yourself. A new one can always be made."
        )


def _address() -> str:
    """The address under which people reach this server."""
    if settings().public_url:
        return settings().public_url
    here = urlsplit(st.context.url or "")
    return f"{here.scheme}://{here.netloc}" if here.netloc else ""


def show_add(campaign_names: list[str]) -> None:
    """The form for a new account; empty again once somebody was added, and as it was after a refusal."""
    turn = st.session_state.setdefault("add-person-turn", 0)
    with st.form(f"add-person-{turn}", border=True):
        left, right = st.columns(2)
        with left:
            name = st.text_input("Name", max_chars=64, help="Unique: letters, digits and . @ + - _")
        with right:
            roles = st.multiselect("Roles", list(Role), default=[Role.RATER], help=_ROLES_HELP)
        campaigns = st.multiselect("Member of these campaigns, with the same roles", campaign_names)
        is_sent = st.form_submit_button("Add person", type="primary")
    if not is_sent:
        return
    with errors_shown():
        token = administration.add_person(
            get_store(), get_person(), name.strip(), roles=roles, campaign_names=campaigns
        )
        st.session_state[_LINK] = (name.strip(), token)
        st.session_state["add-person-turn"] = turn + 1
        st.rerun()


_ROLES_HELP = (
    "admin holds everywhere. The others hold in the campaigns of which one is a member; a researcher may also create "
    "campaigns."
)


def show_account(row: AccountRow) -> None:
    """What can be done with one account."""
    account = row.account
    here = ", ".join(f"{name} ({', '.join(sorted(roles))})" for name, roles in sorted(row.campaigns.items()))
    st.text(
        f"Since {show_time(row.created_at)}. Campaigns: {here or 'none; a researcher adds members under Campaigns'}."
    )
    left, right = st.columns(2)
    with left:
        _show_roles(row)
        _show_state(row)
        show_credentials(account.name)
    with right:
        if account.kind is RaterKind.HUMAN:
            _show_link(row)
            _show_logins(row)
        else:
            st.text(f"{account.name} is a {account.kind.value} rater: it does not log in.")


def _show_roles(row: AccountRow) -> None:
    name = row.account.name
    with st.container(border=True):
        roles = st.multiselect("Roles", list(Role), default=sorted(row.account.roles), key=f"roles-{name}")
        if st.button("Save roles", key=f"save-roles-{name}", disabled=set(roles) == set(row.account.roles)):
            with errors_shown():
                administration.set_roles(get_store(), get_person(), name, roles=roles)
                st.rerun()


def _show_state(row: AccountRow) -> None:
    name, states = row.account.name, list(RaterState)
    with st.container(border=True):
        state = st.selectbox(
            "State",
            states,
            index=states.index(row.account.state),
            format_func=STATE_WORDS.__getitem__,
            key=f"state-{name}",
        )
        if st.button("Save state", key=f"save-state-{name}", disabled=state is row.account.state):
            with errors_shown():
                administration.set_state(get_store(), get_person(), name, state=state)
                st.rerun()


def _show_link(row: AccountRow) -> None:
    name = row.account.name
    with st.container(border=True):
        st.text("Has a password." if row.has_password else "Has no password yet: hand over a one-time link.")
        if st.button("Make a one-time link", key=f"link-{name}", help="To set a first password, or another one."):
            with errors_shown():
                st.session_state[_LINK] = (name, administration.reset_link(get_store(), get_person(), name))
                st.rerun()


def _show_logins(row: AccountRow) -> None:
    person, name = get_person(), row.account.name
    logins = administration.logins_of(get_store(), person, name)
    with st.container(border=True):
        if not logins:
            st.text("Not logged in anywhere.")
            return
        for login in logins:
            own = " · this one" if login.id == person.login_id else ""
            st.text(f"Logged in since {show_time(login.created_at)}, until {show_time(login.expires_at)}{own}")
        others = [login for login in logins if login.id != person.login_id]
        if others and st.button(f"End {len(others)} web session{'s' * (len(others) > 1)}", key=f"end-{name}"):
            with errors_shown():
                administration.end_logins(get_store(), person, name)
                st.rerun()
