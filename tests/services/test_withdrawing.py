"""Withdrawn texts: erased for good, never asked about again, never imported again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from app.domain import Role, RoundRules
from app.errors import InvalidInput, NotFound
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from app.services.people import add_account
from app.services.withdrawing import withdraw
from app.store import tables
from app.store.engine import Store
from rubrics.loader import load_library


@pytest.fixture
def file(store: Store, tmp_path: Path) -> Path:
    """Two comparisons that share a response; a campaign that holds them; a rater."""
    path = tmp_path / "two.jsonl"
    rows = [("x", "shared words", "only in x"), ("y", "shared words", "only in y")]
    path.write_text(
        "".join(
            json.dumps({"id": i, "prompt": f"{i}?", "completions": [{"id": "a", "text": a}, {"id": "b", "text": b}]})
            + "\n"
            for i, a, b in rows
        )
    )
    create_campaign(store, "c", rubric=load_library("minimal"), rules=RoundRules(gold_rate=0))
    import_file(store, "c", path)
    add_account(store, "ann")
    add_member(store, "c", "ann", roles=[Role.RATER])
    return path


def _bodies(store: Store) -> set[str]:
    with store.read() as connection:
        return {body for body in connection.scalars(select(tables.content.c.body)) if body is not None}


def test_the_words_are_gone_and_stay_gone(store: Store, file: Path) -> None:
    done = withdraw(store, "c", "x", parts=["b"], reason="asked by its author")
    assert (done.n_texts, done.n_comparisons) == (1, 1)
    assert "only in x" not in _bodies(store)
    summary = import_file(store, "c", file)
    assert [(r.line, r.field) for r in summary.refused] == [(1, "completions")]
    assert "only in x" not in _bodies(store)
    again = withdraw(store, "c", "x", parts=["b"], reason="asked by its author")
    assert again.n_texts == 0


def test_a_shared_text_closes_every_comparison_that_holds_it(store: Store, file: Path) -> None:
    assert next_assignment(store, "ann", "c") is not None
    done = withdraw(store, "c", "x", parts=["a"], reason="licence")
    assert done.n_comparisons == 2
    held = next_assignment(store, "ann", "c")
    assert held is not None
    assert "[This text was withdrawn.]" in held.responses


def test_nobody_is_asked_about_a_withdrawn_comparison(store: Store, file: Path) -> None:
    withdraw(store, "c", "x", reason="licence")
    assert next_assignment(store, "ann", "c") is None  # y holds the shared response


def test_a_reason_and_a_known_part_are_required(store: Store, file: Path) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        withdraw(store, "c", "x", reason=" ")
    with pytest.raises(NotFound, match="'z'"):
        withdraw(store, "c", "x", parts=["z"], reason="licence")
    with pytest.raises(NotFound, match="'nope'"):
        withdraw(store, "c", "nope", reason="licence")
