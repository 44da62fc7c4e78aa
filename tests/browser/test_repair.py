"""Repair from data in a real browser: from a cell of the map to its votes, a rule as a draft, what if, a decision."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.demo.simulate import simulate
from app.domain import Cause, RaterKind, Role, RoundRules
from app.services import adjudicating, bridging, inbox, rubric_drafts, rubric_versions
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from rubrics.answers import Answer
from rubrics.document import put
from rubrics.loader import library, load_library
from tests.browser.conftest import Server, Visitor
from tests.ui.designing import bring_torn
from tests.ui.places import Place
from tests.ui.speaking import person

Visit = Callable[..., Visitor]
NLG = "nlg"
WORKING_MS = 120_000
"""How long a job may take on a busy machine."""


@pytest.fixture(scope="module")
def sentences(server: Server, place: Place, shared_data: Path) -> Place:
    """Public ratings of sentences on three criteria, under the library's rubric for them."""
    own = load_library("data_to_text").model_copy(
        update={"key": "sentences"}
    )  # the library's own is published elsewhere
    create_campaign(place.store, NLG, rubric=own, counted_kinds=[RaterKind.HUMAN])
    import_file(place.store, NLG, shared_data / "nlg_criteria.jsonl", format_name="native")
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
    for at, taken in enumerate(("1 rule", "2 rules")):
        page.get_by_text("Take this rule").nth(at).click()
        expect(page.get_by_role("button", name=f"Open a draft with {taken}")).to_be_enabled()
    page.get_by_role("button", name="Open a draft with 2 rules").click()
    expect(page).to_have_url(re.compile(r"/studio\?draft="))
    expect(page.get_by_role("radio", name="Tension rules", exact=True)).to_have_attribute("aria-checked", "true")
    assert len(rubric_drafts.list_drafts(sentences.store, person(sentences, "designer"))) == before + 1
    page.go_back()
    open_map(page, "What if")
    expect(page.get_by_text("This is what the rubric says now.")).to_be_visible()
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    expect(page.get_by_text("labels of 1,095 would flip")).to_be_visible()


def test_a_value_conflict_ends_in_a_decision(visit: Visit, place: Place, tmp_path: Path):
    bring_torn(place.store, tmp_path, name="values")
    adjudicating.decide(
        place.store,
        "designer",
        "values",
        "pair-02",
        answer=Answer(preferred="a"),
        cause=Cause.VALUE_CONFLICT,
        reason="Help *or* clarity?",
    )
    page = visit(width=390, dark=True).log_in("designer", "/login?next=%2Finbox%3Fcampaign%3Dvalues")
    expect(page.get_by_text("Help or clarity?")).to_be_visible()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    page.locator('[data-testid="stSelectbox"]', has_text="Decision").locator("input").click()
    page.get_by_role("option", name="Change the rubric").click()
    page.get_by_label("Reason").fill("The rule will say when.")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("Decided: change the rubric.")).to_be_visible()
    (made, *_) = inbox.decisions_in(place.store, "designer", "values")
    assert (made.comparison_id, made.outcome) == ("pair-02", inbox.Outcome.CHANGE)


LOOP = "loop"


@pytest.fixture(scope="module")
def loop(server: Server, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Sixty summaries, judged by simulated raters under the library's rubric."""
    rules = RoundRules(overlap=2, gold_rate=0.0)
    create_campaign(
        place.store,
        LOOP,
        rubric=load_library("summarisation"),
        counted_kinds=[RaterKind.SIMULATED],
        rules=rules,
        source_yaml=library()["summarisation"].read_text(encoding="utf-8"),
    )
    file = tmp_path_factory.mktemp("loop") / "loop.jsonl"
    file.write_text("".join(native_line(number) for number in range(60)), encoding="utf-8")
    import_file(place.store, LOOP, file, format_name="native")
    simulate(place.store, LOOP, n_raters=6, n_judgments=120, seed=11)
    add_member(place.store, LOOP, "designer", roles=[Role.DESIGNER])
    return place


def native_line(number: int) -> str:
    completions = [{"id": slot, "text": f"Summary {slot} of text {number}."} for slot in "ab"]
    return (
        json.dumps({"id": f"s{number:02d}", "prompt": f"Summarise text {number}.", "completions": completions}) + "\n"
    )


def test_pilot_act_publish_bridge_and_diff(visit: Visit, loop: Place):
    """The life of a rubric: a pilot with simulated raters, a new version from its report, a bridge, the difference."""
    page = visit().log_in("designer", f"/login?next=%2Fpilot%3Fcampaign%3D{LOOP}")
    expect(page.get_by_text("No pilot yet")).to_be_visible()
    page.get_by_role("button", name="Start the pilot").click()
    expect(page.get_by_text("Nobody of the chosen kinds has judged in this pilot")).to_be_visible()
    page.get_by_role("button", name="Send simulated raters").click()
    expect(page.get_by_text("is the vaguest criterion")).to_be_visible(timeout=WORKING_MS)
    expect(page.get_by_role("heading", name="What to change")).to_be_visible()

    page.get_by_role("button", name="Change this rubric").click()
    page.get_by_role("radio", name="Text", exact=True).first.click()
    editor = page.get_by_label("Rubric as YAML")
    expect(editor).to_have_value(re.compile("key: summarisation"))
    text = editor.input_value()
    first = load_library("summarisation").criteria[0]
    editor.fill(put(text, ("criteria", 0, "guidance"), "Only count what the source says. Never reward length."))
    editor.blur()
    expect(page.get_by_text("Valid: ")).to_be_visible()
    page.get_by_role("radio", name="Publish", exact=True).first.click()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("is published as version")).to_be_visible()
    newest, before, *_ = rubric_versions.list_versions(loop.store)["summarisation"]

    page.goto(f"{page.url.partition('/versions')[0]}/bridge?campaign={LOOP}")
    expect(page.get_by_text("No bridge round yet")).to_be_visible()
    page.get_by_role("button", name="Open the bridge round").click()
    expect(page.get_by_text("No comparison was judged under both versions yet")).to_be_visible()
    (made,) = bridging.bridges_in(loop.store, LOOP)
    assert made.rubric_version == newest.version != before.version
    page.get_by_role("button", name="Send simulated raters").click()
    expect(page.get_by_text("moved most: by")).to_be_visible(timeout=WORKING_MS)
    expect(page.get_by_text("rest on what changed")).to_be_visible()

    page.goto(f"{page.url.partition('/bridge')[0]}/versions?rubric=summarisation")
    page.get_by_role("radio", name="History", exact=True).click()
    change = page.locator(".sy-change").first
    expect(change).to_contain_text(f"{first.name}: guidance")
    expect(change).to_contain_text("meaning")
