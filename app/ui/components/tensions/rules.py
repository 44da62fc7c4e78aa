"""Tension rules proposed from the votes, with their evidence, ready to be edited as a draft."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.domain import Campaign
from app.services import rubric_drafts, rubric_versions
from app.services.rubric_versions import Version
from app.stats.proposal import Proposal, propose_rule
from app.stats.words import counted
from app.ui.components.page import errors_shown
from app.ui.components.studio.writing import go_to_draft
from app.ui.components.tensions.words import SHOW_FROM
from app.ui.components.text import escape
from app.ui.components.versions import all_versions
from app.ui.session import get_person, get_store
from rubrics.document import put
from rubrics.loader import read_values

Document = Mapping[str, Any]


def show_rules(campaign: Campaign, document: Document) -> None:
    """One card for every pair with enough conflicts: those whose rule would change first."""
    proposals = [one for one in map(propose_rule, document["pairs"]) if one is not None]
    if not proposals:
        st.text(f"No pair has the {SHOW_FROM} conflicts that a proposal rests on.")
        return
    st.caption(
        "A proposal says what raters do, not what they should do. Read comparisons of the pair before you take it."
    )
    versions = _used_versions(campaign)
    taken = []
    for one in sorted(proposals, key=lambda one: not one.is_change):
        rule = _show_card(campaign, one, can_take=_with_both(versions, [one.between]) is not None)
        taken += [rule] if rule is not None else []
    base = _with_both(versions, [rule.between for rule in taken])
    if taken and base is None:
        st.error("No round's rubric has the criteria of all these rules: take those of one rubric.")
    label = f"Open a draft with {counted(len(taken), 'rule')}" if taken else "Open a draft"
    if st.button(label, key="rules-draft", type="primary", disabled=base is None or not taken) and base is not None:
        _open_draft(base, taken)


@dataclass(frozen=True)
class TakenRule:
    """A proposal as the designer has edited it."""

    between: tuple[str, str]
    precedence: str
    guidance: str


def _show_card(campaign: Campaign, proposal: Proposal, *, can_take: bool) -> TakenRule | None:
    """The evidence, the rule to edit, and whether it is taken."""
    first, second = proposal.between
    key = f"{campaign.name}-{first}-{second}"
    with st.container(border=True, key=f"rule-{first}-{second}"):
        st.subheader(escape(f"{first} and {second}"), anchor=False)
        st.html(
            f'<ul class="sy-findings">{"".join(f"<li>{html.escape(said)}</li>" for said in proposal.evidence)}</ul>'
        )
        if not proposal.is_change:
            st.text(f"The rubric's rule ({proposal.precedence}) is what raters do.")
            return None
        guidance = st.text_area("Guidance for raters", proposal.guidance, key=f"guidance-{key}", height=80)
        options = [*proposal.between, "context"]
        precedence = st.segmented_control(
            "Which prevails", options, default=proposal.precedence, key=f"precedence-{key}", required=True
        )
        st.code(_as_yaml(proposal.between, precedence, guidance), language="yaml")
        if not can_take:
            st.caption("No round's rubric has both criteria; copy the rule into the one that you mean.")
            return None
        if st.checkbox("Take this rule", key=f"take-{key}"):
            return TakenRule(proposal.between, precedence, guidance)
    return None


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


def _used_versions(campaign: Campaign) -> list[Version]:
    """The versions that the campaign's rounds are judged by, the newest first."""
    used = {one.rubric_version for one in rubric_versions.rounds_in(get_store(), campaign.name)}
    return [one for one in all_versions() if one.version in used]


def _with_both(versions: Sequence[Version], pairs: Sequence[tuple[str, str]]) -> Version | None:
    """The newest of some versions that has every criterion of these pairs."""
    wanted = {key for pair in pairs for key in pair}
    return next((one for one in versions if wanted <= {*one.rubric.criterion_keys}), None)


def _open_draft(base: Version, rules: Sequence[TakenRule]) -> None:
    """A draft of a version with these rules, opened in the Studio where rules are written."""
    with errors_shown():
        text = base.yaml
        for rule in rules:
            text = with_rule(text, rule.between, rule.precedence, rule.guidance)
        go_to_draft(rubric_drafts.create_draft(get_store(), get_person(), text), part="Tension rules")
