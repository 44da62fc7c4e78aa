"""What an adjudicator sees once they have a view of their own, and the decision with its cause and reason."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.domain import Campaign, Cause
from app.errors import InvalidInput, SteelyardError
from app.services import adjudicating
from app.services.adjudicating import Case
from app.services.gold_scoring import right_answers
from app.ui.components.text import escape
from app.ui.components.votes import in_letters, show_decisions, show_votes
from app.ui.session import get_person, get_store
from rubrics.answers import Answer

CAUSES = {
    Cause.ERROR: "Some votes are wrong",
    Cause.UNDERSPECIFIED: "The rubric or the prompt leaves it open",
    Cause.STYLE: "A matter of style",
    Cause.REFUSAL: "Whether to refuse at all",
    Cause.VALUE_CONFLICT: "Criteria pull apart, and raters weigh them differently",
}
NOTICE = "adjudicate-notice"
"""Where the page finds what became of a decision."""


def show_evidence(campaign: Campaign, case: Case, first_view: Answer) -> None:
    """Votes, earlier decisions, and what is known of the comparison."""
    ids = case.comparison.completion_ids
    kinds = ", ".join(kind.value for kind in campaign.counted_kinds)
    st.subheader("The votes", anchor=False)
    view = in_letters(first_view, ids)
    st.caption(escape(f"Counted kinds: {kinds} · round {case.round.name} · your first view was {view}"))
    show_votes(case, campaign.counted_kinds)
    if case.decisions:
        st.subheader("Earlier decisions", anchor=False)
        show_decisions(case.decisions, ids, CAUSES)
    gold = case.comparison.gold
    if gold is not None:
        accepted = " or ".join(in_letters(Answer(preferred=one), ids) for one in right_answers(gold))
        st.subheader("The gold key", anchor=False)
        st.text(f"{'Accepts' if gold.accepted else 'Most experts say'} {accepted}. {gold.explanation}".strip())


def show_decision(
    campaign: Campaign, case: Case, answer: Answer | None, *, is_complete: bool, go_on: Callable[[], None]
) -> None:
    """The answer that stands, why raters disagreed, and the reason.

    Args:
        campaign: the campaign.
        case: the comparison.
        answer: what the adjudicator chose; None for nothing.
        is_complete: whether the answer can stand.
        go_on: opens the next case once this one is decided.
    """
    key = f"{campaign.name}-{case.comparison.id}"
    st.subheader("Your decision", anchor=False)
    said = "nothing yet" if answer is None else in_letters(answer, case.comparison.completion_ids)
    st.markdown(f"The answer that should stand: **{escape(said)}**. You may change it above.")
    cause = st.radio(
        "Why did raters disagree?",
        list(CAUSES),
        index=None,
        format_func=CAUSES.__getitem__,
        key=f"cause-{key}",
        persist_state="session",
    )
    st.caption("Where votes are wrong, the decision becomes the label. Otherwise the votes stay the label.")
    st.text_area(
        "Reason",
        key=f"reason-{key}",
        placeholder="A sentence or two; it stands beside the votes for good.",
        persist_state="session",
    )
    st.button(
        "Decide and go on",
        key=f"decide-{key}",
        type="primary",
        shortcut="Mod+Enter",
        disabled=not is_complete,
        on_click=_decide,
        args=(campaign, case, answer, go_on),
    )
    if not is_complete:
        st.caption("Give an answer above to decide.")
    elif cause is None:
        st.caption("Choose a cause to decide.")


def _decide(campaign: Campaign, case: Case, answer: Answer, go_on: Callable[[], None]) -> None:
    """Decide with what the page says at the click: the cause may have been chosen a moment before."""
    key = f"{campaign.name}-{case.comparison.id}"
    cause = st.session_state[f"cause-{key}"]
    if cause is None:
        st.session_state[NOTICE] = InvalidInput("Say why raters disagreed: choose a cause, then decide.")
        return
    try:
        adjudicating.decide(
            get_store(),
            get_person().name,
            campaign.name,
            case.comparison.id,
            answer=answer,
            cause=cause,
            reason=st.session_state[f"reason-{key}"],
            round_name=case.round.name,
        )
    except SteelyardError as error:
        st.session_state[NOTICE] = error
        return
    said = in_letters(answer, case.comparison.completion_ids)
    st.session_state[NOTICE] = f"Decided: {case.comparison.id} is {said}."
    st.session_state.pop(f"seen-{key}", None)
    go_on()
