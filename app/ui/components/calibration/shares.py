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
from app.ui.words import say

NAMED_CLASSES = ("tie", "both_bad")
"""Classes of answers that are no response."""


def class_words(name: str) -> str:
    """A class of answers in words."""
    return say(f"class-{name}") if name in NAMED_CLASSES else say("class-response", name=name)


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
    reading = say("least-well", name=weakest[title], share=weakest["Value"], n=weakest["n"])
    if all(row["Value"] == 1 for row in rows):
        reading = say("all-right")
    show_intervals(
        estimates(rows),
        reading=reading,
        key=key,
        name=title,
        title=say("right-answers"),
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
        st.subheader(say("passed" if passed else "not-passed"), anchor=False)
        with st.container(horizontal=True, gap="large"):
            st.metric(say("right"), say("n-of", n=report.n_right, of=report.n))
            both = say("one-and-other", first=f"{report.plan['p0']:.0%}", second=f"{report.plan['p1']:.0%}")
            st.metric(say("told-apart"), both, help=say("accuracies"))
            st.metric(say("partial-credit"), f"{report.credit:.0%}")
        reason = f"{report.reason[:1].upper()}{report.reason[1:]}."
        expires_at = report.expires_at if holds else None
        until = "" if expires_at is None else say("certificate-until", at=show_time(expires_at))
        st.markdown(escape(f"{reason} {say('exam-ended', at=show_time(report.closed_at))} {until}"))
        plan = report.plan
        most, least = plan["max_items"], plan["class_minimum"]
        st.caption(say("exam-stops", p1=plan["p1"], p0=plan["p0"], most=most, least=least))
        by_class = {class_words(name): counts for name, counts in report.classes.items()}
        show_shares(by_class, title=say("where"), key=f"{key}-classes", reference=report.plan["class_minimum"])
        by_criterion = {names.get(name, name): counts for name, counts in report.criteria.items()}
        if by_criterion:
            st.html(f"<b>{say('by-criterion')}</b>")
            show_shares(by_criterion, title=say("criterion"), key=f"{key}-criteria", reference=report.plan["p0"])


def what_next(status: ExamStatus) -> str:
    """Where a rater is with the exam, in a sentence or two."""
    if status.state == "waiting" and status.opens_at is not None:
        return say("sits-waiting-until", at=show_time(status.opens_at))
    if status.state == "lessons" and status.round is not None and status.round.rules.calibration is not None:
        return say(f"sits-lessons-{status.round.rules.calibration.lesson_level}")
    return say(f"sits-{status.state}")
