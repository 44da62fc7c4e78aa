"""`steelyard train`, `evaluate`, `score`, `select`, `heads`, `votes`: run `python -m reward ...` with all arguments."""

from __future__ import annotations

import os
import subprocess
import sys

import typer

COMMANDS = {
    "train": "Train a reward model from a snapshot or a file of pairs.",
    "evaluate": "Measure a reward model on held-out pairs.",
    "score": "Score responses with a reward model.",
    "select": "Choose what to judge next.",
    "heads": "One head per criterion: learned weights beside revealed ones.",
    "votes": "List the exact votes behind a reward model.",
}
_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
_REWARD = (sys.executable, "-P", "-m", "reward")
"""`-P`: a file of the working directory must not pass for a library."""


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line; their options are those of `python -m reward`."""
    for name, help_text in COMMANDS.items():
        parent.command(name, help=help_text, context_settings=_PASS_ON, add_help_option=False)(_passing_on(name))


def _passing_on(name: str):
    def run(context: typer.Context) -> None:
        """Become `python -m reward`, so that signals and the exit status are its own."""
        os.execve(sys.executable, [*_REWARD, name, *context.args], _environment())

    return run


def run_reward(*arguments: str) -> int:
    """Run `python -m reward` with these arguments as a child process; returns its exit status."""
    return subprocess.run([*_REWARD, *arguments], check=False, env=_environment()).returncode


def _environment() -> dict[str, str]:
    """The environment, with the name under which the commands show themselves."""
    return {**os.environ, "REWARD_PROG": "steelyard"}
