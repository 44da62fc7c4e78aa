"""A rater's log of working time: what counts, and all of it to take along."""

from __future__ import annotations

import streamlit as st

from app.services import working_time
from app.services.sessions import Person
from app.ui.session import get_store
from app.ui.words import say


def show_working_log(person: Person) -> None:
    """What counts as active time, and the log as a file."""
    stretches = working_time.log(get_store(), person.name)
    if not stretches:
        return
    with st.expander(say("log")):
        st.text(say("log-counts", seconds=int(working_time.IDLE_SECONDS), words=int(working_time.READING_WORDS)))
        st.download_button(
            say("log-take", n=len(stretches)),
            working_time.log_csv(stretches),
            file_name="working-time.csv",
            mime="text/csv",
            key="working-log",
            on_click="ignore",
        )
