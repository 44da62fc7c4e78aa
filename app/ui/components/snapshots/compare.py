"""Two snapshots beside each other: hash, options, counts, what was left out, splits, agreement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.services.snapshot_shelf import Difference, ShelvedSnapshot, SnapshotComparison, compare_snapshots
from app.stats.words import counted
from app.ui.components.charts import figure
from app.ui.components.grouped import grouped_intervals
from app.ui.components.page import empty_state
from app.ui.components.snapshots.shelf import choose_snapshot
from app.ui.components.text import escape


def show_compare(snapshots: list[ShelvedSnapshot]) -> None:
    """Choose two, see what differs."""
    readable = [one for one in snapshots if one.manifest is not None]
    if len(readable) < 2:
        empty_state("Nothing to compare yet", "Two snapshots are needed: build another under Build.")
        return
    left, right = st.columns(2)
    with left:
        first = choose_snapshot("First", readable, key="compare-first", index=1)
    with right:
        second = choose_snapshot("Second", readable, key="compare-second")
    same = first.hash == second.hash
    comparison = compare_snapshots(first.content, second.content, same=same)
    if same:
        st.success(f"The same snapshot: both have the hash {first.hash[:12]}.")
        return
    st.markdown(escape(_sentence(comparison, first, second)))
    names = _names(first, second)
    _show_table("Options", comparison.options, names)
    _show_table("Counts", [*comparison.counts, *comparison.splits], names, is_count=True)
    _show_table("Pairs left out", comparison.drops, names, is_count=True)
    _show_agreement(comparison.agreement, names)


def _names(first: ShelvedSnapshot, second: ShelvedSnapshot) -> tuple[str, str]:
    if first.name != second.name:
        return first.name, second.name
    return f"{first.name} {first.hash[:8]}", f"{second.name} {second.hash[:8]}"


def _sentence(comparison: SnapshotComparison, first: ShelvedSnapshot, second: ShelvedSnapshot) -> str:
    pairs = next(line for line in comparison.counts if line.what == "pairs")
    change = pairs.second - pairs.first
    changed = [line.what for line in comparison.options if line.first != line.second]
    options = f"they differ in {', '.join(changed)}" if changed else "the options and the votes' event are the same"
    more = f"{abs(change):,} {'more' if change > 0 else 'fewer'} pairs" if change else "as many pairs"
    return f"{second.name} ({second.hash[:12]}) has {more} than {first.name} ({first.hash[:12]}); {options}."


def _show_table(title: str, lines: Iterable[Difference], names: tuple[str, str], *, is_count: bool = False) -> None:
    lines = list(lines)
    if not lines:
        return
    rows = []
    for line in lines:
        row = {"": line.what, names[0]: line.first, names[1]: line.second}
        if is_count:
            row["change"] = (line.second or 0) - (line.first or 0)
        else:
            row[" "] = "differs" if line.first != line.second else ""
        rows.append(row)
    st.subheader(title, anchor=False)
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", key=f"compare-{title}")


def _show_agreement(lines: Iterable[Difference], names: tuple[str, str]) -> None:
    rows = []
    for line in lines:
        for name, estimate in zip(names, (line.first, line.second), strict=True):
            if estimate is not None:
                rows.append({"criterion": line.what, "snapshot": name, **_alpha(estimate)})
    if not rows:
        return
    st.subheader("Agreement", anchor=False)
    table = pd.DataFrame(rows)
    overall = table[table["criterion"] == "overall"]
    figure(
        grouped_intervals(table, name="criterion", group="snapshot", value="alpha", low="from", high="to"),
        table,
        reading=_reading(overall),
        key="compare-agreement",
    )


def _alpha(estimate: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "alpha": estimate["value"],
        "from": estimate["low"],
        "to": estimate["high"],
        "votes": estimate.get("n_votes"),
        "undefined": estimate["undefined_reason"],
    }


def _reading(overall: pd.DataFrame) -> str:
    parts = []
    for row in overall.itertuples(index=False):
        shown = "undefined" if pd.isna(row.alpha) else f"{row.alpha:.2f}"
        parts.append(f"{shown} in {row.snapshot} (n = {counted(row.votes, 'vote')})")
    return f"Krippendorff's alpha of the overall verdict: {' and '.join(parts)}; bars are 95 % intervals."
