"""A rater's day: how much is done, how long it took, a word about rest, and pauses."""

from __future__ import annotations

import streamlit as st

from app.errors import SteelyardError
from app.services import working_time
from app.services.working_time import Today
from app.ui.components.page import empty_state
from app.ui.components.rating.stopped import tell
from app.ui.components.time import show_duration, show_time
from app.ui.session import get_person, get_store
from app.ui.words import say


def show_day(day: Today) -> None:
    """One line in the bar: no pace, no goal."""
    st.caption(say("today", n=day.n_judgments, time=show_duration(day.seconds)), width="content")


def show_rest(day: Today) -> None:
    """A gentle word after long work."""
    if day.may_rest:
        st.caption(say("rest", time=show_duration(day.unbroken_seconds)))


def show_pause(day: Today) -> bool:
    """What the page is during a pause; returns whether there is one."""
    if day.paused_at is None:
        return False
    empty_state(say("paused"), say("paused-since", time=show_time(day.paused_at), done=show_duration(day.seconds)))
    st.button(say("go-on"), type="primary", key="go-on", on_click=_resume)
    return True


def pause(*, hold: bool) -> None:
    """Pause, and keep the comparison or hand it back; for a callback."""
    try:
        working_time.pause(get_store(), get_person().name, hold=hold)
    except SteelyardError as error:
        tell(error)


def _resume() -> None:
    working_time.resume(get_store(), get_person().name)
