"""Snapshots: complete, documented, deterministic, and whole or not there at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from app.domain import RaterKind
from app.errors import Conflict, InvalidInput, JobCancelled, NotFound
from app.services import snapshotting
from app.services.campaigns import create_campaign
from app.store import tables
from app.store.engine import Store
from reward.contract import JUDGMENT_COLUMNS, PAIR_COLUMNS, POOL_COLUMNS, SPLITS, Manifest, read_manifest
from rubrics.loader import load_rubric
from tests.services.doomed import Doomed
from tests.services.ledgers import (
    PLAIN,
    TWO_CRITERIA,
    erase_completion,
    import_lines,
    line,
    make_campaign,
    ranked,
    vote,
)


def many_lines(n: int = 40) -> list[dict[str, Any]]:
    """Comparisons with three votes each: a wins, b wins or a tie in turn; every tenth is not judged."""
    answers = [("a", "a", "b"), ("b", "b", "b"), ("a", "b", "tie"), ("a", "a", "a")]
    lines = []
    for i in range(n):
        votes = [vote(f"w{w}", answer, justification=f"because {i}") for w, answer in enumerate(answers[i % 4])]
        lines.append(line(f"x{i:03}", [] if i % 10 == 9 else votes, meta={"topic": f"t{i % 5}"}))
    return lines


def rows_of(directory: Path, folder: str = "data") -> list[dict[str, Any]]:
    """All rows of a folder, each with its split."""
    rows = []
    for split in SPLITS:
        path = directory / folder / f"{split}-00000-of-00001.parquet"
        if path.is_file():
            rows += [row | {"split": split} for row in pq.read_table(path).to_pylist()]
    return rows


def built(store: Store, folder: Path, lines: list[dict[str, Any]], **options: Any) -> tuple[Path, Manifest]:
    """A campaign of these lines and its snapshot."""
    rubric = options.pop("rubric", PLAIN)
    make_campaign(store, lines, folder, rubric=rubric)
    directory = folder / "snapshot"
    return directory, snapshotting.build(store, "c", directory, **options)


def dropped(manifest: Manifest) -> dict[str, int]:
    return {drop["reason"]: drop["n_pairs"] for drop in manifest.content["drops"]}


# --- what is in it -----------------------------------------------------------------------------------------------


def test_a_snapshot_is_what_the_contract_says(store: Store, tmp_path: Path) -> None:
    directory, manifest = built(store, tmp_path, many_lines())
    assert read_manifest(directory).hash == manifest.hash
    assert {path.relative_to(directory).as_posix() for path in directory.rglob("*.*")} == {
        *manifest.files,
        "manifest.json",
    }
    assert {"judgments.parquet", "pool.parquet", "rubric.yaml", "README.md"} <= set(manifest.files)
    counts = manifest.content["counts"]
    # of each 20: 4 x 5 with 2 left unjudged, the ones at 9 (b wins) and 19 (all a)
    assert (counts["n_pairs"], counts["n_ties"], counts["n_pool"]) == (26, 10, 4)
    assert dropped(manifest) == {"tie": 10}
    for split, n in manifest.content["splits"]["n_pairs"].items():
        assert sum(row["split"] == split for row in rows_of(directory)) == n
    assert pq.read_schema(directory / "judgments.parquet").names == list(JUDGMENT_COLUMNS)
    assert pq.read_schema(directory / "pool.parquet").names == list(POOL_COLUMNS)
    assert load_rubric(directory / "rubric.yaml").version == manifest.content["rubric"]["version"] == PLAIN.version
    assert manifest.content["counted_kinds"] == ["human"]
    assert manifest.content["agreement"]["criteria"]["overall"]["krippendorff_alpha"]["low"] is not None
    assert manifest.content["human_ceiling"]["n"] > 0
    assert "no criteria" in manifest.content["revealed_weights"]["undefined_reason"]


def test_rows_are_turned_so_that_chosen_wins(store: Store, tmp_path: Path) -> None:
    votes = [vote("w1", "b", 3), vote("w2", "b", 1), vote("w3", "a")]
    directory, _ = built(store, tmp_path, [line("x1", votes)])
    (row,) = rows_of(directory)
    assert list(row)[:-1] == list(PAIR_COLUMNS)
    assert (row["chosen_id"], row["rejected_id"]) == ("b", "a")
    assert row["prompt"][0]["role"] == "user"
    assert row["chosen"] == [{"role": "assistant", "content": "answer b to x1"}]
    assert row["rejected"] == [{"role": "assistant", "content": "answer a to x1"}]
    assert row["soft_label"] == pytest.approx(2 / 3)
    assert row["strength"] == pytest.approx((1 + 1 / 3) / 2)
    assert (row["weight"], row["n_judgments"], row["criteria"], row["tensions"]) == (1, 3, [], [])


def test_criteria_and_tensions_are_relative_to_chosen(store: Store, tmp_path: Path) -> None:
    criteria = {"help": {"preferred": "b", "strength": 3}, "clear": {"scores": {"a": 5, "b": 3}}}
    directory, _ = built(store, tmp_path, [line("x1", [vote("w1", "b", criteria=criteria)])], rubric=TWO_CRITERIA)
    (row,) = rows_of(directory)
    assert row["criteria"] == [{"key": "clear", "value": -0.5}, {"key": "help", "value": 1.0}]
    assert row["tensions"] == [{"key": "clear|help", "value": 1.0}]


def test_a_ranking_gives_every_implied_pair_in_one_split(store: Store, tmp_path: Path) -> None:
    lines = [ranked(f"x{i}", [["c"], ["a", "b"], ["d"]], ids="abcd") for i in range(5)]
    directory, manifest = built(store, tmp_path, lines)
    pairs, ties = rows_of(directory), rows_of(directory, "ties")
    assert (len(pairs), len(ties)) == (25, 5)
    assert {row["weight"] for row in (*pairs, *ties)} == {0.5}
    assert {(row["chosen_id"], row["rejected_id"]) for row in pairs} == {
        ("c", "a"),
        ("c", "b"),
        ("c", "d"),
        ("a", "d"),
        ("b", "d"),
    }
    for name in {row["comparison_id"] for row in pairs}:
        assert len({row["split"] for row in (*pairs, *ties) if row["comparison_id"] == name}) == 1
    assert manifest.content["rounds"] == ["ranking"]


def test_every_drop_has_its_reason(store: Store, tmp_path: Path) -> None:
    error = [{"preferred": "cannot_judge", "cause": "error", "reason": "r", "by": "ann"}]
    lines = [
        line("kept", [vote("w1", "a"), vote("w2", "a")]),
        line("both_bad", [vote("w1", "both_bad"), vote("w2", "both_bad")]),
        line("tie", [vote("w1", "a"), vote("w2", "b")]),
        line("few", [vote("w1", "a")]),
        line("unclear", [vote("w1", "cannot_judge")]),
        line("settled", [vote("w1", "a"), vote("w2", "a")], adjudications=error),
        line("withdrawn", [vote("w1", "a", justification="it says secret"), vote("w2", "a")]),
        line("gold", [vote("w1", "a"), vote("w2", "a")], gold={"accepted": ["a"]}),
    ]
    make_campaign(store, lines, tmp_path)
    erase_completion(store, "withdrawn", "b")
    directory = tmp_path / "snapshot"
    manifest = snapshotting.build(store, "c", directory, min_judgments=2, exclude_gold=True)
    assert dropped(manifest) == {
        "gold": 1,
        "erased_text": 1,
        "cannot_judge": 2,
        "too_few_judgments": 1,
        "both_bad": 1,
        "tie": 1,
    }
    assert [row["comparison_id"] for row in rows_of(directory)] == ["kept"]
    votes = pq.read_table(directory / "judgments.parquet").to_pylist()
    assert "gold" not in {row["comparison_id"] for row in votes}
    assert "secret" not in json.dumps(votes, default=str)
    (tombstone,) = manifest.content["tombstones"]
    assert tombstone["places"] == [["withdrawn", "b"]]


def test_gold_trains_from_its_votes_and_its_key_stays_here(store: Store, tmp_path: Path) -> None:
    gold = {"accepted": ["b"], "explanation": "the key nobody may see"}
    directory, _ = built(store, tmp_path, [line("x1", [vote("w1", "a")], gold=gold)])
    assert rows_of(directory)[0]["chosen_id"] == "a"
    for path in directory.rglob("*.*"):
        assert b"nobody may see" not in path.read_bytes()


def test_kinds_are_counted_apart_and_named(store: Store, tmp_path: Path) -> None:
    votes = [vote("ann", "a"), vote("judge-model", "b", rater_kind="model"), vote("bot", "b", rater_kind="model")]
    make_campaign(store, [line("x1", votes), line("x2", votes[1:])], tmp_path)
    people = snapshotting.build(store, "c", tmp_path / "people")
    models = snapshotting.build(store, "c", tmp_path / "models", kinds=[RaterKind.MODEL])
    assert rows_of(tmp_path / "people")[0]["chosen_id"] == "a"
    assert [row["chosen_id"] for row in rows_of(tmp_path / "models")] == ["b", "b"]
    assert people.content["votes_left_out"]["judgments_of_other_kinds"] == {"model": 4}
    assert people.content["counts"]["n_pool"] == 1
    assert {facts["name"] for facts in models.content["machine_raters"].values()} == {"judge-model", "bot"}
    text = b"".join(path.read_bytes() for path in (tmp_path / "people").rglob("*.*"))
    assert b"ann" not in text.replace(b"cannot", b"").replace(b"annotat", b"")


def test_votes_that_count_for_nothing_are_counted(store: Store, tmp_path: Path) -> None:
    votes = [
        vote("w1", "a"),
        vote("w1", "b", round="again"),
        vote("w2", "b", purpose="exam"),
        vote("w1", "b", purpose="repeat", repeat_index=1),
    ]
    directory, manifest = built(store, tmp_path, [line("x1", votes)])
    left = manifest.content["votes_left_out"]
    assert left["judgments_of_other_purposes"] == {"exam": 1, "repeat": 1}
    assert left["votes_beyond_the_first_of_a_rater"] == 1
    assert pq.read_metadata(directory / "judgments.parquet").num_rows == 4
    assert rows_of(directory)[0]["soft_label"] == 1


# --- loading -----------------------------------------------------------------------------------------------------


def test_datasets_loads_it_with_and_without_ties(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the reward extra")
    datasets.disable_progress_bars()
    directory, manifest = built(sqlite_store, tmp_path, many_lines())
    cache = str(tmp_path / "cache")
    default = datasets.load_dataset(str(directory), cache_dir=cache)
    with_ties = datasets.load_dataset(str(directory), name="all", cache_dir=cache)
    splits = manifest.content["splits"]
    assert {split: len(rows) for split, rows in default.items()} == splits["n_pairs"]
    assert sum(len(rows) for rows in with_ties.values()) == 36
    ties = [row for rows in with_ties.values() for row in rows if row["soft_label"] == 0.5]
    assert len(ties) == 10
    assert {row["chosen_id"] for row in ties} == {"a", "b"}, "the hash draws both sides"
    assert default["train"].features["prompt"].feature.keys() == {"role", "content"}
    votes = datasets.load_dataset(str(directory), name="judgments", cache_dir=cache)["train"]
    assert len(votes) == manifest.content["counts"]["n_judgment_rows"]
    assert len(datasets.load_dataset(str(directory), name="pool", cache_dir=cache)["train"]) == 4


def test_the_card_says_what_the_manifest_says(sqlite_store: Store, tmp_path: Path) -> None:
    directory, manifest = built(sqlite_store, tmp_path, many_lines(), rubric=TWO_CRITERIA)
    card = (directory / "README.md").read_text()
    for words in (
        "load_dataset",
        "Krippendorff",
        "Ceiling",
        "## Splits",
        "## Limits",
        "not stated",
        "Which helps more?",
    ):
        assert words in card
    assert f"{manifest.content['counts']['n_pairs']} training pairs" in card
    assert "no response is preferred" in card


# --- splits ------------------------------------------------------------------------------------------------------


def test_no_group_is_in_two_splits(store: Store, tmp_path: Path) -> None:
    directory, manifest = built(store, tmp_path, many_lines(60), split_by="meta.topic")
    topics = {f"x{i:03}": f"t{i % 5}" for i in range(60)}
    places: dict[str, set[str]] = {}
    for row in (*rows_of(directory), *rows_of(directory, "ties")):
        places.setdefault(topics[row["comparison_id"]], set()).add(row["split"])
    assert all(len(found) == 1 for found in places.values())
    assert {split for found in places.values() for split in found} == set(SPLITS)
    assert manifest.content["splits"]["by"] == "meta.topic"


def test_an_empty_split_is_left_out_and_said_so(store: Store, tmp_path: Path) -> None:
    directory, manifest = built(store, tmp_path, [line("x1", [vote("w1", "a")])])
    assert manifest.content["splits"]["omitted"] == ["validation", "test"]
    assert not (directory / "data/test-00000-of-00001.parquet").exists()
    assert "too few groups: validation, test" in (directory / "README.md").read_text()


def test_more_votes_and_comparisons_move_nothing(store: Store, tmp_path: Path) -> None:
    directory, _ = built(store, tmp_path, many_lines(60))
    before = {row["comparison_id"]: row["split"] for row in rows_of(directory)}
    import_lines(store, "c", [line(f"y{i}", [vote("w1", "a")]) for i in range(30)], tmp_path)
    snapshotting.build(store, "c", tmp_path / "later")
    after = {row["comparison_id"]: row["split"] for row in rows_of(tmp_path / "later")}
    assert before.items() <= after.items()


# --- the same votes, the same hash -------------------------------------------------------------------------------


def test_the_same_votes_give_the_same_hash_on_either_database(
    sqlite_store: Store, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    lines = many_lines()
    if store.url == sqlite_store.url:
        pytest.skip("both fixtures are one file; the PostgreSQL case compares two databases")
    _, one = built(sqlite_store, tmp_path / "one", lines)
    _, two = built(store, tmp_path / "two", lines)
    assert one.hash == two.hash
    assert one.files == two.files


def test_building_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    directory, first = built(store, tmp_path, many_lines())
    written = (directory / "manifest.json").stat().st_mtime_ns
    again = snapshotting.build(store, "c", directory)
    elsewhere = snapshotting.build(store, "c", tmp_path / "elsewhere")
    assert first.hash == again.hash == elsewhere.hash
    assert again.written_at == first.written_at
    assert (directory / "manifest.json").stat().st_mtime_ns == written
    with store.read() as connection:
        rows = connection.execute(select(tables.snapshot).order_by(tables.snapshot.c.id)).all()
        n_events = connection.scalar(
            select(func.count()).select_from(tables.event).where(tables.event.c.action == "snapshot.built")
        )
    assert [(row.hash, row.directory) for row in rows] == [
        (first.hash, str(directory)),
        (first.hash, str(tmp_path / "elsewhere")),
    ]
    assert n_events == 2
    assert sorted(path.name for path in tmp_path.iterdir() if "partial" in path.name) == []


def test_another_snapshot_in_the_place_is_refused(store: Store, tmp_path: Path) -> None:
    directory, first = built(store, tmp_path, many_lines())
    import_lines(store, "c", [line("new", [vote("w1", "a")])], tmp_path)
    with pytest.raises(Conflict, match=r"holds another snapshot.*--output"):
        snapshotting.build(store, "c", directory)
    assert read_manifest(directory).hash == first.hash
    (directory / "README.md").write_text("changed")
    with pytest.raises(Conflict, match="sha256"):
        snapshotting.build(store, "c", directory)


def test_a_place_that_holds_something_else_is_refused(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, [line("x1", [vote("w1", "a")])], tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    with pytest.raises(Conflict, match="not a snapshot"):
        snapshotting.build(sqlite_store, "c", tmp_path / "full")
    assert (tmp_path / "full" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    snapshotting.build(sqlite_store, "c", tmp_path / "empty")


# --- what cannot be done -----------------------------------------------------------------------------------------


def test_mixed_rubric_versions_are_refused_with_the_way_out(store: Store, tmp_path: Path) -> None:
    create_campaign(store, "other", rubric=TWO_CRITERIA)
    votes = [vote("w1", "a"), vote("w2", "b", round="second", rubric_version=TWO_CRITERIA.version)]
    make_campaign(store, [line("x1", votes)], tmp_path)
    with pytest.raises(Conflict, match=r"2 rubric versions .*'main'.*'second'.*--round"):
        snapshotting.build(store, "c", tmp_path / "snapshot")
    assert not (tmp_path / "snapshot").exists()
    manifest = snapshotting.build(store, "c", tmp_path / "snapshot", round="second")
    assert manifest.content["rubric"]["version"] == TWO_CRITERIA.version
    assert rows_of(tmp_path / "snapshot")[0]["chosen_id"] == "b"


def test_nothing_to_write_says_why(store: Store, tmp_path: Path) -> None:
    make_campaign(store, [line("x1", [vote("m", "tie", rater_kind="model")]), line("x2")], tmp_path)
    with pytest.raises(InvalidInput, match=r"kind human .*1 of kind model.*--kinds"):
        snapshotting.build(store, "c", tmp_path / "snapshot")
    with pytest.raises(InvalidInput, match="no training pair: 1 pairs: no response is preferred"):
        snapshotting.build(store, "c", tmp_path / "snapshot", kinds=["model"])
    with pytest.raises(InvalidInput, match="min_judgments is 0"):
        snapshotting.build(store, "c", tmp_path / "snapshot", min_judgments=0)
    with pytest.raises(NotFound, match="no round"):
        snapshotting.build(store, "c", tmp_path / "snapshot", round="third")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


# --- whole or not at all -----------------------------------------------------------------------------------------


def test_a_cancelled_build_leaves_nothing(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshotting, "CHUNK", 5)
    make_campaign(sqlite_store, many_lines(), tmp_path)
    seen: list[tuple[int, int]] = []
    with pytest.raises(JobCancelled):
        snapshotting.build(
            sqlite_store,
            "c",
            tmp_path / "snapshot",
            progress=lambda n_done, n_all: seen.append((n_done, n_all)),
            is_cancelled=lambda: len(seen) > 2,
        )
    assert seen == [(5, 36), (10, 36), (15, 36)]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_two_builds_of_one_place_at_a_time_are_refused(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, many_lines(), tmp_path)

    def build_too() -> bool:
        with pytest.raises(Conflict, match="Another build"):
            snapshotting.build(sqlite_store, "c", tmp_path / "snapshot")
        return False

    manifest = snapshotting.build(sqlite_store, "c", tmp_path / "snapshot", is_cancelled=build_too)
    assert read_manifest(tmp_path / "snapshot").hash == manifest.hash


KILLED = """
import sys, time
from app.services import snapshotting
from app.store.engine import Store
snapshotting.CHUNK = 5
def wait():
    print("begun", flush=True)
    time.sleep(60)
snapshotting.build(Store(sys.argv[1]), "c", sys.argv[2], is_cancelled=wait)
"""


def test_a_killed_build_leaves_no_half_snapshot_and_the_next_one_cleans_up(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, many_lines(), tmp_path)
    target = tmp_path / "snapshot"
    child = Doomed(sqlite_store, KILLED, target)
    assert child.stdout.readline() == "begun\n"
    child.kill()
    assert not target.exists()
    assert (tmp_path / ".snapshot.partial").is_dir()
    manifest = snapshotting.build(sqlite_store, "c", target)
    assert read_manifest(target).hash == manifest.hash
    assert not (tmp_path / ".snapshot.partial").exists()
