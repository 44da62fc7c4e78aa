"""Repair from data in a real browser: from a cell of the map to its votes, a rule as a draft, what if, a decision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.domain import Cause, RaterKind, Role
from app.policy import Action
from app.services import adjudicating, inbox, rubric_drafts
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from rubrics.answers import Answer
from rubrics.loader import load_library
from tests.browser.conftest import Server, Visitor
from tests.stats.build import DATA
from tests.ui.designing import bring_torn
from tests.ui.places import Place
from tests.ui.speaking import person

Visit = Callable[..., Visitor]
NLG = "nlg"


@pytest.fixture(scope="module")
def sentences(server: Server, place: Place) -> Place:
    """Public ratings of sentences on three criteria, under the library's rubric for them."""
    file = DATA / "nlg_criteria.jsonl"
    if not file.exists():
        pytest.skip(f"{file} is absent; set STEELYARD_TEST_DATA to the folder of real data")
    create_campaign(place.store, NLG, rubric=load_library("data_to_text"), counted_kinds=[RaterKind.HUMAN])
    import_file(place.store, NLG, file, format_name="native")
    add_member(place.store, NLG, "designer", roles=[Role.DESIGNER])
    return place


def open_map(page: Page, part: str) -> None:
    page.get_by_role("tab", name=part, exact=True).click()


def test_a_designer_reads_the_map_of_public_ratings_and_repairs_the_rubric(visit: Visit, sentences: Place):
    page = visit().log_in("designer", f"/login?next=%2Ftensions%3Fcampaign%3D{NLG}")
    for conflicts in ("126 of 592", "119 of 725", "116 of 597"):
        expect(page.locator(".st-key-figure-tension-map svg").get_by_text(conflicts)).to_be_visible()
    page.locator(".st-key-figure-tension-map svg").get_by_text("116 of 597").click()
    expect(page.locator(".sy-votes")).to_contain_text("Naturalness")
    expect(page.locator(".sy-voice")).to_contain_text("median_of_3")
    open_map(page, "Rules")
    expect(page.get_by_text("They pull apart in 19 %")).to_be_visible()
    before = len(rubric_drafts.list_drafts(sentences.store, person(sentences, "designer")))
    page.get_by_role("button", name="Open as a draft").first.click()
    expect(page.get_by_text("has the rule")).to_be_visible()
    assert len(rubric_drafts.list_drafts(sentences.store, person(sentences, "designer"))) == before + 1
    open_map(page, "What if")
    expect(page.get_by_text("This is what the rubric says now.")).to_be_visible()
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    expect(page.get_by_text("labels of 1,095 would flip")).to_be_visible()


def test_a_value_conflict_ends_in_a_decision(visit: Visit, place: Place, tmp_path: Path):
    if "torn" not in {one.name for one in person(place, "admin").campaigns_for(Action.ADJUDICATE)}:
        bring_torn(place.store, tmp_path)
    adjudicating.decide(
        place.store,
        "designer",
        "torn",
        "pair-02",
        answer=Answer(preferred="a"),
        cause=Cause.VALUE_CONFLICT,
        reason="Help *or* clarity?",
    )
    page = visit(width=390, dark=True).log_in("designer", "/login?next=%2Finbox%3Fcampaign%3Dtorn")
    expect(page.get_by_text("Help or clarity?")).to_be_visible()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    page.locator('[data-testid="stSelectbox"]', has_text="Decision").locator("input").click()
    page.get_by_role("option", name="Change the rubric").click()
    page.get_by_label("Reason").fill("The rule will say when.")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("Decided: change the rubric.")).to_be_visible()
    (made, *_) = inbox.decisions_in(place.store, "torn")
    assert (made.comparison_id, made.outcome) == ("pair-02", inbox.Outcome.CHANGE)
