"""`steelyard train`, `evaluate` and `score`: run `python -m reward ...` as a child process, all arguments passed on."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import typer

from app.errors import MissingExtra

COMMANDS = {
    "train": "Train a reward model from a snapshot: --snapshot DIR --base MODEL --output DIR.",
    "evaluate": "Evaluate a reward model: --model DIR --data SNAPSHOT_OR_FILE.",
    "score": "Score responses with a reward model: --model DIR --input FILE --output FILE.",
}
_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line; their options are those of `python -m reward`."""
    for name, help_text in COMMANDS.items():
        parent.command(name, help=help_text, context_settings=_PASS_ON, add_help_option=False)(_passing_on(name))


def _passing_on(name: str):
    def run(context: typer.Context) -> None:
        raise typer.Exit(run_reward(name, *context.args))

    return run


def run_reward(*arguments: str) -> int:
    """Run `python -m reward` with these arguments; returns its exit status.

    Raises:
        MissingExtra: the libraries of the extra `reward` are not installed.
    """
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("trl") is None:
        raise MissingExtra("Reward models need further libraries: pip install 'steelyard[reward]'.")
    return subprocess.run([sys.executable, "-m", "reward", *arguments], check=False).returncode
