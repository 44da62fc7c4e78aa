"""What every command shares: the store, printing, progress, and how errors end a command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.domain import RaterKind
from app.settings import settings

if TYPE_CHECKING:
    from app.services.database import Store

Progress = Callable[..., None]
"""Takes the number done so far, and perhaps the number of all."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")]
CampaignArgument = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Name of the campaign.")]
KindsOption = Annotated[
    list[RaterKind] | None,
    typer.Option(
        metavar="KIND",
        help="Votes that count: human, model, program or simulated; repeat for more. By default those of the campaign.",
    ),
]


@contextmanager
def opened_store() -> Iterator[Store]:
    """The store of the settings; its schema is made where the database is new."""
    from app.services.database import open_store

    store = open_store(settings())
    try:
        yield store
    finally:
        store.close()


def say(text: str) -> None:
    """A line about what is going on, on standard error: standard output is for results."""
    print(text, file=sys.stderr)


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Aligned columns on standard output: numbers to the right, with thousands separated."""
    cells = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [header, *cells]) for column in range(len(header))]
    is_number = [bool(rows) and all(isinstance(row[column], int) for row in rows) for column in range(len(header))]
    for row in [header, *cells]:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        )
        print("  ".join(aligned).rstrip())


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, allow_nan=False, default=str))


@contextmanager
def progress_bar(label: str, *, total: int | None = None) -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere; gives a function that takes the number done, and perhaps that of all."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _shown(label, total, *columns) as progress:
        yield progress


@contextmanager
def working(label: str, *, unit: str = "") -> Iterator[Progress]:
    """A sign of life on a terminal for work of unknown length; gives a function that takes the number done so far."""
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    counter = (TextColumn("{task.completed:,.0f} " + unit),) if unit else ()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), *counter, TimeElapsedColumn())
    with _shown(label, None, *columns) as progress:
        yield progress


@contextmanager
def _shown(label: str, total: int | None, *columns: Any) -> Iterator[Progress]:
    """Columns on standard error while the work goes on; they leave no trace."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda n_done, n_all=total: bar.update(task, completed=n_done, total=n_all)


def rubric_from(name_or_file: str) -> Any:
    """A rubric from a YAML file, or from the library by its key."""
    from pathlib import Path

    from rubrics.loader import library, load_library, load_rubric

    if name_or_file in library():
        return load_library(name_or_file)
    return load_rubric(Path(name_or_file))
