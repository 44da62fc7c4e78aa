"""Audits: batches of settled comparisons, a sample that one judges without seeing the label, and what it decides."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.domain import Campaign
from app.errors import SteelyardError
from app.policy import Action
from app.services import audits
from app.services.audits import Audit, AuditCase
from app.services.sessions import Person
from app.services.showing import answer_from_slots
from app.stats.sampling_plans import find_plan
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state, show_error
from app.ui.components.rating.answer_widgets import overall_question
from app.ui.components.rating.conversation import show_conversation, show_responses
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.components.votes import in_letters
from app.ui.session import get_person, get_store
from rubrics.answers import Answer, AnswerError

LEAD = "A sample of what the votes settled, judged by somebody senior; too many wrong labels send the batch back."
NOTICE = "audit-notice"
WRONG = "It is wrong"


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Audits", person, Action.ADJUDICATE, lead=LEAD)
    if campaign is None:
        return
    _show_notice()
    found = audits.list_audits(get_store(), person.name, campaign.name)
    waiting = audits.n_waiting(get_store(), person.name, campaign.name)
    for audit in found:
        if audit.state == audits.OPEN:
            with st.container(key=f"audit-{audit.id}", gap="small"):
                _inspect(person, campaign, audit)
    if waiting:
        _show_start(person, campaign, waiting)
    if found:
        st.subheader("All audits", anchor=False)
        st.dataframe(_table(found), hide_index=True, width="stretch", key="audits")
    elif not waiting:
        empty_state(
            "Nothing to audit yet",
            "Comparisons appear here once their votes settle them. A round can open audits by itself (its rules).",
            to="plan",
            label="How far the votes are",
        )


def _inspect(person: Person, campaign: Campaign, audit: Audit) -> None:
    """The open audit: how far it is, and the next comparison of its sample."""
    plan = audit.plan
    st.subheader(f"Audit {audit.position} of round {escape(audit.round)}", anchor=False)
    st.progress(audit.n_inspected / plan.n, f"{audit.n_inspected} of {plan.n} inspected, {audit.n_defects} wrong")
    st.caption(_promise(plan))
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
        st.session_state[NOTICE] = "Say whether the label is wrong, then record."
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


def _show_start(person: Person, campaign: Campaign, waiting: dict[str, int]) -> None:
    st.subheader("Start an audit", anchor=False)
    left, middle, right = st.columns(3)
    with left:
        name = st.selectbox("Round", list(waiting), format_func=lambda one: f"{one} ({waiting[one]:,} settled)")
    with middle:
        size = st.number_input("Comparisons in the batch", 1, 100_000, min(audits.BATCH, waiting[name]))
    with right:
        bad = st.number_input("Wrong labels that must not pass, %", 6, 90, round(audits.BAD * 100))
    plan = find_plan(min(int(size), waiting[name]), good=audits.GOOD, bad=bad / 100)
    st.caption(_promise(plan))
    if st.button("Start", key="start-audit", type="primary"):
        try:
            options = {"round_name": name, "size": int(size), "bad": bad / 100}
            audits.start(get_store(), person.name, campaign.name, **options)
        except SteelyardError as error:
            show_error(error)
            return
        st.rerun()


def _promise(plan: audits.AcceptancePlan) -> str:
    """What a plan protects, in one sentence."""
    return (
        f"Inspect {plan.n} of {plan.batch}, accept with at most {plan.c} wrong: a batch with {plan.bad:.0%} wrong "
        f"passes with probability {plan.risk_bad:.2f}, one with {plan.good:.0%} is rejected with {plan.risk_good:.2f}."
    )


def _table(found: list[Audit]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "round": one.round,
                "audit": one.position,
                "state": one.state,
                "batch": one.n_items,
                "inspected": f"{one.n_inspected} of {one.plan.n}",
                "wrong": f"{one.n_defects}, {one.plan.c} allowed",
                "share wrong": _share(one),
                "opened": show_time(one.opened_at),
                "by": one.opened_by,
            }
            for one in found
        ]
    )


def _share(audit: Audit) -> str:
    share = audit.defect_share
    if share.value is None:
        return "none inspected"
    return f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}], n = {share.n}"


def _show_notice() -> None:
    notice = st.session_state.pop(NOTICE, None)
    if isinstance(notice, SteelyardError):
        show_error(notice)
    elif notice:
        st.success(escape(notice))
