"""Every use case that changes the state says so in one event row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert

from app.domain import utc_now
from app.store import tables

_INSERT = insert(tables.event).returning(tables.event.c.id)


def record(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    campaign_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Write one event inside the caller's transaction and return its number.

    Args:
        connection: the transaction of the use case: the event is kept if and only if the change is.
        actor: rater name, or "system".
        action: a verb in the past, `campaign.created` style.
        subject: what it happened to, e.g. `comparison x1`.
        campaign_id: the campaign concerned, if any.
        detail: small JSON-ready facts; its sha256 is stored beside it.
    """
    document = dict(detail or {})
    payload = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    row = {
        "campaign_id": campaign_id,
        "actor": actor,
        "action": action,
        "subject": subject,
        "at": utc_now(),
        "payload_hash": hashlib.sha256(payload.encode()).hexdigest(),
        "detail": json.loads(payload),
    }
    return connection.execute(_INSERT, row).scalar_one()
