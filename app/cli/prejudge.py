"""`steelyard prejudge`: a model judges before people do; what became of it, and where people overturn it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import CampaignArgument, JsonOption, opened_store, print_json, print_table, say

app = typer.Typer(help="A model judges before people do; a random audit watches it.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="prejudge")


@app.command()
def start(
    campaign: CampaignArgument,
    scores: Annotated[Path, typer.Option(metavar="FILE", help="What `steelyard score` wrote for the campaign.")],
    max_error: Annotated[float, typer.Option(metavar="SHARE", help="Bound on the error of labels that stand.")] = 0.1,
    audit_rate: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the sure labels that people judge nevertheless.")
    ] = 0.1,
    round_name: Annotated[
        str | None, typer.Option("--round", metavar="NAME", help="A round of pairs; the oldest open one by default.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of the audit's lots; a fresh one by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Let a model's labels stand where it is sure enough.

    The threshold is calibrated on pairs that people have decided and the model was not trained on. Labels above it
    stand, but for those that are drawn for the audit; the others go to people.
    """
    from app.services import prejudging

    with opened_store() as store:
        made = prejudging.start(
            store,
            campaign,
            scores,
            max_error=max_error,
            audit_rate=audit_rate,
            round_name=round_name,
            seed=seed,
            actor="command line",
        )
    if as_json:
        print_json(asdict(made))
        return
    print(made.sentence())
    for reason, n in made.skipped.items():
        say(f"{n:,} left alone: {reason}")


@app.command()
def show(campaign: CampaignArgument, as_json: JsonOption = False) -> None:
    """Measure the labels that stand; those that cross their bound are withdrawn now."""
    from app.services import prejudging

    with opened_store() as store:
        batches = prejudging.check(store, campaign)
    if as_json:
        print_json([asdict(batch) for batch in batches])
        return
    if not batches:
        say(f"No model has judged in {campaign} before people: steelyard prejudge start {campaign} --scores FILE")
    for batch in batches:
        print(f"{batch.id}: {batch.sentence()}")


@app.command()
def withdraw(
    campaign: CampaignArgument,
    batch: Annotated[int, typer.Argument(metavar="BATCH", help="Its number, from `prejudge show`.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands beside the labels.")],
) -> None:
    """Let no label of a batch stand any more: people are asked again."""
    from app.services import prejudging

    with opened_store() as store:
        n = prejudging.withdraw(store, campaign, batch, reason=reason, actor="command line")
    say(f"Labels withdrawn: {n:,}; their comparisons wait for people.")


@app.command()
def overturned(campaign: CampaignArgument, as_json: JsonOption = False) -> None:
    """Report where people overturn the model, by topic, criterion, tension and length."""
    from app.services.overturned import overturned as report

    with opened_store() as store:
        document = report(store, campaign)
    if as_json:
        print_json(document)
        return
    print(document["undefined_reason"] or document["reading"])
    if document["groups"]:
        print()
        print_table(("by", "group", "n", "overturned", "share", "95 % (all groups)", ""), _rows(document["groups"]))


def _rows(groups: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return [
        (
            one["by"],
            one["name"],
            one["n"],
            one["n_overturned"],
            f"{one['rate']['value']:.1%}",
            f"[{one['rate']['low']:.1%}, {one['rate']['high']:.1%}]",
            "stands out" if one["stands_out"] else "",
        )
        for one in groups
    ]
