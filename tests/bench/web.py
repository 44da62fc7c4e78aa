"""The web application: cold start of `steelyard serve`, first load after log-in, and the script of raters' pages."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.services.database import open_store
from app.settings import settings
from app.ui import navigation
from tests.bench.timing import line
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.conftest import Server, Visitor, free_port
from tests.ui.places import ROOT, Place, make_seeded, settings_for

REPEAT = 5
N_RUNS = 60
RATER_PAGES = ("rate", "my_work", "my_calibration", "learn", "home", "account")


def measurements() -> Iterator[dict[str, Any]]:
    """Seconds until the server answers, and until the rating screen can be used after the log-in."""
    with tempfile.TemporaryDirectory() as folder:
        make_seeded(Path(folder))
        yield from _scripts(Path(folder))
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


def _scripts(folder: Path) -> Iterator[dict[str, Any]]:
    """The script of every page that raters use, run again and again as after a click; the first run apart."""
    os.environ["STEELYARD_DATA_DIRECTORY"] = str(folder)
    settings.cache_clear()
    place = Place(settings_for(folder), open_store(settings_for(folder)))
    durations: list[float] = []
    run_page = navigation.run_page

    def timed() -> None:
        began = time.perf_counter()
        try:
            run_page()
        finally:
            durations.append(time.perf_counter() - began)

    navigation.run_page = timed
    try:
        for name in RATER_PAGES:
            at = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
            at.user = {"login": str(place.log_in("rater"))}
            at._page_hash = calc_hash(name)
            at.query_params["campaign"] = "sample"
            for _ in range(N_RUNS + 1):
                at.run()
            yield line(f"script of the page {name}", durations[-N_RUNS:])
    finally:
        navigation.run_page = run_page
        place.store.close()
