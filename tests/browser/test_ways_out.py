"""What a rater can do beside judging: be warned, ask, read the answer, pause, report, refuse, say that nobody can."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.services import desk as desks
from app.services import questions, working_time
from app.services.importing import import_file
from app.services.unrankable import mark_not_rankable
from app.store import tables
from tests.browser.conftest import Visitor, settle
from tests.browser.desks import make_desk, pair
from tests.browser.test_desk import SIDEWAYS, answer, ready
from tests.browser.test_rater import current
from tests.ui.places import Place

Visit = Callable[..., Visitor]

COUNT_DESKS = """() => {
    window.mostDesks = 0
    window.pause = 20
    const count = () => document.querySelectorAll('.st-key-panel').length
    const watcher = new MutationObserver(() => { window.mostDesks = Math.max(window.mostDesks, count()) })
    watcher.observe(document.body, { childList: true, subtree: true })
}"""

ONE_BY_ONE = """{
    window.pause = 0
    const listen = WebSocket.prototype.addEventListener
    WebSocket.prototype.addEventListener = function (kind, hear, ...more) {
        if (kind !== 'message') return listen.call(this, kind, hear, ...more)
        let free = 0
        listen.call(this, kind, (event) => {
            free = Math.max(free + window.pause, performance.now())
            setTimeout(() => hear.call(this, event), free - performance.now())
        }, ...more)
    }
}"""
"""What the server tells reaches the page piece by piece, as from a busy server: `pause` milliseconds apart,
so that every state can be seen."""

BAR_AFTER_SCROLLING = """() => {
    const main = document.querySelector('[data-testid="stMain"]')
    const long = document.createElement('div')
    Object.assign(long.style, { height: '3000px', flexShrink: 0 })
    document.querySelector('.st-key-desk').append(long)
    main.scrollTo(0, 1500)
    const { top } = document.querySelector('.st-key-bar').getBoundingClientRect()
    long.remove()
    return top
}"""

EMPTY = "Nothing is left to rate here"


def choose_more(page: Page, entry: str) -> None:
    """An entry of the menu beside Submit; the menu closes with it."""
    page.get_by_role("button", name="More", exact=True).click()
    page.locator('[data-testid="stPopoverBody"]').get_by_role("button", name=entry, exact=True).click()
    expect(page.locator('[data-testid="stPopoverBody"]')).to_have_count(0)


def send(page: Page, label: str, text: str) -> None:
    """Write into the dialog, and send it."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(label).fill(text)
    dialog.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Sent. The answer will appear here.")).to_be_visible()
    expect(dialog).to_have_count(0)


def test_a_warning_first_then_a_question_with_its_answer_a_pause_and_a_report(
    visit: Visit, place: Place, tmp_path: Path
):
    line = pair("The grim part.", "The mild part.", content_kinds=["violence"])
    make_desk(place, "warned", line, folder=tmp_path, designers=["designer"])
    visitor = visit()
    page = visitor.page
    page.add_init_script(ONE_BY_ONE)
    page.goto(visitor.url + "/login?next=%2Frate%3Fcampaign%3Dwarned")
    page.fill("#name", "warned")
    page.fill("#password", "correct horse battery")
    page.click("button")
    expect(page.get_by_text("This comparison contains: violence.")).to_be_visible()
    assert "The grim part." not in page.content() + "".join(visitor.frames)
    page.get_by_role("button", name="Show it").click()
    here = ready(page)
    expect(page.get_by_text("The grim part.")).to_be_visible()
    answer(page, "1")

    choose_more(page, "Ask the designer")
    send(page, "What is unclear", "Is Response B a quote?")
    [asked] = questions.open_questions(place.store, "designer", "warned")
    second = desks.open_desk(place.store, "warned", "warned").assignment.shown[1]
    assert asked.text == f"Is Response {second.upper()} a quote?"  # the designer reads the letters of the ids
    questions.answer(place.store, "designer", asked.id, f"Yes, Response {second.upper()} is.")
    page.reload()
    assert ready(page) == here  # what has been begun is not hidden again
    page.evaluate(COUNT_DESKS)
    assert page.evaluate(BAR_AFTER_SCROLLING) >= 0  # the bar stays, whatever stands below it
    told = page.locator(f".st-key-answer-{asked.id}")
    expect(told).to_contain_text("Yes, Response B is.")
    told.get_by_role("button", name="Understood").click()
    expect(told).to_have_count(0)

    settle(page)
    assert page.evaluate("window.pause = 0, window.mostDesks") == 1  # what comes and goes above the desk moves nothing

    choose_more(page, "Pause, keep this for me")
    expect(page.get_by_role("heading", name="Pause")).to_be_visible()
    expect(page.get_by_text("The grim part.")).to_have_count(0)
    assert [one.ended_by for one in working_time.log(place.store, "warned")] == ["paused"]
    page.get_by_role("button", name="Go on").click()
    assert ready(page) == here
    expect(page.get_by_role("radiogroup", name="Helpfulness", exact=True).get_by_role("radio").first).to_be_checked()

    page.evaluate(COUNT_DESKS)
    choose_more(page, "Report harmful content")
    send(page, "What is harmful", "it praises a crime")
    ready(page)
    answer(page, "2")
    expect(page.get_by_text("Sent. The answer will appear here.")).to_have_count(0)
    settle(page)
    assert page.evaluate("window.pause = 0, window.mostDesks") == 1  # nor does what the click came to
    kinds = [(one.kind, one.text) for one in questions.open_questions(place.store, "designer", "warned")]
    assert kinds == [("harmful", "it praises a crime")]
    assert ready(page) == here


def test_kinds_of_content_can_be_refused_and_taken_back(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "refusing", pair(content_kinds=["self-harm"]), folder=tmp_path)
    visitor = visit()
    page = visitor.page
    page.goto(visitor.url + "/login?next=%2Frate%3Fcampaign%3Drefusing")
    page.fill("#name", "refusing")
    page.fill("#password", "correct horse battery")
    page.click("button")
    page.get_by_role("button", name="Never show me: self-harm").click()
    expect(page.get_by_role("heading", name=EMPTY)).to_be_visible()
    page.get_by_role("link", name="Account").click()
    choice = page.locator(".st-key-content-choice")
    expect(choice).to_contain_text("self-harm")
    choice.get_by_label("Remove self-harm").or_(choice.locator('[aria-label*="self-harm"] svg')).first.click()
    expect(choice.get_by_placeholder("None: show me everything")).to_be_visible()
    page.get_by_role("link", name="Rate", exact=True).click()
    expect(page.get_by_text("This comparison contains: self-harm.")).to_be_visible()
    with place.store.read() as connection:
        actions = select(tables.event.c.action).where(tables.event.c.actor == "refusing").order_by(tables.event.c.id)
        said = [one for one in connection.scalars(actions) if one.startswith("content.")]
    assert said == ["content.refused", "content.accepted"]


def test_not_rankable_is_a_judgment_with_a_reason(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "unrankable", pair(), folder=tmp_path, designers=["designer"])
    page = visit(width=390, height=844, dark=True).log_in("unrankable", "/rate?campaign=unrankable")
    here = current(page)
    choose_more(page, "Not rankable")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Mark as not rankable").click()
    expect(dialog.get_by_text("Choose a reason first.")).to_be_visible()
    dialog.get_by_text("Something else").click()
    dialog.get_by_role("button", name="Mark as not rankable").click()
    expect(dialog.get_by_text("Say in your words what it is.")).to_be_visible()
    dialog.get_by_label("In your words").fill("Response A is in Response B")
    assert page.evaluate(SIDEWAYS) <= 0
    dialog.get_by_role("button", name="Mark as not rankable").click()
    expect(page.get_by_text("Stored as not rankable")).to_be_visible()
    expect(page.get_by_role("heading", name=EMPTY)).to_be_visible()
    work = desks.reopen_desk(place.store, "unrankable", here)
    assert {one.preferred for one in work.submission.answers.values()} == {"cannot_judge"}
    first, second = (one.upper() for one in work.desk.assignment.shown)
    [told] = questions.open_questions(place.store, "designer", "unrankable")
    assert (told.kind, told.text) == ("not_rankable", f"Something else: Response {first} is in Response {second}")

    (tmp_path / "more.jsonl").write_text(json.dumps({"id": "y", **pair("Another.", "One more.")}), encoding="utf-8")
    import_file(place.store, "unrankable", tmp_path / "more.jsonl")
    page.reload()
    here = current(page)
    choose_more(page, "Not rankable")
    dialog.get_by_text("Something else").click()
    dialog.get_by_label("In your words").fill("too late")
    mark_not_rankable(place.store, "unrankable", here, reason="Something else", text="in another tab")
    dialog.get_by_role("button", name="Mark as not rankable").click()
    expect(page.get_by_text("That one was submitted already")).to_be_visible()
    assert len(questions.open_questions(place.store, "designer", "unrankable")) == 2
