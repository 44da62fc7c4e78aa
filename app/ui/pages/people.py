"""People: accounts, roles, states, one-time links, web sessions."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.domain import RaterKind
from app.policy import Action
from app.services import administration
from app.services.administration import AccountRow
from app.ui.components.page import empty_state, page_header
from app.ui.components.people import show_account, show_add, show_fresh_link
from app.ui.session import get_person, get_store


def page() -> None:
    """The page."""
    person = get_person()
    page_header("People", "Accounts, their roles, and the links with which people come in.")
    rows = administration.list_people(get_store(), person)
    show_fresh_link()
    with st.expander("Add a person", expanded=len(rows) <= 1):
        show_add([campaign.name for campaign in person.campaigns_for(Action.MANAGE_CAMPAIGN)])
    if len(rows) <= 1:
        empty_state("Nobody but you yet", "Add the first rater, designer or researcher above and hand over their link.")
    shown = _filtered(rows)
    st.dataframe(_table(shown), hide_index=True, width="stretch", column_config=_COLUMNS, key="people")
    if not shown:
        return
    names = [row.account.name for row in shown]
    st.session_state.setdefault("person-choice", person.name if person.name in names else names[0])
    if st.session_state["person-choice"] not in names:
        st.session_state["person-choice"] = names[0]
    chosen = st.selectbox("Account", names, key="person-choice", width=360)
    show_account(next(row for row in shown if row.account.name == chosen))


def _filtered(rows: list[AccountRow]) -> list[AccountRow]:
    kinds = [kind for kind in RaterKind if any(row.account.kind is kind for row in rows)]
    if len(kinds) < 2:
        return rows
    wanted = st.segmented_control(
        "Kind", kinds, default=RaterKind.HUMAN, format_func=lambda kind: kind.value, required=True, key="people-kind"
    )
    return [row for row in rows if row.account.kind is wanted]


def _table(rows: list[AccountRow]) -> pd.DataFrame:
    columns = ["account", "roles", "state", "campaigns", "password", "logged in", "since"]
    return pd.DataFrame(
        [
            (
                row.account.name,
                ", ".join(sorted(row.account.roles)),
                row.account.state.value,
                ", ".join(sorted(row.campaigns)),
                "set" if row.has_password else "not set",
                row.n_logins,
                row.created_at,
            )
            for row in rows
        ],
        columns=columns,
    )


_COLUMNS = {"since": st.column_config.DatetimeColumn(format="D MMM YYYY")}
