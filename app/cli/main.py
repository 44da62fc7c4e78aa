"""`steelyard`: one command per use case. Exit status: 0 done, 1 the work failed, 2 bad usage."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.cli import (
    bridging,
    campaigns,
    data,
    database,
    learning,
    people,
    prejudge,
    quality,
    raters,
    review,
    rubrics,
    running,
    workplan,
)
from app.errors import SteelyardError

ORDER = (
    "demo",
    "serve",
    "worker",
    "rubric",
    "campaign",
    "import",
    "report",
    "snapshot",
    "train",
    "evaluate",
    "score",
    "select",
)
"""Commands in the order in which a project needs them; the others follow."""

INTERRUPTED = 128 + 2
"""The status with which Typer ends a command on Ctrl+C."""


class _InOrder(TyperGroup):
    """Lists the commands of the main loop first."""

    def list_commands(self, ctx: Any) -> list[str]:
        names = super().list_commands(ctx)
        return [name for name in ORDER if name in names] + [name for name in names if name not in ORDER]


app = typer.Typer(
    name="steelyard",
    cls=_InOrder,
    help="Weigh model responses against each other, and calibrate those who do the weighing.",
    no_args_is_help=True,
    context_settings={"max_content_width": 100},
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


GROUPS = (
    *(running, database, people, rubrics, campaigns, data, quality),
    *(workplan, review, learning, prejudge, raters, bridging),
)
for group in GROUPS:
    group.register(app)


def main() -> None:
    """Run a command; an error that a person can act on is one line on standard error and exit status 1."""
    try:
        app(prog_name="steelyard")
    except SteelyardError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ValueError as error:
        if type(error).__module__.partition(".")[0] not in ("app", "rubrics", "reward"):
            raise
        _fail(str(error))
    except SystemExit as ending:
        if ending.code == INTERRUPTED:
            _fail("interrupted; what was acknowledged is kept")
        raise


def _fail(reason: str) -> None:
    """Print the reason as one line and end with status 1."""
    print(f"error: {' '.join(reason.split())}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
