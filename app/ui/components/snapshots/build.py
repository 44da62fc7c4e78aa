"""Building a snapshot: options, the build under way, and what the last one did."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign, RaterKind, utc_now
from app.services import job_board, managing, snapshot_shelf
from app.services.snapshot_shelf import AGGREGATIONS, SnapshotOptions
from app.services.snapshot_versions import mixed_versions, whole_mapping
from app.settings import settings
from app.stats.words import counted
from app.ui.components.campaigns.rules import KIND_WORDS
from app.ui.components.jobs import ask_for, follow, show_end
from app.ui.components.page import errors_shown
from app.ui.components.snapshots.mapping import show_mapping
from app.ui.session import get_person, get_store

ALL_ROUNDS = "all rounds"
AGGREGATION_WORDS = {
    "vote_share": "vote_share: the share of votes for each response",
    "one_coin": "one_coin: votes weighed by how often each rater is right",
    "majority": "majority: the winner, as certain",
}


def show_build(campaign: Campaign) -> None:
    """The form, and the build under way."""
    builds = job_board.jobs_of(get_store(), get_person(), campaign.name, "snapshot", limit=5)
    under_way = [job for job in builds if not job.has_ended]
    for job in under_way:
        follow(job)
    if builds and not under_way:
        name = str(builds[0].arguments["output"]).rpartition("/")[2]
        result = builds[0].result or {}
        n_pairs = result.get("counts", {}).get("n_pairs", 0)
        show_end(
            builds[0],
            done=f"Built {name}: {counted(n_pairs, 'pair')}, hash {str(result.get('hash'))[:12]}. It is on the shelf.",
        )
    _show_form(campaign)


def _show_form(campaign: Campaign) -> None:
    overview = managing.overview(get_store(), get_person(), campaign.name)
    turn = st.session_state.setdefault("build-turn", 0)
    name_key = f"snapshot-name-{turn}"
    st.session_state.setdefault(name_key, f"{campaign.name}-{utc_now():%Y%m%d-%H%M%S}")
    rounds = [ALL_ROUNDS, *(row.round.name for row in overview.rounds)]
    with st.container(border=True, key="build-snapshot"):
        left, right = st.columns(2)
        with left:
            name = st.text_input("Name", key=name_key, max_chars=64)
            round_name = st.selectbox("Rounds", rounds)
            minimum = st.number_input("Votes that a pair needs", 1, 100, 1)
        with right:
            kinds = st.multiselect(
                "Kinds of rater that count",
                list(RaterKind),
                default=list(campaign.counted_kinds),
                format_func=KIND_WORDS.__getitem__,
            )
            aggregation = st.selectbox("Aggregation", AGGREGATIONS, format_func=AGGREGATION_WORDS.__getitem__)
            split_by = st.text_input("Split by", "prompt", help="prompt, or meta.KEY: no group stands in two splits.")
        exclude_gold = st.checkbox("Leave gold comparisons out", help="Their keys are never in a snapshot.")
        chosen_round = None if round_name == ALL_ROUNDS else round_name
        mixed = mixed_versions(get_store(), get_person(), campaign.name, round_name=chosen_round, kinds=kinds)
        said, is_wanted = ({}, True) if mixed is None else show_mapping(campaign, mixed)
        is_sent = st.button("Build snapshot", type="primary")
    if not is_sent:
        return
    with errors_shown():
        options = SnapshotOptions(
            kinds=tuple(kinds),
            round=chosen_round,
            min_judgments=int(minimum),
            split_by=split_by.strip(),
            exclude_gold=exclude_gold,
            aggregation=aggregation,
            mapping=whole_mapping(mixed, said, is_wanted=is_wanted),
        )
        request = snapshot_shelf.request_snapshot(
            get_person(), campaign.name, name=name.strip(), options=options, data_directory=settings().data_directory
        )
        ask_for(request)
        st.session_state["build-turn"] = turn + 1
        st.rerun()
