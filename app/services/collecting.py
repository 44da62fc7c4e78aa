"""When a comparison has votes enough: after each vote the round's policy stops, asks for more, or calls it contested.

The decision is `app.stats.overlap`'s, on the latest revision of every vote that takes a place, as a senior settled it
where they did. It is never asked for
more votes at once than it needs in any case, so that no vote is superfluous. A decision is written once, with the
policy that took it; the votes stay the facts, and everything here can be decided again from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, Update, and_, bindparam, select, update

from app.domain import OVERALL, AssignmentState, ItemState, OverlapPolicy, Round, utc_now
from app.services.lanes import lane_id, requires_of, scope_named
from app.services.lookup import round_of
from app.services.queueing import FEWEST, first_places, is_accepted, lock_in_order
from app.services.stopping import latest_model
from app.stats.frames import MISSING_OUTCOMES
from app.stats.overlap import CONFIDENT, CONTESTED, STOP, decide_overlap
from app.stats.stopping import StoppingModel
from app.store import tables
from app.store.bulk import insert_rows
from app.store.engine import batched
from app.store.reviews import is_settled_otherwise
from app.store.visibility import visible
from rubrics.answers import Answer, outcome, pairs_in_id_order

POLICY = "overlap-1"
"""Name and version of the way in which votes are called enough; stored with every decision, with the round's policy."""

CLASSES = ("first", "second", "tie", "both_bad")
CHUNK = 200
"""Comparisons decided at a time: memory stays flat when an import brought many."""

_queue = tables.queue_item
_assignment = tables.assignment
_judgment = tables.judgment
_verdict = tables.verdict
_comparison = tables.comparison
_decision = tables.overlap_decision
_KEY = ("round_id", "comparison_id", "scope")
_PLACE = ("n_slots", "n_extra", "lane_id", "state", "is_open")


@dataclass(frozen=True)
class Vote:
    """One rater's latest answers on a comparison, as far as its scope decides by them.

    Attributes:
        slots: the completions of the comparison, in id order.
        answers: criterion key (or "overall") -> answer.
    """

    comparison_id: int
    scope: str
    rater_id: int
    slots: tuple[str, ...]
    answers: Mapping[str, Answer]


@dataclass(frozen=True)
class Ruling:
    """What a policy makes of a comparison's votes for a scope.

    Attributes:
        action: stop, ask or contested.
        reason: why, in words.
        answer: the outcome that has the votes, where the comparison is a pair and the overall verdict decides.
        n_votes: votes so far, missing answers included.
        n_more: how many more to ask for at once; 0 unless `ask`.
        probability: the calibrated posterior that stopped it, if it was that.
    """

    action: str
    reason: str
    answer: str | None
    n_votes: int
    n_more: int
    probability: float | None = None


def decide_after_vote(connection: Connection, row: Row[Any], *, now: datetime, is_new: bool = True) -> None:
    """Decide about a comparison whose vote was just stored, in the transaction that stored it.

    Args:
        connection: the transaction.
        row: the assignment, as stored.
        now: the time.
        is_new: whether the vote is new; a revised one is always looked at.
    """
    if not row.takes_place:
        return
    here = {"round_id": row.round_id, "comparison_id": row.comparison_id, "scope": row.scope}
    item = connection.execute(_item_query(), here).first()
    if item is None or (is_new and item.is_open):
        return  # nothing waits for it, or places are left that it needs in any case
    round_ = round_of(connection.execute(_round_query(), {"round_id": row.round_id}).one())
    votes = _read_votes(connection, round_, [row.comparison_id], scope=row.scope)
    _act(connection, round_, [item], votes, now=now)


def decide_again(
    connection: Connection, round_: Round, comparison_ids: Sequence[int], *, now: datetime | None = None
) -> None:
    """Decide about comparisons from all their votes: after an import, changed rules, or votes that count no more.

    Args:
        connection: a write transaction.
        round_: the round.
        comparison_ids: row numbers; comparisons that were withdrawn stay closed.
        now: the time; the clock by default.
    """
    for some in batched(sorted(comparison_ids), CHUNK):
        chosen = (_queue.c.round_id == round_.id) & _queue.c.comparison_id.in_(some)
        lock_in_order(connection, chosen)
        items = connection.execute(_items().where(chosen)).all()
        votes = _read_votes(connection, round_, some)
        _act(connection, round_, items, votes, now=now or utc_now())


def decide_brought(connection: Connection, round_: Round, batch_id: int) -> None:
    """Decide about the comparisons on which an import brought votes, in the transaction that completes it."""
    brought = (
        select(_assignment.c.comparison_id)
        .where(_assignment.c.batch_id == batch_id, _assignment.c.round_id == round_.id, _assignment.c.takes_place)
        .order_by(_assignment.c.comparison_id)
        .distinct()
        .limit(CHUNK)
    )
    last = 0
    while some := connection.scalars(brought.where(_assignment.c.comparison_id > last)).all():
        decide_again(connection, round_, some)
        last = some[-1]


def grant_places(connection: Connection, round_: Round, comparison_ids: Sequence[int], *, n_more: int) -> None:
    """Let comparisons get further votes on top of the round's overlap, and return to the queue.

    For votes that no longer count, and for batches that failed an audit.
    """
    for some in batched(sorted(comparison_ids), CHUNK):
        chosen = (_queue.c.round_id == round_.id) & _queue.c.comparison_id.in_(some)
        lock_in_order(connection, chosen)
        is_there = _queue.c.state != ItemState.WITHDRAWN.value
        connection.execute(update(_queue).where(chosen, is_there).values(n_extra=_queue.c.n_extra + n_more))
    decide_again(connection, round_, comparison_ids)


def is_audited(round_: Round, external_id: str) -> bool:
    """Whether a comparison goes on to full overlap though its policy would stop early: by a stable hash."""
    digest = hashlib.sha256(f"audit\0{round_.name}\0{external_id}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48 < round_.rules.audit_share


# --- deciding ----------------------------------------------------------------------------------------------------


def rule(round_: Round, votes: Sequence[Vote], *, largest: int, model: StoppingModel | None = None) -> Ruling:
    """What the round's policy makes of the votes on one comparison for one scope.

    Every pair of a ranking, and every criterion of a scope without the overall verdict, is a unit of its own; the
    comparison stops when all of them do, and is contested when none asks for more and one is contested. Once the
    overlap is spent, a unit to which nobody gave an answer is left out: missing answers buy no votes beyond it.

    Args:
        round_: the round.
        votes: in the order in which the raters began.
        largest: most votes to spend.
        model: a usable posterior, where the policy stops by one; it says something of pairs and overall verdicts.
    """
    n = len(votes)
    largest = max(largest, n, 1)
    units = [unit for unit in _units(votes) if n < largest or any(unit.counts)]
    if not units:
        asks = n < largest
        return Ruling("ask" if asks else CONTESTED, "nobody gave an answer", None, n, largest - n if asks else 0)
    counts = np.array([unit.counts for unit in units])
    spend = largest - (n - counts.sum(axis=1))  # a missing answer took its place
    if round_.rules.policy is OverlapPolicy.FIXED and n < largest:
        return Ruling("ask", "the overlap is fixed", None, n, largest - n)
    by_posterior = model is not None and len(units) == 1
    posterior = model.posterior(_labels(votes))[None, :] if model is not None and by_posterior else None
    decisions = decide_overlap(
        counts, largest=np.maximum(spend, 1), smallest=FEWEST, posterior=posterior, threshold=round_.rules.threshold
    )
    answer, probability = None, None
    if posterior is not None and decisions.reason[0] == CONFIDENT:
        probability = float(posterior.max())
    if len(units) == 1 and decisions.leader[0] >= 0:
        answer = units[0].names[decisions.leader[0]]
    actions = set(decisions.action)
    if "ask" in actions:
        n_more = max(1, FEWEST - n) if by_posterior else int(decisions.n_more.max())
        return Ruling("ask", "more votes may change the answer", None, n, n_more)
    action = CONTESTED if CONTESTED in actions else STOP
    reason = str(decisions.reason[list(decisions.action).index(action)])
    return Ruling(action, reason, answer if action == STOP else None, n, 0, probability)


@dataclass(frozen=True)
class _Unit:
    """Votes per class of one pair and criterion, and what the classes are called."""

    counts: tuple[int, ...]
    names: tuple[str, ...]


def _labels(votes: Sequence[Vote]) -> list[tuple[str, int]]:
    """(rater, class) of every overall verdict on a pair that is not missing."""
    found = []
    for vote in votes:
        for answer in vote.answers.values():
            said = outcome(answer, *vote.slots)
            if said not in MISSING_OUTCOMES:
                found.append((str(vote.rater_id), CLASSES.index(said)))
    return found


def _units(votes: Sequence[Vote]) -> list[_Unit]:
    """The units of a comparison: (criterion, pair) -> votes per class, missing answers left out."""
    tally: dict[tuple[str, str, str], list[int]] = {}
    for vote in votes:
        for criterion, answer in vote.answers.items():
            for first, second in pairs_in_id_order(vote.slots):
                counts = tally.setdefault((criterion, first, second), [0] * len(CLASSES))
                found = outcome(answer, first, second)
                if found not in MISSING_OUTCOMES:
                    counts[CLASSES.index(found)] += 1
    return [
        _Unit(tuple(counts), (first, second, "tie", "both_bad")) for (_, first, second), counts in sorted(tally.items())
    ]


# --- acting ------------------------------------------------------------------------------------------------------


def _act(
    connection: Connection,
    round_: Round,
    items: Sequence[Row[Any]],
    votes: Mapping[tuple[int, str], Sequence[Vote]],
    *,
    now: datetime,
) -> None:
    """Rule on queue items, and set their places, lanes and states accordingly."""
    model, policy = _usable_model(connection, round_)
    places: list[dict[str, Any]] = []
    decisions: list[dict[str, Any]] = []
    for item in items:
        if item.state == ItemState.WITHDRAWN.value:
            continue
        given = votes.get((item.comparison_id, item.scope), ())
        by_overall = scope_named(round_, item.scope).asks_overall
        largest = round_.rules.overlap + item.n_extra
        ruling = rule(round_, given, largest=largest, model=model if by_overall else None)
        goes_on = ruling.action == STOP and ruling.n_votes < largest and is_audited(round_, item.external_id)
        place = _place(connection, round_, item, ruling, goes_on=goes_on)
        if any(getattr(item, name) != value for name, value in place.items()):
            places.append({f"its_{name}": getattr(item, name) for name in _KEY} | place)
        if ruling.n_votes and (ruling.action == STOP or place["state"] == ItemState.CONTESTED.value):
            decisions.append(_decision_row(item, ruling, is_audited=goes_on) | {"policy": policy, "decided_at": now})
    _write_decisions(connection, round_, decisions)
    if places:
        connection.execute(_place_update(), places)


def _usable_model(connection: Connection, round_: Round) -> tuple[StoppingModel | None, str]:
    """The posterior that may stop comparisons of a round, if any, and the name of the policy that decides with it."""
    policy = f"{POLICY}/{round_.rules.policy.value}"
    if round_.rules.policy is not OverlapPolicy.POSTERIOR:
        return None, policy
    found = latest_model(connection, round_.id)
    if found is None or not found[1].is_usable:
        return None, f"{policy}, curtailed"
    return found[1], f"{policy} {found[0]}"


def _place(connection: Connection, round_: Round, item: Row[Any], ruling: Ruling, *, goes_on: bool) -> dict[str, Any]:
    """Where one queue item stands as ruled: its places, lane and state.

    Args:
        connection: the transaction.
        round_: the round.
        item: the queue item, as it stands.
        ruling: what the policy makes of its votes.
        goes_on: whether it collects to the full overlap though the policy would stop.
    """
    largest = round_.rules.overlap + item.n_extra
    state, n_slots, lane, n_extra = ItemState.COLLECTING, ruling.n_votes + ruling.n_more, item.lane_id, item.n_extra
    if not ruling.n_votes:
        n_slots = min(first_places(round_.rules) + item.n_extra, largest)
    elif ruling.action == STOP:
        state = ItemState.COLLECTING if goes_on else ItemState.SETTLED
        n_slots = largest if goes_on else ruling.n_votes
    elif ruling.action == CONTESTED and round_.rules.experts and not item.for_contested:
        n_extra = item.n_extra + round_.rules.expert_votes
        n_slots = ruling.n_votes + round_.rules.expert_votes
        scope = scope_named(round_, item.scope)
        lane = lane_id(connection, round_, scope, requires_of(item.requires), for_contested=True)
    elif ruling.action == CONTESTED:
        state, n_slots = ItemState.CONTESTED, ruling.n_votes
    n_slots = max(n_slots, item.n_taken) if state is not ItemState.COLLECTING else n_slots
    return {
        "n_slots": n_slots,
        "n_extra": n_extra,
        "lane_id": lane,
        "state": state.value,
        "is_open": item.is_there and item.n_taken < n_slots,
    }


def _decision_row(item: Row[Any], ruling: Ruling, *, is_audited: bool) -> dict[str, Any]:
    """The decision on one queue item, without its policy and time."""
    return {
        "round_id": item.round_id,
        "comparison_id": item.comparison_id,
        "scope": item.scope,
        "state": (ItemState.SETTLED if ruling.action == STOP else ItemState.CONTESTED).value,
        "reason": ruling.reason,
        "answer": ruling.answer,
        "n_votes": ruling.n_votes,
        "probability": ruling.probability,
        "is_audited": is_audited,
    }


def _write_decisions(connection: Connection, round_: Round, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write decisions, but those that say the same as the last one on their comparison and scope."""
    if not rows:
        return
    wanted = {"comparison_ids": [row["comparison_id"] for row in rows], "round_id": round_.id}
    last = {
        (one.comparison_id, one.scope): (one.state, one.answer, one.is_audited)
        for one in connection.execute(_decisions_query(), wanted)
    }
    new = [
        row
        for row in rows
        if last.get((row["comparison_id"], row["scope"])) != (row["state"], row["answer"], row["is_audited"])
    ]
    insert_rows(connection, _decision, new)


# --- reading -----------------------------------------------------------------------------------------------------


def _items() -> Select[Any]:
    """Queue items with what a decision needs of their comparison and lane."""
    return (
        select(
            _queue.c.round_id,
            _queue.c.comparison_id,
            _queue.c.scope,
            _queue.c.lane_id,
            _queue.c.n_slots,
            _queue.c.n_taken,
            _queue.c.n_extra,
            _queue.c.is_open,
            _queue.c.state,
            tables.lane.c.for_contested,
            _comparison.c.external_id,
            _comparison.c.requires,
            and_(visible(_comparison.c.batch_id), ~is_accepted()).label("is_there"),
        )
        .select_from(_queue)
        .join(tables.lane, tables.lane.c.id == _queue.c.lane_id)
        .join(_comparison, _comparison.c.id == _queue.c.comparison_id)
    )


@cache
def _item_query() -> Select[Any]:
    """One queue item, locked; built once, because building it takes longer than running it."""
    return (
        _items()
        .where(
            _queue.c.round_id == bindparam("round_id"),
            _queue.c.comparison_id == bindparam("comparison_id"),
            _queue.c.scope == bindparam("scope"),
        )
        .with_for_update(of=_queue)
    )


@cache
def _round_query() -> Select[Any]:
    """The round `:round_id`."""
    return select(tables.round_).where(tables.round_.c.id == bindparam("round_id"))


@cache
def _place_update() -> Update:
    """Set the places, lane and state of a queue item."""
    here = and_(*(_queue.c[name] == bindparam(f"its_{name}") for name in _KEY))
    return update(_queue).where(here).values({name: bindparam(name) for name in _PLACE})


@cache
def _decisions_query() -> Select[Any]:
    """The decisions on `:comparison_ids`, oldest first: the last one holds."""
    return (
        select(
            _decision.c.comparison_id, _decision.c.scope, _decision.c.state, _decision.c.answer, _decision.c.is_audited
        )
        .where(
            _decision.c.comparison_id.in_(bindparam("comparison_ids", expanding=True)),
            _decision.c.round_id == bindparam("round_id"),
        )
        .order_by(_decision.c.id)
    )


@cache
def _votes_query() -> Select[Any]:
    """Every answer to `:asked` criteria on `:comparison_ids` that takes a place, oldest first."""
    return (
        select(
            _assignment.c.id,
            _assignment.c.comparison_id,
            _assignment.c.scope,
            _assignment.c.rater_id,
            _assignment.c.shown,
            _judgment.c.revision,
            tables.review.c.answers.label("settled"),
            _verdict.c.criterion,
            _verdict.c.preferred,
            _verdict.c.strength,
            _verdict.c.scores,
            _verdict.c.checks,
            _verdict.c.ranking,
        )
        .select_from(
            _assignment.join(_judgment)
            .outerjoin(_verdict, _verdict.c.judgment_id == _judgment.c.id)
            .outerjoin(tables.review, (tables.review.c.judgment_id == _judgment.c.id) & is_settled_otherwise())
        )
        .where(
            _assignment.c.comparison_id.in_(bindparam("comparison_ids", expanding=True)),
            _assignment.c.round_id == bindparam("round_id"),
            _assignment.c.takes_place,
            _assignment.c.state == AssignmentState.SUBMITTED.value,
            visible(_assignment.c.batch_id),
        )
        .order_by(_assignment.c.id, _judgment.c.revision)
    )


def _read_votes(
    connection: Connection, round_: Round, comparison_ids: Sequence[int], *, scope: str | None = None
) -> dict[tuple[int, str], list[Vote]]:
    """(comparison, scope) -> the votes that take a place, in the order in which the raters began."""
    wanted = {"comparison_ids": list(comparison_ids), "round_id": round_.id}
    rows = [row for row in connection.execute(_votes_query(), wanted) if scope in (None, row.scope)]
    slots = _slots(connection, rows)
    latest: dict[int, dict[str, Row[Any]]] = {}
    for row in rows:
        criteria = latest.setdefault(row.id, {})
        if any(kept.revision < row.revision for kept in criteria.values()):
            criteria.clear()
        criteria[row.criterion] = row
    found: dict[tuple[int, str], list[Vote]] = {}
    for criteria in latest.values():
        row = next(iter(criteria.values()))
        vote = Vote(row.comparison_id, row.scope, row.rater_id, slots[row.comparison_id], _decisive(round_, criteria))
        found.setdefault((row.comparison_id, row.scope), []).append(vote)
    return found


def _decisive(round_: Round, criteria: Mapping[str, Row[Any]]) -> dict[str, Answer]:
    """The answers by which a vote decides: the overall verdict where its scope asks it, else every criterion."""
    row = next(iter(criteria.values()))
    by_overall = scope_named(round_, row.scope).asks_overall
    if row.settled is not None:
        answers = {key: Answer.from_dict(one, field=key) for key, one in row.settled.items()}
    else:
        answers = {key: _answer(one) for key, one in criteria.items() if key is not None}
    return {key: answer for key, answer in answers.items() if (key == OVERALL) == by_overall}


def _answer(row: Row[Any]) -> Answer:
    ranking = None if row.ranking is None else tuple(tuple(group) for group in row.ranking)
    return Answer(row.preferred, row.strength, row.scores, row.checks, ranking)


def _slots(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, tuple[str, ...]]:
    """Comparison -> its completions in id order: as they were shown, or read where a file did not say."""
    slots = {row.comparison_id: tuple(sorted(row.shown)) for row in rows if row.shown}
    unknown = sorted({row.comparison_id for row in rows} - slots.keys())
    completion = tables.completion
    found: dict[int, list[str]] = {}
    for some in batched(unknown):
        for comparison_id, slot in connection.execute(
            select(completion.c.comparison_id, completion.c.slot).where(completion.c.comparison_id.in_(some))
        ):
            found.setdefault(comparison_id, []).append(slot)
    return {**slots, **{comparison_id: tuple(sorted(names)) for comparison_id, names in found.items()}}
