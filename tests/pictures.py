"""The README's pictures: `python -m tests.pictures` serves the sample campaign and takes them anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from app.demo.sample import load_sample, rate_sample
from app.domain import Role
from app.services.campaigns import add_member
from app.services.database import open_store
from rubrics.model import Rubric
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.conftest import Server, Visitor, free_port
from tests.browser.desks import make_desk
from tests.conftest import ROOT
from tests.ui.places import Place, make_empty, settings_for

FOLDER = ROOT / "docs" / "pictures"
SIZE: ViewportSize = {"width": 1200, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 1900}
SETTLED_MS = 4000
RANKED = (
    "Apple, pear, plum.",
    "1. Apple\n2. Pear\n3. Plum\n\nShall I name more?",
    "Apple, pear and carrot.",
    "I like fruits.",
)


def main() -> None:
    """Take the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder))
        server = Server(Path(folder), free_port())
        server.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=list(FLAGS))
                _rate(_open(browser, server, "rater", "/rate?campaign=sample"), "rate")
                _rate(_open(browser, server, "rater", "/rate?campaign=sample", dark=True), "rate-dark")
                _rate(_open(browser, server, "rater", "/rate?campaign=sample", size=PHONE), "rate-phone")
                _rank(_open(browser, server, "rater", "/rate?campaign=ranks"))
                _take(_open(browser, server, "designer", "/tensions"), "tensions")
                _take(_open(browser, server, "researcher", "/campaigns"), "campaigns")
                browser.close()
        finally:
            server.stop()


def _prepare(directory: Path) -> None:
    """The sample campaign as `steelyard demo` leaves it, and everybody a member."""
    make_empty(directory)
    store = open_store(settings_for(directory))
    load_sample(store)
    rate_sample(store)
    for role in Role:
        add_member(store, "sample", role.value, roles=[role])
    completions = [{"id": slot, "text": text} for slot, text in zip("abcd", RANKED, strict=True)]
    line = {"prompt": "Name three fruits, and nothing else.", "completions": completions}
    only = Rubric(key="only", title="Overall only")
    make_desk(Place(settings_for(directory), store), "ranks", line, folder=directory, rater="rater", rubric=only)
    store.close()


def _open(
    browser: Browser, server: Server, name: str, path: str, *, dark: bool = False, size: ViewportSize = SIZE
) -> Page:
    context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light")
    return Visitor(context.new_page(), context, server.url).log_in(name, path)


def _rate(page: Page, name: str) -> None:
    """The rating screen with two criteria that pull apart, so that the tension shows."""
    page.wait_for_selector('[role="radiogroup"]')
    page.wait_for_timeout(SETTLED_MS)
    for key in ("1", "7", "4", "5", "2"):
        page.keyboard.press(key)
        page.wait_for_timeout(400)
    _take(page, name)


def _rank(page: Page) -> None:
    """Four responses to rank, two of them alike."""
    page.wait_for_selector('[role="radiogroup"]')
    page.wait_for_timeout(SETTLED_MS)
    for key in ("2", "1", "2", "4"):
        page.keyboard.press(key)
        page.wait_for_timeout(400)
    _take(page, "rate-ranking")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
