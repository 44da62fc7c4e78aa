"""The rounds of a campaign: how far each is, open and close, rules, and a further one."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from app.domain import RankingMode, RoundPurpose, RoundRules
from app.services import managing
from app.services.campaigns import CampaignOverview, RoundProgress
from app.ui.components.campaigns.rules import rubric_words, rules_fields
from app.ui.components.page import errors_shown
from app.ui.components.text import escape
from app.ui.session import get_person, get_store

MODE_WORDS = {RankingMode.PAIR: "pairs", RankingMode.KWAY: "rankings of three or more"}
PURPOSE_WORDS = {
    RoundPurpose.MAIN: "main: the data itself",
    RoundPurpose.PILOT: "pilot: try the rubric first",
    RoundPurpose.BRIDGE: "bridge: tie two rubric versions together",
}


def show_rounds(overview: CampaignOverview) -> None:
    """The rounds, then what can be done with one, then a further one."""
    st.dataframe(_table(overview), hide_index=True, width="stretch", column_config=_COLUMNS, key="rounds-table")
    names = [row.round.name for row in overview.rounds]
    name = st.selectbox("Round", names, key="round-choice", width=320)
    row = next(row for row in overview.rounds if row.round.name == name)
    _show_state(overview.campaign.name, row)
    _show_rules(overview.campaign.name, row)
    with st.expander("Open another round"):
        _show_open(overview.campaign.name)


def _table(overview: CampaignOverview) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "round": row.round.name,
                "state": row.round.state,
                "judges": MODE_WORDS[row.round.mode],
                "votes wanted": row.round.rules.overlap,
                "waiting": row.n_comparisons - row.n_begun,
                "begun": row.n_begun - row.n_complete,
                "complete": row.n_complete,
                "share": row.n_complete / row.n_comparisons if row.n_comparisons else 0.0,
                "judgments": row.n_judgments,
                "rubric": row.round.rubric_version[:12],
            }
            for row in overview.rounds
        ]
    )


_COLUMNS = {"share": st.column_config.ProgressColumn("complete, share", format="percent", min_value=0, max_value=1)}


def _show_state(campaign: str, row: RoundProgress) -> None:
    is_open = row.round.state == "open"
    words = "Raters get work from it." if is_open else "Nobody gets work from it; its judgments stay."
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.text(f"Round {row.round.name} is {row.round.state}. {words}")
    if right.button("Close round" if is_open else "Reopen round", key="round-state", width="stretch"):
        with errors_shown():
            managing.set_round_open(get_store(), get_person(), campaign, row.round.name, is_open=not is_open)
            st.rerun()


def _show_rules(campaign: str, row: RoundProgress) -> None:
    with st.expander(f"Rules of round {escape(row.round.name)}"), st.form(f"rules-{row.round.id}", border=False):
        rules = rules_fields(row.round.rules, key=f"rules-{row.round.id}")
        st.caption("They hold from now on. What was judged stays; a larger overlap opens complete comparisons again.")
        if not st.form_submit_button("Save rules"):
            return
        lease = row.round.rules.lease_seconds
        if rules.lease_seconds == max(1, round(lease / 60)) * 60:
            rules = replace(rules, lease_seconds=lease)  # untouched: keep seconds that are no whole minutes
        with errors_shown():
            managing.change_rules(get_store(), get_person(), campaign, row.round.name, rules=rules)
            st.toast(f"Saved the rules of round {escape(row.round.name)}.")
            st.rerun()


def _show_open(campaign: str) -> None:
    choices = {choice.id: choice for choice in managing.rubric_choices(get_store())}
    with st.form("open-round", border=False):
        left, right = st.columns(2)
        with left:
            name = st.text_input("Name of the round", max_chars=64)
            mode = st.selectbox("It judges", list(RankingMode), format_func=MODE_WORDS.__getitem__)
        with right:
            purpose = st.selectbox("Purpose", list(RoundPurpose), index=1, format_func=PURPOSE_WORDS.__getitem__)
            rubric = st.selectbox("Rubric", list(choices), format_func=lambda one: rubric_words(choices[one]))
        rules = rules_fields(RoundRules(), key="open")
        if not st.form_submit_button("Open round"):
            return
    with errors_shown():
        managing.open_round(
            get_store(),
            get_person(),
            campaign,
            name=name.strip(),
            rubric=rubric,
            mode=mode,
            purpose=purpose,
            rules=rules,
        )
        st.rerun()
