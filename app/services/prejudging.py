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

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from app.domain import Campaign, RankingMode, RaterKind, Round, utc_now
from app.errors import Conflict, InvalidInput, NotFound
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
    withdraw_if_crossed,
    withdraw_labels,
)
from app.services.prejudging_sorting import Work, read_scores, sort_out
from app.services.prejudging_writing import write_batch
from app.services.wording import said
from app.stats.acceptance import Audit, Threshold, choose_threshold
from app.stats.words import counted
from app.store import tables
from app.store.engine import Store

MAX_ERROR, AUDIT_RATE = 0.1, 0.1

_prejudging, _prejudged = tables.prejudging, tables.prejudged


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
            f"[{error['low']:.1%}, {error['high']:.1%}] among {counted(self.calibration['n'], 'pair')} that people had "
            "decided."
        )
        found = self.audit
        if found.error.value is None:
            return f"{text} No audited label is decided yet."
        return (
            f"{text} Audit so far: {found.n_errors:,} of {found.n:,} not confirmed, {found.error.value:.1%} "
            f"[{found.error.low:.1%}, {found.error.high:.1%}]; bound {self.max_error:.1%}."
            + (f" Withdrawn: {self.withdrawn_reason}." if self.state == WITHDRAWN else "")
        )


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
        work = sort_out(connection, campaign, round_, rater_id, pairs)
        threshold = _calibrate(work, max_error=max_error)
        outcomes = _decide(work, threshold, audit_rate=audit_rate, seed=seed)
        batch = write_batch(
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
    reason = said(reason, "reason", remedy="Say why: the reason stands beside the labels.")
    with store.write() as connection:
        campaign = find_campaign(connection, campaign_name)
        batch = next((one for one in _batches(connection, campaign) if one.id == batch_id), None)
        if batch is None:
            raise NotFound(f"Campaign {campaign.name!r} has no batch of pre-judging {batch_id}.")
        if batch.state == WITHDRAWN:
            raise Conflict(f"The labels of batch {batch_id} were withdrawn at {batch.withdrawn_at:%Y-%m-%d %H:%M} UTC.")
        return withdraw_labels(connection, batch, reason=reason, actor=actor, now=now or utc_now())


# --- the parts of a batch ----------------------------------------------------------------------------------------


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


def _calibrate(work: Work, *, max_error: float) -> Threshold:
    confidence = np.abs(work.margins[work.calibration]) if work.calibration else np.zeros(0)
    return choose_threshold(confidence, np.array(work.errors, bool), max_error=max_error)


def _decide(work: Work, threshold: Threshold, *, audit_rate: float, seed: int) -> dict[int, str]:
    """Position in `work.pairs` -> outcome."""
    lots = np.random.default_rng(seed).random(len(work.pairs))
    outcomes = dict.fromkeys(work.gold, GOLD) | dict.fromkeys(work.calibration, CALIBRATION)
    for at in work.waiting:
        is_sure = threshold.value is not None and abs(work.margins[at]) >= threshold.value and work.margins[at] != 0
        outcomes[at] = PEOPLE if not is_sure else AUDIT if lots[at] < audit_rate else ACCEPTED
    return outcomes


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
