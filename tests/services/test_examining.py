"""The exam of a calibrated round: who needs it, what is asked, how it ends, and what it grants."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.domain import Calibration, Decision, Purpose, RaterKind, RaterState, Role
from app.errors import Conflict, InvalidInput, NotAllowed, NotFound
from app.services import certifying, content, examining, quality, raters, standing
from app.services import desk as desks
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.judging import revise, skip, submit
from app.services.lookup import find_account, find_campaign
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from tests.services.house import bring, count, gold, grant, line, make_campaign, prefers, rows, wrong_counters

START = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
QUICK = Calibration(p0=0.65, p1=0.85, max_items=30)


def key_of_item(external_id: str) -> str:
    """What the key of a gold line of `lines` accepts."""
    return {0: "a", 1: "b", 2: "tie"}[int(external_id.removeprefix("g")) % 3]


def lines(n_gold: int = 120, n_work: int = 8) -> list[dict]:
    """Gold whose keys take turns, and work."""
    return [gold(f"g{i}", key_of_item(f"g{i}")) for i in range(n_gold)] + [line(f"w{i}") for i in range(n_work)]


def applicant(store: Store, tmp_path: Path, *, n_gold: int = 120, calibration: Calibration = QUICK, **rules) -> None:
    """A campaign that asks for an exam, and one applicant."""
    make_campaign(store, tmp_path, lines(n_gold), raters=(), calibration=calibration, **rules)
    add_account(store, "ann", state=RaterState.APPLICANT)
    add_member(store, "c", "ann", roles=[Role.RATER])


def sit(store: Store, *, accuracy: float = 1.0, now: datetime = START, seed: int = 1, rater: str = "ann") -> list[str]:
    """Take an exam to its end; the comparisons that were asked."""
    chance, asked = random.Random(seed), []
    while (item := examining.next_item(store, rater, "c", now=now, chance=chance)) is not None:
        right = key_of_item(item.comparison_id)
        given = right if chance.random() < accuracy else {"a": "b", "b": "a", "tie": "b"}[right]
        examining.answer(store, rater, item.id, prefers(given), now=now)
        asked.append(item.comparison_id)
        if examining.exam_status(store, rater, "c", now=now).state != "running":
            break
    return asked


def status(store: Store, *, now: datetime = START, rater: str = "ann") -> examining.ExamStatus:
    return examining.exam_status(store, rater, "c", now=now)


def test_an_applicant_passes_works_and_holds_a_certificate(store: Store, tmp_path: Path) -> None:
    applicant(store, tmp_path)
    assert status(store).state == "ready"
    with pytest.raises(NotAllowed, match="applicant"):
        next_assignment(store, "ann", "c", now=START)
    asked = sit(store)
    assert len(asked) == len(set(asked)) >= 12
    report = status(store).last
    assert status(store).state == "certified"
    assert report is not None
    assert (report.verdict, report.n_right, report.n) == ("pass", len(asked), len(asked))
    assert set(report.classes) == {"a", "b", "tie"}
    assert min(n for _, n in report.classes.values()) >= 4, "every class is examined"
    with store.read() as connection:
        ann, campaign = find_account(connection, "ann"), find_campaign(connection, "c")
        stands = standing.standing_of(connection, ann, campaign.id)
    assert ann.state is RaterState.QUALIFIED
    assert stands.decision is not None
    assert stands.decision.decision is Decision.PASSED
    given = next_assignment(store, "ann", "c", now=START)
    assert given is not None
    assert given.comparison_id not in asked
    actions = [row.action for row in rows(store, tables.event) if row.action.startswith(("exam.", "rater."))]
    assert actions == ["exam.begun", "rater.passed"]


def test_a_failed_exam_waits_a_day_asks_fresh_items_and_then_a_person(store: Store, tmp_path: Path) -> None:
    applicant(store, tmp_path)
    first = sit(store, accuracy=0.2)
    waiting = status(store)
    assert (waiting.state, waiting.opens_at) == ("waiting", START + DAY)
    with pytest.raises(Conflict, match="waiting"):
        examining.next_item(store, "ann", "c", now=START)
    second = sit(store, accuracy=0.2, now=START + DAY, seed=2)
    assert not set(first) & set(second), "the retry asks what the rater has not seen"
    assert status(store, now=START + 9 * DAY).state == "review"
    with store.read() as connection:
        ann, campaign = find_account(connection, "ann"), find_campaign(connection, "c")
        found = [one.decision for one in standing.decisions_of(connection, ann, campaign.id)]
    assert found == [Decision.REVIEW, Decision.FAILED, Decision.FAILED]
    assert ann.state is RaterState.APPLICANT


def test_one_is_where_one_was_after_a_reload_and_a_night(sqlite_store: Store, tmp_path: Path) -> None:
    applicant(sqlite_store, tmp_path)
    chance = random.Random(3)
    item = examining.next_item(sqlite_store, "ann", "c", now=START, chance=chance)
    assert item is not None
    again = examining.next_item(sqlite_store, "ann", "c", now=START + DAY, chance=chance)
    assert again is not None
    assert again.id == item.id
    assert again.lease_expires_at > START + DAY
    assert count(sqlite_store, tables.exam) == 1
    with pytest.raises(Conflict, match="cannot judge"):
        skip(sqlite_store, "ann", item.id, reason="hard")
    examining.answer(sqlite_store, "ann", item.id, prefers(key_of_item(item.comparison_id)), now=START + DAY)
    assert not desks.reopen_desk(sqlite_store, "ann", item.id).can_revise
    assert not any(one.can_revise for one in desks.own_judgments(sqlite_store, "ann", "c"))
    with pytest.raises(Conflict, match="the answer stands"):
        revise(sqlite_store, "ann", item.id, prefers("b"), now=START + DAY)


def test_when_all_gold_was_seen_the_exam_says_so_and_goes_on_when_there_is_more(
    sqlite_store: Store, tmp_path: Path
) -> None:
    applicant(sqlite_store, tmp_path, n_gold=6)
    sit(sqlite_store)
    assert status(sqlite_store).state == "no_items"
    assert status(sqlite_store).n_left == 0
    bring(sqlite_store, tmp_path, [gold(f"g{i}", key_of_item(f"g{i}")) for i in range(100, 160)])
    assert status(sqlite_store).state == "running"
    sit(sqlite_store)
    assert status(sqlite_store).state == "certified"


def test_work_in_hand_makes_way_for_an_exam_and_its_item_for_work(store: Store, tmp_path: Path) -> None:
    applicant(store, tmp_path)
    add_account(store, "des", roles=[Role.DESIGNER])
    add_member(store, "c", "des", roles=[Role.DESIGNER])
    item = examining.next_item(store, "ann", "c", now=START)
    assert item is not None
    raters.requalify(store, "des", "c", "ann", reason="We know her.", now=START)
    work = next_assignment(store, "ann", "c", now=START)
    assert work is not None, "the item that was begun is put aside"
    assert wrong_counters(store) == []
    raters.pause(store, "des", "c", "ann", reason="The exam after all.", now=START)
    again = examining.next_item(store, "ann", "c", now=START)
    assert again is not None
    assert again.id == item.id
    state = {row.id: row.state for row in rows(store, tables.assignment)}
    assert (state[work.id], state[item.id]) == ("expired", "open")
    assert wrong_counters(store) == []


def test_work_in_hand_when_a_certificate_ends_makes_way_for_the_exam(sqlite_store: Store, tmp_path: Path) -> None:
    applicant(sqlite_store, tmp_path)
    sit(sqlite_store)
    last = START + 365 * DAY - timedelta(seconds=1)
    assert next_assignment(sqlite_store, "ann", "c", now=last) is not None
    assert examining.next_item(sqlite_store, "ann", "c", now=last + timedelta(minutes=1)) is not None
    assert wrong_counters(sqlite_store) == []


def test_an_exam_asks_nothing_that_the_rater_opted_out_of_or_may_not_judge(sqlite_store: Store, tmp_path: Path) -> None:
    applicant(sqlite_store, tmp_path, n_gold=3)
    grim = {**gold("g3", "a"), "meta": {"content_kinds": ["violence"]}}
    bring(sqlite_store, tmp_path, [grim, {**gold("g4", "b"), "requires": {"all": [{"language": "de"}]}}])
    n_before = status(sqlite_store).n_left
    content.opt_out(sqlite_store, "ann", "violence")
    without = status(sqlite_store).n_left
    grant(sqlite_store, "ann", "language:de")
    assert (n_before - without, status(sqlite_store).n_left - without) == (1, 1)


def test_exam_items_are_never_work_and_work_never_an_exam(sqlite_store: Store, tmp_path: Path) -> None:
    applicant(sqlite_store, tmp_path, overlap=1)
    item = examining.next_item(sqlite_store, "ann", "c", now=START)
    assert item is not None
    row = rows(sqlite_store, tables.assignment)[0]
    assert (row.purpose, row.takes_place) == (Purpose.EXAM.value, False)
    add_account(sqlite_store, "bob")
    add_member(sqlite_store, "c", "bob", roles=[Role.RATER])
    assert status(sqlite_store, rater="bob").state == "ready"
    assert next_assignment(sqlite_store, "bob", "c", now=START) is None, "a qualified account needs this exam, too"
    sit(sqlite_store, rater="bob")
    given = next_assignment(sqlite_store, "bob", "c", now=START)
    assert given is not None
    with pytest.raises(NotFound, match="no exam item"):
        examining.answer(sqlite_store, "bob", given.id, prefers("a"), now=START)
    assert count(sqlite_store, tables.judgment, tables.judgment.c.assignment_id == given.id) == 0


def test_a_simple_campaign_asks_for_no_exam(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, lines(3))
    assert status(sqlite_store).state == "none"
    assert next_assignment(sqlite_store, "ann", "c", now=START) is not None


def test_a_certificate_expires_and_the_exam_opens_again(sqlite_store: Store, tmp_path: Path) -> None:
    applicant(sqlite_store, tmp_path, calibration=Calibration(0.65, 0.85, 30, valid_days=10))
    sit(sqlite_store)
    assert status(sqlite_store, now=START + 9 * DAY).state == "certified"
    assert status(sqlite_store, now=START + 10 * DAY).state == "ready"
    assert next_assignment(sqlite_store, "ann", "c", now=START + 10 * DAY) is None


def test_a_machine_takes_the_same_exam(sqlite_store: Store, tmp_path: Path) -> None:
    make_campaign(sqlite_store, tmp_path, lines(), raters=(), calibration=QUICK)
    add_account(sqlite_store, "judge-1", kind=RaterKind.MODEL, state=RaterState.APPLICANT)
    add_member(sqlite_store, "c", "judge-1", roles=[Role.RATER])
    sit(sqlite_store, rater="judge-1")
    assert status(sqlite_store, rater="judge-1").state == "certified"


# --- the certificate -------------------------------------------------------------------------------------------------


def test_a_certificate_is_genuine_until_a_letter_changes_or_it_expires(sqlite_store: Store, tmp_path: Path) -> None:
    applicant(sqlite_store, tmp_path)
    folder = tmp_path / "data"
    with pytest.raises(NotFound, match="passed no exam"):
        certifying.certificate_of(sqlite_store, "ann", "c", folder=folder)
    sit(sqlite_store)
    document = certifying.certificate_of(sqlite_store, "ann", "c", folder=folder)
    assert document == certifying.certificate_of(sqlite_store, "ann", "c", folder=folder)
    assert (folder / certifying.KEY_FILE).stat().st_mode & 0o777 == 0o600
    check = certifying.verify(sqlite_store, json.loads(json.dumps(document)), folder=folder, now=START + DAY)
    assert check.holds
    assert check.standing is RaterState.QUALIFIED
    document["certificate"]["n_right"] += 1
    forged = certifying.verify(sqlite_store, document, folder=folder, now=START + DAY)
    assert (forged.is_genuine, forged.holds) == (False, False)
    late = certifying.certificate_of(sqlite_store, "ann", "c", folder=folder)
    assert certifying.verify(sqlite_store, late, folder=folder, now=START + 400 * DAY).is_expired
    with pytest.raises(InvalidInput, match="another installation"):
        certifying.verify(sqlite_store, {**late, "key": "0" * 16}, folder=folder)
    with pytest.raises(InvalidInput, match="no certificate"):
        certifying.verify(sqlite_store, [1], folder=folder)


def test_an_account_that_gets_no_work_cannot_submit_work_by_the_exam(sqlite_store: Store, tmp_path: Path) -> None:
    applicant(sqlite_store, tmp_path)
    sit(sqlite_store)
    given = next_assignment(sqlite_store, "ann", "c", now=START)
    assert given is not None
    with sqlite_store.write() as connection:
        ann, campaign = find_account(connection, "ann"), find_campaign(connection, "c")
        standing.decide(connection, ann, campaign, Decision.PAUSED, figures={}, explanation="x", actor="des", now=START)
    with pytest.raises(NotAllowed, match="paused"):
        submit(sqlite_store, "ann", given.id, prefers("a"), now=START)


def test_exam_answers_enter_no_camps_examples_or_drift(sqlite_store: Store, tmp_path: Path, monkeypatch) -> None:
    applicant(sqlite_store, tmp_path)
    assert sit(sqlite_store)
    seen: dict[str, int] = {}
    for name, made in (("camps_document", {}), ("tension_examples", {}), ("agreement_drifts", [])):
        monkeypatch.setattr(
            quality, name, lambda votes, *, kinds, name=name, made=made: seen.update({name: len(votes)}) or made
        )
    for report in ("camps", "examples", "inbox"):
        wanted = quality.want(sqlite_store, report, "c", kinds=[RaterKind.HUMAN])
        quality.MAKERS[report](sqlite_store, wanted)
    assert seen == {"camps_document": 0, "tension_examples": 0, "agreement_drifts": 0}


def test_an_exam_that_becomes_due_while_work_is_held_takes_its_place(sqlite_store: Store, tmp_path: Path) -> None:
    applicant(sqlite_store, tmp_path)
    sit(sqlite_store)
    late = START + timedelta(days=QUICK.valid_days) - timedelta(seconds=1)
    held = next_assignment(sqlite_store, "ann", "c", now=late)
    assert held is not None
    after = late + timedelta(minutes=2)
    item = examining.next_item(sqlite_store, "ann", "c", now=after)
    assert item is not None
    assert item.id != held.id
    (row,) = rows(sqlite_store, tables.assignment, tables.assignment.c.id == held.id)
    assert row.state == "expired"
    assert wrong_counters(sqlite_store) == []


def test_who_is_requalified_in_the_middle_of_an_exam_gets_work(sqlite_store: Store, tmp_path: Path) -> None:
    applicant(sqlite_store, tmp_path)
    add_account(sqlite_store, "des", roles=[Role.DESIGNER])
    add_member(sqlite_store, "c", "des", roles=[Role.DESIGNER])
    item = examining.next_item(sqlite_store, "ann", "c", now=START)
    assert item is not None
    raters.requalify(sqlite_store, "des", "c", "ann", reason="known", now=START)
    given = next_assignment(sqlite_store, "ann", "c", now=START)
    assert given is not None
    assert given.id != item.id
    assert wrong_counters(sqlite_store) == []
