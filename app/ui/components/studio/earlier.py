"""What the draft said before: every text that was replaced, what has changed since, and the way back."""

from __future__ import annotations

import streamlit as st

from app.services import rubric_drafts
from app.services.rubric_drafts import EarlierText
from app.ui.components.page import empty_state
from app.ui.components.studio.lines import show_line_difference
from app.ui.components.studio.writing import Writing
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store


def show_earlier(writing: Writing) -> None:
    """Choose an earlier text, see what has changed since, go back to it."""
    texts = {one.revision: one for one in rubric_drafts.earlier_texts(get_store(), get_person(), writing.draft.id)}
    if not texts:
        empty_state("Nothing was changed yet", "Every text that you or others replace is kept here, to go back to.")
        return
    key = writing.key("earlier")
    if st.session_state.get(key) not in texts:
        st.session_state[key] = next(iter(texts))
    chosen = texts[st.selectbox("Text as of", list(texts), key=key, format_func=lambda one: _words(texts[one]))]
    st.button(
        "Go back to this text", key=writing.key("go-back"), on_click=writing.edit, args=(lambda _: chosen.text,),
        help="It becomes the next revision; what stands now is kept here.",
    )  # fmt: skip
    st.markdown("**What has changed since**")
    if chosen.text == writing.text:
        st.caption("Nothing: the draft says the same again.")
        return
    show_line_difference(chosen.text, writing.text)


def _words(one: EarlierText) -> str:
    return f"revision {one.revision}, {one.saved_by} {show_time(one.saved_at)}"
