"""An open audit on the screen: the comparison in hand, the auditor's own answer, then the label beside it."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign
from app.errors import SteelyardError
from app.services import audits
from app.services.audits import Audit, AuditCase
from app.services.sessions import Person
from app.services.showing import answer_from_slots
from app.ui.components.rating.answer_widgets import overall_question
from app.ui.components.rating.conversation import show_conversation, show_responses
from app.ui.components.text import escape
from app.ui.components.votes import in_letters
from app.ui.session import get_person, get_store
from rubrics.answers import Answer, AnswerError

NOTICE = "audit-notice"
WRONG = "It is wrong"


def show_open_audit(person: Person, campaign: Campaign, audit: Audit) -> None:
    """The open audit: how far it is, and the next comparison of its sample."""
    plan = audit.plan
    st.subheader(f"Audit {audit.position} of round {escape(audit.round)}", anchor=False)
    st.progress(audit.n_inspected / plan.n, f"{audit.n_inspected} of {plan.n} inspected, {audit.n_defects} wrong")
    st.caption(promise(plan))
    case = audits.next_case(get_store(), person.name, campaign.name, audit.id)
    if case is None:
        st.text("Nothing of this sample is left for you: the rest waits for others, or you judged it yourself.")
        return
    comparison, key = case.comparison, f"{audit.id}-{case.comparison.id}"
    show_conversation(comparison.prompt)
    show_responses(tuple(one.text for one in comparison.completions), key=key)
    if case.answer is None:
        _ask(campaign, case, key)
    else:
        _compare(campaign, case, key)


def _ask(campaign: Campaign, case: AuditCase, key: str) -> None:
    """The auditor's own answer, before the label is shown."""
    st.markdown("**Your answer**")
    slots = tuple(str(place) for place in range(1, len(case.comparison.completions) + 1))
    widget, question = overall_question(case.rubric, slots)
    widget.render(question, f"audit-answer-{key}", lambda: None)
    given = widget.read(question, f"audit-answer-{key}")
    answer = None if given is None else answer_from_slots(given, case.comparison.completion_ids)
    st.button(
        "Compare with the label",
        type="primary",
        key=f"compare-{key}",
        disabled=answer is None or not _is_complete(case, answer),
        on_click=_answer,
        args=(campaign, case, answer),
    )
    st.caption("The label that the votes settled on is hidden until you have answered.")


def _compare(campaign: Campaign, case: AuditCase, key: str) -> None:
    """A label that differs from the auditor's answer: is it wrong?"""
    ids = case.comparison.completion_ids
    mine, label = in_letters(case.answer, ids), in_letters(Answer(preferred=case.label), ids)
    st.markdown(f"You say **{escape(mine)}**, the votes settled on **{escape(label)}**.")
    st.radio("Is the label wrong?", [WRONG, "It is acceptable too"], index=None, key=f"wrong-{key}", horizontal=True)
    st.text_area("Why", key=f"why-{key}", placeholder="A sentence; it stands beside the label.")
    st.button("Record and go on", type="primary", key=f"record-{key}", on_click=_record, args=(campaign, case, key))


def _is_complete(case: AuditCase, answer: Answer) -> bool:
    try:
        case.rubric.validate_overall(answer, case.comparison.completion_ids)
    except AnswerError:
        return False
    return True


def _answer(campaign: Campaign, case: AuditCase, answer: Answer) -> None:
    try:
        label = audits.answer_case(
            get_store(), get_person().name, campaign.name, case.audit_id, case.comparison.id, answer=answer
        )
    except SteelyardError as error:
        st.session_state[NOTICE] = error
        return
    if label is None:
        st.session_state[NOTICE] = f"You agree with the label of {case.comparison.id}."


def _record(campaign: Campaign, case: AuditCase, key: str) -> None:
    said = st.session_state.get(f"wrong-{key}")
    if said is None:
        st.session_state[NOTICE] = ["Say whether the label is wrong, then record."]
        return
    try:
        audits.judge_label(
            get_store(),
            get_person().name,
            campaign.name,
            case.audit_id,
            case.comparison.id,
            is_wrong=said == WRONG,
            reason=st.session_state.get(f"why-{key}") or "",
        )
    except SteelyardError as error:
        st.session_state[NOTICE] = error


def promise(plan: audits.AcceptancePlan) -> str:
    """What a plan protects, in one sentence."""
    return (
        f"Inspect {plan.n} of {plan.batch}, accept with at most {plan.c} wrong: a batch with {plan.bad:.0%} wrong "
        f"passes with probability {plan.risk_bad:.2f}, one with {plan.good:.0%} is rejected with {plan.risk_good:.2f}."
    )
