"""Inbox: what the rubric has to answer for; each item ends in a decision, and decisions in a version."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign
from app.policy import Action
from app.services import inbox
from app.services.inbox import InboxDecision, Item, ItemKind, Outcome
from app.services.sessions import Person
from app.stats.words import counted
from app.ui.components.case import show_case
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.inbox import KINDS, OUTCOMES, show_decision
from app.ui.components.page import campaign_header, empty_state, errors_shown, link_to, show_notice
from app.ui.components.parts import show_parts
from app.ui.components.reports import open_report
from app.ui.components.text import escape, escape_html, excerpt, text_html
from app.ui.components.time import show_time
from app.ui.components.versions import all_versions, version_words
from app.ui.session import get_person, get_store

LEAD = "Value conflicts, questions, suspect gold keys, agreement that drops: each ends in a decision."


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Inbox", person, Action.ADJUDICATE, lead=LEAD)
    if campaign is None:
        return
    show_notice("inbox-notice")
    show_parts(
        {"Waiting": lambda: _show_waiting(person, campaign), "Decisions": lambda: _show_decisions(person, campaign)},
        key="inbox",
    )


def _show_waiting(person: Person, campaign: Campaign) -> None:
    kept = open_report(person, campaign, "inbox")
    items = inbox.open_items(get_store(), person.name, campaign.name, kept.document if kept else {})
    if not items:
        empty_state(
            "Nothing waits",
            "Questions and reports of raters come here, and what adjudication blames on the rubric. Gold keys that "
            "raters contradict and criteria on which they agree less than before come by themselves.",
            to="adjudicate",
            label="Adjudicate",
        )
        return
    kinds = list(dict.fromkeys(item.kind for item in items))
    wanted = st.pills(
        "Kinds", kinds, selection_mode="multi", format_func=KINDS.__getitem__, label_visibility="collapsed"
    )
    shown = [item for item in items if not wanted or item.kind in wanted]
    st.caption(f"{counted(len(items), 'item')} waiting, the oldest first")
    for item in shown:
        _show_item(campaign, item)


def _show_item(campaign: Campaign, item: Item) -> None:
    facts = [KINDS[item.kind], item.by, show_time(item.at) if item.at else "", item.comparison_id or ""]
    head = " · ".join(escape_html(fact) for fact in facts if fact)
    with st.container(border=True, key=f"item-{_plain(item.subject)}"):
        st.html(f'<p class="sy-facts">{head}</p>{text_html(item.text)}')
        if figures := _figures(item):
            st.caption(escape(figures))
        key = f"{campaign.name}-{item.subject}"
        if item.kind is ItemKind.GOLD:
            link_to("gold", "Look at the key", campaign=campaign.name)
        if item.comparison_id is not None and st.toggle("Read the comparison", key=f"read-{key}"):
            show_case(campaign, item.comparison_id, key=f"inbox-{_plain(item.subject)}")
        _show_form(campaign, item, key)


def _figures(item: Item) -> str:
    """The numbers behind a finding; empty where it has none."""
    if item.kind is ItemKind.DRIFT:
        change = item.figures["change"]
        ends = f"[{change['low']:.2f}, {change['high']:.2f}]"
        return f"Change {change['value']:.2f} {ends}, 99 % interval, n = {change['n']}."
    p_value, n = item.figures.get("p_value"), item.figures.get("n")
    if p_value is None or n is None:
        return ""
    err = f"So many would err with a probability of {p_value:.4f} at most if the key were right"
    return f"{err} (n = {counted(n, 'rater')})."


def _show_form(campaign: Campaign, item: Item, key: str) -> None:
    asked = item.kind in (ItemKind.QUESTION, ItemKind.REPORT)
    outcomes = [one for one in OUTCOMES if one is not Outcome.FIX_KEY or item.kind is ItemKind.GOLD]
    with st.form(f"decide-{key}", border=False):
        left, right = st.columns([1, 2])
        with left:
            outcome = st.selectbox(
                "Decision", outcomes, index=None, format_func=OUTCOMES.__getitem__, placeholder="Choose"
            )
        with right:
            label = f"Your answer; {item.by} reads it, unless answered elsewhere" if asked else "Reason"
            reason = st.text_area(escape(label), height=80, placeholder="A sentence or two; it stands for good.")
        if not st.form_submit_button("Decide"):
            return
    if outcome is None:
        st.error("Choose what becomes of it.")
        return
    with errors_shown():
        inbox.decide(get_store(), get_person().name, campaign.name, item, outcome=outcome, reason=reason)
        st.session_state["inbox-notice"] = f"Decided: {OUTCOMES[outcome].lower()}."
        st.rerun()


def _show_decisions(person: Person, campaign: Campaign) -> None:
    decisions = inbox.decisions_in(get_store(), person.name, campaign.name)
    if not decisions:
        empty_state("No decision yet", "What you decide about items of the inbox is listed here, with its reason.")
        return
    _show_link(campaign, decisions)
    for one in decisions:
        show_decision(one)


def _show_link(campaign: Campaign, decisions: list[InboxDecision]) -> None:
    """Name the version that answers decisions to change the rubric."""
    waiting = [one for one in decisions if one.outcome is Outcome.CHANGE and one.rubric_version is None]
    versions = all_versions()
    if not waiting or not versions:
        return
    with st.form(f"link-{campaign.name}"):
        st.markdown(f"**{counted(len(waiting), 'decision')} to change the rubric** without a version that answers.")
        left, right = st.columns([2, 1])
        with left:
            chosen = st.multiselect("Decisions", waiting, default=waiting, format_func=_in_short)
        with right:
            version = st.selectbox("Answered by", versions, format_func=version_words)
        if not st.form_submit_button("Link them to this version"):
            return
    with errors_shown():
        ids = [one.id for one in chosen]
        n = inbox.link_version(get_store(), get_person().name, campaign.name, ids, version=version.version)
        st.session_state["inbox-notice"] = f"{counted(n, 'decision')} answered by {version.version[:12]}."
        st.rerun()


def _in_short(one: InboxDecision) -> str:
    return f"{KINDS[one.kind]}: {excerpt(one.text, 60)}"


def _plain(subject: str) -> str:
    """A subject as part of a key of the page."""
    return "".join(letter if letter.isalnum() else "-" for letter in subject)
