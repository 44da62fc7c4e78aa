"""What if: other weights, precedence or vetoes, tried on the votes that are there, before anything is published."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from app.domain import RaterKind, Round
from app.policy import Action
from app.services.consensus import COUNTED_PURPOSES
from app.services.lookup import find_account, find_campaign, find_round, require
from app.services.vote_events import last_vote_event
from app.stats.coding import code_votes
from app.stats.implied import Flips, Weighing, what_if
from app.stats.results import Estimate
from app.stats.tension import Profiles, build_profiles
from app.store.engine import Store
from app.store.votes import judgments_frame
from rubrics.answers import TIE
from rubrics.model import Rubric


@dataclass(frozen=True)
class Flip:
    """One label that another weighing changes.

    Attributes:
        before: what the rubric implies now: the id of a response, or "tie".
        after: what it would imply.
        raters: what most raters said overall.
        n_judgments: judgments of the pair.
    """

    comparison_id: str
    before: str
    after: str
    raters: str
    n_judgments: int


@dataclass(frozen=True)
class Trial:
    """What another weighing would change.

    Attributes:
        share: of the pairs whose implied label flips; n is the number of pairs.
        fits_before: share of the raters' decided labels that the rubric implies now.
        fits_after: the same under the other weighing.
        flips: the labels that flip, those with the most judgments first.
        criteria: criteria that the votes know.
    """

    share: Estimate
    fits_before: Estimate
    fits_after: Estimate
    flips: tuple[Flip, ...]
    criteria: tuple[str, ...]


@dataclass(frozen=True)
class Material:
    """The votes that a trial reads."""

    profiles: Profiles
    names: pd.DataFrame


def weighing_of(rubric: Rubric) -> Weighing:
    """How a rubric weighs its criteria (see `app.stats.implied` for what follows from it)."""
    precedence = frozenset(
        (next(key for key in rule.between if key != rule.prevailing), rule.prevailing)
        for rule in rubric.tensions
        if rule.prevailing is not None
    )
    return Weighing(rubric.declared_weights(), precedence, frozenset(rubric.vetoes))


def try_out(
    store: Store,
    actor_name: str,
    campaign_name: str,
    *,
    round_name: str,
    before: Weighing,
    after: Weighing,
    kinds: Collection[RaterKind] | None = None,
) -> Trial:
    """Which labels would flip under another weighing of the same verdicts. Nothing is written.

    Args:
        store: the database.
        actor_name: an account that may see quality reports here.
        campaign_name: the campaign.
        round_name: whose votes.
        before: the weighing of the round's rubric.
        after: the one to try.
        kinds: kinds of rater; the campaign's counted kinds by default.

    Raises:
        NotFound: no such account, campaign or round.
        NotAllowed: the account may not see quality reports here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.SEE_QUALITY, campaign=campaign)
        round_ = find_round(connection, campaign, round_name)
        event = last_vote_event(connection, campaign.id)
    counted = tuple(sorted(kind.value for kind in kinds or campaign.counted_kinds))
    material = read_material(store, round_, counted, event)
    found = what_if(material.profiles, before, after)
    return Trial(found.share, found.fits_before, found.fits_after, _flips(found, material), material.profiles.criteria)


@lru_cache(maxsize=4)
def read_material(store: Store, round_: Round, kinds: tuple[str, ...], event: int) -> Material:
    """The votes of a round as profiles, read once as long as nobody votes.

    Args:
        store: the database.
        round_: the round.
        kinds: kinds of rater that count.
        event: the event that the votes go up to.
    """
    with store.read() as connection:
        votes = judgments_frame(
            connection,
            round_.campaign_id,
            kinds=kinds,
            as_of_event=event,
            rounds=[round_.name],
            purposes=COUNTED_PURPOSES,
        )
    profiles = build_profiles(code_votes(votes, kinds=kinds), votes)
    names = votes[["comparison_id", "first", "second"]].astype(str)
    return Material(profiles, names)


def _flips(found: Flips, material: Material) -> tuple[Flip, ...]:
    places = np.flatnonzero(found.flipped)
    names = material.names.iloc[found.before.row[places]]
    raters = found.raters.sign
    rows = [
        Flip(
            comparison_id=one.comparison_id,
            before=_said(found.before.sign[place], one),
            after=_said(found.after.sign[place], one),
            raters=_said(raters[place], one),
            n_judgments=int(found.before.n[place]),
        )
        for place, one in zip(places, names.itertuples(index=False), strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (-row.n_judgments, row.comparison_id)))


def _said(sign: int, names: Any) -> str:
    return {1: names.first, -1: names.second}.get(int(sign), TIE)
