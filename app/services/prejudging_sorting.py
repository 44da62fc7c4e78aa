"""What a model's scores are about: pairs that are gold, that people have decided, or that wait for their first vote."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, select

from app.domain import Campaign, RankingMode, Round
from app.errors import InvalidInput, NotFound
from app.services.prejudging_audit import people_verdicts, slots_of
from app.store import tables
from app.store.engine import batched
from app.store.visibility import visible
from rubrics.answers import TIE

_assignment, _queue = tables.assignment, tables.queue_item


@dataclass(frozen=True)
class Scored:
    """A pair with its rewards, from a line of `scores.jsonl`.

    Attributes:
        id: external id of the comparison.
        scores: completion id -> reward.
        is_trained_on: whether the model learned from this pair.
    """

    id: str
    scores: Mapping[str, float]
    is_trained_on: bool


def read_scores(path: Path) -> tuple[str, list[Scored]]:
    """The model's name and the pairs of a file that `steelyard score` wrote; other lines of it are left out.

    Raises:
        InvalidInput: no file, a line that is none of its lines, or lines of two models.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.")
    models: set[str] = set()
    pairs: dict[str, Scored] = {}
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            scores = {str(key): float(value) for key, value in row.get("scores", {}).items()}
            models.add(str(row["model"]))
            scored = Scored(str(row["id"]), scores, bool(row.get("trained_on", False)))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise InvalidInput(
                f"{path}, line {number}: {error!r}; a line is what `steelyard score` writes for a comparison: "
                '{"id": "x1", "model": "...", "scores": {"a": 0.7, "b": -0.2}, "trained_on": false}.'
            ) from error
        if len(scores) == 2:
            pairs[scored.id] = scored
    if len(models) != 1:
        found = ", ".join(sorted(models)) or "no model"
        raise InvalidInput(f"{path}: scores of one model are wanted, found those of {found}.")
    return models.pop(), list(pairs.values())


@dataclass
class Work:
    """The scored pairs, sorted by what may become of them; positions in `pairs`.

    Attributes:
        row_ids: of the comparisons.
        preferred: what the model prefers: a completion id, or "tie" at equal rewards.
        margins: reward of the first minus that of the second completion, in id order.
        assignments: row number -> the assignment in which this model judged it before.
        errors: of `calibration`: whether people do not prefer what the model prefers.
        skipped: why others are left alone -> how many.
    """

    pairs: list[Scored]
    row_ids: list[int]
    preferred: list[str]
    margins: np.ndarray
    assignments: Mapping[int, int]
    gold: list[int] = field(default_factory=list)
    calibration: list[int] = field(default_factory=list)
    errors: list[bool] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def sort_out(connection: Connection, campaign: Campaign, round_: Round, rater_id: int, pairs: Sequence[Scored]) -> Work:
    """Which scored pairs are gold, decided by people, or wait for their first vote; the others are counted."""
    ids = _row_ids(connection, campaign, [pair.id for pair in pairs])
    slots = slots_of(connection, list(ids.values()))
    known = [pair for pair in pairs if pair.id in ids and set(pair.scores) == set(slots[ids[pair.id]])]
    row_ids = [ids[pair.id] for pair in known]
    sides = [(pair.scores[slots[i][0]], pair.scores[slots[i][1]]) for pair, i in zip(known, row_ids, strict=True)]
    margins = np.array([first - second for first, second in sides])
    preferred = [
        TIE if margin == 0 else slots[i][0] if margin > 0 else slots[i][1]
        for margin, i in zip(margins, row_ids, strict=True)
    ]
    work = Work(known, row_ids, preferred, margins, _earlier(connection, round_, rater_id))
    work.skipped["not a pair of this campaign"] = len(pairs) - len(known)
    gold = set(connection.scalars(select(tables.gold_key.c.comparison_id)))
    waits = _untouched(connection, round_)
    verdicts = people_verdicts(connection, round_.id, campaign.counted_kinds, slots, only=slots)
    for at, (pair, row_id) in enumerate(zip(known, row_ids, strict=True)):
        if row_id in gold:
            work.gold.append(at)
        elif row_id not in waits:
            work.skipped["not in this round"] += 1
        elif pair.is_trained_on:
            work.skipped["the model was trained on it"] += 1
        elif row_id in verdicts:
            work.calibration.append(at)
            work.errors.append(verdicts[row_id] != preferred[at])
        elif waits[row_id]:
            work.waiting.append(at)
        else:
            work.skipped["people are at it, or it waits for nobody"] += 1
    if not (work.gold or work.calibration or work.waiting):
        raise NotFound(f"None of the {len(pairs):,} scored pairs is one that round {round_.name!r} asks about.")
    return work


def _untouched(connection: Connection, round_: Round) -> dict[int, bool]:
    """Row number of each comparison in a round's queue -> whether it waits, in every scope, and nobody has begun."""
    found: dict[int, bool] = {}
    query = select(_queue.c.comparison_id, _queue.c.is_open, _queue.c.n_taken)
    for row in connection.execute(query.where(_queue.c.round_id == round_.id)):
        found[row.comparison_id] = found.get(row.comparison_id, True) and row.is_open and row.n_taken == 0
    return found


def _row_ids(connection: Connection, campaign: Campaign, names: Sequence[str]) -> dict[str, int]:
    comparison, found = tables.comparison, {}
    for some in batched(sorted(names)):
        query = select(comparison.c.external_id, comparison.c.id).where(
            comparison.c.campaign_id == campaign.id,
            comparison.c.mode == RankingMode.PAIR.value,
            comparison.c.external_id.in_(some),
            visible(comparison.c.batch_id),
        )
        found.update(connection.execute(query).all())
    return found


def _earlier(connection: Connection, round_: Round, rater_id: int) -> dict[int, int]:
    """Row number of a comparison -> the assignment in which this model judged it before."""
    query = select(_assignment.c.comparison_id, _assignment.c.id).where(
        _assignment.c.round_id == round_.id, _assignment.c.rater_id == rater_id
    )
    return dict(connection.execute(query).all())
