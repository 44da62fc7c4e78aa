"""`steelyard import`, `export`, `snapshot` and `simulate`: what goes into a campaign and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import (
    CampaignArgument,
    JsonOption,
    KindsOption,
    opened_store,
    print_json,
    progress_bar,
    say,
    working,
)
from app.errors import AlreadyExists, SteelyardError

SHOWN = 20
"""Refused lines and warnings printed in full; `--json` has them all."""


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.command("import", short_help="Import comparisons, and the votes in the files.")(import_)
    parent.command(short_help="Write a whole campaign as native JSONL.")(export)
    parent.command(short_help="Freeze a documented dataset.")(snapshot)
    parent.command(short_help="Let simulated raters judge.")(simulate)


def import_(
    campaign: CampaignArgument,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Files, dataset directories, or hub:OWNER/NAME.")],
    format_name: Annotated[
        str, typer.Option("--format", metavar="NAME", help="auto, native, trl, hh, csv or datasets.")
    ] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Import comparisons, and judgments where the files have them.

    A bad line is refused with its number, field and reason; the good ones are imported. Exit status 1 if any line or
    file was refused. Importing a file again changes nothing.
    """
    from app.services.campaigns import show_campaign

    with opened_store() as store:
        show_campaign(store, campaign)
        documents = [_import_one(store, campaign, file, format_name=format_name) for file in files]
    if as_json:
        print_json(documents)
    if any(document["error"] or document["n_refused"] for document in documents):
        raise typer.Exit(1)


def _import_one(store: Any, campaign: str, file: str, *, format_name: str) -> dict[str, Any]:
    """Import one file and say what became of it; a file that cannot be read stops no other."""
    from app.services.importing import ImportSummary, import_file

    summary, error = ImportSummary(), None
    try:
        with working(f"Importing {Path(file).name}", unit="lines") as progress:
            summary = import_file(
                store, campaign, file, format_name=format_name, actor="command line", progress=progress
            )
    except (SteelyardError, OSError) as reason:
        error = str(reason)
        say(f"error: {' '.join(error.split())}")
    else:
        _say_import(file, summary)
    refused = [{"line": line.line, "field": line.field, "reason": line.reason} for line in summary.refused]
    return {"file": file, "error": error, **summary.counts(), "refused": refused, "warnings": summary.warnings}


def _say_import(file: str, summary: Any) -> None:
    for refused in summary.refused[:SHOWN]:
        say(f"{file}: refused {refused}")
    if summary.n_refused > SHOWN:
        say(f"{file}: ... and {summary.n_refused - SHOWN:,} more refused lines (see --json)")
    for warning in summary.warnings[:SHOWN]:
        say(f"{file}: note on {warning}")
    if summary.n_warnings > SHOWN:
        say(f"{file}: ... and {summary.n_warnings - SHOWN:,} more notes (see --json)")
    parts = [
        _new_and_known("comparisons", summary.n_comparisons, summary.n_comparisons_known),
        _new_and_known("judgments", summary.n_judgments, summary.n_judgments_known),
        f"{summary.n_adjudications:,} new decisions" if summary.n_adjudications else "",
        f"{summary.n_questions:,} new questions" if summary.n_questions else "",
        f"{summary.n_reviews:,} new reviews" if summary.n_reviews else "",
        f"{summary.n_warnings:,} notes" if summary.n_warnings else "",
        f"{summary.n_refused:,} lines refused",
    ]
    say(f"{file}: {summary.n_lines:,} lines: {', '.join(part for part in parts if part)}.")


def _new_and_known(name: str, n_new: int, n_known: int) -> str:
    return f"{n_new:,} new {name}" + (f" ({n_known:,} known already)" if n_known else "")


def export(
    campaign: CampaignArgument,
    output: Annotated[Path, typer.Option(metavar="FILE", help="The file to write (native JSONL).")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Write a whole campaign as native JSONL: every vote and decision; it imports back to the same ledger."""
    from app.services.exporting import export_campaign

    if output.exists() and not overwrite:
        raise AlreadyExists(f"--output {output} exists already: name another file, or give --overwrite.")
    with opened_store() as store, working(f"Writing {output}"):
        counts = export_campaign(store, campaign, output, actor="command line")
    say(
        f"Wrote {output}: {counts.n_comparisons:,} comparisons ({counts.n_gold:,} with a gold key), "
        f"{counts.n_judgments:,} judgments, {counts.n_adjudications:,} decisions, "
        f"{counts.n_questions:,} questions, {counts.n_reviews:,} reviews."
    )
    if counts.n_left_out_erased:
        say(f"Left out, because a text was withdrawn: {', '.join(counts.erased)}.")


def snapshot(
    campaign: CampaignArgument,
    output: Annotated[Path, typer.Option(metavar="DIR", help="A new directory.")],
    kinds: KindsOption = None,
    round_name: Annotated[
        str | None, typer.Option("--round", metavar="NAME", help="Only this round; by default all.")
    ] = None,
    min_judgments: Annotated[int, typer.Option(metavar="N", help="Votes that a pair needs.")] = 1,
    split_by: Annotated[
        str, typer.Option(metavar="KEY", help="prompt, or meta.KEY: no group stands in two splits.")
    ] = "prompt",
    exclude_gold: Annotated[bool, typer.Option("--exclude-gold", help="Leave gold comparisons out.")] = False,
    aggregation: Annotated[str, typer.Option(metavar="NAME", help="vote_share, one_coin or majority.")] = "vote_share",
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OLD=NEW",
            help="Where rounds had several rubric versions: what a criterion is in the newest; OLD= leaves it out, "
            "and `same` alone takes those that mean the same. Repeat for more.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze a documented dataset: pairs, votes, pool, rubric, card and manifest."""
    from app.services.snapshotting import build

    with opened_store() as store, progress_bar(f"Freezing {campaign}") as progress:
        manifest = build(
            store,
            campaign,
            output,
            kinds=kinds,
            round=round_name,
            min_judgments=min_judgments,
            split_by=split_by,
            exclude_gold=exclude_gold,
            aggregation=aggregation,
            mapping=None if map_ is None else _mapping(map_),
            actor="command line",
            progress=progress,
        )
    if as_json:
        print_json({"hash": manifest.hash, "directory": str(output), "manifest": dict(manifest.content)})
        return
    print(f"{output}: snapshot {manifest.hash[:12]}")
    for line in _snapshot_lines(manifest.content):
        print(f"  {line}")
    say(f'Load it with datasets.load_dataset("{output}"); {output / "README.md"} describes it.')


def _mapping(values: list[str]) -> dict[str, str]:
    """Old criterion -> new criterion, or empty to leave it out."""
    mapping = {}
    for value in values:
        old, sign, new = value.partition("=")
        if not sign and value != "same":
            raise typer.BadParameter(f"--map {value}: use OLD=NEW, OLD= to leave out, or same")
        if sign:
            mapping[old.strip()] = new.strip()
    return mapping


def _snapshot_lines(content: Mapping[str, Any]) -> list[str]:
    counts, splits = content["counts"], content["splits"]
    sizes = ", ".join(f"{name} {splits['n_pairs'][name]:,}" for name in splits["n_pairs"])
    raters = ", ".join(f"{n:,} {kind}" for kind, n in counts["n_raters"].items()) or "no"
    lines = [
        f"{counts['n_pairs']:9,} pairs: {sizes or 'none'}; split by {splits['by']}",
        f"{counts['n_ties']:9,} ties, in the configuration `all` only",
        f"{counts['n_judgments']:9,} judgments of {raters} raters on {counts['n_comparisons_judged']:,} comparisons",
        f"{counts['n_pool']:9,} comparisons not judged yet (pool.parquet)",
    ]
    for drop in content["drops"]:
        if drop["reason"] != "tie":
            lines.append(f"{drop['n_pairs']:9,} pairs left out: {drop['explanation']}")
    if splits["omitted"]:
        lines.append(f"          no {' and no '.join(splits['omitted'])} split: too few groups")
    return lines


def simulate(
    campaign: CampaignArgument,
    raters: Annotated[int, typer.Option(metavar="N", min=1, help="How many simulated raters.")],
    judgments: Annotated[int, typer.Option(metavar="M", min=0, help="How many judgments in all.")],
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed gives the same judgments.")] = 0,
    noise: Annotated[
        float | None, typer.Option(metavar="POINTS", help="How blurred they see, on a 7-point scale; 0.5 is careful.")
    ] = None,
    position_bias: Annotated[
        float | None, typer.Option(metavar="POINTS", help="What the response shown first gains in their eyes.")
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(metavar="CRITERION=SHARE", help="How much a criterion counts for them; repeat for more."),
    ] = None,
    pace: Annotated[float | None, typer.Option(metavar="WORDS", help="Words that they read per second.")] = None,
    round_name: Annotated[
        str | None, typer.Option("--round", metavar="NAME", help="The only round in which they judge.")
    ] = None,
) -> None:
    """Let simulated raters judge (kind `simulated`, always shown as such), through the same services as people.

    Each draws ability, position bias, weights and pace from the seed; an option gives all of them the same.
    """
    from app.demo.simulate import simulate as run
    from app.demo.traits import GivenTraits
    from app.domain import RaterKind
    from app.services.campaigns import show_campaign

    given = GivenTraits(noise, position_bias, _weights(weight) if weight else None, pace)
    with opened_store() as store:
        counted = show_campaign(store, campaign).campaign.counted_kinds
        with progress_bar("Judging", total=judgments) as progress:
            summary = run(
                store,
                campaign,
                n_raters=raters,
                n_judgments=judgments,
                seed=seed,
                given=given,
                round_name=round_name,
                progress=progress,
            )
    ending = "; nothing is left for them" if summary.is_exhausted else ""
    say(f"{summary.n_raters} simulated raters gave {summary.n_judgments:,} judgments{ending}.")
    if RaterKind.SIMULATED not in counted:
        say(f"They are kept, but do not count: {campaign} counts {', '.join(counted)} votes.")


def _weights(values: list[str]) -> dict[str, float]:
    weights = {}
    for value in values:
        criterion, _, share = value.partition("=")
        try:
            weights[criterion] = float(share)
        except ValueError:
            raise typer.BadParameter(f"--weight {value}: use CRITERION=SHARE, e.g. helpfulness=0.5") from None
    return weights
