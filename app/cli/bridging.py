"""`steelyard rubric bridge` and `steelyard rubric stale`: from one version to the next without losing the old votes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli import rubrics
from app.cli.console import CampaignArgument, JsonOption, KindsOption, opened_store, print_json, print_table, say
from app.errors import AlreadyExists

VERSION_HELP = "A published version: the beginning of its hash, or its key for the newest."


def register(_parent: typer.Typer) -> None:
    """Add the commands to the group `rubric`."""
    rubrics.app.command()(bridge)
    rubrics.app.command()(stale)


def bridge(
    campaign: CampaignArgument,
    to: Annotated[
        str | None, typer.Option("--open", metavar="VERSION", help=f"Open a bridge round first. {VERSION_HELP}")
    ] = None,
    sample: Annotated[int, typer.Option(metavar="N", help="Comparisons to judge again, with --open.")] = 60,
    overlap: Annotated[int, typer.Option(metavar="N", help="Raters a comparison, with --open.")] = 3,
    name: Annotated[
        str | None, typer.Option("--round", metavar="NAME", help="The bridge round; the newest, or bridge with --open.")
    ] = None,
    from_round: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="The round to compare with; the newest main one.")
    ] = None,
    margin: Annotated[float, typer.Option(metavar="POINTS", help="A shift that counts as none.")] = 0.25,
    kinds: KindsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a bridge round, or report what moved and whether old votes stand."""
    from app.services import bridging

    with opened_store() as store:
        if to is not None:
            plan = bridging.Plan(
                bridging.version_named(store, to), name or "bridge", from_round, n_comparisons=sample, overlap=overlap
            )
            opened = bridging.open_bridge(store, campaign, plan, actor="command line")
            say(f"Opened round {opened.name} of {campaign}. When it has votes: steelyard rubric bridge {campaign}")
            return
        report = bridging.report_bridge(
            store, campaign, round_name=name, from_round=from_round, kinds=kinds, margin=margin
        )
    if as_json:
        print_json(report.to_json())
    else:
        print(report.to_text(), end="")


def stale(
    campaign: CampaignArgument,
    to: Annotated[str, typer.Option("--to", metavar="VERSION", help=VERSION_HELP)],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write priorities, as `steelyard priorities import` reads them.")
    ] = None,
    from_round: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="The round that was judged by the old version.")
    ] = None,
    kinds: KindsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what to judge again after a change, the most valuable first."""
    from dataclasses import asdict

    from app.services import bridging, staleness

    if output is not None and output.exists():
        raise AlreadyExists(f"--output {output} exists already: name another file.")
    with opened_store() as store:
        version = bridging.version_named(store, to)
        found = staleness.stale_in(store, campaign, version=version, from_round=from_round, kinds=kinds)
    rows = found.rows
    if output is not None:
        output.write_text(staleness.priority_lines(rows), encoding="utf-8")
        say(f"Wrote {len(rows):,} priorities to {output}: steelyard priorities import {campaign} {output}")
    elif as_json:
        print_json([asdict(one) for one in rows])
    elif not rows:
        say("No label rests on anything that changed: nothing needs to be judged again.")
    else:
        shown = [(one.comparison_id, f"{one.priority:.2f}", one.reason) for one in rows]
        print_table(("comparison", "value", "why"), shown)
        say(f"{len(rows):,} of {found.share.n:,} judged comparisons rest on what changed.")
