"""Events: everything that happened, filtered and paged; for admins."""

from __future__ import annotations

from datetime import timedelta

from app.domain import utc_now
from app.services import administration
from tests.ui.speaking import field, person, words


def test_events_are_paged_and_newest_come_first(seeded, open_page):
    at = open_page("events", login=seeded.log_in("admin"))
    table = at.dataframe[0].value
    assert len(table) == 50
    assert table["event"].is_monotonic_decreasing
    first = int(table["event"].iloc[-1])
    at.session_state["events-page"] = 2
    at.run()
    assert int(at.dataframe[0].value["event"].iloc[0]) < first


def test_a_filter_narrows_and_goes_back_to_the_first_page(seeded, open_page):
    at = open_page("events", login=seeded.log_in("admin"))
    at.session_state["events-page"] = 2
    field(at, "selectbox", "Action").set_value("campaign.created").run()
    assert set(at.dataframe[0].value["action"]) == {"campaign.created"}
    field(at, "text_input", "Subject contains").set_value("nothing is called so").run()
    assert "No such event" in words(at)


def test_one_event_is_shown_in_full(seeded, open_page):
    at = open_page("events", login=seeded.log_in("admin"))
    field(at, "selectbox", "Action").set_value("campaign.created").run()
    number = int(at.dataframe[0].value["event"].iloc[0])
    field(at, "selectbox", "Look at one").set_value(number).run()
    assert "counted_kinds" in at.json[0].value


def test_text_is_searched_literally(seeded):
    admin = person(seeded, "admin")
    assert administration.list_events(seeded.store, admin, text="%").n_all == 0
    assert administration.list_events(seeded.store, admin, text="CAMPAIGN sam").n_all > 0
    assert administration.list_events(seeded.store, admin, since=utc_now() + timedelta(days=1)).n_all == 0
    found = administration.list_events(seeded.store, admin, limit=3, offset=1)
    assert len(found.events) == 3
    assert found.n_all > 3
