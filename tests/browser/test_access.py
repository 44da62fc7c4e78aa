"""WCAG 2.2 AA, as far as a machine can tell: axe-core finds nothing serious on the rater's pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.desks import make_desk, pair
from tests.browser.test_desk import answer, ready
from tests.browser.test_rater import current
from tests.ui.places import Place

Visit = Callable[..., Visitor]

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
SHELL: frozenset[tuple[str, str]] = frozenset()
"""Violations of Streamlit's own frame that we cannot mend, as (rule, selector): none in 1.67."""


def violations(page: Page) -> list[str]:
    """What axe finds to be serious or worse, apart from the shell."""
    found = Axe().run(page, options={"runOnly": list(RULES), "resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
        if not any(one["id"] == rule and page.locator(where).count() for rule, where in SHELL)
    ]


def test_nothing_serious_on_the_desk(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "access", pair(constraints="short", source_document="x " * 600), folder=tmp_path)
    for dark, width in ((False, 1440), (True, 1440), (False, 390)):
        page = visit(width=width, dark=dark).log_in("access", "/rate?campaign=access")
        ready(page)
        if (dark, width) == (False, 1440):
            answer(page, "17452")
            expect(page.locator('[class*="tension-clarity-helpfulness-box"]')).to_be_visible()
            page.keyboard.press("l")
            page.keyboard.press("e")  # at once, while the last answer is on its way
        expect(page.locator('[class*="-marks-box"]')).to_be_visible()
        expect(page.locator('[class*="tension-harmlessness-helpfulness-box"]')).to_be_visible()
        assert violations(page) == []
        page.get_by_role("button", name="Skip").click()
        expect(page.get_by_role("radio", name="Something else")).to_be_visible()
        assert violations(page) == []
        page.keyboard.press("Escape")
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Keys").last.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.wait_for_timeout(500)  # it fades in, and half-faded letters have little contrast
        assert violations(page) == []


def test_nothing_serious_on_rankings_work_and_account(visit: Visit):
    page = visit().log_in("rater", "/rate?campaign=small")
    current(page)
    for path in ("/rate?campaign=small", "/my-work?campaign=sample", "/account"):
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + path)
        page.wait_for_selector('[data-testid="stMainBlockContainer"] h2, .st-key-panel [role=radio]')
        page.wait_for_timeout(500)
        assert violations(page) == []
