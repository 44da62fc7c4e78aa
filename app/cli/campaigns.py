"""`steelyard campaign` and `steelyard priorities`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import CampaignArgument, JsonOption, opened_store, print_json, print_table, rubric_from, say
from app.domain import OverlapPolicy, RaterKind, RoundRules

app = typer.Typer(help="Campaigns: comparisons, rounds and members under one name.", no_args_is_help=True)
priorities = typer.Typer(help="What to judge next.", no_args_is_help=True)
_DEFAULTS = RoundRules()


def register(parent: typer.Typer) -> None:
    """Add the groups to the command line."""
    parent.add_typer(app, name="campaign")
    parent.add_typer(priorities, name="priorities")


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, . _ and -; commands use it.")],
    rubric: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="A rubric file (YAML), or one of the library, such as helpful_harmless, summarisation or minimal.",
        ),
    ],
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="A longer name, for people.")] = None,
    kinds: Annotated[
        list[RaterKind] | None,
        typer.Option(
            metavar="KIND",
            help="Raters whose votes count: human (the default), model, program or simulated; repeat for more.",
        ),
    ] = None,
    overlap: Annotated[int, typer.Option(metavar="N", help="Votes that each comparison gets.")] = _DEFAULTS.overlap,
    gold_rate: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the work that is hidden gold.")
    ] = _DEFAULTS.gold_rate,
    repeat_rate: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the work that comes back to the same rater, unannounced.")
    ] = _DEFAULTS.repeat_rate,
    policy: Annotated[
        OverlapPolicy,
        typer.Option(
            metavar="POLICY",
            help="When votes are enough: curtailed (the decisions of the full overlap with fewer votes), fixed, or "
            "posterior (stops where gold shows that it may).",
        ),
    ] = _DEFAULTS.policy,
    lease_seconds: Annotated[
        int, typer.Option(metavar="S", help="How long a rater holds a comparison before another may have it.")
    ] = _DEFAULTS.lease_seconds,
) -> None:
    """Create a campaign with its main round."""
    from app.services.campaigns import create_campaign

    rules = RoundRules(
        overlap=overlap, gold_rate=gold_rate, repeat_rate=repeat_rate, lease_seconds=lease_seconds, policy=policy
    )
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
    if not campaigns:
        say("No campaign yet: steelyard campaign create NAME --rubric FILE")
        return
    rows = [(one.name, one.state, ", ".join(one.counted_kinds), one.title) for one in campaigns]
    print_table(("campaign", "state", "counts", "title"), rows)


@app.command()
def show(name: CampaignArgument, as_json: JsonOption = False) -> None:
    """Show what a campaign holds and how far its rounds are."""
    from app.services.campaigns import show_campaign

    with opened_store() as store:
        overview = show_campaign(store, name)
    if as_json:
        print_json(asdict(overview))
        return
    campaign = overview.campaign
    print(f"{campaign.name}: {campaign.title} ({campaign.state}; counts {', '.join(campaign.counted_kinds)} votes)")
    print(f"{overview.n_comparisons:,} comparisons, {overview.n_gold:,} of them gold; {overview.n_raters:,} raters\n")
    print_table(
        ("round", "mode", "votes wanted", "waiting", "begun", "complete", "judgments", "rubric"),
        [
            (
                row.round.name,
                row.round.mode,
                row.round.rules.overlap,
                row.n_comparisons - row.n_begun,
                row.n_begun - row.n_complete,
                row.n_complete,
                row.n_judgments,
                row.round.rubric_version[:12],
            )
            for row in overview.rounds
        ],
    )


@app.command()
def withdraw(
    name: Annotated[str, typer.Argument(help="The campaign.")],
    comparison: Annotated[str, typer.Argument(help="The id of the comparison.")],
    reason: Annotated[str, typer.Option(help="Why; stands on the tombstone.")],
    part: Annotated[list[str] | None, typer.Option(help="A completion id, or prompt; repeat. All by default.")] = None,
) -> None:
    """Erase texts of a comparison for good; a tombstone stays."""
    from app.services.withdrawing import withdraw as erase

    with opened_store() as store:
        done = erase(store, name, comparison, parts=part or (), reason=reason, actor="command line")
    say(f"Erased {done.n_texts} texts; {done.n_comparisons} comparisons hold one of them and wait for nobody any more.")


@priorities.command("import")
def import_priorities(
    campaign: CampaignArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help='JSONL: {"comparison_id": "x1", "priority": 0.9, "reason": "..."}.')
    ],
) -> None:
    """Say what to judge next, from a file of priorities: a cycle begins."""
    from app.services.cycles import import_priorities as open_cycle
    from app.services.cycles import read_priorities

    rows = read_priorities(file)
    with opened_store() as store:
        cycle, n_changed = open_cycle(store, campaign, rows, source=file.name, actor="command line")
    n = sum(cycle.n.values())
    say(f"Comparisons with a new priority: {n:,} (places in queues: {n_changed:,}); cycle {cycle.number} begins.")
