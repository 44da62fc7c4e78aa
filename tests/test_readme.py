"""The README is true: its map, its list of commands, and every block of its tour."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import typer

from app.cli.main import app
from app.demo import sample
from app.demo.simulate import simulate
from app.services.database import open_store
from app.settings import read_settings
from tests.conftest import ROOT
from tests.forking import forked_steelyard
from tests.readme import BEGIN, END, README, tree

TEXT = README.read_text(encoding="utf-8")
TOUR = re.compile(r"<!-- tour: (run|file (\S+)) -->\n```\w+\n(.*?)```", re.DOTALL)


def leaves(command: object, path: tuple[str, ...]) -> Iterator[str]:
    """The names of all commands under one, as one types them."""
    if children := getattr(command, "commands", None):
        for name, child in children.items():
            yield from leaves(child, (*path, name))
    else:
        yield " ".join(path)


COMMANDS = sorted(leaves(typer.main.get_command(app), ("steelyard",)))


def test_the_map_is_the_tree_of_modules() -> None:
    shown = BEGIN + TEXT.split(BEGIN, 1)[1].split(END, 1)[0] + END
    assert shown == tree(), "the map in the README is not the tree of modules: run python -m tests.readme"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"| `{command}" in TEXT, f"add `{command}` to the table of commands in the README"


def test_every_command_of_the_readme_exists() -> None:
    known = [command.split() for command in COMMANDS]
    for line in re.findall(r"^steelyard .*", TEXT, re.MULTILINE) + re.findall(r"\| `(steelyard [^`]*)`", TEXT):
        words = line.split()
        assert any(words[: len(path)] == path for path in known), line


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with the files of the tour and, as after `make demo`, with the sample campaign.

    The shortest fifth of its comparisons, cut to a few words, and a thirtieth of its votes are enough here.
    """
    folder = tmp_path_factory.mktemp("tour")
    for _, file, text in TOUR.findall(TEXT):
        if file:
            (folder / file).write_text(text, encoding="utf-8")
    package = tmp_path_factory.mktemp("demo")
    (package / "sample").mkdir()
    for file in (ROOT / "app" / "demo" / "sample").glob("*.jsonl"):
        lines = sorted(file.read_text(encoding="utf-8").splitlines(), key=len)
        kept = [json.loads(line) for line in lines[: len(lines) // 6 + 1]]
        for line in kept:
            line["prompt"] = line["prompt"][:120]  # of characters, or of turns
            for completion in line["completions"]:
                completion["text"] = completion["text"][:120]
        (package / "sample" / file.name).write_text("\n".join(map(json.dumps, kept)), encoding="utf-8")
    with (
        closing(open_store(read_settings({"STEELYARD_DATA_DIRECTORY": str(folder / "steelyard-data")}))) as store,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setattr(sample, "files", lambda _: package)
        sample.load_sample(store)
        simulate(store, sample.NAME, n_raters=5, n_judgments=36, seed=7)
    return folder


def test_the_tour_runs_to_the_letter(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}
    with forked_steelyard(tmp_path_factory.mktemp("fork")) as scripts:
        environment["PATH"] = f"{scripts}{os.pathsep}{environment['PATH']}"
        for kind, _, block in TOUR.findall(TEXT):
            if kind != "run":
                continue
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block], cwd=place, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr
            assert "Warning" not in done.stderr
    assert len((place / "out" / "scores.jsonl").read_text().splitlines()) == 3
    assert (place / "out" / "model" / "README.md").is_file()
