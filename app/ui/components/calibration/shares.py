"""Right answers by class or criterion: a picture, its reading, and the table behind it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from app.domain import GoldKey
from app.services.exam_reports import ExamReport
from app.services.examining import ExamStatus
from app.stats.intervals import wilson
from app.ui.components.interval_charts import estimate_row, estimates, show_intervals
from app.ui.components.text import escape
from app.ui.components.time import show_time

CLASS_WORDS = {"tie": "the responses are equal", "both_bad": "both responses are bad"}

STATE_WORDS = {
    "ready": "You can take the exam now.",
    "running": "Your exam has begun.",
    "waiting": "The retry opens after a wait.",
    "lessons": "Some lessons come first.",
    "no_items": "You have seen every question of the exam.",
    "review": "A designer decides how to go on.",
    "certified": "You hold the certificate.",
    "retired": "Your account is retired.",
    "none": "No exam is asked for here.",
}


def class_words(name: str) -> str:
    """A class of answers in words."""
    return CLASS_WORDS.get(name, f"response {name} is better")


def key_words(key: GoldKey) -> str:
    """A gold key in words: what it accepts, or how experts divide."""
    if key.accepted or not key.distribution:
        return " or ".join(map(class_words, key.accepted))
    shares = sorted(key.distribution.items(), key=lambda one: (-one[1], one[0]))
    return "experts say: " + ", ".join(f"{class_words(name)} {share:.0%}" for name, share in shares if share)


def show_shares(counts: Mapping[str, tuple[int, int]], *, title: str, key: str, reference: float) -> None:
    """Shares of right answers with their intervals, against the share that is needed."""
    rows = [estimate_row({title: name}, wilson(right, n).to_json()) for name, (right, n) in counts.items() if n]
    if not rows:
        return
    weakest = min(rows, key=lambda row: row["Value"])
    reading = f"{weakest[title]} went least well: {weakest['Value']:.0%} of {weakest['n']} right."
    if all(row["Value"] == 1 for row in rows):
        reading = "Every answer was right."
    show_intervals(
        estimates(rows),
        reading=reading,
        key=key,
        name=title,
        title="right answers",
        domain=(0, 1),
        reference=reference,
    )


def show_report(report: ExamReport, *, key: str, names: Mapping[str, str], holds: bool) -> None:
    """An exam that ended: what came out and why, by class of answers and by criterion.

    Args:
        report: the report.
        key: unique on the page.
        names: criterion key -> name.
        holds: whether the certificate holds now.
    """
    passed = report.verdict == "pass"
    with st.container(border=True, key=f"report-{key}"):
        st.subheader("Passed" if passed else "Not passed", anchor=False)
        with st.container(horizontal=True, gap="large"):
            st.metric("Right", f"{report.n_right} of {report.n}")
            st.metric("Told apart", f"{report.plan['p0']:.0%} and {report.plan['p1']:.0%}", help="Accuracies")
            st.metric("Partial credit", f"{report.credit:.0%}")
        reason = f"{report.reason[:1].upper()}{report.reason[1:]}."
        until = f"The certificate holds until {show_time(report.expires_at)}." if holds and report.expires_at else ""
        st.markdown(escape(f"{reason} Ended {show_time(report.closed_at)}. {until}"))
        st.caption(
            f"The exam stops as soon as the answers speak clearly for an accuracy of {report.plan['p1']:.0%} or of "
            f"{report.plan['p0']:.0%}, after {report.plan['max_items']:.0f} questions at the latest; every kind of "
            f"answer needs {report.plan['class_minimum']:.0%}."
        )
        by_class = {class_words(name): counts for name, counts in report.classes.items()}
        show_shares(by_class, title="Where", key=f"{key}-classes", reference=report.plan["class_minimum"])
        by_criterion = {names.get(name, name): counts for name, counts in report.criteria.items()}
        if by_criterion:
            st.html("<b>By criterion, where the key speaks of one</b>")
            show_shares(by_criterion, title="Criterion", key=f"{key}-criteria", reference=report.plan["p0"])


def what_next(status: ExamStatus) -> str:
    """Where a rater is with the exam, in a sentence or two."""
    if status.state == "waiting" and status.opens_at is not None:
        return f"You may try once more, with other questions, from {show_time(status.opens_at)} on."
    if status.state == "no_items":
        return "You have seen every question that there is. The exam goes on by itself when new ones are added."
    if status.state == "lessons" and status.round is not None and status.round.rules.calibration is not None:
        level = {1: "foundation", 2: "advanced", 3: "expert"}[status.round.rules.calibration.lesson_level]
        return f"This campaign asks for the {level} lessons before the exam. They are under Learn."
    return STATE_WORDS[status.state]
