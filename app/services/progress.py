"""How collecting goes: judgments day by day, what is still wanted, and when it will be there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd
from sqlalchemy import Connection, Date, cast, func, select

from app.domain import Campaign, utc_now
from app.policy import Action
from app.services.permission import require_in
from app.services.sessions import Person
from app.stats.forecast import Forecast, forecast
from app.store import tables
from app.store.engine import Store
from app.store.visibility import visible


@dataclass(frozen=True)
class CollectionProgress:
    """What a campaign has collected, and what is to come.

    Attributes:
        daily: columns `day` (UTC), `kind`, `n_judgments`: first submissions, repeats and gold included.
        n_undated: judgments that came from a file without a time.
        n_wanted: places that open rounds still have to fill with votes of counted kinds.
        forecast: when they will be filled.
        as_of: the time of the count.
    """

    daily: pd.DataFrame
    n_undated: int
    n_wanted: int
    forecast: Forecast
    as_of: datetime

    @property
    def complete_on(self) -> tuple[date | None, date | None, date | None]:
        """The day at the recent pace, and the ends of its interval, where they can be told."""
        days = self.forecast.days
        return tuple(self._day(value) for value in (days.value, days.low, days.high))  # type: ignore[return-value]

    def _day(self, days: float | None) -> date | None:
        if days is None or days > 365 * 100:
            return None
        return (self.as_of + timedelta(days=days)).date()


def collection_progress(
    store: Store, person: Person, campaign_name: str, *, now: datetime | None = None
) -> CollectionProgress:
    """Judgments by day and kind, and the forecast for the rounds that are open.

    Raises:
        NotAllowed: the person may not manage the campaign.
    """
    campaign = require_in(person, Action.MANAGE_CAMPAIGN, campaign_name)
    now = now or utc_now()
    with store.read() as connection:
        counts = _daily(connection, campaign, places_only=False)
        places = _daily(connection, campaign, places_only=True)
        n_wanted = _n_wanted(connection, campaign)
    dated = counts[counts["day"].notna()]
    return CollectionProgress(
        daily=dated.reset_index(drop=True),
        n_undated=int(counts.loc[counts["day"].isna(), "n_judgments"].sum()),
        n_wanted=n_wanted,
        forecast=forecast(n_wanted, _full_days(places, today=now.date())),
        as_of=now,
    )


def _daily(connection: Connection, campaign: Campaign, *, places_only: bool) -> pd.DataFrame:
    """Day, kind, count; only work that fills a place of the overlap where `places_only`."""
    judgment, assignment, round_, rater = tables.judgment, tables.assignment, tables.round_, tables.rater
    at = judgment.c.submitted_at
    is_sqlite = connection.dialect.name == "sqlite"
    day = func.date(at) if is_sqlite else cast(func.timezone("UTC", at), Date)
    statement = (
        select(day.label("day"), rater.c.kind, func.count().label("n_judgments"))
        .select_from(judgment.join(assignment).join(round_).join(rater))
        .where(round_.c.campaign_id == campaign.id, judgment.c.revision == 0, visible(judgment.c.batch_id))
        .group_by(day, rater.c.kind)
        .order_by(day, rater.c.kind)
    )
    if places_only:
        statement = statement.where(assignment.c.takes_place)
    rows = [(_as_date(row[0]), row[1], row[2]) for row in connection.execute(statement)]
    return pd.DataFrame(rows, columns=["day", "kind", "n_judgments"])


def _as_date(value: str | date | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _full_days(places: pd.DataFrame, *, today: date) -> list[int]:
    """Counts of every day from the first judgment to yesterday, empty days included."""
    by_day = {day: int(n) for day, n in places.groupby("day")["n_judgments"].sum().items()} if len(places) else {}
    if not by_day:
        return []
    n_days = (today - min(by_day)).days
    return [by_day.get(today - timedelta(days=back), 0) for back in range(n_days, 0, -1)]


def _n_wanted(connection: Connection, campaign: Campaign) -> int:
    item, round_, comparison = tables.queue_item, tables.round_, tables.comparison
    if campaign.state != "open":
        return 0
    missing = item.c.n_slots - item.c.n_taken
    return (
        connection.scalar(
            select(func.sum(missing))
            .select_from(item.join(round_).join(comparison, comparison.c.id == item.c.comparison_id))
            .where(round_.c.campaign_id == campaign.id, round_.c.state == "open", missing > 0)
            .where(visible(comparison.c.batch_id))
        )
        or 0
    )
