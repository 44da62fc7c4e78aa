"""The collecting rules of a round, as fields of a form."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app.domain import Calibration, CriteriaOrder, OverallPlace, RaterKind, RoundRules
from app.services.managing import RubricChoice
from app.ui.components.campaigns.collecting import collecting_fields

KIND_WORDS = {
    RaterKind.HUMAN: "human",
    RaterKind.MODEL: "model (LLM judges, reward models)",
    RaterKind.PROGRAM: "program (labelling functions)",
    RaterKind.SIMULATED: "simulated",
}


def rules_fields(rules: RoundRules, *, key: str) -> RoundRules:
    """Fields for the rules; returns what they say.

    Args:
        rules: what they begin with.
        key: unique on the page.
    """
    left, right = st.columns(2)
    with left:
        overlap = st.number_input(
            "Votes each comparison gets (overlap)", 1, 100, rules.overlap, key=f"{key}-overlap", help=_OVERLAP
        )
        gold = st.number_input(
            "Hidden gold, % of the work", 0, 50, round(rules.gold_rate * 100), key=f"{key}-gold", help=_GOLD
        )
    with right:
        lease = st.number_input(
            "Lease, minutes", 1, 10_080, max(1, round(rules.lease_seconds / 60)), key=f"{key}-lease", help=_LEASE
        )
        repeat = st.number_input(
            "Blind repeats, % of the work", 0, 50, round(rules.repeat_rate * 100), key=f"{key}-repeat", help=_REPEAT
        )
    skills = st.text_input(
        "Skills a rater must hold, separated by commas", ", ".join(rules.required_skills), key=f"{key}-skills"
    )
    left, right = st.columns(2)
    with left:
        order = st.selectbox(
            "Order of the criteria", list(CriteriaOrder), list(CriteriaOrder).index(rules.criteria_order),
            format_func=_ORDERS.__getitem__, key=f"{key}-order", help=_HALO,
        )  # fmt: skip
    with right:
        place = st.selectbox(
            "Overall verdict", list(OverallPlace), list(OverallPlace).index(rules.overall_place),
            format_func=_PLACES.__getitem__, key=f"{key}-place", help=_HALO,
        )  # fmt: skip
    return replace(
        collecting_fields(rules, key=key),
        overlap=int(overlap),
        gold_rate=int(gold) / 100,
        repeat_rate=int(repeat) / 100,
        lease_seconds=int(lease) * 60,
        required_skills=tuple(skill.strip() for skill in skills.split(",") if skill.strip()),
        criteria_order=order,
        overall_place=place,
        calibration=_calibration(rules.calibration, key=key),
    )


def _calibration(calibration: Calibration | None, *, key: str) -> Calibration | None:
    """Whether raters are calibrated, and how; what no field shows stays as it is."""
    is_on = st.checkbox(
        "Calibrate raters: an exam before work, hidden gold by experience, action on decline",
        calibration is not None,
        key=f"{key}-calibrates",
        help=_CALIBRATES,
    )
    now = calibration or Calibration()
    left, middle, right = st.columns(3)
    bad = left.number_input("Must not pass, % right", 50, 98, round(now.p0 * 100), key=f"{key}-p0", help=_EXAM)
    good = middle.number_input("Must pass, % right", 51, 99, round(now.p1 * 100), key=f"{key}-p1", help=_EXAM)
    longest = right.number_input("Longest exam, questions", 12, 400, now.max_items, key=f"{key}-cap")
    wait = left.number_input("Wait before the retry, hours", 0, 720, round(now.wait_hours), key=f"{key}-wait")
    days = middle.number_input("A pass holds, days", 1, 3650, now.valid_days, key=f"{key}-days")
    level = right.selectbox("Lessons before the exam", list(_LEVELS), now.lesson_level, format_func=_LEVELS.__getitem__,
                            key=f"{key}-lessons")  # fmt: skip
    if not is_on:
        return None
    return replace(
        now,
        p0=int(bad) / 100,
        p1=int(good) / 100,
        max_items=int(longest),
        wait_hours=float(wait),
        valid_days=int(days),
        lesson_level=level,
    )


_LEVELS = {0: "none", 1: "foundation", 2: "advanced", 3: "expert"}
_CALIBRATES = "While this is on, the fields below hold, and hidden gold follows experience, not the rate above."
_EXAM = "The exam tells these two accuracies apart, with about 5 % error each. It needs gold comparisons: 150 or more."


def rubric_words(choice: RubricChoice) -> str:
    """A rubric in a list: title, key, version, where it comes from."""
    source = f"published {choice.published_at:%d %B %Y}" if choice.published_at else "from the library"
    return f"{choice.title} · {choice.key} {choice.version[:8]}, {source}"


_ORDERS = {CriteriaOrder.RUBRIC: "as in the rubric", CriteriaOrder.RANDOM: "by lot, each time anew"}
_PLACES = {
    OverallPlace.LAST: "after the criteria",
    OverallPlace.FIRST: "before the criteria",
    OverallPlace.RANDOM: "by lot, each time anew",
}
_HALO = "What is asked first colours what is asked after it. Drawn by lot, that evens out, and every order is recorded."
_OVERLAP = "Agreement can only be measured where two or more raters of counted kinds judge the same comparison."
_GOLD = "Comparisons with a known answer, mixed in unannounced: they measure how far each rater can be trusted."
_LEASE = "How long a rater holds a comparison before another may have it."
_REPEAT = "A rater's own work, shown again: measures how far a rater agrees with themselves."
