"""`steelyard rubric`: begin, check, test, compare and publish rubrics."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.console import JsonOption, opened_store, print_json, print_table, rubric_from, say
from app.errors import AlreadyExists, InvalidInput, NotFound

if TYPE_CHECKING:
    from app.services.rubric_testing import TrialReport

app = typer.Typer(help="Rubrics: begin, check, test, compare and publish them.", no_args_is_help=True)
RubricArgument = Annotated[str, typer.Argument(metavar="FILE", help="A rubric file (YAML), or a key of the library.")]


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="rubric")


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; its name becomes the key.")],
    template: Annotated[
        str, typer.Option("--from", metavar="RUBRIC", help="A key of the library, a file, or a published version.")
    ] = "helpful_harmless",
    brief: Annotated[
        str | None, typer.Option(metavar="TEXT", help="In plain words, for the assistant, or to find a template.")
    ] = None,
) -> None:
    """Begin a rubric from the library, from another one, or from a brief."""
    from rubrics.document import put

    if file.exists():
        raise AlreadyExists(f"{file} exists already: name another file.")
    text = _text_of(template) if brief is None else _from_brief(brief)
    if re.fullmatch(r"[a-z][a-z0-9_-]*", file.stem):
        text = put(text, ("key",), file.stem)
    file.write_text(text, encoding="utf-8")
    say(f"Wrote {file}. Change it, then: steelyard rubric check {file}")


@app.command()
def check(rubric: RubricArgument, as_json: JsonOption = False) -> None:
    """Say what is wrong with a rubric, by line and field, and what could trip raters.

    Exit status 1 where something is wrong; advice alone is no failure.
    """
    from rubrics.advice import advise
    from rubrics.loader import parse_rubric

    text = _text_of(rubric)
    found = parse_rubric(text, source=rubric)
    advice = advise(found, text)
    if as_json:
        rows = [
            {"kind": a.kind, "line": a.line, "field": a.field, "reason": a.reason, "remedy": a.remedy} for a in advice
        ]
        print_json({"key": found.key, "version": found.version, "n_criteria": len(found.criteria), "advice": rows})
        return
    print(f"{rubric}: valid; {found.title}, {len(found.criteria)} criteria, version {found.version[:12]}")
    for one in advice:
        print(f"{rubric}:{one.line}: advice: {one}")


@app.command("test")
def run_tests(
    rubric: RubricArgument,
    campaign: Annotated[str | None, typer.Option(metavar="NAME", help="Votes of this campaign.")] = None,
    votes: Annotated[Path | None, typer.Option(metavar="FILE", help="Votes in a native file.")] = None,
    program: Annotated[
        str | None, typer.Option(metavar="COMMAND", help="A program that judges: native lines in, answers out.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the examples as comparisons for a pilot, and stop.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the worked examples under tests: against votes on the same texts.

    Names criteria that fail (raters agree on something else) and that are ambiguous (raters agree on nothing). Exit
    status 1 where a criterion fails, or where no test has enough votes to tell.
    """
    from app.services.rubric_test_votes import Votes, campaign_votes, file_votes, program_votes
    from app.services.rubric_testing import MIN_VOTES

    found = rubric_from(rubric)
    if write is not None:
        _write_comparisons(found, write)
        return
    if not (campaign or votes or program):
        raise typer.BadParameter("give --campaign NAME, --votes FILE, --program COMMAND, or --write FILE")
    all_votes = Votes()
    if campaign is not None:
        with opened_store() as store:
            all_votes += campaign_votes(store, campaign, found)
    if votes is not None:
        all_votes += file_votes(votes, found)
    if program is not None:
        all_votes += program_votes(program, found)
    report = all_votes.report(found)
    if as_json:
        print_json(report.to_json())
    else:
        _print_report(report)
    if report.failing or report.tells_nothing:
        few = "nobody judged these texts" if not report.n_votes else f"no test has {MIN_VOTES} votes of a kind of rater"
        why = f"raters read it otherwise: {', '.join(report.failing)}" if report.failing else few
        say(f"error: {why}")
        raise typer.Exit(1)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A file, a key of the library, or a published version.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    as_json: JsonOption = False,
) -> None:
    """Tell what two rubrics differ in: in what a vote means, or only in wording."""
    from dataclasses import asdict

    from rubrics.difference import changes

    found = changes(_rubric_of(before), _rubric_of(after))
    if as_json:
        print_json([asdict(change) for change in found])
        return
    for effect in ("meaning", "wording"):
        for change in (one for one in found if one.effect == effect):
            print(f"{effect}: {change.place} ({change.kind}; {change.why})")
            for sign, text in (("-", change.before), ("+", change.after)):
                for line in text.splitlines():
                    print(f"    {sign} {line}")
    n_meaning = sum(change.effect == "meaning" for change in found)
    say(f"{len(found)} differences: {n_meaning} of meaning, {len(found) - n_meaning} of wording.")


@app.command()
def publish(rubric: RubricArgument) -> None:
    """Publish a rubric: its version never changes, and rounds can be started with it."""
    from app.services.rubric_versions import publish_text

    text = _text_of(rubric)
    with opened_store() as store:
        found, is_new = publish_text(store, text, actor="command line")
    print(found.version)
    say(f"{found.title}: {'published' if is_new else 'was published already'} as version {found.version[:12]}.")


@app.command()
def history(
    key: Annotated[str | None, typer.Argument(metavar="KEY", help="One rubric; all by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the published versions, newest first, with the rounds that use them."""
    from app.services.rubric_versions import list_versions
    from rubrics.difference import changes

    with opened_store() as store:
        published = list_versions(store)
    if key is not None and key not in published:
        raise InvalidInput(f"No rubric with the key {key!r} is published; there are: {', '.join(published) or 'none'}.")
    rows = []
    for name in [key] if key else published:
        versions = published[name]
        for place, one in enumerate(versions):
            older = versions[place + 1].rubric if place + 1 < len(versions) else None
            found = [] if older is None else changes(older, one.rubric)
            n_meaning = sum(change.effect == "meaning" for change in found)
            uses = ", ".join(f"{use.campaign}/{use.round}" for use in one.uses)
            rows.append((name, one.version, one.published_at, None if older is None else n_meaning, uses))
    if as_json:
        fields = ("key", "version", "published_at", "n_changes_of_meaning", "rounds")
        print_json([dict(zip(fields, row, strict=True)) for row in rows])
        return
    shown = [
        (k, v[:12], f"{at:%Y-%m-%d %H:%M}", "first" if n is None else n, uses or "none") for k, v, at, n, uses in rows
    ]
    print_table(("rubric", "version", "published (UTC)", "changes of meaning", "rounds"), shown)


def _text_of(name: str) -> str:
    """The document of a library rubric, of a file, or of a published version."""
    from rubrics.loader import library, read_text

    if name in library():
        return library()[name].read_text(encoding="utf-8")
    if Path(name).suffix or Path(name).exists():
        return read_text(Path(name))
    return _published(name).yaml


def _rubric_of(name: str) -> Any:
    from rubrics.loader import parse_rubric

    return parse_rubric(_text_of(name), source=name)


def _published(name: str) -> Any:
    """A published version by the beginning of its hash, or the newest of a key."""
    from app.services.bridging import version_named
    from app.services.rubric_versions import list_versions

    with opened_store() as store:
        try:
            version = version_named(store, name)
        except NotFound as error:
            raise NotFound(f"{error} It is no file and no key of the library either.") from error
        return next(one for ones in list_versions(store).values() for one in ones if one.version == version)


def _from_brief(brief: str) -> str:
    """By the assistant where one is configured; else the nearest template, with the brief on top."""
    from app.services.rubric_assistant import nearest_templates, written
    from app.settings import settings
    from rubrics.loader import library

    assistant = settings().assistant
    told = "".join(f"# {line}\n" for line in brief.splitlines())
    if assistant is None:
        near = [*nearest_templates(brief), "helpful_harmless"][0]
        say(f"No assistant is configured; the nearest template is {near}.")
        return f"# The brief:\n{told}{library()[near].read_text(encoding='utf-8')}"
    text, n_problems = written(brief, assistant=assistant)
    if n_problems:
        say(f"{n_problems} things are still wrong with what {assistant.model} wrote.")
    return f"# Drafted by {assistant.model} from this brief; read every word.\n{told}{text}"


def _write_comparisons(rubric: Any, file: Path) -> None:
    from app.services.rubric_testing import comparisons_of_tests

    if file.exists():
        raise AlreadyExists(f"{file} exists already: name another file.")
    lines = comparisons_of_tests(rubric)
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    say(f"Wrote {len(lines)} comparisons to {file}. Import them into a pilot: steelyard import CAMPAIGN {file}")


def _print_report(report: TrialReport) -> None:
    from app.services.rubric_testing import TOO_FEW

    rows = [
        (
            check.status,
            check.criterion,
            check.kind or "-",
            f"test {check.test}",
            check.expected,
            ", ".join(f"{n} {answer}" for answer, n in sorted(check.said.items(), key=lambda one: -one[1]))
            or "no votes",
            ""
            if check.share.low is None or check.status == TOO_FEW
            else f"{check.share.low:.2f} to {check.share.high:.2f}",
        )
        for check in report.checks
    ]
    print_table(("status", "criterion", "raters", "test", "expected", "said", "share as expected"), rows)
    print(f"\n{report.n_met} of {report.n_tests} tests were judged, by {report.n_votes} judgments.")
    for name, keys in (("failing", report.failing), ("ambiguous", report.ambiguous)):
        print(f"{name}: {', '.join(keys) or 'none'}")
    for reason, n in report.left_out.items():
        say(f"{n} answers left out: {reason}.")
    if not report.n_votes:
        say("--write FILE writes the examples as comparisons for a pilot.")
