"""A ranking of five by pointer: clicks for an order, dragging to change it, one onto another for a tie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from app.services import desk as desks
from rubrics.model import Rubric
from tests.browser.conftest import Visitor
from tests.browser.desks import make_desk
from tests.browser.test_access import violations
from tests.browser.test_desk import SIDEWAYS, ready
from tests.ui.places import Place

Visit = Callable[..., Visitor]


def token(page: Page, letter: str) -> Locator:
    return page.locator(".board .token", has_text=letter)


def drag(page: Page, letter: str, *, onto: str | None = None, before: str | None = None, dy: float = 0) -> None:
    """Drag one letter onto another one, before it, or straight down and away."""
    page.locator(".board").scroll_into_view_if_needed()
    start, goal = token(page, letter).bounding_box(), token(page, onto or before or letter).bounding_box()
    page.mouse.move(start["x"] + 12, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(goal["x"] + (12 if onto else -6), goal["y"] + 12 + dy, steps=6)
    page.mouse.up()


def order(page: Page) -> Locator:
    """The order in words, as the server has it."""
    return page.locator(".sy-reads")


def test_five_responses_are_ranked_by_pointer(visit: Visit, place: Place, tmp_path: Path):
    completions = [{"id": slot, "text": f"Answer {slot}."} for slot in "abcde"]
    line = {"prompt": "Which?", "completions": completions, "meta": {}}
    make_desk(place, "board", line, folder=tmp_path, rubric=Rubric(key="only", title="Overall only"))
    visitor = visit()
    page = visitor.log_in("board", "/rate?campaign=board")
    here = ready(page)
    for letter in "CBAED":  # quick clicks: the last one knows of all before it
        token(page, letter).click()
    expect(order(page)).to_have_text("C > B > A > E > D")
    drag(page, "D", before="B")
    expect(order(page)).to_have_text("C > D > B > A > E")
    drag(page, "A", onto="C")
    expect(order(page)).to_have_text("A = C > D > B > E")
    drag(page, "E", dy=200)  # let go outside: nothing happens
    row = page.get_by_role("radiogroup", name="Overall, response B")
    expect(row.get_by_role("radio", name="4.", exact=True)).to_be_checked()
    row.get_by_role("radio", name="5.", exact=True).click()  # the rows and the board say the same
    expect(order(page)).to_have_text("A = C > D > B = E")
    expect(page.locator(".board .tier").nth(2)).to_have_text("BE")
    drag(page, "C", before="D")
    expect(order(page)).to_have_text("A > C > D > B = E")
    assert violations(page) == []
    page.reload()
    ready(page)
    expect(page.locator(".board .tier")).to_have_text(["A", "C", "D", "BE"])
    page.set_viewport_size({"width": 390, "height": 844})
    drag(page, "B", before="A")
    expect(order(page)).to_have_text("B > A > C > D > E")
    assert page.evaluate(SIDEWAYS) <= 0
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing is left to rate here")).to_be_visible()
    work = desks.reopen_desk(place.store, "board", here)
    first, second, third, fourth, fifth = work.desk.assignment.shown
    assert work.submission.answers["overall"].ranking == ((second,), (first,), (third,), (fourth,), (fifth,))
