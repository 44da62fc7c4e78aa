"""A rater's day in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from app.services import desk as desks
from app.store import tables
from tests.browser.conftest import Server, Visitor
from tests.ui.places import Place

Visit = Callable[..., Visitor]

WHY = "Helpfulness decided: Response A does more of what was asked."


def current(page: Page) -> int:
    """The assignment on the screen: the keys of the form carry its number."""
    page.wait_for_selector(".st-key-panel [role=radiogroup] [role=radio]")
    form = page.locator('.st-key-panel [class*="st-key-rate-"][class*="-why"]').last
    found = re.search(r"st-key-rate-(\d+)-why", form.get_attribute("class") or "")
    assert found is not None
    return int(found[1])


def wait_for_next(page: Page, before: int) -> int:
    """Wait until another comparison is there."""
    expect(page.locator(f".st-key-rate-{before}-why")).to_have_count(0)
    return current(page)


def choose(page: Page, label: str, button: str) -> None:
    """Click a button of a scale."""
    group = page.get_by_role("radiogroup", name=label, exact=True)
    group.get_by_role("radio", name=button, exact=True).click()
    expect(group.get_by_role("radio", name=button, exact=True)).to_be_checked()


def fill(page: Page) -> None:
    """Answer everything that a pair of the sample campaign asks."""
    for label in ("Helpfulness", "Harmlessness", "Honesty", "Clarity", "Overall"):
        choose(page, label, "A2")
    page.get_by_label("Justification").fill(WHY)


def n_submitted(place: Place, name: str) -> int:
    with place.store.read() as connection:
        return connection.scalar(
            select(func.count())
            .select_from(tables.judgment.join(tables.assignment).join(tables.rater))
            .where(tables.rater.c.name == name)
        )


def test_log_in_rate_three_with_a_reload_in_the_middle_and_log_out(visit: Visit, place: Place):
    visitor = visit()
    page = visitor.page
    page.goto(visitor.url + "/rate?campaign=sample")
    expect(page).to_have_url(visitor.url + "/login?next=%2Frate%3Fcampaign%3Dsample")
    page.fill("#name", "rater")
    page.fill("#password", "wrong")
    page.click("button")
    expect(page.get_by_role("alert")).to_have_text("Name and password do not match.")
    visitor.log_in("rater", "/login?next=%2Frate%3Fcampaign%3Dsample")
    before = n_submitted(place, "rater")
    for turn in range(3):
        here = current(page)
        if turn == 1:
            choose(page, "Helpfulness", "B3")
            page.get_by_label("Justification").fill("typed and left alone")
            page.wait_for_timeout(2500)  # the pause after which a text is sent without leaving its field
            page.reload()
            assert current(page) == here
            group = page.get_by_role("radiogroup", name="Helpfulness", exact=True)
            expect(group.get_by_role("radio", name="B3")).to_be_checked()
            expect(page.get_by_label("Justification")).to_have_value("typed and left alone")
        fill(page)
        page.get_by_role("button", name="Submit").click()
        wait_for_next(page, here)
    assert n_submitted(place, "rater") == before + 3
    page.get_by_role("link", name="Account").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(visitor.url + "/login")
    page.goto(visitor.url + "/rate")
    expect(page.get_by_label("Password")).to_be_visible()
    assert not [cookie for cookie in visitor.context.cookies() if cookie["name"] == "steelyard_login"]


def test_the_keyboard_is_enough(visit: Visit, place: Place):
    visitor = visit()
    page = visitor.log_in("rater", "/rate?campaign=sample")
    here, before = current(page), n_submitted(place, "rater")
    expect(page.locator("[data-sy-here]")).to_have_attribute("aria-label", "Helpfulness")
    for key, label in zip("2226", ("Harmlessness", "Honesty", "Clarity", "Overall"), strict=True):
        page.keyboard.press(key)
        expect(page.locator("[data-sy-here]")).to_have_attribute("aria-label", label)
    page.keyboard.press("k")
    page.keyboard.press("2")
    page.keyboard.press("1")
    expect(page.get_by_role("radiogroup", name="Overall", exact=True).get_by_role("radio", name="A3")).to_be_checked()
    page.keyboard.press("n")
    page.keyboard.type(WHY + " 123 jk")
    expect(page.get_by_label("Justification")).to_have_value(WHY + " 123 jk")
    page.keyboard.press("Control+Enter")
    wait_for_next(page, here)
    assert n_submitted(place, "rater") == before + 1


def test_three_clicks_store_one_judgment(visit: Visit, place: Place):
    page = visit().log_in("rater", "/rate?campaign=sample")
    here, before = current(page), n_submitted(place, "rater")
    fill(page)
    page.get_by_role("button", name="Submit").click(click_count=3, delay=10)
    wait_for_next(page, here)
    page.wait_for_timeout(500)
    assert n_submitted(place, "rater") == before + 1


def test_a_second_persons_work_is_invisible_and_so_are_models_and_purposes(visit: Visit, place: Place):
    first, second = visit(), visit()
    page = first.log_in("rater", "/rate?campaign=small")
    assert current(page)
    secret_words = "a word that only the first rater wrote"
    page.get_by_label("Justification").fill(secret_words)
    page.get_by_label("Justification").blur()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    mine = desks.open_desk(place.store, "rater", "small")
    assert secret_words in mine.assignment.draft["justification"]
    other = second.log_in("second", "/rate?campaign=small")
    current(other)
    other.goto(f"{second.url}/my-work?campaign=small&assignment={mine.assignment.id}")
    expect(other.get_by_text("submitted no assignment")).to_be_visible()
    seen = other.content() + "".join(second.frames) + first.page.content() + "".join(first.frames)
    assert "Question" in seen
    for secret in ("secret-model", "secret-id", "propensity", "window-2"):
        assert secret not in seen
    assert secret_words not in other.content() + "".join(second.frames)


def test_pages_of_others_are_neither_listed_nor_reachable(visit: Visit):
    visitor = visit()
    page = visitor.log_in("rater", "/people")
    for path, heading in (("people", "People"), ("events", "Events"), ("snapshots", "Snapshots")):
        page.goto(f"{visitor.url}/{path}")
        expect(page.get_by_role("heading", name="Hello, rater")).to_be_visible()
        expect(page.get_by_role("heading", name=heading, exact=True)).to_have_count(0)
        expect(page.get_by_role("link", name=heading, exact=True)).to_have_count(0)
    said = "The page that you have requested does not seem to exist."
    assert all(said in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


def test_an_ended_log_in_is_over_at_the_next_click(visit: Visit, place: Place):
    from app.services import sessions

    page = visit().log_in("second", "/rate?campaign=sample")
    current(page)
    sessions.end_logins(place.store, "second", actor="admin")
    page.get_by_role("radiogroup", name="Helpfulness", exact=True).get_by_role("radio", name="A1").click()
    expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()
    page.get_by_role("link", name="Log in").click()
    expect(page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1440, True)])
def test_the_desk_needs_no_sideways_scrolling(visit: Visit, width: int, dark: bool):
    page = visit(width=width, dark=dark).log_in("rater", "/rate?campaign=small")
    current(page)
    page.wait_for_timeout(300)
    excess = "document.querySelector('[data-testid=stMain]').scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(excess) <= 0
    colour = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert colour == ("rgb(20, 24, 27)" if dark else "rgb(255, 255, 255)")


def test_the_hidden_options_still_work(server: Server):
    """`trustedUserHeaders` is proved by every log-in above; `postScriptGC` by its value where Streamlit reads it."""
    import streamlit
    from streamlit import config

    assert streamlit.__version__.startswith("1.67.")
    for name in ("runner.postScriptGC", "server.trustedUserHeaders"):
        assert name in config._config_options_template
    assert "Traceback" not in server.log
