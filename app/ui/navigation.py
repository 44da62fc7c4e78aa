"""Which pages there are and who sees them.

To add a page: write `app/ui/pages/NAME.py` with a function `page()`, and add one line to `PAGES`. The line names the
action that the page is for; `app.policy` says which roles may do it, and a page that is not allowed to a person is
neither listed nor reachable. What the page does is checked again by the services it calls.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app.catalogue import CATALOGUE
from app.errors import SteelyardError
from app.policy import Action
from app.services.sessions import Person
from app.settings import settings
from app.ui.components.page import LOG_IN, show_error
from app.ui.components.style import apply_style
from app.ui.session import being, find_person
from app.ui.words import choose_language, say

FLAT_UP_TO = 7
"""So many pages stand side by side; more are grouped into menus."""


@dataclass(frozen=True)
class PageEntry:
    """One page.

    Attributes:
        name: the module in `app.ui.pages`, and (with dashes) the address.
        title: the word in the navigation.
        action: what one must be allowed to do somewhere to see it; None for everybody.
        section: the menu in which it stands when there are many; empty for the top level.
    """

    name: str
    title: str
    action: Action | None = None
    section: str = ""

    @property
    def url_path(self) -> str:
        """The address of the page."""
        return self.name.replace("_", "-")

    @property
    def function(self) -> Callable[[], None]:
        """The page's function."""
        return importlib.import_module(f"app.ui.pages.{self.name}").page

    @property
    def shown_title(self) -> str:
        """The title in the language of the person, for the pages that are translated."""
        key = f"page-{self.name}"
        return say(key) if key in CATALOGUE else self.title


PAGES = (
    PageEntry("home", "Home"),
    PageEntry("rate", "Rate", Action.JUDGE, section="Rating"),
    PageEntry("my_work", "My work", Action.JUDGE, section="Rating"),
    PageEntry("learn", "Learn", Action.JUDGE, section="Rating"),
    PageEntry("exam", "Exam", Action.JUDGE, section="Rating"),
    PageEntry("my_calibration", "My calibration", Action.JUDGE, section="Rating"),
    PageEntry("studio", "Studio", Action.PUBLISH_RUBRIC, section="Rubrics"),
    PageEntry("versions", "Versions", Action.PUBLISH_RUBRIC, section="Rubrics"),
    PageEntry("pilot", "Pilot report", Action.PUBLISH_RUBRIC, section="Rubrics"),
    PageEntry("bridge", "Bridge", Action.PUBLISH_RUBRIC, section="Rubrics"),
    PageEntry("tensions", "Tension map", Action.PUBLISH_RUBRIC, section="Rubrics"),
    PageEntry("inbox", "Inbox", Action.ADJUDICATE, section="Rubrics"),
    PageEntry("quality", "Quality", Action.SEE_QUALITY, section="Votes"),
    PageEntry("adjudicate", "Adjudicate", Action.ADJUDICATE, section="Votes"),
    PageEntry("review", "Review", Action.REVIEW, section="Votes"),
    PageEntry("audits", "Audits", Action.ADJUDICATE, section="Votes"),
    PageEntry("plan", "Work plan", Action.SEE_QUALITY, section="Votes"),
    PageEntry("raters", "Raters", Action.MANAGE_RATERS, section="Votes"),
    PageEntry("gold", "Gold", Action.MANAGE_RATERS, section="Votes"),
    PageEntry("campaigns", "Campaigns", Action.MANAGE_CAMPAIGN, section="Research"),
    PageEntry("snapshots", "Snapshots", Action.BUILD_SNAPSHOT, section="Research"),
    PageEntry("models", "Reward models", Action.TRAIN, section="Research"),
    PageEntry("people", "People", Action.MANAGE_PEOPLE, section="Admin"),
    PageEntry("jobs", "Jobs", Action.SEE_EVENTS, section="Admin"),
    PageEntry("events", "Events", Action.SEE_EVENTS, section="Admin"),
    PageEntry("account", "Account"),
)
"""Every page, in the order of the navigation."""


def import_pages() -> None:
    """Import every page, so that no visitor waits for it."""
    for entry in PAGES:
        assert callable(entry.function)


def pages_for(person: Person) -> list[PageEntry]:
    """The pages that a person may open."""
    return [entry for entry in PAGES if entry.action is None or person.may(entry.action)]


def run_page() -> None:
    """One run of the script: find the person, offer their pages, run the one that was asked for."""
    apply_style()
    person = find_person()
    if person is None:
        _ask_to_log_in()
        return
    choose_language(person.account.preferences)
    entries = pages_for(person)
    pages = {entry.name: _streamlit_page(entry, is_default=not place) for place, entry in enumerate(entries)}
    st.session_state["pages"] = pages
    if len(entries) <= FLAT_UP_TO:
        chosen = st.navigation(list(pages.values()), position="top")
    else:
        sections: dict[str, list[StreamlitPage]] = {}
        for entry in entries:
            sections.setdefault(entry.section, []).append(pages[entry.name])
        chosen = st.navigation(sections, position="top")
    try:
        with being(person):
            chosen.run()
    except SteelyardError as error:
        show_error(error)


def _streamlit_page(entry: PageEntry, *, is_default: bool) -> StreamlitPage:
    return st.Page(entry.function, title=entry.shown_title, url_path=entry.url_path, default=is_default)


def _ask_to_log_in() -> None:
    """What a tab shows when its log-in has ended, or when the identity provider knows somebody whom we do not."""
    st.navigation([st.Page(lambda: None, title="Steelyard", url_path="home", default=True)], position="hidden")
    if settings().oidc is not None and st.user.get("is_logged_in"):
        st.header("No account here")
        st.text(f"{st.user.get('email')} has no account. Ask an admin to add one with this name.")
        if st.button("Log out"):
            st.logout()
        return
    if settings().oidc is not None and "sso" in st.query_params:
        st.login()
        return
    st.header("You are logged out")
    st.text("Log in again to go on; drafts are kept.")
    st.html(LOG_IN)
