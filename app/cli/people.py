"""`steelyard user`: accounts and their one-time links."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.console import JsonOption, opened_store, print_json
from app.domain import RaterKind, Role

app = typer.Typer(help="Accounts.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="user")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Unique: letters, digits and . @ + - _")],
    role: Annotated[list[Role], typer.Option(help="What the person does; repeat for more.")],
    campaign: Annotated[list[str] | None, typer.Option(help="Make them a member of this campaign; repeat.")] = None,
) -> None:
    """Add a person. Prints the path of a one-time link with which they set their password."""
    from app.services.campaigns import add_member
    from app.services.people import add_account, issue_link

    with opened_store() as store:
        add_account(store, name, roles=role, actor="command line")
        for campaign_name in campaign or []:
            add_member(store, campaign_name, name, roles=role, actor="command line")
        token = issue_link(store, name, actor="command line")
    print(f"/password/{token}")


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the accounts."""
    from app.services.people import list_accounts

    with opened_store() as store:
        accounts = list_accounts(store)
    if as_json:
        print_json([{"name": a.name, "kind": a.kind, "state": a.state, "roles": sorted(a.roles)} for a in accounts])
        return
    for account in accounts:
        kind = "" if account.kind is RaterKind.HUMAN else f"  {account.kind}"
        print(f"{account.name:24} {account.state:10} {', '.join(sorted(account.roles))}{kind}")
