"""Typed text survives reloads, log-outs and lost leases: saved while one types, kept in the tab until then."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from app.services import desk as desks
from app.services import sessions
from app.store import tables
from tests.browser.conftest import Visitor
from tests.browser.desks import make_desk, pair
from tests.browser.test_desk import ready
from tests.ui.places import PASSWORD, Place

Visit = Callable[..., Visitor]


def drafted(place: Place, name: str) -> str:
    """What the server has of a justification."""
    return (desks.open_desk(place.store, name, name).assignment.draft or {}).get("justification", "")


def test_text_is_saved_while_one_types_and_kept_in_the_tab_until_then(visit: Visit, place: Place, tmp_path: Path):
    make_desk(place, "keeping", pair(), folder=tmp_path)
    page = visit().log_in("keeping", "/rate?campaign=keeping")
    here = ready(page)
    field = page.get_by_label("Justification")
    field.press_sequentially("typing on and on without any pause at all", delay=100)
    assert len(drafted(place, "keeping")) > 10, "nothing was saved during four seconds of typing"
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    field.press_sequentially(" and then gone")
    page.reload()  # before anything was sent
    expect(page.get_by_text("This tab kept a text that did not reach the server:")).to_be_visible()
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("Justification")).to_have_value(re.compile("all and then gone$"))
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert drafted(place, "keeping").endswith("and then gone")

    sessions.end_logins(place.store, "keeping", actor="admin")  # as from another tab
    page.get_by_label("Justification").press_sequentially(" once more")
    expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()
    page.get_by_role("link", name="Log in").click()
    page.fill("#name", "keeping")
    page.fill("#password", PASSWORD)
    page.click("button")
    page.wait_for_selector("h2, .st-key-panel")
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + "/rate?campaign=keeping")
    expect(page.get_by_text("did not reach the server")).to_be_visible()
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("Justification")).to_have_value(re.compile("once more$"))
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()

    with place.store.write() as connection:  # the lease ran out, and the place is another's
        mine = tables.assignment.c.id == here
        connection.execute(tables.assignment.update().where(mine).values(state="expired"))
        round_id = tables.queue_item.c.round_id.in_(
            tables.assignment.select().with_only_columns(tables.assignment.c.round_id).where(mine).scalar_subquery()
        )
        connection.execute(tables.queue_item.update().where(round_id).values(is_open=False))
    page.get_by_label("Justification").press_sequentially(" too late")
    expect(page.get_by_role("heading", name="Nothing is left to rate here")).to_be_visible()
    kept = page.evaluate("sessionStorage.getItem('steelyard-typed')")
    assert "too late" in kept
