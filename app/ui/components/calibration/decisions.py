"""Decisions about a rater, newest first: what, why in plain words, the figures, the appeal and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app.domain import Decision
from app.services.raters import HeldSkill
from app.services.standing import LEVELS, RaterDecision
from app.stats.words import counted
from app.ui.components.text import escape
from app.ui.components.time import show_time

TITLES = {
    Decision.PASSED: "Exam passed",
    Decision.FAILED: "Exam not passed",
    Decision.WARNED: "Warned",
    Decision.CLEARED: "Warning over",
    Decision.PAUSED: "Paused",
    Decision.REVIEW: "A designer decides",
    Decision.REQUALIFIED: "Gets work again",
    Decision.SKILL: "Level changed",
}

FIGURE_WORDS = {
    "n_gold": "answers with a known key",
    "accuracy": "right on them, recent ones counting more",
    "low": "at least, with 90 % belief",
    "cusum": "evidence of decline on gold (warning at 3.5, pause at 4.5)",
    "cusum_with_peers": "with agreement (pause at 4.5 to 10.4, the less gold there is the higher)",
    "n_beside_others": "answers beside others'",
    "n_returned": "comparisons given back to the queue",
    "n_right": "right",
    "n": "answers",
}


def show_decisions(found: Sequence[RaterDecision], *, below: Callable[[RaterDecision], None]) -> None:
    """The decisions, with whatever the page offers below each."""
    for decision in found:
        with st.container(border=True, key=f"decision-{decision.id}", gap="small"):
            withdrawn = " · withdrawn" if decision.is_withdrawn else ""
            when = f"{show_time(decision.decided_at)}, by {decision.decided_by}{withdrawn}"
            st.markdown(f"**{TITLES[decision.decision]}** · {escape(when)}")
            st.text(decision.explanation)
            figures = [line for line in map(_figure, decision.figures.items()) if line]
            if figures:
                with st.expander("The figures"):
                    st.markdown("\n".join(f"- {escape(line)}" for line in figures))
            if decision.appeal is not None:
                st.markdown(f"**Appeal** · {escape(show_time(decision.appealed_at))}")
                st.text(decision.appeal)
            if decision.appeal_answer is not None:
                outcome = "granted" if decision.is_withdrawn else "not granted"
                st.markdown(f"**Answer of {escape(str(decision.answered_by))}**, {outcome}")
                st.text(decision.appeal_answer)
            below(decision)


def _figure(item: tuple[str, Any]) -> str:
    name, value = item
    if name not in FIGURE_WORDS or value is None:
        return ""
    shown = f"{value:.0%}" if name in ("accuracy", "low") else f"{value:g}" if isinstance(value, float) else f"{value}"
    return f"{shown} {FIGURE_WORDS[name]}"


def show_skills(skills: Sequence[HeldSkill]) -> None:
    """What somebody holds, with evidence and expiry; a sentence where it is nothing."""
    if not skills:
        st.text("No skills yet: levels come with answers to comparisons of a domain or language whose key is known.")
        return
    rows = [
        {
            "Skill": _skill_words(one),
            "Level": LEVELS.get(one.level, "") if ":" not in one.skill or one.skill.startswith("language:") else "held",
            "Evidence": _evidence(one.evidence),
            "Since": one.granted_at,
            "Until": one.expires_at,
        }
        for one in skills
    ]
    times = {name: st.column_config.DatetimeColumn(format="D MMM YYYY") for name in ("Since", "Until")}
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
