"""What stopped a click on the desk, for the next screen: in the person's language where a tab or the clock did."""

from __future__ import annotations

import streamlit as st

from app.errors import AlreadyEnded, LeaseLost, SteelyardError
from app.ui.words import say


def tell(error: SteelyardError) -> None:
    """Keep for the next screen what another tab, or the clock, did before the click; anything else as it was raised."""
    notice: SteelyardError | list[str] = error
    if isinstance(error, AlreadyEnded):
        notice = [say(f"known-{error.state}")]
    elif isinstance(error, LeaseLost):
        notice = [say("lease-lost")]
    st.session_state["rate-notice"] = notice
