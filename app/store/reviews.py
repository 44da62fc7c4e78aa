"""What seniors settled where a reviewer would have answered otherwise than the attempt: answers that count instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, select

from app.domain import ReviewLevel, ReviewVerdict
from app.store import tables

_review = tables.review


def is_settled_otherwise() -> ColumnElement[bool]:
    """Whether a row of `review` is a senior's word that other answers than the attempt's should stand."""
    return and_(_review.c.level == ReviewLevel.SENIOR.value, _review.c.verdict == ReviewVerdict.EDIT.value)


def settled_answers(
    connection: Connection, campaign_id: int, *, as_of_event: int | None = None
) -> dict[int, Mapping[str, Any]]:
    """Judgment -> criterion -> answer (as `Answer.to_dict`), of the attempts that a senior settled otherwise.

    Args:
        connection: a reading connection.
        campaign_id: the campaign.
        as_of_event: only what was settled by this event; None for now.
    """
    judgment, assignment, round_, event = tables.judgment, tables.assignment, tables.round_, tables.event
    query = (
        select(_review.c.judgment_id, _review.c.answers)
        .select_from(_review.join(judgment).join(assignment).join(round_, round_.c.id == assignment.c.round_id))
        .where(round_.c.campaign_id == campaign_id, is_settled_otherwise())
        .order_by(_review.c.judgment_id)
    )
    if as_of_event is not None:
        at = select(event.c.at).where(event.c.id == as_of_event).scalar_subquery()
        query = query.where(_review.c.reviewed_at <= at)
    return {row.judgment_id: row.answers for row in connection.execute(query)}


def review_counts(connection: Connection, campaign_id: int) -> dict[int, tuple[str, str | None]]:
    """Judgment -> the reviewer's verdict and the senior's (None while there is none), of a campaign's attempts."""
    judgment, assignment, round_ = tables.judgment, tables.assignment, tables.round_
    query = (
        select(_review.c.judgment_id, _review.c.level, _review.c.verdict)
        .select_from(_review.join(judgment).join(assignment).join(round_, round_.c.id == assignment.c.round_id))
        .where(round_.c.campaign_id == campaign_id)
        .order_by(_review.c.judgment_id, _review.c.level)
    )
    found: dict[int, tuple[str, str | None]] = {}
    for row in connection.execute(query):
        is_first = row.level == ReviewLevel.REVIEW.value
        found[row.judgment_id] = (row.verdict, None) if is_first else (found[row.judgment_id][0], row.verdict)
    return found


def with_settled(
    verdicts: Mapping[str, np.ndarray], settled: Mapping[int, Mapping[str, Any]]
) -> Mapping[str, np.ndarray]:
    """Columns of verdicts (see `app.store.votes`) with the settled answers in place of the attempts'."""
    present = set(verdicts["judgment_id"].tolist())
    here = {one: answers for one, answers in settled.items() if one in present}
    given = [(one, key, answer) for one, answers in here.items() for key, answer in answers.items()]
    if not given:
        return verdicts
    kept = ~np.isin(verdicts["judgment_id"].astype(np.int64), [one for one, _, _ in given])
    added: dict[str, list[Any]] = {
        "judgment_id": [one for one, _, _ in given],
        "criterion": [key for _, key, _ in given],
        "preferred": [answer.get("preferred") for _, _, answer in given],
        "strength": [answer.get("strength") for _, _, answer in given],
        "body": [_body(answer) for _, _, answer in given],
    }
    return {name: np.concatenate([column[kept], _objects(added[name])]) for name, column in verdicts.items()}


def _body(answer: Mapping[str, Any]) -> str | None:
    """The part of an answer that stands as JSON in a column of its own form."""
    found = next((answer[form] for form in ("scores", "checks", "ranking") if answer.get(form) is not None), None)
    return None if found is None else json.dumps(found)


def _objects(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array
