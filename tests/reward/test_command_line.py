"""`python -m reward`: exit status, one line of reason, one JSON document."""

from __future__ import annotations

import pytest

from reward import __main__ as command_line
from reward.__main__ import main


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["train", "--snapshot", "x"],
        ["train", "--snapshot", "x", "--output", "y", "--target", "fuzzy"],
        ["train", "--snapshot", "x", "--output", "y", "--epochs", "many"],
        ["evaluate", "--model", "x"],
        ["score", "--model", "x", "--input", "y"],
    ],
)
def test_bad_usage_is_status_two(arguments, capsys):
    with pytest.raises(SystemExit) as found:
        main(arguments)
    assert found.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "error:" in captured.err


@pytest.mark.parametrize("command", ["train", "evaluate", "score", "select", "heads", "votes"])
def test_help_names_every_option(command, capsys):
    with pytest.raises(SystemExit) as found:
        main([command, "--help"])
    assert found.value.code == 0
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["train", "--snapshot", "nowhere", "--output", "out"], "nowhere is not a snapshot"),
        (["evaluate", "--model", "nowhere", "--data", "x.jsonl"], "nowhere is not a finished model"),
        (["score", "--model", "nowhere", "--input", "a.jsonl", "--output", "b.jsonl"], "not a finished model"),
    ],
)
def test_failed_work_is_status_one_with_one_line(arguments, reason, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert reason in captured.err
    assert len(captured.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (["--epochs", "0"], "--epochs 0.0: it must be above 0"),
        (["--batch-size", "-1"], "--batch-size -1"),
        (["--freeze-layers", "9"], "the model has 2 layers"),
        (["--base", "./nowhere"], "no such directory"),
    ],
)
def test_unusable_options_are_named_and_leave_nothing(option, reason, snapshot_dir, bert_dir, tmp_path, capsys):
    arguments = ["train", "--snapshot", str(snapshot_dir), "--output", str(tmp_path / "m"), "--base", str(bert_dir)]
    assert main([*arguments, *option]) == 1
    assert reason in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_the_output_is_one_line(snapshot_dir, bert_dir, tmp_path, capsys):
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "m"
    arguments = ["train", "--snapshot", str(snapshot_dir), "--output", str(output), "--base", str(bert_dir)]
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert "file" in captured.err.splitlines()[-1]
    assert captured.err.splitlines()[-1].startswith("error: ")


def test_a_missing_extra_is_named(monkeypatch, capsys):
    monkeypatch.setattr(command_line.importlib.util, "find_spec", lambda name: None if name == "trl" else object())
    assert main(["evaluate", "--model", "m", "--data", "d"]) == 1
    assert "trl not installed: pip install 'steelyard[reward]'" in capsys.readouterr().err
