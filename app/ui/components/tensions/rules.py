"""Tension rules proposed from the votes, with their evidence, ready to be edited as a draft."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.domain import Campaign
from app.services import rubric_drafts, rubric_versions
from app.stats.proposal import Proposal, propose_rule
from app.ui.components.page import errors_shown, link_to
from app.ui.components.tensions.words import SHOW_FROM
from app.ui.components.text import escape
from app.ui.session import get_person, get_store
from rubrics.document import put
from rubrics.loader import read_values

Document = Mapping[str, Any]
NOTICE = "rule-notice"


def show_rules(campaign: Campaign, document: Document) -> None:
    """One card for every pair with enough conflicts: those whose rule would change first."""
    _show_notice()
    proposals = [one for one in map(propose_rule, document["pairs"]) if one is not None]
    if not proposals:
        st.text(f"No pair has the {SHOW_FROM} conflicts that a proposal rests on.")
        return
    st.caption(
        "A proposal says what raters do, not what they should do. Read comparisons of the pair before you take it."
    )
    for one in sorted(proposals, key=lambda one: not one.is_change):
        _show_card(campaign, one, _newest_text(campaign, one.between))


def _show_card(campaign: Campaign, proposal: Proposal, text: str | None) -> None:
    first, second = proposal.between
    key = f"{campaign.name}-{first}-{second}"
    with st.container(border=True, key=f"rule-{first}-{second}"):
        st.subheader(escape(f"{first} and {second}"), anchor=False)
        st.html(
            f'<ul class="sy-findings">{"".join(f"<li>{html.escape(said)}</li>" for said in proposal.evidence)}</ul>'
        )
        if not proposal.is_change:
            st.text(f"The rubric's rule ({proposal.precedence}) is what raters do.")
            return
        guidance = st.text_area("Guidance for raters", proposal.guidance, key=f"guidance-{key}", height=80)
        options = [*proposal.between, "context"]
        precedence = st.segmented_control(
            "Which prevails", options, default=proposal.precedence, key=f"precedence-{key}", required=True
        )
        st.code(_as_yaml(proposal.between, precedence, guidance), language="yaml")
        if text is None:
            st.caption("No round's rubric has both criteria; copy the rule into the one that you mean.")
        elif st.button("Open as a draft", key=f"draft-{key}"):
            _make_draft(text, proposal.between, precedence, guidance)


def with_rule(text: str, between: tuple[str, str], precedence: str, guidance: str) -> str:
    """The text of a rubric with this rule for a pair, in place of the one that it has.

    Raises:
        RubricError: the text cannot be edited there.
    """
    rule = {"between": list(between), "precedence": precedence, "guidance": guidance.strip()}
    rules = read_values(text).get("tensions") or []
    place = next((k for k, one in enumerate(rules) if set(one.get("between", ())) == set(between)), len(rules))
    for field, value in rule.items() if place < len(rules) else ():
        if field != "between":
            text = put(text, ("tensions", place, field), value)
    return text if place < len(rules) else put(text, ("tensions", place), rule)


def _as_yaml(between: tuple[str, str], precedence: str, guidance: str) -> str:
    said = " ".join(guidance.split()).replace('"', "'")
    return f'tensions:\n  - between: [{", ".join(between)}]\n    precedence: {precedence}\n    guidance: "{said}"\n'


def _newest_text(campaign: Campaign, between: tuple[str, str]) -> str | None:
    """The YAML of the newest version that a round of the campaign is judged by and that has both criteria."""
    rounds = rubric_versions.rounds_in(get_store(), campaign.name)
    versions = {
        one.version: one for versions in rubric_versions.list_versions(get_store()).values() for one in versions
    }
    used = [versions[round_.rubric_version] for round_ in rounds]
    suited = [one for one in used if {*between} <= {*one.rubric.criterion_keys}]
    return max(suited, key=lambda one: one.published_at).yaml if suited else None


def _make_draft(text: str, between: tuple[str, str], precedence: str, guidance: str) -> None:
    with errors_shown():
        draft = rubric_drafts.create_draft(get_store(), get_person(), with_rule(text, between, precedence, guidance))
        st.session_state[NOTICE] = draft.id
        st.rerun()


def _show_notice() -> None:
    draft_id = st.session_state.pop(NOTICE, None)
    if draft_id is not None:
        st.success(f"Draft {draft_id} has the rule. Edit it and publish it as a new version in the Studio.")
        link_to("studio", "Studio")
