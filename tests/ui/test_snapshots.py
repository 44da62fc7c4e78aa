"""Snapshots: build by a job, the shelf, the card, two compared, one to take along."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from app import jobs
from app.domain import JobState, RaterKind, Role
from app.errors import InvalidInput, NotAllowed
from app.services import job_board, job_rows, rubric_versions, snapshot_shelf
from app.services.importing import import_file
from app.services.snapshot_shelf import SnapshotOptions
from reward.contract import read_manifest
from rubrics.loader import dump_rubric
from rubrics.model import Rubric
from tests.ui.designing import NAME, RUBRIC, bring_torn
from tests.ui.places import Place
from tests.ui.speaking import button, field, person, words


def build(place: Place, name: str, **options):
    """Build a snapshot of the sample campaign through a job, as the page does."""
    request = snapshot_shelf.request_snapshot(
        person(place, "researcher"),
        "sample",
        name=name,
        options=SnapshotOptions(**options),
        data_directory=place.chosen.data_directory,
    )
    job = jobs.submit(place.store, request, queue=jobs.make_queue(place.chosen))
    jobs.run(place.store, job.id)
    done = job_rows.find(place.store, job.id)
    assert done.state is JobState.DONE, done.message
    return done


def test_the_empty_shelf_says_what_to_do(seeded, open_page):
    at = open_page("snapshots", login=seeded.log_in("researcher"), campaign="sample")
    assert "No snapshot yet" in words(at)


def test_the_form_asks_for_a_job_with_its_options(seeded, open_page):
    at = open_page("snapshots", login=seeded.log_in("researcher"), campaign="sample", snapshots="Build")
    field(at, "text_input", "Name").set_value("asked")
    field(at, "number_input", "Votes that a pair needs").set_value(2)
    button(at, "Build snapshot").click().run()
    assert not at.error, at.error[0].value
    [job] = job_board.jobs_of(seeded.store, person(seeded, "researcher"), "sample", "snapshot")
    assert job.arguments["output"].endswith("snapshots/sample/asked")
    assert job.arguments["options"]["min_judgments"] == 2
    assert job.arguments["kinds"] == [RaterKind.SIMULATED]
    button(at, "Cancel").click().run()
    assert job_rows.find(seeded.store, job.id).state is JobState.CANCELLED
    assert f"Snapshot {job.id} was cancelled" in words(at)


def test_votes_under_two_versions_need_a_mapping_and_the_refusal_leads_to_it(seeded, open_page, tmp_path):
    bring_torn(seeded.store, tmp_path)
    newer = RUBRIC.to_dict()
    newer["criteria"][0] |= {"key": "use", "name": "Use", "question": "How much can be done with it?"}
    newer["tensions"] = []
    version, _ = rubric_versions.publish_text(seeded.store, dump_rubric(Rubric.from_dict(newer)), actor="designer")
    answers = {"use": {"scores": {"a": 5, "b": 1}}, "clear": {"scores": {"a": 4, "b": 2}}}
    vote = {"rater": "cy", "preferred": "a", "criteria": answers, "round": "second", "rubric_version": version.version}
    line = {"id": "new", "prompt": "New?", "completions": [{"id": slot, "text": slot} for slot in "ab"]}
    file = tmp_path / "second.jsonl"
    file.write_text(json.dumps({**line, "judgments": [vote]}), encoding="utf-8")
    assert not import_file(seeded.store, NAME, file, format_name="native").refused
    at = open_page("snapshots", login=seeded.log_in("researcher"), campaign=NAME, snapshots="Build")
    assert "They mean the same there and keep their name: clear, polite." in words(at)
    button(at, "Build snapshot").click().run()
    assert "what becomes of help, or choose a single round" in at.error[0].value
    field(at, "selectbox", "Rounds").set_value("second").run()
    assert "Criteria of older versions" not in words(at)
    field(at, "selectbox", "Rounds").set_value("all rounds").run()
    field(at, "selectbox", "help becomes").set_value("clear").run()
    button(at, "Build snapshot").click().run()
    assert "tick “Count them together”" in at.error[0].value
    field(at, "checkbox", "Count them together").check().run()
    button(at, "Build snapshot").click().run()
    assert "would both become clear" in at.error[0].value
    field(at, "selectbox", "help becomes").set_value("use").run()
    button(at, "Build snapshot").click().run()
    assert not at.error, at.error[0].value
    [job] = job_board.jobs_of(seeded.store, person(seeded, "researcher"), NAME, "snapshot")
    assert job.arguments["options"]["mapping"] == {"help": "use"}
    jobs.run(seeded.store, job.id)
    done = job_rows.find(seeded.store, job.id)
    assert done.state is JobState.DONE, done.message
    said = read_manifest(Path(done.result["directory"])).content["rubric"]
    assert (said["version"], said["mapping"]["named"]) == (version.version, {"help": "use"})


def test_shelf_card_comparison_and_zip(seeded, open_page):
    build(seeded, "one")
    build(seeded, "two", min_judgments=2)
    login = seeded.log_in("researcher")
    at = open_page("snapshots", login=login, campaign="sample")
    assert list(at.dataframe[0].value["name"]) == ["two", "one"]
    assert "The hash is the snapshot" in words(at)
    assert "A frozen snapshot of the preference campaign" in words(at)
    assert "pretty_name" not in words(at), "the header for machines is not shown"
    first, second = reversed(snapshot_shelf.list_snapshots(seeded.store, person(seeded, "researcher"), "sample"))
    assert snapshot_shelf.verify(first) is None
    at = open_page("snapshots", login=login, campaign="sample", snapshots="Compare")
    fewer = first.content["counts"]["n_pairs"] - second.content["counts"]["n_pairs"]
    assert f"has {fewer} fewer pairs than one" in words(at)
    assert "they differ in votes a pair needs" in words(at)
    archive = snapshot_shelf.zip_snapshot(first, seeded.chosen.data_directory)
    zipfile.ZipFile(archive).extractall(seeded.chosen.data_directory / "taken")
    assert read_manifest(seeded.chosen.data_directory / "taken" / "one").hash == first.hash


def test_the_same_votes_have_the_same_hash_and_the_page_says_so(seeded, open_page):
    one, two = build(seeded, "one"), build(seeded, "two")
    assert one.result["hash"] == two.result["hash"]
    at = open_page("snapshots", login=seeded.log_in("researcher"), campaign="sample", snapshots="Compare")
    assert "The same snapshot" in words(at)


def test_a_changed_file_and_a_missing_directory_are_named(seeded, open_page):
    build(seeded, "one")
    [found] = snapshot_shelf.list_snapshots(seeded.store, person(seeded, "researcher"), "sample")
    with (found.directory / "rubric.yaml").open("a") as file:
        file.write("# changed\n")
    assert "rubric.yaml" in snapshot_shelf.verify(found)
    found.directory.rename(found.directory.with_name("elsewhere"))
    at = open_page("snapshots", login=seeded.log_in("researcher"), campaign="sample")
    assert "is not a snapshot" in at.error[0].value.replace("\\", "")


def test_a_name_is_used_once_and_only_by_those_who_may(seeded):
    build(seeded, "one")
    with pytest.raises(InvalidInput, match="never change"):
        build(seeded, "one")
    with pytest.raises(InvalidInput, match="letters"):
        build(seeded, "../one")
    for role in (Role.RATER, Role.DESIGNER):
        with pytest.raises(NotAllowed):
            snapshot_shelf.list_snapshots(seeded.store, person(seeded, role), "sample")
