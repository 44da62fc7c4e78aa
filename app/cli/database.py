"""`steelyard db`: the database as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import opened_store, say, working
from app.errors import StoreError
from app.settings import settings

app = typer.Typer(help="The database: upgrade, check, back up, restore.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="db")


@app.command()
def upgrade() -> None:
    """Bring the schema to the version that this release expects. Back up first."""
    from app.services.database import upgrade_database

    before, after = upgrade_database(settings())
    say(
        f"The schema is {after}, as before."
        if before == after
        else f"The schema went from {before or 'none'} to {after}."
    )


@app.command()
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Recount what can be recounted from the facts.")] = False,
) -> None:
    """Look for damage. Exit status 1 if there is any."""
    from app.services.database import check as find_problems

    with opened_store() as store:
        problems = find_problems(store, repair=repair)
        if repair:
            for problem in problems:
                say(problem)
            problems = find_problems(store)
    if problems:
        raise StoreError("; ".join(problems))
    say("The database is sound.")


@app.command()
def backup(file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> None:
    """Write a consistent copy while people work on."""
    from app.services.database import back_up

    with opened_store() as store, working("Copying"):
        back_up(store, file)
    say(f"Wrote {file} ({file.stat().st_size:,} bytes).")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `steelyard db backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace a database that holds something.")] = False,
) -> None:
    """Bring a backup back. Stop the server and the workers first."""
    from app.services.database import restore as bring_back

    bring_back(settings(), file, replace=replace)
    say(f"Restored {file}.")
