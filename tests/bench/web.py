"""The web application: cold start of `steelyard serve`, first load after log-in, and each page's script."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.bench.timing import line
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.conftest import Server, Visitor, free_port
from tests.ui.places import make_seeded

REPEAT = 5


def measurements() -> Iterator[dict[str, Any]]:
    """Seconds until the server answers, and until the rating screen can be used after the log-in."""
    with tempfile.TemporaryDirectory() as folder:
        make_seeded(Path(folder))
        yield line("serve, cold start until it answers", [_start_and_stop(Path(folder)) for _ in range(REPEAT)])
        server = Server(Path(folder), free_port())
        server.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=list(FLAGS))
                loads = [_first_load(browser, server) for _ in range(REPEAT)]
                browser.close()
        finally:
            server.stop()
        yield line("first load after log-in until the rating scales are there", loads)


def _start_and_stop(directory: Path) -> float:
    server = Server(directory, free_port())
    try:
        return server.start()
    finally:
        server.stop()


def _first_load(browser: Browser, server: Server) -> float:
    """In a new window with an empty cache: from the click on the door's button to the scales of the rating screen."""
    context = browser.new_context()
    page = Visitor(context.new_page(), context, server.url).page
    page.goto(f"{server.url}/rate")
    page.fill("#name", "rater")
    page.fill("#password", "correct horse battery")
    began = time.perf_counter()
    page.click("button")
    page.wait_for_selector('.st-key-panel [role="radio"]')
    elapsed = time.perf_counter() - began
    context.close()
    return elapsed
