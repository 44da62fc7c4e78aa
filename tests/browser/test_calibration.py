"""The life of a rater in a real browser: lesson, exam, certificate; and gold and repeats like work on the wire."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.domain import OVERALL, Calibration, Purpose, RaterState, Role, RoundRules
from app.services import certifying, examining, raters, sessions
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from app.services.judging import Submission, submit
from app.services.people import add_account
from app.store import tables
from rubrics.answers import Answer
from rubrics.model import Rubric
from tests.browser.conftest import Server, Visitor, settle
from tests.browser.desks import pair
from tests.browser.test_desk import of
from tests.browser.test_keeping import _Always as Always
from tests.browser.test_keeping import shapes
from tests.browser.test_review import picture
from tests.ui.places import PASSWORD, Place

Visit = Callable[..., Visitor]
CALIBRATION = Calibration(p0=0.65, p1=0.85, max_items=60)

SCHOOL = Rubric.from_dict(
    {
        "key": "school",
        "title": "School",
        "criteria": [
            {
                "key": "brevity",
                "name": "Brevity",
                "question": "Which response says it in fewer words?",
                "guidance": "Count what is said, not what is meant.",
                "type": "preference_scale",
                "points": 3,
                "examples": [
                    {"prompt": "Two and two?", "a": "Four.", "b": "It is four, I think.", "prefer": "a", "why": "One."}
                ],
            }
        ],
        "overall": {"points": 3},
    }
)
"""One criterion with an example to learn from; every question takes two clicks."""


def found(place: Place, name: str, folder: Path, lines: list[dict[str, Any]], rubric: Rubric, **rules: Any) -> None:
    """A calibrated campaign with these lines."""
    create_campaign(place.store, name, rubric=rubric, rules=RoundRules(calibration=CALIBRATION, **rules))
    file = folder / f"{name}.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    import_file(place.store, name, file, format_name="native")
    add_member(place.store, name, "designer", roles=[Role.DESIGNER])


def enrol(place: Place, campaign: str, name: str, state: RaterState = RaterState.APPLICANT) -> None:
    """A rater of a campaign who can log in."""
    add_account(place.store, name, state=state)
    sessions.set_password(place.store, name, PASSWORD)
    add_member(place.store, campaign, name, roles=[Role.RATER])


def right(comparison_id: str) -> str:
    return "ab"[int(comparison_id.removeprefix("g")) % 2]


def said(preferred: str) -> Submission:
    answer = Answer(preferred=preferred, strength=1)
    return Submission({"brevity": answer, OVERALL: answer})


def held_item(place: Place, name: str, campaign: str) -> tuple[str, tuple[str, ...]]:
    """The comparison on the screen, and its order."""
    item = examining.next_item(place.store, name, campaign)
    assert item is not None
    return item.comparison_id, item.shown


def answer_on_screen(page: Page, place: Place, name: str, campaign: str) -> None:
    """The right answer, by clicks."""
    comparison_id, shown = held_item(place, name, campaign)
    side = "AB"[shown.index(right(comparison_id))] + "1"
    for label in ("Brevity", "Overall"):
        page.get_by_role("radiogroup", name=label, exact=True).get_by_role("radio", name=side, exact=True).click()
    page.get_by_role("button", name="Submit").click()


def test_from_applicant_to_a_certificate_that_holds(visit: Visit, place: Place, server: Server, tmp_path: Path) -> None:
    lines = [{"id": f"g{n}", **pair(f"one {n}", f"two {n}", prompt=f"question {n}")} for n in range(40)]
    for n, one in enumerate(lines):
        one["gold"] = {"accepted": ["ab"[n % 2]], "explanation": "golden-secret"}
    found(place, "school", tmp_path, [*lines, {"id": "work", **pair()}], SCHOOL)
    enrol(place, "school", "pupil")
    visitor = visit()
    page = visitor.log_in("pupil", "/learn?campaign=school")
    expect(page.get_by_text("Two and two?")).to_be_visible()
    options = page.locator(".st-key-lesson-options")
    wrong = 0 if "I think" in of(page, "A").inner_text() else 1  # the order is drawn by the rater's number
    options.get_by_role("button").nth(wrong).click()
    expect(page.get_by_text("The key says:")).to_be_visible()
    expect(page.get_by_text("Which response says it in fewer words?").last).to_be_visible()
    picture(visitor, "learn")
    page.get_by_role("button", name="Try again").click()
    options.get_by_role("button").nth(1 - wrong).click()
    expect(page.get_by_text("Right:")).to_be_visible()
    settle(page)  # nothing is put above it any more
    page.get_by_label("Your question").fill("What do I count?")
    page.get_by_label("Your question").press("Enter")
    expect(page.get_by_text("Count what is said, not what is meant.").first).to_be_visible()
    before = len(visitor.frames)  # lessons teach by keys; the exam must not
    page.goto(f"{visitor.url}/exam?campaign=school")
    page.get_by_role("button", name="Begin the exam").click()
    expect(page.get_by_text("Question 1.")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Brevity, Overall")).to_be_visible()
    picture(visitor, "exam")
    answer_on_screen(page, place, "pupil", "school")
    expect(page.get_by_text("Question 2.")).to_be_visible()
    n = 1
    while n < 11:
        item = examining.next_item(place.store, "pupil", "school")
        assert item is not None
        examining.answer(place.store, "pupil", item.id, said(right(item.comparison_id)))
        n += 1
    page.reload()
    expect(page.get_by_text("Question 12.")).to_be_visible()
    answer_on_screen(page, place, "pupil", "school")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the certificate").click()
    picture(visitor, "certified")
    assert raters.decisions(place.store, "pupil", "school", "pupil")[0].decision == "passed"
    assert not any("golden-secret" in frame or "secret-one" in frame for frame in visitor.frames[before:])
    paper = tmp_path / "certificate.json"
    download.value.save_as(paper)
    checked = subprocess.run(
        [sys.executable, "-m", "app.cli.main", "verify", "certificate", str(paper), "--json"],
        env={**os.environ, "STEELYARD_DATA_DIRECTORY": str(server.directory)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(checked.stdout)["holds"] is True
    document = json.loads(paper.read_text())
    document["certificate"]["n_right"] -= 1
    assert not certifying.verify(place.store, document, folder=server.directory).is_genuine
    page.goto(f"{visitor.url}/rate?campaign=school")
    expect(page.get_by_role("button", name="Submit")).to_be_visible()


N_BEFORE = 11
"""Work before a blind repeat is possible."""


def purpose_of(place: Place, assignment_id: int) -> str | None:
    table = tables.assignment
    with place.store.read() as connection:
        return connection.scalar(select(table.c.purpose).where(table.c.id == assignment_id))


@pytest.fixture(scope="module")
def wired(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A calibrated round with repeats: work, and one gold comparison."""
    lines = [{"id": f"w{n}", **pair("one 1", "two 1", prompt="question 1")} for n in range(40)]
    gold = {"accepted": ["a"], "explanation": ""}
    lines.append({"id": "g1", **pair("one 2", "two 2", prompt="question 2"), "gold": gold})
    folder = tmp_path_factory.mktemp("wired")
    found(place, "wired", folder, lines, SCHOOL, overlap=5, repeat_rate=0.2)
    return place


def test_hidden_gold_and_repeats_of_a_calibrated_round_are_like_work_on_the_wire(visit: Visit, wired: Place) -> None:
    sent: dict[str, list[str]] = {}
    for purpose, roll in ((Purpose.WORK, 0.99), (Purpose.GOLD, 0.0), (Purpose.REPEAT, 0.3)):
        name = f"wired-{purpose.value}"
        enrol(wired, "wired", name, RaterState.QUALIFIED)
        raters.requalify(wired.store, "designer", "wired", name, reason="known")
        for n in range(N_BEFORE):
            given = next_assignment(wired.store, name, "wired", chance=_Never(n))
            assert given is not None
            submit(wired.store, name, given.id, said("a"))
        held = next_assignment(wired.store, name, "wired", chance=Always(roll))
        assert held is not None
        assert purpose_of(wired, held.id) == purpose.value
        visitor = visit()
        page = visitor.log_in(name, "/rate?campaign=wired")
        expect(page.get_by_role("button", name="Submit")).to_be_visible()
        page.wait_for_timeout(1500)
        side = "AB"[held.shown.index("a")] + "1"
        missing = page.get_by_text("Not answered yet:")
        for label, n_missing in (("Brevity", 1), ("Overall", 0)):
            page.get_by_role("radiogroup", name=label, exact=True).get_by_role("radio", name=side).click()
            expect(missing.filter(has_text="Brevity")).to_have_count(0)
            expect(missing).to_have_count(n_missing)
        page.wait_for_timeout(500)
        sent[purpose.value] = [line.replace(name, "NAME") for line in shapes(visitor)]
        for secret in ("secret-one", "secret-two", "propensity", "purpose"):
            assert secret not in page.content() + "".join(visitor.frames)
    work, *others = ({_either_side(line) for line in lines} for lines in sent.values())
    assert work
    for other in others:
        assert other == work


def _either_side(line: str) -> str:
    """A message without which of the two texts, and which of the two sides, stands first."""
    return line.replace("two #", "one #").replace("B#", "A#")


class _Never(random.Random):
    """Chance that draws work: the first roll is high, the rest is by the seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.is_first = True

    def random(self) -> float:
        was_first, self.is_first = self.is_first, False
        return 0.99 if was_first else super().random()
