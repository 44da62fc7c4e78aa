"""Saying that nobody can rank a comparison: counted as a judgment, and told to the designers."""

from __future__ import annotations

import streamlit as st

from app.catalogue import CATALOGUE
from app.errors import AlreadyEnded, LeaseLost, SteelyardError
from app.services.unrankable import mark_not_rankable
from app.services.wording import MAX_LENGTH
from app.ui.components.page import show_error
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.stopped import tell
from app.ui.components.rating.typed import close
from app.ui.session import get_person, get_store
from app.ui.words import say

REASONS = ("prompt", "missing", "responses", "other")
"""Why nobody can, by the words after `unrankable-` in the catalogue; stored in English, so that they can be counted."""


def open_not_rankable(form: Form) -> None:
    """The reasons, over the page."""
    st.dialog(say("not-rankable"))(_show)(form)


def _show(form: Form) -> None:
    st.text(say("not-rankable-lead"))
    reason = st.radio(
        say("not-rankable-why"),
        REASONS,
        index=None,
        key=form.key("unrankable-reason"),
        format_func=lambda one: say(f"unrankable-{one}"),
    )
    words = st.text_area(
        say("not-rankable-words"), key=form.key("unrankable-words"), height=80, max_chars=MAX_LENGTH - 200
    )
    if not st.button(say("not-rankable-now"), key=form.key("unrankable-send"), type="primary"):
        return
    if reason is None or (reason == "other" and not words.strip()):
        st.warning(say("not-rankable-reason" if reason is None else "not-rankable-other"))
        return
    said = CATALOGUE[f"unrankable-{reason}"][0]
    try:
        receipt = mark_not_rankable(get_store(), get_person().name, form.desk.assignment.id, reason=said, text=words)
    except (AlreadyEnded, LeaseLost) as error:
        tell(error)
    except SteelyardError as error:
        show_error(error)
        return
    else:
        close(form)
        st.session_state["rate-notice"] = [say("known-submitted")] if receipt.was_known else say("not-rankable-done")
    st.rerun()
