"""How collecting goes: figures, judgments day by day, and when all will be there."""

from __future__ import annotations

from datetime import date

import altair as alt
import pandas as pd
import streamlit as st

from app.services.campaigns import CampaignOverview
from app.services.progress import CollectionProgress, collection_progress
from app.ui.components.charts import HEIGHT, figure
from app.ui.components.page import empty_state
from app.ui.components.text import escape
from app.ui.session import get_person, get_store


def show_progress(overview: CampaignOverview) -> None:
    """Figures, forecast, and two pictures."""
    progress = collection_progress(get_store(), get_person(), overview.campaign.name)
    _show_figures(overview, progress)
    if overview.n_comparisons == 0:
        empty_state("No comparisons yet", "Import a file of prompts and responses under Import.")
        return
    st.markdown(escape(forecast_sentence(overview, progress)))
    if progress.daily.empty:
        what_next = "Add raters under Members; they find their work under Rate."
        if progress.n_undated:
            what_next = (
                "The judgments that are here came from files without times, so there is no line of time to draw."
            )
        empty_state("No dated judgments yet", what_next)
        return
    _show_pictures(progress)


def _show_figures(overview: CampaignOverview, progress: CollectionProgress) -> None:
    figures = {
        "Comparisons": overview.n_comparisons,
        "of them gold": overview.n_gold,
        "Judgments": sum(row.n_judgments for row in overview.rounds),
        "Votes still wanted": progress.n_wanted,
        "Raters": overview.n_raters,
    }
    with st.container(horizontal=True, key="campaign-figures"):
        for name, value in figures.items():
            st.metric(name, f"{value:,}", width=150)


def forecast_sentence(overview: CampaignOverview, progress: CollectionProgress) -> str:
    """When collecting will be complete, or why that cannot be told."""
    forecast = progress.forecast
    if overview.campaign.state != "open":
        return "The campaign is closed: nobody gets work from it. Reopen it under Settings to go on."
    if progress.n_wanted == 0:
        return "Every comparison of the open rounds has the votes it needs."
    votes = f"{progress.n_wanted:,} votes are still wanted"
    on, low, high = progress.complete_on
    if on is None or low is None:
        return f"{votes}; when they will be there cannot be told: {forecast.days.undefined_reason}."
    until = f"to {_day(high)}" if high is not None else "with no end in sight on the late side"
    pace = f"{forecast.per_day.value:,.1f} votes a day over the last {forecast.per_day.n} full days"
    return f"{votes}. At the recent pace, {pace}, they are there on {_day(on)} (95 % interval: {_day(low)} {until})."


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _show_pictures(progress: CollectionProgress) -> None:
    daily = progress.daily.assign(day=pd.to_datetime(progress.daily["day"]))
    table = daily.rename(columns={"n_judgments": "judgments"})
    total = _cumulative(daily)
    left, right = st.columns(2)
    with left:
        figure(
            _bars(table),
            table.assign(day=table["day"].dt.date),
            reading=_daily_reading(daily, progress.n_undated),
            key="judgments-per-day",
        )
    with right:
        sums = total.groupby("kind")["judgments in all"].max()
        figure(
            _areas(total),
            total.assign(day=total["day"].dt.date),
            reading=f"Added up by kind of rater: {', '.join(f'{int(n):,} {kind}' for kind, n in sums.items())}.",
            key="judgments-cumulative",
        )


def _daily_reading(daily: pd.DataFrame, n_undated: int) -> str:
    by_day = daily.groupby("day")["n_judgments"].sum()
    days = "day" if len(by_day) == 1 else "days"
    undated = f" {n_undated:,} without a time are not drawn." if n_undated else ""
    return (
        f"{by_day.sum():,} judgments on {len(by_day):,} {days}, {by_day.max():,} on the busiest; the last on "
        f"{_day(by_day.index.max())} (UTC).{undated}"
    )


def _cumulative(daily: pd.DataFrame) -> pd.DataFrame:
    wide = daily.pivot_table(index="day", columns="kind", values="n_judgments", aggfunc="sum", fill_value=0)
    wide = wide.reindex(pd.date_range(wide.index.min(), wide.index.max()), fill_value=0).cumsum()
    wide.index.name = "day"
    return wide.reset_index().melt(id_vars="day", var_name="kind", value_name="judgments in all")


def _day_axis(table: pd.DataFrame) -> alt.Axis:
    """A label a day, fewer where the days are many."""
    n_days = (table["day"].max() - table["day"].min()).days + 1
    step = {"interval": "day", "step": -(-n_days // 8)}
    return alt.Axis(format="%d %b", tickCount=step, labelOverlap=True)


def _bars(table: pd.DataFrame) -> alt.Chart:
    return (
        alt.Chart(table)
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("yearmonthdate(day):T", title=None, axis=_day_axis(table)),
            y=alt.Y("judgments:Q", title="judgments a day"),
            color=alt.Color("kind:N", legend=alt.Legend(orient="top", title=None)),
            tooltip=[alt.Tooltip("day:T", format="%d %B %Y"), "kind", "judgments"],
        )
        .properties(height=HEIGHT)
    )


def _areas(table: pd.DataFrame) -> alt.Chart:
    return (
        alt.Chart(table)
        .mark_area(opacity=0.75, line=True)
        .encode(
            x=alt.X("day:T", title=None, axis=_day_axis(table)),
            y=alt.Y("judgments in all:Q", stack=True),
            color=alt.Color("kind:N", legend=alt.Legend(orient="top", title=None)),
            tooltip=[alt.Tooltip("day:T", format="%d %B %Y"), "kind", "judgments in all"],
        )
        .properties(height=HEIGHT)
    )
