"""How a rater is doing, for the rater alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.domain import utc_now
from app.policy import Action
from app.services.lookup import find_account, find_campaign, require
from app.services.reporting import native_lines
from app.stats.completions import completions_from_native, gold_from_native
from app.stats.report_raters import rater_report
from app.store import tables
from app.store.engine import Store
from app.store.votes import judgments_frame, raters_frame

OWN = (
    "rater",
    "n_votes",
    "agreement_with_others",
    "gold_accuracy",
    "recent_gold_accuracy",
    "self_consistency",
    "first_shown_wins",
    "tie_share",
    "missing_share",
    "duplicate_justifications",
    "confidence",
    "drift",
    "pace",
    "side_runs",
    "extremity",
    "n_beside_others",
)
"""What raters see of their card: what rests on their own comparisons; no signs, and no fit over everybody."""


@dataclass(frozen=True)
class OwnCard:
    """A rater's card.

    Attributes:
        card: as in the raters report, with the keys of `OWN`.
        as_of: what was submitted before this counts.
    """

    card: dict[str, Any]
    as_of: datetime


def own_card(store: Store, rater_name: str, campaign_name: str, *, now: datetime | None = None) -> OwnCard | None:
    """What a rater's own card says of their work before today (UTC); None where there was none.

    It stands still all day: a number that moved with every answer would tell which comparisons are gold or repeats,
    and what the others said.

    Args:
        store: the database.
        rater_name: who looks, and at whom.
        campaign_name: the campaign.
        now: the time; the clock by default.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account does not work in the campaign.
    """
    as_of = (now or utc_now()).replace(hour=0, minute=0, second=0, microsecond=0)
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        rater = find_account(connection, rater_name)
        require(connection, rater, Action.SEE_OWN_WORK, campaign=campaign)
        raters = raters_frame(connection, campaign.id)
        names = raters.loc[raters["id"] == rater.id, "rater_id"].tolist()
        row_ids = _judged(connection, campaign.id, rater.id, before=as_of) if names else []
        if not row_ids:
            return None
        event = _last_event_before(connection, as_of)
        votes = judgments_frame(connection, campaign.id, as_of_event=event, comparisons=row_ids, with_text=True)
        lines = list(native_lines(connection, row_ids))
    counted = {kind.value for kind in campaign.counted_kinds}
    kinds = counted if rater.kind.value in counted else {rater.kind.value}
    report = rater_report(votes, kinds=kinds, gold=gold_from_native(lines), completions=completions_from_native(lines))
    mine = [card for card in report.document["raters"] if card["rater"] == names[0]]
    return OwnCard({key: mine[0][key] for key in OWN}, as_of) if mine else None


def _judged(connection: Connection, campaign_id: int, rater_id: int, *, before: datetime) -> list[int]:
    """Row ids of the comparisons that a rater judged before a time."""
    judgment, assignment, round_ = tables.judgment, tables.assignment, tables.round_
    query = (
        select(assignment.c.comparison_id)
        .join(round_, round_.c.id == assignment.c.round_id)
        .join(judgment, judgment.c.assignment_id == assignment.c.id)
        .where(assignment.c.rater_id == rater_id, round_.c.campaign_id == campaign_id)
        .where(judgment.c.submitted_at < before)
        .distinct()
    )
    return list(connection.scalars(query))


def _last_event_before(connection: Connection, at: datetime) -> int:
    event = tables.event
    return connection.scalar(select(event.c.id).where(event.c.at < at).order_by(event.c.id.desc()).limit(1)) or 0
