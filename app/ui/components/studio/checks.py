"""What is wrong with the text, by line and field, and what raters will trip over, which may be put aside."""

from __future__ import annotations

import streamlit as st

from app.services import rubric_drafts
from app.ui.components.page import errors_shown
from app.ui.components.rubric_view import show_problems
from app.ui.components.studio.writing import Writing
from app.ui.components.text import escape, escape_html
from app.ui.session import get_person, get_store
from rubrics.advice import Advice
from rubrics.errors import RubricError

KINDS = {
    "vague": "vague word",
    "double_barrelled": "two questions in one",
    "same": "says the same",
    "missing_rule": "no rule",
    "unexplained": "unexplained",
    "untested": "untested",
    "too_many": "too many",
}
"""Each kind of advice in a few words."""


def show_checks(writing: Writing) -> None:
    """Problems first; advice once there are none."""
    if writing.rubric is None:
        n = len(writing.problems)
        st.error(f"{n} {'thing is' if n == 1 else 'things are'} wrong; nothing can be published yet.")
        show_problems(RubricError("rubric", writing.problems), writing.text)
        return
    rubric = writing.rubric
    n_criteria = f"{len(rubric.criteria)} criteria" if len(rubric.criteria) != 1 else "1 criterion"
    st.success(escape(f"Valid: {rubric.title}, {n_criteria}. It would be version {rubric.version[:12]}."))
    dismissed = writing.draft.dismissed
    open_, aside = [], []
    for one in writing.advice:
        (aside if one.id in dismissed else open_).append(one)
    if not open_:
        st.caption("No advice." if not aside else "No further advice.")
    for one in open_:
        _show_advice(writing, one, is_dismissed=False)
    if aside:
        with st.expander(f"Put aside ({len(aside)})"):
            for one in aside:
                _show_advice(writing, one, is_dismissed=True)


def _show_advice(writing: Writing, one: Advice, *, is_dismissed: bool) -> None:
    line = f"<b>Line {one.line}</b>, " if one.line else ""
    with st.container(key=writing.key(f"advice-{one.id}"), gap=None):
        st.html(
            f'<div class="sy-advice"><span class="sy-tag">{KINDS[one.kind]}</span> {line}'
            f"<code>{escape_html(one.field)}</code>: {escape_html(one.reason)}. "
            f"To do: {escape_html(one.remedy)}.</div>"
        )
        st.button(
            "Take up again" if is_dismissed else "Put aside",
            key=writing.key(f"dismiss-{one.id}"),
            type="tertiary",
            on_click=_dismiss,
            args=(writing, one.id, not is_dismissed),
        )


def _dismiss(writing: Writing, advice_id: str, is_dismissed: bool) -> None:
    with errors_shown():
        rubric_drafts.dismiss_advice(get_store(), get_person(), writing.draft.id, advice_id, is_dismissed=is_dismissed)
