"""The command line for the tests: in this process where that is enough, else the real console script in a child."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli.main import app, main
from app.services import database
from app.settings import settings
from app.store.engine import Store
from app.store.migrate import current_revision

ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(sys.executable).with_name("steelyard")
COMMANDS = typer.main.get_command(app)
"""The command line, built once: to read the options of a hundred commands takes longer than most of them."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


Steelyard = Callable[..., Done]


def environment(folder: Path) -> dict[str, str]:
    """The environment of a child process that works in a folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}
    return {**inherited, "STEELYARD_DATA_DIRECTORY": str(folder / "steelyard-data")}


def script(folder: Path, *arguments: str, **changes: str) -> Done:
    """Run the console script in a child process; `changes` go into its environment."""
    done = subprocess.run(
        [SCRIPT, *arguments], cwd=folder, env=environment(folder) | changes, capture_output=True, text=True
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def steelyard(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Steelyard]:
    """Run commands in this process, in an empty working directory; checks the exit status.

    A new database is a copy of the template: to run every migration takes longer than most commands. The console script
    of `script` runs them.
    """
    upgrade = database.upgrade

    def copy(store: Store) -> None:
        if not store.is_sqlite or current_revision(store) is not None:
            upgrade(store)
            return
        with closing(sqlite3.connect(sqlite_template)) as source, closing(sqlite3.connect(store.url.database)) as new:
            source.backup(new)

    monkeypatch.setattr(database, "upgrade", copy)
    monkeypatch.setattr("app.cli.main.app", COMMANDS)
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("STEELYARD_"):
            monkeypatch.delenv(name)
    settings.cache_clear()

    def run(*arguments: object, status: int = 0) -> Done:
        monkeypatch.setattr(sys, "argv", ["steelyard", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        done = Done(int(ending.value.code or 0), printed.out, printed.err)
        assert done.status == status, f"{arguments}: {done}"
        assert "Traceback" not in done.err
        if status == 1:
            assert done.err.splitlines()[-1].strip()
        return done

    yield run
    settings.cache_clear()


def native(name: str, **fields: Any) -> dict[str, Any]:
    """One native line: two responses, and two votes for the first."""
    return {
        "id": name,
        "prompt": f"Question {name}?",
        "completions": [{"id": key, "text": f"answer {key} to {name}"} for key in "ab"],
        "judgments": [{"rater": rater, "preferred": "a"} for rater in ("w1", "w2")],
        **fields,
    }


def write_lines(file: Path, *lines: dict[str, Any]) -> Path:
    """A native JSONL file."""
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file
