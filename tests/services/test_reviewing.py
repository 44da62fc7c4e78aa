"""Attempt, review, senior: who may review what, what stands beside the attempt, and what counts in a label."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from alembic import command

from app.domain import OVERALL, OverlapPolicy, Purpose, ReviewLevel, ReviewVerdict, Role, RoundRules
from app.errors import Conflict, InvalidInput, NotAllowed
from app.services import events, judging, managing, review_queue, review_summary, reviewing
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.judging import Submission, revise, submit
from app.services.lookup import find_account, find_campaign, rounds_of
from app.services.people import add_account
from app.services.reporting import campaign_report
from app.services.reviewing import Attempt
from app.services.sessions import person_named
from app.services.snapshotting import build
from app.store import tables
from app.store.engine import Store
from app.store.migrate import configuration, upgrade
from app.store.votes import judgments_frame
from rubrics.answers import Answer
from tests.conftest import emptied_postgres_store, give_back_postgres
from tests.services.house import (
    CRITERIA,
    gold,
    line,
    make_campaign,
    prefers,
    rows,
    wait_until_waiting,
    wrong_counters,
)

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
REVIEW, SENIOR = ReviewLevel.REVIEW, ReviewLevel.SENIOR
A, B = {OVERALL: Answer(preferred="a")}, {OVERALL: Answer(preferred="b")}


def staffed(store: Store, tmp_path: Path, lines: list[dict], **rules) -> Store:
    """Raters ann and bob, reviewers rea and roy (roy rates, too), seniors des and dora."""
    make_campaign(store, tmp_path, lines, raters=("ann", "bob"), **{"review_share": 1.0, **rules})
    for name, roles in {
        "rea": [Role.REVIEWER],
        "roy": [Role.REVIEWER, Role.RATER],
        "des": [Role.DESIGNER],
        "dora": [Role.DESIGNER],
    }.items():
        add_account(store, name)
        add_member(store, "c", name, roles=roles)
    return store


@pytest.fixture
def staff(store: Store, tmp_path: Path) -> Store:
    return staffed(store, tmp_path, [line("x")], overlap=2)


def attempt_by(store: Store, name: str, preferred: str = "a", *, seed: int = 1) -> int:
    """The number of a judgment that a rater hands in now."""
    given = next_assignment(store, name, "c", now=NOW, chance=random.Random(seed))
    assert given is not None
    return submit(store, name, given.id, prefers(preferred), now=NOW).judgment_id


def see(store: Store, name: str, level: ReviewLevel = REVIEW, *, now: datetime = NOW) -> Attempt | None:
    return reviewing.next_attempt(store, name, "c", level=level, now=now)


def say(store: Store, name: str, attempt: int, answers=None, *, level: ReviewLevel = REVIEW, why: str = "so") -> None:
    reviewing.review(store, name, "c", attempt, level=level, answers=answers, reason=why, now=NOW)


def labels(store: Store, *, as_settled: bool) -> dict[str, list[str]]:
    """Comparison -> outcomes of the votes on it."""
    with store.read() as connection:
        frame = judgments_frame(connection, find_campaign(connection, "c").id, as_settled=as_settled)
    return {str(name): sorted(map(str, group["outcome"])) for name, group in frame.groupby("comparison_id")}


def test_an_edit_counts_once_a_senior_settled_it_and_the_attempt_stays(staff: Store) -> None:
    number = attempt_by(staff, "ann", "a")
    seen = see(staff, "rea")
    assert seen is not None
    assert (seen.judgment_id, seen.judgment.rater, seen.judgment.answers) == (number, "", A)
    assert not any(one.model for one in seen.comparison.completions), "no reviewer learns a model"
    say(staff, "rea", number, B, why="b answers the question")
    assert labels(staff, as_settled=True) == {"x": ["first"]}, "a reviewer alone changes no label"
    assert see(staff, "des") is None, "it was reviewed"
    settling = see(staff, "des", SENIOR)
    assert settling is not None
    assert settling.earlier is not None
    assert (settling.earlier.answers, settling.earlier.reason, settling.earlier.by) == (B, "b answers the question", "")
    say(staff, "des", number, B, level=SENIOR, why="so it does")
    assert labels(staff, as_settled=True) == {"x": ["second"]}
    assert labels(staff, as_settled=False) == {"x": ["first"]}, "the attempt stays as it was given"
    (verdict,) = rows(staff, tables.verdict)
    assert verdict.preferred == "a"
    assert [(row.level, row.verdict, row.reason) for row in rows(staff, tables.review)] == [
        ("review", "edit", "b answers the question"),
        ("senior", "edit", "so it does"),
    ]
    actions = [row.action for row in rows(staff, tables.event) if row.action.startswith("attempt.")]
    assert actions == ["attempt.claimed", "attempt.reviewed", "attempt.claimed", "attempt.settled"]
    report = campaign_report(staff, "consensus", "c").to_json()
    assert report["criteria"][OVERALL]["methods"]["majority"]["decisions"]["second"] == 1


def test_a_senior_may_let_the_attempt_stand(staff: Store) -> None:
    number = attempt_by(staff, "ann", "a")
    say(staff, "rea", number, B)
    say(staff, "des", number, None, level=SENIOR, why="both readings hold")
    assert labels(staff, as_settled=True) == {"x": ["first"]}
    assert see(staff, "dora", SENIOR) is None


def test_nobody_reviews_themselves_twice_or_what_they_judged(staff: Store) -> None:
    number = attempt_by(staff, "ann")
    for name, level in (("ann", REVIEW), ("bob", REVIEW), ("rea", SENIOR)):
        with pytest.raises(NotAllowed):
            see(staff, name, level)
    add_member(staff, "c", "ann", roles=[Role.RATER, Role.REVIEWER])
    assert see(staff, "ann") is None, "her own attempt"
    with pytest.raises(Conflict, match="no word of yours"):
        say(staff, "ann", number)
    attempt_by(staff, "roy")
    assert see(staff, "roy") is None, "he had the comparison himself"
    say(staff, "dora", number, B)
    assert see(staff, "dora", SENIOR) is None, "who reviewed does not settle"
    with pytest.raises(Conflict):
        say(staff, "dora", number, A, level=SENIOR)
    with pytest.raises(Conflict):
        say(staff, "rea", number)


def test_an_attempt_is_shown_to_one_at_a_time_and_who_saw_it_does_not_judge_it(staff: Store) -> None:
    number = attempt_by(staff, "ann")
    assert see(staff, "roy").judgment_id == number  # type: ignore[union-attr]
    assert see(staff, "roy").judgment_id == number, "a reload shows the same"  # type: ignore[union-attr]
    assert see(staff, "rea") is None
    assert reviewing.waiting(staff, "rea", "c")[REVIEW] == reviewing.Waiting(1, 1)
    assert next_assignment(staff, "roy", "c", now=NOW) is None, "he has seen a vote on the only comparison"
    later = NOW + timedelta(hours=2)
    assert see(staff, "rea", now=later).judgment_id == number  # type: ignore[union-attr]
    assert see(staff, "roy", now=later) is None
    assert next_assignment(staff, "bob", "c", now=NOW) is not None


def test_a_revision_is_an_attempt_anew(staff: Store) -> None:
    given = next_assignment(staff, "ann", "c", now=NOW)
    assert given is not None
    first = submit(staff, "ann", given.id, prefers("a"), now=NOW).judgment_id
    say(staff, "rea", first, B)
    say(staff, "des", first, B, level=SENIOR)
    second = revise(staff, "ann", given.id, prefers("tie"), now=NOW).judgment_id
    assert labels(staff, as_settled=True) == {"x": ["tie"]}, "what was settled was of the first"
    seen = see(staff, "rea")
    assert seen is not None
    assert seen.judgment_id == second


@pytest.mark.parametrize("bad", ["", "  ", "a\x00b", "x" * 4_001])
def test_words_are_checked(staff: Store, bad: str) -> None:
    number = attempt_by(staff, "ann")
    with pytest.raises(InvalidInput):
        say(staff, "rea", number, B, why=bad)
    say(staff, "rea", number, B)
    with pytest.raises(InvalidInput):
        say(staff, "des", number, None, level=SENIOR, why=bad)


def test_acceptance_needs_no_words_and_the_same_answers_are_no_edit(staff: Store) -> None:
    number = attempt_by(staff, "ann")
    with pytest.raises(InvalidInput, match="answers of the attempt"):
        say(staff, "rea", number, A)
    say(staff, "rea", number, None, why="")
    (row,) = rows(staff, tables.review)
    assert (row.verdict, row.reason) == (ReviewVerdict.APPROVE.value, "")


def test_an_edit_answers_all_that_was_asked(store: Store, tmp_path: Path) -> None:
    staffed(store, tmp_path, [line("x")], rubric=CRITERIA)
    given = next_assignment(store, "ann", "c", now=NOW)
    assert given is not None
    answers = {
        "helpfulness": Answer(preferred="a", strength=2),
        "clarity": Answer(scores={"a": 4, "b": 2}),
        OVERALL: Answer(preferred="a", strength=1),
    }
    number = submit(store, "ann", given.id, Submission(answers, "a explains"), now=NOW).judgment_id
    for wrong in (
        {OVERALL: Answer(preferred="b", strength=1)},
        {**answers, "clarity": Answer(scores={"a": 9, "b": 2})},
        {**answers, "manners": Answer(preferred="a")},
    ):
        with pytest.raises(InvalidInput):
            say(store, "rea", number, wrong)
    changed = {**answers, "clarity": Answer(scores={"a": 1, "b": 2})}
    say(store, "rea", number, changed)
    say(store, "des", number, changed, level=SENIOR)
    assert labels(store, as_settled=True)["x"] == ["first", "first", "second"]


def test_a_settled_edit_lets_the_policy_decide_again(store: Store, tmp_path: Path) -> None:
    staffed(store, tmp_path, [line("x")], overlap=3, policy=OverlapPolicy.CURTAILED, audit_share=0.0)
    attempt_by(store, "ann", "a")
    number = attempt_by(store, "bob", "a")
    assert rows(store, tables.queue_item)[0].state == "settled"
    say(store, "rea", number, B)
    assert rows(store, tables.queue_item)[0].state == "settled"
    say(store, "des", number, B, level=SENIOR)
    (item,) = rows(store, tables.queue_item)
    assert (item.state, item.n_slots, item.is_open) == ("collecting", 3, True), "one each: a third vote decides"
    assert wrong_counters(store) == []


def test_gold_and_repeats_are_reviewed_like_work_and_measure_the_reviewers(store: Store, tmp_path: Path) -> None:
    staffed(store, tmp_path, [gold("g", "a"), line("x")], gold_rate=0.5)
    for seed in range(30):
        given = next_assignment(store, "ann", "c", now=NOW, chance=random.Random(seed))
        if given is None:
            break
        submit(store, "ann", given.id, prefers("b"), now=NOW)
    purposes = {row.purpose for row in rows(store, tables.assignment)}
    assert Purpose.GOLD.value in purposes
    while (seen := see(store, "rea")) is not None:
        say(store, "rea", seen.judgment_id, A if seen.comparison.id == "g" else None)
    found = review_summary.summarise(store, "des", "c")
    (rea,) = found.reviewers
    assert rea.n_reviews == found.n_reviewed == found.n_attempts == 2
    assert (rea.right_on_gold.value, rea.right_on_gold.n) == (1.0, 1)
    assert (rea.upheld.n, found.n_settled, found.n_changed) == (0, 0, 0)
    (ann,) = found.raters
    assert (ann.rater, ann.n_reviewed, ann.changed.n) == ("ann", 2, 1), "one edit has yet to be settled"
    with pytest.raises(NotAllowed):
        review_summary.summarise(store, "rea", "c")


def test_a_share_is_drawn_evenly_and_none_by_default(sqlite_store: Store, tmp_path: Path) -> None:
    store = staffed(sqlite_store, tmp_path, [line(f"x{n}") for n in range(200)], review_share=0.3, overlap=1)
    for n in range(200):
        attempt_by(store, "ann", seed=n)
    assert abs(reviewing.waiting(store, "rea", "c")[REVIEW].n - 60) <= 2
    assert RoundRules().review_share == 0


def test_what_waits_is_kept_as_the_ledger_says_it(store: Store, tmp_path: Path) -> None:
    """After any history, another share, and in a database that is upgraded: the same as found anew from the facts."""
    staffed(store, tmp_path, [line(f"x{n}") for n in range(24)], review_share=0.6, overlap=2)
    chance = random.Random(4)
    for n in range(40):
        attempt_by(store, chance.choice(["ann", "bob"]), chance.choice("ab"), seed=n)
        for name, level, odds in (("rea", REVIEW, 0.6), ("des", SENIOR, 0.1)):
            seen = see(store, name, level) if chance.random() < odds else None
            if seen is not None:
                other = B if seen.judgment.answers == A else A
                say(store, name, seen.judgment_id, chance.choice([None, other]), level=level)
        if n % 5 == 0:
            given = chance.choice(rows(store, tables.assignment, tables.assignment.c.state == "submitted"))
            who = rows(store, tables.rater, tables.rater.c.id == given.rater_id)[0].name
            revise(store, who, given.id, prefers(chance.choice(["a", "b", "tie"])), now=NOW)
    kept = rows(store, tables.review_wait)
    assert {row.level for row in kept} == {"review", "senior"}
    assert kept == found_anew(store)
    command.downgrade(configuration(store), "0011")
    upgrade(store)
    assert rows(store, tables.review_wait) == kept
    add_member(store, "c", "dora", roles=[Role.RESEARCHER])
    boss = person_named(store, "dora")
    for share in (1.0, 0.0, 0.3):
        rules = RoundRules(gold_rate=0.0, policy=OverlapPolicy.FIXED, overlap=2, review_share=share)
        managing.change_rules(store, boss, "c", "main", rules=rules)
        assert rows(store, tables.review_wait) == found_anew(store)
        waiting = rows(store, tables.review_wait, tables.review_wait.c.level == "review")
        assert reviewing.waiting(store, "des", "c")[REVIEW].n == len(waiting)


@pytest.mark.parametrize("moment", ["enter", "remember"])
def test_an_attempt_handed_in_while_its_share_changes_waits(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Between reading the share and the commit (`remember` follows `enter`), another transaction changes it."""
    staffed(store, tmp_path, [line("x")], review_share=0.0)
    add_member(store, "c", "dora", roles=[Role.RESEARCHER])
    boss, place = person_named(store, "dora"), {"enter": review_queue, "remember": judging}[moment]
    carry_on, changes = getattr(place, moment), []
    rules = RoundRules(gold_rate=0.0, review_share=1.0)
    with ThreadPoolExecutor(max_workers=1) as other:

        def meanwhile(*arguments, **named):
            changes.append(other.submit(managing.change_rules, store, boss, "c", "main", rules=rules))
            wait(changes, timeout=1)  # who has to wait for this transaction is not waited for
            return carry_on(*arguments, **named)

        monkeypatch.setattr(place, moment, meanwhile)
        number = attempt_by(store, "ann")
        changes[0].result()
    assert [row.judgment_id for row in rows(store, tables.review_wait)] == [number]


@pytest.fixture
def busy(postgres_url: str, tmp_path: Path) -> Iterator[Store]:
    """On PostgreSQL, where transactions run side by side: an attempt by ann that waits; dora may change the rules."""
    store = staffed(emptied_postgres_store(postgres_url), tmp_path, [line("x")], overlap=2)
    add_member(store, "c", "dora", roles=[Role.RESEARCHER, Role.DESIGNER])
    attempt_by(store, "ann")
    yield store
    give_back_postgres(store)


@contextmanager
def when_reached(
    store: Store, place: ModuleType, moment: str, *, another: Callable[[], None]
) -> Iterator[Callable[[], None]]:
    """The first to reach a moment of its transaction goes on once another waits for one of its locks.

    Yields:
        waits until the other is done, and raises what it raised.
    """
    carry_on, others = getattr(place, moment), list[Future[None]]()
    with ThreadPoolExecutor(max_workers=1) as pool, pytest.MonkeyPatch.context() as patch:

        def meanwhile(*arguments: Any, **named: Any) -> Any:
            if not others:
                others.append(pool.submit(another))
                wait_until_waiting(store, 1)
            return carry_on(*arguments, **named)

        patch.setattr(place, moment, meanwhile)
        yield lambda: others[0].result()


def set_share(store: Store, share: float) -> None:
    rules = RoundRules(gold_rate=0.0, policy=OverlapPolicy.FIXED, overlap=2, review_share=share)
    managing.change_rules(store, person_named(store, "dora"), "c", "main", rules=rules)


@pytest.mark.postgres
def test_of_two_who_change_the_share_at_once_the_later_one_knows_of_the_earlier(busy: Store) -> None:
    with when_reached(busy, review_queue, "refill", another=lambda: set_share(busy, 1.0)) as finish:
        set_share(busy, 0.0)
        finish()
    kept = rows(busy, tables.review_wait)
    assert len(kept) == 1, "the later one says that everything is reviewed"
    assert kept == found_anew(busy)
    told = [row.detail for row in rows(busy, tables.event) if row.action == "round.rules_changed"]
    assert [(one["before"]["review_share"], one["after"]["review_share"]) for one in told] == [(1.0, 0.0), (0.0, 1.0)]


@pytest.mark.postgres
@pytest.mark.parametrize("level", ReviewLevel)
def test_a_review_and_a_change_of_the_share_never_wait_in_a_ring(busy: Store, level: ReviewLevel) -> None:
    (waiting,) = rows(busy, tables.review_wait)
    if level is SENIOR:
        say(busy, "rea", waiting.judgment_id, B)
    with when_reached(busy, review_queue, "advance", another=lambda: set_share(busy, 0.9)) as finish:
        say(busy, "des", waiting.judgment_id, B, level=level)
        finish()
    kept = [(row.judgment_id, row.level) for row in rows(busy, tables.review_wait)]
    assert kept == ([(waiting.judgment_id, "senior")] if level is REVIEW else [])
    assert rows(busy, tables.review_wait) == found_anew(busy)


@pytest.mark.postgres
def test_a_review_that_waited_for_a_change_of_the_share_goes_by_the_new_one(busy: Store) -> None:
    (waiting,) = rows(busy, tables.review_wait)
    with when_reached(busy, events, "record", another=lambda: say(busy, "rea", waiting.judgment_id)) as finish:
        set_share(busy, 0.0)
        with pytest.raises(Conflict, match="no word of yours"):
            finish()
    assert rows(busy, tables.review) == []


def found_anew(store: Store) -> list:
    with store.write() as connection:
        campaign = find_campaign(connection, "c")
        for round_ in rounds_of(connection, campaign.id):
            review_queue.refill(connection, campaign, round_)
    return rows(store, tables.review_wait)


@pytest.mark.parametrize("level", ReviewLevel)
def test_finding_an_attempt_walks_what_waits_and_no_judgments(sqlite_store: Store, tmp_path: Path, level) -> None:
    staffed(sqlite_store, tmp_path, [line("x")])
    with sqlite_store.read() as connection:
        campaign, rea = find_campaign(connection, "c"), find_account(connection, "rea")
        query = review_queue.waiting_for(connection, campaign, level, rea)
        assert query is not None
        sql = query.limit(1).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
    assert any("review_wait USING INDEX ix_review_wait_round (round_id=? AND level=?)" in step for step in plan), plan
    assert not [step for step in plan if "judgment" in step.split()[1] or step.startswith("SCAN")], plan
    assert not [step for step in plan if "TEMP B-TREE" in step], plan


def test_a_snapshot_says_what_reviews_did(store: Store, tmp_path: Path) -> None:
    staffed(store, tmp_path, [line("x"), line("y")], overlap=1)
    numbers = [attempt_by(store, "ann", "a", seed=n) for n in range(2)]
    before = build(store, "c", tmp_path / "before")
    say(store, "rea", numbers[0], B)
    say(store, "rea", numbers[1], None)
    say(store, "des", numbers[0], B, level=SENIOR)
    after = build(store, "c", tmp_path / "after")
    assert before.content["reviews"]["n_reviewed"] == 0
    told = after.content["reviews"]
    assert {key: told[key] for key in ("n_reviewed", "n_edits", "n_settled", "n_changed")} == {
        "n_reviewed": 2, "n_edits": 1, "n_settled": 1, "n_changed": 1,
    }  # fmt: skip
    (changed,) = told["changed"]
    assert (changed["judgment_id"], changed["answers"]) == (numbers[0], {OVERALL: {"preferred": "b"}})
    assert after.content["event_number"] > before.content["event_number"]
    assert after.content["agreement"] == before.content["agreement"], "raters are measured by what they gave"
    card = (tmp_path / "after" / "README.md").read_text()
    assert "A second person reviewed 2 votes and would have changed 1 of them" in card
    assert "reviewed" not in (tmp_path / "before" / "README.md").read_text()
    pairs = pd.concat(pd.read_parquet(path) for path in (tmp_path / "after" / "data").glob("*.parquet"))
    assert sorted(pairs["chosen_id"]) == ["a", "b"]
    votes = pd.read_parquet(tmp_path / "after" / "judgments.parquet")
    assert set(votes["outcome"]) == {"first"}, "every vote as it was given"
