"""Quality: every section, kept reports, large campaigns by job, and who may look."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from app import jobs
from app.catalogue import CATALOGUE
from app.domain import Cause, JobState, RaterKind
from app.errors import InvalidInput, NotAllowed
from app.services import job_rows, quality
from app.services.adjudicating import decide
from app.services.campaigns import set_round_state
from app.services.importing import import_file
from app.ui.components.explain import TEXTS
from app.ui.components.quality.agreement import COEFFICIENTS
from app.ui.components.quality.card import MEASURES
from app.ui.pages.quality import SECTIONS
from rubrics.answers import Answer
from tests.ui.designing import NAME, bring_torn, torn_lines, words


@pytest.fixture
def torn(seeded, tmp_path):
    """The seeded place with the campaign of two people who weigh differently."""
    bring_torn(seeded.store, tmp_path)
    return seeded


@pytest.fixture
def folder(torn):
    """Where its reports are kept."""
    return torn.chosen.data_directory / "reports"


def vote_again(place, tmp_path) -> None:
    """One more vote, by a third person."""
    line = next(line for line in torn_lines() if line["id"] == "pair-05")
    file = tmp_path / "more.jsonl"
    file.write_text(json.dumps({**line, "judgments": [{"rater": "cy", "preferred": "tie"}]}))
    summary = import_file(place.store, NAME, file, format_name="native")
    assert not summary.refused, summary.refused


def test_without_votes_the_page_says_what_to_do(seeded, open_page):
    at = open_page("quality", login=seeded.log_in("researcher"), campaign="small")
    assert "No votes yet" in words(at)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("agreement", "Two raters give the same answer"),
        ("consensus", "6 of 63 pairs of responses"),
        ("raters", "Private to designers and researchers"),
        ("bias", "longer response wins"),
        ("models", "log odds"),
    ],
)
def test_every_section_reads_itself_shows_a_picture_and_a_table(torn, open_page, report, said):
    at = open_page("quality", login=torn.log_in("researcher"), campaign=NAME, report=report)
    assert not at.exception
    shown = words(at)
    assert said.lower() in shown.lower()
    assert "Counted kinds: human" in shown
    assert "as of event" in shown
    assert at.get("vega_lite_chart") or report == "consensus", "no gold here, so no method's accuracy to draw"
    assert at.dataframe
    assert at.get("popover")


def test_a_rater_card_is_chosen(seeded, open_page):
    at = open_page("quality", login=seeded.log_in("designer"), campaign="sample", report="raters")
    card = at.selectbox(key="rater-card")
    card.select_index(2).run()
    assert not at.exception
    assert list(at.dataframe[-1].value["Measure"]) == [CATALOGUE[f"card-{key}"][0] for key in MEASURES]


def test_drift_lines_are_drawn_with_a_reading(seeded, open_page):
    at = open_page("quality", login=seeded.log_in("designer"), campaign="sample", report="raters")
    assert "gold answers have become clearly worse" in words(at)
    picture = next(chart for chart in at.get("vega_lite_chart") if "CUSUM" in chart.proto.spec)
    assert '"at:Q"' not in picture.proto.spec
    assert "Set to notice a fall" in words(at)
    at.segmented_control(key="drift-line").set_value("accuracy").run()
    assert not at.exception
    assert any("rolling accuracy, last 20" in table.value.columns for table in at.dataframe)


def test_slices_of_a_cheap_report_are_there_at_once_and_others_come_from_a_job(torn, open_page):
    at = open_page("quality", login=torn.log_in("researcher"), campaign=NAME, report="bias")
    slices = at.selectbox(key="quality-by-torn")
    assert slices.options == ["not sliced", "by meta.topic"], "a serial number is no slice"
    slices.set_value("meta.topic").run()
    assert any("where meta.topic is" in one or "in no slice" in one for one in words(at).split("Clearly"))
    at.segmented_control(key="quality-section").set_value("agreement").run()
    assert "is working this out" in words(at)
    (job,) = [job for job in job_rows.list_jobs(torn.store) if job.kind == "report"]
    jobs.run(torn.store, job.id)
    assert job_rows.find(torn.store, job.id).state is JobState.DONE
    at.run()
    assert "raters agree least where meta.topic is" in words(at).replace("\\", "")


def test_a_large_campaign_is_counted_by_one_job_and_shows_the_last_report_until_then(
    torn, open_page, tmp_path, monkeypatch
):
    monkeypatch.setattr(quality, "SMALL", 5)
    monkeypatch.setattr("app.ui.components.reports.LOOK_EVERY_SECONDS", None)
    login = torn.log_in("researcher")

    def run_jobs() -> int:
        waiting = [job for job in job_rows.list_jobs(torn.store) if job.state is JobState.QUEUED]
        for job in waiting:
            jobs.run(torn.store, job.id)
        return len(waiting)

    at = open_page("quality", login=login, campaign=NAME)
    assert "is working this out" in words(at)
    at.run()
    assert run_jobs() == 2, "agreement and slices, each asked for once"
    at.run()
    assert "judgments" in words(at)
    assert "is working this out" not in words(at)
    vote_again(torn, tmp_path)
    at.run()
    assert "2 raters" in words(at)
    assert run_jobs() == 0, "a fresh report rests for a while"
    monkeypatch.setattr("app.ui.components.reports.REST", timedelta(0))
    at.run()
    assert "Below is the report as it stood." in words(at)
    assert "2 raters" in words(at)
    run_jobs()
    at.run()
    assert "3 raters" in words(at)


def test_a_failed_job_says_so_and_can_be_asked_for_again(torn, open_page, monkeypatch):
    monkeypatch.setattr(quality, "SMALL", 5)
    monkeypatch.setattr(quality, "MAKERS", {**quality.MAKERS, "raters": lambda store, wanted: 1 / 0})
    at = open_page("quality", login=torn.log_in("designer"), campaign=NAME, report="raters")
    (job,) = [job for job in job_rows.list_jobs(torn.store) if job.arguments["name"] == "raters"]
    jobs.run(torn.store, job.id)
    at.run()
    assert "did not make this report" in at.error[0].value.replace("\\", "")
    at.button[0].click().run()
    assert len([job for job in job_rows.list_jobs(torn.store) if job.arguments["name"] == "raters"]) == 2


def test_a_lost_report_is_made_again_and_an_old_worker_is_told_of(torn, open_page, monkeypatch):
    monkeypatch.setattr(quality, "SMALL", 5)

    def of_raters() -> list:
        return [job for job in job_rows.list_jobs(torn.store) if job.arguments["name"] == "raters"]

    at = open_page("quality", login=torn.log_in("designer"), campaign=NAME, report="raters")
    jobs.run(torn.store, of_raters()[0].id)
    for file in (torn.chosen.data_directory / "reports").iterdir():
        file.unlink()
    at.run()
    assert [job.state for job in of_raters()] == [JobState.QUEUED, JobState.DONE]
    monkeypatch.setattr(jobs.quality, "code", lambda: "an older version")
    jobs.run(torn.store, of_raters()[0].id)
    monkeypatch.undo()
    monkeypatch.setattr(quality, "SMALL", 5)
    monkeypatch.setenv("STEELYARD_DATA_DIRECTORY", str(torn.chosen.data_directory))
    at.run()
    assert "another version" in at.error[0].value
    assert len(of_raters()) == 2


def test_a_report_is_computed_once_until_somebody_votes(torn, folder, tmp_path, monkeypatch):
    calls = []
    made = quality.MAKERS["bias"]
    monkeypatch.setattr(
        quality, "MAKERS", {**quality.MAKERS, "bias": lambda store, wanted: calls.append(1) or made(store, wanted)}
    )
    wanted = quality.want(torn.store, "bias", NAME)
    first = quality.find(torn.store, "designer", wanted, folder=folder)
    decide(
        torn.store,
        "designer",
        NAME,
        "pair-00",
        answer=Answer(preferred="a"),
        cause=Cause.STYLE,
        reason="x",
    )
    set_round_state(torn.store, NAME, "main", is_open=False)
    assert quality.find(torn.store, "designer", wanted, folder=folder) == first
    assert len(calls) == 1
    vote_again(torn, tmp_path)
    later = quality.find(torn.store, "designer", wanted, folder=folder)
    assert len(calls) == 2
    assert later.as_of_event > first.as_of_event
    assert later.document["n_raters"] == first.document["n_raters"] + 1


def test_kinds_campaigns_and_slices_are_kept_apart(torn, folder):
    documents = [
        quality.find(torn.store, "designer", wanted, folder=folder).document
        for wanted in (
            quality.want(torn.store, "bias", NAME),
            quality.want(torn.store, "bias", NAME, kinds=[RaterKind.MODEL]),
            quality.want(torn.store, "bias", "sample"),
            quality.want(torn.store, "bias", NAME, by="meta.topic"),
        )
    ]
    assert len(list(folder.glob("bias-*.json"))) == 4
    assert documents[0]["n_raters"] == 2
    assert documents[1]["n_raters"] == 0
    assert documents[2]["kinds"] == ["simulated"]
    assert set(documents[3]) == {"art", "law"}


def test_a_rater_may_see_no_report_and_no_list_of_contested_comparisons(torn, folder):
    for name in quality.MAKERS:
        with pytest.raises(NotAllowed):
            quality.find(torn.store, "rater", quality.want(torn.store, name, NAME), folder=folder)
    assert not folder.exists()
    with pytest.raises(InvalidInput, match="the reports are agreement"):
        quality.want(torn.store, "nonsense", NAME)


def test_contested_comparisons_are_kept_most_divided_first(torn, folder):
    kept = quality.find(torn.store, "designer", quality.want(torn.store, "contested", NAME), folder=folder)
    rows = kept.document["contested"]
    assert {row["comparison_id"] for row in rows} == {"pair-00", "pair-01", "pair-02", "ranking-1"}
    assert all(row["n_votes"] == 2 for row in rows)


def test_every_section_is_explained_and_every_coefficient_named():
    assert set(SECTIONS) <= set(TEXTS)
    assert "krippendorff_alpha" in COEFFICIENTS
