"""A training run is followed on the Models page, and outlives a server that is killed under the open page."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain import JobState
from app.services import job_board, model_shelf, sessions, snapshotting
from app.services.database import open_store
from app.store.engine import Store
from reward import runs
from tests.browser.conftest import Server, free_port
from tests.browser.test_researcher import preference_lines
from tests.reward.tiny import save_bert
from tests.services.house import make_campaign
from tests.ui.places import PASSWORD, make_empty, settings_for

WAIT_MS = 120_000
"""A run starts with seconds of imports, and the machine may be busy."""


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own, with a judged campaign and a snapshot of it."""
    make_empty(tmp_path)
    chosen = settings_for(tmp_path)
    store = open_store(chosen)
    lines = [json.loads(line) for line in preference_lines() if '"judgments"' in line]
    make_campaign(store, tmp_path, lines, raters=())
    snapshotting.build(store, "c", chosen.data_directory / "snapshots" / "c" / "first", actor="admin")
    store.close()
    made = Server(tmp_path, free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def store(own_server: Server) -> Iterator[Store]:
    """The served data, to look at behind the page."""
    made = open_store(settings_for(own_server.directory))
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, own_server: Server) -> Iterator[Page]:
    """The Models page of an admin, in a window that may complain: the server is killed under it."""
    context = browser.new_context(viewport={"width": 1440, "height": 1400})
    context.set_default_timeout(WAIT_MS)
    made = context.new_page()
    made.goto(f"{own_server.url}/models?campaign=c")
    made.fill("#name", "admin")
    made.fill("#password", PASSWORD)
    made.click("button")
    yield made
    context.close()


def n_steps_shown(page: Page) -> int:
    """How far the page says that the run is."""
    shown = page.get_by_test_id("stMetric").filter(has_text="Step").inner_text()
    return int(re.search(r"([\d,]+) of", shown).group(1).replace(",", ""))


def test_a_run_outlives_a_killed_server_with_the_page_open(
    page: Page, own_server: Server, store: Store, tmp_path: Path
):
    page.get_by_label("Name", exact=True).fill("tiny")
    page.get_by_label("Base", exact=True).fill(str(save_bert(tmp_path / "base")))
    page.get_by_label("Epochs").fill("120")
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_text(re.compile(r"Training loss \d"))).to_be_visible(timeout=WAIT_MS)
    [job] = job_board.jobs_of(store, sessions.person_named(store, "admin"), "c", "train")
    output = model_shelf.run_output(job)
    while runs.last_checkpoint(model_shelf.partial_of(output)) is None:
        page.wait_for_timeout(200)
    before = n_steps_shown(page)
    assert own_server.process is not None
    own_server.process.send_signal(signal.SIGKILL)
    own_server.process.wait(30)
    assert not (output / "run.json").exists(), "the run was under way when the server was killed"
    own_server.start()
    expect(page.get_by_text("tiny is finished.")).to_be_visible(timeout=WAIT_MS)  # nobody reloaded the page
    [done] = job_board.jobs_of(store, sessions.person_named(store, "admin"), "c", "train")
    assert (done.id, done.state) == (job.id, JobState.DONE)
    training = json.loads((output / "run.json").read_text())["training"]
    assert training["resumed_from_step"] >= 1
    assert training["n_steps"] > before
    steps = [point["step"] for point in model_shelf.read_log(output).points]
    assert steps == sorted(set(steps))
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)
