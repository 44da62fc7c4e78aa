"""`steelyard user`: accounts and their one-time links."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.console import JsonOption, opened_store, print_json, print_table, say
from app.domain import Role
from app.settings import settings

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Unique: letters, digits and . @ + - _")]

app = typer.Typer(help="Accounts, and the one-time links with which people come in.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="user")


@app.command()
def add(
    name: NameArgument,
    role: Annotated[
        list[Role],
        typer.Option(metavar="ROLE", help="rater, reviewer, designer, researcher or admin; repeat for more."),
    ],
    campaign: Annotated[
        list[str] | None,
        typer.Option(metavar="CAMPAIGN", help="Make them a member of this campaign; repeat for more."),
    ] = None,
) -> None:
    """Add a person. Prints a one-time link with which they set their password."""
    from app.services.campaigns import add_member, show_campaign
    from app.services.people import add_account

    with opened_store() as store:
        for campaign_name in campaign or []:
            show_campaign(store, campaign_name)
        add_account(store, name, roles=role, actor="command line")
        for campaign_name in campaign or []:
            add_member(store, campaign_name, name, roles=role, actor="command line")
        _print_link(store, name)


@app.command()
def link(name: NameArgument) -> None:
    """Print a new one-time link for a person: to set a first password, or another one."""
    with opened_store() as store:
        _print_link(store, name)


def _print_link(store: Any, name: str) -> None:
    from app.services.people import LINK_LIFETIME, issue_link

    token = issue_link(store, name, actor="command line")
    print(f"{settings().public_url}/password/{token}")
    where = "" if settings().public_url else " on your server"
    say(f"Give {name} this link: it opens once{where}, within {LINK_LIFETIME.days} days.")


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the accounts."""
    from app.services.people import list_accounts

    with opened_store() as store:
        accounts = list_accounts(store)
    if as_json:
        print_json([{"name": a.name, "kind": a.kind, "state": a.state, "roles": sorted(a.roles)} for a in accounts])
        return
    rows = [(one.name, one.kind, one.state, ", ".join(sorted(one.roles))) for one in accounts]
    print_table(("account", "kind", "state", "roles"), rows)
