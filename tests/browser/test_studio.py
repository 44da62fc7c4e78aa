"""A rubric's life in a real browser: begun from a template, mended, seen as raters see it, published, compared."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.services import rubric_drafts, rubric_versions, sessions
from tests.browser.conftest import Visitor
from tests.ui.places import Place

Visit = Callable[..., Visitor]
KEY = "data_to_text"
STUDIO = "/login?next=%2Fstudio"


def choose(page: Page, name: str) -> None:
    """A part of the page, by its name."""
    page.get_by_role("radio", name=name, exact=True).first.click()
    expect(page.get_by_role("radio", name=name, exact=True).first).to_have_attribute("aria-checked", "true")


def begin_from_library(page: Page, title: str) -> None:
    """A draft of a rubric of the library."""
    page.get_by_role("radiogroup", name="Rubric of the library").get_by_text(title, exact=True).click()
    page.get_by_role("button", name="Begin with this").click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()


def write_text(page: Page, change: Callable[[str], str]) -> None:
    """Change the text."""
    choose(page, "Text")
    editor = page.get_by_label("Rubric as YAML")
    expect(editor).to_have_value(re.compile("^# "))
    editor.fill(change(editor.input_value()))
    editor.blur()


def publish(page: Page) -> None:
    """Publish the draft; the page goes on to the version."""
    choose(page, "Publish")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("is published as version")).to_be_visible()


def test_from_a_template_to_version_two(visit: Visit, place: Place):
    page = visit().log_in("designer", STUDIO)
    begin_from_library(page, "Sentences from structured data")
    expect(page.get_by_text("No advice.")).to_be_visible()
    publish(page)
    expect(page.get_by_role("heading", name="Versions")).to_be_visible()

    page.get_by_role("button", name="Write a new version").click()
    expect(page.get_by_role("heading", name="Sentences from structured data")).to_be_visible()
    write_text(
        page,
        lambda text: text.replace("maximum: 6", "maximum: six", 1).replace(
            "precedence: quality", "precedence: quallity"
        ),
    )
    problems = page.locator(".sy-problems li")
    expect(problems).to_have_count(2)
    expect(problems.nth(0)).to_contain_text("criteria[0].maximum")
    expect(problems.nth(1)).to_contain_text("tensions[2].precedence")
    choose(page, "Publish")
    expect(page.get_by_text("Only a valid rubric can be published")).to_be_visible()
    choose(page, "Checks")

    # the first is mended in the form, the second in the text: they are the same draft
    choose(page, "Form")
    choose(page, "Criteria")
    highest = page.get_by_label("Highest (5)")
    highest.fill("6")
    highest.press("Enter")
    expect(problems).to_have_count(1)
    page.get_by_label("Name", exact=True).fill("What is conveyed")
    page.get_by_label("Question", exact=True).click()
    expect(page.get_by_role("combobox", name="Criterion")).to_have_value("1. What is conveyed")
    write_text(page, lambda text: text.replace("quallity", "quality"))
    expect(page.get_by_text("Valid: Sentences from structured data, 3 criteria")).to_be_visible()

    choose(page, "Rater's screen")
    screen = page.locator(".st-key-preview")
    expect(screen.get_by_text("Response A", exact=True)).to_be_visible()
    expect(screen.locator("summary").filter(has_text="What is conveyed").first).to_be_visible()
    screen.get_by_role("radio", name="B2", exact=True).click()
    expect(screen.locator(".sy-missing")).to_contain_text("Not answered yet")

    publish(page)
    newest, first = rubric_versions.list_versions(place.store)[KEY]
    assert newest.rubric.criteria[0].name == "What is conveyed"
    assert newest.yaml.startswith("# Sentences generated from structured data"), "comments are kept"
    assert first.rubric.criteria[0].maximum == newest.rubric.criteria[0].maximum == 6
    expect(page.get_by_text("1 difference in what raters see")).to_be_visible()
    change = page.locator(".sy-change")
    expect(change).to_contain_text("informativeness: name")
    expect(change).to_contain_text("wording")


def test_two_people_and_one_draft(visit: Visit, place: Place):
    person = sessions.person_named(place.store, "designer")
    assert person is not None
    draft = rubric_drafts.create_draft(place.store, person, "# ours\nkey: ours\ntitle: Ours\n")
    one, other = (visit(dark=dark).log_in(name, f"{STUDIO}%3Fdraft%3D{draft.id}") for name, dark in
                  (("designer", False), ("admin", True)))  # fmt: skip
    expect(other.get_by_label("Title")).to_have_value("Ours")
    one.get_by_label("Title").fill("From the first")
    one.get_by_label("Title").press("Enter")
    expect(one.get_by_role("heading", name="From the first")).to_be_visible()
    other.get_by_label("Title").fill("From the second")
    other.get_by_label("Title").press("Enter")
    expect(other.get_by_text("designer saved this draft while you wrote")).to_be_visible()
    assert rubric_drafts.read_draft(place.store, person, draft.id).title == "From the first"
    other.get_by_role("button", name="Take theirs").click()
    expect(other.get_by_label("Title")).to_have_value("From the first")


@pytest.mark.parametrize("part", ["Criteria", "Verdict"])
def test_the_studio_fits_a_phone_in_the_dark(visit: Visit, place: Place, part: str):
    page = visit(width=390, dark=True).log_in("designer", STUDIO)
    begin_from_library(page, "Safety and refusals")
    choose(page, part)
    choose(page, "Rater's screen")
    expect(page.locator(".st-key-preview").get_by_text("Response A", exact=True)).to_be_visible()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
