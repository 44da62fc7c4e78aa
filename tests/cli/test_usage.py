"""Exit statuses, help, and what goes to which stream."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli.main import app
from tests.cli.conftest import Steelyard, environment, native, script, write_lines

PASSED_ON = ("train", "evaluate", "score", "select", "votes")
"""Commands whose options `python -m reward` explains."""


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if children := getattr(command, "commands", None):
        for name, child in children.items():
            yield from leaves(child, (*path, name))
    else:
        yield path, command


COMMANDS = dict(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_argument_and_option_is_explained(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    summary = command.get_short_help_str(limit=200)
    assert len(summary) <= 80, f"a short_help for: {summary}"
    if path[0] not in PASSED_ON:
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{' '.join(path)}: {parameter.name} has no help"


def test_help_shows_one_way_through(steelyard: Steelyard) -> None:
    shown = steelyard("--help").out
    order = [shown.index(f"\n  {name} ") for name in ("campaign", "import", "report", "snapshot", "train", "score")]
    assert order == sorted(order)
    assert "..." not in shown.split("Commands:")[1]


def test_the_version(steelyard: Steelyard) -> None:
    assert steelyard("--version").out == f"steelyard {version('steelyard')}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("campaign",),
        ("weigh",),
        ("campaign", "weigh"),
        ("import", "c"),
        ("snapshot", "c"),
        ("report",),
        ("report", "agreement"),
        ("report", "agreement", "c", "--votes", "f.jsonl"),
        ("report", "agreement", "--votes", "f.jsonl", "--round", "main"),
        ("report", "agreement", "c", "--kinds", "martian"),
        ("campaign", "create", "c", "--rubric", "minimal", "--overlap", "many"),
        ("simulate", "c", "--raters", "0", "--judgments", "1"),
        ("simulate", "c", "--raters", "1", "--judgments", "1", "--weight", "honesty"),
        ("user", "add", "ann", "--role", "boss"),
        ("user", "add", "ann"),
        ("import", "c", "f.jsonl", "--colour", "red"),
    ],
    ids=" ".join,
)
def test_bad_usage_is_status_2(steelyard: Steelyard, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = steelyard(*arguments, status=2)
    assert "Usage: steelyard" in done.out + done.err
    assert not (tmp_path / "steelyard-data").exists()


@pytest.fixture
def house(steelyard: Steelyard, tmp_path: Path) -> Path:
    """A working directory with a campaign `c` and the file that went into it."""
    write_lines(tmp_path / "c.jsonl", *(native(f"x{i}", meta={"domain": "abc"[i % 3]}) for i in range(12)))
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    steelyard("import", "c", "c.jsonl")
    return tmp_path


FAILURES = [
    (("campaign", "show", "nope"), "There is no campaign 'nope'"),
    (("campaign", "create", "a b", "--rubric", "minimal"), "Campaign name 'a b'"),
    (("campaign", "create", "c", "--rubric", "minimal"), "There is a campaign 'c' already"),
    (("campaign", "create", "d", "--rubric", "nope.yaml"), "nope.yaml"),
    (("campaign", "create", "d", "--rubric", "minimal", "--overlap", "0"), "overlap is 0"),
    (("import", "nope", "c.jsonl"), "There is no campaign 'nope'"),
    (("import", "c", "nope.jsonl"), "no file or directory nope.jsonl"),
    (("import", "c", "c.jsonl", "--format", "word"), "word"),
    (("report", "weather", "c"), "There is no report 'weather'"),
    (("report", "agreement", "c", "--by", "domain"), "meta.domain"),
    (("report", "agreement", "c", "--by", "meta.nope"), "meta.nope"),
    (("report", "agreement", "--votes", "nope.jsonl"), "There is no file nope.jsonl"),
    (("snapshot", "c", "--output", "c.jsonl"), "is not a snapshot"),
    (("snapshot", "c", "--output", "c.jsonl/below"), "c.jsonl"),
    (("snapshot", "c", "--output", "out", "--split-by", "luck"), "luck"),
    (("snapshot", "c", "--output", "out", "--aggregation", "guess"), "guess"),
    (("snapshot", "c", "--output", "out", "--round", "nope"), "nope"),
    (("snapshot", "c", "--output", "out", "--min-judgments", "9"), "min_judgments"),
    (("snapshot", "c", "--output", "out", "--kinds", "model"), "--kinds"),
    (("export", "c", "--output", "c.jsonl"), "--overwrite"),
    (("export", "c", "--output", "c.jsonl/below"), "c.jsonl"),
    (("export", "nope", "--output", "new.jsonl"), "There is no campaign 'nope'"),
    (("simulate", "nope", "--raters", "1", "--judgments", "1"), "There is no campaign 'nope'"),
    (("simulate", "c", "--raters", "1", "--judgments", "1", "--pace", "0"), "pace is 0.0"),
    (("simulate", "c", "--raters", "1", "--judgments", "1", "--weight", "charm=1"), "No criterion 'charm'"),
    (("priorities", "import", "c", "nope.jsonl"), "There is no file nope.jsonl"),
    (("priorities", "import", "c", "c.jsonl"), "line 1, field comparison_id: is missing"),
    (("user", "add", "a b", "--role", "rater"), "a b"),
    (("user", "add", "zoe", "--role", "rater", "--campaign", "nope"), "There is no campaign 'nope'"),
    (("user", "link", "nope"), "nope"),
    (("db", "backup", "c.jsonl"), "exists already"),
    (("db", "restore", "nope"), "There is no backup nope"),
    (("db", "restore", "c.jsonl"), "--replace"),
    (("db", "restore", "c.jsonl", "--replace"), "is not a backup"),
]


def test_failed_work_is_status_1_and_one_line(house: Path, steelyard: Steelyard) -> None:
    for arguments, reason in FAILURES:
        done = steelyard(*arguments, status=1)
        assert (done.out, len(done.err.splitlines())) == ("", 1), arguments
        assert done.err.startswith("error: "), arguments
        assert reason in done.err, arguments
    assert steelyard("user", "list", "--json").json == []


JSON_COMMANDS = [
    ("campaign", "list"),
    ("campaign", "show", "c"),
    ("import", "c", "c.jsonl"),
    *(("report", name, "c") for name in ("agreement", "raters", "tensions", "bias", "consensus", "models", "pilot")),
    ("report", "agreement", "c", "--by", "meta.domain"),
    ("report", "agreement", "--votes", "c.jsonl"),
    ("snapshot", "c", "--output", "out"),
    ("user", "list"),
    ("plan", "c"),
    ("audit", "status", "c"),
    ("prejudge", "show", "c"),
    ("prejudge", "overturned", "c"),
    ("rubric", "check", "minimal"),
    ("rubric", "diff", "minimal", "helpful_harmless"),
    ("rubric", "history", "minimal"),
]


READ_ELSEWHERE = {
    ("rubric", "bridge"),
    ("rubric", "stale"),
    ("rubric", "test"),
    ("raters", "list"),
    ("review", "status"),
    ("gold", "import"),
    ("gold", "check"),
    ("exam", "take"),
    ("verify", "certificate"),
    ("audit", "start"),
    ("prejudge", "start"),
}
"""Their --json needs people, votes or scores: test_bridging, test_rubric, test_raters and test_reviewing read it."""


def test_json_is_one_document_and_nothing_else(house: Path, steelyard: Steelyard) -> None:
    for arguments in JSON_COMMANDS:
        done = steelyard(*arguments, "--json")
        document = json.loads(done.out)  # exactly one: more would be "Extra data"
        assert document or document == []
        assert done.out.count("\n") == 1
        assert steelyard(*arguments[:-1], "out2", "--json").json if arguments[0] == "snapshot" else True


def test_every_command_with_json_is_tested() -> None:
    with_json = {path for path, command in COMMANDS.items() if "as_json" in {p.name for p in command.params}}
    assert with_json - READ_ELSEWHERE == {
        path for path in COMMANDS if any(call[: len(path)] == path for call in JSON_COMMANDS)
    }


def test_unknown_settings_and_unreachable_databases_are_said_in_one_line(
    tmp_path: Path, steelyard: Steelyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.settings import settings

    (tmp_path / "notes").write_text("words " * 1000)
    for name, value, reason in (
        ("STEELYARD_DATA_DIR", "x", "Unknown setting STEELYARD_DATA_DIR"),
        ("STEELYARD_DATABASE_URL", "mysql://x", "use sqlite:///FILE or postgresql+psycopg"),
        ("STEELYARD_DATABASE_URL", "postgresql+psycopg://ann:secret@127.0.0.1:1/x", "onnection"),
        ("STEELYARD_DATABASE_URL", f"sqlite:///{tmp_path / 'notes'}", "not a database"),
        ("STEELYARD_DATA_DIRECTORY", str(tmp_path / "notes"), "notes"),
    ):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            settings.cache_clear()
            done = steelyard("campaign", "list", status=1)
        assert reason in done.err
        assert "secret" not in done.err
        assert len(done.err.splitlines()) == 1
    settings.cache_clear()


def test_the_console_script_ends_with_the_status(tmp_path: Path) -> None:
    """With 1 and with 2; `test_learning` sees one that ends with 0."""
    failed = script(tmp_path, "campaign", "show", "nope")
    assert (failed.status, failed.out) == (1, "")
    assert failed.err == "error: There is no campaign 'nope'. `steelyard campaign list` lists them.\n"
    assert script(tmp_path, "weigh").status == 2


def test_help_is_quick_because_nothing_heavy_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.argv = ['steelyard', '--help']\nfrom app.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert not loaded & {"torch", "streamlit", "pandas", "numpy", "scipy", "sqlalchemy", "transformers", "huey"}


def test_ctrl_c_ends_a_command_with_one_line(steelyard: Steelyard, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.services.database.open_store", stop)
    done = steelyard("campaign", "list", status=1)
    assert done.err.startswith("error: interrupted")
    assert len(done.err.splitlines()) == 1
