"""What an admin has seen proof of: an account's credentials, a form for another one, and a way to end one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import streamlit as st

from app.requirements import CREDENTIAL, KINDS, WITH_LEVEL
from app.services import credentials
from app.services.credentials import Credential
from app.services.standing import LEVELS
from app.ui.components.page import errors_shown
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store


def show_credentials(name: str) -> None:
    """The credentials of an account, and how to change them."""
    held = credentials.held_by(get_store(), get_person().name, name)
    with st.container(border=True, key="credentials"):
        st.markdown("**Credentials**")
        if not held:
            st.caption("None. What comparisons require (a licence, a language, a place of data) is attached here.")
        for one in held:
            _show_one(name, one)
        with st.expander("Attach one"):
            _show_form(name)


def _show_one(name: str, one: Credential) -> None:
    until = f", until {show_time(one.expires_at)}" if one.expires_at else ""
    st.markdown(f"{escape(str(one.what))}: {escape(str(one.evidence.get('seen', '')))}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(escape(f"Seen by {one.evidence.get('by', 'somebody')}, {show_time(one.granted_at)}{until}"))
        with st.popover("End"):
            reason = st.text_input("Why it holds no more", key=f"end-why-{name}-{one.what.key}")
            if st.button("End it", key=f"end-{name}-{one.what.key}"):
                with errors_shown():
                    what = one.what
                    credentials.end(
                        get_store(), get_person().name, name, what.value, kind=what.kind, reason=reason or ""
                    )
                    st.rerun()


def _show_form(name: str) -> None:
    turn = st.session_state.setdefault("credential-turn", 0)
    with st.form(f"credential-{name}-{turn}", border=False):
        left, right = st.columns(2)
        kind = left.selectbox("Kind", KINDS, KINDS.index(CREDENTIAL))
        what = right.text_input("Name", help="As the comparisons require it: physician, de, eu ...")
        evidence = st.text_input("What was seen", placeholder="a document, a number, a date")
        level = left.selectbox(
            "Level", list(LEVELS), format_func=LEVELS.__getitem__, help=f"For a {' or a '.join(WITH_LEVEL)}."
        )
        until = right.date_input("Until", None, help="The day from which it holds no more; none for no end.")
        is_sent = st.form_submit_button("Attach")
    if not is_sent:
        return
    with errors_shown():
        credentials.attach(
            get_store(),
            get_person().name,
            name,
            what,
            evidence=evidence,
            kind=kind,
            level=level if kind in WITH_LEVEL else 1,
            expires_at=_start_of(until),
        )
        st.session_state["credential-turn"] = turn + 1
        st.rerun()


def _start_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)
