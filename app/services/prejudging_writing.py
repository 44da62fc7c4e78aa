"""The rows of a batch of pre-judging: its event, the model's judgments, and what leaves the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, insert, update

from app.domain import OVERALL, AssignmentState, Campaign, Purpose, Round
from app.services import events
from app.services.judgment_rows import verdict_rows
from app.services.prejudging_audit import ACCEPTED, AUDIT, GOLD, STANDING
from app.services.prejudging_sorting import Work
from app.services.queueing import recount
from app.stats.acceptance import Threshold
from app.store import tables
from app.store.bulk import insert_rows
from app.store.engine import batched
from rubrics.answers import Answer

POLICY = "prejudging-1"
"""Name and version of the way in which labels are accepted; stored with every assignment of a model."""

AUDIT_REASON = "audit of a model's label"
"""Audited pairs come first: until people judge them, nothing is known of the labels that stand."""

PURPOSES = {ACCEPTED: Purpose.WORK, GOLD: Purpose.GOLD}
"""Only a label that stands counts as a vote; gold measures the model as it measures everybody; the rest is audit."""

_assignment, _queue = tables.assignment, tables.queue_item
_prejudging, _prejudged = tables.prejudging, tables.prejudged


def write_batch(
    connection: Connection,
    campaign: Campaign,
    round_: Round,
    facts: Mapping[str, Any],
    *,
    threshold: Threshold,
    outcomes: Mapping[int, str],
    work: Work,
    detail: Mapping[str, Any],
    actor: str,
) -> Row:
    """The batch, its event, and the model's judgments; accepted pairs leave the queue."""
    calibration = {
        "n": threshold.n,
        "n_calibration": threshold.n_calibration,
        "error": threshold.error.to_json(),
        "reason": threshold.undefined_reason,
    }
    counts = dict(Counter(outcomes.values()))
    event_id = events.record(
        connection,
        actor=actor,
        action="prejudging.started",
        subject=f"round {round_.name}",
        campaign_id=campaign.id,
        detail={**detail, **_plain_facts(facts), "threshold": threshold.value, "calibration": calibration, **counts},
    )
    row = {**facts, "round_id": round_.id, "state": STANDING, "threshold": threshold.value, "calibration": calibration}
    batch = connection.execute(insert(_prejudging).returning(_prejudging), {**row, "event_id": event_id}).one()
    assignments = _write_judgments(connection, round_, batch, outcomes, work)
    insert_rows(
        connection,
        _prejudged,
        [
            {
                "prejudging_id": batch.id,
                "comparison_id": work.row_ids[at],
                "assignment_id": assignments[at],
                "preferred": work.preferred[at],
                "margin": float(work.margins[at]),
                "outcome": outcome,
            }
            for at, outcome in sorted(outcomes.items())
        ],
    )
    for outcome in (ACCEPTED, AUDIT):
        found = sorted(work.row_ids[at] for at, one in outcomes.items() if one == outcome)
        for some in batched(found):
            here = (_queue.c.round_id == round_.id) & _queue.c.comparison_id.in_(some)
            if outcome == ACCEPTED:
                recount(connection, chosen=here)
            else:
                connection.execute(update(_queue).where(here).values(priority=1.0, priority_reason=AUDIT_REASON))
    return batch


def _plain_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in ("max_error", "audit_rate")}


def _write_judgments(
    connection: Connection, round_: Round, batch: Row, outcomes: Mapping[int, str], work: Work
) -> dict[int, int]:
    """Position -> assignment; a pair that this model judged before keeps its judgment and takes its new purpose."""
    fresh = [at for at in sorted(outcomes) if work.row_ids[at] not in work.assignments]
    rows = [_assignment_row(round_, batch, work.row_ids[at], outcomes[at]) for at in fresh]
    made = dict(zip(fresh, _insert(connection, _assignment, rows), strict=True))
    judgments = [
        {
            "assignment_id": made[at],
            "revision": 0,
            "rubric_version": round_.rubric_version,
            "justification": "",
            "submitted_at": batch.started_at,
            "event_id": batch.event_id,
        }
        for at in fresh
    ]
    numbers = _insert(connection, tables.judgment, judgments)
    verdicts = [
        row
        for at, number in zip(fresh, numbers, strict=True)
        for row in verdict_rows(number, {OVERALL: Answer(preferred=work.preferred[at])})
    ]
    insert_rows(connection, tables.verdict, verdicts)
    for at in outcomes.keys() - made.keys():
        made[at] = work.assignments[work.row_ids[at]]
        purpose = PURPOSES.get(outcomes[at], Purpose.AUDIT).value
        connection.execute(update(_assignment).where(_assignment.c.id == made[at]).values(purpose=purpose))
    return made


def _assignment_row(round_: Round, batch: Row, comparison_id: int, outcome: str) -> dict[str, Any]:
    return {
        "round_id": round_.id,
        "comparison_id": comparison_id,
        "rater_id": batch.rater_id,
        "repeat_index": 0,
        "purpose": PURPOSES.get(outcome, Purpose.AUDIT).value,
        "state": AssignmentState.SUBMITTED.value,
        "shown": None,
        "criteria_shown": None,
        "asks_overall": True,
        "takes_place": False,
        "policy": POLICY,
        "propensity": _propensity(outcome, batch.audit_rate),
        "leased_at": batch.started_at,
        "closed_at": batch.started_at,
    }


def _insert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows and return their numbers in the same order."""
    if not rows:
        return []
    return list(connection.scalars(insert(table).returning(table.c.id, sort_by_parameter_order=True), rows))


def _propensity(outcome: str, audit_rate: float) -> float:
    return {ACCEPTED: 1 - audit_rate, AUDIT: audit_rate}.get(outcome, 1.0)
