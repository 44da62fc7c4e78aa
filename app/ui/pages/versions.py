"""Versions: the published rubrics and the library, to read; what versions differ in; rounds with one."""

from __future__ import annotations

import streamlit as st

from app.errors import SteelyardError
from app.services import rubric_drafts, rubric_versions
from app.services.rubric_versions import Version
from app.ui.components.designer_style import apply_designer_style
from app.ui.components.page import empty_state, page_header, show_error, show_notice
from app.ui.components.rubric_view import show_rubric
from app.ui.components.start_round import show_round_form
from app.ui.components.studio.writing import go_to_draft
from app.ui.components.text import escape
from app.ui.components.version_views import show_history, show_version
from app.ui.components.versions import NOTICE
from app.ui.session import get_person, get_store
from rubrics.loader import library, load_library

READ, HISTORY, ROUND = "Read", "History", "Start a round"
LIBRARY = "library:"


def page() -> None:
    """The page."""
    person = get_person()
    apply_designer_style()
    page_header("Versions", "What raters judge by. A published version never changes; a change is a new version.")
    _go_to_studio()
    published = rubric_versions.list_versions(get_store())
    show_notice(NOTICE)
    with st.container(key="designer"):
        shelf, desk = st.columns([1, 3], gap="large")
        with shelf:
            chosen = _choose(published)
        with desk:
            versions = published.get(chosen, [])
            left, right = st.columns([3, 2], vertical_alignment="center")
            with left:
                view = _choose_view(versions)
            with right, st.container(horizontal=True, horizontal_alignment="right"):
                text = _start_text(chosen, versions)
                st.button(
                    "Write a new version" if versions else "Begin a draft",
                    key="to-studio",
                    on_click=_draft,
                    args=(text,),
                )
            if view == ROUND and versions:
                show_round_form(person, versions)
            elif view == HISTORY and versions:
                show_history(versions)
            else:
                _show_reading(chosen, versions)


def _choose_view(versions: list[Version]) -> str:
    """What to do with the rubric; one of the library can only be read."""
    views = [READ, HISTORY, ROUND] if versions else [READ]
    if st.session_state.get("rubric-view") not in views:
        st.session_state["rubric-view"] = READ
    return st.segmented_control(
        "View", views, key="rubric-view", required=True, label_visibility="collapsed", wrap=True
    )


def _choose(published: dict[str, list[Version]]) -> str:
    """The rubric that the person looks at: the key of a published one, or `library:KEY`."""
    wanted = st.session_state.get("rubric-choice") or st.query_params.get("rubric") or ""
    with_library = not published or st.toggle(
        "Those of the library too", wanted.startswith(LIBRARY), key="with-library"
    )
    options = [*published, *(f"{LIBRARY}{key}" for key in library() if with_library)]
    st.session_state["rubric-choice"] = wanted if wanted in options else options[0]
    chosen = st.radio(
        "Rubrics",
        options,
        format_func=lambda option: escape(_title(option, published)),
        captions=[escape(_caption(option, published)) for option in options],
        key="rubric-choice",
    )
    st.query_params["rubric"] = chosen
    if not published:
        empty_state(
            "No rubric is published yet",
            "Read one of the library, then begin a draft with it: publish it as it is, or change it first.",
        )
    return chosen


def _title(option: str, published: dict[str, list[Version]]) -> str:
    if option.startswith(LIBRARY):
        return f"{load_library(option.removeprefix(LIBRARY)).title} (library)"
    return published[option][0].rubric.title


def _caption(option: str, published: dict[str, list[Version]]) -> str:
    if option.startswith(LIBRARY):
        return f"{option.removeprefix(LIBRARY)} · comes with Steelyard"
    versions = published[option]
    rounds = [use for version in versions for use in version.uses if use.is_open]
    n = len(versions)
    counted = "1 version" if n == 1 else f"{n} versions"
    where = f"used in {len(rounds)} open round{'s' if len(rounds) != 1 else ''}" if rounds else "not in use"
    return f"{option} · {counted} · {where}"


def _start_text(chosen: str, versions: list[Version]) -> str:
    """What a draft begins with: the newest version, or the library's document."""
    return versions[0].yaml if versions else library()[chosen.removeprefix(LIBRARY)].read_text(encoding="utf-8")


def _show_reading(chosen: str, versions: list[Version]) -> None:
    if not versions:
        show_rubric(
            load_library(chosen.removeprefix(LIBRARY)),
            ["comes with Steelyard; begin a draft and publish it to judge by it"],
        )
        return
    show_version(versions)


def _draft(text: str) -> None:
    """A draft with this text, opened in the Studio."""
    try:
        draft = rubric_drafts.create_draft(get_store(), get_person(), text)
    except SteelyardError as error:
        st.session_state["versions-problem"] = error
    else:
        st.session_state["to-studio-draft"] = draft


def _go_to_studio() -> None:
    """Go where a draft was just begun."""
    draft = st.session_state.pop("to-studio-draft", None)
    if draft is not None:
        go_to_draft(draft)
    problem = st.session_state.pop("versions-problem", None)
    if problem is not None:
        show_error(problem)
