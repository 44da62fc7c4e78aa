"""Reading a campaign for those who work on it from outside the web application: simulations and machine raters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.domain import Campaign, Comparison, Round
from app.services.lookup import find_account, find_campaign, rounds_of, rubric_of
from app.store import tables
from app.store.engine import Store
from app.store.queries import comparison_ids, read_comparisons
from rubrics.model import Rubric


@dataclass(frozen=True)
class CampaignContent:
    """A campaign with its rounds, their rubrics and all its comparisons.

    Attributes:
        rubrics: round number -> rubric.
        comparisons: in the order of their external ids.
    """

    campaign: Campaign
    rounds: tuple[Round, ...]
    rubrics: Mapping[int, Rubric]
    comparisons: tuple[Comparison, ...]


def read_campaign(store: Store, name: str) -> CampaignContent:
    """Everything that a campaign asks; gold keys and references included, so never for a rater's eyes.

    Raises:
        NotFound: no such campaign.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, name)
        rounds = tuple(rounds_of(connection, campaign.id))
        rubrics = {round_.id: rubric_of(connection, round_.rubric_version) for round_ in rounds}
        row_ids = list(comparison_ids(connection, campaign.id).values())
        comparisons = tuple(stored.comparison for stored in read_comparisons(connection, row_ids))
    return CampaignContent(campaign, rounds, rubrics, comparisons)


def specification_of(store: Store, name: str) -> Mapping[str, Any] | None:
    """What a machine rater is made of, or the traits of a simulated one; None for people.

    Raises:
        NotFound: no such account.
    """
    with store.read() as connection:
        account = find_account(connection, name)
        return connection.scalar(select(tables.rater.c.specification).where(tables.rater.c.id == account.id))
