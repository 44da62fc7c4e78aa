"""A model judges before people do: where it is sure enough, its label stands; a random audit watches it.

The model is a rater of kind `model`: its checkpoint under one version of the rubric. It reads no database: `steelyard
score` writes rewards to a file, and a batch of pre-judging takes them from there, in one transaction:

1. The threshold is calibrated on pairs that people have decided and the model has not trained on: the lowest difference
   in rewards at which an error rate above the bound is refuted (`app.stats.acceptance`). An error is a pair of which
   people do not prefer the response that the model prefers, ties included.
2. Of the pairs that wait for their first vote and lie above the threshold, a share drawn by lot is audited: people
   judge them as ever. The other labels stand, as judgments of kind `model`, and people are not asked. Below the
   threshold nothing changes for people; what the model said is kept and counts as no vote.
3. Votes on audited pairs measure the error. When the bound is crossed, all labels of the batch are withdrawn at once,
   and the model may not pre-judge in this round again (`app.services.prejudging_audit`).

Labels that stand count in a snapshot that counts the kind `model`, and in no other.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, insert, select, update

from app.domain import OVERALL, AssignmentState, Campaign, Purpose, RankingMode, RaterKind, Round, utc_now
from app.errors import Conflict, InvalidInput, NotFound
from app.services import events
from app.services.judging import verdict_rows
from app.services.lookup import find_campaign, find_round, rounds_of
from app.services.people import insert_account
from app.services.prejudging_audit import (
    ACCEPTED,
    AUDIT,
    CALIBRATION,
    GOLD,
    PEOPLE,
    STANDING,
    WITHDRAWN,
    measure,
    people_verdicts,
    slots_of,
    withdraw_if_crossed,
    withdraw_labels,
)
from app.services.queueing import recount
from app.stats.acceptance import Audit, Threshold, choose_threshold
from app.store import tables
from app.store.bulk import insert_rows
from app.store.engine import Store, batched
from app.store.visibility import visible
from rubrics.answers import TIE, Answer

POLICY = "prejudging-1"
"""Name and version of the way in which labels are accepted; stored with every assignment of a model."""

MAX_ERROR, AUDIT_RATE = 0.1, 0.1

AUDIT_REASON = "audit of a model's label"
"""Audited pairs come first: until people judge them, nothing is known of the labels that stand."""

PURPOSES = {ACCEPTED: Purpose.WORK, GOLD: Purpose.GOLD}
"""Only a label that stands counts as a vote; gold measures the model as it measures everybody; the rest is audit."""

_assignment, _queue = tables.assignment, tables.queue_item
_prejudging, _prejudged = tables.prejudging, tables.prejudged


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


@dataclass(frozen=True)
class Prejudging:
    """One batch of pre-judging.

    Attributes:
        model: name of the rater.
        state: `standing` or `withdrawn`.
        threshold: the least difference in rewards that was accepted; None where no label could be.
        calibration: what the threshold rests on: `n`, `n_errors`, `error` with its interval, `n_calibration`, `reason`.
        outcomes: outcome -> comparisons: accepted, audit, people, calibration, gold.
        skipped: why others were left alone -> how many; known when the batch is made.
        audit: what people say of the audited labels so far.
    """

    id: int
    round: str
    model: str
    state: str
    threshold: float | None
    max_error: float
    audit_rate: float
    calibration: Mapping[str, Any]
    outcomes: Mapping[str, int]
    started_at: datetime
    withdrawn_at: datetime | None
    withdrawn_reason: str | None
    audit: Audit
    skipped: Mapping[str, int] = field(default_factory=dict)

    def sentence(self) -> str:
        """All of it, in words."""
        n = Counter(self.outcomes)
        start = f"{self.model} in round {self.round!r}: "
        if self.threshold is None:
            return f"{start}no label can stand: {self.calibration['reason']}. People judge all {n[PEOPLE]:,}."
        error = self.calibration["error"]
        text = (
            f"{start}{n[ACCEPTED]:,} labels {'stand' if self.state == STANDING else 'were withdrawn'}, {n[AUDIT]:,} "
            f"are audited, {n[PEOPLE]:,} go to people. Threshold {self.threshold:.3f}: {error['value']:.1%} errors "
            f"[{error['low']:.1%}, {error['high']:.1%}] among {self.calibration['n']:,} pairs that people had decided."
        )
        found = self.audit
        if found.error.value is None:
            return f"{text} No audited label is decided yet."
        return (
            f"{text} Audit so far: {found.n_errors:,} of {found.n:,} not confirmed, {found.error.value:.1%} "
            f"[{found.error.low:.1%}, {found.error.high:.1%}]; bound {self.max_error:.1%}."
            + (f" Withdrawn: {self.withdrawn_reason}." if self.state == WITHDRAWN else "")
        )


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


def start(
    store: Store,
    campaign_name: str,
    scores: Path,
    *,
    max_error: float = MAX_ERROR,
    audit_rate: float = AUDIT_RATE,
    round_name: str | None = None,
    seed: int | None = None,
    actor: str = "system",
    now: datetime | None = None,
) -> Prejudging:
    """Let a model judge the pairs of a round before people do; see the module.

    Args:
        store: the database.
        campaign_name: the campaign.
        scores: what `steelyard score` wrote for the campaign's comparisons (`steelyard export` gives them).
        max_error: the bound on the error among labels that stand.
        audit_rate: share of the labels above the threshold that people judge nevertheless.
        round_name: a round of pairs; the oldest open one by default.
        seed: of the audit's lots; a fresh one by default. It stands in the event.
        actor: who asked.
        now: the time of the call; the clock by default.

    Raises:
        NotFound: no such campaign or round, or none of the scored pairs is in the round.
        InvalidInput: the file, a share out of range, or a campaign that counts the votes of models itself.
        Conflict: the labels of this model in this round were withdrawn.
    """
    model, pairs = read_scores(scores)
    for name, share in (("max_error", max_error), ("audit_rate", audit_rate)):
        if not 0 < share < 1:
            raise InvalidInput(f"{name} is {share:g}: use a share above 0 and below 1.")
    now = now or utc_now()
    seed = int(np.random.SeedSequence().entropy % 2**32) if seed is None else seed
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        round_ = _round_for(connection, campaign, round_name)
        rater_id, rater = _rater(connection, model, round_, actor=actor)
        _refuse_fallen(connection, round_, rater_id, rater)
        work = _sort(connection, campaign, round_, rater_id, pairs)
        threshold = _calibrate(work, max_error=max_error)
        outcomes = _decide(work, threshold, audit_rate=audit_rate, seed=seed)
        batch = _write(
            connection,
            campaign,
            round_,
            {"rater_id": rater_id, "max_error": max_error, "audit_rate": audit_rate, "started_at": now},
            threshold=threshold,
            outcomes=outcomes,
            work=work,
            detail={"model": rater, "seed": seed, "file": scores.name},
            actor=actor,
        )
        return _view(connection, batch, skipped=work.skipped)


def list_batches(store: Store, campaign_name: str) -> list[Prejudging]:
    """Every batch of a campaign, newest first, with its audit as of now.

    Raises:
        NotFound: no such campaign.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        return [_view(connection, batch) for batch in _batches(connection, campaign)]


def check(store: Store, campaign_name: str, *, now: datetime | None = None) -> list[Prejudging]:
    """Measure every batch whose labels stand and withdraw those that cross their bound: after an import of votes.

    Raises:
        NotFound: no such campaign.
    """
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        for batch in _batches(connection, campaign):
            if batch.state == STANDING:
                withdraw_if_crossed(connection, batch, now=now or utc_now())
        return [_view(connection, batch) for batch in _batches(connection, campaign)]


def withdraw(
    store: Store, campaign_name: str, batch_id: int, *, reason: str, actor: str = "system", now: datetime | None = None
) -> int:
    """Let no label of a batch stand any more; returns how many there were.

    Raises:
        NotFound: no such campaign, or no such batch in it.
        InvalidInput: no reason.
        Conflict: its labels were withdrawn already.
    """
    if not reason.strip():
        raise InvalidInput("Say why: the reason stands beside the labels.")
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        batch = next((one for one in _batches(connection, campaign) if one.id == batch_id), None)
        if batch is None:
            raise NotFound(f"Campaign {campaign.name!r} has no batch of pre-judging {batch_id}.")
        if batch.state == WITHDRAWN:
            raise Conflict(f"The labels of batch {batch_id} were withdrawn at {batch.withdrawn_at:%Y-%m-%d %H:%M} UTC.")
        return withdraw_labels(connection, batch, reason=reason, actor=actor, now=now or utc_now())


# --- the parts of a batch ----------------------------------------------------------------------------------------


@dataclass
class _Work:
    """The scored pairs, sorted by what may become of them; positions in `pairs`."""

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


def _round_for(connection: Connection, campaign: Campaign, name: str | None) -> Round:
    if RaterKind.MODEL in campaign.counted_kinds:
        raise InvalidInput(
            f"Campaign {campaign.name!r} counts the votes of models like those of people, so their error cannot be "
            "measured on people. Pre-judging needs a campaign that does not."
        )
    if name is not None:
        round_ = find_round(connection, campaign, name)
        if round_.mode is not RankingMode.PAIR:
            raise InvalidInput(f"Round {name!r} ranks; pre-judging takes rounds of pairs.")
        return round_
    for round_ in rounds_of(connection, campaign.id):
        if round_.mode is RankingMode.PAIR and round_.state == "open":
            return round_
    raise NotFound(f"Campaign {campaign.name!r} has no open round of pairs: open one, or name one.")


def _rater(connection: Connection, model: str, round_: Round, *, actor: str) -> tuple[int, str]:
    """The model as a rater: another checkpoint or another version of the rubric is another one."""
    name = f"model-{model}-{round_.rubric_version[:8]}"
    rater = tables.rater
    known = connection.scalar(select(rater.c.id).where(rater.c.namespace == "", rater.c.name == name))
    if known is not None:
        return known, name
    specification = {"reward_model": model, "rubric_version": round_.rubric_version}
    return insert_account(connection, name, kind=RaterKind.MODEL, specification=specification, actor=actor).id, name


def _refuse_fallen(connection: Connection, round_: Round, rater_id: int, rater: str) -> None:
    fallen = connection.execute(
        select(_prejudging.c.withdrawn_reason).where(
            _prejudging.c.round_id == round_.id, _prejudging.c.rater_id == rater_id, _prejudging.c.state == WITHDRAWN
        )
    ).first()
    if fallen is not None:
        raise Conflict(
            f"The labels of {rater} in round {round_.name!r} were withdrawn ({fallen.withdrawn_reason}): train another "
            "model on what people said since."
        )


def _sort(connection: Connection, campaign: Campaign, round_: Round, rater_id: int, pairs: Sequence[Scored]) -> _Work:
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
    work = _Work(known, row_ids, preferred, margins, _earlier(connection, round_, rater_id))
    work.skipped["not a pair of this campaign"] = len(pairs) - len(known)
    gold = set(connection.scalars(select(tables.gold_key.c.comparison_id)))
    queue = {row.comparison_id: row for row in connection.execute(select(_queue).where(_queue.c.round_id == round_.id))}
    verdicts = people_verdicts(connection, round_.id, campaign.counted_kinds, slots, only=slots)
    for at, (pair, row_id) in enumerate(zip(known, row_ids, strict=True)):
        item = queue.get(row_id)
        if row_id in gold:
            work.gold.append(at)
        elif item is None:
            work.skipped["not in this round"] += 1
        elif pair.is_trained_on:
            work.skipped["the model was trained on it"] += 1
        elif row_id in verdicts:
            work.calibration.append(at)
            work.errors.append(verdicts[row_id] != preferred[at])
        elif item.is_open and item.n_taken == 0:
            work.waiting.append(at)
        else:
            work.skipped["people are at it, or it waits for nobody"] += 1
    if not (work.gold or work.calibration or work.waiting):
        raise NotFound(f"None of the {len(pairs):,} scored pairs is one that round {round_.name!r} asks about.")
    return work


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


def _calibrate(work: _Work, *, max_error: float) -> Threshold:
    confidence = np.abs(work.margins[work.calibration]) if work.calibration else np.zeros(0)
    return choose_threshold(confidence, np.array(work.errors, bool), max_error=max_error)


def _decide(work: _Work, threshold: Threshold, *, audit_rate: float, seed: int) -> dict[int, str]:
    """Position in `work.pairs` -> outcome."""
    lots = np.random.default_rng(seed).random(len(work.pairs))
    outcomes = dict.fromkeys(work.gold, GOLD) | dict.fromkeys(work.calibration, CALIBRATION)
    for at in work.waiting:
        is_sure = threshold.value is not None and abs(work.margins[at]) >= threshold.value and work.margins[at] != 0
        outcomes[at] = PEOPLE if not is_sure else AUDIT if lots[at] < audit_rate else ACCEPTED
    return outcomes


def _propensity(outcome: str, audit_rate: float) -> float:
    return {ACCEPTED: 1 - audit_rate, AUDIT: audit_rate}.get(outcome, 1.0)


def _write(
    connection: Connection,
    campaign: Campaign,
    round_: Round,
    facts: Mapping[str, Any],
    *,
    threshold: Threshold,
    outcomes: Mapping[int, str],
    work: _Work,
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
    connection: Connection, round_: Round, batch: Row, outcomes: Mapping[int, str], work: _Work
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


# --- showing -----------------------------------------------------------------------------------------------------


def _batches(connection: Connection, campaign: Campaign) -> list[Row]:
    query = select(_prejudging).join(tables.round_, tables.round_.c.id == _prejudging.c.round_id)
    return list(
        connection.execute(query.where(tables.round_.c.campaign_id == campaign.id).order_by(_prejudging.c.id.desc()))
    )


def _view(connection: Connection, batch: Row, *, skipped: Mapping[str, int] | None = None) -> Prejudging:
    row = connection.execute(
        select(_prejudging, tables.rater.c.name.label("model"), tables.round_.c.name.label("round"))
        .join(tables.rater, tables.rater.c.id == _prejudging.c.rater_id)
        .join(tables.round_, tables.round_.c.id == _prejudging.c.round_id)
        .where(_prejudging.c.id == batch.id)
    ).one()
    outcomes = Counter(connection.scalars(select(_prejudged.c.outcome).where(_prejudged.c.prejudging_id == batch.id)))
    facts = ("id", "round", "model", "state", "threshold", "max_error", "audit_rate", "calibration")
    times = ("started_at", "withdrawn_at", "withdrawn_reason")
    return Prejudging(
        **{name: getattr(row, name) for name in (*facts, *times)},
        outcomes=dict(outcomes),
        audit=measure(connection, row),
        skipped={reason: n for reason, n in (skipped or {}).items() if n},
    )
