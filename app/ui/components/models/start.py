"""Starting a training run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.domain import Campaign, utc_now
from app.services import model_shelf
from app.services.model_shelf import EMBEDDED_BASE, TARGETS, RunOptions, TrainedModel
from app.services.snapshot_shelf import ShelvedSnapshot
from app.settings import settings
from app.ui.components.jobs import ask_for
from app.ui.components.page import errors_shown
from app.ui.components.snapshots.shelf import choose_snapshot
from app.ui.components.text import escape
from app.ui.session import get_person

TARGET_WORDS = {
    "soft": "soft: the snapshot's soft labels (the default)",
    "share": "share: vote shares, ties half",
    "posterior": "posterior: under a model of rater accuracy",
    "reliability": "reliability: votes weighted by their rater",
    "hard": "hard: the majority, as certain",
    "margin": "margin: the majority, with the lead as margin",
}
BASE_HELP = (
    "minilm is small, comes with the package and works offline: right for a first run. For real work name a hub id "
    "such as Qwen/Qwen3-0.6B or answerdotai/ModernBERT-base, or a directory on the machine of the worker."
)


def show_start(campaign: Campaign, snapshots: list[ShelvedSnapshot], models: list[TrainedModel]) -> None:
    """The form; says what to install where something is missing."""
    missing = model_shelf.missing_packages()
    if missing:
        st.warning(escape(f"{missing}."))
    turn = st.session_state.setdefault("run-turn", 0)
    name_key = f"run-name-{turn}"
    st.session_state.setdefault(name_key, f"{campaign.name}-{utc_now():%Y%m%d-%H%M%S}")
    with st.form("start-run", border=True):
        left, right = st.columns(2)
        with left:
            snapshot = choose_snapshot("Snapshot", snapshots, key="run-snapshot")
            base = st.text_input("Base", EMBEDDED_BASE, help=BASE_HELP, max_chars=300)
        with right:
            name = st.text_input("Name", key=name_key, max_chars=64)
            target = st.selectbox("Target", TARGETS, format_func=TARGET_WORDS.__getitem__)
        epochs, seed = st.columns(2)
        with epochs:
            n_epochs = st.number_input("Epochs", 0.1, 1000.0, RunOptions().epochs, step=0.5, format="%g")
        with seed:
            seed_value = st.number_input("Seed", 0, 2**31 - 1, 0)
        more = _more_fields(models)
        is_sent = st.form_submit_button("Start run", type="primary")
    if not is_sent:
        return
    options = RunOptions(base=base.strip(), epochs=float(n_epochs), target=target, seed=int(seed_value), **more)
    with errors_shown():
        request = model_shelf.request_training(
            get_person(),
            campaign.name,
            name=name.strip(),
            snapshot=snapshot,
            options=options,
            data_directory=settings().data_directory,
        )
        ask_for(request)
        st.session_state["run-turn"] = turn + 1
        st.rerun()


def _more_fields(models: list[TrainedModel]) -> dict[str, Any]:
    with st.expander("More options"):
        left, right = st.columns(2)
        with left:
            batch = st.number_input("Pairs per step (batch size)", 1, 1024, RunOptions().batch_size)
            rate = st.number_input(
                "Learning rate", 1e-7, 1.0, None, format="%g", placeholder="3e-4 for minilm, 2e-5 for others"
            )
        with right:
            length = st.number_input(
                "Longest text, tokens", 16, 131_072, None, placeholder="256 for minilm, 1,024 for others"
            )
            limit = st.number_input("Time limit, minutes", 0.1, 100_000.0, None, placeholder="none", format="%g")
        earlier = {"": "none"} | {str(model.directory): f"{model.name} · {model.run['run_id']}" for model in models}
        against = st.selectbox(
            "Measure beside an earlier model", list(earlier), index=min(1, len(models)), format_func=earlier.__getitem__
        )
        ties = st.checkbox("Train on ties, too, as soft label .5")
    return {
        "batch_size": int(batch),
        "learning_rate": rate,
        "max_length_tokens": None if length is None else int(length),
        "time_limit_minutes": limit,
        "include_ties": ties,
        "against": against or None,
    }
