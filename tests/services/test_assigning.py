"""Leases: who gets what, in which order, for how long, and what they may see of it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from app.domain import (
    Assignment,
    CriteriaOrder,
    OverallPlace,
    OverlapPolicy,
    Purpose,
    RankingMode,
    RaterKind,
    RaterState,
    Role,
    RoundRules,
)
from app.errors import Conflict, LeaseLost, NotAllowed
from app.services import assigning, drawing, lanes, lookup, queueing
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, open_round, set_campaign_state, set_round_state
from app.services.judging import Submission, save_draft, skip, submit
from app.services.queueing import recount, set_priorities
from app.store import tables
from app.store.engine import Store
from rubrics.answers import Answer
from tests.services.house import (
    CRITERIA,
    SCORED,
    bring,
    count,
    four,
    gold,
    line,
    make_campaign,
    make_rater,
    prefers,
    rows,
    vote,
    wrong_counters,
)

START = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def work(store: Store, rater: str = "ann", *, now: datetime = START, seed: int | None = None) -> Assignment:
    """The next assignment, which there must be."""
    given = next_assignment(store, rater, "c", now=now, chance=random.Random(seed))
    assert given is not None
    return given


def stored(store: Store, assignment_id: int):
    return rows(store, tables.assignment, tables.assignment.c.id == assignment_id)[0]


def judge_all(store: Store, rater: str, *, seed: int = 0) -> list[Assignment]:
    """Let a rater judge until nothing is left."""
    chance, done = random.Random(seed), []
    while (given := next_assignment(store, rater, "c", now=START, chance=chance)) is not None:
        submit(store, rater, given.id, prefers(), now=START)
        done.append(given)
    return done


# --- work -------------------------------------------------------------------------------------------------------


def test_asking_again_gives_the_same_assignment_until_it_is_submitted(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1"), line("x2")])
    first = work(store)
    assert work(store, now=START + HOUR / 2) == first
    submit(store, "ann", first.id, prefers(), now=START)
    second = work(store)
    assert {first.comparison_id, second.comparison_id} == {"x1", "x2"}
    submit(store, "ann", second.id, prefers(), now=START)
    assert next_assignment(store, "ann", "c") is None


def test_the_view_shows_texts_in_the_order_shown_and_nothing_else(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [gold("x1")], gold_rate=0.5)
    for seed in range(20):
        view = next_assignment(store, "ann", "c", chance=random.Random(seed))
        if view is not None:
            break
    assert view is not None
    assert view.responses == tuple(f"response {slot} to x1" for slot in view.shown)
    assert not {"purpose", "propensity", "policy", "models", "gold"} & {field.name for field in fields(view)}
    said = repr(view)
    assert "model-" not in said
    assert "gold" not in said
    assert "because" not in said


def test_a_comparison_gets_its_overlap_and_no_more(store: Store, tmp_path: Path) -> None:
    raters = [f"r{n}" for n in range(5)]
    make_campaign(store, tmp_path, [line("x1"), line("x2")], raters=raters, overlap=2)
    votes = Counter(one.comparison_id for rater in raters for one in judge_all(store, rater))
    assert votes == {"x1": 2, "x2": 2}
    assert wrong_counters(store) == []


def test_candidates_are_looked_at_urgent_first_then_begun_then_in_queue_order(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(150)], raters=["ann", "bob"], overlap=3)
    begun = work(store, "bob").comparison_id
    set_priorities(store, "c", [("x7", 2.0, "uncertain"), ("x8", 1.0, "uncertain")])
    with store.read() as connection:
        round_ = assigning.rounds_of(connection, 1)[0]
        ann = lookup.find_account(connection, "ann")
        lane = lanes.lanes_of(connection, round_.id)[0]
        wanted = {"lane_id": lane.id, "round_id": round_.id, "rater_id": ann.id}
        found = [list(connection.scalars(query, wanted)) for query in queueing.candidate_queries()]
    names = {row.id: row.external_id for row in rows(store, tables.comparison)}
    order = sorted(
        rows(store, tables.queue_item), key=lambda row: (row.priority, row.n_taken, row.sort_key), reverse=True
    )
    expected = [row.comparison_id for row in order][: queueing.WINDOW]
    assert found[0] == found[2] == expected
    first = [names[one] for one in expected[:3]]
    assert sorted(first[:2]) == ["x7", "x8"] if begun in ("x7", "x8") else first == ["x7", "x8", begun]


def test_priorities_of_unknown_comparisons_change_nothing(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")])
    with pytest.raises(Conflict, match=r"1 of 2 .* 'nope'\. Nothing was changed"):
        set_priorities(store, "c", [("x1", 5.0, ""), ("nope", 5.0, "")])
    assert rows(store, tables.queue_item)[0].priority == 0
    assert set_priorities(store, "c", [("x1", 5.0, "far apart")]) == 1
    assert rows(store, tables.queue_item)[0].priority_reason == "far apart"


def test_priorities_touch_the_campaign_alone(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(3)])
    open_round(store, "c", name="bridge", rubric=SCORED)
    assert set_priorities(store, "c", [("x1", 1.0, "")]) == 2


# --- skipping ---------------------------------------------------------------------------------------------------


def test_a_skipped_comparison_never_comes_back_to_the_rater_and_frees_its_place(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1"), line("x2")], raters=["ann", "bob"], overlap=1)
    first = work(store)
    assert skip(store, "ann", first.id, reason="not my field", now=START)
    assert not skip(store, "ann", first.id, reason="not my field", now=START)
    second = work(store)
    assert second.comparison_id != first.comparison_id
    submit(store, "ann", second.id, prefers(), now=START)
    assert next_assignment(store, "ann", "c", now=START) is None
    assert work(store, "bob").comparison_id == first.comparison_id
    assert wrong_counters(store) == []


def test_submitted_work_cannot_be_skipped_nor_skipped_work_submitted(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1"), line("x2")])
    first = work(store)
    submit(store, "ann", first.id, prefers(), now=START)
    with pytest.raises(Conflict, match="revise it instead"):
        skip(store, "ann", first.id, reason="")
    second = work(store)
    skip(store, "ann", second.id, reason="")
    with pytest.raises(Conflict, match="was skipped"):
        submit(store, "ann", second.id, prefers())


# --- leases that run out ----------------------------------------------------------------------------------------


def test_an_expired_lease_goes_to_another_rater_and_the_text_is_kept(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=["ann", "bob"], overlap=1, lease_seconds=3600)
    lost = work(store, "ann")
    assert next_assignment(store, "bob", "c", now=START + HOUR / 2) is None
    later = START + 2 * HOUR
    taken = work(store, "bob", now=later)
    assert taken.comparison_id == "x1"
    with pytest.raises(LeaseLost, match="kept as a draft"):
        submit(store, "ann", lost.id, prefers("b", justification="long thought", seconds=7.5), now=later)
    row = stored(store, lost.id)
    assert row.state == "expired"
    assert row.draft["justification"] == "long thought"
    assert row.draft["answers"] == {"overall": {"preferred": "b"}}
    assert row.draft["seconds"] == 7.5
    assert count(store, tables.judgment) == 0
    submit(store, "bob", taken.id, prefers(), now=later)
    with pytest.raises(LeaseLost):
        submit(store, "ann", lost.id, prefers(), now=later)
    assert wrong_counters(store) == []


def test_an_expired_lease_with_room_left_is_taken_again_by_submitting(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=["ann", "bob"], overlap=2)
    mine = work(store, "ann")
    later = START + 2 * HOUR
    work(store, "bob", now=later)
    assert stored(store, mine.id).state == "expired"
    assert not submit(store, "ann", mine.id, prefers(), now=later).was_known
    assert stored(store, mine.id).state == "submitted"
    assert wrong_counters(store) == []


def test_the_same_rater_gets_an_expired_comparison_in_the_same_row_with_its_draft(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], raters=["ann", "bob"], overlap=1)
    mine = work(store, "ann")
    save_draft(store, "ann", mine.id, {"justification": "half a th"}, now=START)
    later = START + 2 * HOUR
    skip(store, "bob", work(store, "bob", now=later).id, reason="", now=later)
    again = work(store, "ann", now=later)
    assert (again.id, again.shown, again.draft) == (mine.id, mine.shown, {"justification": "half a th"})
    assert again.lease_expires_at == later + HOUR
    assert count(store, tables.assignment, tables.assignment.c.state == "open") == 1
    assert wrong_counters(store) == []


def test_a_lease_that_ran_out_unnoticed_is_renewed(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")])
    mine = work(store)
    later = START + 5 * HOUR
    assert work(store, now=later).lease_expires_at == later + HOUR
    assert work(store, now=later).id == mine.id


def test_more_expired_leases_than_one_call_sweeps(store: Store, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(assigning, "SWEEP", 2)
    raters = [f"r{n}" for n in range(5)]
    make_campaign(store, tmp_path, [line("x1")], raters=[*raters, "ann"], overlap=5)
    for rater in raters:
        work(store, rater)
    assert work(store, "ann", now=START + 2 * HOUR).comparison_id == "x1"
    assert count(store, tables.assignment, tables.assignment.c.state == "expired") == 2
    assert wrong_counters(store) == []


# --- order on the screen ----------------------------------------------------------------------------------------


def test_every_response_comes_first_equally_often(store: Store, tmp_path: Path) -> None:
    raters = [f"r{n}" for n in range(6)]
    make_campaign(store, tmp_path, [line("x1"), line("x2")], raters=raters, overlap=6)
    first = Counter((one.comparison_id, one.shown[0]) for rater in raters for one in judge_all(store, rater))
    assert first == {("x1", "a"): 3, ("x1", "b"): 3, ("x2", "a"): 3, ("x2", "b"): 3}


def test_four_responses_take_turns_at_the_top(store: Store, tmp_path: Path) -> None:
    raters = [f"r{n}" for n in range(8)]
    make_campaign(store, tmp_path, raters=raters, rubric=SCORED)
    rules = RoundRules(overlap=8, gold_rate=0.0, policy=OverlapPolicy.FIXED)
    open_round(store, "c", name="k", rubric=SCORED, mode=RankingMode.KWAY, rules=rules)
    bring(store, tmp_path, [four("x1")])
    first: Counter[str] = Counter()
    for rater in raters:
        view = work(store, rater)
        assert sorted(view.shown) == ["a", "b", "c", "d"]
        first[view.shown[0]] += 1
    assert first == {"a": 2, "b": 2, "c": 2, "d": 2}


# --- gold and repeats -------------------------------------------------------------------------------------------


def test_gold_comes_at_its_rate_and_never_through_the_queue(sqlite_store: Store, tmp_path: Path) -> None:
    """150 draws at rate .25: 37.5 expected, standard deviation 5.3; the bounds are four of them away."""
    store = sqlite_store
    lines = [*(line(f"w{n}") for n in range(150)), *(gold(f"g{n}") for n in range(80))]
    make_campaign(store, tmp_path, lines, gold_rate=0.25)
    assert count(store, tables.queue_item) == 150
    chance = random.Random(5)
    for _ in range(150):
        view = next_assignment(store, "ann", "c", now=START, chance=chance)
        assert view is not None
        skip(store, "ann", view.id, reason="")
    given = rows(store, tables.assignment)
    golds = {row.comparison_id for row in rows(store, tables.gold_key)}
    assert all((row.purpose == "gold") == (row.comparison_id in golds) for row in given)
    assert all(row.takes_place == (row.purpose == "work") for row in given)
    assert 17 <= sum(row.purpose == "gold" for row in given) <= 58


def test_gold_is_met_once_and_suspended_gold_never(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [gold("g1"), gold("g2")], gold_rate=0.5)
    with store.write() as connection:
        g2 = select(tables.comparison.c.id).where(tables.comparison.c.external_id == "g2").scalar_subquery()
        connection.execute(
            update(tables.gold_key).where(tables.gold_key.c.comparison_id == g2).values(suspended_at=START)
        )
    chance = random.Random(1)
    given = []
    for _ in range(40):
        view = next_assignment(store, "ann", "c", now=START, chance=chance)
        if view is not None:
            given.append(view.comparison_id)
            submit(store, "ann", view.id, prefers(), now=START)
    assert given == ["g1"]


def test_gold_of_an_unfinished_import_is_not_given(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [gold("g1")], gold_rate=0.5)
    with store.write() as connection:
        connection.execute(update(tables.import_batch).values(completed_at=None))
    chance = random.Random(1)
    assert all(next_assignment(store, "ann", "c", chance=chance) is None for _ in range(20))


def test_repeats_come_late_once_and_in_the_other_order(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(40)], repeat_rate=0.4)
    judge_all(store, "ann", seed=3)
    given = sorted(rows(store, tables.assignment), key=lambda row: row.id)
    first = {row.comparison_id: row for row in given if row.purpose == "work"}
    repeats = [row for row in given if row.purpose == "repeat"]
    assert len(first) == 40
    assert len(repeats) >= 8
    assert len({row.comparison_id for row in repeats}) == len(repeats)
    for row in repeats:
        before = first[row.comparison_id]
        assert (row.repeat_index, row.shown, row.takes_place) == (1, before.shown[::-1], False)
        n_between = sum(one.purpose == "work" and before.id < one.id < row.id for one in given)
        assert n_between >= drawing.REPEAT_DISTANCE
    assert wrong_counters(store) == []


def test_an_expired_repeat_may_come_again(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(12)], raters=["ann", "bob"], repeat_rate=0.0)
    judge_all(store, "ann")
    rules = {**rows(store, tables.round_)[0].rules, "repeat_rate": 0.5}
    with store.write() as connection:
        connection.execute(update(tables.round_).values(rules=rules))
    chance = random.Random(0)
    given = [next_assignment(store, "ann", "c", now=START, chance=chance) for _ in range(20)]
    repeat = next(view for view in given if view is not None)
    assert stored(store, repeat.id).purpose == "repeat"
    later = START + 2 * HOUR
    next_assignment(store, "bob", "c", now=later)
    assert stored(store, repeat.id).state == "expired"
    taken = set()
    for _ in range(40):
        view = next_assignment(store, "ann", "c", now=later, chance=chance)
        if view is not None:
            taken.add(view.id)
            submit(store, "ann", view.id, prefers(), now=later)
    assert repeat.id in taken


def test_imported_repeats_are_no_obstacle(store: Store, tmp_path: Path) -> None:
    """A member's own history may hold a second judgment of each comparison."""
    make_campaign(store, tmp_path, repeat_rate=0.5)
    votes = [vote("ann"), vote("ann", repeat_index=1)]
    bring(store, tmp_path, [line(f"x{n}", judgments=votes) for n in range(15)])
    bring(store, tmp_path, [line(f"y{n}", judgments=votes[:1]) for n in range(15)])
    chance = random.Random(4)
    for _ in range(60):
        view = next_assignment(store, "ann", "c", now=START, chance=chance)
        if view is not None:
            submit(store, "ann", view.id, prefers(), now=START)
    assert count(store, tables.assignment, tables.assignment.c.purpose == "repeat") > 0


# --- propensities -----------------------------------------------------------------------------------------------


def test_propensities_are_shares_among_the_candidates_of_a_purpose(store: Store, tmp_path: Path) -> None:
    lines = [*(line(f"w{n}") for n in range(5)), *(gold(f"g{n}") for n in range(3))]
    make_campaign(store, tmp_path, lines, gold_rate=0.4)
    judge_all(store, "ann", seed=2)
    for purpose, n_candidates in ((Purpose.WORK, 5), (Purpose.GOLD, 3)):
        given = rows(store, tables.assignment, tables.assignment.c.purpose == purpose.value)
        expected = [1 / (n_candidates - position) for position in range(len(given))]
        assert [row.propensity for row in sorted(given, key=lambda row: row.id)] == pytest.approx(expected)
    assert {row.policy for row in rows(store, tables.assignment)} == {f"{drawing.POLICY}/fixed"}


def test_draws_follow_their_propensity(sqlite_store: Store, tmp_path: Path) -> None:
    """80 first draws among 4 comparisons: 20 each expected, standard deviation 3.9; bounds four of them away."""
    store = sqlite_store
    make_campaign(store, tmp_path, [line(f"x{n}") for n in range(4)], overlap=100)
    first: Counter[str] = Counter()
    chance = random.Random(9)
    for _ in range(80):
        view = next_assignment(store, "ann", "c", now=START, chance=chance)
        assert view is not None
        first[view.comparison_id] += 1
        with store.write() as connection:
            connection.execute(tables.assignment.delete())
            recount(connection, chosen=tables.queue_item.c.n_slots > 0)
    assert len(first) == 4
    assert all(5 <= n <= 35 for n in first.values())


# --- who and when -----------------------------------------------------------------------------------------------


def test_closed_rounds_and_campaigns_give_no_work_but_take_what_is_leased(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1"), line("x2")], raters=["ann", "bob"])
    held = work(store)
    set_round_state(store, "c", "main", is_open=False)
    assert next_assignment(store, "bob", "c") is None
    submit(store, "ann", held.id, prefers(), now=START)
    set_round_state(store, "c", "main", is_open=True)
    held = work(store, "bob")
    set_campaign_state(store, "c", is_open=False)
    assert next_assignment(store, "ann", "c") is None
    submit(store, "bob", held.id, prefers(), now=START)
    set_campaign_state(store, "c", is_open=True)
    assert next_assignment(store, "ann", "c") is not None


@pytest.mark.parametrize("state", [RaterState.PAUSED, RaterState.RETIRED, RaterState.APPLICANT, RaterState.TRAINING])
def test_raters_in_other_states_get_nothing(sqlite_store: Store, tmp_path: Path, state: RaterState) -> None:
    store = sqlite_store
    make_campaign(store, tmp_path, [line("x1"), line("x2")])
    held = work(store)
    with store.write() as connection:
        connection.execute(update(tables.rater).values(state=state.value))
    with pytest.raises(NotAllowed, match=f"ann is {state.value}"):
        next_assignment(store, "ann", "c")
    with pytest.raises(NotAllowed, match=f"ann is {state.value}"):
        submit(store, "ann", held.id, prefers(), now=START)


def test_only_members_with_the_role_judge(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    make_campaign(store, tmp_path, [line("x1")])
    add_member(store, "c", "ann", roles=[Role.RESEARCHER])
    with pytest.raises(NotAllowed, match=r"may not judge comparisons in campaign 'c' \(has: researcher\)"):
        next_assignment(store, "ann", "c")


def test_a_round_wants_its_skills(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], required_skills=("medicine",))
    assert next_assignment(store, "ann", "c", now=START) is None
    skill = {"rater_id": rows(store, tables.rater)[0].id, "skill": "medicine", "level": 1, "granted_at": START}
    with store.write() as connection:
        connection.execute(insert(tables.rater_skill), {**skill, "expires_at": START + HOUR})
    assert next_assignment(store, "ann", "c", now=START + 2 * HOUR) is None
    assert work(store, now=START).comparison_id == "x1"


def test_kinds_that_do_not_count_take_no_place(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], overlap=1)
    make_rater(store, "judge-1", RaterKind.MODEL)
    machine = work(store, "judge-1")
    submit(store, "judge-1", machine.id, prefers("b"), now=START)
    assert not stored(store, machine.id).takes_place
    person = work(store, "ann")
    assert person.comparison_id == "x1"
    submit(store, "ann", person.id, prefers(), now=START)
    assert wrong_counters(store) == []


def test_a_second_round_asks_again_and_counts_for_itself(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1"), gold("g1")], overlap=1)
    submit(store, "ann", work(store).id, prefers(), now=START)
    open_round(store, "c", name="bridge", rubric=SCORED, rules=RoundRules(overlap=1, gold_rate=0.0))
    view = work(store)
    assert view.rubric_version == SCORED.version
    assert view.criteria_shown == ("clarity",)
    answers = {"overall": Answer(preferred="a"), "clarity": Answer(scores={"a": 3, "b": 1})}
    submit(store, "ann", view.id, Submission(answers), now=START)
    assert next_assignment(store, "ann", "c", now=START) is None
    assert wrong_counters(store) == []


def test_recounting_repairs_counters_and_leaves_unfinished_imports_closed(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, [line("x1")], overlap=2)
    bring(store, tmp_path, [line("x2")])
    work(store)
    with store.write() as connection:
        last = connection.scalar(select(tables.import_batch.c.id).order_by(tables.import_batch.c.id.desc()).limit(1))
        connection.execute(
            update(tables.import_batch).where(tables.import_batch.c.id == last).values(completed_at=None)
        )
        connection.execute(update(tables.queue_item).values(n_taken=2, is_open=False))
        recount(connection, chosen=tables.queue_item.c.n_slots > 0)
    open_ = {row.comparison_id: row.is_open for row in rows(store, tables.queue_item)}
    names = {row.external_id: row.id for row in rows(store, tables.comparison)}
    assert not open_[names["x2"]]
    assert sum(row.n_taken for row in rows(store, tables.queue_item)) == 1


def test_the_order_of_questions_is_the_rubrics_unless_the_round_draws_it(sqlite_store: Store, tmp_path: Path) -> None:
    lines = [line(f"x{number}") for number in range(40)]
    make_campaign(sqlite_store, tmp_path, lines, rubric=CRITERIA)
    view = next_assignment(sqlite_store, "ann", "c")
    assert (view.criteria_shown, view.overall_first) == (("helpfulness", "clarity"), False)


def test_a_round_that_draws_the_order_records_it_and_keeps_it(store: Store, tmp_path: Path) -> None:
    lines = [line(f"x{number}") for number in range(40)]
    rules = {"criteria_order": CriteriaOrder.RANDOM, "overall_place": OverallPlace.RANDOM}
    make_campaign(store, tmp_path, lines, rubric=CRITERIA, **rules)
    seen = set()
    for turn in range(30):
        view = next_assignment(store, "ann", "c", chance=random.Random(turn))
        again = next_assignment(store, "ann", "c", chance=random.Random(turn + 1))
        assert (again.criteria_shown, again.overall_first) == (view.criteria_shown, view.overall_first)
        [row] = rows(store, tables.assignment, tables.assignment.c.id == view.id)
        assert (tuple(row.criteria_shown), row.overall_first) == (view.criteria_shown, view.overall_first)
        seen.add((view.criteria_shown[0], view.overall_first))
        skip(store, "ann", view.id, reason="next")
    assert seen == {("helpfulness", True), ("helpfulness", False), ("clarity", True), ("clarity", False)}
