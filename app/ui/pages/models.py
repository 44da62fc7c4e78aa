"""Reward models: start a run, follow it, read its report, compare two; cycles, and models that judge first."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from app.domain import Campaign, Job, JobState
from app.policy import Action
from app.services import job_board, model_shelf, snapshot_shelf
from app.services.model_shelf import TrainedModel
from app.services.snapshot_shelf import ShelvedSnapshot
from app.settings import settings
from app.ui.components.jobs import follow, show_end
from app.ui.components.models.compare import choose_model, show_compare
from app.ui.components.models.cycles import show_cycles
from app.ui.components.models.follow import FOLLOW_SECONDS, show_run
from app.ui.components.models.prejudging import show_prejudging
from app.ui.components.models.report import show_report
from app.ui.components.models.start import show_start
from app.ui.components.page import campaign_header, empty_state
from app.ui.components.parts import show_parts
from app.ui.components.text import escape
from app.ui.session import get_person, get_store

LEAD = "Learn from a snapshot what people prefer, and say honestly how well."


def page() -> None:
    """The page."""
    person = get_person()
    campaign = campaign_header("Reward models", person, Action.TRAIN, lead=LEAD)
    if campaign is None:
        return
    snapshots = snapshot_shelf.list_snapshots(get_store(), person, campaign.name, action=Action.TRAIN)
    models = model_shelf.list_models(get_store(), person, campaign.name, data_directory=settings().data_directory)
    show_parts(
        {
            "Runs": partial(_show_runs, campaign, snapshots, models),
            "Report": partial(_show_report, models),
            "Compare": partial(show_compare, models),
            "Cycles": partial(show_cycles, campaign, models, snapshots),
            "Judge first": partial(show_prejudging, campaign, models),
        },
        key="models",
    )


def _show_runs(campaign: Campaign, snapshots: list[ShelvedSnapshot], models: list[TrainedModel]) -> None:
    runs = job_board.jobs_of(get_store(), get_person(), campaign.name, "train")
    for job in runs:
        if not job.has_ended:
            follow(job, show_more=show_run, every_seconds=FOLLOW_SECONDS)
    if runs and runs[0].has_ended:
        _show_last(runs[0])
    readable = [snapshot for snapshot in snapshots if snapshot.manifest is not None]
    if not readable:
        empty_state(
            "No snapshot to learn from", "Build one under Snapshots first.", to="snapshots", label="Go to Snapshots"
        )
    else:
        show_start(campaign, readable, models)
    if models:
        _show_list(models)


def _show_last(job: Job) -> None:
    verdict = (job.result or {}).get("verdict") or "It was not measured: the snapshot holds no pairs out."
    show_end(job, done=f"{job.arguments.get('name', 'The run')} is finished. {verdict}")
    if job.state is JobState.FAILED:
        tail = model_shelf.log_tail(model_shelf.run_output(job))
        if tail:
            with st.expander("Log"):
                st.code(tail, language=None, wrap_lines=True)


def _show_list(models: list[TrainedModel]) -> None:
    st.subheader("Finished models", anchor=False)
    rows = []
    for model in models:
        accuracy = (model.evaluation or {}).get("accuracy", {})
        rows.append(
            {
                "name": model.name,
                "run": model.run["run_id"],
                "base": model.run["base"]["name"],
                "snapshot": model.run["snapshot"]["hash"][:12],
                "accuracy": accuracy.get("value"),
                "from": accuracy.get("low"),
                "to": accuracy.get("high"),
                "n": accuracy.get("n"),
                "finished": pd.Timestamp(model.run.get("finished_at")),
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", column_config=_COLUMNS, key="models-table")


_COLUMNS = {
    **{name: st.column_config.NumberColumn(format="%.3f") for name in ("accuracy", "from", "to")},
    "finished": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
}


def _show_report(models: list[TrainedModel]) -> None:
    if not models:
        empty_state("No finished model yet", "Start a run under Runs; its report appears here when it is finished.")
        return
    model = choose_model("Model", models, key="report-model")
    st.subheader(escape(model.name), anchor=False)
    show_report(model)
