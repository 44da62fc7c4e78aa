"""What an import batch brought is there for readers once the batch is complete, and not before."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select

from app.store import tables


def visible(batch_id: ColumnElement[int | None]) -> ColumnElement[bool]:
    """Whether a row may be seen: it came in no batch, or in one that completed.

    Args:
        batch_id: the row's `batch_id` column.
    """
    complete = select(tables.import_batch.c.id).where(tables.import_batch.c.completed_at.is_not(None))
    return or_(batch_id.is_(None), batch_id.in_(complete))
