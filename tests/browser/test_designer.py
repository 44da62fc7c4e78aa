"""A designer's day in a real browser: settle a disagreement, read the map on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from app.services import adjudicating
from tests.browser.conftest import Server, Visitor
from tests.ui.designing import NAME, bring_torn
from tests.ui.places import Place

Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def torn(server: Server, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The served place with a campaign of two people who weigh differently."""
    bring_torn(place.store, tmp_path_factory.mktemp("torn"))
    return place


def test_adjudicate_a_comparison(visit: Visit, torn: Place):
    visitor = visit()
    page = visitor.log_in("designer", f"/login?next=%2Fadjudicate%3Fcampaign%3D{NAME}%26comparison%3Dpair-00")
    expect(page.get_by_text("4 contested, 4 undecided")).to_be_visible()
    expect(page.get_by_role("button", name="Show the votes")).to_be_disabled()
    assert not any("ann" in frame and "decided." in frame for frame in visitor.frames), "the votes are not sent yet"
    chosen = page.get_by_role("radio", name="B2", exact=True)
    chosen.click()
    page.get_by_role("button", name="Show the votes").click()
    expect(chosen.locator("p")).to_have_css("color", "rgb(255, 255, 255)")  # on the colour of its response
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


def test_pictures_are_drawn_on_a_phone_in_the_dark(visit: Visit, torn: Place):
    """Charts appear, nothing is wider than the screen, nothing is complained of or fetched from elsewhere."""
    page = visit(width=390, dark=True).log_in("designer", f"/login?next=%2Ftensions%3Fcampaign%3D{NAME}")
    expect(page.get_by_text("Inversion:")).to_be_visible()
    expect(page.locator('[data-testid="stVegaLiteChart"] svg').first).to_be_visible()
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 390
