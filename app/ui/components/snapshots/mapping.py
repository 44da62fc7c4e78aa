"""Votes under several rubric versions: what the criteria of the older ones are in the newest."""

from __future__ import annotations

import streamlit as st

from app.domain import Campaign
from app.services.snapshot_mapping import LEFT_OUT
from app.services.snapshot_versions import MixedVersions
from app.stats.words import counted
from app.ui.components.text import escape


def show_mapping(campaign: Campaign, mixed: MixedVersions) -> tuple[dict[str, str | None], bool]:
    """Say which versions there are, and ask what becomes of each criterion that is another one now.

    Returns:
        Criterion of an older version -> criterion of the newest, empty to leave it out, None where nothing is chosen;
        and whether the versions are to be counted together.
    """
    target = mixed.target
    names = {LEFT_OUT: "leave its votes out", **{one.key: f"{one.name} ({one.key})" for one in target.criteria}}
    with st.container(border=True, key="mapping", gap="small"):
        st.markdown("**Criteria of older versions**")
        listed = "; ".join(
            f"{counted(share.n_judgments, 'judgment')} in round {share.round} under {share.version[:12]}"
            for share in mixed.shares
        )
        st.caption(
            escape(
                f"These votes were given under {len(mixed.rubrics)} rubric versions: {listed}. A snapshot holds one, "
                f"the newest, {target.version[:12]}. The card names what you say here."
            )
        )
        if mixed.same:
            st.caption(escape(f"They mean the same there and keep their name: {', '.join(mixed.same)}."))
        key = f"map-{campaign.name}-{target.version[:12]}"
        said = {
            one: st.selectbox(
                escape(f"{one} becomes"),
                list(names),
                index=None,
                format_func=names.__getitem__,
                placeholder="choose",
                key=f"{key}-{one}",
            )
            for one in mixed.to_name
        }
        is_wanted = st.checkbox("Count them together", key=f"{key}-together")
    return said, is_wanted
