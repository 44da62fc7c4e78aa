"""Two people writing one draft: the second is told, sees both texts, and decides; nothing is overwritten."""

from __future__ import annotations

import streamlit as st

from app.errors import DraftMoved, SteelyardError
from app.services import rubric_drafts
from app.ui.components.page import show_error
from app.ui.components.studio.lines import show_line_difference
from app.ui.components.studio.writing import PROBLEM, Writing, open_draft
from app.ui.components.text import escape
from app.ui.session import get_person, get_store
from rubrics.merging import merge_texts

LOOK_EVERY_SECONDS = 6.0


def show_conflict(writing: Writing) -> bool:
    """The choice between the text of this tab and the one on the server; False where there is none to make."""
    mine = writing.mine
    if mine is None:
        return False
    theirs = writing.draft
    st.warning(
        escape(
            f"{theirs.saved_by} saved this draft while you wrote: it is at revision {theirs.revision}. "
            "Your last change is not saved, and nothing was overwritten."
        )
    )
    with st.container(horizontal=True, gap="small"):
        st.button("Take theirs", key="take-theirs", on_click=_settle, args=(writing,))
        st.button("Keep mine as a draft of its own", key="keep-mine", on_click=_keep, args=(writing, mine))
        st.button("Put mine in its place", key="put-mine", on_click=_replace, args=(writing, mine))
        both = None if writing.base is None else merge_texts(writing.base, mine, theirs.text)
        if both is not None:
            st.button("Put both together", key="put-both", type="primary", on_click=_replace, args=(writing, both))
    if both is None:
        st.caption("You changed the same lines, so the two cannot be put together line by line.")
        st.markdown("**From theirs to yours**")
        show_line_difference(theirs.text, mine)
        return True
    together, replaced = st.tabs(["Theirs with your changes", "From theirs to yours"])
    with together:
        st.caption("What putting both together makes of their text.")
        show_line_difference(theirs.text, both)
    with replaced:
        st.caption("What putting yours in its place makes of their text: their changes would go.")
        show_line_difference(theirs.text, mine)
    return True


def show_news(writing: Writing) -> None:
    """What somebody else did to the draft since this tab looked, and a look every few seconds while it is open."""
    by = st.session_state.pop(writing.key("news"), None)
    if by:
        st.info(escape(f"{by} changed this draft; you see it as it is now."))
    revision = writing.draft.revision

    @st.fragment(run_every=LOOK_EVERY_SECONDS)
    def look() -> None:
        try:
            now = rubric_drafts.read_draft(get_store(), get_person(), writing.draft.id)
        except SteelyardError as error:
            show_error(error)
            return
        if now.revision > revision and now.saved_by != get_person().name:
            st.warning(escape(f"{now.saved_by} saved revision {now.revision} a moment ago."))
            if st.button("Show it", key=writing.key("show-news")):
                st.rerun()

    look()


def _settle(writing: Writing) -> None:
    for name in ("mine", "fields", "seen"):
        st.session_state.pop(writing.key(name), None)


def _keep(writing: Writing, mine: str) -> None:
    try:
        draft = rubric_drafts.create_draft(get_store(), get_person(), mine)
    except SteelyardError as error:
        st.session_state[PROBLEM] = str(error)
        return
    _settle(writing)
    open_draft(draft)


def _replace(writing: Writing, text: str) -> None:
    """Over the revision that was shown beside it; another one since is another conflict."""
    try:
        rubric_drafts.save_draft(get_store(), get_person(), writing.draft.id, text, revision=writing.draft.revision)
    except DraftMoved:
        return
    except SteelyardError as error:
        st.session_state[PROBLEM] = str(error)
        return
    _settle(writing)
