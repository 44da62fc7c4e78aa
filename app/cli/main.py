"""`steelyard`: one command per use case. Exit status: 0 done, 1 the work failed, 2 bad usage."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from app.cli import campaigns, data, database, learning, people, quality, running
from app.errors import SteelyardError

app = typer.Typer(
    name="steelyard",
    help="Weigh model responses against each other, and calibrate those who do the weighing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"steelyard {version('steelyard')}")
        raise typer.Exit


@app.callback()
def _options(
    wants_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Weigh model responses against each other, and calibrate those who do the weighing."""


for group in (running, database, people, campaigns, data, quality, learning):
    group.register(app)


def main() -> None:
    """Run a command; an error that a person can act on is one line on standard error and exit status 1."""
    try:
        app()
    except SteelyardError as error:
        _fail(str(error))
    except ValueError as error:
        if type(error).__module__.partition(".")[0] not in ("app", "rubrics", "reward"):
            raise
        _fail(str(error))


def _fail(reason: str) -> None:
    print(f"error: {reason}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
