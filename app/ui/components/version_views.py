"""A published version to read, and what two of them differ in."""

from __future__ import annotations

import html

import streamlit as st

from app.services import inbox
from app.services.rubric_versions import Version
from app.ui.components.inbox import show_decision
from app.ui.components.rubric_view import show_changes, show_rubric
from app.ui.components.time import show_time
from app.ui.session import get_person, get_store
from rubrics.difference import changes


def show_version(versions: list[Version]) -> None:
    """One of the versions as a paper, with the decisions that it answers, and as a file.

    Args:
        versions: of one rubric, the newest first.
    """
    version = versions[0] if len(versions) == 1 else _choose_version("Version", versions, 0, key="read")
    show_rubric(version.rubric, _facts(version))
    _show_answered(version)
    st.download_button(
        "Download as YAML",
        version.yaml,
        file_name=f"{version.rubric.key}-{version.version[:12]}.yaml",
        mime="application/yaml",
        on_click="ignore",
    )


def _show_answered(version: Version) -> None:
    """The decisions of the inbox that this version answers, of campaigns in which the reader may decide."""
    decisions = inbox.decisions_of_version(get_store(), get_person(), version.version)
    if decisions:
        with st.expander(f"Answers {len(decisions)} of the inbox"):
            for one in decisions:
                show_decision(one)


def _facts(version: Version) -> list[str]:
    facts = [f"published {show_time(version.published_at)}"]
    if version.uses:
        facts.append("judged by in " + ", ".join(f"{use.campaign}/{use.round}" for use in version.uses))
    else:
        facts.append("not used in any round yet")
    return facts


def show_history(versions: list[Version]) -> None:
    """Every version, and what raters see differently in two of them."""
    for version in versions:
        st.html(
            f'<p class="sy-facts"><code>{version.version[:12]}</code> {html.escape(" · ".join(_facts(version)))}</p>'
        )
    if len(versions) == 1:
        st.text("There is one version. Publish another one to see what differs.")
        return
    left, right = st.columns(2)
    with left:
        before = _choose_version("From", versions, 1, key="before")
    with right:
        after = _choose_version("To", versions, 0, key="after")
    found = changes(before.rubric, after.rubric)
    if not found:
        st.text("Nothing differs: this is the same version." if before is after else "Raters see the same.")
        return
    n_meaning = sum(change.effect == "meaning" for change in found)
    said = f"{len(found)} {'difference' if len(found) == 1 else 'differences'} in what raters see"
    st.markdown(f"**{said}**, {n_meaning} of meaning and {len(found) - n_meaning} of wording")
    if n_meaning:
        st.caption(
            "Votes under the two are kept apart: a snapshot of both is refused unless a mapping of criteria is named."
        )
    show_changes(found)


def _choose_version(label: str, versions: list[Version], index: int, *, key: str) -> Version:
    return st.selectbox(
        label,
        versions,
        index=index,
        format_func=lambda version: f"{version.version[:12]}, {show_time(version.published_at)}",
        key=f"version-{key}-{versions[0].rubric.key}",
    )
