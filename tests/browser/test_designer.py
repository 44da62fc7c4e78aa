"""A designer's day in a real browser: settle a disagreement, publish a rubric after an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.services import adjudicating, rubric_versions
from tests.browser.conftest import Server, Visitor
from tests.ui.designing import NAME, bring_torn
from tests.ui.places import Place

Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def torn(server: Server, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The served place with a campaign of two people who weigh differently."""
    bring_torn(place.store, tmp_path_factory.mktemp("torn"))
    return place


def open_view(page: Page, name: str) -> None:
    """Choose what to do with the rubric."""
    page.get_by_role("radio", name=name, exact=True).click()


def test_adjudicate_a_comparison(visit: Visit, torn: Place):
    visitor = visit()
    page = visitor.log_in("designer", f"/login?next=%2Fadjudicate%3Fcampaign%3D{NAME}%26comparison%3Dpair-00")
    expect(page.get_by_text("4 contested, 4 undecided")).to_be_visible()
    expect(page.get_by_role("button", name="Show the votes")).to_be_disabled()
    assert not any("ann" in frame and "decided." in frame for frame in visitor.frames), "the votes are not sent yet"
    page.get_by_role("radio", name="B2", exact=True).click()
    page.get_by_role("button", name="Show the votes").click()
    table = page.locator(".sy-votes")
    expect(table).to_contain_text("ann")
    expect(table).to_contain_text("human")
    expect(page.locator(".sy-voice").first).to_contain_text("<script>alert(1)</script>")
    page.get_by_text("Some votes are wrong").click()
    reason = page.get_by_label("Reason")
    reason.fill("b answers the question")
    reason.press("Control+Enter")
    expect(page.get_by_text("Decided: pair-00 is B2.")).to_be_visible()
    expect(page.get_by_text("4 contested, 3 undecided")).to_be_visible()
    expect(page).to_have_url(re.compile("comparison=(?!pair-00)"))
    (decision,) = adjudicating.open_case(torn.store, NAME, "pair-00").decisions
    assert (decision.answer.preferred, decision.answer.strength, decision.by) == ("b", 2, "designer")


def test_publish_a_rubric_with_an_error_first(visit: Visit, torn: Place, tmp_path: Path):
    page = visit().log_in("designer", "/login?next=%2Frubrics%3Frubric%3Dlibrary%3Aminimal")
    expect(page.get_by_role("heading", name="Overall preference")).to_be_visible()
    open_view(page, "Publish")
    editor = page.get_by_label("Rubric as YAML")
    expect(editor).to_have_value(re.compile("key: minimal"))
    wrong = "key: from_the_browser\ntitle: From the browser\noverall: {points: 6}\n"
    editor.click()
    editor.fill(wrong)  # nothing else is pressed: a pause sends it
    problems = page.locator(".sy-problems")
    expect(problems).to_contain_text("Line 3, overall.points")
    expect(problems).to_contain_text("write an odd number, or allow_tie: false")
    expect(page.get_by_role("button", name="Publish", exact=True)).to_have_count(0)
    file = tmp_path / "right.yaml"
    file.write_text(wrong.replace("6", "5"), encoding="utf-8")
    page.get_by_text("Start from another document, or a file").click()
    page.locator('input[type="file"]').set_input_files(file)
    expect(editor).to_have_value(re.compile("points: 5"))
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("From the browser is published as version")).to_be_visible()
    expect(page.get_by_role("heading", name="From the browser")).to_be_visible()
    (version,) = rubric_versions.list_versions(torn.store)["from_the_browser"]
    assert version.rubric.overall.points == 5


def test_pictures_are_drawn_on_a_phone_in_the_dark(visit: Visit, torn: Place):
    """Charts appear, nothing is wider than the screen, nothing is complained of or fetched from elsewhere."""
    page = visit(width=390, dark=True).log_in("designer", f"/login?next=%2Ftensions%3Fcampaign%3D{NAME}")
    expect(page.get_by_text("Inversion:")).to_be_visible()
    expect(page.locator('[data-testid="stVegaLiteChart"] svg').first).to_be_visible()
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 390
