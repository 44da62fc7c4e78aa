"""The members of a campaign and their roles."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.domain import Role
from app.services import managing
from app.services.managing import MEMBER_ROLES
from app.ui.components.page import empty_state, errors_shown
from app.ui.session import get_person, get_store


def show_members(campaign: str) -> None:
    """Who is in, with which roles; add somebody, change roles, take somebody out."""
    person = get_person()
    members = managing.members_of(get_store(), person, campaign)
    if members:
        rows = [
            {
                "account": member.name,
                "kind": member.kind.value,
                "roles": ", ".join(sorted(member.roles)),
                "state": member.state.value,
                "member since": member.joined_at,
            }
            for member in members
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", column_config=_COLUMNS, key="members")
    else:
        empty_state("No members yet", "Add raters below: without them, nobody gets work from this campaign.")
    left, right = st.columns(2)
    with left:
        _show_add(campaign, managing.candidates_for(get_store(), person, campaign))
    with right:
        if members:
            _show_change(campaign, {member.name: member.roles for member in members})


_COLUMNS = {"member since": st.column_config.DatetimeColumn(format="D MMM YYYY")}


def _show_add(campaign: str, candidates: list[str]) -> None:
    with st.form("add-member", border=True):
        st.subheader("Add a member", anchor=False)
        name = st.selectbox("Account", candidates, index=None, placeholder="choose an account")
        roles = st.multiselect("Roles here", list(MEMBER_ROLES), default=[Role.RATER])
        st.caption("Not in the list? An admin adds accounts under People.")
        if st.form_submit_button("Add member"):
            _set(campaign, name, roles)


def _show_change(campaign: str, present: dict[str, frozenset[Role]]) -> None:
    with st.container(border=True):
        st.subheader("Change a member", anchor=False)
        name = st.selectbox("Member", list(present), key="member-choice")
        here = [role for role in MEMBER_ROLES if role in present[name]]
        roles = st.multiselect("Roles here", list(MEMBER_ROLES), default=here, key=f"member-roles-{name}")
        left, right = st.columns(2)
        if left.button("Save roles", width="stretch"):
            _set(campaign, name, roles)
        if right.button("Take out", width="stretch", help="What they judged stays."):
            with errors_shown():
                managing.remove_member(get_store(), get_person(), campaign, name)
                st.rerun()


def _set(campaign: str, name: str | None, roles: list[Role]) -> None:
    if name is None:
        st.error("Choose an account first.")
        return
    with errors_shown():
        managing.set_member(get_store(), get_person(), campaign, name, roles=roles)
        st.rerun()
