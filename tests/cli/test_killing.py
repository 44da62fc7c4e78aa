"""Commands killed at random moments leave nothing half and lose nothing acknowledged."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from reward.contract import read_manifest
from tests.cli.conftest import SCRIPT, Steelyard, environment, native, script, write_lines

N_LINES = 1200


@pytest.fixture
def house(steelyard: Steelyard, tmp_path: Path) -> Path:
    """A campaign with one acknowledged comparison, and a file that takes a while to import."""
    write_lines(tmp_path / "first.jsonl", native("first"))
    write_lines(tmp_path / "many.jsonl", *(native(f"x{i}") for i in range(N_LINES)))
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    steelyard("import", "c", "first.jsonl")
    return tmp_path


def kill(folder: Path, *arguments: str, after_seconds: float) -> int:
    """Start a command and kill it; returns its status, which is 0 if it was faster."""
    process = subprocess.Popen([SCRIPT, *arguments], cwd=folder, env=environment(folder), stderr=subprocess.DEVNULL)
    try:
        return process.wait(after_seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        return process.wait()


def test_a_killed_import_is_there_as_a_whole_or_not_at_all(house: Path, steelyard: Steelyard) -> None:
    chance = random.Random(2)
    started = time.monotonic()
    assert script(house, "import", "c", "first.jsonl").status == 0  # nothing new: what it takes to start
    start_seconds = time.monotonic() - started
    n_seen = 1
    for _ in range(3):
        status = kill(house, "import", "c", "many.jsonl", after_seconds=start_seconds * chance.uniform(0.8, 2.5))
        overview = steelyard("campaign", "show", "c", "--json").json
        assert overview["n_comparisons"] in ({N_LINES + 1} if status == 0 else {n_seen, N_LINES + 1})
        assert overview["rounds"][0]["n_judgments"] == 2 * overview["n_comparisons"]
        n_seen = overview["n_comparisons"]
    [document] = steelyard("import", "c", "many.jsonl", "--json").json
    assert document["n_comparisons"] + document["n_comparisons_known"] == N_LINES
    assert document["n_judgments"] + document["n_judgments_known"] == 2 * N_LINES
    steelyard("db", "check")


def test_a_killed_snapshot_is_there_as_a_whole_or_not_at_all(house: Path, steelyard: Steelyard) -> None:
    steelyard("import", "c", "many.jsonl")
    chance = random.Random(1)
    started = time.monotonic()
    assert script(house, "snapshot", "c", "--output", "out/measured").status == 0
    whole_seconds = time.monotonic() - started
    for _ in range(3):
        status = kill(house, "snapshot", "c", "--output", "out/s", after_seconds=whole_seconds * chance.uniform(0.5, 1))
        if (house / "out" / "s").exists():
            read_manifest(house / "out" / "s")
        else:
            assert status != 0
    done = steelyard("snapshot", "c", "--output", "out/s", "--json")
    hashes = {json.loads((house / "out" / name / "manifest.json").read_text())["hash"] for name in ("measured", "s")}
    assert hashes == {done.json["hash"]}
    assert sorted(entry.name for entry in (house / "out").iterdir() if not entry.name.startswith(".")) == [
        "measured",
        "s",
    ]
