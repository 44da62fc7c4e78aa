"""Hidden gold on its schedule (20, 10, 5 %, more after a warning); a key that many have seen measures nobody."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain import Decision, RaterState, Role
from app.services import probing, raters, standing
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.judging import submit
from app.services.lookup import find_account, find_campaign, rounds_of
from app.services.people import add_account
from app.store import tables
from app.store.engine import Store
from tests.services.house import make_campaign, prefers, rows
from tests.services.test_examining import QUICK, START, key_of_item, lines


def collecting(store: Store, tmp_path: Path, *, n_gold: int, n_work: int, names: list[str], exposure_cap: int) -> None:
    """A calibrated campaign whose raters were let in without an exam."""
    calibration = replace(QUICK, exposure_cap=exposure_cap)
    make_campaign(store, tmp_path, lines(n_gold, n_work), raters=(), calibration=calibration, overlap=5)
    add_account(store, "des")
    add_member(store, "c", "des", roles=[Role.DESIGNER])
    for name in names:
        add_account(store, name, state=RaterState.APPLICANT)
        add_member(store, "c", name, roles=[Role.RATER])
        raters.requalify(store, "des", "c", name, reason="known", now=START)


def gold_rate(store: Store, name: str) -> float:
    with store.read() as connection:
        campaign = find_campaign(connection, "c")
        (round_,) = rounds_of(connection, campaign.id)
        return probing.rates(connection, round_, find_account(connection, name))[0]


def judge(store: Store, name: str, chance: random.Random) -> str | None:
    """Judge what comes, gold rightly; its comparison, None where nothing came."""
    given = next_assignment(store, name, "c", now=START, chance=chance)
    if given is None:
        return None
    is_gold = given.comparison_id.startswith("g")
    submit(store, name, given.id, prefers(key_of_item(given.comparison_id) if is_gold else "a"), now=START)
    return given.comparison_id


def warn(store: Store, name: str) -> None:
    with store.write() as connection:
        standing.decide(
            connection,
            find_account(connection, name),
            find_campaign(connection, "c"),
            Decision.WARNED,
            figures={},
            explanation="test",
            actor="system",
            now=START,
        )


def test_the_share_of_hidden_gold_falls_with_experience_and_rises_after_a_warning(
    sqlite_store: Store, tmp_path: Path
) -> None:
    store, chance = sqlite_store, random.Random(8)
    collecting(store, tmp_path, n_gold=150, n_work=260, names=["ann"], exposure_cap=500)
    n_gold, rates = Counter[float](), []
    for n in range(260):
        rate = gold_rate(store, "ann") if n in (0, 49, 50, 199, 200, 259) else rates[-1]
        rates.append(rate)
        n_gold[rate] += str(judge(store, "ann", chance)).startswith("g")
    assert [rates[n] for n in (0, 49, 50, 199, 200, 259)] == [0.2, 0.2, 0.1, 0.1, 0.05, 0.05]
    for rate, n in ((0.2, 50), (0.1, 150), (0.05, 60)):  # four standard deviations of a binomial count
        assert abs(n_gold[rate] - rate * n) <= 4 * (rate * (1 - rate) * n) ** 0.5
    warn(store, "ann")
    assert gold_rate(store, "ann") == pytest.approx(0.15)


class _Gold(random.Random):
    """Chance that draws gold where there is any: the roll is low, the rest is by the seed."""

    def random(self) -> float:
        return 0.0


@pytest.mark.parametrize(("cap", "n_most"), [(2, 2), (500, 4)])
def test_a_key_that_as_many_have_seen_as_the_cap_allows_is_used_no_more(
    sqlite_store: Store, tmp_path: Path, cap: int, n_most: int
) -> None:
    store, names = sqlite_store, ["ann", "bob", "cat", "dan"]
    collecting(store, tmp_path, n_gold=4, n_work=20, names=names, exposure_cap=cap)
    chance = _Gold(1)
    for _ in range(5):
        for name in names:
            judge(store, name, chance)
    seen: dict[int, set[int]] = defaultdict(set)
    for row in rows(store, tables.assignment, tables.assignment.c.purpose == "gold"):
        seen[row.comparison_id].add(row.rater_id)
    assert max(map(len, seen.values())) == n_most
