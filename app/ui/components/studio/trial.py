"""The tests of a rubric: run against the newest pilot or other votes, and taken along to be judged in a pilot."""

from __future__ import annotations

import json

import streamlit as st

from app.services.rubric_test_votes import Source, sources, trial_in_campaign
from app.services.rubric_testing import (
    AMBIGUOUS,
    FAILS,
    MIN_VOTES,
    PASSES,
    TOO_FEW,
    UNTESTED,
    Check,
    TrialReport,
    comparisons_of_tests,
)
from app.stats.results import Estimate
from app.stats.words import counted
from app.ui.components.page import empty_state, errors_shown
from app.ui.components.studio.writing import Writing
from app.ui.components.text import escape, escape_html, excerpt
from app.ui.session import get_person, get_store
from rubrics.model import Rubric

WORDS = {FAILS: "fails", AMBIGUOUS: "ambiguous", TOO_FEW: "too few votes", UNTESTED: "no votes", PASSES: "passes"}


def show_trial(writing: Writing) -> None:
    """What the votes of a pilot, the newest unless another is chosen, say of every test."""
    rubric = writing.rubric
    if rubric is None:
        st.info("The tests run when the rubric is valid again.")
        return
    if not rubric.tests:
        empty_state(
            "No tests yet",
            "Add worked examples under Form, Tests: each with a prompt, two responses and the answers that you expect.",
        )
        return
    found = sources(get_store(), get_person())
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        source = st.selectbox("Votes of", found, key=writing.key("trial-source"), format_func=_source_words)
    with right:
        st.download_button(
            "Examples for a pilot", _lines(rubric), file_name=f"{rubric.key}-tests.jsonl", mime="application/jsonl",
            on_click="ignore", width="stretch", help="The tests as comparisons: import them, and raters judge them.",
        )  # fmt: skip
    if source is None:
        st.text("No campaign is yours to design in, so there are no votes to run the tests against.")
        return
    with errors_shown():
        show_report(_run(writing, source, rubric), rubric)


def _run(writing: Writing, source: Source, rubric: Rubric) -> TrialReport:
    """The report, made again only where votes, texts or expectations have changed."""
    stamp = (source, source.as_of, rubric.version, rubric.tests)
    kept = st.session_state.get(writing.key("trial"))
    if kept is None or kept[0] != stamp:
        report = trial_in_campaign(get_store(), get_person(), source.campaign.name, rubric, round_name=source.round)
        st.session_state[writing.key("trial")] = kept = (stamp, report)
    return kept[1]


def _source_words(source: Source) -> str:
    if source.round is None:
        return f"{source.campaign.title}, all rounds"
    return f"{source.campaign.title}, pilot {source.round}"


def show_report(report: TrialReport, rubric: Rubric) -> None:
    """In a sentence, by criterion, and check by check."""
    names = {**{criterion.key: criterion.name for criterion in rubric.criteria}, "overall": "Overall"}
    st.markdown(f"**{escape(reading(report, names))}**")
    for reason, n in report.left_out.items():
        st.caption(escape(f"Left out: {counted(n, 'answer')}; {reason}."))
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
        tests = "the test" if report.n_tests == 1 else f"the {report.n_tests} tests"
        return f"Nobody has judged the texts of {tests} here: choose other votes, or take them into a pilot."
    was = "was" if report.n_tests == 1 else "were"
    met = f"{report.n_met} of {counted(report.n_tests, 'test')} {was} judged, by {counted(report.n_votes, 'judgment')}."
    parts = []
    if report.failing:
        parts.append(f"Raters read it otherwise: {', '.join(names.get(key, key) for key in report.failing)}.")
    if report.ambiguous:
        parts.append(f"Raters do not agree among themselves: {', '.join(names.get(k, k) for k in report.ambiguous)}.")
    few = sum(check.status == TOO_FEW for check in report.checks)
    rest = [] if parts else ["Every expectation with enough votes holds."]
    rest += [f"{few} {'has' if few == 1 else 'have'} fewer than {MIN_VOTES} votes."] if few else []
    if report.tells_nothing:
        rest = [f"No expectation has {MIN_VOTES} votes of one kind of rater yet."]
    return " ".join([met, *parts, *rest])


def _check(check: Check, names: dict[str, str]) -> str:
    said = (
        ", ".join(f"{n} x {answer}" for answer, n in sorted(check.said.items(), key=lambda one: -one[1])) or "no votes"
    )
    share = "" if check.status == TOO_FEW else _estimate(check.share, "votes")
    return (
        f'<div class="sy-change"><h4>{escape_html(names.get(check.criterion, check.criterion))}'
        f'<span class="sy-tag sy-{check.status.partition(" ")[0]}">{WORDS[check.status]}</span>'
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
