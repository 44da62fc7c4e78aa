"""A database of the first schema becomes one of the newest, with its rows kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import select, text

from app.domain import Preferences
from app.services import lookup
from app.store import tables
from app.store.engine import Store
from app.store.migrate import configuration, require_current, upgrade
from tests.conftest import new_postgres_store

FIRST_ROWS = (
    "INSERT INTO campaign (id, name, title, counted_kinds, state, created_at) "
    "VALUES (1, 'c', 'C', '[]', 'open', '2026-01-01 00:00:00+00:00')",
    "INSERT INTO rater (id, name, kind, state, roles, created_at) "
    "VALUES (1, 'ann', 'human', 'qualified', '[]', '2026-01-01 00:00:00+00:00')",
    "INSERT INTO content (hash, body) VALUES ('h', '[]')",
    "INSERT INTO rater_decision (id, rater_id, campaign_id, decision, figures, explanation, decided_by, decided_at, "
    "appeal) VALUES (1, 1, 1, 'warned', '{\"n\": 3}', 'why', 'des', '2026-01-03 00:00:00+00:00', 'no')",
    *(
        "INSERT INTO comparison (id, campaign_id, external_id, content_hash, record_hash, prompt_hash, mode, "
        f"n_completions, meta) VALUES ({number}, 1, 'x{number}', 'h', 'h', 'h', 'pair', 2, '{json.dumps(meta)}')"
        for number, meta in enumerate(({}, {"content_kinds": "Violence "}, {"content_kinds": ["b", "a", 3, ""]}), 1)
    ),
    "INSERT INTO gold_key (id, comparison_id, accepted, criteria, explanation, suspended_at) "
    "VALUES (1, 1, '[\"a\"]', '{}', 'because', '2026-01-02 00:00:00+00:00')",
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def first(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database of the first schema with some rows."""
    if request.param == "sqlite":
        made = Store(f"sqlite:///{tmp_path / 'first.db'}")
    else:
        made = new_postgres_store(request.getfixturevalue("postgres_url"))
        command.downgrade(configuration(made), "base")
    command.upgrade(configuration(made), "0001")
    with made.write() as connection:
        for statement in FIRST_ROWS:
            connection.execute(text(statement.replace(":", r"\:")))
    yield made
    made.close()


def test_rows_of_the_first_schema_are_kept_and_kinds_of_content_are_found(first: Store) -> None:
    upgrade(first)
    require_current(first)
    with first.read() as connection:
        assert connection.scalars(select(tables.comparison.c.external_id)).all() == ["x1", "x2", "x3"]
        found = connection.execute(select(tables.comparison_content).order_by(tables.comparison_content.c.kind)).all()
    assert [tuple(row) for row in found] == [(3, "a"), (3, "b"), (2, "violence")]


def test_people_and_campaigns_of_the_first_schema_get_the_defaults(first: Store) -> None:
    upgrade(first)
    with first.read() as connection:
        assert lookup.find_campaign(connection, "c").renders_math is False
        assert lookup.find_account(connection, "ann").preferences == Preferences()


def test_gold_keys_and_decisions_of_the_first_schema_are_kept(first: Store) -> None:
    upgrade(first)
    with first.read() as connection:
        key = connection.execute(select(tables.gold_key)).one()
        decision = connection.execute(select(tables.rater_decision)).one()
    assert (key.explanation, key.suspended_at is not None, key.suspended_for, key.kept_at) == (
        "because",
        True,
        None,
        None,
    )
    assert (decision.decision, decision.appeal, decision.withdrawn_at) == ("warned", "no", None)
