"""Typed text survives reloads, cuts, log-outs, lost leases and dead servers; work and gold look alike on the wire."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.domain import Purpose, Role
from app.services import desk as desks
from app.services import sessions
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from app.services.people import add_account
from app.store import tables
from rubrics.loader import load_library
from tests.browser.conftest import Server, Visitor, free_port
from tests.browser.desks import make_desk, pair
from tests.browser.test_desk import ready
from tests.browser.test_rater import choose, current, n_submitted
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
    expect(page.get_by_label("Justification")).to_have_value(re.compile("all and then gone$"))  # it came back
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


def test_a_tab_outlives_the_server_and_a_cut(visit: Visit, place: Place, server: Server, tmp_path: Path):
    make_desk(place, "outlive", pair(), folder=tmp_path)
    other = Server(server.directory, free_port())
    other.start()
    visitor = visit()
    visitor.url = other.url
    page = visitor.log_in("outlive", "/rate?campaign=outlive")
    ready(page)
    choose(page, "Helpfulness", "A2")
    page.wait_for_timeout(300)
    page.get_by_label("Justification").fill("Response A was typed while nobody listened, Helpfulness decided.")
    other.stop()  # before anything was sent
    page.wait_for_timeout(4000)
    assert "nobody listened" not in drafted(place, "outlive")
    other.start()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible(timeout=60_000)
    assert "nobody listened" in drafted(place, "outlive")
    expect(page.get_by_label("Justification")).to_have_value(re.compile("^Response A was typed"))
    for label in ("Harmlessness", "Honesty", "Clarity", "Overall"):
        choose(page, label, "A2")
    page.get_by_role("button", name="Submit").click(click_count=3, delay=10)
    expect(page.get_by_role("heading", name="Nothing is left to rate here")).to_be_visible()
    assert n_submitted(place, "outlive") == 1
    page.close()
    other.stop()
    visitor.complaints[:] = [one for one in visitor.complaints if "TypeError" in one]  # a cut is no error of ours


class _Always(random.Random):
    """Chance that draws gold, or never."""

    def __init__(self, roll: float) -> None:
        super().__init__(1)
        self.roll = roll

    def random(self) -> float:
        return self.roll


def shapes(visitor: Visitor) -> list[str]:
    """What the server sent for the desk, one line a message, numbers and the texts of the comparison left out."""
    lines = []
    for frame in visitor.binary:
        message = ForwardMsg()
        message.ParseFromString(frame)
        if message.WhichOneof("type") != "delta":
            continue
        text = re.sub(r"\d+", "#", str(message))
        if "st-key" in text or "rate-#" in text or "sy-" in text:
            lines.append(re.sub(r"(hash|id|metadata).*", "", text))
    return lines


def test_gold_and_work_are_the_same_on_the_wire(visit: Visit, place: Place, tmp_path: Path):
    create_campaign(place.store, "wire", rubric=load_library("helpful_harmless"))
    file = tmp_path / "wire.jsonl"
    lines = [{"id": "w1", **pair("one 1", "two 1")}, {"id": "g1", **pair("one 2", "two 2")}]
    lines[1]["gold"] = {"accepted": ["a"], "explanation": "golden-secret"}
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    import_file(place.store, "wire", file, format_name="native")
    seen = {}
    for name, roll in (("wire-work", 0.99), ("wire-gold", 0.0)):
        add_account(place.store, name)
        sessions.set_password(place.store, name, PASSWORD)
        add_member(place.store, "wire", name, roles=[Role.RATER])
        held = next_assignment(place.store, name, "wire", chance=_Always(roll))
        with place.store.read() as connection:
            purpose = connection.scalar(
                tables.assignment.select()
                .with_only_columns(tables.assignment.c.purpose)
                .where(tables.assignment.c.id == held.id)
            )
        assert purpose == (Purpose.GOLD if roll == 0 else Purpose.WORK)
        visitor = visit()
        page = visitor.log_in(name, "/rate?campaign=wire")
        current(page)
        page.wait_for_timeout(1500)
        seen[name] = [line.replace(name, "NAME") for line in shapes(visitor)]
        for secret in ("golden-secret", "secret-one", "secret-two", "propensity", "purpose"):
            assert secret not in page.content() + "".join(visitor.frames)
    work, gold = (sorted(set(lines)) for lines in seen.values())
    swapped = [line.replace("one #", "@").replace("two #", "one #").replace("@", "two #") for line in gold]
    assert work
    assert gold == work or sorted(set(swapped)) == work
