"""A rater's day: a comparison skipped with a reason, a judgment taken up again, and a word about rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect
from sqlalchemy import select

from app.domain import utc_now
from app.services.working_time import REST_AFTER_SECONDS
from app.store import tables
from tests.browser.conftest import Visitor
from tests.browser.desks import make_desk, pair
from tests.browser.test_desk import answer, ready
from tests.ui.places import Place

Visit = Callable[..., Visitor]

EMPTY = "Nothing is left to rate here"


def test_a_comparison_is_skipped_with_a_reason(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "skipping", pair(), folder=tmp_path)
    page = visit().log_in("skipping", "/rate?campaign=skipping")
    here = ready(page)
    page.keyboard.press("s")
    page.get_by_text("I lack the knowledge to judge this", exact=True).click()
    expect(page.get_by_role("radio", name="I lack the knowledge to judge this")).to_be_checked()
    page.get_by_role("button", name="Skip this comparison").click()
    expect(page.get_by_role("heading", name=EMPTY)).to_be_visible()
    with place.store.read() as connection:
        event = select(tables.event).where(
            tables.event.c.action == "assignment.skipped", tables.event.c.subject == f"assignment {here}"
        )
        assert connection.execute(event).one().detail["reason"] == "I lack the knowledge to judge this"


def test_a_judgment_is_taken_up_again_and_the_old_one_stays(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "revising", pair(), folder=tmp_path)
    page = visit().log_in("revising", "/rate?campaign=revising")
    here = ready(page)
    answer(page, "22222")
    page.keyboard.press("n")
    page.keyboard.type("Helpfulness decided: Response A does more of what was asked.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name=EMPTY)).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="My work").click()
    expect(page.get_by_test_id("stMetric").filter(has_text="In all").first).to_contain_text("1")
    page.get_by_role("button", name="Revise").click()
    expect(page.locator("[data-sy-here]")).to_have_count(1)
    expect(page.get_by_label("Justification")).to_have_value(
        "Helpfulness decided: Response A does more of what was asked."
    )
    page.get_by_role("radiogroup", name="Overall", exact=True).get_by_role("radio", name="A1", exact=True).click()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Saved as revision 1")).to_be_visible()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_text("revised 1×")).to_be_visible()
    with place.store.read() as connection:
        of_overall = (
            select(tables.judgment.c.revision, tables.verdict.c.strength)
            .join(tables.verdict)
            .where(tables.judgment.c.assignment_id == here, tables.verdict.c.criterion == "overall")
            .order_by(tables.judgment.c.revision)
        )
        assert connection.execute(of_overall).all() == [(0, 2), (1, 1)]


def test_long_work_is_told_gently(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "resting", pair(), folder=tmp_path)
    page = visit().log_in("resting", "/rate?campaign=resting")
    ready(page)
    told = page.get_by_text("A few minutes away from the screen do good.")
    expect(told).to_have_count(0)
    clock = tables.working_clock
    worked = {"unbroken_seconds": REST_AFTER_SECONDS, "last_at": utc_now()}
    with place.store.write() as connection:
        whose = select(tables.rater.c.id).where(tables.rater.c.name == "resting").scalar_subquery()
        assert connection.execute(clock.update().where(clock.c.rater_id == whose).values(worked)).rowcount == 1
    answer(page, "1")
    expect(told).to_be_visible()
    assert page.get_by_role("button", name="Submit").is_enabled(), "nothing is taken away from who works on"
