"""Nothing that a rater did is lost, and nothing is stored twice, whatever happens to page, line, server or lease."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect
from sqlalchemy import func, select, update

from app.domain import Role, utc_now
from app.services import judging, sessions
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.database import open_store
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from rubrics.loader import load_library
from tests.browser.conftest import Server, free_port
from tests.browser.test_rater import choose, current, fill, wait_for_next
from tests.services.house import line, make_campaign
from tests.ui.places import PASSWORD, make_empty, settings_for

LONG = "It says at length what was asked for, and a little more than that. " * 4


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own, with comparisons that one judgment each completes."""
    make_empty(tmp_path)
    store = open_store(settings_for(tmp_path))
    lines = [
        line(f"x{number}", completions=[{"id": slot, "text": f"{number}{slot}. {LONG}"} for slot in "ab"])
        for number in range(12)
    ]
    rubric = load_library("helpful_harmless")
    make_campaign(store, tmp_path, lines, raters=(), rubric=rubric, overlap=1)
    add_account(store, "second")
    for name in ("rater", "second"):
        sessions.set_password(store, name, PASSWORD)
        add_member(store, "c", name, roles=[Role.RATER])
    store.close()
    made = Server(tmp_path, free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def store(own_server: Server) -> Iterator[Store]:
    """The served data, to look at behind the pages."""
    made = open_store(settings_for(own_server.directory))
    yield made
    made.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    """A browser window; lines are cut on purpose here, so that it may complain."""
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    made.set_default_timeout(60_000)
    yield made
    made.close()


def enter(page: Page, server: Server) -> Page:
    """Log in, to the rating screen."""
    page.goto(f"{server.url}/rate?campaign=c")
    page.fill("#name", "rater")
    page.fill("#password", PASSWORD)
    page.click("button")
    page.wait_for_selector(".st-key-panel [role=radio]")
    return page


def why(page: Page):
    """The field for the justification."""
    return page.locator('.st-key-panel [class*="-why"] textarea').last


def drafted(store: Store, assignment_id: int) -> dict:
    """What the server has of an assignment."""
    with store.read() as connection:
        draft = select(tables.assignment.c.draft).where(tables.assignment.c.id == assignment_id)
        return connection.scalar(draft) or {}


def is_drafted(page: Page, store: Store, assignment_id: int, text: str) -> bool:
    """Whether a text reaches the server soon; the page goes on meanwhile, and so does what routes its line."""
    for _ in range(200):
        if drafted(store, assignment_id).get("justification") == text:
            return True
        page.wait_for_timeout(200)
    return False


def n_judgments(store: Store) -> list[int]:
    """How many judgments every assignment with one has."""
    with store.read() as connection:
        counted = select(func.count()).select_from(tables.judgment).group_by(tables.judgment.c.assignment_id)
        return list(connection.scalars(counted))


def test_reload_back_another_page_and_two_tabs(window: BrowserContext, own_server: Server, store: Store):
    page = enter(window.new_page(), own_server)
    here = current(page)
    choose(page, "Helpfulness", "B3")
    why(page).press_sequentially("first words")
    assert is_drafted(page, store, here, "first words")
    page.reload()
    assert current(page) == here
    expect(why(page)).to_have_value("first words")
    page.get_by_role("link", name="My work").click()
    expect(page.get_by_role("heading", name="My work")).to_be_visible()
    page.go_back()
    assert current(page) == here
    expect(why(page)).to_have_value("first words")
    group = page.get_by_role("radiogroup", name="Helpfulness", exact=True)
    expect(group.get_by_role("radio", name="B3", exact=True)).to_be_checked()
    other = window.new_page()
    other.goto(f"{own_server.url}/rate?campaign=c")
    assert current(other) == here
    expect(why(other)).to_have_value("first words")
    fill(other)
    other.wait_for_timeout(3_000)  # until nothing of it is on its way
    fill(page)
    page.get_by_role("button", name="Submit").click(click_count=3, delay=10)
    after = wait_for_next(page, here)
    other.get_by_role("button", name="Submit").click()
    expect(other.get_by_text("That one was submitted already.")).to_be_visible()
    assert wait_for_next(other, here) == after
    assert n_judgments(store) == [1]


LATE = """
const Plain = Blob
window.Blob = class extends Plain {
  constructor(parts, options) {
    const isTyped = parts?.some((part) => typeof part === 'string' && part.includes('steelyard-typed'))
    super(isTyped ? ['await new Promise((go) => setTimeout(go, 6000));', ...parts] : parts, options)
  }
}
"""


def test_words_from_before_the_script_listened(window: BrowserContext, own_server: Server, store: Store):
    """The script that keeps what is typed comes late: it finds the words in the field and sends them."""
    window.add_init_script(LATE)
    page = enter(window.new_page(), own_server)
    here = current(page)
    why(page).press_sequentially("words in a hurry")
    page.wait_for_timeout(2_500)
    assert drafted(store, here).get("justification") is None
    assert is_drafted(page, store, here, "words in a hurry")


def test_a_cut_line_and_a_server_that_is_killed(window: BrowserContext, own_server: Server, store: Store):
    page = window.new_page()
    lines: list[WebSocketRoute] = []
    is_cut = False

    def route(ws: WebSocketRoute) -> None:
        if is_cut:
            ws.close()
        else:
            ws.connect_to_server()
            lines.append(ws)

    page.route_web_socket("**/_stcore/stream", route)
    enter(page, own_server)
    here = current(page)
    choose(page, "Clarity", "A1")
    why(page).press_sequentially("written and not sent")
    is_cut = True
    lines[-1].close()
    expect(why(page)).to_be_disabled()  # during a cut nothing can be typed, and what was typed stays
    expect(why(page)).not_to_be_focused()  # a browser takes the focus from it with the next frame
    page.keyboard.type(" yet, 1 or 2 words")  # what is typed on belongs to it, and answers nothing
    page.wait_for_timeout(2_000)
    page.keyboard.press("l")
    page.keyboard.press("e")  # what is marked is coloured at once, and told when there is somebody to tell
    page.wait_for_function("() => CSS.highlights.get('sy-marked').size === 1")
    page.wait_for_timeout(10_000)
    expect(why(page)).to_have_value("written and not sent")
    is_cut = False
    expect(page.get_by_role("button", name="Remove")).to_have_count(1)
    assert is_drafted(page, store, here, "written and not sent yet, 1 or 2 words")
    assert list(drafted(store, here)["answers"]) == ["clarity"]
    page.close()
    page = window.new_page()
    page.goto(f"{own_server.url}/rate?campaign=c")
    assert current(page) == here
    expect(why(page)).to_have_value("written and not sent yet, 1 or 2 words")
    why(page).press("End")
    assert own_server.process is not None
    why(page).press_sequentially(", twice")
    own_server.process.send_signal(signal.SIGKILL)
    own_server.process.wait(30)
    page.wait_for_timeout(2_000)
    own_server.start()
    assert is_drafted(page, store, here, "written and not sent yet, 1 or 2 words, twice")
    assert current(page) == here
    fill(page)
    page.get_by_role("button", name="Submit").click()
    wait_for_next(page, here)
    assert n_judgments(store) == [1]


def test_a_lease_that_runs_out_while_typing_and_a_log_out_in_another_tab(
    window: BrowserContext, own_server: Server, store: Store
):
    page = enter(window.new_page(), own_server)
    lost = current(page)
    why(page).press_sequentially("written in time")
    assert is_drafted(page, store, lost, "written in time")
    with store.write() as connection:
        assignment = tables.assignment
        connection.execute(
            update(assignment)
            .where(assignment.c.id == lost)
            .values(lease_expires_at=utc_now() - timedelta(minutes=1), takes_place=True)
        )
        taken = select(assignment.c.comparison_id).where(assignment.c.id == lost)
        wanted = connection.scalar(taken)
        connection.execute(
            update(tables.queue_item).where(tables.queue_item.c.comparison_id == wanted).values(priority=9.0)
        )
    for _ in range(12):  # the other rater takes what was left, this one among it
        view = next_assignment(store, "second", "c")
        with store.read() as connection:
            one = select(assignment.c.comparison_id).where(assignment.c.id == view.id)
            if connection.scalar(one) == wanted:
                break
        judging.skip(store, "second", view.id, reason="not this one")
    why(page).press_sequentially(", and then 1 or 2 more seconds too late", delay=90)
    after = wait_for_next(page, lost)
    expect(page.get_by_text("This text was for a comparison that you do not hold any more:")).to_be_visible()
    expect(page.get_by_text("written in time, and then 1 or 2 more seconds too late")).to_be_visible()
    assert page.locator(".st-key-panel").get_by_role("radio", checked=True).count() == 0
    page.get_by_role("button", name="Let it go").click()

    choose(page, "Helpfulness", "A1")
    why(page).press_sequentially("before the log-out")
    assert is_drafted(page, store, after, "before the log-out")
    other = window.new_page()
    other.goto(f"{own_server.url}/account")
    other.get_by_role("button", name="Log out").click()
    expect(other).to_have_url(f"{own_server.url}/login")
    why(page).press_sequentially(", and after it")
    expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()
    enter(other, own_server)
    why(other).fill("other words meanwhile")
    assert is_drafted(other, store, after, "other words meanwhile")
    page.goto(f"{own_server.url}/rate?campaign=c")
    assert current(page) == after
    expect(why(page)).to_have_value("other words meanwhile")
    expect(page.get_by_text("before the log-out, and after it")).to_be_visible()
    page.get_by_role("button", name="Put it back").click()
    assert is_drafted(page, store, after, "before the log-out, and after it")
    fill(page)
    page.get_by_role("button", name="Submit").click()
    wait_for_next(page, after)
    assert n_judgments(store) == [1]
