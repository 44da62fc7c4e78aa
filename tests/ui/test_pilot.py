"""Pilot report: start one, send simulated raters, read what to change and the comparisons behind it."""

from __future__ import annotations

import pytest

from app import jobs
from app.domain import JobState, RoundPurpose
from app.errors import InvalidInput, NotAllowed
from app.services import job_board, job_rows, rubric_versions
from tests.ui.speaking import button, person, words


def start(at, **query):
    """Start a pilot with what the form offers."""
    button(at, "Start the pilot").click().run()
    assert not at.error, at.error[0].value


def test_a_pilot_is_started_judged_by_simulated_raters_and_read(seeded, open_page):
    login = seeded.log_in("designer")
    at = open_page("pilot", login=login, campaign="sample")
    assert "No pilot yet" in words(at)
    start(at)
    (made,) = [one for one in rubric_versions.rounds_in(seeded.store, "sample") if one.purpose is RoundPurpose.PILOT]
    assert (made.name, made.rules.sample, made.rules.overlap, made.rules.gold_rate) == ("pilot-1", 30, 3, 0.0)
    assert "Nobody of the chosen kinds has judged in this pilot" in words(at)
    button(at, "Send simulated raters").click().run()
    (job,) = job_board.jobs_of(seeded.store, person(seeded, "designer"), "sample", "simulate")
    jobs.run(seeded.store, job.id)
    done = job_rows.find(seeded.store, job.id)
    assert (done.state, done.result["n_judgments"]) == (JobState.DONE, 90), done.message
    at = open_page("pilot", login=login, campaign="sample")
    said = words(at)
    assert "is the vaguest criterion (agreement" in said
    assert "30 comparisons · 3 raters · 90 judgments" in said
    assert "Simulated raters gave 90 judgments." in said
    titles = [one.value for one in at.subheader]
    for title in ("What to change", "Vague criteria", "Criteria that say the same", "Criteria that pull apart"):
        assert title in titles
    assert len(at.get("vega_lite_chart")) == 4
    at.selectbox[-2].select_index(0).run()
    assert "sim-" in words(at), "a disputed comparison shows its votes"
    at.get("pills")[0].set_value(["human"]).run()
    assert "It has 90 judgments of other kinds" in words(at)


def test_a_simulation_that_cannot_run_says_why(seeded):
    designer = person(seeded, "designer")
    folder = seeded.chosen.data_directory
    request = job_board.request_simulation(
        designer, "sample", round_name="main", n_raters=1, n_judgments=1, data_directory=folder
    )
    request.arguments["raters"] = 0
    job = jobs.submit(seeded.store, request, queue=jobs.make_queue(seeded.chosen))
    jobs.run(seeded.store, job.id)
    done = job_rows.find(seeded.store, job.id)
    assert done.state is JobState.FAILED
    assert "--raters" in done.message
    with pytest.raises(InvalidInput, match="1 to 50"):
        job_board.request_simulation(
            designer, "sample", round_name="main", n_raters=0, n_judgments=1, data_directory=folder
        )
    with pytest.raises(NotAllowed):
        job_board.request_simulation(
            person(seeded, "rater"), "sample", round_name="main", n_raters=1, n_judgments=1, data_directory=folder
        )
