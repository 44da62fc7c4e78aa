"""Skills by domain and language: what a rater's gold answers support, moved with an event and its figures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from app.domain import Calibration, Campaign, Decision, Rater
from app.services import gold_scoring, standing
from app.stats.levels import level_of
from app.store import tables

KEYS = {"domain": "", "language": "language:"}
"""Key of a comparison's meta -> what stands before its value in the name of the skill."""

LESSONS = "lessons"
"""The skill that answered lessons grant: no domain."""

OWNER = "gold"
"""What the evidence of a measured skill says; a skill that an admin attached is left alone."""


def move_levels(
    connection: Connection, rater: Rater, campaign: Campaign, calibration: Calibration, *, now: datetime
) -> list[str]:
    """Move a rater's levels to what their gold answers support; returns the skills that moved."""
    by_skill: dict[str, list[bool]] = {}
    for one in gold_scoring.gold_answers(connection, campaign.id, rater):
        for skill in () if one.score.is_missing else _skills_of(one.meta):
            by_skill.setdefault(skill, []).append(one.score.is_right)
    held = _held(connection, rater, campaign, now=now)
    moved = []
    for skill, right in sorted(by_skill.items()):
        before, is_measured = held.get(skill, (0, True))
        level, accuracy = level_of(right, held=before)
        if level == before or not is_measured:
            continue
        figures = {"skill": skill, "from": before, "to": level, "by": OWNER, **accuracy.to_json()}
        if level:
            standing.grant(
                connection,
                rater,
                skill,
                level=level,
                evidence=figures,
                now=now,
                campaign_id=campaign.id,
                expires_at=now + timedelta(days=calibration.valid_days),
            )
        else:
            standing.end_skill(connection, rater, skill, campaign_id=campaign.id, now=now)
        text = _explain(skill, before, level, accuracy.n)
        standing.decide(
            connection, rater, campaign, Decision.SKILL, figures=figures, explanation=text, actor="system", now=now
        )
        moved.append(skill)
    return moved


def _skills_of(meta: object) -> Iterator[str]:
    """Skills that a comparison's meta names; none where a value has a colon or is reserved, as that would be another's.

    A colon stands in credentials, certificates, languages and places; gold grants none of them but a language.
    """
    for key, prefix in KEYS.items():
        value = meta.get(key) if isinstance(meta, dict) else None
        name = value.strip().lower() if isinstance(value, str) else ""
        if name and name != LESSONS and ":" not in name:
            yield f"{prefix}{name}"


def _held(connection: Connection, rater: Rater, campaign: Campaign, *, now: datetime) -> dict[str, tuple[int, bool]]:
    """Skill -> (level, whether it was measured), of those held in the campaign or everywhere."""
    skill = tables.rater_skill
    rows = connection.execute(
        select(skill.c.skill, skill.c.level, skill.c.evidence)
        .where(
            skill.c.rater_id == rater.id,
            or_(skill.c.campaign_id.is_(None), skill.c.campaign_id == campaign.id),
            or_(skill.c.expires_at.is_(None), skill.c.expires_at > now),
        )
        .order_by(skill.c.granted_at)
    )
    return {row.skill: (row.level, (row.evidence or {}).get("by") == OWNER) for row in rows}


def _explain(skill: str, before: int, level: int, n: int) -> str:
    name = skill.removeprefix("language:")
    words = {0: "no level", **standing.LEVELS}
    way = "up to" if level > before else "down to"
    return f"Your level in {name} goes {way} {words[level]}, from {words[before]}, by {n} answers with a known key."
