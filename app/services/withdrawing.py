"""Taking texts back: the words are erased, a tombstone stays, and nobody is asked to judge them any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select, update

from app.domain import ItemState, utc_now
from app.errors import NotFound
from app.services import events
from app.services.lookup import find_campaign
from app.services.wording import said
from app.store import tables
from app.store.engine import Store

PROMPT = "prompt"
"""Names the prompt where a completion id names a response."""


@dataclass(frozen=True)
class Withdrawal:
    """What a withdrawal erased.

    Attributes:
        n_texts: texts that were erased now.
        n_comparisons: comparisons that hold one of them, in every campaign: texts are stored once.
    """

    n_texts: int
    n_comparisons: int


def withdraw(
    store: Store,
    campaign_name: str,
    comparison_id: str,
    *,
    parts: Sequence[str] = (),
    reason: str,
    actor: str = "system",
) -> Withdrawal:
    """Erase texts of a comparison for good: they are not in the database any more, and no import brings them back.

    Votes on them stay, as facts about raters. Snapshots that were frozen before keep their texts; later ones list the
    tombstone. Withdrawing what is withdrawn changes nothing.

    Args:
        store: the database.
        campaign_name: the campaign.
        comparison_id: its external id.
        parts: completion ids and "prompt"; all of them by default.
        reason: why; stands on the tombstone.
        actor: who asked.

    Raises:
        NotFound: no such campaign, comparison or part.
        InvalidInput: no reason is given.
    """
    reason = said(reason, "reason", remedy="A withdrawal needs a reason: it stands on the tombstone.")
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        hashes = _hashes(connection, campaign.id, comparison_id)
        unknown = [part for part in parts if part not in hashes]
        if unknown:
            raise NotFound(f"Comparison {comparison_id!r} has no part {unknown[0]!r}; it has {', '.join(hashes)}.")
        chosen = {hashes[part] for part in parts or hashes}
        content = tables.content
        erased = connection.execute(
            update(content)
            .where(content.c.hash.in_(chosen), content.c.erased_at.is_(None))
            .values(body=None, erased_at=utc_now(), erased_reason=reason)
        ).rowcount
        touched = _comparisons_with(connection, chosen)
        _close(connection, touched)
        if erased:
            events.record(
                connection,
                actor=actor,
                action="text.withdrawn",
                subject=f"comparison {comparison_id}",
                campaign_id=campaign.id,
                detail={"hashes": sorted(chosen), "reason": reason, "n_comparisons": len(touched)},
            )
    return Withdrawal(erased, len(touched))


def _hashes(connection: Connection, campaign_id: int, comparison_id: str) -> dict[str, str]:
    """Part ("prompt" or a completion id) -> the hash of its text."""
    comparison, completion = tables.comparison, tables.completion
    row = connection.execute(
        select(comparison.c.id, comparison.c.prompt_hash).where(
            comparison.c.campaign_id == campaign_id, comparison.c.external_id == comparison_id
        )
    ).first()
    if row is None:
        raise NotFound(f"The campaign has no comparison {comparison_id!r}.")
    slots = connection.execute(
        select(completion.c.slot, completion.c.text_hash).where(completion.c.comparison_id == row.id)
    )
    return {PROMPT: row.prompt_hash, **dict(slots.all())}


def _comparisons_with(connection: Connection, hashes: set[str]) -> list[int]:
    comparison, completion = tables.comparison, tables.completion
    holders = select(completion.c.comparison_id).where(completion.c.text_hash.in_(hashes))
    condition = or_(comparison.c.prompt_hash.in_(hashes), comparison.c.id.in_(holders))
    return list(connection.scalars(select(comparison.c.id).where(condition).order_by(comparison.c.id)))


def _close(connection: Connection, comparison_ids: Sequence[int]) -> None:
    """Take comparisons out of every queue, and gold keys on them out of use."""
    item, key = tables.queue_item, tables.gold_key
    connection.execute(
        update(item)
        .where(item.c.comparison_id.in_(comparison_ids))
        .values(is_open=False, n_slots=item.c.n_taken, state=ItemState.WITHDRAWN.value)
    )
    connection.execute(
        update(key)
        .where(key.c.comparison_id.in_(comparison_ids), key.c.suspended_at.is_(None))
        .values(suspended_at=func.coalesce(key.c.suspended_at, utc_now()))
    )
