"""Reward models, the loop: cycles beside each other, the curve against lots, and a model that judges first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app import jobs
from app.domain import JobState, Role
from app.errors import InvalidInput, NotAllowed
from app.services import cycles, job_rows, prejudging, prejudging_desk
from app.services.campaigns import add_member
from app.services.model_shelf import read_model
from tests.services.ledgers import make_campaign
from tests.services.test_prejudging import lines, scores
from tests.ui.places import Place
from tests.ui.speaking import button, field, person, words
from tests.ui.test_models import estimate, write_model
from tests.ui.test_snapshots import build

CAMPAIGN = "c"


def loop(place: Place, folder) -> prejudging.Prejudging:
    """A campaign of 60 pairs that people have decided and 40 that wait, some of which a model has judged."""
    make_campaign(place.store, lines(n_wrong=2), folder, name=CAMPAIGN)
    add_member(place.store, CAMPAIGN, "researcher", roles=[Role.RESEARCHER])
    chosen = [cycles.Priority(f"p{i:03}", 1.0, "r", "random" if i % 3 else "d_optimal", 0.5) for i in range(12)]
    cycles.import_priorities(place.store, CAMPAIGN, chosen, source="priorities.jsonl")
    return prejudging.start(place.store, CAMPAIGN, scores(folder), max_error=0.2, audit_rate=0.25, seed=1)


def point(n: int, difference: float) -> dict:
    return {
        "n": n,
        "random": {"value": 0.6, "low": 0.5, "high": 0.7},
        "chosen": {"value": 0.6 + difference, "low": 0.5, "high": 0.7},
        "difference": {"value": difference, "low": -0.1, "high": 0.2},
    }


def test_cycles_show_votes_before_and_after_and_claim_no_saving(seeded, open_page):
    snapshot_hash = build(seeded, "one").result["hash"]
    folder = seeded.chosen.data_directory / "models" / "sample"
    login = seeded.log_in("researcher")
    at = open_page("models", login=login, campaign="sample", models="Cycles")
    assert "No cycle yet" in words(at)
    write_model(folder / "first", snapshot_hash)
    write_model(folder / "second", snapshot_hash, accuracy=0.75, run_id="ba9876543210")
    report = json.loads((folder / "second" / "report.json").read_text())
    report["evaluation"]["against_model"] = {
        "accuracy": estimate(0.7),
        "difference": {"value": 0.05, "low": -0.02, "high": 0.11},
        "sentence": "The model is not established to differ from 0123456789ab: +5.0 points.",
    }
    report["curve"] = {
        "points": [point(10, 0.01), point(20, 0.05)],
        "n_held_out": 40,
        "sentence": "After 20 pairs of each no difference between chosen and drawn by lot is established.",
        "undefined_reason": None,
    }
    (folder / "second" / "report.json").write_text(json.dumps(report))
    run = json.loads((folder / "second" / "run.json").read_text())
    (folder / "second" / "run.json").write_text(json.dumps({**run, "finished_at": "2026-02-01T00:00:00+00:00"}))
    at = open_page("models", login=login, campaign="sample", models="Cycles")
    assert not at.exception
    said = words(at)
    assert "not established to differ from 0123456789ab" in said
    assert "no difference between chosen and drawn by lot is established" in said
    table = at.dataframe[0].value
    assert list(table["model"]) == ["first", "second"]
    assert list(table["votes since"])[1] == 0
    assert list(table["before"])[1] == 0.7


def test_what_a_model_judged_first_is_shown_and_can_be_withdrawn(seeded, open_page, tmp_path):
    made = loop(seeded, tmp_path)
    login = seeded.log_in("researcher")
    at = open_page("models", login=login, campaign=CAMPAIGN, models="Judge first")
    assert not at.exception
    said = words(at)
    assert f"Batch {made.id}: labels stand" in said
    assert "No audited label is decided yet" in said
    assert "People overturn the model on 2 of 60 pairs" in said
    assert {one.label: one.value for one in at.metric}["label stands"] == str(made.outcomes["accepted"])
    button(at, "Withdraw, and ask people").click().run()
    assert "Say why" in at.error[0].value
    field(at, "text_input", "Why").set_value("the prompts leaked")
    button(at, "Withdraw, and ask people").click().run()
    assert f"Batch {made.id}: withdrawn" in words(at)
    at = open_page("models", login=login, campaign=CAMPAIGN, models="Cycles")
    assert not at.exception
    assert list(at.dataframe[0].value["arm"]) == ["d_optimal", "drawn by lot"]


def test_the_job_exports_scores_and_lets_labels_stand(seeded, tmp_path, monkeypatch):
    make_campaign(seeded.store, lines(), tmp_path, name=CAMPAIGN)
    add_member(seeded.store, CAMPAIGN, "researcher", roles=[Role.RESEARCHER])
    write_model(tmp_path / "model", "f" * 64)
    model = read_model(tmp_path / "model")
    asked = {"max_error": 0.1, "audit_rate": 0.1, "data_directory": seeded.chosen.data_directory}
    researcher = person(seeded, "researcher")
    with pytest.raises(InvalidInput, match="max_error is 2"):
        prejudging_desk.request_prejudging(researcher, CAMPAIGN, model, **{**asked, "max_error": 2})
    with pytest.raises(NotAllowed):
        prejudging_desk.request_prejudging(person(seeded, "designer"), CAMPAIGN, model, **asked)
    request = prejudging_desk.request_prejudging(researcher, CAMPAIGN, model, **asked)

    def score(command, log, *, on_tick):
        """What `python -m reward score` would do, without a model."""
        given = dict(one.removeprefix("--").split("=", 1) for one in command if one.startswith("--"))
        assert len(Path(given["input"]).read_text(encoding="utf-8").splitlines()) == 100
        on_tick()
        scores(tmp_path).rename(given["output"])
        return 0

    monkeypatch.setattr(jobs, "run_child", score)
    job = jobs.submit(seeded.store, request, queue=jobs.make_queue(seeded.chosen))
    jobs.run(seeded.store, job.id)
    done = job_rows.find(seeded.store, job.id)
    assert (done.state, done.message) == (JobState.DONE, done.message)
    assert done.result["outcomes"]["accepted"] > 20
    assert prejudging_desk.batches_for(seeded.store, researcher, CAMPAIGN)[0].outcomes == done.result["outcomes"]
    with pytest.raises(NotAllowed):
        prejudging_desk.withdraw_for(seeded.store, person(seeded, "designer"), CAMPAIGN, 1, reason="x")
