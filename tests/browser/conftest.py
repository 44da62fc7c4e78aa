"""A real server and a real browser. Every visit is watched: requests, console, content security policy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.chromium import FLAGS, find_chromium
from tests.ui.places import PASSWORD, Place, make_seeded, settings_for

HERE = Path(__file__).parent
START_SECONDS = 60
PATIENCE_MS = 60_000
"""For what shall happen: a busy machine is slow, and how fast things are is measured in the bench."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here drives a browser; STEELYARD_SKIP_BROWSER=1 skips them, visibly."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if os.environ.get("STEELYARD_SKIP_BROWSER") == "1":
                item.add_marker(pytest.mark.skip(reason="STEELYARD_SKIP_BROWSER=1"))


@dataclass
class Server:
    """A `steelyard serve` of our own."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start it; how many seconds until it answers."""
        environment = {**os.environ, "STEELYARD_DATA_DIRECTORY": str(self.directory)}
        began = time.monotonic()
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli.main", "serve", "--port", str(self.port)],
                env=environment,
                stdout=log,
                stderr=log,
            )
        while time.monotonic() - began < START_SECONDS:
            try:
                urllib.request.urlopen(f"{self.url}/login", timeout=5).close()
            except OSError:  # refused, reset, or too slow to answer
                time.sleep(0.05)
            else:
                return time.monotonic() - began
        raise TimeoutError(f"no server after {START_SECONDS} s: {(self.directory / 'server.log').read_text()}")

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    @property
    def log(self) -> str:
        """What it wrote."""
        return (self.directory / "server.log").read_text()


@dataclass
class Visitor:
    """One person's browser window, and all that happened in it."""

    page: Page
    context: BrowserContext
    url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    binary: list[bytes] = field(default_factory=list)

    def log_in(self, name: str, path: str = "/") -> Page:
        """Through the door, to a page."""
        self.page.goto(self.url + path)
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.click("button")
        self.page.wait_for_selector('[data-testid="stMainBlockContainer"] h2, .st-key-panel')
        return self.page

    def strangers(self) -> list[str]:
        """Requests that left the host."""
        return [url for url in self.requests if not url.startswith((self.url, "data:", "blob:"))]


def settle(page: Page) -> None:
    """Wait until the page is drawn to its end: before that, what is clicked may be of the screen that goes."""
    expect(page.locator('[data-test-script-state="notRunning"]')).to_have_count(1)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; where there is none the tests fail and say what to install."""
    program = find_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(program), args=list(FLAGS))
        yield made
        made.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with the sample campaign for all browser tests; each test uses a person or comparisons of its own."""
    directory = tmp_path_factory.mktemp("served")
    make_seeded(directory)
    made = Server(directory, free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def place(server: Server) -> Iterator[Place]:
    """The served data, to look at behind the pages."""
    from app.services.database import open_store

    chosen = settings_for(server.directory)
    made = Place(chosen, open_store(chosen))
    yield made
    made.store.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., Visitor]]:
    """Open a window of its own; at the end nothing may have left the host, and nobody may have complained."""
    visitors: list[Visitor] = []

    def make(*, width: int = 1440, height: int = 900, dark: bool = False) -> Visitor:
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context.new_page(), context, server.url)
        watch(visitor)
        visitors.append(visitor)
        return visitor

    yield make
    for visitor in visitors:
        visitor.context.close()
    for visitor in visitors:
        assert visitor.strangers() == []
        assert visitor.complaints == []


def watch(visitor: Visitor) -> None:
    """Note every request, every websocket frame, and every error or warning of the console."""
    page = visitor.page
    page.on("request", lambda request: visitor.requests.append(request.url))
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))

    def received(data: str | bytes) -> None:
        visitor.frames.append(str(data))
        if isinstance(data, bytes):
            visitor.binary.append(data)

    page.on("websocket", lambda ws: ws.on("framereceived", received))

    def heard(message) -> None:
        if message.type in ("error", "warning") and not _is_normal(message):
            visitor.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    page.on("console", heard)


def _is_normal(message) -> bool:
    """A log-in that is refused is a 401; on a busy machine a page is left before its line was there."""
    is_refused = "401" in message.text and "/login" in message.location.get("url", "")
    return is_refused or "closed before the connection is established" in message.text
