"""A senior rater's afternoon in a real browser: an audit whose labels stay hidden, a review, and the work plan."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.domain import OVERALL, OverlapPolicy, Role, RoundRules
from app.services import audits, review_summary
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from app.services.judging import Submission, submit
from rubrics.answers import Answer
from rubrics.loader import load_library
from tests.browser.conftest import Server, Visitor, settle
from tests.services.house import line, vote
from tests.ui.places import Place

Visit = Callable[..., Visitor]
NAME = "senior"


@pytest.fixture(scope="module")
def settled(server: Server, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The served place with twelve comparisons that two raters settled on `a`, and one that nobody may judge."""
    rules = RoundRules(policy=OverlapPolicy.CURTAILED, audit_share=0.0)
    create_campaign(place.store, NAME, rubric=load_library("minimal"), title="Senior", rules=rules)
    lines = [line(f"x{n:02}", judgments=[vote("w1"), vote("w2")]) for n in range(12)]
    lines.append(line("alone", requires={"all": [{"skill": "medicine", "level": 2}]}))
    file = tmp_path_factory.mktemp("senior") / "lines.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    import_file(place.store, NAME, file)
    for role in (Role.DESIGNER, Role.RATER):
        add_member(place.store, NAME, role.value, roles=[role])
    return place


def picture(visitor: Visitor, name: str) -> None:
    """Keep a picture of the page where somebody wants to look at it."""
    if folder := os.environ.get("PICTURES_TO"):
        visitor.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_an_audit_from_start_to_rejection(visit: Visit, settled: Place) -> None:
    visitor = visit()
    page = visitor.log_in("designer", f"/login?next=%2Faudits%3Fcampaign%3D{NAME}")
    expect(page.get_by_text("Start an audit")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Audit 1 of round main")).to_be_visible()
    picture(visitor, "audit-open")
    expect(page.get_by_text("hidden until you have answered")).to_be_visible()
    assert not any("the votes settled on" in frame and "<b>" in frame for frame in visitor.frames)
    (audit,) = audits.list_audits(settled.store, "designer", NAME)
    for n in range(audit.plan.c + 1):
        expect(page.get_by_text(f"{n} of {audit.plan.n} inspected")).to_be_visible()
        page.get_by_role("radio", name="B1", exact=True).click()
        page.get_by_role("button", name="Compare with the label").click()
        expect(page.get_by_text("the votes settled on")).to_be_visible()
        if n == 0:
            picture(visitor, "audit-compare")
        page.get_by_text("It is wrong").click()
        page.get_by_label("Why").fill("a does not answer")
        page.get_by_role("button", name="Record and go on").click()
    expect(page.get_by_role("button", name="Record and go on")).to_have_count(0)
    expect(page.get_by_text("All audits")).to_have_count(1)  # not beside what the page has not yet taken away
    expect(page.get_by_text("All audits")).to_be_visible()
    (done,) = audits.list_audits(settled.store, "designer", NAME)
    assert (done.state, done.n_defects) == ("rejected", audit.plan.c + 1)


@pytest.mark.parametrize("dark", [False, True])
def test_the_work_plan(visit: Visit, settled: Place, dark: bool) -> None:
    visitor = visit(dark=True, width=390, height=844) if dark else visit()
    page = visitor.log_in("designer", f"/login?next=%2Fplan%3Fcampaign%3D{NAME}")
    expect(page.get_by_text("For 13 comparisons, from 4,000 simulated")).to_be_visible()
    expect(page.get_by_text("The round collects curtailed at 3")).to_be_visible()
    expect(page.get_by_text("Waiting for nobody")).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    picture(visitor, f"plan-{'dark' if dark else 'light'}")


@pytest.fixture(scope="module")
def layered(server: Server, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The served place with a round whose judgments are reviewed, and two of them by `rater`."""
    rubric = load_library("helpful_harmless")
    create_campaign(place.store, "layered", rubric=rubric, rules=RoundRules(gold_rate=0, review_share=1))
    lines = [line(name) for name in ("x", "y")]
    file = tmp_path_factory.mktemp("layered") / "lines.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    import_file(place.store, "layered", file)
    for role in (Role.RATER, Role.REVIEWER, Role.DESIGNER):
        add_member(place.store, "layered", role.value, roles=[role])
    for _ in lines:
        given = next_assignment(place.store, "rater", "layered")
        assert given is not None
        answer = Answer(preferred="a", strength=2)
        answers = dict.fromkeys((*given.criteria_shown, OVERALL), answer)
        words = "[response:a] says what to do, so Helpfulness decided here; nothing else differs."
        submit(place.store, "rater", given.id, Submission(answers, words))
    return place


def test_a_review_names_nobody_and_a_senior_settles_it(visit: Visit, layered: Place) -> None:
    visitor = visit()
    page = visitor.log_in("reviewer", "/login?next=%2Freview%3Fcampaign%3Dlayered")
    expect(page.get_by_text("Waiting for you: 2")).to_be_visible()
    expect(page.get_by_text("Response A says what to do")).to_be_visible()
    page.get_by_text("The attempt stands").click()
    page.get_by_role("button", name="Hand in and go on").click()
    expect(page.get_by_text("Waiting for you: 1")).to_be_visible()
    settle(page)
    page.get_by_text("Other answers should stand").click()
    overall = page.get_by_role("radiogroup", name="Overall", exact=True)
    expect(overall.get_by_role("radio", name="A2", exact=True)).to_be_checked()
    overall.get_by_role("radio", name="B1", exact=True).click()
    page.get_by_label("Why").fill("b answers, too, and is shorter")
    picture(visitor, "review")
    page.get_by_label("Why").press("Control+Enter")
    expect(page.get_by_text("Nothing to review")).to_be_visible()
    seen = page.content() + "".join(visitor.frames)
    for secret in ("model-a", "model-b", "by rater", '"rater"'):
        assert secret not in seen
    senior = visit(width=390, height=844, dark=True)
    page = senior.log_in("designer", "/login?next=%2Freview%3Fcampaign%3Dlayered")
    page.get_by_role("radio", name="To settle (1)").click()
    expect(page.get_by_text("b answers, too, and is shorter")).to_be_visible()
    page.get_by_text("The reviewer's answers should stand").click()
    page.get_by_label("Why").fill("both answer, the shorter one is better")
    picture(senior, "review-settle")
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 390
    page.get_by_role("button", name="Settle and go on").click()
    expect(page.get_by_text("in 1 other answers count")).to_be_visible()
    picture(senior, "review-so-far")
    found = review_summary.summarise(layered.store, "designer", "layered")
    assert (found.n_reviewed, found.n_edits, found.n_settled, found.n_changed) == (2, 1, 1, 1)
