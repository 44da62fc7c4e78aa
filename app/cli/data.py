"""`steelyard import`, `export`, `snapshot` and `simulate`: what goes into a campaign and what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import JsonOption, opened_store, print_json, progress_bar, say
from app.domain import RaterKind

SHOWN = 20
"""Refused lines and warnings printed in full; `--json` has them all."""


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.command("import")(import_)
    parent.command()(export)
    parent.command()(snapshot)
    parent.command()(simulate)


def import_(
    campaign: str,
    files: Annotated[list[str], typer.Argument(help="Files, dataset directories, or hub:OWNER/NAME.")],
    format_name: Annotated[str, typer.Option("--format", help="auto, native, trl, hh, csv or datasets.")] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Import comparisons, and judgments where the files have them.

    A bad line is refused with its number, field and reason; the good ones are imported. Exit status 1 if any was
    refused. Importing a file again changes nothing.
    """
    from app.services.importing import import_file

    documents: list[dict[str, Any]] = []
    with opened_store() as store:
        for file in files:
            with progress_bar(f"Reading {Path(file).name}", total=None) as progress:
                summary = import_file(
                    store, campaign, file, format_name=format_name, actor="command line", progress=progress
                )
            documents.append(
                {"file": file, **summary.counts(), "refused": summary.refused, "warnings": summary.warnings}
            )
    if as_json:
        print_json([_plain(document) for document in documents])
    for document in documents:
        _say_import(document)
    if any(document["n_refused"] for document in documents):
        raise typer.Exit(1)


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    refused = [{"line": r.line, "field": r.field, "reason": r.reason} for r in document["refused"]]
    return {**document, "refused": refused}


def _say_import(document: dict[str, Any]) -> None:
    file = document["file"]
    for refused in document["refused"][:SHOWN]:
        say(f"{file}: refused {refused}")
    if document["n_refused"] > SHOWN:
        say(f"{file}: ... and {document['n_refused'] - SHOWN:,} more refused lines (see --json)")
    for warning in document["warnings"][:SHOWN]:
        say(f"{file}: note on {warning}")
    if document["n_warnings"] > SHOWN:
        say(f"{file}: ... and {document['n_warnings'] - SHOWN:,} more notes (see --json)")
    say(
        f"{file}: {document['n_lines']:,} lines; {document['n_comparisons']:,} new comparisons "
        f"({document['n_comparisons_known']:,} known), {document['n_judgments']:,} new judgments "
        f"({document['n_judgments_known']:,} known), {document['n_adjudications']:,} new decisions; "
        f"{document['n_refused']:,} lines refused, {document['n_warnings']:,} notes."
    )


def export(
    campaign: str,
    output: Annotated[Path, typer.Option(help="The file to write (native JSONL).")],
) -> None:
    """Write a whole campaign as native JSONL, every vote and decision; it imports back to the same ledger."""
    from app.services.exporting import export_campaign

    with opened_store() as store:
        counts = export_campaign(store, campaign, output)
    say(f"Wrote {output}: {counts}")


def snapshot(
    campaign: str,
    output: Annotated[Path, typer.Option(help="A new directory.")],
    kinds: Annotated[list[RaterKind] | None, typer.Option(help="Kinds that count; the campaign's by default.")] = None,
    round_name: Annotated[str | None, typer.Option("--round", help="Only this round; all by default.")] = None,
    min_judgments: Annotated[int, typer.Option(help="Votes that a pair needs.")] = 1,
    split_by: Annotated[str, typer.Option(help="prompt, or meta.KEY: no group stands in two splits.")] = "prompt",
    exclude_gold: Annotated[bool, typer.Option(help="Leave gold comparisons out.")] = False,
    aggregation: Annotated[str, typer.Option(help="vote_share, one_coin or majority.")] = "vote_share",
    as_json: JsonOption = False,
) -> None:
    """Freeze a documented dataset: pairs, votes, pool, rubric, card and manifest."""
    from app.services.snapshotting import build

    with opened_store() as store:
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
            actor="command line",
        )
    if as_json:
        print_json({"hash": manifest.hash, "directory": str(output), "manifest": dict(manifest.content)})
        return
    print(f"{output}: snapshot {manifest.hash[:12]}")
    for name, count in manifest.content["counts"].items():
        print(f"  {name:28} {count}")


def simulate(
    campaign: str,
    raters: Annotated[int, typer.Option(min=1, help="How many simulated raters.")],
    judgments: Annotated[int, typer.Option(min=0, help="How many judgments in all.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same judgments.")] = 0,
) -> None:
    """Let simulated raters (kind `simulated`, always shown as such) judge, through the same services as people."""
    from app.demo.simulate import simulate as run

    with opened_store() as store, progress_bar("Judging", total=judgments) as progress:
        summary = run(store, campaign, n_raters=raters, n_judgments=judgments, seed=seed, progress=progress)
    ending = "; nothing is left for them" if summary.is_exhausted else ""
    say(f"{summary.n_raters} simulated raters gave {summary.n_judgments:,} judgments{ending}.")
