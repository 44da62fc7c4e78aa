"""An attempt with the words on it, what a reviewer or a senior says, and what reviews say of everybody."""

from __future__ import annotations

import html
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app.domain import OVERALL, Assignment, Campaign, ReviewLevel, utc_now
from app.errors import InvalidInput, SteelyardError
from app.services import review_summary, reviewing
from app.services.desk import Desk, call_responses
from app.services.reviewing import Attempt
from app.services.showing import material_of
from app.stats.results import Estimate
from app.ui.components.rating import form_state
from app.ui.components.rating.conversation import View, show_conversation, show_responses
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.panel import legend, problem_lines, show_question
from app.ui.components.text import escape, text_html
from app.ui.components.votes import besides, chip
from app.ui.session import get_person, get_store
from rubrics.answers import Answer

NOTICE = "review-notice"
"""Where the page finds what became of a word."""

STANDS, REVIEWERS, OTHER = "stands", "reviewers", "other"
WORDS = {
    STANDS: "The attempt stands",
    REVIEWERS: "The reviewer's answers should stand",
    OTHER: "Other answers should stand",
}


def show_attempt(campaign: Campaign, attempt: Attempt) -> None:
    """The comparison, the attempt, and what to say of it."""
    comparison = attempt.comparison
    view = View(math=attempt.renders_math)
    show_conversation(comparison.prompt, view=view, material=material_of(comparison.meta))
    show_responses(tuple(one.text for one in comparison.completions), key=str(attempt.judgment_id), view=view)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("The attempt", anchor=False)
        st.html(_table(attempt))
        st.html(_voices(attempt))
    with right:
        _show_word(campaign, attempt)


def _table(attempt: Attempt) -> str:
    """What was answered: the attempt's column, and the reviewer's where there is one."""
    names = {criterion.key: criterion.name for criterion in attempt.rubric.criteria}
    columns = {"attempt": attempt.judgment.answers}
    if attempt.earlier is not None and attempt.earlier.answers is not None:
        columns["reviewer"] = attempt.earlier.answers
    keys = [key for key in (*attempt.asked, OVERALL) if any(key in answers for answers in columns.values())]
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    body = "".join(_row(names.get(key, "Overall"), key, columns, attempt) for key in keys)
    return f'<table class="sy-votes"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(name: str, key: str, columns: Mapping[str, Mapping[str, Answer]], attempt: Attempt) -> str:
    ids = attempt.comparison.completion_ids
    cells = "".join(f"<td>{chip(answers.get(key), ids)}</td>" for answers in columns.values())
    whole = " class=sy-whole" if key == OVERALL else ""
    return f'<tr{whole}><th scope="row">{html.escape(name)}</th>{cells}</tr>'


def _voices(attempt: Attempt) -> str:
    """The rater's words with all that belongs to them, then the reviewer's."""
    texts = {one.id: one.text for one in attempt.comparison.completions}
    words = attempt.judgment.justification
    confidence = attempt.judgment.confidence
    facts = "" if confidence is None else f"confidence {confidence} of 5"
    voices = _voice("The rater", facts, words, attempt) + besides(attempt.judgment, texts)
    if attempt.earlier is not None:
        voices += _voice("The reviewer", "would answer otherwise", attempt.earlier.reason, attempt)
    return voices


def _voice(name: str, facts: str, words: str, attempt: Attempt) -> str:
    said = call_responses(words, attempt.comparison.completion_ids).strip()
    body = text_html(said) if said else '<p class="sy-soft">No words.</p>'
    return (
        f'<div class="sy-voice"><header><b>{name}</b><span class="sy-soft">{html.escape(facts)}</span></header>'
        f"{body}</div>"
    )


# --- the word ----------------------------------------------------------------------------------------------------


def _show_word(campaign: Campaign, attempt: Attempt) -> None:
    key = f"{attempt.level.value}-{attempt.judgment_id}"
    is_senior = attempt.level is ReviewLevel.SENIOR
    st.subheader("You settle it" if is_senior else "Your review", anchor=False)
    offered = [one for one in WORDS if one != REVIEWERS or is_senior]
    chosen = st.radio(
        "What should stand?",
        offered,
        index=None,
        format_func=WORDS.__getitem__,
        key=f"word-{key}",
        label_visibility="collapsed",
    )
    form = _form(attempt)
    if chosen == OTHER:
        _show_form(form)
    st.text_area("Why", key=f"why-{key}", height=96, placeholder=_asks(chosen, is_senior=is_senior))
    st.button(
        "Settle and go on" if is_senior else "Hand in and go on",
        key=f"say-{key}",
        type="primary",
        shortcut="Mod+Enter",
        width="stretch",
        on_click=_say,
        args=(campaign, attempt, form, key),
    )
    st.caption("What you let stand counts from now on." if is_senior else "A senior settles what you change.")


def _asks(chosen: str | None, *, is_senior: bool) -> str:
    if chosen == STANDS and not is_senior:
        return "A word to the rater, if there is one to say."
    return "A sentence or two; it stands beside the attempt, and the rater may read it."


def _form(attempt: Attempt) -> Form:
    """The questions that the attempt was asked, filled with the answers that stand now."""
    comparison, judgment = attempt.comparison, attempt.judgment
    assignment = Assignment(
        id=attempt.judgment_id,
        campaign="",
        round_id=0,
        rubric_version=attempt.rubric.version,
        comparison_id=comparison.id,
        prompt=comparison.prompt,
        responses=tuple(one.text for one in comparison.completions),
        shown=comparison.completion_ids,
        criteria_shown=attempt.asked,
        asks_overall=attempt.asks_overall,
        lease_expires_at=utc_now(),
    )
    start = judgment.answers if attempt.earlier is None else attempt.earlier.answers or judgment.answers
    draft = {"answers": {key: answer.to_dict() for key, answer in start.items()}}
    return Form(Desk(assignment, attempt.rubric, comparison.meta), attempt.level.value, lambda _form: None, draft)


def _show_form(form: Form) -> None:
    form_state.hydrate(form)
    with st.container(key="panel", gap="small"):
        if len(form.slots) == 2:
            st.html(legend())
        for widget, question in form.questions:
            show_question(form, widget, question)


def _say(campaign: Campaign, attempt: Attempt, shown: Form, key: str) -> None:
    """Hand in what the page says at the click."""
    chosen, form = st.session_state[f"word-{key}"], shown.anew()
    if chosen is None:
        st.session_state[NOTICE] = InvalidInput("Say what should stand: choose one, then hand in.")
        return
    answers = form.answers if chosen == OTHER else None
    if chosen == REVIEWERS and attempt.earlier is not None:
        answers = dict(attempt.earlier.answers or {})
    if chosen == OTHER and (problems := attempt.problems(form.answers)):
        st.session_state[NOTICE] = InvalidInput(" ".join(problem_lines(form, problems)))
        return
    try:
        reviewing.review(
            get_store(),
            get_person().name,
            campaign.name,
            attempt.judgment_id,
            level=attempt.level,
            answers=answers,
            reason=st.session_state[f"why-{key}"],
        )
    except SteelyardError as error:
        st.session_state[NOTICE] = error
        return
    st.session_state[NOTICE] = "Recorded: the attempt stands." if answers is None else "Recorded beside the attempt."


# --- what reviews say --------------------------------------------------------------------------------------------


def show_summary(campaign: Campaign) -> None:
    """How much was changed, whose attempts, and how right the reviewers are."""
    found = review_summary.summarise(get_store(), get_person().name, campaign.name)
    if not found.n_reviewed:
        return
    st.subheader("So far", anchor=False)
    st.text(
        f"{found.n_reviewed:,} of {found.n_attempts:,} attempts reviewed, {found.n_edits:,} would be changed, "
        f"{found.n_settled:,} of these settled; in {found.n_changed:,} other answers count."
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Raters**")
        rows = [(one.rater, one.n_reviewed, _share(one.changed)) for one in found.raters]
        st.dataframe(pd.DataFrame(rows, columns=["rater", "reviewed", "changed in the end"]), hide_index=True)
    with right:
        st.markdown("**Reviewers**")
        rows = [
            (one.name, one.n_reviews, _share(one.edits), _share(one.upheld), _share(one.right_on_gold))
            for one in found.reviewers
        ]
        columns = ["reviewer", "reviews", "would change", "upheld by seniors", "right on gold"]
        st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True)
    st.caption(escape("Shares with their 95 % interval. Hidden gold is reviewed like everything else."))


def _share(found: Estimate) -> str:
    if found.value is None:
        return "none yet"
    return f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}], n = {found.n}"
