"""Campaigns: create, rounds and rules, members, import with refused lines, progress, closing, export."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import jobs
from app.domain import JobState, Role, RoundRules
from app.errors import InvalidInput, NotAllowed
from app.services import job_board, job_rows, managing, progress, sessions
from app.services.campaigns import add_member, create_campaign, show_campaign
from app.services.importing import import_file
from app.services.uploads import keep_upload
from app.store.engine import Store
from rubrics.loader import load_library
from tests.services.house import bring, make_campaign, make_rater, prefers, vote, wrong_counters
from tests.services.house import line as native_line
from tests.ui.speaking import button, person, words


def test_the_first_campaign_is_created_on_the_empty_page(empty, open_page):
    at = open_page("campaigns", login=empty.log_in("researcher"))
    assert "No campaign yet" in words(at)
    name, title, *_ = at.text_input
    name.set_value("fresh")
    title.set_value("A *fresh* one")
    button(at, "Create campaign").click().run()
    assert "Created campaign fresh" in words(at)
    assert show_campaign(empty.store, "fresh").campaign.title == "A *fresh* one"
    assert person(empty, "researcher").campaigns_for(managing.Action.IMPORT)[0].name == "fresh"
    assert "No comparisons yet" in words(at)


def test_a_bad_name_is_refused_in_place(empty, open_page):
    at = open_page("campaigns", login=empty.log_in("researcher"))
    at.text_input[0].set_value("two words")
    button(at, "Create campaign").click().run()
    assert "two words" in at.error[0].value
    assert not at.exception


def test_progress_shows_judgments_by_day_and_says_why_there_is_no_forecast(seeded, open_page):
    at = open_page("campaigns", login=seeded.log_in("researcher"), campaign="sample")
    n_judgments = sum(row.n_judgments for row in show_campaign(seeded.store, "sample").rounds)
    assert n_judgments
    assert f"{n_judgments} judgments on" in words(at)
    assert "cannot be told: no judgment came in the last 14 full days" in words(at)


def test_rounds_close_and_reopen(seeded, open_page):
    at = open_page("campaigns", login=seeded.log_in("researcher"), campaign="sample", campaigns="Rounds")
    button(at, "Close round").click().run()
    assert show_campaign(seeded.store, "sample").rounds[0].round.state == "closed"
    button(at, "Reopen round").click().run()
    assert show_campaign(seeded.store, "sample").rounds[0].round.state == "open"


def test_another_round_is_opened(seeded, open_page):
    at = open_page("campaigns", login=seeded.log_in("researcher"), campaign="small", campaigns="Rounds")
    next(one for one in at.text_input if one.label == "Name of the round").set_value("again")
    button(at, "Open round").click().run()
    assert not at.error, at.error[0].value
    assert "again" in [row.round.name for row in show_campaign(seeded.store, "small").rounds]


def test_members_are_added_changed_and_taken_out(seeded, open_page):
    at = open_page("campaigns", login=seeded.log_in("researcher"), campaign="small", campaigns="Members")
    at.selectbox(key="member-choice").set_value("second").run()
    at.multiselect(key="member-roles-second").set_value([Role.RATER, Role.DESIGNER])
    button(at, "Save roles").click().run()
    members = {m.name: m.roles for m in managing.members_of(seeded.store, person(seeded, "researcher"), "small")}
    assert members["second"] == {Role.RATER, Role.DESIGNER}
    button(at, "Take out").click().run()
    assert "second" in managing.candidates_for(seeded.store, person(seeded, "researcher"), "small")


def test_a_campaign_closes_and_reopens(seeded, open_page):
    at = open_page("campaigns", login=seeded.log_in("researcher"), campaign="sample", campaigns="Settings")
    button(at, "Close campaign").click().run()
    assert show_campaign(seeded.store, "sample").campaign.state == "closed"
    assert "This campaign is closed" in words(at)
    button(at, "Reopen campaign").click().run()
    assert show_campaign(seeded.store, "sample").campaign.state == "open"


def test_an_import_shows_its_refused_lines(seeded, open_page, tmp_path):
    source = tmp_path / "some file.jsonl"
    source.write_text(json.dumps(native_line("n1")) + "\n" + "no json\n" + json.dumps({"id": "n2"}) + "\n")
    with source.open("rb") as stream:
        path, n_lines = keep_upload(seeded.chosen.data_directory, stream, source.name)
    assert (path.name, n_lines) == ("some_file.jsonl", 3)
    request = job_board.request_import(person(seeded, "researcher"), "small", path=path, n_lines=n_lines)
    job = jobs.submit(seeded.store, request, queue=jobs.make_queue(seeded.chosen))
    login = seeded.log_in("researcher")
    at = open_page("campaigns", login=login, campaign="small", campaigns="Import")
    assert button(at, "Cancel") is not None
    jobs.run(seeded.store, job.id)
    assert not path.exists(), "an imported upload is removed"
    at = open_page("campaigns", login=login, campaign="small", campaigns="Import")
    assert "3 lines: 1 new comparisons, 0 new judgments, 2 lines refused." in words(at)
    assert list(at.dataframe[0].value["line"]) == [2, 3]


def test_an_import_without_a_file_left_is_not_started_again(seeded, tmp_path):
    missing = tmp_path / "uploads" / "x" / "gone.jsonl"
    request = job_board.request_import(person(seeded, "researcher"), "small", path=missing)
    job = jobs.submit(seeded.store, request, queue=jobs.make_queue(seeded.chosen))
    jobs.run(seeded.store, job.id)
    assert job_rows.find(seeded.store, job.id).state is JobState.FAILED
    with pytest.raises(InvalidInput, match="upload it again"):
        job_board.request_again(seeded.store, person(seeded, "researcher"), job.id)


def test_an_export_is_made_and_offered(seeded, open_page):
    researcher = person(seeded, "researcher")
    request = job_board.request_export(researcher, "sample", data_directory=seeded.chosen.data_directory)
    job = jobs.submit(seeded.store, request, queue=jobs.make_queue(seeded.chosen))
    jobs.run(seeded.store, job.id)
    at = open_page("campaigns", login=seeded.log_in("researcher"), campaign="sample", campaigns="Settings")
    assert f"{show_campaign(seeded.store, 'sample').rounds[0].n_judgments} judgments" in words(at)
    assert at.get("download_button")[0].label.replace("\\", "") == "Download sample.jsonl"


@pytest.mark.parametrize("name", ["rater", "designer", "second"])
def test_services_refuse_those_who_may_not(seeded, name):
    other = person(seeded, name)
    for refused in (
        lambda: managing.create_campaign(seeded.store, other, "x", rubric="library:minimal"),
        lambda: managing.set_campaign_open(seeded.store, other, "sample", is_open=False),
        lambda: managing.set_member(seeded.store, other, "sample", name, roles=[Role.RESEARCHER]),
        lambda: managing.change_rules(seeded.store, other, "sample", "main", rules=RoundRules()),
        lambda: job_board.request_import(other, "sample", path=Path("x")),
        lambda: job_board.request_export(other, "sample", data_directory=Path("x")),
        lambda: progress.collection_progress(seeded.store, other, "sample"),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_a_researcher_of_one_campaign_does_not_reach_another(empty):
    for name in ("mine", "theirs"):
        create_campaign(empty.store, name, rubric=load_library("minimal"))
    add_member(empty.store, "mine", "researcher", roles=[Role.RESEARCHER])
    managing.overview(empty.store, person(empty, "researcher"), "mine")
    with pytest.raises(NotAllowed):
        managing.overview(empty.store, person(empty, "researcher"), "theirs")


def test_nobody_becomes_admin_through_a_campaign(seeded):
    with pytest.raises(InvalidInput, match="an admin makes admins"):
        managing.set_member(seeded.store, person(seeded, "researcher"), "sample", "researcher", roles=[Role.ADMIN])


def test_a_changed_overlap_opens_and_closes_places(store: Store, tmp_path):
    make_campaign(
        store, tmp_path, [native_line("x1", judgments=[vote("w1"), vote("w2")]), native_line("x2")], overlap=3
    )
    make_rater(store, "lead")
    add_member(store, "c", "lead", roles=[Role.RESEARCHER])
    lead = sessions.person_named(store, "lead")
    for overlap, n_complete in ((2, 1), (1, 1), (5, 0)):
        managing.change_rules(store, lead, "c", "main", rules=RoundRules(overlap=overlap, gold_rate=0.0))
        assert show_campaign(store, "c").rounds[0].n_complete == n_complete
        assert wrong_counters(store) == []
    with pytest.raises(InvalidInput):
        managing.change_rules(store, lead, "c", "main", rules=RoundRules(overlap=0))


def test_progress_counts_days_in_utc_and_forecasts(store: Store, tmp_path):
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    make_campaign(store, tmp_path, overlap=1)
    make_rater(store, "lead")
    add_member(store, "c", "lead", roles=[Role.RESEARCHER])
    lines = [
        native_line(f"x{n}", judgments=[vote("w1", at=(now - timedelta(days=1 + n % 5)).isoformat())])
        for n in range(20)
    ]
    late = native_line("late", judgments=[vote("w1", at="2026-03-09T23:30:00-02:00")])  # the tenth, in UTC
    bring(store, tmp_path, [*lines, late, *(native_line(f"y{n}") for n in range(12))])
    found = progress.collection_progress(store, sessions.person_named(store, "lead"), "c", now=now)
    by_day = dict(zip(found.daily["day"].astype(str), found.daily["n_judgments"], strict=True))
    assert by_day["2026-03-10"] == 1
    assert by_day["2026-03-09"] == 4
    assert found.n_wanted == 12
    assert found.forecast.per_day.value == 4  # five full days of 4; today is left out
    assert found.forecast.days.value == 3
    assert [str(day) for day in found.complete_on] == ["2026-03-13"] * 3  # every day was the same: no spread


def test_what_a_person_submits_is_counted_at_once(seeded):
    from app.services.assigning import next_assignment
    from app.services.judging import submit

    before = progress.collection_progress(seeded.store, person(seeded, "researcher"), "small").n_wanted
    create_campaign(seeded.store, "quick", rubric=load_library("minimal"), rules=RoundRules(overlap=1, gold_rate=0.0))
    for name, role in (("rater", Role.RATER), ("researcher", Role.RESEARCHER)):
        add_member(seeded.store, "quick", name, roles=[role])
    file = seeded.chosen.data_directory / "quick.jsonl"
    file.write_text("".join(json.dumps(native_line(f"q{n}")) + "\n" for n in range(2)))
    import_file(seeded.store, "quick", file)
    assignment = next_assignment(seeded.store, "rater", "quick")
    submit(seeded.store, "rater", assignment.id, prefers("a"))
    found = progress.collection_progress(seeded.store, person(seeded, "researcher"), "quick")
    assert (found.n_wanted, int(found.daily["n_judgments"].sum())) == (1, 1)
    assert progress.collection_progress(seeded.store, person(seeded, "researcher"), "small").n_wanted == before
