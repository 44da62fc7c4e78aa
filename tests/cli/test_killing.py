"""Commands killed at random moments leave nothing half and lose nothing acknowledged."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from pathlib import Path

import pytest

from app.cli.main import main
from app.services import importing
from reward.contract import read_manifest
from tests.cli.conftest import Steelyard, native, write_lines

N_LINES = 400
MOMENTS = (0.2, 0.35, 0.5, 0.65)
"""When a command is killed, in parts of what it took before; a forked one, all imported, is a little faster."""


@pytest.fixture
def house(steelyard: Steelyard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign with one acknowledged comparison, and a file that takes many steps to import."""
    monkeypatch.setattr(importing, "CHUNK", 25)
    write_lines(tmp_path / "first.jsonl", native("first"))
    write_lines(tmp_path / "many.jsonl", *(native(f"x{i}") for i in range(N_LINES)))
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    steelyard("import", "c", "first.jsonl")
    return tmp_path


def run(*arguments: str) -> None:
    """What the console script does."""
    sys.argv = ["steelyard", *arguments]
    main()


def kill(*arguments: str, after_seconds: float) -> int:
    """Start a command in a process of its own and kill it; returns its status, which is 0 if it was faster.

    It is forked: the time until it is killed goes into its work, and not into the start of Python.
    """
    process = multiprocessing.get_context("fork").Process(target=run, args=arguments)
    process.start()
    process.join(after_seconds)
    process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def seconds_of(steelyard: Steelyard, *arguments: str) -> float:
    """How long a command takes."""
    started = time.monotonic()
    steelyard(*arguments)
    return time.monotonic() - started


def test_a_killed_import_is_there_as_a_whole_or_not_at_all(house: Path, steelyard: Steelyard) -> None:
    steelyard("campaign", "create", "measured", "--rubric", "minimal")
    whole_seconds = seconds_of(steelyard, "import", "measured", "many.jsonl")
    n_seen, n_killed = 1, 0
    for part in MOMENTS:
        status = kill("import", "c", "many.jsonl", after_seconds=whole_seconds * part)
        n_killed += status != 0 and n_seen == 1
        overview = steelyard("campaign", "show", "c", "--json").json
        assert overview["n_comparisons"] in ({N_LINES + 1} if status == 0 else {n_seen, N_LINES + 1})
        assert overview["rounds"][0]["n_judgments"] == 2 * overview["n_comparisons"]
        n_seen = overview["n_comparisons"]
    assert n_killed, "every import was faster than its kill"
    [document] = steelyard("import", "c", "many.jsonl", "--json").json
    assert document["n_comparisons"] + document["n_comparisons_known"] == N_LINES
    assert document["n_judgments"] + document["n_judgments_known"] == 2 * N_LINES
    steelyard("db", "check")


def test_a_killed_snapshot_is_there_as_a_whole_or_not_at_all(house: Path, steelyard: Steelyard) -> None:
    steelyard("import", "c", "many.jsonl")
    whole_seconds = seconds_of(steelyard, "snapshot", "c", "--output", "out/measured")
    for part in MOMENTS:
        status = kill("snapshot", "c", "--output", "out/s", after_seconds=whole_seconds * part)
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
