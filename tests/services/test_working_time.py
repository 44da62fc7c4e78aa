"""Working time: gaps count up to a bound, pauses count nothing, the log is only added to, one clock for all tabs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain import Assignment
from app.errors import Conflict, NotFound
from app.services import working_time
from app.services.assigning import next_assignment
from app.services.judging import save_draft, skip, submit
from app.store import tables
from app.store.engine import Store
from tests.services.house import line, make_campaign, prefers, rows, wrong_counters

START = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def lease(store: Store, seconds: float = 0, name: str = "ann") -> Assignment:
    given = next_assignment(store, name, "c", now=at(seconds))
    assert given is not None
    return given


def logged(store: Store, name: str = "ann") -> list[tuple[float, float, float, str]]:
    """The log as began, ended (seconds from the start), active seconds, what ended it."""
    return [
        ((one.started_at - START).total_seconds(), (one.ended_at - START).total_seconds(), one.seconds, one.ended_by)
        for one in working_time.log(store, name)
    ]


def test_what_is_done_between_lease_and_submission_counts(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1"), line("x2")])
    view = lease(store)
    for seconds in (40, 60, 75):
        save_draft(store, "ann", view.id, {"n": seconds}, now=at(seconds))
    running = working_time.today(store, "ann", since=START)
    assert (running.n_judgments, running.seconds, running.paused_at) == (0, 75, None)
    assert logged(store) == []
    submit(store, "ann", view.id, prefers(), now=at(80))
    submit(store, "ann", view.id, prefers(), now=at(500))
    assert logged(store) == [(0, 80, 80, "submitted")]
    assert rows(store, tables.judgment)[0].active_seconds == 80
    other = lease(store, 82)
    skip(store, "ann", other.id, reason="no", now=at(90))
    assert logged(store)[1:] == [(82, 90, 8, "skipped")]
    assert working_time.today(store, "ann", since=START) == working_time.Today(1, 88, 88, None)
    assert working_time.today(store, "ann", since=at(81)).seconds == 8


def test_a_long_silence_counts_up_to_the_bound_and_begins_a_stretch_of_its_own(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], lease_seconds=86_400)
    view = lease(store)
    save_draft(store, "ann", view.id, {}, now=at(10))
    save_draft(store, "ann", view.id, {}, now=at(10_000))
    submit(store, "ann", view.id, prefers(), now=at(10_030))
    assert logged(store) == [(0, 100, 100, "stopped"), (10_000, 10_030, 30, "submitted")]
    assert rows(store, tables.judgment)[0].active_seconds == 130
    assert working_time.today(store, "ann", since=START).unbroken_seconds == 30


def test_reading_long_texts_counts_as_long_as_a_slow_reader_needs(store: Store, tmp_path: Path) -> None:
    texts = [{"id": slot, "text": "words " * 300} for slot in "ab"]
    make_campaign(store, tmp_path, [line("x1", completions=texts)], lease_seconds=86_400)
    view = lease(store)
    save_draft(store, "ann", view.id, {}, now=at(250))
    assert working_time.today(store, "ann", since=START).seconds == 250
    submit(store, "ann", view.id, prefers(), now=at(5_000))
    total = rows(store, tables.judgment)[0].active_seconds
    assert 550 <= total <= 560


def test_a_pause_counts_nothing_and_holds_the_comparison(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=["ann", "bob"], overlap=1, lease_seconds=600)
    view = lease(store)
    save_draft(store, "ann", view.id, {"why": "half"}, now=at(20))
    working_time.pause(store, "ann", hold=True, now=at(30))
    assert working_time.today(store, "ann", since=START).paused_at == at(30)
    with pytest.raises(Conflict, match="pauses since 10:00 UTC"):
        working_time.arrive(store, "ann", view.id, now=at(40))
    assert next_assignment(store, "bob", "c", now=at(620)) is None
    assert working_time.resume(store, "ann", now=at(600))
    assert not working_time.resume(store, "ann", now=at(600))
    submit(store, "ann", view.id, prefers(), now=at(615))
    assert logged(store) == [(0, 30, 30, "paused"), (600, 615, 15, "submitted")]
    actions = [event.action for event in rows(store, tables.event)]
    assert [one for one in actions if one in ("assignment.paused", "assignment.resumed")] == [
        "assignment.paused",
        "assignment.resumed",
    ]


def test_a_pause_may_hand_the_comparison_back_and_the_words_are_kept(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=["ann", "bob"], overlap=1)
    view = lease(store)
    save_draft(store, "ann", view.id, {"why": "half"}, now=at(20))
    working_time.pause(store, "ann", hold=False, now=at(30))
    other = lease(store, 40, "bob")
    skip(store, "bob", other.id, reason="no", now=at(50))
    assert wrong_counters(store) == []
    working_time.resume(store, "ann", now=at(60))
    again = lease(store, 61)
    assert (again.id, again.draft) == (view.id, {"why": "half"})


def test_coming_back_to_the_screen_is_the_beginning_of_reading(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1"), line("x2")], raters=["ann", "bob"], lease_seconds=86_400)
    view = lease(store)
    save_draft(store, "ann", view.id, {}, now=at(10))
    working_time.arrive(store, "ann", view.id, now=at(5_000))
    submit(store, "ann", view.id, prefers(), now=at(5_050))
    assert logged(store)[1:] == [(5_000, 5_050, 50, "submitted")]
    with pytest.raises(NotFound, match="bob holds no assignment"):
        working_time.arrive(store, "bob", view.id)


def test_a_rest_is_suggested_after_fifty_minutes_without_one(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, [line("x1")], lease_seconds=86_400)
    view = lease(sqlite_store)
    for minute in range(1, 51):
        assert not working_time.today(sqlite_store, "ann", since=START).may_rest
        save_draft(sqlite_store, "ann", view.id, {}, now=at(60 * minute))
    assert working_time.today(sqlite_store, "ann", since=START).may_rest
    save_draft(sqlite_store, "ann", view.id, {}, now=at(60 * 50 + 600))
    assert not working_time.today(sqlite_store, "ann", since=START).may_rest


def test_the_log_as_a_table_to_take_along(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, [line("x1")])
    view = lease(sqlite_store)
    submit(sqlite_store, "ann", view.id, prefers(), now=at(12.25))
    assert working_time.log_csv(working_time.log(sqlite_store, "ann")) == (
        "began,ended,active_seconds,ended_by,campaign,assignment\n"
        f"2026-01-31T10:00:00+00:00,2026-01-31T10:00:12+00:00,12.2,submitted,c,{view.id}\n"
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("spra"), st.floats(0, 400)), min_size=1, max_size=12))
def test_active_time_never_exceeds_the_clock_on_the_wall(sqlite_store: Store, tmp_path: Path, steps: list) -> None:
    store = sqlite_store
    with store.write() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(table.delete())
    make_campaign(store, tmp_path, [line("x1")], lease_seconds=86_400)
    view, now = lease(store), 0.0
    for step, seconds in steps:
        now += seconds
        if step == "p":
            working_time.pause(store, "ann", hold=True, now=at(now))
        elif step == "r":
            working_time.resume(store, "ann", now=at(now))
        else:
            save_draft(store, "ann", view.id, {}, now=at(now))
    submit(store, "ann", view.id, prefers(), now=at(now))
    log = logged(store)
    assert sum(seconds for *_, seconds, _ in log) <= now + 0.01
    assert all(seconds <= ended - began + 0.01 for began, ended, seconds, _ in log)
    assert all(one[1] <= other[0] + 0.01 for one, other in pairwise(log))
