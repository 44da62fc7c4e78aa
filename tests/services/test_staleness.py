"""The stale list: what changed in meaning decides what is worth judging again, and the file that says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.domain import Role
from app.errors import InvalidInput, NotAllowed
from app.services import staleness
from app.services.campaigns import add_member, publish_rubric
from app.services.people import add_account
from app.services.queueing import set_priorities
from app.store import tables
from app.store.engine import Store
from rubrics.model import Rubric
from tests.services.house import bring, gold, line, make_campaign, rows, vote


def rubric(tensions: list[dict[str, Any]] | None = None, **criteria: dict[str, Any]) -> Rubric:
    made = [
        {"key": key, "name": key.title(), "question": f"Which is more {key}?", "type": "preference_scale", **fields}
        for key, fields in criteria.items()
    ]
    return Rubric.from_dict({"key": "r", "title": "R", "criteria": made, "tensions": tensions or []})


OLD = rubric(kind={"weight": 0.5}, true={"weight": 0.5})
REWRITTEN = rubric(kind={"weight": 0.5, "guidance": "Never count flattery."}, true={"weight": 0.5})
REWORDED = rubric(kind={"weight": 0.5, "name": "Kindness"}, true={"weight": 0.5})
RULED = rubric([{"between": ["kind", "true"], "precedence": "true"}], kind={"weight": 0.5}, true={"weight": 0.5})
WIDER = rubric(kind={"weight": 0.4}, true={"weight": 0.4}, brief={"weight": 0.2})


def judged(name: str, *said: tuple[str, str, str], **fields: Any) -> dict[str, Any]:
    """A line with (overall, kind, true) of each rater."""
    judgments = [
        vote(f"w{k}", overall, criteria={"kind": {"preferred": kind}, "true": {"preferred": true}})
        for k, (overall, kind, true) in enumerate(said)
    ]
    return {**line(name), "judgments": judgments, **fields}


@pytest.fixture
def house(store: Store, tmp_path: Path) -> Store:
    """One comparison decided by kind, one divided, one decided by truth, one torn, and a gold one."""
    make_campaign(store, tmp_path, rubric=OLD, raters=())
    bring(
        store,
        tmp_path,
        [
            judged("clear", ("a", "a", "tie"), ("a", "a", "tie"), ("a", "a", "tie")),
            judged("divided", ("a", "a", "tie"), ("b", "a", "tie")),
            judged("elsewhere", ("a", "tie", "a"), ("b", "tie", "a")),
            judged("torn", ("a", "a", "b"), ("b", "a", "b")),
            judged("key", ("a", "a", "tie"), ("b", "a", "tie"), gold=gold("key")["gold"]),
        ],
    )
    with store.write() as connection:
        for one in (REWRITTEN, REWORDED, RULED, WIDER):
            publish_rubric(connection, one, actor="test")
    return store


def test_a_changed_meaning_stales_what_rests_on_it_and_a_new_name_stales_nothing(house: Store) -> None:
    stale = staleness.stale_in(house, "c", version=REWRITTEN.version)
    found = stale.rows
    assert (stale.share.n, stale.share.value, stale.flips.value) == (4, 0.75, 0.0), "gold waits in no queue"
    assert [one.n_judgments for one in found] == [2, 2, 3]
    assert [one.comparison_id for one in found] == ["divided", "torn", "clear"]
    assert (found[0].priority, found[0].exposure, found[0].nearness) == (1.0, 1.0, 1.0)
    assert found[1].exposure == 0.5
    assert found[0].reason == "rests on kind, whose meaning changed; votes 1 to 1"
    assert not any(one.flips for one in found)
    assert staleness.stale_in(house, "c", version=REWORDED.version).rows == ()


def test_a_new_rule_stales_the_torn_and_a_new_criterion_everything(house: Store) -> None:
    (torn,) = staleness.stale_in(house, "c", version=RULED.version).rows
    assert (torn.comparison_id, torn.flips, torn.priority) == ("torn", True, 1.0)
    assert torn.reason == (
        "kind and true pull apart here, and their rule changed; votes 1 to 1; the label that the rubric implies flips"
    )
    wider = staleness.stale_in(house, "c", version=WIDER.version).rows
    assert {one.comparison_id for one in wider} == {"clear", "divided", "elsewhere", "torn"}
    assert {one.exposure for one in wider} == {0.2}
    assert "nobody has judged brief yet" in wider[0].reason


def test_the_file_is_what_priorities_are_imported_from(house: Store) -> None:
    found = staleness.stale_in(house, "c", version=REWRITTEN.version).rows
    lines = [json.loads(one) for one in staleness.priority_lines(found).splitlines()]
    assert [set(one) for one in lines] == [{"comparison_id", "priority", "reason"}] * 3
    n = set_priorities(house, "c", [(one["comparison_id"], one["priority"], one["reason"]) for one in lines])
    assert n == 3
    first = max(rows(house, tables.queue_item), key=lambda row: row.priority)
    assert first.priority_reason == lines[0]["reason"]


def test_only_designers_see_the_list(house: Store) -> None:
    for name, role in (("dee", Role.DESIGNER), ("ray", Role.RATER)):
        add_account(house, name)
        add_member(house, "c", name, roles=[role])
    whole = staleness.stale_in(house, "c", version=REWRITTEN.version)
    assert staleness.list_stale(house, "dee", "c", version=REWRITTEN.version) == whole
    with pytest.raises(NotAllowed):
        staleness.list_stale(house, "ray", "c", version=REWRITTEN.version)


def test_without_votes_under_another_version_there_is_nothing_stale(house: Store) -> None:
    with pytest.raises(InvalidInput, match="nothing to bridge from"):
        staleness.stale_in(house, "c", version=OLD.version)
