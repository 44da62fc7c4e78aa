"""Simulated raters at work: they lease and submit through the same services as people, and say what they are."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from app.demo.perception import judge
from app.demo.qualities import Truth, truth_of
from app.demo.traits import GivenTraits, Traits, draw_traits, rater_name
from app.domain import RaterKind, Role
from app.errors import AlreadyExists, InvalidInput, NotFound
from app.services.assigning import next_assignment
from app.services.campaigns import add_member
from app.services.database import Store
from app.services.judging import submit
from app.services.people import add_account
from app.services.reading import CampaignContent, read_campaign, specification_of

FIRST_DAY = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
"""When simulated work begins by default; a fixed day, so that the same seed writes the same judgments."""

SITTING = 25
"""Judgments that a simulated rater gives in a day."""


@dataclass(frozen=True)
class SimulationSummary:
    """What a simulation did.

    Attributes:
        n_raters: simulated raters who took part.
        n_judgments: judgments submitted.
        is_exhausted: whether the work ran out before the number of judgments was reached.
    """

    n_raters: int
    n_judgments: int
    is_exhausted: bool


@dataclass
class _Worker:
    """One simulated rater, with their own clock and their own dice."""

    name: str
    traits: Traits
    clock: datetime
    dice: random.Random
    chance: np.random.Generator
    n_done: int = 0


def simulate(
    store: Store,
    campaign_name: str,
    *,
    n_raters: int,
    n_judgments: int,
    seed: int,
    given: GivenTraits = GivenTraits(),
    round_name: str | None = None,
    first_day: datetime = FIRST_DAY,
    progress: Callable[[int], None] = lambda n_done: None,
) -> SimulationSummary:
    """Let simulated raters judge a campaign.

    The same seed on the same campaign gives the same judgments. Who has other traits is another rater, under another
    name.

    Args:
        store: the database.
        campaign_name: the campaign; it should count the kind `simulated` if the judgments are to fill its overlap.
        n_raters: how many simulated raters.
        n_judgments: how many judgments in all.
        seed: of every draw.
        given: traits that all of them share.
        round_name: the only round in which they judge; every open one by default.
        first_day: when the first sitting begins.
        progress: called after each judgment with the number done.

    Raises:
        NotFound: no such campaign, or no open round of that name.
        InvalidInput: a number is out of range.
    """
    if n_raters < 1 or n_judgments < 0:
        raise InvalidInput(f"{n_raters} raters and {n_judgments} judgments: give at least 1 and 0.")
    content = read_campaign(store, campaign_name)
    if round_name is not None and round_name not in {one.name for one in content.rounds if one.state == "open"}:
        raise NotFound(f"Campaign {campaign_name!r} has no open round {round_name!r}.")
    truths = _truths(content)
    workers = [_recruit(store, content, index, seed, given, first_day) for index in range(n_raters)]
    order = random.Random(seed)
    at_work = list(workers)
    n_done = 0
    while at_work and n_done < n_judgments:
        worker = order.choice(at_work)
        if _work_once(store, content, worker, truths, round_name):
            n_done += 1
            progress(n_done)
        else:
            at_work.remove(worker)
    return SimulationSummary(n_raters, n_done, is_exhausted=n_done < n_judgments)


def _truths(content: CampaignContent) -> dict[tuple[int, str], Truth]:
    """Round number and comparison id -> what is there to perceive."""
    return {
        (round_.id, comparison.id): truth_of(comparison, content.rubrics[round_.id])
        for comparison in content.comparisons
        for round_ in content.rounds
        if round_.mode is comparison.mode
    }


def _recruit(
    store: Store, content: CampaignContent, index: int, seed: int, given: GivenTraits, first_day: datetime
) -> _Worker:
    """The account of a simulated rater, made on first use, and a member of the campaign."""
    rubrics = content.rubrics.values()
    declared: dict[str, float] = {}
    for rubric in rubrics:
        declared |= rubric.declared_weights()
    criteria = list(dict.fromkeys(key for rubric in rubrics for key in rubric.criterion_keys))
    traits = given.applied_to(draw_traits(seed, index, criteria=criteria, declared=declared))
    name = _account(store, rater_name(index), traits)
    add_member(store, content.campaign.name, name, roles=[Role.RATER], actor="simulation")
    start = first_day + timedelta(minutes=7 * (index % 60))
    return _Worker(name, traits, start, random.Random(f"{seed}:{index}"), np.random.default_rng([seed, index, 1]))


def _account(store: Store, name: str, traits: Traits) -> str:
    """The account of a rater with these traits: the plain name, or, where that is somebody else, a longer one."""
    for candidate in (name, f"{name}-{traits.digest}"):
        try:
            add_account(store, candidate, kind=RaterKind.SIMULATED, specification=traits.to_dict(), actor="simulation")
        except AlreadyExists:
            if specification_of(store, candidate) != traits.to_dict():
                continue
        return candidate
    raise AlreadyExists(f"There are accounts {name!r} and {candidate!r} of other raters: use another seed.")


def _work_once(
    store: Store,
    content: CampaignContent,
    worker: _Worker,
    truths: Mapping[tuple[int, str], Truth],
    round_name: str | None,
) -> bool:
    """Lease, judge, submit; False when nothing is left for this rater."""
    assignment = next_assignment(
        store, worker.name, content.campaign.name, now=worker.clock, chance=worker.dice, round_name=round_name
    )
    if assignment is None:
        return False
    rubric = content.rubrics[assignment.round_id]
    truth = truths[assignment.round_id, assignment.comparison_id]
    submission = judge(assignment, truth, worker.traits, rubric, worker.chance)
    worker.clock += timedelta(seconds=submission.seconds or 0.0)
    submit(store, worker.name, assignment.id, submission, now=worker.clock)
    worker.n_done += 1
    pause = timedelta(hours=20) if worker.n_done % SITTING == 0 else timedelta(seconds=5)
    worker.clock += pause
    return True
