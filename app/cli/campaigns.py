"""`steelyard campaign` and `steelyard priorities`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import JsonOption, opened_store, print_json, rubric_from, say
from app.domain import RaterKind, RoundRules
from app.errors import InvalidInput

app = typer.Typer(help="Campaigns: comparisons, rounds and members under one name.", no_args_is_help=True)
priorities = typer.Typer(help="What to judge next.", no_args_is_help=True)
_DEFAULTS = RoundRules()


def register(parent: typer.Typer) -> None:
    """Add the groups to the command line."""
    parent.add_typer(app, name="campaign")
    parent.add_typer(priorities, name="priorities")


@app.command()
def create(
    name: str,
    rubric: Annotated[str, typer.Option(help="A rubric file (YAML), or a key of the library: minimal, ...")],
    title: Annotated[str | None, typer.Option(help="A longer name for people.")] = None,
    kinds: Annotated[list[RaterKind] | None, typer.Option(help="Kinds of rater that count; human by default.")] = None,
    overlap: Annotated[int, typer.Option(help="Votes that each comparison gets.")] = _DEFAULTS.overlap,
    gold_rate: Annotated[float, typer.Option(help="Share of hidden gold.")] = _DEFAULTS.gold_rate,
    repeat_rate: Annotated[float, typer.Option(help="Share of blind repeats.")] = _DEFAULTS.repeat_rate,
    lease_seconds: Annotated[int, typer.Option(help="How long a rater holds a comparison.")] = _DEFAULTS.lease_seconds,
) -> None:
    """Create a campaign with its main round."""
    from app.services.campaigns import create_campaign

    rules = RoundRules(overlap=overlap, gold_rate=gold_rate, repeat_rate=repeat_rate, lease_seconds=lease_seconds)
    with opened_store() as store:
        campaign = create_campaign(
            store,
            name,
            rubric=rubric_from(rubric),
            title=title,
            counted_kinds=kinds or [RaterKind.HUMAN],
            rules=rules,
            actor="command line",
        )
    say(f"Created campaign {campaign.name}. Import comparisons with: steelyard import {campaign.name} FILE")


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the campaigns."""
    from app.services.campaigns import list_campaigns

    with opened_store() as store:
        campaigns = list_campaigns(store)
    if as_json:
        print_json([asdict(campaign) for campaign in campaigns])
        return
    for campaign in campaigns:
        print(f"{campaign.name:24} {campaign.state:7} {campaign.title}")
    if not campaigns:
        say("No campaign yet: steelyard campaign create NAME --rubric FILE")


@app.command()
def show(name: str, as_json: JsonOption = False) -> None:
    """Show what a campaign holds and how far its rounds are."""
    from app.services.campaigns import show_campaign

    with opened_store() as store:
        overview = show_campaign(store, name)
    if as_json:
        print_json(asdict(overview))
        return
    campaign = overview.campaign
    print(f"{campaign.name}: {campaign.title} ({campaign.state}; counts {', '.join(campaign.counted_kinds)})")
    print(f"{overview.n_comparisons:,} comparisons, {overview.n_gold:,} of them gold; {overview.n_raters:,} raters")
    print(f"{'round':16} {'mode':5} {'waiting':>9} {'begun':>9} {'complete':>9} {'judgments':>10}  rubric")
    for row in overview.rounds:
        n_waiting = row.n_comparisons - row.n_begun
        print(
            f"{row.round.name:16} {row.round.mode:5} {n_waiting:9,} {row.n_begun - row.n_complete:9,} "
            f"{row.n_complete:9,} {row.n_judgments:10,}  {row.round.rubric_version[:12]}"
        )


@priorities.command("import")
def import_priorities(campaign: str, file: Path) -> None:
    """Make comparisons more urgent, as a file says: one {"comparison_id", "priority", "reason"} a line."""
    from app.services.assigning import set_priorities

    rows = list(_priority_rows(file))
    with opened_store() as store:
        n_changed = set_priorities(store, campaign, rows, actor="command line")
    say(f"Set the priority of {len(rows):,} comparisons ({n_changed:,} places in queues).")


def _priority_rows(file: Path) -> list[tuple[str, float, str]]:
    if not file.is_file():
        raise InvalidInput(f"There is no file {file}.")
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append((str(row["comparison_id"]), float(row["priority"]), str(row.get("reason", ""))))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidInput(
                f"{file}, line {number}: {error!r}. A line is "
                '{"comparison_id": "x1", "priority": 0.9, "reason": "..."}; nothing was changed.'
            ) from error
    return rows
