"""`steelyard plan` and `steelyard audit`: what a policy costs, and whether batches of labels hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from app.cli.console import CampaignArgument, JsonOption, opened_store, print_json, print_table, say

audit_app = typer.Typer(help="Audit batches of settled comparisons while work goes on.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.command()(plan)
    parent.add_typer(audit_app, name="audit")


def plan(
    campaign: CampaignArgument,
    round_name: Annotated[
        str | None, typer.Option("--round", metavar="NAME", help="The round; the first by default.")
    ] = None,
    accuracy: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Mean accuracy of raters to assume; by default what gold says, or .8."),
    ] = None,
    raters: Annotated[int, typer.Option(metavar="N", help="Raters to assume where gold says nothing.")] = 20,
    pay: Annotated[float | None, typer.Option(metavar="AMOUNT", help="What one judgment costs.")] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the posteriors of the campaign on its gold first.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what each policy costs, and how far the work is."""
    from app.services import planning, stopping, waiting
    from app.services.lookup import THE_HOUSE

    with opened_store() as store:
        if refit:
            stopping.refit(store, campaign, actor="command line")
        options: dict[str, Any] = {"accuracy": accuracy, "n_raters": raters, "pay": pay}
        assumed, rows = planning.plan(store, THE_HOUSE, campaign, round_name=round_name, **options)
        meanwhile = planning.running(store, THE_HOUSE, campaign, pay=pay)
        stuck = waiting.report_waiting(store, THE_HOUSE, campaign)
    if as_json:
        print_json(
            {
                "assumptions": {
                    "n_comparisons": assumed.n_comparisons,
                    "gold_rate": assumed.gold_rate,
                    "source": assumed.source,
                    "pay": pay,
                },
                "policies": [
                    {
                        "policy": one.result.policy,
                        "overlap": one.result.overlap,
                        "is_current": one.is_current,
                        "votes_per_comparison": one.result.votes_per_comparison,
                        "accuracy": one.result.accuracy.to_json(),
                        "settled_share": one.result.settled_share,
                        "n_votes": one.n_votes,
                        "n_judgments": one.n_judgments,
                        "cost": one.cost,
                        "cost_per_label": one.cost_per_label,
                        "note": one.result.note,
                    }
                    for one in rows
                ],
                "rounds": [
                    {**asdict(one), "saved": one.saved.to_json(), "audited": one.audited.to_json()} for one in meanwhile
                ],
                "waiting": [asdict(one) for one in stuck],
            }
        )
        return
    say(f"{assumed.n_comparisons:,} comparisons; accuracy {assumed.source}.")
    print_table(
        ("policy", "overlap", "votes each", "accuracy", "settled", "judgments", "per label"), map(_plan_row, rows)
    )
    for one in meanwhile:
        say(_round_line(one))
    for one in stuck:
        where = f"round {one.round}" + (f", scope {one.scope}" if one.scope else "")
        say(f"{one.n_comparisons} comparisons of {where} wait for nobody: needs {one.requires}, as {one.examples[0]}.")


def _plan_row(row: Any) -> tuple[str, ...]:
    result = row.result
    mark = " (now)" if row.is_current else ""
    each = "" if row.cost_per_label is None else f"{row.cost_per_label:.3f}"
    return (
        f"{result.policy}{mark}",
        str(result.overlap),
        f"{result.votes_per_comparison:.2f}",
        f"{result.accuracy.value:.3f} [{result.accuracy.low:.3f}, {result.accuracy.high:.3f}]",
        f"{result.settled_share:.1%}",
        f"{row.n_judgments:,}",
        each or (f"{result.votes_per_label:.2f} votes" if result.votes_per_label else ""),
    )


def _round_line(one: Any) -> str:
    said = f"Round {one.round}, {one.policy}: {one.n_settled:,} of {one.n_comparisons:,} settled, "
    said += f"{one.n_contested:,} contested, {one.n_votes:,} votes, {one.per_day:.1f} judgments a day"
    if one.saved.value is not None:
        said += f"; {one.saved.value:.1%} of the votes of a fixed overlap saved"
    if one.audited.value is not None:
        low, high = one.audited.low, one.audited.high
        said += f"; {one.audited.value:.1%} [{low:.1%}, {high:.1%}] of {one.audited.n} audited stops held"
    return f"{said}. {one.model_note}".strip()


@audit_app.command()
def start(
    campaign: CampaignArgument,
    auditor: Annotated[str, typer.Option("--as", metavar="NAME", help="An account that adjudicates in the campaign.")],
    round_name: Annotated[str | None, typer.Option("--round", metavar="NAME", help="The round.")] = None,
    size: Annotated[int, typer.Option(metavar="N", help="Comparisons in the batch.")] = 200,
    good: Annotated[float, typer.Option(metavar="SHARE", help="Share of wrong labels that should pass.")] = 0.05,
    bad: Annotated[float, typer.Option(metavar="SHARE", help="Share of wrong labels that must not pass.")] = 0.15,
    as_json: JsonOption = False,
) -> None:
    """Open an audit of settled comparisons that none has taken yet."""
    from app.services import audits

    with opened_store() as store:
        audit = audits.start(store, auditor, campaign, round_name=round_name, size=size, good=good, bad=bad)
    if as_json:
        print_json(_audit_document(audit))
        return
    found = audit.plan
    say(
        f"Audit {audit.id}: {found.n} of {audit.n_items} comparisons to inspect on the page Audits; more than "
        f"{found.c} wrong labels send all of them back. A batch with {found.bad:.0%} wrong passes with probability "
        f"{found.risk_bad:.3f}, one with {found.good:.0%} is rejected with {found.risk_good:.3f}."
    )


@audit_app.command()
def status(campaign: CampaignArgument, as_json: JsonOption = False) -> None:
    """List the audits of a campaign and how far they are."""
    from app.services import audits
    from app.services.lookup import THE_HOUSE

    with opened_store() as store:
        found = audits.list_audits(store, THE_HOUSE, campaign)
        left = audits.n_waiting(store, THE_HOUSE, campaign)
    if as_json:
        print_json({"audits": [_audit_document(one) for one in found], "not_audited": left})
        return
    rows = [
        (
            one.id,
            one.round,
            one.state,
            f"{one.n_inspected}/{one.plan.n}",
            f"{one.n_defects} of {one.plan.c}",
            one.n_items,
        )
        for one in found
    ]
    if rows:
        print_table(("audit", "round", "state", "inspected", "wrong of allowed", "batch"), rows)
    for name, n in left.items():
        say(f"{n:,} settled comparisons of round {name} wait for an audit.")
    if not rows and not left:
        say("Nothing is settled yet, so there is nothing to audit.")


def _audit_document(audit: Any) -> dict[str, Any]:
    return {**asdict(audit), "defect_share": audit.defect_share.to_json()}
