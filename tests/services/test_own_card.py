"""A rater's own card: theirs alone, of what they submitted before today."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain import OVERALL, RaterKind, Role, RoundRules, utc_now
from app.errors import NotAllowed
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign
from app.services.judging import Submission, submit
from app.services.own_card import OWN, own_card
from app.services.people import add_account
from app.store.engine import Store
from rubrics.answers import Answer
from tests.services.ledgers import PLAIN, import_lines, line, vote

N = 12


@pytest.fixture
def campaign(store: Store, tmp_path: Path) -> Store:
    gold = {"accepted": ["a"], "explanation": "because"}
    lines = [line(f"x{i}", [vote("somebody", "a")], gold=gold) for i in range(N)]
    lines += [line(f"y{i}", [vote("somebody", "a"), vote("else", "b")]) for i in range(N)]
    rules = RoundRules(overlap=5, gold_rate=0.5)
    create_campaign(store, "c", rubric=PLAIN, counted_kinds=[RaterKind.HUMAN], rules=rules)
    import_lines(store, "c", lines, tmp_path)
    for name in ("ann", "bob"):
        add_account(store, name)
        add_member(store, "c", name, roles=[Role.RATER])
    return store


def _vote(store: Store, name: str, n: int, preferred: str) -> None:
    for _ in range(n):
        assignment = next_assignment(store, name, "c")
        assert assignment is not None
        submit(store, name, assignment.id, Submission({OVERALL: Answer(preferred=preferred, strength=1)}))


def test_a_card_holds_ones_own_work_of_earlier_days_only(campaign: Store) -> None:
    _vote(campaign, "ann", N, "a")
    _vote(campaign, "bob", 3, "b")
    tomorrow = utc_now() + timedelta(days=1)
    assert own_card(campaign, "ann", "c", now=tomorrow - timedelta(days=1)) is None, "it stands still all day"
    mine = own_card(campaign, "ann", "c", now=tomorrow)
    assert mine is not None
    assert list(mine.card) == list(OWN)
    assert mine.card["n_votes"] == N
    assert mine.card["gold_accuracy"]["value"] == 1.0
    n_gold = mine.card["gold_accuracy"]["n"]
    assert 0 < n_gold == mine.card["drift"]["n"]
    assert mine.card["drift"]["accuracy"] == [1.0] * n_gold
    assert mine.card["agreement_with_others"]["value"] is not None
    text = json.dumps(mine.card)
    assert not [name for name in ("bob", "somebody", "x0", "y0", "because") if name in text]
    bobs = own_card(campaign, "bob", "c", now=tomorrow)
    assert bobs is not None
    assert (bobs.card["rater"], bobs.card["n_votes"]) == ("bob", 3)


def test_who_does_not_work_here_has_no_card(campaign: Store) -> None:
    add_account(campaign, "stranger", roles=[Role.DESIGNER])
    with pytest.raises(NotAllowed):
        own_card(campaign, "stranger", "c")
    assert own_card(campaign, "ann", "c") is None
