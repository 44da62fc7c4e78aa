"""Jobs: listed with state and progress, cancelled, started again; for admins."""

from __future__ import annotations

import pytest

from app import jobs
from app.domain import JobState
from app.errors import Conflict, NotAllowed
from app.services import job_board, job_rows
from app.services.job_board import JobRequest
from tests.ui.speaking import button, person, words


def ask(place):
    """A job of the researcher's."""
    request = job_board.request_export(
        person(place, "researcher"), "sample", data_directory=place.chosen.data_directory
    )
    return jobs.submit(place.store, request, queue=jobs.make_queue(place.chosen))


def test_without_jobs_the_page_says_where_they_come_from(empty, open_page):
    at = open_page("jobs", login=empty.log_in("admin"))
    assert "No job yet" in words(at)


def test_a_waiting_job_is_cancelled_and_started_again(seeded, open_page):
    job = ask(seeded)
    at = open_page("jobs", login=seeded.log_in("admin"))
    assert list(at.dataframe[0].value["state"]) == ["queued"]
    button(at, "Cancel").click().run()
    assert job_rows.find(seeded.store, job.id).state is JobState.CANCELLED
    button(at, "Start again").click().run()
    again = job_rows.list_jobs(seeded.store)[0]
    assert again.id != job.id
    assert (again.kind, again.arguments["output"]) == (job.kind, job.arguments["output"])
    assert again.actor == "admin"


def test_a_failed_job_shows_its_reason(seeded, open_page):
    request = JobRequest("import", "researcher", None, {"campaign": "sample", "path": "/nowhere/x.jsonl"})
    job = jobs.submit(seeded.store, request, queue=jobs.make_queue(seeded.chosen))
    jobs.run(seeded.store, job.id)
    at = open_page("jobs", login=seeded.log_in("admin"))
    assert "/nowhere/x.jsonl" in words(at)
    at.selectbox[1].set_value(JobState.DONE).run()
    assert "No job of this kind and state." in words(at)


def test_a_running_job_is_not_started_twice(seeded):
    job = ask(seeded)
    with pytest.raises(Conflict, match="queued"):
        job_board.request_again(seeded.store, person(seeded, "admin"), job.id)


def test_only_admins_see_every_job(seeded):
    for name in ("rater", "designer", "researcher"):
        with pytest.raises(NotAllowed):
            job_board.all_jobs(seeded.store, person(seeded, name))
