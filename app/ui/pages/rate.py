"""Rate: one comparison after the other.

The open assignment comes from the database on every run, the state of the form from its draft; what is handed in is
stored exactly once, however often the button is pressed.
"""

from __future__ import annotations

import streamlit as st

from app.catalogue import CATALOGUE
from app.domain import Campaign, RaterState
from app.errors import RefusedSubmission, SteelyardError
from app.policy import Action, may_work
from app.services import desk as desks
from app.services import examining, judging, working_time
from app.services.looking import look
from app.services.sessions import Person
from app.services.working_time import Today
from app.ui.components.page import campaign_header, empty_state, show_notice
from app.ui.components.rating import form_state
from app.ui.components.rating.asking import show_answers
from app.ui.components.rating.bar import show_bar
from app.ui.components.rating.conversation import show_conversation, show_responses
from app.ui.components.rating.day import show_pause
from app.ui.components.rating.form_state import Form
from app.ui.components.rating.keyboard import listen
from app.ui.components.rating.marks import follow_selection, hear
from app.ui.components.rating.more import show_more
from app.ui.components.rating.panel import problem_lines, show_panel
from app.ui.components.rating.stopped import tell
from app.ui.components.rating.typed import close
from app.ui.components.rating.warning import show_warning
from app.ui.components.text import escape, escape_html
from app.ui.components.time import start_of_day
from app.ui.session import chosen_campaign, find_name, get_person, get_store
from app.ui.words import say

SKIP_REASONS = ("knowledge", "broken", "language", "unwilling", "other")
"""Why one skips, by the words after `skip-` in the catalogue; stored in English, so that they can be counted."""


def page() -> None:
    """The page: what the last click came to, then the screen that is due, whichever it is."""
    person = get_person()
    show_notice("rate-notice")
    campaign = chosen_campaign(person, Action.JUDGE)
    if campaign is None:
        campaign_header(say("page-rate"), person, Action.JUDGE)
        return
    seen = look(get_store(), person, campaign.name, since=start_of_day())
    if not may_work(seen.state):
        _show_no_work(person, campaign, seen.state)
        return
    if show_pause(seen.day):
        return
    if seen.desk is None:
        _show_nothing_left(person, campaign, seen.state)
        return
    form = Form(seen.desk, "rate", autosave, seen.desk.assignment.draft or {})
    if show_warning(form):
        return
    is_new_here = form.value(form_state.HERE) is None
    form_state.hydrate(form)
    with st.container(key="desk", gap="small"):
        _show_desk(person, campaign, form, seen.day)
    if is_new_here:
        _arrive(person, form.anew())
    elif not form_state.is_saved(form):
        autosave(form)  # another message may have cut short what saves a change
    listen(form.desk.assignment.id, is_on=st.session_state.get("single-keys", person.account.preferences.single_keys))


def _arrive(person: Person, form: Form) -> None:
    """The first look at a comparison in this session; a tab that outlived another one may bring unsaved words."""
    if form_state.is_saved(form):
        working_time.arrive(get_store(), person.name, form.desk.assignment.id)
    else:
        autosave(form)
        st.rerun()


def autosave(form: Form) -> None:
    """Keep the draft on the server after every change; who was logged out meanwhile is told by the page itself."""
    draft = form_state.draft_of(form_state.read(form))
    name = find_name()
    if name is not None:
        judging.save_draft(get_store(), name, form.desk.assignment.id, draft)


def submit(shown: Form) -> None:
    """Hand in; a second click or a second tab finds it stored already."""
    hear(shown)
    form = shown.anew()
    submission = form_state.read(form)
    try:
        receipt = judging.submit(get_store(), get_person().name, form.desk.assignment.id, submission)
    except RefusedSubmission:
        st.session_state["rate-refused"] = form.desk.assignment.id
        st.session_state["rate-just-refused"] = True
        autosave(form)
    except SteelyardError as error:
        tell(error)
    else:
        if receipt.was_known:
            st.session_state["rate-notice"] = [say("known-submitted")]
        close(form)


def skip(form: Form) -> None:
    """Hand the comparison back with a reason."""
    reason = CATALOGUE[f"skip-{form.value('skip-reason') or SKIP_REASONS[-1]}"][0]
    try:
        judging.skip(get_store(), get_person().name, form.desk.assignment.id, reason=reason)
    except SteelyardError as error:
        tell(error)
    else:
        close(form)


def _show_desk(person: Person, campaign: Campaign, form: Form, day: Today) -> None:
    assignment = form.desk.assignment
    view = show_bar(person, campaign, form.desk, day)
    with st.container(gap="small"):  # a place for what comes and goes: it never moves, and so doubles, the desk
        show_answers(person, form)
    reading, panel = st.columns([2.5, 1], gap="medium")
    with reading:
        show_conversation(assignment.prompt, view=view, material=form.desk.material)
        show_responses(assignment.responses, key=str(assignment.id), view=view)
    with panel, st.container(key="panel", gap="small"):
        show_panel(form)
        _show_end(person, form)
    follow_selection(form, view)


def _show_end(person: Person, form: Form) -> None:
    """The ways out, then what is missing: below, so that a text that is sent never moves the button one presses."""
    with st.container(horizontal=True, gap="small", key="ways-out"):
        st.button(
            say("submit"),
            key=form.key("submit"),
            type="primary",
            shortcut="Mod+Enter",
            width="stretch",
            on_click=submit,
            args=(form,),
        )
        _show_skip(form)
        show_more(person, form)
    submission = form_state.read(form)
    problems = desks.find_problems(get_store(), person.name, form.desk, submission)
    _show_missing(form, problem_lines(form, [problem for problem in problems if not problem.is_advice]))
    _show_advice(problem_lines(form, [problem for problem in problems if problem.is_advice]))


def _show_skip(form: Form) -> None:
    """The menu beside Submit; what it holds is sent once it is open."""
    with st.container(key="skip-menu", width="content"):
        menu = st.popover(say("skip"), key=form.key("skip-menu"), on_change="rerun")
    if not menu.open:
        return
    with menu:
        st.radio(
            say("skip-why"),
            SKIP_REASONS,
            index=None,
            key=form.key("skip-reason"),
            format_func=lambda reason: say(f"skip-{reason}"),
        )
        st.button(say("skip-now"), key=form.key("skip"), on_click=skip, args=(form,))


def _show_missing(form: Form, lines: list[str]) -> None:
    """Quiet while one works, a warning once somebody tried to hand it in."""
    if not lines:
        return
    if st.session_state.pop("rate-just-refused", False):
        st.toast(f"{say('not-stored')} {escape(' '.join(lines))}")
    if st.session_state.get("rate-refused") == form.desk.assignment.id:
        st.warning("\n".join(f"- {escape(line)}" for line in lines))
    else:
        st.html(f'<p class="sy-missing">{"<br>".join(map(escape_html, lines))}</p>')


def _show_advice(lines: list[str]) -> None:
    """What the rubric would have the rater look at again; nothing waits for it."""
    if lines:
        said = "<br>".join(map(escape_html, lines))
        st.html(f'<p class="sy-missing sy-advice"><b>{escape_html(say("advice"))}</b> {said}</p>')


def _show_no_work(person: Person, campaign: Campaign, state: RaterState) -> None:
    """Why there is no work, with the way to the exam where that is the reason."""
    campaign_header(say("page-rate"), person, Action.JUDGE)
    exam = examining.exam_status(get_store(), person.name, campaign.name)
    if exam.state in ("none", "certified"):
        empty_state(say("no-work"), say("no-work-state", state=state.value))
        return
    empty_state(say("exam-first"), say(f"exam-{exam.state}"), to="exam", label=say("page-exam"))


def _show_nothing_left(person: Person, campaign: Campaign, state: RaterState) -> None:
    """Nothing waits, or what waits asks for an exam first; rounds without one have been looked into."""
    if examining.exam_status(get_store(), person.name, campaign.name).state not in ("none", "certified"):
        _show_no_work(person, campaign, state)
        return
    campaign_header(say("page-rate"), person, Action.JUDGE)
    empty_state(say("nothing-left"), say("nothing-left-next"), to="my_work", label=say("page-my_work"))
