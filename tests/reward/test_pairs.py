"""Reading snapshots and files: verified, streamed, and refused with the place and the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reward.contract import MANIFEST_NAME, ContractError
from reward.errors import RewardError
from reward.pairs import open_snapshot, read_pair_file, read_pairs, read_rows
from tests.reward.building import build_snapshot, pair_row


def write_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_a_snapshot_gives_its_pairs_per_split_and_ties_on_request(snapshot_dir):
    snapshot = open_snapshot(snapshot_dir)
    assert {split: len(read_pairs(snapshot, split)) for split in ("train", "validation", "test")} == {
        "train": 48,
        "validation": 0,
        "test": 16,
    }
    with_ties = read_pairs(snapshot, "train", include_ties=True)
    assert [pair.soft_label for pair in with_ties if pair.soft_label == 0.5] == [0.5]
    first = read_pairs(snapshot, "train")[0]
    assert first.prompt == (("user", "question 0"),)
    assert first.criteria == {"clarity": -0.5}
    assert first.tensions == {"clarity|length": 0.5}
    assert len(snapshot.file_hashes("train")) == 1
    assert len(snapshot.file_hashes("train", include_ties=True)) == 2


def test_an_altered_snapshot_is_refused(tmp_path):
    directory = build_snapshot(tmp_path / "s", {"train": [pair_row("p", "yes", "no")]})
    path = directory / "data" / "train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ContractError, match=r"train-00000-of-00001.parquet: the content does not match"):
        open_snapshot(directory)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"hash": 1', '{"hash": "x", "content": {}, "written_at": ""}'])
def test_a_broken_manifest_is_refused(tmp_path, text):
    (tmp_path / MANIFEST_NAME).write_text(text)
    with pytest.raises(ContractError, match="manifest"):
        open_snapshot(tmp_path)


def test_a_directory_without_manifest_is_no_snapshot(tmp_path):
    with pytest.raises(ContractError, match="is not a snapshot"):
        open_snapshot(tmp_path)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"soft_label": 0.3}, "soft_label is 0.3"),
        ({"weight": 0.0}, "weight is 0.0"),
        ({"chosen": []}, "one assistant message is expected"),
        ({"rejected": [{"role": "user", "content": "no"}]}, r"found the roles \['user'\]"),
    ],
)
def test_values_outside_the_contract_are_refused_with_their_row(tmp_path, fields, reason):
    rows = [pair_row("p", "yes", "no"), {**pair_row("q", "yes", "no"), **fields}]
    snapshot = open_snapshot(build_snapshot(tmp_path / "s", {"train": rows}))
    with pytest.raises((ContractError, RewardError), match=f"row 2.*{reason}"):
        read_pairs(snapshot, "train")


def test_files_in_trl_form_with_and_without_a_prompt(tmp_path):
    user, good, bad = (
        {"role": role, "content": text} for role, text in (("user", "hi"), ("assistant", "yes"), ("assistant", "no"))
    )
    path = write_lines(
        tmp_path / "pairs.jsonl",
        {"prompt": "hi", "chosen": "yes", "rejected": "no", "id": "x1"},
        "",
        {"prompt": [user], "chosen": [good], "rejected": [bad], "soft_label": 0.8},
        {"chosen": [user, good], "rejected": [user, bad]},
        {"chosen": "yes", "rejected": "no"},
    )
    pairs = read_pair_file(path)
    assert [pair.prompt for pair in pairs] == [(("user", "hi"),)] * 3 + [()]
    assert {(pair.chosen, pair.rejected) for pair in pairs} == {("yes", "no")}
    assert [pair.comparison_id for pair in pairs] == ["x1", "line 3", "line 4", "line 5"]
    assert pairs[1].soft_label == 0.8


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: a JSON object is expected"),
        ({"chosen": "yes"}, "line 2: the field 'rejected' is missing"),
        ({"chosen": "yes", "rejected": 3}, "line 2, rejected: text or a list of messages"),
        ({"prompt": [{"role": "user"}], "chosen": "a", "rejected": "b"}, "line 2, prompt: a message needs"),
        ({"chosen": "a", "rejected": "b", "soft_label": 0.2}, "line 2, soft_label"),
    ],
)
def test_bad_lines_are_named(tmp_path, line, reason):
    path = write_lines(tmp_path / "pairs.jsonl", {"chosen": "a", "rejected": "b"}, line)
    with pytest.raises(RewardError, match=reason):
        read_pair_file(path)


def test_bad_files_are_named(tmp_path):
    with pytest.raises(RewardError, match="no such file"):
        read_pair_file(tmp_path / "absent.jsonl")
    with pytest.raises(RewardError, match=r"'.txt' is not known"):
        list(read_rows(write_lines(tmp_path / "x.txt", {})))
    with pytest.raises(RewardError, match="no rows"):
        read_pair_file(write_lines(tmp_path / "empty.jsonl", ""))
    (tmp_path / "latin.jsonl").write_bytes('{"chosen": "é"}'.encode("latin-1"))
    with pytest.raises(RewardError, match="line 1: not UTF-8"):
        read_pair_file(tmp_path / "latin.jsonl")
    (tmp_path / "x.parquet").write_bytes(b"no")
    with pytest.raises(RewardError, match="not a parquet file"):
        read_pair_file(tmp_path / "x.parquet")
