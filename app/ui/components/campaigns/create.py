"""Creating a campaign."""

from __future__ import annotations

import streamlit as st

from app.domain import RaterKind, RoundRules
from app.services import managing
from app.ui.components.campaigns.rules import KIND_WORDS, rubric_words, rules_fields
from app.ui.components.page import errors_shown
from app.ui.session import choose_campaign, get_person, get_store


def show_create() -> None:
    """The form; a created campaign becomes the one that the person looks at."""
    choices = {choice.id: choice for choice in managing.rubric_choices(get_store())}
    with st.form("create-campaign", border=True):
        left, right = st.columns(2)
        with left:
            name = st.text_input("Name", help="Letters, digits, . _ and -; the command line uses it.", max_chars=64)
        with right:
            title = st.text_input("Title, for people", placeholder="the name, where empty", max_chars=200)
        rubric = st.selectbox("Rubric", list(choices), format_func=lambda one: rubric_words(choices[one]))
        kinds = st.multiselect(
            "Raters whose votes count",
            list(RaterKind),
            default=[RaterKind.HUMAN],
            format_func=KIND_WORDS.__getitem__,
            help="Votes of other kinds are kept and measured, and never mixed in silently.",
        )
        with st.expander("Collecting rules of the main round"):
            rules = rules_fields(RoundRules(), key="create")
        if not st.form_submit_button("Create campaign", type="primary"):
            return
    with errors_shown():
        created = managing.create_campaign(
            get_store(),
            get_person(),
            name.strip(),
            rubric=rubric,
            title=title.strip(),
            counted_kinds=kinds,
            rules=rules,
        )
        choose_campaign(created.name)
        st.session_state["campaign-created"] = created.name
        st.rerun()
