"""Kinds of content: found on import, never offered to a rater who opted out, whatever chooses the work."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.domain import content_kinds
from app.errors import InvalidInput, NotFound
from app.services import content
from app.services.assigning import next_assignment
from app.services.judging import save_draft, submit
from app.store import tables
from app.store.engine import Store
from tests.services.house import gold, line, make_campaign, prefers, rows, wrong_counters

VIOLENT = {"content_kinds": ["Violence", "self-harm "]}


def worked(store: Store, n: int) -> list[str]:
    """What ann is given in n turns."""
    given = []
    for turn in range(n):
        one = next_assignment(store, "ann", "c", chance=random.Random(turn))
        if one is None:
            break
        given.append(one.comparison_id)
        submit(store, "ann", one.id, prefers())
    return given


@pytest.mark.parametrize(
    ("meta", "kinds"),
    [
        ({}, ()),
        ({"content_kinds": " Violence"}, ("violence",)),
        ({"content_kinds": ["b", "A", "a ", 3, None, ""]}, ("a", "b")),
        ({"content_kinds": {"a": 1}}, ()),
    ],
)
def test_what_a_comparison_warns_of(meta: dict, kinds: tuple[str, ...]) -> None:
    assert content_kinds(meta) == kinds


def test_work_and_gold_of_a_kind_are_never_offered_after_opting_out(store: Store, tmp_path: Path) -> None:
    lines = [line(f"x{number}", meta=VIOLENT if number % 2 else {}) for number in range(40)]
    lines += [{**gold(f"g{number}"), "meta": VIOLENT if number % 2 else {}} for number in range(6)]
    make_campaign(store, tmp_path, lines, gold_rate=0.3)
    assert content.known_kinds(store, "ann") == ["self-harm", "violence"]
    assert content.opt_out(store, "ann", " Violence")
    assert not content.opt_out(store, "ann", "violence")
    given = worked(store, 60)
    assert len(given) == 23
    assert {name[0] for name in given} == {"g", "x"}
    assert all(int(name[1:]) % 2 == 0 for name in given)
    assert content.opt_in(store, "ann", "violence")
    assert not content.opt_in(store, "ann", "violence")
    assert len(worked(store, 60)) == 23
    actions = [event.action for event in rows(store, tables.event) if event.action.startswith("content.")]
    assert actions == ["content.refused", "content.accepted"]


def test_a_blind_repeat_of_a_kind_is_not_offered_either(store: Store, tmp_path: Path) -> None:
    lines = [line(f"x{number:02}", meta=VIOLENT if number < 20 else {}) for number in range(60)]
    make_campaign(store, tmp_path, lines, repeat_rate=0.5)
    worked(store, 30)
    content.opt_out(store, "ann", "self-harm")
    later = worked(store, 60)
    repeats = rows(store, tables.assignment, tables.assignment.c.purpose == "repeat")
    assert len(repeats) > 5
    assert all(int(name[1:]) >= 20 for name in later)


def test_what_is_in_hand_goes_back_with_its_draft(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1", meta=VIOLENT)], raters=["ann", "bob"], overlap=1)
    mine = next_assignment(store, "ann", "c")
    assert mine is not None
    save_draft(store, "ann", mine.id, {"justification": "half a"})
    content.opt_out(store, "ann", "violence")
    assert next_assignment(store, "ann", "c") is None
    [row] = rows(store, tables.assignment)
    assert (row.state, row.draft) == ("expired", {"justification": "half a"})
    assert wrong_counters(store) == []
    assert next_assignment(store, "bob", "c") is not None
    [event] = [event for event in rows(store, tables.event) if event.action == "assignment.handed_back"]
    assert (event.actor, event.detail) == ("ann", {"reason": "content: violence"})


def test_bad_names_are_refused(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, [line("x1")])
    for kind in (" ", "x" * 101):
        with pytest.raises(InvalidInput, match="no kind of content"):
            content.opt_out(sqlite_store, "ann", kind)
    with pytest.raises(NotFound):
        content.opt_out(sqlite_store, "zoe", "violence")
    assert content.unwanted_kinds(sqlite_store, "ann") == []
