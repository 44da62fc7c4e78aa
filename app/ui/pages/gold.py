"""Gold: comparisons with a known answer, how raters do on them, and keys that strong raters contradict."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.domain import Campaign
from app.errors import SteelyardError
from app.policy import Action
from app.services import gold, quality
from app.services.gold import GoldItem
from app.ui.components.calibration.shares import key_words
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import campaign_header, empty_state, show_notice
from app.ui.components.rating.conversation import show_conversation, show_responses
from app.ui.components.text import escape
from app.ui.session import get_person, get_store

LEAD = (
    "Keys measure raters; strong raters measure keys. A key that they contradict is suspended, and nobody pays for it."
)
HERE = "key"


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    campaign = campaign_header("Gold", person, Action.MANAGE_RATERS, lead=LEAD)
    if campaign is None:
        return
    show_notice("gold-notice")
    items = gold.list_gold(get_store(), person.name, campaign.name)
    if not items:
        empty_state(
            "No gold yet",
            "Import comparisons with a gold key under Campaigns, or set keys with `steelyard gold import`.",
            to="campaigns",
            label="Campaigns",
        )
        return
    suspects = [one for one in items if _is_suspect(one)]
    with st.container(horizontal=True, gap="large", key="gold-counts"):
        st.metric("Keys", len(items))
        st.metric("Measuring", sum(one.suspended_at is None and not one.teaches for one in items))
        st.metric("For lessons", sum(one.teaches for one in items), help="In campaigns that calibrate their raters")
        st.metric("Suspended", sum(one.suspended_at is not None for one in items))
        st.metric("Suspect", len(suspects))
    if suspects:
        st.warning(f"Strong raters contradict {len(suspects)} key{'s' if len(suspects) > 1 else ''}.")
        st.button("Suspend them and score again", type="primary", on_click=_suspend_all, args=(campaign.name,))
    st.dataframe(_table(items), hide_index=True, width="stretch", column_config=_COLUMNS, key="gold-table")
    names = [one.comparison_id for one in items]
    if st.session_state.get("gold-choice") not in names:
        st.session_state["gold-choice"] = names[0]
    chosen = st.selectbox("Comparison", names, key="gold-choice", width=360)
    _show_item(campaign, next(one for one in items if one.comparison_id == chosen))


def _is_suspect(one: GoldItem) -> bool:
    return one.check is not None and one.check.is_suspect and one.suspended_at is None


def _table(items: list[GoldItem]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "comparison": one.comparison_id,
                "key": key_words(one.key),
                "state": _state(one),
                "right": one.accuracy.value,
                "answers": one.accuracy.n,
                "seen by": one.n_exposed,
                "strong raters against": one.check.n_strong_wrong if one.check else 0,
                "of strong raters": one.check.n_strong if one.check else 0,
                "tells apart": one.check.discrimination if one.check else None,
            }
            for one in items
        ]
    )


_COLUMNS = {
    "right": st.column_config.NumberColumn(format="percent"),
    "tells apart": st.column_config.NumberColumn(
        format="%.2f", help="Correlation with being right elsewhere; below 0 the strong are wrong and the weak right"
    ),
}


def _state(one: GoldItem) -> str:
    if one.suspended_at is not None:
        return "suspended"
    return "suspect" if _is_suspect(one) else "for lessons" if one.teaches else "measures"


def _show_item(campaign: Campaign, one: GoldItem) -> None:
    case = quality.open_case(get_store(), get_person().name, campaign.name, one.comparison_id)
    show_conversation(case.comparison.prompt)
    show_responses(tuple(part.text for part in case.comparison.completions), key=f"gold-{one.comparison_id}")
    st.markdown(f"**The key:** {escape(key_words(one.key))}")
    if one.key.explanation:
        st.text(one.key.explanation)
    if one.suspended_at is not None:
        reason = (one.suspended_for or {}).get("reason", "a text was withdrawn")
        st.warning(escape(f"Suspended: {reason}."))
        st.button("The key is right: keep it", key="keep", on_click=_keep, args=(campaign.name, one.comparison_id))
        return
    st.text_input("What is wrong with the key?", key="gold-why", width=520)
    st.button("Suspend this key", key="suspend", on_click=_suspend, args=(campaign.name, one.comparison_id))


def _suspend_all(campaign_name: str) -> None:
    try:
        found, passed = gold.check_gold(get_store(), get_person().name, campaign_name, suspends=True)
    except SteelyardError as error:
        st.session_state["gold-notice"] = error
        return
    st.session_state["gold-notice"] = _told(found, passed)


def _suspend(campaign_name: str, comparison_id: str) -> None:
    reason = st.session_state["gold-why"]
    try:
        passed = gold.suspend_key(get_store(), get_person().name, campaign_name, comparison_id, reason=reason)
    except SteelyardError as error:
        st.session_state["gold-notice"] = error
        return
    st.session_state["gold-notice"] = _told([comparison_id], passed)


def _keep(campaign_name: str, comparison_id: str) -> None:
    try:
        gold.keep_key(get_store(), get_person().name, campaign_name, comparison_id)
    except SteelyardError as error:
        st.session_state["gold-notice"] = error


def _told(suspended: list[str], passed: list[str]) -> str:
    after = f" {', '.join(passed)} passed the exam now." if passed else ""
    return f"Suspended: {', '.join(suspended)}. Everybody is scored without.{after}"
