"""The rating page beyond one judgment: what has to be settled, another language, and how often it asks the database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from streamlit.testing.v1 import AppTest

from app.domain import Preferences, utc_now
from app.services import desk as desks
from app.services.preferences import set_preferences
from app.store import tables
from app.ui import session
from rubrics.loader import load_library
from rubrics.model import Rubric
from tests.browser.desks import make_desk, pair
from tests.ui.places import Place
from tests.ui.speaking import person, words
from tests.ui.test_rate import PAIR, answer, held, n_judgments, press

MOST_STATEMENTS = 20
"""A change of a rating: the person, the draft with its clock, then state, day, comparison and texts."""


@pytest.fixture
def settling(seeded: Place, tmp_path: Path) -> Place:
    """A campaign whose rubric has the rater settle tensions."""
    plain = load_library("helpful_harmless").to_dict()
    plain["justification"] |= {"must_settle_tension": True}
    make_desk(seeded, "settling", pair(), folder=tmp_path, rater="rater", rubric=Rubric.from_dict(plain))
    return seeded


def open_settling(place: Place, open_page) -> AppTest:
    return open_page("rate", login=place.log_in("rater"), campaign="settling")


def test_what_prevailed_is_required_where_the_rubric_says_so(settling, open_page):
    desk = held(settling, "settling")
    at = open_settling(settling, open_page)
    answer(at, desk, {**PAIR, "harmlessness": "2:3", "clarity": "tie"})
    press(at, "submit", desk)
    assert "Harmlessness and Helpfulness pull apart: choose which prevailed, or neither." in words(at)
    assert n_judgments(settling, desk.assignment.id) == 0
    name = f"rate-{desk.assignment.id}-tension-harmlessness-helpfulness"
    assert at.segmented_control(key=name).label == "Which prevailed: Harmlessness or Helpfulness?"
    at.segmented_control(key=name).set_value("neither").run()
    at = open_settling(settling, open_page)  # "neither" is an answer: another tab shows it
    assert at.segmented_control(key=name).value == "neither"
    press(at, "submit", desk)
    assert n_judgments(settling, desk.assignment.id) == 1
    [tension] = desks.reopen_desk(settling.store, "rater", desk.assignment.id).submission.tensions
    assert (tension.between, tension.prevailed) == (("harmlessness", "helpfulness"), None)


def test_home_counts_the_stretch_under_way_as_the_desk_does(seeded, open_page):
    desk = held(seeded)
    at = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    answer(at, desk, PAIR)
    press(at, "submit", desk)
    assert n_judgments(seeded, desk.assignment.id) == 1
    with seeded.store.write() as connection:
        connection.execute(tables.working_clock.update().values(seconds=25 * 60.0))
    assert "1 today, 25 min" in words(at.run())
    assert "1 rated today, 25 min of active time." in words(open_page("home", login=seeded.log_in("rater")))


def test_the_pages_of_a_rater_speak_the_language_of_the_person(seeded, open_page, monkeypatch):
    desk = held(seeded)
    at = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    press(answer(at, desk, PAIR), "submit", desk)
    set_preferences(seeded.store, person(seeded, "rater"), Preferences(language="de"))
    at = open_page("home", login=seeded.log_in("rater"))
    assert "Hallo, rater" in words(at)
    assert "Heute 1 bewertet" in words(at)
    assert "Weiter bewerten" in [button.label for button in at.button]
    at = open_page("my-work", login=seeded.log_in("rater"), campaign="sample")
    assert [metric.label for metric in at.metric][:2] == ["Heute", "Insgesamt"]
    assert "Diese Liste sehen nur Sie." in words(at)
    assert "Ändern" in [button.label for button in at.button]
    monkeypatch.setattr("app.services.own_card.utc_now", lambda: utc_now() + timedelta(days=1))
    at.toggle(key="my-card-sample").set_value(True).run()
    assert not at.exception
    assert "Übereinstimmung mit anderen" in list(at.dataframe[0].value["Maß"])
    at = open_page("my-calibration", login=seeded.log_in("rater"), campaign="sample")
    assert "Sie bekommen Arbeit, und alles ist in Ordnung." in words(at)
    at = open_page("exam", login=seeded.log_in("rater"), campaign="sample")
    assert "Diese Kampagne gibt ihren Mitgliedern sofort Arbeit." in words(at)
    at = open_page("learn", login=seeded.log_in("rater"), campaign="sample")
    assert "Grundlagen" in words(at)


def test_a_change_asks_the_database_for_each_thing_once(seeded, open_page):
    desk = held(seeded)
    at = open_page("rate", login=seeded.log_in("rater"), campaign="sample")
    asked: list[str] = []
    engine = session.get_store().engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))
    at.segmented_control(key=f"rate-{desk.assignment.id}-helpfulness").set_value("1:2").run()
    selects = [statement for statement in asked if statement.startswith("SELECT")]
    assert len(asked) <= MOST_STATEMENTS, "\n".join(asked)
    assert sum("FROM rater JOIN login_token" in statement for statement in selects) == 2  # the callback, then the page
    repeated = [statement for statement in set(selects) if selects.count(statement) > 1]
    assert all("login_token" in statement for statement in repeated), repeated
