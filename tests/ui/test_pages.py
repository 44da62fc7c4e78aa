"""Every page, for every role, with nothing in it and with something: it opens, or it is not there."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from app.domain import Role
from app.policy import may
from app.ui.navigation import PAGES, pages_for
from app.ui.session import sessions
from tests.ui.places import Place


def words(at: AppTest) -> str:
    """All that a page says."""
    return " ".join(str(getattr(element, "value", "")) for kind in SPEAKING for element in at.get(kind))


SPEAKING = ("header", "subheader", "markdown", "caption", "text", "html", "error", "warning", "info", "success")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", ["empty", "seeded"])
@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_page_opens_for_those_who_may_and_is_not_there_for_others(entry, kind, role, make_place, open_page):
    place: Place = make_place(kind)
    at = open_page(entry.url_path, login=place.log_in(role.value))
    assert not at.exception
    assert not at.error, [error.value for error in at.error]
    assert words(at).strip(), "a page always says something"
    is_allowed = entry.action is None or may({role}, entry.action)
    if entry.name == "home" or is_allowed:
        person = sessions.person_of(place.store, place.log_in(role.value))
        assert entry in pages_for(person)
    else:
        assert at.header[0].value.startswith("Hello"), "who may not open a page arrives at Home"


def test_nobody_logged_in_sees_only_the_way_to_the_log_in(seeded, open_page):
    at = open_page("", login=None)
    assert at.header[0].value == "You are logged out"
    assert "Sample" not in words(at)


def test_a_log_in_that_was_ended_is_over_at_the_next_run(seeded, open_page):
    login = seeded.log_in("researcher")
    at = open_page("", login=login)
    assert "Hello" in at.header[0].value
    sessions.end_logins(seeded.store, "researcher", actor="admin")
    at.run()
    assert at.header[0].value == "You are logged out"


@pytest.mark.parametrize("login", [0, 999_999])
def test_an_invented_log_in_is_nobody(seeded, open_page, login):
    assert open_page("", login=login).header[0].value == "You are logged out"


def test_home_of_a_designer_without_campaign_leads_to_the_studio(empty, open_page):
    assert "Until then write and test a rubric" in words(open_page("", login=empty.log_in("designer")))
    assert "Until then" not in words(open_page("", login=empty.log_in("rater")))


def test_home_of_a_researcher_without_campaign_offers_to_create_one(empty, open_page):
    at = open_page("", login=empty.log_in("researcher"))
    assert any("campaign" in subheader.value.lower() for subheader in at.subheader)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("not this one", "another long password", "The present password is not right."),
        ("correct horse battery", "short", "The password has 5 characters: use at least 10."),
    ],
)
def test_account_says_why_a_password_does_not_change(seeded, open_page, old, new, problem):
    at = open_page("account", login=seeded.log_in("rater"))
    for field, text in zip(at.text_input, (old, new, new), strict=True):
        field.set_value(text)
    at.button[-1].click().run()
    assert [error.value for error in at.error] == [problem]
    assert sessions.log_in(seeded.store, "rater", "correct horse battery")


def test_account_changes_the_password_and_ends_other_log_ins(seeded, open_page):
    login, other = seeded.log_in("rater"), seeded.log_in("rater")
    at = open_page("account", login=login)
    present, new, again = at.text_input
    present.set_value("correct horse battery")
    new.set_value("another long password")
    again.set_value("another long password")
    at.button[-1].click().run()
    assert at.success
    assert sessions.person_of(seeded.store, login) is not None
    assert sessions.person_of(seeded.store, other) is None
    assert sessions.log_in(seeded.store, "rater", "another long password")
