"""Adjudicate: contested comparisons, the most divided first; form a view, see the votes, decide with a cause.

A decision stands beside the votes and changes none of them.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.domain import Campaign
from app.errors import NotFound, SteelyardError
from app.policy import Action
from app.services import adjudicating, quality
from app.services.adjudicating import Case
from app.services.sessions import Person
from app.services.showing import answer_from_slots, material_of
from app.ui.components.decision import NOTICE, show_decision, show_evidence
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state, show_notice
from app.ui.components.rating.answer_widgets import overall_question
from app.ui.components.rating.conversation import View, show_conversation, show_responses
from app.ui.components.reports import open_report, show_stamp
from app.ui.session import get_person, get_store
from rubrics.answers import Answer, AnswerError

LEAD = "Contested comparisons, the most divided first. A decision stands beside the votes and changes none."
HERE = "comparison"


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Adjudicate", person, Action.ADJUDICATE, lead=LEAD)
    if campaign is None:
        return
    queue = _show_queue(person, campaign)
    show_notice(NOTICE)
    if queue:
        try:
            case = quality.open_case(get_store(), person.name, campaign.name, st.query_params[HERE])
        except NotFound:  # of the campaign that was chosen before
            st.query_params.pop(HERE)
            st.rerun()
        with st.container(key="case", gap="small"):
            _show_case(campaign, case, queue)


def _show_queue(person: Person, campaign: Campaign) -> list[str]:
    """The contested comparisons in the order to take them; empty (and what to do) where there is none."""
    kept = open_report(person, campaign, "contested")
    if kept is None:
        return []
    contested = [row["comparison_id"] for row in kept.document["contested"]]
    disputed = [row["comparison_id"] for row in kept.document["disputed"]]
    everything = [*contested, *disputed]
    done = {comparison_id for comparison_id, _ in quality.decided_comparisons(get_store(), campaign.name)}
    waiting = [comparison_id for comparison_id in everything if comparison_id not in done]
    with st.container(horizontal=True, vertical_alignment="center", key="queue"):
        only_waiting = st.toggle("Undecided only", value=True, key="undecided-only")
        queue = waiting if only_waiting else everything
        here = st.query_params.get(HERE)
        shown = queue if here is None or here in queue else [here, *queue]
        if shown:
            _choose(shown, here, done)
        more = f", {len(disputed)} with a tension dispute or a report" if disputed else ""
        st.caption(f"{len(contested)} contested{more}, {len(waiting)} undecided", width="content")
    if not shown:
        show_stamp(kept)
        _show_nothing(n_contested=len(everything))
    return shown


def _choose(shown: list[str], here: str | None, done: set[str]) -> None:
    if here not in shown:
        st.query_params[HERE] = shown[0]
    st.session_state["case-choice"] = st.query_params[HERE]
    st.selectbox(
        "Comparison",
        shown,
        key="case-choice",
        format_func=lambda one: f"{one} (decided)" if one in done else one,
        on_change=lambda: _go_to(st.session_state["case-choice"]),
        label_visibility="collapsed",
        width=260,
    )
    st.button("Next", on_click=_go_to, args=(_after(shown, st.query_params[HERE]),), disabled=len(shown) < 2)


def _after(queue: list[str], here: str) -> str:
    """The one that comes next, from the beginning again after the last."""
    place = queue.index(here) if here in queue else -1
    return queue[(place + 1) % len(queue)]


def _go_to(comparison_id: str) -> None:
    """Open another case; from the last one to the beginning, whatever that is by then."""
    if comparison_id == st.query_params.get(HERE):
        st.query_params.pop(HERE)
    else:
        st.query_params[HERE] = comparison_id


def _show_nothing(*, n_contested: int) -> None:
    if n_contested:
        empty_state("Everything contested is decided", "Switch off “Undecided only” to read decisions again.")
    else:
        empty_state(
            "Nothing is contested",
            "A comparison appears here once no answer has more than half of its votes, raters let different criteria "
            "prevail in one tension, or one of them reports it.",
            to="quality",
            label="How far raters agree",
        )


def _show_case(campaign: Campaign, case: Case, queue: list[str]) -> None:
    comparison = case.comparison
    raw = st.toggle("Raw text", key="raw-text", help="Every character as it was written", persist_state="session")
    view = View(raw=raw, math=campaign.renders_math)
    show_conversation(comparison.prompt, view=view, material=material_of(comparison.meta))
    show_responses(tuple(one.text for one in comparison.completions), key=comparison.id, view=view)
    key = f"{campaign.name}-{comparison.id}"
    has_seen = bool(st.session_state.get(f"seen-{key}"))
    st.subheader("Your answer" if has_seen else "Your own view first", anchor=False)
    slots = tuple(str(place) for place in range(1, len(comparison.completions) + 1))
    widget, question = overall_question(case.rubric, slots)
    view, kept = f"view-{key}", f"given-{key}"
    if kept in st.session_state and not {view, f"{view}-outside"} & set(st.session_state):
        st.session_state.update(widget.fill(question, view, st.session_state[kept]))
    widget.render(question, view, lambda: None)
    given = widget.read(question, view)
    if given is not None:
        st.session_state[kept] = given  # for the way back from another page, which forgets the widgets
    answer = None if given is None else answer_from_slots(given, comparison.completion_ids)
    problem = _problem(case, answer)
    if not has_seen:
        st.button(
            "Show the votes",
            key=f"show-{key}",
            disabled=problem is not None,
            on_click=_show,
            args=(campaign, case, key, answer),
        )
        st.caption(problem or "Then everybody's votes and reasons appear, and you decide.")
        return
    show_evidence(campaign, case, st.session_state[f"seen-{key}"])
    show_decision(
        campaign, case, answer, is_complete=problem is None, go_on=partial(_go_to, _after(queue, comparison.id))
    )


def _problem(case: Case, answer: Answer | None) -> str | None:
    """Why the answer cannot stand yet."""
    if answer is None:
        return "Choose an answer: what the votes say is shown after that."
    try:
        case.rubric.validate_overall(answer, case.comparison.completion_ids)
    except AnswerError:
        return "Give every response its place."
    return None


def _show(campaign: Campaign, case: Case, key: str, answer: Answer) -> None:
    try:
        adjudicating.form_view(get_store(), get_person().name, campaign.name, case.comparison.id, answer=answer)
    except SteelyardError as error:
        st.session_state[NOTICE] = error
        return
    st.session_state[f"seen-{key}"] = answer
