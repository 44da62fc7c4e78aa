"""Times as the person in front of the screen lives them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from app.domain import utc_now
from app.ui.words import say


def zone() -> ZoneInfo:
    """The time zone of the person's browser; UTC where it says none that we know."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def local(at: datetime) -> datetime:
    """A time in the person's zone."""
    return at.astimezone(zone())


def start_of_day() -> datetime:
    """When today began where the person is, in UTC."""
    return local(utc_now()).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def show_time(at: datetime | None) -> str:
    """A time in words: today's by the hour, others with their date."""
    if at is None:
        return "unknown"
    there = local(at)
    is_today = there.date() == local(utc_now()).date()
    return f"{there:%H:%M}" if is_today else say("date", at=there)


def show_duration(seconds: float) -> str:
    """A length of time in words."""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
