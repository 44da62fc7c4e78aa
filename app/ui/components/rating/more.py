"""What one needs more rarely than Submit and Skip, in a menu beside them."""

from __future__ import annotations

import streamlit as st

from app.services.sessions import Person
from app.ui.components.rating.asking import show_asking_entries
from app.ui.components.rating.day import show_pause_entries
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.keyboard import open_keys
from app.ui.components.rating.panel import open_rubric
from app.ui.words import say


def show_more(person: Person, form: Form) -> None:
    """The menu; one call per entry, each entry a file of this folder."""
    with st.container(key="more-menu", width="content"), st.popover(say("more")):
        if st.button(say("rubric"), key=form.key("more-rubric"), width="stretch"):
            open_rubric(form.desk)
        if st.button(say("keys"), key=form.key("more-keys"), width="stretch"):
            open_keys(person)
        show_asking_entries(form)
        show_pause_entries()
