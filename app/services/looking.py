"""One look at the rating page: where the rater stands, their day, and the comparison in hand, read together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain import RaterState, utc_now
from app.policy import Action, may_work
from app.services.desk import Desk, held_desk, lease_desk
from app.services.permission import require_in
from app.services.sessions import Person
from app.services.standing import standing_of
from app.services.working_time import Today, day_of
from app.store.engine import Store


@dataclass(frozen=True)
class Look:
    """What the page shows now.

    Attributes:
        state: where the rater stands in the campaign.
        day: their day so far, in every campaign.
        desk: the comparison in hand; None where their state gives no work, during a pause, or when nothing is left.
    """

    state: RaterState
    day: Today
    desk: Desk | None


def look(store: Store, person: Person, campaign_name: str, *, since: datetime, now: datetime | None = None) -> Look:
    """What a rater's page shows; where they hold nothing, the next comparison is leased, elsewhere nothing is written.

    Args:
        store: the database.
        person: who looks, as of now.
        campaign_name: the campaign.
        since: when the day began where the rater is.
        now: the time; the clock by default.

    Raises:
        NotAllowed: the person may not judge here.
    """
    now = now or utc_now()
    campaign = require_in(person, Action.JUDGE, campaign_name)
    with store.read() as connection:
        state = standing_of(connection, person.account, campaign.id).state
        day = day_of(connection, person.account.id, since=since)
        if not may_work(state) or day.paused_at is not None:
            return Look(state, day, None)
        desk = held_desk(connection, person.account, campaign, now=now)
    return Look(state, day, desk or lease_desk(store, person.name, campaign_name, now=now))
