"""The tests of a rubric: run against the votes of a campaign, and taken along to be judged in a pilot."""

from __future__ import annotations

import json

import streamlit as st

from app.policy import Action
from app.services.rubric_test_votes import trial_in_campaign
from app.services.rubric_testing import AMBIGUOUS, FAILS, PASSES, UNTESTED, Check, TrialReport, comparisons_of_tests
from app.stats.results import Estimate
from app.ui.components.page import empty_state, errors_shown
from app.ui.components.studio.writing import Writing
from app.ui.components.text import escape, escape_html, excerpt
from app.ui.session import get_person, get_store
from rubrics.model import Rubric

WORDS = {FAILS: "fails", AMBIGUOUS: "ambiguous", UNTESTED: "no votes", PASSES: "passes"}


def show_trial(writing: Writing) -> None:
    """Choose a campaign, run the tests, read what fails."""
    rubric = writing.rubric
    if rubric is None:
        st.info("The tests run when the rubric is valid again.")
        return
    if not rubric.tests:
        empty_state(
            "No tests yet",
            "Add worked examples under tests: in the text, each with a prompt, a, b and the answers that you expect.",
        )
        return
    campaigns = get_person().campaigns_for(Action.PUBLISH_RUBRIC)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        campaign = st.selectbox(
            "Votes of", campaigns, key=writing.key("trial-campaign"), format_func=lambda one: one.title
        )  # fmt: skip
    with right:
        st.download_button(
            "Examples for a pilot", _lines(rubric), file_name=f"{rubric.key}-tests.jsonl", mime="application/jsonl",
            on_click="ignore", width="stretch", help="The tests as comparisons: import them, and raters judge them.",
        )  # fmt: skip
    if campaign is not None and st.button("Run the tests", type="primary", key=writing.key("run-tests")):
        st.session_state[writing.key("trial")] = (campaign.name, rubric.version, rubric.tests)
    if campaign is not None and st.session_state.get(writing.key("trial")) == (
        campaign.name, rubric.version, rubric.tests,
    ):  # fmt: skip
        with errors_shown():
            show_report(trial_in_campaign(get_store(), get_person(), campaign.name, rubric), rubric)


def show_report(report: TrialReport, rubric: Rubric) -> None:
    """In a sentence, by criterion, and check by check."""
    names = {**{criterion.key: criterion.name for criterion in rubric.criteria}, "overall": "Overall"}
    st.markdown(f"**{escape(reading(report, names))}**")
    for reason, n in report.left_out.items():
        st.caption(escape(f"{n} answers were left out: {reason}."))
    if not report.n_votes:
        return
    st.dataframe(
        [
            {
                "Criterion": names.get(one.criterion, one.criterion),
                "Raters": one.kind,
                "Verdict": WORDS[one.status],
                "Checks": one.n_checks,
                "Failing": one.n_failing,
                "Ambiguous": one.n_ambiguous,
                "Agreement": _estimate(one.agreement, "pairs of votes"),
            }
            for one in report.criteria
        ],
        hide_index=True,
        width="stretch",
    )
    st.html(f'<div class="sy-paper">{"".join(_check(check, names) for check in report.checks)}</div>')


def reading(report: TrialReport, names: dict[str, str]) -> str:
    """What a report says, in one or two sentences."""
    if not report.n_votes:
        return f"Nobody has judged the texts of the {report.n_tests} tests here: take them into a pilot."
    met = f"{report.n_met} of {report.n_tests} tests were judged, by {report.n_votes} judgments."
    parts = []
    if report.failing:
        parts.append(f"Raters read it otherwise: {', '.join(names.get(key, key) for key in report.failing)}.")
    if report.ambiguous:
        parts.append(f"Raters do not agree among themselves: {', '.join(names.get(k, k) for k in report.ambiguous)}.")
    return " ".join([met, *parts] if parts else [met, "Every expectation that was judged holds."])


def _check(check: Check, names: dict[str, str]) -> str:
    said = (
        ", ".join(f"{n} x {answer}" for answer, n in sorted(check.said.items(), key=lambda one: -one[1])) or "no votes"
    )
    share = _estimate(check.share, "votes")
    return (
        f'<div class="sy-change"><h4>{escape_html(names.get(check.criterion, check.criterion))}'
        f'<span class="sy-tag sy-{check.status}">{WORDS[check.status]}</span>'
        f'<span class="sy-soft">test {check.test}{f", {check.kind}" if check.kind else ""}</span></h4>'
        f"<p>{escape_html(excerpt(check.prompt, 110))}<br>expected {escape_html(check.expected)}; said: "
        f"{escape_html(said)}. {escape_html(share)}</p></div>"
    )


def _estimate(estimate: Estimate, unit: str) -> str:
    if estimate.value is None:
        return estimate.undefined_reason or ""
    between = "" if estimate.low is None else f" ({estimate.low:.2f} to {estimate.high:.2f})"
    return f"{estimate.value:.2f}{between}, n = {estimate.n} {unit}"


def _lines(rubric: Rubric) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in comparisons_of_tests(rubric))
