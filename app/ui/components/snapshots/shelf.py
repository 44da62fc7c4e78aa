"""The shelf: every snapshot with its hash, the card of one, and one to take along."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.services import snapshot_shelf
from app.services.snapshot_shelf import ShelvedSnapshot
from app.settings import settings
from app.ui.components.page import empty_state, errors_shown
from app.ui.components.text import escape, show_text
from app.ui.components.time import show_time

REMINDER = (
    "The hash is the snapshot: it is taken over every file, count, drop and option. The same votes and options give "
    "the same hash, and a snapshot whose files no longer match it is refused by training. Cite it with your results."
)


def show_shelf(snapshots: list[ShelvedSnapshot]) -> None:
    """The list, then one of them."""
    if not snapshots:
        empty_state("No snapshot yet", "Build one under Build: it freezes the votes of now into a documented dataset.")
        return
    st.caption(escape(REMINDER))
    st.dataframe(_table(snapshots), hide_index=True, width="stretch", column_config=_COLUMNS, key="snapshots")
    chosen = choose_snapshot("Snapshot", snapshots, key="snapshot-choice")
    _show_one(chosen)


def choose_snapshot(label: str, snapshots: list[ShelvedSnapshot], *, key: str, index: int = 0) -> ShelvedSnapshot:
    """A choice among snapshots, by name and hash."""
    by_id = {f"{one.hash} {one.directory}": one for one in snapshots}
    chosen = st.selectbox(
        label,
        list(by_id),
        index=min(index, len(by_id) - 1),
        key=key,
        format_func=lambda one: f"{by_id[one].name} · {by_id[one].hash[:12]}",
    )
    return by_id[chosen]


def _table(snapshots: list[ShelvedSnapshot]) -> pd.DataFrame:
    rows = []
    for one in snapshots:
        counts = one.content.get("counts", {})
        splits = one.content.get("splits", {}).get("n_pairs", {})
        rows.append(
            {
                "name": one.name,
                "hash": one.hash[:12],
                "built": one.built_at,
                "pairs": counts.get("n_pairs"),
                "train / validation / test": " / ".join(f"{n:,}" for n in splits.values()),
                "ties": counts.get("n_ties"),
                "judgments": counts.get("n_judgments"),
                "kinds": ", ".join(one.content.get("counted_kinds", ())),
                "as of event": one.content.get("event_number"),
                "directory": "as built" if one.manifest else "gone or changed",
            }
        )
    return pd.DataFrame(rows)


_COLUMNS = {"built": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm")}


def _show_one(snapshot: ShelvedSnapshot) -> None:
    if snapshot.manifest is None:
        st.error(escape(snapshot.problem))
        return
    st.code(snapshot.hash, language=None)
    st.caption(escape(f"Built {show_time(snapshot.built_at)} in {snapshot.directory}"))
    with st.container(horizontal=True, key="snapshot-actions"):
        size = snapshot_shelf.size_megabytes(snapshot)
        st.download_button(
            f"Download as zip ({size:,.1f} MB)",
            lambda: snapshot_shelf.zip_snapshot(snapshot, settings().data_directory).open("rb"),
            f"{snapshot.name}.zip",
            "application/zip",
            on_click="ignore",
            key=f"zip-{snapshot.hash}",
        )
        if st.button("Check the files against the hash", key=f"verify-{snapshot.hash}"):
            problem = snapshot_shelf.verify(snapshot)
            if problem:
                st.error(escape(problem))
            else:
                st.success(f"All {len(snapshot.manifest.files)} files are as they were frozen.")
    st.subheader("Card", anchor=False)
    with errors_shown(), st.container(border=True, key="snapshot-card"):
        show_text(snapshot_shelf.read_card(snapshot))
