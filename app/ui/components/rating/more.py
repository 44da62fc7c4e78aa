"""What one needs more rarely than Submit and Skip, in a menu beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from app.services.sessions import Person
from app.ui.components.rating.asking import open_asking, open_report
from app.ui.components.rating.day import pause
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.keyboard import open_keys
from app.ui.components.rating.not_rankable import open_not_rankable
from app.ui.components.rating.panel import open_rubric
from app.ui.words import say

DIALOGS: Mapping[str, Callable[[Person, Form], None]] = {
    "rubric": lambda _person, form: open_rubric(form.desk),
    "keys": lambda person, _form: open_keys(person),
    "ask": lambda _person, form: open_asking(form),
    "not-rankable": lambda _person, form: open_not_rankable(form),
    "report": lambda _person, form: open_report(form),
}
"""Entries that open something over the page."""

PAUSES: Mapping[str, bool] = {"pause-hold": True, "pause-back": False}
"""Entries that pause, and whether the comparison is kept meanwhile."""


def show_more(person: Person, form: Form) -> None:
    """The menu; what it holds is sent once it is open, and it closes with every entry."""
    with st.container(key="more-menu", width="content"):
        menu = st.popover(say("more"), key=form.key("more"), on_change="rerun")
    if menu.open:
        with menu:
            for name in (*DIALOGS, *PAUSES):
                st.button(say(name), key=form.key(name), width="stretch", on_click=_choose, args=(form, name))
    wanted = st.session_state.pop(form.key("wanted"), None)
    if wanted is not None:
        DIALOGS[wanted](person, form)


def _choose(form: Form, name: str) -> None:
    """Close the menu; a dialog opens in the run that follows."""
    st.session_state[form.key("more")] = False
    if name in PAUSES:
        pause(hold=PAUSES[name])
    else:
        st.session_state[form.key("wanted")] = name
