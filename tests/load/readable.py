"""How long from the click on Submit until both texts of the next comparison are painted, in a real browser."""

from __future__ import annotations

import math
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from playwright.sync_api import Page, expect

from tests.browser.conftest import free_port

N_QUESTIONS = 5
PACE_MS = 200
"""Between two keys: a quick person."""

_FROM_CLICK = """(button) => new Promise((done) => {
  const places = (name) => [...document.querySelectorAll(`[class*="st-key-response-${name}-"]`)]
  const idOf = (node) => node.className.match(/st-key-response-[AB]-(\\d+)/)[1]
  const before = idOf(places('A')[0])
  const isNew = (name) => places(name).some((node) => idOf(node) !== before && node.innerText.length > 200)
  let began = 0
  const look = () => {
    const painted = () => done(performance.now() - began)
    if (isNew('A') && isNew('B')) requestAnimationFrame(() => requestAnimationFrame(painted))
    else if (performance.now() - began > 20000) done(NaN)
    else requestAnimationFrame(look)
  }
  const start = () => { began = performance.now(); look() }
  button.addEventListener('click', start, { once: true, capture: true })
})"""


def times(page: Page, n: int) -> list[float]:
    """Seconds for each of n items on a page that shows one: answer with keys or clicks, write, hand in."""
    page.bring_to_front()  # a page behind another paints nothing
    return [_one(page) for _ in range(n)]


def _one(page: Page) -> float:
    panel = page.locator(".st-key-panel")
    groups = panel.locator("[role=radiogroup]:has([role=radio]:has-text('A3'))")
    expect(groups).to_have_count(N_QUESTIONS)
    for place in range(N_QUESTIONS):
        groups.nth(place).get_by_role("radio", name="A2", exact=True).click()
        page.wait_for_timeout(PACE_MS)
    why = panel.locator('[class*="-why"] textarea').first
    why.fill(f"Helpfulness decided, because this one does what was asked of it, {time.time_ns()}.")
    page.wait_for_timeout(1500)
    button = panel.locator('[class*="-submit"] button').first
    button.evaluate(f"(node) => {{ window.syReadable = ({_FROM_CLICK})(node) }}")
    button.click()
    elapsed = float(page.evaluate("window.syReadable"))
    if math.isnan(elapsed):
        raise TimeoutError(f"no next comparison: {page.locator('.st-key-panel').inner_text()}")
    return elapsed / 1000


@contextmanager
def bare_page() -> Iterator[str]:
    """The bare page, served by Streamlit's own command; its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("bare.py"))]
    options = ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]
    options += ["--browser.gatherUsageStats=false"]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
                break
            except (URLError, ConnectionError):
                time.sleep(0.1)
        try:
            yield url
        finally:
            process.terminate()
            process.wait(30)
