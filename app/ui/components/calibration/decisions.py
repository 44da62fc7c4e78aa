"""Decisions about a rater, newest first: what, why in plain words, the figures, the appeal and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app.services.raters import HeldSkill
from app.services.standing import LEVELS, RaterDecision
from app.stats.words import counted
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.words import say

FIGURES = (
    "n_gold",
    "accuracy",
    "low",
    "cusum",
    "cusum_with_peers",
    "n_beside_others",
    "n_returned",
    "n_right",
    "n",
)
"""The figures behind a decision that are shown."""


def show_decisions(found: Sequence[RaterDecision], *, below: Callable[[RaterDecision], None]) -> None:
    """The decisions, with whatever the page offers below each."""
    for decision in found:
        with st.container(border=True, key=f"decision-{decision.id}", gap="small"):
            withdrawn = f" · {say('withdrawn')}" if decision.is_withdrawn else ""
            when = say("decided", at=show_time(decision.decided_at), by=decision.decided_by) + withdrawn
            st.markdown(f"**{say(f'decision-{decision.decision.value}')}** · {escape(when)}")
            st.text(decision.explanation)
            figures = [line for line in map(_figure, decision.figures.items()) if line]
            if figures:
                with st.expander(say("figures")):
                    st.markdown("\n".join(f"- {escape(line)}" for line in figures))
            if decision.appeal is not None:
                st.markdown(f"**{say('appeal')}** · {escape(show_time(decision.appealed_at))}")
                st.text(decision.appeal)
            if decision.appeal_answer is not None:
                outcome = say("granted" if decision.is_withdrawn else "not-granted")
                st.markdown(f"**{escape(say('answer-of', name=decision.answered_by))}**, {outcome}")
                st.text(decision.appeal_answer)
            below(decision)


def _figure(item: tuple[str, Any]) -> str:
    name, value = item
    if name not in FIGURES or value is None:
        return ""
    shown = f"{value:.0%}" if name in ("accuracy", "low") else f"{value:g}" if isinstance(value, float) else f"{value}"
    return f"{shown} {say(f'figure-{name}')}"


def show_skills(skills: Sequence[HeldSkill]) -> None:
    """What somebody holds, with evidence and expiry; a sentence where it is nothing."""
    if not skills:
        st.text(say("no-skills"))
        return
    rows = [
        {
            say("skill"): _skill_words(one),
            say("level"): LEVELS.get(one.level, "")
            if ":" not in one.skill or one.skill.startswith("language:")
            else "held",
            say("evidence"): _evidence(one.evidence),
            say("since"): one.granted_at,
            say("until"): one.expires_at,
        }
        for one in skills
    ]
    times = {name: st.column_config.DatetimeColumn(format="D MMM YYYY") for name in (say("since"), say("until"))}
    st.dataframe(rows, hide_index=True, width="stretch", column_config=times)


def _skill_words(one: HeldSkill) -> str:
    kind, _, value = one.skill.partition(":")
    if kind == "certified":
        return f"exam passed, rubric {value[:8]}"
    return f"{kind} {value}" if value else one.skill


def _evidence(evidence: Mapping[str, Any]) -> str:
    if "seen" in evidence:
        return f"{evidence['seen']} ({evidence.get('by', '')})"
    if "n_right" in evidence:
        return f"{evidence['n_right']} of {evidence['n']} right at the exam"
    if evidence.get("value") is not None:
        return f"{evidence['value']:.0%} right on {counted(evidence['n'], 'answer')}"
    return ", ".join(f"{name} {value[0]} of {value[1]}" for name, value in evidence.items() if isinstance(value, list))
