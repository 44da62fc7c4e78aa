"""Importing a file: upload, a job with progress, what came in, and the refused lines to take along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.domain import Job, JobState
from app.services import job_board
from app.services.uploads import MAX_UPLOAD_MEGABYTES, keep_upload
from app.settings import settings
from app.ui.components.jobs import ask_for, follow, show_end
from app.ui.components.page import empty_state, errors_shown
from app.ui.components.text import escape
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store

FORMATS = {
    "auto": "recognise it",
    "native": "native JSONL (comparisons, judgments, gold)",
    "trl": "TRL preference rows (chosen, rejected)",
    "hh": "HH-RLHF transcripts",
    "csv": "CSV pairs",
}


def show_import(campaign: str) -> None:
    """The upload, the import under way, and what the last ones did."""
    _show_upload(campaign)
    imports = job_board.jobs_of(get_store(), get_person(), campaign, "import")
    if not imports:
        empty_state(
            "No file was imported from here yet",
            "Choose a file above. A line needs a prompt and two or more responses; judgments come along where it "
            'has them:\n{"id": "x1", "prompt": "…", '
            '"completions": [{"id": "a", "text": "…"}, {"id": "b", "text": "…"}]}',
        )
    for job in imports:
        if not job.has_ended:
            follow(job)
    ended = [job for job in imports if job.has_ended]
    if ended:
        _show_outcome(ended[0])
    if len(ended) > 1:
        with st.expander(f"Earlier imports ({len(ended) - 1})"):
            for job in ended[1:]:
                _show_outcome(job)


def _show_upload(campaign: str) -> None:
    turn = st.session_state.setdefault("import-turn", 0)
    left, right = st.columns([3, 2])
    with left:
        file = st.file_uploader(
            "File of comparisons",
            type=["jsonl", "json", "csv", "parquet", "gz"],
            key=f"import-file-{turn}",
            max_upload_size=MAX_UPLOAD_MEGABYTES,
        )
    with right:
        form = st.selectbox("Format", list(FORMATS), format_func=FORMATS.__getitem__)
        st.caption("Bad lines are refused with a reason, good ones imported. Importing a file again changes nothing.")
        if st.button("Import", type="primary", disabled=file is None) and file is not None:
            with errors_shown():
                path, n_lines = keep_upload(settings().data_directory, file, file.name)
                ask_for(job_board.request_import(get_person(), campaign, path=path, format_name=form, n_lines=n_lines))
                st.session_state["import-turn"] = turn + 1
                st.rerun()


def _show_outcome(job: Job) -> None:
    name = str(job.arguments["path"]).rpartition("/")[2]
    with st.container(key=f"import-{job.id}", border=True):
        if job.state is not JobState.DONE or job.result is None:
            st.text(name)
            show_end(job)
            return
        st.markdown(f"**{escape(name)}** · {escape(show_time(job.finished_at))}")
        st.markdown(escape(_sentence(job.result)))
        if job.result["n_refused"]:
            _show_refused(job, job.result)
        if job.result["n_warnings"]:
            with st.expander(f"{job.result['n_warnings']:,} notes"):
                st.text("\n".join(job.result["warnings"][:200]))


def _sentence(result: Mapping[str, Any]) -> str:
    parts = [_new(result, "comparisons"), _new(result, "judgments")]
    if result["n_adjudications"]:
        parts.append(f"{result['n_adjudications']:,} new decisions")
    parts += [f"{result[f'n_{what}']:,} new {what}" for what in ("questions", "reviews") if result.get(f"n_{what}")]
    parts.append(f"{result['n_refused']:,} {'line' if result['n_refused'] == 1 else 'lines'} refused")
    return f"{result['n_lines']:,} lines: {', '.join(parts)}."


def _new(result: Mapping[str, Any], what: str) -> str:
    known = result[f"n_{what}_known"]
    return f"{result[f'n_{what}']:,} new {what}" + (f" ({known:,} known already)" if known else "")


def _show_refused(job: Job, result: Mapping[str, Any]) -> None:
    refused = pd.DataFrame(result["refused"], columns=["line", "field", "reason"])
    if len(refused) < result["n_refused"]:
        st.caption(f"The first {len(refused):,} of {result['n_refused']:,} refused lines:")
    st.dataframe(
        refused, hide_index=True, width="stretch", height="auto", key=f"refused-{job.id}", column_config=_WIDTHS
    )
    stem = f"refused-{job.id}"
    with st.container(horizontal=True):
        st.download_button(
            "Refused lines as CSV",
            refused.to_csv(index=False).encode(),
            f"{stem}.csv",
            "text/csv",
            key=f"csv-{job.id}",
            on_click="ignore",
        )
        lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in result["refused"])
        st.download_button(
            "as JSONL",
            lines.encode(),
            f"{stem}.jsonl",
            "application/jsonl",
            key=f"jsonl-{job.id}",
            on_click="ignore",
        )


_WIDTHS = {
    "line": st.column_config.NumberColumn(width=60),
    "field": st.column_config.TextColumn(width=120),
    "reason": st.column_config.TextColumn(width="large"),
}
