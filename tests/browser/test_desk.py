"""The rater's desk in a real browser: reading, quoting, marking, tensions, ranking, keys, languages, phones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, TimeoutError, expect
from sqlalchemy import select

from app.domain import CriteriaOrder, OverallPlace, RoundRules
from app.services import desk as desks
from app.store import tables
from tests.browser.conftest import Visitor
from tests.browser.desks import HEAP, make_desk, pair
from tests.browser.test_rater import choose, current
from tests.ui.places import Place

Visit = Callable[..., Visitor]

ROWS = """({
  rows: [...document.querySelectorAll('[role=radiogroup]')].map((row) => row.outerHTML.slice(0, 2000)),
  keys: document.steelyardKeys,
  focus: document.activeElement?.outerHTML.slice(0, 300),
  over: document.querySelector('[role=dialog]')?.outerHTML.slice(0, 300),
})"""
"""What there is to know of a key that did nothing."""

MOVED = "(before) => document.querySelector('[data-sy-here]').ariaLabel !== before"
SIDEWAYS = "document.querySelector('[data-testid=stMain]').scrollWidth - document.documentElement.clientWidth"


def ready(page: Page) -> int:
    """The assignment on the screen, once it listens for keys."""
    expect(page.locator("[data-sy-here]")).to_have_count(1)
    return current(page)


def answer(page: Page, keys: str) -> None:
    """Press digits, each once the row before it is answered."""
    for key in keys:
        here = page.locator("[data-sy-here]").get_attribute("aria-label")
        page.keyboard.press(key)
        try:
            page.wait_for_function(MOVED, arg=here)
        except TimeoutError as error:
            raise AssertionError(f"{key} on {here!r} moved nowhere: {page.evaluate(ROWS)}") from error


def of(page: Page, letter: str):
    """A response on the screen."""
    return page.locator(f'[class*="st-key-response-{letter}-"]')


def slots(place: Place, name: str, campaign: str) -> tuple[str, ...]:
    """Completion ids in the order that a rater sees."""
    desk = desks.open_desk(place.store, name, campaign)
    assert desk is not None
    return desk.assignment.shown


def test_everything_that_is_to_be_read(visit: Visit, place: Place, tmp_path: Path):
    talk = [
        {"role": "system", "content": "Be exact. " * 80},
        *({"role": role, "content": f"turn {n} {role}"} for n in range(3) for role in ("user", "assistant")),
        {"role": "user", "content": "The k largest, for $5 or $6?"},
    ]
    arabic = "القاهرة هي عاصمة مصر.\n\n- نقطة\n\n" + "كلمة " * 900
    make_desk(
        place, "reading", pair(HEAP, arabic, prompt=talk, constraints=["At most **ten** words"],
        source_document={"title": "Manual", "text": "A heap is a tree. " * 50}, topic="hidden-topic"), folder=tmp_path,
    )  # fmt: skip
    visitor = visit()
    page = visitor.log_in("reading", "/rate?campaign=reading")
    ready(page)
    expect(page.get_by_text("turn 0 user")).to_be_hidden()
    page.get_by_text("5 earlier turns").click()
    expect(page.get_by_text("turn 0 user")).to_be_visible()
    expect(page.get_by_text("for $5 or $6?")).to_be_visible()
    material = page.get_by_label("Reference")
    expect(material.locator("li strong")).to_have_text("ten")
    expect(material.get_by_text("Manual")).to_be_visible()
    heap, other = ("A", "B") if slots(place, "reading", "reading")[0] == "a" else ("B", "A")
    expect(of(page, heap).locator("pre code")).to_contain_text("heapq.nlargest")
    expect(of(page, heap).locator("table td").first).to_have_text("sort")
    direction = "e => getComputedStyle(e).direction"
    assert of(page, other).locator("p").first.evaluate(direction) == "rtl"
    paddings = of(page, other).locator("ul").evaluate("e => getComputedStyle(e).padding")
    assert paddings == "0px 25.5px 0px 0px"  # the bullets stand on the right, inside the box
    assert of(page, heap).locator("p").first.evaluate(direction) == "ltr"
    heights = [of(page, letter).evaluate("e => e.closest('.stColumn').offsetHeight") for letter in "AB"]
    assert heights[0] == heights[1]
    cut = of(page, other).locator(".sy-folded")
    assert cut.evaluate("e => e.scrollHeight > e.clientHeight + 100")
    page.keyboard.press("u")
    expect(cut).to_have_count(0)
    page.keyboard.press("d")
    expect(page.get_by_text("too little in common")).to_be_visible()
    expect(page.get_by_role("switch", name="Differences")).not_to_be_checked()
    page.keyboard.press("w")
    expect(of(page, heap).locator(".sy-raw")).to_contain_text("### Short answer")
    assert "hidden-topic" not in page.content() + "".join(visitor.frames)


def test_a_round_may_draw_the_order_of_the_criteria_and_it_is_recorded(visit: Visit, place: Place, tmp_path: Path):
    rules = RoundRules(gold_rate=0, criteria_order=CriteriaOrder.RANDOM, overall_place=OverallPlace.FIRST)
    make_desk(place, "drawing", pair(), folder=tmp_path, rules=rules)
    page = visit().log_in("drawing", "/rate?campaign=drawing")
    here = ready(page)
    with place.store.write() as connection:  # one that is not the rubric's, so that chance cannot hide anything
        order = ["clarity", "honesty", "helpfulness", "harmlessness"]
        row = tables.assignment.c.id == here
        columns = tables.assignment.c.criteria_shown, tables.assignment.c.overall_first
        drawn, overall_first = connection.execute(select(*columns).where(row)).one()
        assert sorted(drawn) == sorted(order)
        assert overall_first
        connection.execute(tables.assignment.update().where(row).values(criteria_shown=order))
    page.reload()
    ready(page)
    named = [row.get_attribute("aria-label") for row in page.locator(".st-key-panel [role=radiogroup]").all()]
    assert named[:5] == ["Overall", *(name.capitalize() for name in order)]
    answer(page, "44")  # and keys go from row to row in that order
    for name in ("Clarity", "Overall"):
        expect(page.get_by_role("radiogroup", name=name, exact=True).get_by_role("radio").nth(3)).to_be_checked()


def test_formulas_where_the_campaign_sets_them_and_differences(visit: Visit, place: Place, tmp_path: Path):
    make_desk(
        place, "maths", pair(r"So $x^2 = 4$ costs $5 and \[\frac{1}{2}\].", "So $x^2 = 9$ costs $5."), folder=tmp_path,
        is_math=True,
    )  # fmt: skip
    page = visit().log_in("maths", "/rate?campaign=maths")
    ready(page)
    expect(page.locator(".sy-passage math")).to_have_count(3)
    expect(page.locator(".sy-passage msup")).to_have_count(2)
    expect(page.locator(".sy-passage mfrac")).to_be_visible()
    expect(page.get_by_text("costs $5").first).to_be_visible()
    page.keyboard.press("d")
    expect(page.locator(".sy-differences mark", has_text=re.compile("^[49]$"))).to_have_count(2)


def test_quotes_and_marks_by_keyboard_and_by_pointer(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "marking", pair(), folder=tmp_path, designers=["designer"])
    page = visit().log_in("marking", "/rate?campaign=marking")
    here = ready(page)
    heap = "A" if slots(place, "marking", "marking")[0] == "a" else "B"
    answer(page, "1234")
    if heap == "B":
        page.keyboard.press("g")
        page.keyboard.press("g")
    page.keyboard.press("l")
    page.keyboard.press("l")
    page.keyboard.press("Shift+L")
    page.keyboard.press("q")
    field = page.get_by_label("Justification")
    quoted = "Use a heap. It is fast, and memory stays small." if heap == "A" else None
    if quoted:
        expect(field).to_have_value(f"Response A: “{quoted}” ")
    page.keyboard.type("is Helpfulness at its best")
    page.keyboard.press("Escape")
    page.keyboard.press("e")  # the selection went with the focus: nothing happens
    sentence = of(page, heap).get_by_text("It is fast, and memory stays small.")
    box = sentence.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Mark error").click()
    marked = page.locator('[class*="-marks-box"]')
    expect(marked.get_by_text("Use a")).to_be_visible()
    assert page.evaluate("[...CSS.highlights.get('sy-marked')].map(String).join()").startswith("Use a")
    marked.get_by_role("combobox").click()
    page.get_by_role("option", name="Honesty").click()
    marked.get_by_role("textbox", name="What is wrong").fill("not true")
    page.mouse.click(5, 5)
    page.reload()
    ready(page)
    expect(marked.get_by_role("textbox", name="What is wrong")).to_have_value("not true")
    expect(marked).to_contain_text("Use a")
    answer_overall(page)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Nothing is left to rate here")).to_be_visible()
    work = desks.reopen_desk(place.store, "marking", here)
    [span] = work.submission.error_spans
    assert (span.completion, span.criterion, span.note) == ("a", "honesty", "not true")
    assert HEAP[span.start : span.end].startswith("Use a **heap**")
    assert work.submission.justification.startswith("[response:")


def answer_overall(page: Page) -> None:
    choose(page, "Overall", "A1")


def test_tensions_that_the_numbers_show_and_one_that_they_do_not(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "tense", pair(), folder=tmp_path)
    page = visit().log_in("tense", "/rate?campaign=tense")
    here = ready(page)
    answer(page, "17442")
    box = page.locator('[class*="tension-harmlessness-helpfulness-box"]')
    expect(box).to_contain_text("The rubric lets Harmlessness prevail. Your overall choice goes the other way")
    expect(box).to_contain_text("(optional)")
    page.keyboard.press("t")
    page.keyboard.type("Clar")
    page.get_by_role("option", name="clarity").or_(page.get_by_role("option", name="Clarity")).first.click()
    page.keyboard.press("Escape")
    own = page.locator('[class*="tension-clarity-"][class*="-box"]')
    expect(own).to_contain_text("You see a tension between Clarity and")
    own.get_by_role("textbox", name="Why").fill("short or whole")
    page.get_by_label("Justification").fill("Helpfulness decided here, although the other one is safer.")
    expect(page.get_by_role("radiogroup", name="How sure are you?").get_by_role("radio")).to_have_count(5)
    choose(page, "How sure are you?", "Sure")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Nothing is left to rate here")).to_be_visible()
    submission = desks.reopen_desk(place.store, "tense", here).submission
    assert submission.confidence == 4
    [declared] = submission.tensions
    assert declared.between[0] == "clarity"
    assert (declared.prevailed, declared.why) == (None, "short or whole")


def test_ranking_with_ties_by_keyboard_and_by_pointer(visit: Visit, place: Place, tmp_path: Path):
    completions = [{"id": slot, "text": f"Answer {slot}."} for slot in "abcd"]
    rubric_free = {"prompt": "Which?", "completions": completions, "meta": {}}
    from rubrics.model import Rubric

    make_desk(place, "ranks", rubric_free, folder=tmp_path, rubric=Rubric(key="only", title="Overall only"))
    page = visit().log_in("ranks", "/rate?campaign=ranks")
    here = ready(page)
    for digit in "21":
        page.keyboard.press(digit)
        page.wait_for_timeout(300)
    for letter, place_ in (("C", "2."), ("D", "4.")):
        group = page.get_by_role("radiogroup", name=f"Overall, response {letter}")
        group.get_by_role("radio", name=place_, exact=True).click()
    expect(page.get_by_text("B > A = C > D")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Nothing is left to rate here")).to_be_visible()
    work = desks.reopen_desk(place.store, "ranks", here)
    first, second, third, fourth = work.desk.assignment.shown
    groups = [set(group) for group in work.submission.answers["overall"].ranking]
    assert groups == [{second}, {first, third}, {fourth}]


def test_keys_can_be_listed_and_switched_off_and_the_screen_speaks_german(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "keys", pair(), folder=tmp_path)
    page = visit(width=390).log_in("keys", "/rate?campaign=keys")
    ready(page)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("select the next, the previous sentence")).to_be_visible()
    page.keyboard.press("1")  # a dialog is open: no key answers behind it
    dialog.get_by_text("Single-key shortcuts").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("[data-sy-here]")).to_have_count(0)
    page.keyboard.press("1")
    page.goto(page.url.split("/rate")[0] + "/account")
    page.get_by_role("combobox", name="Language").click()
    page.get_by_role("option", name="Deutsch").click()
    expect(page.get_by_text("Der Bewertungsplatz")).to_be_visible()
    page.goto(page.url.split("/account")[0] + "/rate?campaign=keys")
    current(page)
    expect(page.get_by_label("Begründung")).to_be_visible()
    page.keyboard.press("1")
    page.wait_for_timeout(500)
    expect(page.locator('.st-key-panel [role="radio"][aria-checked="true"]')).to_have_count(0)
    page.get_by_label("Begründung").fill("Antwort A")
    page.get_by_label("Begründung").blur()
    expect(page.get_by_text("Gespeichert", exact=True)).to_be_visible()
    draft = desks.open_desk(place.store, "keys", "keys").assignment
    assert draft.draft["justification"] == f"[response:{draft.shown[0]}]"
    assert page.evaluate(SIDEWAYS) <= 0
    with place.store.read() as connection:
        row = select(tables.rater.c.preferences).where(tables.rater.c.name == "keys")
        assert connection.scalar(row) == {"language": "de", "single_keys": False}


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_all_of_it_without_sideways_scrolling(visit: Visit, place: Place, tmp_path: Path, dark: bool):
    name = f"phone-{dark}".lower()
    make_desk(place, name, pair(constraints="word " * 30), folder=tmp_path)
    page = visit(width=390, height=844, dark=dark).log_in(name, f"/rate?campaign={name}")
    ready(page)
    for label, button in (("Helpfulness", "A3"), ("Harmlessness", "B3"), ("Overall", "A1")):
        choose(page, label, button)
    expect(page.locator('[class*="tension-harmlessness-helpfulness-box"]')).to_be_visible()
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("button", name="Keys").last).to_be_visible()
    assert page.evaluate(SIDEWAYS) <= 0
