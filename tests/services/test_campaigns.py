"""Campaigns, rounds and members."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain import RankingMode, RaterKind, Role, RoundPurpose, RoundRules
from app.errors import AlreadyExists, InvalidInput, NotAllowed, NotFound
from app.policy import Action
from app.services.campaigns import (
    add_member,
    create_campaign,
    list_campaigns,
    open_round,
    set_campaign_state,
    set_round_state,
    show_campaign,
)
from app.services.lookup import find_account, find_campaign, find_round, require, roles_in, rounds_of, rubric_of
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from tests.services.house import CRITERIA, MINIMAL, SCORED, bring, contents, count, four, gold, line, rows, vote


def test_a_campaign_begins_with_its_main_round(store: Store) -> None:
    kinds = [RaterKind.HUMAN, RaterKind.MODEL, RaterKind.HUMAN]
    made = create_campaign(store, "tea", rubric=CRITERIA, counted_kinds=kinds, rules=RoundRules(overlap=5))
    assert (made.name, made.title, made.state) == ("tea", "tea", "open")
    assert made.counted_kinds == (RaterKind.HUMAN, RaterKind.MODEL)
    with store.read() as connection:
        assert find_campaign(connection, "tea") == made
        [main] = rounds_of(connection, made.id)
        assert rubric_of(connection, main.rubric_version) == CRITERIA
    assert (main.name, main.mode, main.purpose, main.rules) == (
        "main", RankingMode.PAIR, RoundPurpose.MAIN, RoundRules(overlap=5),
    )  # fmt: skip
    assert [row.action for row in rows(store, tables.event)] == ["rubric.published", "campaign.created", "round.opened"]


def test_a_name_is_taken_once_and_nothing_half_stays(store: Store) -> None:
    create_campaign(store, "tea", rubric=MINIMAL)
    before = contents(store)
    with pytest.raises(AlreadyExists, match="a campaign 'tea' already"):
        create_campaign(store, "tea", rubric=SCORED)
    assert contents(store) == before
    create_campaign(store, "coffee", rubric=MINIMAL)
    assert count(store, tables.rubric_version) == 1
    assert [one.name for one in list_campaigns(store)] == ["coffee", "tea"]


@pytest.mark.parametrize("name", ["", "two words", "ä", "../x", "x" * 65, "-x", "x\n"])
def test_names_that_no_campaign_may_have(sqlite_store: Store, name: str) -> None:
    with pytest.raises(InvalidInput, match="use letters, digits"):
        create_campaign(sqlite_store, name, rubric=MINIMAL)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (RoundRules(overlap=0), "overlap is 0"),
        (RoundRules(overlap=101), "overlap is 101"),
        (RoundRules(gold_rate=-0.1), "gold_rate -0.1"),
        (RoundRules(gold_rate=0.4, repeat_rate=0.2), "together at most .5"),
        (RoundRules(gold_rate=float("nan")), "gold_rate nan"),
        (RoundRules(lease_seconds=9), "lease_seconds is 9"),
    ],
)
def test_rules_out_of_range_are_refused(sqlite_store: Store, rules: RoundRules, problem: str) -> None:
    before = contents(sqlite_store)
    with pytest.raises(InvalidInput, match=problem):
        create_campaign(sqlite_store, "tea", rubric=MINIMAL, rules=rules)
    with pytest.raises(InvalidInput, match="at least one kind"):
        create_campaign(sqlite_store, "tea", rubric=MINIMAL, counted_kinds=[])
    assert contents(sqlite_store) == before


def test_a_further_round_takes_what_is_there(store: Store, tmp_path: Path) -> None:
    create_campaign(store, "c", rubric=SCORED)
    bring(store, tmp_path, [line("x1", judgments=[vote("w1")]), gold("g1"), four("k1")])
    pairs = open_round(store, "c", name="bridge", rubric=SCORED, purpose=RoundPurpose.BRIDGE)
    four_way = open_round(store, "c", name="k", rubric=SCORED, mode=RankingMode.KWAY)
    bring(store, tmp_path, [line("x2"), four("k2")])
    progress = {one.round.name: one for one in show_campaign(store, "c").rounds}
    assert progress["bridge"].round == pairs
    assert progress["k"].round == four_way
    waiting = {name: one.n_comparisons for name, one in progress.items()}
    assert waiting == {"main": 2, "ranking": 2, "bridge": 2, "k": 2}
    assert (progress["main"].n_begun, progress["main"].n_judgments) == (1, 1)
    assert (progress["bridge"].n_begun, progress["bridge"].n_judgments) == (0, 0)


def test_rounds_that_cannot_be(sqlite_store: Store) -> None:
    create_campaign(sqlite_store, "c", rubric=CRITERIA)
    before = contents(sqlite_store)
    with pytest.raises(AlreadyExists, match="a round 'main' already"):
        open_round(sqlite_store, "c", name="main", rubric=CRITERIA)
    with pytest.raises(InvalidInput, match="preference_scale criteria, which compare two"):
        open_round(sqlite_store, "c", name="k", rubric=CRITERIA, mode=RankingMode.KWAY)
    with pytest.raises(InvalidInput, match="Round name ' ': give it letters or digits"):
        open_round(sqlite_store, "c", name=" ", rubric=CRITERIA)
    with pytest.raises(NotFound, match=r"no campaign 'd'.*campaign list"):
        open_round(sqlite_store, "d", name="k", rubric=MINIMAL)
    assert contents(sqlite_store) == before


def test_the_overview_counts(store: Store, tmp_path: Path) -> None:
    create_campaign(store, "c", rubric=MINIMAL, rules=RoundRules(overlap=2))
    votes = [vote("w1"), vote("w2"), vote("w1", "b", revision=1)]
    bring(store, tmp_path, [line("x1", judgments=votes), line("x2", judgments=votes[:1]), line("x3"), gold("g1")])
    overview = show_campaign(store, "c")
    assert (overview.n_comparisons, overview.n_gold, overview.n_raters) == (4, 1, 2)
    [main] = overview.rounds
    assert (main.n_comparisons, main.n_begun, main.n_complete, main.n_judgments) == (3, 2, 1, 3)


def test_states_go_to_and_fro(store: Store) -> None:
    create_campaign(store, "c", rubric=MINIMAL)
    set_round_state(store, "c", "main", is_open=False)
    set_campaign_state(store, "c", is_open=False, actor="rosa")
    with store.read() as connection:
        campaign = find_campaign(connection, "c")
        assert (campaign.state, find_round(connection, campaign, "main").state) == ("closed", "closed")
        with pytest.raises(NotFound, match=r"has no round 'mian' \(did you mean 'main'\?\)"):
            find_round(connection, campaign, "mian")
    set_campaign_state(store, "c", is_open=True)
    assert [row.action for row in rows(store, tables.event)][-3:] == [
        "round.closed",
        "campaign.closed",
        "campaign.open",
    ]


def test_roles_hold_in_their_campaign_and_admin_everywhere(store: Store) -> None:
    create_campaign(store, "c", rubric=MINIMAL)
    create_campaign(store, "d", rubric=MINIMAL)
    add_account(store, "ann", roles=[Role.RESEARCHER])
    add_account(store, "root", roles=[Role.ADMIN])
    add_member(store, "c", "ann", roles=[Role.RATER, Role.DESIGNER])
    add_member(store, "c", "ann", roles=[Role.RATER])
    with store.read() as connection:
        c, d = find_campaign(connection, "c"), find_campaign(connection, "d")
        ann, root = find_account(connection, "ann"), find_account(connection, "root")
        assert roles_in(connection, ann, c.id) == {Role.RATER}
        assert roles_in(connection, ann, d.id) == frozenset()
        require(connection, ann, Action.JUDGE, campaign=c)
        require(connection, root, Action.IMPORT, campaign=d)
        with pytest.raises(NotAllowed, match=r"ann may not judge comparisons in campaign 'd' \(has: no role\)"):
            require(connection, ann, Action.JUDGE, campaign=d)
        with pytest.raises(NotAllowed, match="root may not judge"):
            require(connection, root, Action.JUDGE, campaign=c)
    with pytest.raises(InvalidInput, match="at least one role"):
        add_member(store, "c", "ann", roles=[])
