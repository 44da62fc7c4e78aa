"""The README's pictures: `python -m tests.pictures` serves the sample campaign and takes them anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from app.demo.sample import load_sample, rate_sample
from app.domain import Role
from app.services.campaigns import add_member
from app.services.database import open_store
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.conftest import Server, Visitor, free_port
from tests.conftest import ROOT
from tests.ui.places import make_empty, settings_for

FOLDER = ROOT / "docs" / "pictures"
SIZE = {"width": 1200, "height": 800}
SETTLED_MS = 4000


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
                _rate(_open(browser, server, "rater", "/rate"))
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
    store.close()


def _open(browser: Browser, server: Server, name: str, path: str) -> Page:
    context = browser.new_context(viewport=SIZE, color_scheme="light")
    return Visitor(context.new_page(), context, server.url).log_in(name, path)


def _rate(page: Page) -> None:
    """The rating screen with two criteria that pull apart, so that the tension shows."""
    page.wait_for_selector('[role="radiogroup"]')
    page.wait_for_timeout(SETTLED_MS)
    for key in ("1", "7", "4", "5", "2"):
        page.keyboard.press(key)
        page.wait_for_timeout(400)
    _take(page, "rate")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
