"""Policies: when a comparison has votes enough, what stopping early costs and never changes, experts, audits."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from app.domain import OverlapPolicy, RankingMode, RoundRules
from app.requirements import from_dict
from app.services import stopping
from app.services.assigning import next_assignment
from app.services.campaigns import open_round
from app.services.collecting import decide_again
from app.services.judging import Submission, revise, skip, submit
from app.services.lookup import find_campaign, find_round
from app.store import tables
from app.store.engine import Store
from rubrics.answers import Answer
from tests.services.house import (
    SCORED,
    bring,
    four,
    gold,
    grant,
    line,
    make_campaign,
    prefers,
    rows,
    vote,
    wrong_counters,
)

CURTAILED = OverlapPolicy.CURTAILED


def item(store: Store, name: str = "x1"):
    comparison = rows(store, tables.comparison, tables.comparison.c.external_id == name)[0]
    return rows(store, tables.queue_item, tables.queue_item.c.comparison_id == comparison.id)[0]


def judge(store: Store, rater: str, preferred: str = "a") -> str | None:
    """Let a rater judge what they are given next; the comparison's name, or None where there is nothing."""
    given = next_assignment(store, rater, "c", chance=random.Random(0))
    if given is None:
        return None
    submit(store, rater, given.id, prefers(preferred))
    return given.comparison_id


def decisions(store: Store) -> list[tuple[str, str | None, int, bool]]:
    found = sorted(rows(store, tables.overlap_decision), key=lambda row: row.id)
    return [(row.state, row.answer, row.n_votes, row.is_audited) for row in found]


def start(store: Store, tmp_path: Path, *lines, overlap: int = 3, n_raters: int = 5, audit_share: float = 0.0, **rules):
    raters = [f"r{n}" for n in range(n_raters)]
    rules = {"policy": CURTAILED, "overlap": overlap, "audit_share": audit_share, **rules}
    make_campaign(store, tmp_path, lines or [line("x1")], raters=raters, **rules)


def test_two_that_agree_are_enough_of_three(store: Store, tmp_path: Path) -> None:
    start(store, tmp_path)
    assert [judge(store, f"r{n}") for n in range(3)] == ["x1", "x1", None]
    assert (item(store).state, item(store).n_slots, item(store).is_open) == ("settled", 2, False)
    assert decisions(store) == [("settled", "a", 2, False)]
    assert wrong_counters(store) == []


def test_a_decision_that_says_the_same_is_written_once(store: Store, tmp_path: Path) -> None:
    start(store, tmp_path, line("x1"), line("x2"))
    for name in ("r0", "r1"):
        assert judge(store, name) is not None
        assert judge(store, name) is not None
    before = decisions(store)
    assert before == [("settled", "a", 2, False)] * 2
    asked_again(store)
    assert decisions(store) == before
    for row in rows(store, tables.assignment):
        name = rows(store, tables.rater, tables.rater.c.id == row.rater_id)[0].name
        revise(store, name, row.id, prefers("b"))
    changed = decisions(store)
    assert changed == [*before, ("settled", "b", 2, False), ("settled", "b", 2, False)]
    asked_again(store)
    assert decisions(store) == changed, "the last one counts"


def asked_again(store: Store) -> None:
    """Let the policy rule on x1 and x2 once more."""
    with store.write() as connection:
        round_ = find_round(connection, find_campaign(connection, "c"), "main")
        decide_again(connection, round_, [item(store, name).comparison_id for name in ("x1", "x2")])


def test_never_more_leases_at_once_than_are_needed_in_any_case(store: Store, tmp_path: Path) -> None:
    start(store, tmp_path, overlap=5)
    held = [next_assignment(store, f"r{n}", "c") for n in range(5)]
    assert [one is not None for one in held] == [True, True, True, False, False]
    for name, one, preferred in zip(("r0", "r1", "r2"), held, ("a", "b", "a"), strict=False):
        submit(store, name, one.id, prefers(preferred))
    assert item(store).n_slots == 4  # two for a, one for b: one more for a settles it
    assert judge(store, "r3", "b") == "x1"
    assert judge(store, "r4", "tie") == "x1"
    assert item(store).state == "contested"
    assert decisions(store) == [("contested", None, 5, False)]


def test_a_skipped_place_is_given_again(store: Store, tmp_path: Path) -> None:
    start(store, tmp_path)
    assert judge(store, "r0") == "x1"
    given = next_assignment(store, "r1", "c")
    assert given is not None
    skip(store, "r1", given.id, reason="")
    assert judge(store, "r2", "b") == "x1"
    assert judge(store, "r3", "b") == "x1"
    assert decisions(store) == [("settled", "b", 3, False)]
    assert wrong_counters(store) == []


def test_a_vote_that_cannot_judge_takes_a_place_and_decides_nothing(store: Store, tmp_path: Path) -> None:
    start(store, tmp_path)
    for n, preferred in enumerate(("a", "cannot_judge", "a")):
        assert judge(store, f"r{n}", preferred) == "x1"
    assert decisions(store) == [("settled", "a", 3, False)]


@pytest.mark.parametrize("policy", list(OverlapPolicy))
def test_what_nobody_can_judge_is_contested_when_the_overlap_is_spent(
    sqlite_store: Store, tmp_path: Path, policy: OverlapPolicy
) -> None:
    start(sqlite_store, tmp_path, policy=policy)
    answers = [judge(sqlite_store, f"r{n}", "cannot_judge") for n in range(5)]
    assert answers == ["x1", "x1", "x1", None, None], "an overlap of three asks three, whatever they say"
    assert decisions(sqlite_store) == [("contested", None, 3, False)]
    assert wrong_counters(sqlite_store) == []


def test_a_revision_reopens_what_it_unsettles(store: Store, tmp_path: Path) -> None:
    start(store, tmp_path)
    given = next_assignment(store, "r0", "c")
    assert given is not None
    submit(store, "r0", given.id, prefers("a"))
    judge(store, "r1", "a")
    revise(store, "r0", given.id, prefers("b"))
    assert (item(store).state, item(store).is_open) == ("collecting", True)
    assert judge(store, "r2", "b") == "x1"
    assert decisions(store) == [("settled", "a", 2, False), ("settled", "b", 3, False)]


def test_rankings_stop_when_every_pair_is_settled(store: Store, tmp_path: Path) -> None:
    make_campaign(store, tmp_path, raters=["r0", "r1", "r2"], rubric=SCORED)
    rules = RoundRules(gold_rate=0.0, audit_share=0.0)
    open_round(store, "c", name="k", rubric=SCORED, mode=RankingMode.KWAY, rules=rules)
    bring(store, tmp_path, [four("x1"), four("x2")])
    given = {"x1": ("abcd", "abcd"), "x2": ("abcd", "abdc", "abcd")}
    for turn in range(3):
        for _ in range(2):
            view = next_assignment(store, f"r{turn}", "c")
            if view is None:
                continue
            ranking = tuple((one,) for one in given[view.comparison_id][turn])
            scores = Answer(scores=dict.fromkeys("abcd", 3))
            submit(store, f"r{turn}", view.id, Submission({"overall": Answer(ranking=ranking), "clarity": scores}))
    assert {row.n_votes for row in rows(store, tables.overlap_decision)} == {2, 3}
    assert (item(store, "x1").state, item(store, "x2").state) == ("settled", "settled")


def test_votes_of_a_file_count(store: Store, tmp_path: Path) -> None:
    history = [vote("w1", "a"), vote("w2", "a")]
    start(store, tmp_path, line("x1", judgments=history), line("x2", judgments=[vote("w1", "a"), vote("w2", "b")]))
    assert item(store, "x1").state == "settled"
    assert [judge(store, "r0"), judge(store, "r1")] == ["x2", None]


@pytest.mark.parametrize("overlap", [3, 4, 5])
def test_decisions_are_those_of_the_full_overlap(sqlite_store: Store, tmp_path: Path, overlap: int) -> None:
    """The same raters on the same comparisons, with all their votes and with as many as were asked for."""
    store = sqlite_store
    names = [f"x{n}" for n in range(40)]
    start(store, tmp_path, *map(line, names), overlap=overlap, n_raters=overlap)
    chance = random.Random(overlap)
    says = {(name, f"r{n}"): chance.choices(["a", "b", "tie"], (6, 3, 1))[0] for name in names for n in range(overlap)}
    idle = set()
    while len(idle) < overlap:
        rater = f"r{chance.randrange(overlap)}"
        given = next_assignment(store, rater, "c", chance=chance)
        if given is None:
            idle.add(rater)
            continue
        idle.clear()
        submit(store, rater, given.id, prefers(says[given.comparison_id, rater]))
    stored = {row.id: row.external_id for row in rows(store, tables.comparison)}
    decided = {stored[row.comparison_id]: row for row in rows(store, tables.overlap_decision)}
    for name in names:
        ranked = Counter(says[name, f"r{n}"] for n in range(overlap)).most_common()
        full = ranked[0][0] if 2 * ranked[0][1] > overlap else None
        assert (decided[name].answer, decided[name].state) == (full, "settled" if full else "contested")
    n_votes = sum(row.n_votes for row in decided.values())
    assert n_votes == len(rows(store, tables.judgment))
    assert n_votes < overlap * len(names)
    assert wrong_counters(store) == []


def test_a_share_of_what_stopped_early_goes_on_to_full_overlap(store: Store, tmp_path: Path) -> None:
    start(store, tmp_path, audit_share=1.0)
    assert [judge(store, "r0"), judge(store, "r1")] == ["x1", "x1"]
    assert (item(store).state, item(store).is_open) == ("collecting", True)
    assert decisions(store) == [("settled", "a", 2, True)]
    assert judge(store, "r2", "b") == "x1"
    assert decisions(store) == [("settled", "a", 2, True), ("settled", "a", 3, False)]
    assert item(store).state == "settled"


def test_experts_judge_what_is_contested_and_nothing_else(store: Store, tmp_path: Path) -> None:
    experts = from_dict({"all": [{"skill": "senior", "level": 2}]})
    start(store, tmp_path, line("x1"), line("x2"), overlap=2, n_raters=4, experts=experts, expert_votes=1)
    grant(store, "r3", "senior", level=2)
    grant(store, "r2", "senior", level=1)
    for rater, preferred in (("r0", "a"), ("r1", "b")):
        for _ in range(2):
            judge(store, rater, preferred)
    assert judge(store, "r2") is None
    assert {judge(store, "r3"), judge(store, "r3")} == {"x1", "x2"}
    assert decisions(store) == [("settled", "a", 3, False)] * 2
    assert wrong_counters(store) == []


def test_a_posterior_stops_where_gold_shows_that_it_may(store: Store, tmp_path: Path) -> None:
    """Five raters, right nine times in ten on 30 gold comparisons: two that agree are enough of five."""
    raters = [f"r{n}" for n in range(5)]
    answers = [[vote(name, "ab"[(n + r) % 10 == 0], purpose="gold", shown=["a", "b"]) for r, name in enumerate(raters)]
               for n in range(30)]  # fmt: skip
    golds = [{**gold(f"g{n}"), "judgments": answers[n]} for n in range(30)]
    lines = [*golds, line("x1"), line("x2")]
    start(store, tmp_path, *lines, overlap=5, n_raters=5, policy=OverlapPolicy.POSTERIOR, threshold=0.95)
    assert [judge(store, "r0"), judge(store, "r1")].count(None) == 0
    model = stopping.refit(store, "c")["main"]
    assert (model.n_gold, model.is_usable) == (150, True)
    assert model.temperature is not None
    for name in ("r0", "r1", "r2", "r3", "r4"):
        judge(store, name)
        judge(store, name)
    found = rows(store, tables.overlap_decision)
    assert {(row.state, row.answer) for row in found} == {("settled", "a")}
    assert min(row.n_votes for row in found) == 2
    assert all(row.policy == "overlap-1/posterior 1" and row.probability >= 0.95 for row in found)
    assert wrong_counters(store) == []


def test_without_gold_enough_the_posterior_policy_curtails(store: Store, tmp_path: Path) -> None:
    start(store, tmp_path, overlap=3, policy=OverlapPolicy.POSTERIOR)
    assert stopping.refit(store, "c")["main"].reason == "0 gold answers; 100 are needed"
    assert [judge(store, f"r{n}") for n in range(3)] == ["x1", "x1", None]
    assert [(row.policy, row.probability) for row in rows(store, tables.overlap_decision)] == [
        ("overlap-1/posterior, curtailed", None)
    ]


def test_what_experts_do_not_settle_is_contested(store: Store, tmp_path: Path) -> None:
    experts = from_dict({"all": [{"credential": "phd"}]})
    start(store, tmp_path, overlap=2, n_raters=3, experts=experts, expert_votes=1)
    grant(store, "r2", "credential:phd")
    for n, preferred in enumerate(("a", "b", "tie")):
        assert judge(store, f"r{n}", preferred) == "x1"
    assert decisions(store) == [("contested", None, 3, False)]
    assert item(store).state == "contested"
