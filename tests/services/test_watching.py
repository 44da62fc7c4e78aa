"""The life of a rater: applicant, certified, warned, paused, certified again; appeals; what happens to the work."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.domain import Decision, RaterState, Role
from app.errors import Conflict, InvalidInput, NotAllowed, NotFound
from app.services import examining, raters, standing, watching
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.judging import submit
from app.services.lookup import find_account, find_campaign
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from app.store.votes import judgments_frame
from tests.services.house import bring, count, prefers, rows, vote, wrong_counters
from tests.services.test_examining import DAY, START, applicant, key_of_item, sit, status

MINUTE = timedelta(minutes=1)


def designer(store: Store) -> None:
    add_account(store, "des", roles=[Role.DESIGNER])
    add_member(store, "c", "des", roles=[Role.DESIGNER])


def stands(store: Store, name: str = "ann") -> standing.Standing:
    with store.read() as connection:
        return standing.standing_of(connection, find_account(connection, name), find_campaign(connection, "c").id)


def work(store: Store, n: int, *, accuracy: float, now: datetime, seed: int = 5, name: str = "ann") -> int:
    """Judge up to n comparisons a minute apart, gold at an accuracy; how many until no more work came."""
    chance = random.Random(seed)
    for done in range(n):
        if stands(store, name).state is RaterState.PAUSED:
            return done
        given = next_assignment(store, name, "c", now=now + done * MINUTE, chance=chance)
        if given is None:
            return done
        right = key_of_item(given.comparison_id) if given.comparison_id.startswith("g") else "a"
        answer = right if chance.random() < accuracy else {"a": "b", "b": "a", "tie": "b"}[right]
        submit(store, name, given.id, prefers(answer), now=now + done * MINUTE)
    return n


@pytest.fixture
def certified(sqlite_store: Store, tmp_path: Path) -> Store:
    """Ann, certified, in a campaign with much gold and a designer."""
    house(sqlite_store, tmp_path)
    return sqlite_store


def house(store: Store, tmp_path: Path) -> None:
    from tests.services.house import line

    applicant(store, tmp_path, n_gold=300, overlap=1)
    bring(store, tmp_path, [line(f"v{i}") for i in range(300)])
    designer(store)
    sit(store)


def test_from_applicant_to_certified_to_paused_to_certified_again(store: Store, tmp_path: Path) -> None:
    house(store, tmp_path)
    assert stands(store).state is RaterState.QUALIFIED
    done = work(store, 400, accuracy=0.0, now=START + DAY)
    assert done < 400
    paused = stands(store)
    assert paused.state is RaterState.PAUSED
    assert paused.decision is not None
    assert paused.decision.decision is Decision.PAUSED
    assert "pass" in paused.decision.explanation
    assert paused.decision.figures["cusum"] >= 4.5
    with pytest.raises(NotAllowed, match="paused"):
        next_assignment(store, "ann", "c", now=START + 2 * DAY)
    assert status(store, now=START + 2 * DAY).state == "ready"
    sit(store, now=START + 2 * DAY, seed=9)
    assert stands(store).state is RaterState.QUALIFIED
    assert next_assignment(store, "ann", "c", now=START + 2 * DAY) is not None
    trail = [row.action for row in rows(store, tables.event) if row.action.startswith(("exam.", "rater."))]
    assert trail == ["exam.begun", "rater.passed", "rater.warned", "rater.paused", "exam.begun", "rater.passed"]


def test_judgments_since_the_change_weigh_less_and_their_places_return(certified: Store) -> None:
    good = work(certified, 40, accuracy=1.0, now=START + DAY)
    assert good == 40
    n_before = count(certified, tables.judgment)
    work(certified, 200, accuracy=0.0, now=START + 2 * DAY)
    decision = stands(certified).decision
    assert decision is not None
    assert decision.distrusts_from is not None
    assert decision.distrusts_from >= START + 2 * DAY
    assert count(certified, tables.judgment) > n_before, "none is deleted"
    assert decision.figures["n_returned"] > 0
    assert wrong_counters(certified) == []
    with certified.read() as connection:
        frame = judgments_frame(connection, find_campaign(connection, "c").id)
    late = frame["at"] >= decision.distrusts_from
    assert set(frame["trust"][late]) == {0.25}
    assert set(frame["trust"][~late]) == {1.0}
    add_account(certified, "bob")
    add_member(certified, "c", "bob", roles=[Role.RATER])
    sit(certified, rater="bob")
    again = {row.comparison_id for row in rows(certified, tables.assignment, ~tables.assignment.c.takes_place)
             if row.purpose == "work"}  # fmt: skip
    open_items = rows(certified, tables.queue_item, tables.queue_item.c.is_open)
    assert again <= {row.comparison_id for row in open_items}


def test_an_appeal_that_is_granted_puts_everything_back(certified: Store) -> None:
    work(certified, 200, accuracy=0.0, now=START + DAY)
    decision = stands(certified).decision
    assert decision is not None
    with pytest.raises(InvalidInput, match="what is wrong"):
        raters.appeal(certified, "ann", decision.id, text=" ")
    with pytest.raises(NotFound):
        raters.appeal(certified, "des", decision.id, text="not mine")
    raters.appeal(certified, "ann", decision.id, text="The key of g7 is wrong.")
    with pytest.raises(Conflict, match="already"):
        raters.appeal(certified, "ann", decision.id, text="again")
    first = raters.list_raters(certified, "des", "c")[0]
    assert first.rater.name == "ann"
    assert first.appeal is not None
    assert first.appeal.appeal == "The key of g7 is wrong."
    with pytest.raises(NotAllowed):
        raters.answer_appeal(certified, "ann", decision.id, text="yes", is_granted=True)
    raters.answer_appeal(certified, "des", decision.id, text="You are right.", is_granted=True, now=START + 2 * DAY)
    assert stands(certified).state in (RaterState.QUALIFIED, RaterState.WARNED)
    with certified.read() as connection:
        frame = judgments_frame(connection, find_campaign(connection, "c").id)
    assert set(frame["trust"]) == {1.0}
    assert raters.list_raters(certified, "des", "c")[0].appeal is None
    with pytest.raises(Conflict, match="no open appeal"):
        raters.answer_appeal(certified, "des", decision.id, text="again", is_granted=False)
    assert watching.look(certified, "ann", "c", now=START + 3 * DAY) is None, "what was withdrawn does not come back"


def test_the_second_stop_within_thirty_days_goes_to_a_person(certified: Store) -> None:
    work(certified, 200, accuracy=0.0, now=START + DAY)
    sit(certified, now=START + 2 * DAY, seed=9)
    work(certified, 200, accuracy=0.0, now=START + 3 * DAY, seed=6)
    assert stands(certified).awaits_person
    assert status(certified, now=START + 4 * DAY).state == "review"
    with pytest.raises(Conflict):
        examining.next_item(certified, "ann", "c", now=START + 4 * DAY)
    with pytest.raises(InvalidInput, match="why"):
        raters.requalify(certified, "des", "c", "ann", reason="")
    raters.requalify(certified, "des", "c", "ann", reason="We talked about it.", now=START + 5 * DAY)
    assert stands(certified).state is RaterState.QUALIFIED
    assert next_assignment(certified, "ann", "c", now=START + 5 * DAY) is not None
    with pytest.raises(Conflict, match="qualified"):
        raters.requalify(certified, "des", "c", "ann", reason="once more", now=START + 5 * DAY)


def test_a_warning_ends_with_refreshers_and_good_answers(certified: Store) -> None:
    n = 0
    while stands(certified).state is RaterState.QUALIFIED:
        work(certified, 1, accuracy=0.0, now=START + DAY + n * MINUTE, seed=n)
        n += 1
    warned = stands(certified)
    assert warned.state is RaterState.WARNED
    assert warned.decision is not None
    assert "5 refresher lessons" in warned.decision.explanation
    work(certified, 120, accuracy=1.0, now=START + 2 * DAY)
    assert stands(certified).state is RaterState.WARNED, "good answers alone are not enough"
    from sqlalchemy import insert

    with certified.write() as connection:
        ann, campaign = find_account(connection, "ann"), find_campaign(connection, "c")
        row = {"rater_id": ann.id, "campaign_id": campaign.id, "answer": "a", "is_right": True}
        lessons = [{**row, "lesson": f"l{i}", "answered_at": START + 3 * DAY} for i in range(5)]
        connection.execute(insert(tables.lesson_answer), lessons)
    cleared = watching.look(certified, "ann", "c", now=START + 3 * DAY)
    assert cleared is not None
    assert cleared.decision is Decision.CLEARED
    assert stands(certified).state is RaterState.QUALIFIED


def test_a_steady_rater_is_left_alone_and_a_simple_campaign_is_not_watched(certified: Store) -> None:
    work(certified, 150, accuracy=0.93, now=START + DAY)
    assert stands(certified).state is RaterState.QUALIFIED


def test_disagreement_with_everybody_is_evidence_too(sqlite_store: Store, tmp_path: Path) -> None:
    from tests.services.house import line

    applicant(sqlite_store, tmp_path, n_gold=60, overlap=5)
    others = [vote(f"peer{k}", "a") for k in range(3)]
    bring(sqlite_store, tmp_path, [line(f"v{i}", judgments=others) for i in range(150)])
    sit(sqlite_store)
    chance = random.Random(2)
    for i in range(140):
        if stands(sqlite_store).state is RaterState.PAUSED:
            break
        given = next_assignment(sqlite_store, "ann", "c", now=START + DAY + i * MINUTE, chance=chance)
        assert given is not None
        is_gold = given.comparison_id.startswith("g")
        answer = key_of_item(given.comparison_id) if is_gold else ("a" if i < 80 else "b")
        submit(sqlite_store, "ann", given.id, prefers(answer), now=START + DAY + i * MINUTE)
    decision = stands(sqlite_store).decision
    assert decision is not None
    assert (decision.decision, decision.figures["cause"]) in ((Decision.PAUSED, "peers"), (Decision.WARNED, "peers"))


def test_who_cannot_judge_neither_agrees_nor_disagrees(sqlite_store: Store, tmp_path: Path) -> None:
    from tests.services.house import line

    applicant(sqlite_store, tmp_path, n_gold=60, overlap=5)
    said = {"m": ("cannot_judge", "cannot_judge", "a"), "n": ("cannot_judge",) * 3}
    lines = [
        line(f"{name}{i}", judgments=[vote(f"peer{k}", answer) for k, answer in enumerate(answers)])
        for name, answers in said.items()
        for i in range(6)
    ]
    bring(sqlite_store, tmp_path, lines)
    sit(sqlite_store)
    given = {"m": 0, "n": 0, "w": 0, "g": 0}
    for i in range(18):
        view = next_assignment(sqlite_store, "ann", "c", now=START + DAY + i * MINUTE, chance=random.Random(i))
        assert view is not None
        kind = view.comparison_id[0]
        given[kind] += 1
        answer = key_of_item(view.comparison_id) if kind == "g" else "cannot_judge" if given[kind] == 1 else "a"
        submit(sqlite_store, "ann", view.id, prefers(answer), now=START + DAY + i * MINUTE)
    with sqlite_store.read() as connection:
        ann, campaign = find_account(connection, "ann"), find_campaign(connection, "c")
        found = watching.evidence_of(connection, ann, campaign)
    assert given["m"] > 1
    assert given["n"] > 1
    assert (~found.is_gold).sum() == given["m"] - 1, "one of mine was missing, and nobody had a say on n"
    assert found.is_right[~found.is_gold].all()


def test_a_designer_pauses_and_only_they_do(certified: Store) -> None:
    raters.pause(certified, "des", "c", "ann", reason="Asked for a break.", now=START + DAY)
    with pytest.raises(Conflict, match="paused"):
        raters.pause(certified, "des", "c", "ann", reason="again")
    with pytest.raises(NotAllowed):
        raters.pause(certified, "ann", "c", "ann", reason="no")
    found = raters.decisions(certified, "ann", "c", "ann")
    assert [one.decision for one in found] == [Decision.PAUSED, Decision.PASSED]
    with pytest.raises(NotAllowed):
        raters.decisions(certified, "ann", "c", "des")


def test_a_passed_exam_is_not_appealed_and_no_text_breaks_the_database(certified: Store) -> None:
    passed = stands(certified).decision
    assert passed is not None
    with pytest.raises(Conflict, match="cannot be appealed"):
        raters.appeal(certified, "ann", passed.id, text="I was better than that.")
    for bad in ("a\x00b", "x" * 4_001):
        with pytest.raises(InvalidInput, match="reason"):
            raters.pause(certified, "des", "c", "ann", reason=bad)
        with pytest.raises(InvalidInput, match="appeal"):
            raters.appeal(certified, "ann", passed.id, text=bad)
        with pytest.raises(InvalidInput, match="answer"):
            raters.answer_appeal(certified, "des", passed.id, text=bad, is_granted=False)


def test_who_cannot_judge_hidden_gold_gives_no_evidence_of_decline(certified: Store) -> None:
    chance, n = random.Random(3), 0
    for i in range(60):
        given = next_assignment(certified, "ann", "c", now=START + DAY + i * MINUTE, chance=chance)
        if given is None:
            break
        is_gold = given.comparison_id.startswith("g")
        n += is_gold
        submit(certified, "ann", given.id, prefers("cannot_judge" if is_gold else "a"), now=START + DAY + i * MINUTE)
    with certified.read() as connection:
        ann, campaign = find_account(connection, "ann"), find_campaign(connection, "c")
        assert not watching.evidence_of(connection, ann, campaign).is_gold.any()
    assert n >= 5
    assert stands(certified).state is RaterState.QUALIFIED
    row = next(one for one in raters.list_raters(certified, "des", "c") if one.rater.name == "ann")
    assert row.accuracy.value is not None
    assert row.accuracy.value > 0.9, "by the exam alone"
