"""`steelyard raters`, `steelyard gold`, `steelyard exam` and `steelyard verify`: the life of a rater."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import CampaignArgument, JsonOption, opened_store, print_json, print_table, say
from app.errors import InvalidInput, SteelyardError
from app.settings import settings

RaterArgument = Annotated[str, typer.Argument(metavar="RATER", help="Name of the account.")]
AsOption = Annotated[
    str, typer.Option("--as", metavar="NAME", help="The account in whose name this is done: a designer or an admin.")
]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Why, in words; the rater reads it.")]

raters = typer.Typer(help="Where raters stand; pause them, give them work again.", no_args_is_help=True)
gold = typer.Typer(help="Gold keys: set them, check them by strong raters' answers.", no_args_is_help=True)
exam = typer.Typer(help="Machine raters at the exam: questions out, answers in.", no_args_is_help=True)
verify = typer.Typer(help="Check documents that this installation has signed.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the groups to the command line."""
    for name, group in (("raters", raters), ("gold", gold), ("exam", exam), ("verify", verify)):
        parent.add_typer(group, name=name)


@raters.command("list")
def list_(campaign: CampaignArgument, actor: AsOption, as_json: JsonOption = False) -> None:
    """List the raters of a campaign: state, judgments, accuracy on gold, open appeals."""
    from app.services.raters import list_raters

    with opened_store() as store:
        rows = list_raters(store, actor, campaign)
    if as_json:
        print_json([_document(row) for row in rows])
        return
    table = []
    for row in rows:
        share = "" if row.accuracy.value is None else f"{row.accuracy.value:.0%} (at least {row.accuracy.low:.0%})"
        appeal = f"appeal of decision {row.appeal.id}" if row.appeal else ""
        state = row.standing.state.value
        table.append((row.rater.name, row.rater.kind.value, state, row.n_judgments, share, row.accuracy.n, appeal))
    print_table(("rater", "kind", "state", "judgments", "on gold", "answers", ""), table)


def _document(row: Any) -> dict[str, Any]:
    decision = row.standing.decision
    return {
        "rater": row.rater.name,
        "kind": row.rater.kind,
        "state": row.standing.state,
        "decision": None if decision is None else decision.decision,
        "explanation": None if decision is None else decision.explanation,
        "n_judgments": row.n_judgments,
        "gold_accuracy": row.accuracy.to_json(),
        "skills": {skill.skill: skill.level for skill in row.skills},
        "appeal": None if row.appeal is None else row.appeal.appeal,
    }


@raters.command()
def pause(campaign: CampaignArgument, rater: RaterArgument, actor: AsOption, reason: ReasonOption) -> None:
    """Give a rater no more work in a campaign until they requalify."""
    from app.services.raters import pause as pause_rater

    with opened_store() as store:
        pause_rater(store, actor, campaign, rater, reason=reason)
    say(f"{rater} is paused in {campaign}.")


@raters.command()
def requalify(campaign: CampaignArgument, rater: RaterArgument, actor: AsOption, reason: ReasonOption) -> None:
    """Give a rater work again, without an exam."""
    from app.services.raters import requalify as requalify_rater

    with opened_store() as store:
        requalify_rater(store, actor, campaign, rater, reason=reason)
    say(f"{rater} gets work in {campaign} again.")


KindOption = Annotated[str, typer.Option(metavar="KIND", help="credential, language, residency or skill.")]
AdminOption = Annotated[str, typer.Option("--as", metavar="NAME", help="The admin in whose name this is done.")]
CredentialArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="As the comparisons require it: physician, de, eu ...")
]


@raters.command()
def attach(
    rater: RaterArgument,
    name: CredentialArgument,
    actor: AdminOption,
    evidence: Annotated[str, typer.Option(metavar="TEXT", help="What was seen: a document, a number, a date.")],
    kind: KindOption = "credential",
    level: Annotated[int, typer.Option(metavar="N", help="1 to 3, for a language or a skill.")] = 1,
    until: Annotated[
        datetime | None, typer.Option(metavar="DAY", formats=["%Y-%m-%d"], help="The day from which it holds no more.")
    ] = None,
) -> None:
    """Attach a credential to an account: routing reads it in every campaign."""
    from app.services.credentials import attach as attach_credential

    end_of = None if until is None else until.replace(tzinfo=UTC)
    with opened_store() as store:
        attach_credential(store, actor, rater, name, evidence=evidence, kind=kind, level=level, expires_at=end_of)
    say(f"{rater} holds the {kind} {name}.")


@raters.command()
def detach(
    rater: RaterArgument,
    name: CredentialArgument,
    actor: AdminOption,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it holds no more.")],
    kind: KindOption = "credential",
) -> None:
    """End what an account holds of a credential; that it was held stays on record."""
    from app.services.credentials import end

    with opened_store() as store:
        end(store, actor, rater, name, reason=reason, kind=kind)
    say(f"{rater} holds the {kind} {name} no more.")


@gold.command("import")
def import_(
    campaign: CampaignArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help='JSON Lines: {"id": ..., "gold": {"accepted": [...]}}.')],
    actor: AsOption,
    as_json: JsonOption = False,
) -> None:
    """Set gold keys on comparisons that the campaign has.

    A bad line is refused, the others are set. Exit status 1 if any line was refused.
    """
    from app.services.gold import import_keys

    with opened_store() as store:
        done = import_keys(store, actor, campaign, file)
    for line in done.refused:
        say(f"refused: {line}")
    if as_json:
        print_json({"n_set": done.n_set, "n_known": done.n_known, "n_refused": len(done.refused)})
    else:
        print(f"keys: {done.n_set} set, {done.n_known} known, {len(done.refused)} refused")
    if done.refused:
        raise typer.Exit(1)


@gold.command()
def check(
    campaign: CampaignArgument,
    actor: AsOption,
    suspend: Annotated[bool, typer.Option("--suspend", help="Suspend suspect keys and score everybody again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for keys that strong raters contradict."""
    from app.services.gold import check_gold

    with opened_store() as store:
        found, passed = check_gold(store, actor, campaign, suspends=suspend)
    if as_json:
        print_json({"suspect": found, "suspended": suspend, "passed": passed})
        return
    print(f"suspect keys: {len(found)}{', suspended' if suspend and found else ''}")
    for name in found:
        print(f"  {name}")
    for name in passed:
        print(f"{name} passes the exam now")


@exam.command()
def items(
    campaign: CampaignArgument,
    actor: AsOption,
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where the questions go, one a line, without keys.")],
) -> None:
    """Write the questions of the exam for a machine rater to answer."""
    from app.services.machine_exams import write_items

    with opened_store() as store:
        n = write_items(store, actor, campaign, output)
    say(f"{n} questions in {output}.")


@exam.command()
def take(
    campaign: CampaignArgument,
    rater: RaterArgument,
    answers: Annotated[Path, typer.Option(metavar="FILE", help="Answers of the machine, one a line: id and answers.")],
    as_json: JsonOption = False,
) -> None:
    """Let a machine rater take the exam with the answers of a file."""
    from app.services.machine_exams import take_exam

    with opened_store() as store:
        status = take_exam(store, rater, campaign, answers)
    last = status.last
    if as_json:
        report = None if last is None else {"verdict": last.verdict, "n_right": last.n_right, "n": last.n}
        print_json({"state": status.state, "report": report})
        return
    said = "" if last is None else f": {last.n_right} of {last.n} right, {last.verdict}"
    print(f"{status.state}{said}")


@verify.command()
def certificate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A certificate, as the exam page hands it out.")],
    as_json: JsonOption = False,
) -> None:
    """Check a certificate: its signature, its expiry, where its rater stands."""
    from app.services.certifying import verify as verify_certificate

    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{file} is no JSON document: {error}.") from error
    with opened_store() as store:
        found = verify_certificate(store, document, folder=settings().data_directory)
    facts = {
        "holds": found.holds,
        "is_genuine": found.is_genuine,
        "is_expired": found.is_expired,
        "standing": found.standing,
        "certificate": found.certificate,
    }
    if as_json:
        print_json(facts)
    else:
        print(_said(found))
    if not found.holds:
        raise SteelyardError(f"{file}: the certificate does not hold.")


def _said(found: Any) -> str:
    said = found.certificate
    if not found.is_genuine:
        return "NOT genuine: this text was not signed here, or was changed since"
    state = "unknown here" if found.standing is None else found.standing.value
    when = f"passed {said['passed_at'][:10]}, {'EXPIRED' if found.is_expired else 'until'} {said['expires_at'][:10]}"
    return (
        f"genuine: {said['rater']} ({said['rater_kind']}) in {said['campaign']}, "
        f"{said['n_right']} of {said['n_items']} right, {when}; stands as {state} today"
    )
