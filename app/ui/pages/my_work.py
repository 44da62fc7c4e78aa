"""My work: what one has done, day by day, and the way back to a judgment that should be another."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.domain import Campaign
from app.policy import Action
from app.services import desk as desks
from app.services.desk import OwnJudgment
from app.services.own_card import own_card
from app.services.sessions import Person
from app.ui.components.charts import bars, figure
from app.ui.components.page import campaign_header, empty_state
from app.ui.components.quality.card import show_own_card
from app.ui.components.rating.panel import answer_in_words
from app.ui.components.rating.revising import show_earlier
from app.ui.components.text import escape_html, excerpt
from app.ui.components.time import show_duration, show_time, start_of_day
from app.ui.components.working_log import show_working_log
from app.ui.session import get_person, get_store
from app.ui.words import say

PER_PAGE = 20


def page() -> None:
    """The page: a list, or one judgment where the address names it."""
    person = get_person()
    wanted = st.query_params.get("assignment", "")
    if wanted.isdecimal():
        show_earlier(person, int(wanted), on_close=_close)
        return
    campaign = campaign_header(say("page-my_work"), person, Action.JUDGE, lead=say("only-you"))
    if campaign is None:
        return
    judgments = desks.own_judgments(get_store(), person.name, campaign.name, limit=PER_PAGE + 1, offset=_offset())
    if not judgments and not _offset():
        empty_state(say("nothing-submitted"), say("nothing-submitted-next"), to="rate", label=say("rate-start"))
        return
    _show_days(person, campaign)
    show_working_log(person)
    _show_card(person, campaign)
    _show_list(judgments)


def _show_days(person: Person, campaign: Campaign) -> None:
    days = desks.own_days(get_store(), person.name, campaign.name)
    n_all, seconds = sum(day.n_judgments for day in days), sum(day.seconds for day in days)
    today = desks.own_days(get_store(), person.name, campaign.name, since=start_of_day())
    with st.container(horizontal=True, gap="large", key="totals"):
        st.metric(say("day-today"), sum(day.n_judgments for day in today))
        st.metric(say("in-all"), n_all)
        st.metric(say("active-today"), show_duration(sum(day.seconds for day in today)))
        st.metric(say("active-in-all"), show_duration(seconds))
    if len(days) < 2:
        return
    table = pd.DataFrame(
        {
            say("day"): [f"{day.day:%Y-%m-%d}" for day in days],
            say("judgments"): [day.n_judgments for day in days],
            say("active-minutes"): [round(day.seconds / 60) for day in days],
        }
    )
    best = max(days, key=lambda day: day.n_judgments)
    reading = say("days-reading", n=n_all, days=len(days), best=best.day, most=best.n_judgments)
    figure(bars(table, x=say("day"), y=say("judgments"), height=160), table, reading=reading, key="days")


def _show_card(person: Person, campaign: Campaign) -> None:
    """How one is doing, on request: not everybody wants to look at numbers all day."""
    if not st.toggle(say("how-i-do"), key=f"my-card-{campaign.name}"):
        return
    mine = own_card(get_store(), person.name, campaign.name)
    if mine is None:
        st.caption(say("no-card-yet"))
        return
    st.caption(say("card-of", n=mine.card["n_votes"], day=mine.as_of))
    show_own_card(mine.card)


def _show_list(judgments: list[OwnJudgment]) -> None:
    st.subheader(say("judgments"), anchor=False)
    for judgment in judgments[:PER_PAGE]:
        _show_line(judgment)
    with st.container(horizontal=True, key="turning"):
        if _offset():
            st.button(say("newer"), on_click=_turn, args=(-PER_PAGE,))
        if len(judgments) > PER_PAGE:
            st.button(say("older"), on_click=_turn, args=(PER_PAGE,))


def _show_line(judgment: OwnJudgment) -> None:
    said = say("no-overall") if judgment.overall is None else answer_in_words(judgment.overall)
    revised = say("revised", n=judgment.revision) if judgment.revision else ""
    with st.container(key=f"own-{judgment.assignment_id}", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            f'<div class="sy-own"><span>{escape_html(excerpt(judgment.prompt, 120))}</span>'
            f"<small>{escape_html(show_time(judgment.submitted_at))} · {escape_html(said)}{revised}</small></div>"
        )
        label = say("revise" if judgment.can_revise else "view")
        st.button(label, key=f"open-{judgment.assignment_id}", on_click=_open, args=(judgment.assignment_id,))


def _offset() -> int:
    return int(st.session_state.get("my-work-offset", 0))


def _turn(by: int) -> None:
    st.session_state["my-work-offset"] = max(0, _offset() + by)


def _open(assignment_id: int) -> None:
    st.query_params["assignment"] = str(assignment_id)


def _close() -> None:
    st.query_params.pop("assignment", None)
