"""Audits: a sample decides about a batch, wrong labels bring the batch back, and nobody audits their own work."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.domain import OverlapPolicy, Role
from app.errors import Conflict, InvalidInput, NotAllowed, NotFound
from app.services import audits
from app.services.campaigns import add_member
from app.services.lookup import THE_HOUSE
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from rubrics.answers import Answer
from tests.services.house import line, make_campaign, rows, vote, wrong_counters

A, B = Answer(preferred="a"), Answer(preferred="b")


@pytest.fixture
def settled(store: Store, tmp_path: Path) -> Store:
    """Forty comparisons that three raters settled on `a`, two rounds of votes in, and a designer `dora`."""
    lines = [line(f"x{n:02}", judgments=[vote("w1"), vote("w2"), vote("w3")]) for n in range(40)]
    make_campaign(store, tmp_path, lines, policy=OverlapPolicy.CURTAILED)
    add_account(store, "dora")
    add_member(store, "c", "dora", roles=[Role.DESIGNER])
    return store


def open_audit(store: Store, **options) -> audits.Audit:
    return audits.start(store, "dora", "c", chance=random.Random(1), **{"size": 30, "bad": 0.2, **options})


def test_a_batch_that_is_right_is_accepted(settled: Store) -> None:
    store = settled
    audit = open_audit(store)
    assert (audit.state, audit.n_items, audit.plan.batch) == ("open", 30, 30)
    assert audit.plan.risk_bad <= 0.10
    n_asked = 0
    while (case := audits.next_case(store, "dora", "c", audit.id)) is not None:
        assert (case.answer, case.label) == (None, None)
        assert audits.answer_case(store, "dora", "c", audit.id, case.comparison.id, answer=A) is None
        n_asked += 1
    (done,) = audits.list_audits(store, "dora", "c")
    assert (done.state, done.n_inspected, done.n_defects) == ("accepted", n_asked, 0)
    assert n_asked <= audit.plan.n
    assert audits.n_waiting(store, "dora", "c") == {"main": 10}
    assert open_audit(store).n_items == 10
    with pytest.raises(Conflict, match="waits for an audit"):
        open_audit(store)


def test_a_batch_that_is_wrong_returns_to_the_queue(settled: Store) -> None:
    store = settled
    audit = open_audit(store)
    for _ in range(audit.plan.c + 1):
        case = audits.next_case(store, "dora", "c", audit.id)
        assert case is not None
        assert audits.answer_case(store, "dora", "c", audit.id, case.comparison.id, answer=B) == "a"
        shown = audits.next_case(store, "dora", "c", audit.id)
        assert shown is not None
        assert (shown.comparison.id, shown.answer, shown.label) == (case.comparison.id, B, "a")
        audits.judge_label(store, "dora", "c", audit.id, case.comparison.id, is_wrong=True, reason="a is false")
    (done,) = audits.list_audits(store, "dora", "c")
    assert (done.state, done.n_defects, done.defect_share.value) == ("rejected", audit.plan.c + 1, 1.0)
    batch = {row.comparison_id for row in rows(store, tables.audit_item)}
    for item in rows(store, tables.queue_item):
        expected = ("collecting", True) if item.comparison_id in batch else ("settled", False)
        assert (item.state, item.is_open) == expected
    assert audits.n_waiting(store, "dora", "c") == {"main": 10}
    actions = [row.action for row in rows(store, tables.event) if row.action.startswith("audit.")]
    assert actions[0] == "audit.opened"
    assert actions[-1] == "audit.rejected"
    assert wrong_counters(store) == []


def test_another_answer_is_not_yet_a_defect(settled: Store) -> None:
    store = settled
    audit = open_audit(store)
    case = audits.next_case(store, "dora", "c", audit.id)
    assert case is not None
    audits.answer_case(store, "dora", "c", audit.id, case.comparison.id, answer=Answer(preferred="tie"))
    with pytest.raises(Conflict, match="answered comparison"):
        audits.answer_case(store, "dora", "c", audit.id, case.comparison.id, answer=A)
    with pytest.raises(InvalidInput, match="Say why"):
        audits.judge_label(store, "dora", "c", audit.id, case.comparison.id, is_wrong=False, reason=" ")
    audits.judge_label(store, "dora", "c", audit.id, case.comparison.id, is_wrong=False, reason="close")
    assert audits.list_audits(store, "dora", "c")[0].n_defects == 0
    with pytest.raises(Conflict, match="waits for no word"):
        audits.judge_label(store, "dora", "c", audit.id, case.comparison.id, is_wrong=True, reason="no")


def test_only_seniors_audit_and_only_what_was_sampled(settled: Store) -> None:
    store = settled
    audit = open_audit(store)
    with pytest.raises(NotAllowed):
        audits.next_case(store, "ann", "c", audit.id)
    with pytest.raises(NotFound, match="no audit 99"):
        audits.next_case(store, "dora", "c", 99)
    unsampled = next(row.comparison_id for row in rows(store, tables.audit_item) if not row.is_sampled)
    name = rows(store, tables.comparison, tables.comparison.c.id == unsampled)[0].external_id
    with pytest.raises(NotFound, match="no sampled comparison"):
        audits.answer_case(store, "dora", "c", audit.id, name, answer=A)
    with pytest.raises(InvalidInput):
        open_audit(store, good=0.3, bad=0.2)


def test_audits_open_by_themselves_while_work_goes_on(store: Store, tmp_path: Path) -> None:
    lines = [line(f"x{n:02}", judgments=[vote("w1"), vote("w2")]) for n in range(25)]
    make_campaign(store, tmp_path, lines, policy=OverlapPolicy.CURTAILED, audit_share=0.0, audit_batch=20)
    assert audits.open_due(store) == 1
    assert audits.open_due(store) == 0
    (audit,) = audits.list_audits(store, THE_HOUSE, "c")
    assert (audit.n_items, audit.opened_by, audit.round) == (20, "system", "main")
