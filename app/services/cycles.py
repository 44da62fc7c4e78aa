"""Cycles: each time somebody says what to judge next, which rule chose what, and how many votes went there.

`steelyard select` writes priorities with the arm that chose each comparison (a rule, or lots) and its propensity;
importing them opens a cycle. The arm stands beside the pair in every later snapshot, so that training can draw the
campaign's own curve against its random arm (`reward.curve`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select

from app.domain import AssignmentState, Purpose, utc_now
from app.errors import InvalidInput
from app.services.lookup import find_campaign
from app.services.queueing import apply_priorities
from app.store import tables
from app.store.bulk import insert_rows
from app.store.engine import Store
from app.store.visibility import visible

_LINE = 'a line is {"comparison_id": "x1", "priority": 0.9, "reason": "..."}. Nothing was changed.'
_cycle, _item = tables.cycle, tables.cycle_item


@dataclass(frozen=True)
class Priority:
    """One comparison that shall come sooner or later.

    Attributes:
        comparison_id: its external id.
        priority: higher comes first; 0 is the default.
        reason: why, in words.
        arm: the rule that chose it, "random" for lots, empty where a file does not say.
        propensity: the probability with which its arm chose it, or None.
        model: run id of the model behind the choice, or None.
        snapshot: hash of the snapshot behind the choice, or None.
    """

    comparison_id: str
    priority: float
    reason: str
    arm: str = ""
    propensity: float | None = None
    model: str | None = None
    snapshot: str | None = None


@dataclass(frozen=True)
class Cycle:
    """One batch that was chosen to be judged next.

    Attributes:
        number: 1, 2, ... in a campaign.
        source: the file's name.
        model: run id of the model that chose, or None.
        snapshot: hash of the snapshot that it chose from, or None.
        n: arm -> comparisons.
        n_votes: arm -> votes of counted kinds on them since the cycle began.
    """

    number: int
    source: str
    model: str | None
    snapshot: str | None
    started_at: datetime
    n: Mapping[str, int]
    n_votes: Mapping[str, int]


def read_priorities(path: Path) -> list[Priority]:
    """The lines of a file of priorities.

    Raises:
        InvalidInput: no file, or a line that is none; file, line and field are named.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    found = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            found.append(_priority(json.loads(line)))
        except KeyError as error:
            raise InvalidInput(f"{path}, line {number}, field {error.args[0]}: is missing; {_LINE}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidInput(f"{path}, line {number}: {error}; {_LINE}") from error
    return found


def _priority(row: Mapping[str, Any]) -> Priority:
    propensity = row.get("propensity")
    if propensity is not None and not 0 < float(propensity) <= 1:
        raise ValueError(f"propensity is {propensity}, a probability above 0 and up to 1 is wanted")
    return Priority(
        comparison_id=str(row["comparison_id"]),
        priority=float(row["priority"]),
        reason=str(row.get("reason", "")),
        arm=str(row.get("arm") or ""),
        propensity=None if propensity is None else float(propensity),
        model=row.get("model"),
        snapshot=row.get("snapshot"),
    )


def import_priorities(
    store: Store, campaign_name: str, priorities: Sequence[Priority], *, source: str, actor: str = "system"
) -> tuple[Cycle, int]:
    """Make comparisons more or less urgent in every round, and remember how each was chosen: a cycle begins.

    Returns:
        The cycle, and how many places in queues changed.

    Raises:
        NotFound: no such campaign.
        Conflict: an id is unknown; nothing is changed.
        InvalidInput: there is no line.
    """
    if not priorities:
        raise InvalidInput(f"{source}: the file names no comparison; {_LINE}")
    now, by_id = utc_now(), {one.comparison_id: one for one in priorities}
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        rows = [(one.comparison_id, one.priority, one.reason) for one in by_id.values()]
        ids, n_changed, event_id = apply_priorities(connection, campaign, rows, actor=actor)
        mine = _cycle.c.campaign_id == campaign.id
        number = (connection.scalar(select(func.max(_cycle.c.number)).where(mine)) or 0) + 1
        models, snapshots = ({getattr(one, name) for one in priorities} for name in ("model", "snapshot"))
        row = {
            "campaign_id": campaign.id,
            "number": number,
            "source": source,
            "model": models.pop() if len(models) == 1 else None,
            "snapshot": snapshots.pop() if len(snapshots) == 1 else None,
            "started_at": now,
            "event_id": event_id,
        }
        cycle_id = connection.execute(insert(_cycle).returning(_cycle.c.id), row).scalar_one()
        items = [
            {
                "cycle_id": cycle_id,
                "comparison_id": ids[one.comparison_id],
                "arm": one.arm,
                "propensity": one.propensity,
                "priority": one.priority,
            }
            for one in by_id.values()
        ]
        insert_rows(connection, _item, items)
    counts = Counter(one.arm for one in by_id.values())
    return Cycle(number, source, row["model"], row["snapshot"], now, dict(counts), dict.fromkeys(counts, 0)), n_changed


def list_cycles(store: Store, campaign_name: str) -> list[Cycle]:
    """The cycles of a campaign, oldest first.

    Raises:
        NotFound: no such campaign.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        kinds = [kind.value for kind in campaign.counted_kinds]
        rows = connection.execute(select(_cycle).where(_cycle.c.campaign_id == campaign.id).order_by(_cycle.c.number))
        return [
            Cycle(
                row.number,
                row.source,
                row.model,
                row.snapshot,
                row.started_at,
                dict(_by_arm(connection, row.id)),
                dict(_votes(connection, row.id, row.started_at, kinds)),
            )
            for row in rows.all()
        ]


def _by_arm(connection: Connection, cycle_id: int) -> list[tuple[str, int]]:
    query = select(_item.c.arm, func.count()).where(_item.c.cycle_id == cycle_id).group_by(_item.c.arm)
    return [tuple(row) for row in connection.execute(query)]


def _votes(connection: Connection, cycle_id: int, since: datetime, kinds: list[str]) -> list[tuple[str, int]]:
    assignment, rater = tables.assignment, tables.rater
    query = (
        select(_item.c.arm, func.count())
        .join(assignment, assignment.c.comparison_id == _item.c.comparison_id)
        .join(rater, rater.c.id == assignment.c.rater_id)
        .where(
            _item.c.cycle_id == cycle_id,
            assignment.c.state == AssignmentState.SUBMITTED.value,
            assignment.c.purpose == Purpose.WORK.value,
            assignment.c.closed_at >= since,
            rater.c.kind.in_(kinds),
            visible(assignment.c.batch_id),
        )
        .group_by(_item.c.arm)
    )
    return [tuple(row) for row in connection.execute(query)]


def cycle_arms(connection: Connection, campaign_id: int) -> dict[int, str]:
    """Row number of a comparison -> the arm that chose it last, for the comparisons that a cycle chose."""
    query = (
        select(_item.c.comparison_id, _item.c.arm)
        .join(_cycle, _cycle.c.id == _item.c.cycle_id)
        .where(_cycle.c.campaign_id == campaign_id, _item.c.arm != "")
        .order_by(_cycle.c.number)
    )
    return dict(connection.execute(query).all())
