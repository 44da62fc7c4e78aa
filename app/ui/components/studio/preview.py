"""The rater's screen as it would be: the real components of the rating page, with a comparison to try it on.

Nothing that is answered here is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from app.domain import Assignment, Message, utc_now
from app.services.desk import Desk
from app.ui.components.rating import form_state
from app.ui.components.rating.conversation import show_conversation, show_responses
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.panel import problem_lines, show_panel
from app.ui.components.studio.writing import Writing
from app.ui.components.text import escape_html, excerpt
from rubrics.model import Rubric


@dataclass(frozen=True)
class Sample:
    """A pair of responses to try a rubric on."""

    prompt: str
    a: str
    b: str


STANDARD = Sample(
    "How do I keep basil alive in a small kitchen?",
    "Put it on the sunniest sill, water it from below when the soil feels dry, and pick the tips, not the leaves.",
    "Basil is a popular herb with a long history. Many people enjoy it in various dishes. There are several ways to "
    "care for it, and with a little patience everybody can have success!",
)
"""What the screen shows while the rubric has no example and no test."""


def show_preview(writing: Writing) -> None:
    """The screen for one of the rubric's own examples."""
    rubric = writing.rubric
    if rubric is None:
        st.info("The screen comes back when the rubric is valid again.")
        return
    samples = list(dict.fromkeys([*samples_of(rubric), STANDARD]))
    at = st.selectbox(
        "Comparison", range(len(samples)), key=writing.key("sample"),
        format_func=lambda one: excerpt(samples[one].prompt, 70),
    )  # fmt: skip
    st.caption("Try it: nothing is stored.")
    form = Form(desk_for(rubric, samples[at]), f"preview-{rubric.version[:12]}-{at}", _nothing, {})
    form_state.hydrate(form)
    with st.container(key="preview", gap="small"):
        show_conversation(form.desk.assignment.prompt)
        show_responses(form.desk.assignment.responses, key="preview")
        with st.container(key="panel", gap="small"):
            show_panel(form)
            submission = form_state.read(form)
            lines = problem_lines(form, form.desk.problems(submission))
            said = "<br>".join(map(escape_html, lines)) or "Complete: a rater could submit this."
            st.html(f'<p class="sy-missing">{said}</p>')


def samples_of(rubric: Rubric) -> Iterator[Sample]:
    """The comparisons that a rubric brings along: its tests, then the examples of its criteria."""
    for test in rubric.tests:
        yield Sample(test.prompt, test.a, test.b)
    for criterion in rubric.criteria:
        for example in criterion.examples:
            yield Sample(example.prompt, example.a, example.b)


def desk_for(rubric: Rubric, sample: Sample) -> Desk:
    """The desk of a rater who has this pair before them and is asked everything."""
    meta = {key: accepted[0] for criterion in rubric.criteria for key, accepted in criterion.applies_if.items()}
    assignment = Assignment(
        id=0,
        campaign="preview",
        round_id=0,
        rubric_version=rubric.version,
        comparison_id="preview",
        prompt=(Message("user", sample.prompt),),
        responses=(sample.a, sample.b),
        shown=("a", "b"),
        criteria_shown=tuple(c.key for c in rubric.applicable(meta)),
        asks_overall=True,
        lease_expires_at=utc_now(),
    )
    return Desk(assignment, rubric, meta)


def _nothing(form: Form) -> None:
    """What a change does here."""
