"""Parts of the work plan: what policies cost, how far the votes are, and what waits for nobody."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from app.domain import Campaign
from app.errors import SteelyardError
from app.services import planning, stopping, waiting
from app.services.planning import PlanRow, Running
from app.stats.planning import N_SIMULATED
from app.stats.results import Estimate
from app.stats.words import counted
from app.ui.components.charts import figure, lines
from app.ui.components.page import show_error
from app.ui.components.text import escape
from app.ui.session import get_person, get_store


def show_plan(campaign: Campaign, round_name: str, *, pay: float | None, accuracy: float | None) -> None:
    """What each policy costs against how right it is, drawn and in a table."""
    try:
        assumed, rows = planning.plan(
            get_store(), get_person().name, campaign.name, round_name=round_name, pay=pay, accuracy=accuracy
        )
    except SteelyardError as error:
        show_error(error)
        return
    table = _table(rows, has_price=pay is not None)
    chart = lines(table[["votes each", "accuracy", "policy"]], x="votes each", y="accuracy", colour="policy")
    now = next((one for one in rows if one.is_current), None)
    n = counted(assumed.n_comparisons, "comparison")
    reading = f"For {n}, from {N_SIMULATED:,} simulated; accuracy {assumed.source}. {_reading(rows, now)}"
    figure(_zoomed(chart), table, reading=reading, key="plan")
    notes = {one.result.note for one in rows if one.result.note}
    if notes:
        st.caption(escape("Posterior stopping: " + "; ".join(sorted(notes))))


def _zoomed(chart: alt.Chart) -> alt.Chart:
    """Both axes from the smallest to the largest value: the differences are what counts."""
    chart.encoding.x.scale = {"zero": False, "padding": 12}
    chart.encoding.y.scale = {"zero": False, "padding": 12}
    chart.encoding.y.axis = {"format": ".1%"}
    return chart


def _reading(rows: list[PlanRow], now: PlanRow | None) -> str:
    """What the round's own policy costs beside a fixed overlap, in a sentence."""
    if now is None:
        return "The round's own overlap needs more raters than are assumed."
    fixed = next(one for one in rows if (one.result.policy, one.result.overlap) == ("fixed", now.result.overlap))
    saved = 1 - now.n_votes / fixed.n_votes if fixed.n_votes else 0
    low, high = now.result.accuracy.low, now.result.accuracy.high
    return (
        f"The round collects {now.result.policy} at {now.result.overlap}: {counted(now.n_judgments, 'judgment')}, "
        f"labels right in {now.result.accuracy.value:.1%} [{low:.1%}, {high:.1%}], {saved:.0%} fewer votes than a "
        "fixed overlap."
    )


def _table(rows: list[PlanRow], *, has_price: bool) -> pd.DataFrame:
    table = [
        {
            "policy": one.result.policy,
            "overlap": one.result.overlap,
            "now": "yes" if one.is_current else "",
            "votes each": round(one.result.votes_per_comparison, 2),
            "accuracy": round(one.result.accuracy.value or 0.0, 4),
            "95 %": _interval(one.result.accuracy),
            "settled": f"{one.result.settled_share:.1%}",
            "judgments": one.n_judgments,
            **(
                {"cost": round(one.cost or 0.0, 2), "cost per label": round(one.cost_per_label or 0.0, 3)}
                if has_price
                else {}
            ),
        }
        for one in rows
    ]
    return pd.DataFrame(table)


def show_running(campaign: Campaign, one: Running) -> None:
    """What a round's votes cost so far, and what early stops are worth."""
    cells = st.columns(4)
    cells[0].metric("Settled", f"{one.n_settled:,} of {one.n_comparisons:,}", help="Comparisons with votes enough.")
    cells[1].metric("Contested", f"{one.n_contested:,}", help="The overlap is spent without a majority.")
    cells[2].metric("Judgments a day", f"{one.per_day:,.1f}", help="Mean of the last seven days.")
    per_label = one.cost_per_label if one.cost_per_label is not None else one.votes_per_label
    shown = "none yet" if per_label is None else f"{per_label:,.2f}"
    cells[3].metric("Cost per label" if one.cost is not None else "Votes per label", shown)
    st.dataframe(
        [
            {"measure": "Votes saved beside a fixed overlap, on settled comparisons", **_cells(one.saved)},
            {"measure": "Early stops that the full overlap confirmed (audited share)", **_cells(one.audited)},
            *_gold_rows(one),
        ],
        hide_index=True,
        width="stretch",
        key="running",
    )
    if one.model_note:
        st.caption(escape(one.model_note))
        if st.button("Fit the posterior on gold now", key="refit"):
            stopping.refit_for(get_store(), get_person(), campaign.name)
            st.rerun()


def _gold_rows(one: Running) -> list[dict[str, object]]:
    """Stated and realised accuracy of the posterior on gold that it had not seen."""
    if one.on_gold is None:
        return []
    said = {"posterior": one.on_gold["accuracy"], "majority": one.on_gold["majority"]}
    return [
        {
            "measure": f"Accuracy of {name} on held-out gold",
            "value": f"{found['value']:.1%}",
            "95 %": f"{found['low']:.1%} to {found['high']:.1%}",
            "n": found["n"],
        }
        for name, found in said.items()
    ]


def _cells(found: Estimate) -> dict[str, object]:
    value = "none yet" if found.value is None else f"{found.value:.1%}"
    return {"value": value, "95 %": _interval(found), "n": found.n}


def _interval(found: Estimate) -> str:
    return "" if found.low is None or found.high is None else f"{found.low:.1%} to {found.high:.1%}"


def show_waiting(campaign: Campaign) -> None:
    """Comparisons that no rater at work may judge; nothing where there are none."""
    stuck = waiting.report_waiting(get_store(), get_person().name, campaign.name)
    if not stuck:
        return
    st.subheader("Waiting for nobody", anchor=False)
    st.text("No rater at work may judge these: add raters who hold what is required, or change what is required.")
    st.dataframe(
        [
            {
                "round": one.round,
                "scope": one.scope or "whole rubric",
                "requires": one.requires,
                "comparisons": one.n_comparisons,
                "raters who hold it": one.n_eligible,
                "such as": ", ".join(one.examples),
            }
            for one in stuck
        ],
        hide_index=True,
        width="stretch",
        key="waiting",
    )
