"""`steelyard report`: what the votes are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import JsonOption, KindsOption, opened_store, print_json, say, working
from app.services.report_shapes import describe


def register(parent: typer.Typer) -> None:
    """Add the command to the command line."""
    keys = "\n\n".join(f"\b\n{paragraph}" for paragraph in ("The keys of --json:", *describe()))
    parent.command(epilog=keys)(report)


def report(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="agreement, raters, tensions, bias, consensus, models or pilot.")
    ],
    campaign: Annotated[
        str | None, typer.Argument(metavar="CAMPAIGN", help="Name of the campaign; or give --votes.")
    ] = None,
    votes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Votes in a file instead (jsonl, parquet, csv); no database is used."),
    ] = None,
    kinds: KindsOption = None,
    by: Annotated[str | None, typer.Option(metavar="meta.KEY", help="One report per value of this key.")] = None,
    round_name: Annotated[
        str | None,
        typer.Option("--round", metavar="NAME", help="Only this round; of pilots the newest by default."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Report on a campaign or a file of votes.

    Every number comes with its n and its interval.

    \b
    agreement  percent agreement, chance-corrected coefficients, pairs of raters
    raters     each rater beside the others and the gold
    tensions   which criteria pull apart, and which prevails
    bias       position and length
    consensus  labels, and what is contested
    models     strength of the models behind the responses
    pilot      what to change in the rubric: vague, redundant, missing, in tension
    """
    from app.services.reporting import campaign_report, file_report, sliced_file_report, sliced_report

    if (campaign is None) == (votes is None):
        raise typer.BadParameter("give a campaign, or --votes FILE")
    if votes is not None and round_name is not None:
        raise typer.BadParameter("--round needs a campaign")
    if by is not None and round_name is not None:
        raise typer.BadParameter("give --by or --round")
    with working("Counting"):
        if votes is not None:
            if by is None:
                reports = {"": file_report(name, votes, kinds=kinds)}
            else:
                reports = sliced_file_report(name, votes, by=by, kinds=kinds)
        else:
            with opened_store() as store:
                if by is None:
                    reports = {"": campaign_report(store, name, campaign or "", kinds=kinds, round_name=round_name)}
                else:
                    reports = sliced_report(store, name, campaign or "", by=by, kinds=kinds)
    if as_json:
        documents = {value: one.to_json() for value, one in reports.items()}
        print_json(documents[""] if by is None else {"by": by, "slices": documents})
        return
    for value, one in reports.items():
        if value:
            print(f"--- {by} = {value}")
        print(one.to_text(), end="")
        if one.document["n_judgments"] == 0:
            say("No vote counts here; votes of other kinds do with --kinds.")
