"""Accounts and the one-time links with which people come in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain import RaterKind, RaterState, Role
from app.errors import AlreadyExists, InvalidInput, NotFound
from app.services.people import LINK_LIFETIME, add_account, issue_link, list_accounts, token_hash
from app.store import tables
from app.store.engine import Store
from tests.services.house import count, rows

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)


def test_an_account_is_stored_with_its_facts(store: Store) -> None:
    made = add_account(store, "gpt-4o@v2", kind=RaterKind.MODEL, specification={"model": "m", "temperature": 0.5})
    assert (made.name, made.kind, made.state, made.roles) == (
        "gpt-4o@v2", RaterKind.MODEL, RaterState.QUALIFIED, {Role.RATER},
    )  # fmt: skip
    [row] = rows(store, tables.rater)
    assert row.specification == {"model": "m", "temperature": 0.5}
    assert row.password_hash is None
    [event] = rows(store, tables.event)
    assert (event.action, event.subject) == ("account.added", "rater gpt-4o@v2")


def test_a_name_is_taken_once(store: Store) -> None:
    add_account(store, "zoë", roles=[Role.ADMIN, Role.RATER])
    with pytest.raises(AlreadyExists, match="an account 'zoë' already"):
        add_account(store, "zoë")
    add_account(store, "ann")
    assert [one.name for one in list_accounts(store)] == ["ann", "zoë"]


@pytest.mark.parametrize("name", ["", " ann", "a b", "a/b", "a" * 65, "a\0b", "-x", "a\n"])
def test_names_that_no_account_may_have(sqlite_store: Store, name: str) -> None:
    with pytest.raises(InvalidInput, match="use letters, digits and"):
        add_account(sqlite_store, name)
    with pytest.raises(InvalidInput, match="at least one role"):
        add_account(sqlite_store, "ann", roles=[])
    assert count(sqlite_store, tables.rater) == 0


def test_only_the_newest_link_works_and_only_its_hash_is_kept(store: Store) -> None:
    add_account(store, "ann")
    first, second = issue_link(store, "ann", now=NOW), issue_link(store, "ann", now=NOW)
    links = {row.token_hash: row for row in rows(store, tables.login_token)}
    assert links.keys() == {token_hash(first), token_hash(second)}
    assert links[token_hash(first)].used_at == NOW
    assert links[token_hash(second)].used_at is None
    assert links[token_hash(second)].expires_at == NOW + LINK_LIFETIME
    assert not any(first in str(tuple(row)) for table in tables.metadata.sorted_tables for row in rows(store, table))


def test_a_link_for_nobody_suggests_somebody(sqlite_store: Store) -> None:
    add_account(sqlite_store, "ann")
    with pytest.raises(NotFound, match=r"There is no account 'anne' \(did you mean 'ann'\?\)"):
        issue_link(sqlite_store, "anne")
