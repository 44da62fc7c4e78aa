"""Reward models: what a run may be asked for, how it is followed, what the page reads from its files."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from app import jobs
from app.domain import JobState
from app.errors import InvalidInput, JobCancelled, NotAllowed
from app.services import job_board, job_rows, model_shelf, snapshot_shelf
from app.services.model_shelf import RunLog, RunOptions
from app.ui.components.models.words import BASELINE_NAMES
from tests.ui.places import Place
from tests.ui.speaking import button, field, person, words
from tests.ui.test_snapshots import build


def ask(place: Place, name: str, **options):
    """Ask for a run on the newest snapshot, as the page does."""
    researcher = person(place, "researcher")
    snapshot = snapshot_shelf.list_snapshots(place.store, researcher, "sample")[0]
    request = model_shelf.request_training(
        researcher,
        "sample",
        name=name,
        snapshot=snapshot,
        options=RunOptions(**options),
        data_directory=place.chosen.data_directory,
    )
    return jobs.submit(place.store, request, queue=jobs.make_queue(place.chosen))


def write_points(directory: Path, points: list[dict]) -> None:
    """A run's log."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "log.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points) + '{"step": 9')


def estimate(value: float, n: int = 40) -> dict:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": n, "n_tied": 0, "undefined_reason": None}


def write_model(directory: Path, snapshot_hash: str, *, accuracy: float = 0.7, run_id: str = "0123456789ab") -> None:
    """A finished model as `steelyard train` leaves one, without weights."""
    write_points(directory, [{"step": s, "n_steps": 2, "seconds": s, "loss": 0.7 - s / 10} for s in (1, 2)])
    run = {
        "run_id": run_id,
        "base": {"name": "minilm"},
        "target": "soft",
        "snapshot": {"hash": snapshot_hash},
        "parameters": {"seed": 0, "learning_rate": 3e-4, "batch_size": 16},
        "training": {"n_pairs": 50, "n_epochs": 1.0, "seconds": 9.0, "device": "cpu", "stopped_by": "epochs"},
        "finished_at": "2026-01-01T00:00:00+00:00",
    }
    data = {
        "name": "s",
        "hash": snapshot_hash,
        "split": "test",
        "label_source": "votes",
        "counted_kinds": ["simulated"],
    }
    evaluation = {
        "accuracy": estimate(accuracy),
        "accuracy_clustered": estimate(accuracy),
        "baselines": {"longer_wins": estimate(0.6), "tfidf": {"value": None, "undefined_reason": "too few pairs"}},
        "human_ceiling": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100},
        "data": data,
        "verdict": "The model agrees with the labels on 70.0% of 40 pairs.",
        "n_pairs": 40,
        "n_prompts": 40,
        "nll": estimate(0.6),
        "nll_soft": estimate(0.65),
        "label_entropy": estimate(0.3),
        "calibration": {
            **estimate(0.12),
            "bins": [{"low": 0.5, "high": 0.55, "n": 40, "confidence": 0.52, "accuracy": 0.7}],
        },
        "temperature": {"value": 0.8, "low": 0.6, "high": 1.2, "undefined_reason": None},
        "margin_histogram": {"edges": [-1.0, 0.0, 1.0], "counts": [12, 28]},
        "best_of_n": {**estimate(0.5, 20), "chance": 0.25, "subsets": []},
        "disagreements": {
            "n": 12,
            "n_likely_label_errors": 1,
            "n_likely_blind_spots": 0,
            "likely_label_errors": [
                {
                    "comparison_id": "x7",
                    "chosen_id": "a",
                    "rejected_id": "b",
                    "margin": -0.9,
                    "soft_label": 0.67,
                    "n_judgments": 3,
                    "log_odds_label_wrong": 1.2,
                    "with_model": ["longer_wins"],
                }
            ],
            "likely_blind_spots": [],
        },
        "probes": {
            "n_pairs": 40,
            "probes": [{"name": "said twice", "side": "rejected", "fooled": estimate(0.3, 28), "shift": estimate(0.4)}],
        },
        "slices": [{"group": "length", "name": "the longer response is chosen", **estimate(0.8, 30)}],
    }
    (directory / "report.json").write_text(json.dumps({"run": run, "evaluation": evaluation}))
    (directory / "run.json").write_text(json.dumps(run))


def test_every_baseline_has_words():
    reported = pytest.importorskip("reward.report").ROW_NAMES
    assert set(BASELINE_NAMES) == set(reported) - {"model"}


def test_without_snapshot_the_page_points_to_snapshots(seeded, open_page):
    at = open_page("models", login=seeded.log_in("researcher"), campaign="sample")
    assert "No snapshot to learn from" in words(at)
    at = open_page("models", login=seeded.log_in("researcher"), campaign="sample", models="Report")
    assert "No finished model yet" in words(at)


def test_the_form_asks_for_a_run_which_is_followed_from_its_files(seeded, open_page):
    build(seeded, "one")
    login = seeded.log_in("researcher")
    at = open_page("models", login=login, campaign="sample")
    field(at, "text_input", "Name").set_value("mine")
    field(at, "number_input", "Epochs").set_value(1.5)
    button(at, "Start run").click().run()
    assert not at.error, at.error[0].value
    [job] = job_board.jobs_of(seeded.store, person(seeded, "researcher"), "sample", "train")
    assert "--epochs=1.5" in job.arguments["options"]
    job_rows.start(seeded.store, job.id)
    output = model_shelf.run_output(job)
    assert model_shelf.run_state(output)[1] == "loading the base model"
    points = [{"step": s, "n_steps": 10, "seconds": 2.0 * s, "loss": 0.7, "accuracy": 0.5} for s in (1, 2, 3)]
    write_points(model_shelf.partial_of(output), points)
    at = open_page("models", login=login, campaign="sample")
    figures = {one.label: one.value for one in at.metric}
    assert figures["Step"] == "3 of 10"
    assert figures["Training time left"] == "14 s"
    assert "Training loss 0.700 at step 1, 0.700 at step 3" in words(at)
    measured = {"held_out_accuracy": 0.625, "held_out_low": 0.4, "held_out_high": 0.8, "held_out_n": 16}
    measured["held_out_margins"] = {"edges": [-1.0, 0.0, 1.0], "counts": [6, 10]}
    write_points(model_shelf.partial_of(output), [*points, {**points[-1], "step": 4, "seconds": 8.0, **measured}])
    at = open_page("models", login=login, campaign="sample")
    assert "Right on 62.5% of 16 validation pairs at step 4 of 10" in words(at)
    assert "6 of 16 pairs with a margin below 0 at step 4" in words(at)
    assert {one.label: one.value for one in at.metric}["Right on held-out pairs"] == "62%"
    button(at, "Cancel").click().run()
    assert button(at, "Stopping …").disabled
    assert job_rows.find(seeded.store, job.id).is_stopping


def test_report_and_comparison_are_read_from_files(seeded, open_page):
    snapshot_hash = build(seeded, "one").result["hash"]
    folder = seeded.chosen.data_directory / "models" / "sample"
    write_model(folder / "first", snapshot_hash)
    write_model(folder / "second", snapshot_hash, accuracy=0.75, run_id="ba9876543210")
    write_model(folder / "foreign", "f" * 64)
    login = seeded.log_in("researcher")
    at = open_page("models", login=login, campaign="sample", models="Report")
    assert not at.exception
    said = words(at)
    assert "The model agrees with the labels on 70.0% of 40 pairs." in said
    assert "On average the model is under-confident" in said
    assert {one.label: one.value for one in at.metric}["Temperature"] == "0.80 [0.60, 1.20]"
    assert "Lowest where the longer response is chosen: 80%" in said
    assert "12 of 40 pairs with a margin below 0" in said
    assert "by lot it would be 25%" in said
    assert "1 likely error of the label, 0 likely blind spots of the model" in said
    assert "a response is dressed up (said twice): the model is fooled 30% of the time (n = 28)" in said
    assert "foreign" not in str(at.selectbox(key="report-model").options)
    table = at.dataframe[0].value
    assert list(table["undefined"]) == ["", "", "too few pairs", ""]
    at = open_page("models", login=login, campaign="sample", models="Compare")
    assert "Both were measured on the same pairs" in words(at)
    assert "the intervals overlap" in words(at)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": " "}, "Name a base"),
        ({"epochs": 0}, "epochs is 0"),
        ({"target": "loud"}, "target is 'loud': choose one of soft, share, posterior, reliability, hard, margin"),
    ],
)
def test_a_run_out_of_range_is_refused(seeded, options, message):
    build(seeded, "one")
    with pytest.raises(InvalidInput, match=message):
        ask(seeded, "mine", **options)


def test_a_missing_extra_is_named_before_anything_starts(seeded, open_page, monkeypatch):
    build(seeded, "one")
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "trl" else found(name))
    at = open_page("models", login=seeded.log_in("researcher"), campaign="sample")
    assert "pip install 'steelyard[reward,demo]'" in words(at)
    with pytest.raises(InvalidInput, match="extra reward"):
        ask(seeded, "mine")


def test_only_those_who_may_see_models_and_jobs(seeded):
    build(seeded, "one")
    job = ask(seeded, "mine")
    for name in ("rater", "designer"):
        other = person(seeded, name)
        with pytest.raises(NotAllowed):
            model_shelf.list_models(seeded.store, other, "sample", data_directory=seeded.chosen.data_directory)
        for refused in (job_board.find_job, job_board.cancel, job_board.request_again):
            with pytest.raises(NotAllowed):
                refused(seeded.store, other, job.id)


def test_a_failed_run_says_why_in_its_own_words(seeded, tmp_path):
    build(seeded, "one")
    job = ask(seeded, "mine", base=str(tmp_path / "nothing"))
    jobs.run(seeded.store, job.id)
    failed = job_rows.find(seeded.store, job.id)
    assert failed.state is JobState.FAILED
    assert "nothing" in failed.message
    assert "Traceback" not in failed.message


def test_a_worker_that_is_told_to_end_gives_its_run_back(seeded, monkeypatch):
    build(seeded, "one")
    job = ask(seeded, "mine")
    assert job_rows.start(seeded.store, job.id)
    job_rows.release(seeded.store, job.id)
    assert job_rows.find(seeded.store, job.id).state is JobState.QUEUED

    def cancelled(*_args, **_options):
        raise JobCancelled("cancelled on request")

    monkeypatch.setattr(jobs, "run_child", cancelled)
    jobs.run(seeded.store, job.id)
    assert job_rows.find(seeded.store, job.id).state is JobState.CANCELLED
    request = job_board.request_again(seeded.store, person(seeded, "researcher"), job.id)
    assert request.arguments["output"] == job.arguments["output"], "it goes on where it stopped"


def test_a_run_whose_worker_is_gone_is_taken_up_at_once(seeded, monkeypatch):
    build(seeded, "one")
    job = ask(seeded, "mine")
    monkeypatch.setattr("os.getpid", lambda: 4_000_000)  # above the highest process number
    assert job_rows.start(seeded.store, job.id)
    monkeypatch.undo()
    assert job.id not in job_rows.lost(seeded.store)
    job_rows.release_orphans(seeded.store)
    assert job.id in job_rows.waiting(seeded.store)


def test_the_time_left_follows_the_present_process_after_a_resume():
    before = [{"step": s, "n_steps": 100, "seconds": 10.0 * s} for s in (1, 2, 3)]
    after = [{"step": s, "n_steps": 100, "seconds": 1.0 * (s - 3)} for s in (4, 5, 6)]
    assert RunLog((*before, *after)).seconds_left == 94.0
    assert RunLog(tuple(before[:1])).seconds_left is None
    assert RunLog(()).n_steps is None


def test_the_page_offers_every_target_of_training() -> None:
    from app.services.model_shelf import TARGETS as OFFERED
    from app.ui.components.models.start import TARGET_WORDS
    from reward.targets import TARGETS

    assert set(OFFERED) == set(TARGET_WORDS) == set(TARGETS)
