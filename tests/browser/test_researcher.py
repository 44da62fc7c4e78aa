"""A researcher's day in a real browser: a campaign, a file with bad lines, a snapshot, a reward model."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.services import job_board, sessions
from app.services.campaigns import show_campaign
from tests.browser.conftest import Server, Visitor
from tests.ui.places import Place

Visit = Callable[..., Visitor]

NAME = "answers"
LONG_MS = 90_000
"""A run starts with seconds of imports, and the machine may be busy."""


def preference_lines() -> list[str]:
    """Sixty judged pairs, and three lines that no reader can accept."""
    dice = random.Random(4)
    lines = []
    for number in range(60):
        votes = [{"rater": f"w{n}", "preferred": "a" if dice.random() < 0.8 else "b", "strength": 2} for n in range(3)]
        completions = [{"id": "a", "text": f"exact {number}"}, {"id": "b", "text": f"vague {number} and so on"}]
        prompt = f"question {number} " + " ".join(dice.choice("0123456789") for _ in range(8))
        lines.append(json.dumps({"id": f"x{number}", "prompt": prompt, "completions": completions, "judgments": votes}))
    lines[10:10] = ["this is no JSON", json.dumps({"id": "y1", "prompt": "no responses"})]
    return [*lines, json.dumps({"prompt": 3, "completions": []})]


@pytest.fixture(scope="module")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model of a few thousand weights."""
    from tests.reward.tiny import save_bert

    return save_bert(tmp_path_factory.mktemp("base"))


def open_part(page: Page, path: str, part: str) -> None:
    """Open a page of the campaign, and one of its parts."""
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + f"/{path}?campaign={NAME}")
    page.get_by_role("tab", name=part, exact=True).click()


def test_from_an_empty_campaign_to_a_measured_reward_model(
    visit: Visit, server: Server, place: Place, tiny_base: Path, tmp_path: Path
):
    visitor = visit(height=1200)
    page = visitor.log_in("researcher", "/campaigns")
    _create(page)
    _import(page, tmp_path)
    _snapshot(page)
    _train(page, tiny_base)
    _report(page)
    person = sessions.person_named(place.store, "researcher")
    jobs = {kind: job_board.jobs_of(place.store, person, NAME, kind) for kind in ("import", "snapshot", "train")}
    assert {kind: [job.state.value for job in found] for kind, found in jobs.items()} == {
        "import": ["done"],
        "snapshot": ["done"],
        "train": ["done"],
    }
    assert not list((server.directory / "uploads").glob("*/*")), "imported uploads are removed"


def _create(page: Page) -> None:
    page.get_by_role("tab", name="New campaign").click()
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_role("combobox", name="Rubric").fill("helpful_harmless")  # others may have published meanwhile
    page.get_by_role("option", name="helpful_harmless").first.click()
    page.get_by_role("button", name="Create campaign").click()
    expect(page.get_by_text(f"Created campaign {NAME}")).to_be_visible()


def _import(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(preference_lines()) + "\n")
    open_part(page, "campaigns", "Import")
    page.locator("input[type=file]").set_input_files(str(file))
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_enabled()
    page.get_by_role("button", name="Import", exact=True).click()
    said = "63 lines: 60 new comparisons, 180 new judgments, 3 lines refused."
    expect(page.get_by_text(said)).to_be_visible(timeout=LONG_MS)
    with page.expect_download() as download:
        page.get_by_role("button", name="as JSONL").click()
    refused = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert [line["line"] for line in refused] == [11, 12, 63]
    assert all(line["reason"] for line in refused)


def _snapshot(page: Page) -> None:
    open_part(page, "snapshots", "Build")
    page.get_by_label("Name", exact=True).fill("first")
    page.get_by_role("button", name="Build snapshot").click()
    expect(page.get_by_text("Built first:")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("tab", name="Shelf").click()
    expect(page.get_by_text("A frozen snapshot of the preference campaign")).to_be_visible()


def _train(page: Page, base: Path) -> None:
    open_part(page, "models", "Runs")
    page.get_by_label("Name", exact=True).fill("tiny")
    page.get_by_label("Base", exact=True).fill(str(base))
    page.get_by_label("Epochs").fill("2")
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_text("tiny is finished.")).to_be_visible(timeout=LONG_MS)


def _report(page: Page) -> None:
    page.get_by_role("tab", name="Report").click()
    expect(page.get_by_text("The model agrees with the labels on").first).to_be_visible()
    expect(page.locator(".st-key-figure-accuracy .stVegaLiteChart svg").first).to_be_visible()
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def test_a_stranger_to_the_campaign_reaches_none_of_it(visit: Visit, place: Place):
    visitor = visit()
    page = visitor.log_in("second", "/snapshots?campaign=sample")
    expect(page.get_by_role("heading", name="Hello")).to_be_visible()
    expect(page.get_by_text("Campaigns", exact=True)).to_have_count(0)
    assert show_campaign(place.store, "sample").campaign.state == "open"
    [complaint] = [one for one in visitor.complaints if "does not seem to exist" in one]  # Streamlit's word for it
    visitor.complaints.remove(complaint)
