"""The vote frame from the ledger: one row per judgment, criterion and pair (see `app.stats.frames`).

Rows are fetched in bulk. Distinct answers are few (a 7-point scale has 7), so each distinct answer is turned into its
pairs once, by the functions of `rubrics`, and the rows take what they need from that table.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, String, and_, cast, func, null, or_, select, type_coerce

from app.domain import OVERALL
from app.errors import StoreError
from app.store import tables
from app.store.reviews import settled_answers, with_settled
from app.store.visibility import visible
from rubrics.answers import Answer, AnswerError, outcome, pairs_in_id_order
from rubrics.model import Rubric

Columns = Mapping[str, np.ndarray]
_judgment, _assignment, _verdict = tables.judgment, tables.assignment, tables.verdict


def judgments_frame(
    connection: Connection,
    campaign_id: int,
    *,
    kinds: Collection[str] | None = None,
    as_of_event: int | None = None,
    rounds: Collection[str] | None = None,
    purposes: Collection[str] | None = None,
    comparisons: Collection[int] | None = None,
    with_text: bool = False,
    as_settled: bool = False,
) -> pd.DataFrame:
    """The vote frame of a campaign: the latest revision of every visible judgment.

    Args:
        connection: a reading connection.
        campaign_id: the campaign.
        kinds: kinds of rater; None for all.
        as_of_event: only what the ledger held at this event number; None for now.
        rounds: names of rounds; None for all.
        purposes: purposes of assignments; None for all.
        comparisons: row ids of comparisons; None for all.
        with_text: add the column `justification`.
        as_settled: what seniors settled in a review stands in place of the attempt: for labels, not for measuring.

    Returns:
        The columns of `app.stats.frames.VOTE_COLUMNS`, names as categoricals with sorted categories, times
        in microseconds (nanoseconds end in 2262); `place` (of the criterion on screen), `has_strength` (whether the
        answer said how strongly), `rubric_version`, `trust` (what the judgment weighs in a consensus: 1, less in a time
        of doubt) and, when asked, `justification`.
        Sorted by judgment, criterion and pair. Empty, with all columns, where nobody has judged.

    Raises:
        StoreError: a stored answer does not fit its rubric version.
    """
    wanted = _wanted(campaign_id, kinds=kinds, as_of_event=as_of_event, rounds=rounds, purposes=purposes)
    if comparisons is not None:
        wanted = and_(wanted, _assignment.c.comparison_id.in_(comparisons))
    judgments = _latest_revisions(_fetch(connection, _judgment_query(wanted, with_text=with_text)))
    known = _comparisons(connection, campaign_id, as_of_event=as_of_event, only=comparisons)
    verdicts = _fetch(connection, _verdict_query(wanted))
    if as_settled:
        verdicts = with_settled(verdicts, settled_answers(connection, campaign_id, as_of_event=as_of_event))
    at_comparison = _positions(known.ids, judgments["comparison_id"].astype(np.int64))
    judgments = _take({**judgments, "at_comparison": at_comparison}, at_comparison >= 0)
    at_judgment = _positions(judgments["id"].astype(np.int64), verdicts["judgment_id"].astype(np.int64))
    verdicts = _take(verdicts, at_judgment >= 0)
    rows = _expand(connection, verdicts, judgments, at_judgment[at_judgment >= 0], known)
    raters = raters_frame(connection, campaign_id)
    frame = _assemble(rows, judgments, known, raters, _round_names(connection, campaign_id))
    doubts = _doubts(connection, campaign_id, as_of_event=as_of_event)
    frame["trust"] = _trust(frame, judgments["rater_id"].astype(np.int64)[rows.judgment], doubts)
    if with_text:
        frame["justification"] = judgments["justification"][rows.judgment]
    return frame


DOUBTED = 0.25
"""What a judgment weighs that was given after its rater's answers had become worse."""


def _doubts(connection: Connection, campaign_id: int, *, as_of_event: int | None) -> list[Any]:
    """(rater, from, to): times in which the judgments of a rater are doubted, by decisions that hold."""
    decision, event = tables.rater_decision, tables.event
    query = select(decision.c.rater_id, decision.c.distrusts_from, decision.c.decided_at).where(
        decision.c.campaign_id == campaign_id, decision.c.distrusts_from.is_not(None), decision.c.withdrawn_at.is_(None)
    )
    if as_of_event is not None:
        at = select(event.c.at).where(event.c.id == as_of_event).scalar_subquery()
        query = query.where(decision.c.decided_at <= at)
    return list(connection.execute(query).all())


def _trust(frame: pd.DataFrame, rater_ids: np.ndarray, doubts: Collection[Any]) -> np.ndarray:
    """What each row's judgment weighs: 1, or `DOUBTED` where it was given in a time of doubt."""
    trust = np.ones(len(frame))
    for rater_id, since, until in doubts:
        is_within = (frame["at"] >= since) & (frame["at"] <= until)
        trust[(rater_ids == rater_id) & is_within.to_numpy(bool)] = DOUBTED
    return trust


def raters_frame(connection: Connection, campaign_id: int) -> pd.DataFrame:
    """Every rater who holds or held an assignment in a campaign.

    Returns:
        `id` (row number in the store), `rater_id` (the name; `/name` for an account where an imported pseudonym of the
        campaign has the same name), `kind` and `specification`, ordered by `id`.
    """
    rater = tables.rater
    here = (
        select(_assignment.c.id)
        .join(tables.round_, tables.round_.c.id == _assignment.c.round_id)
        .where(_assignment.c.rater_id == rater.c.id, tables.round_.c.campaign_id == campaign_id)
        .exists()
    )
    query = select(rater.c.id, rater.c.name, rater.c.namespace, rater.c.kind, rater.c.specification)
    frame = pd.DataFrame(_fetch(connection, query.where(here).order_by(rater.c.id)))
    shared = frame["name"].duplicated(keep=False) & (frame["namespace"] == "")
    frame["rater_id"] = frame["name"].where(~shared, "/" + frame["name"])
    return frame[["id", "rater_id", "kind", "specification"]]


def known_at(
    event_id: ColumnElement[int | None], batch_id: ColumnElement[int | None], as_of_event: int | None
) -> ColumnElement[bool]:
    """Whether a row is visible and was in the ledger at an event number (None: now).

    Args:
        event_id: the row's own `event_id`, empty for rows that came in a batch.
        batch_id: the row's `batch_id`.
        as_of_event: the event number.
    """
    if as_of_event is None:
        return visible(batch_id)
    batch = tables.import_batch
    complete = select(batch.c.id).where(batch.c.completed_at.is_not(None), batch.c.event_id <= as_of_event)
    return or_(batch_id.in_(complete), and_(batch_id.is_(None), or_(event_id.is_(None), event_id <= as_of_event)))


# --- reading -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Comparisons:
    """Visible comparisons of a campaign: parallel arrays, ordered by `ids`."""

    ids: np.ndarray
    external_ids: np.ndarray
    n_completions: np.ndarray
    slots: np.ndarray  # code of each comparison's completion ids in `slot_lists`
    slot_lists: tuple[tuple[str, ...], ...]


def _wanted(
    campaign_id: int,
    *,
    kinds: Collection[str] | None,
    as_of_event: int | None,
    rounds: Collection[str] | None,
    purposes: Collection[str] | None,
) -> ColumnElement[bool]:
    """The condition on judgment, assignment, round and rater that both queries share."""
    conditions = [
        tables.round_.c.campaign_id == campaign_id,
        known_at(_judgment.c.event_id, _judgment.c.batch_id, as_of_event),
    ]
    for column, values in (
        (tables.rater.c.kind, kinds),
        (tables.round_.c.name, rounds),
        (_assignment.c.purpose, purposes),
    ):
        if values is not None:
            conditions.append(column.in_([str(value) for value in values]))
    return and_(*conditions)


def _ledger(query: Select[Any]) -> Select[Any]:
    return (
        query.join(_assignment, _assignment.c.id == _judgment.c.assignment_id)
        .join(tables.round_, tables.round_.c.id == _assignment.c.round_id)
        .join(tables.rater, tables.rater.c.id == _assignment.c.rater_id)
    )


def _judgment_query(wanted: ColumnElement[bool], *, with_text: bool) -> Select[Any]:
    columns = [
        _judgment.c.id,
        _judgment.c.assignment_id,
        _judgment.c.revision,
        _judgment.c.rubric_version,
        _judgment.c.confidence,
        _judgment.c.active_seconds,
        type_coerce(_judgment.c.submitted_at, String).label("submitted_at"),
        _assignment.c.comparison_id,
        _assignment.c.rater_id,
        _assignment.c.round_id,
        _assignment.c.repeat_index,
        _assignment.c.purpose,
        cast(_assignment.c.shown, String).label("shown"),
        cast(_assignment.c.criteria_shown, String).label("criteria_shown"),
        _assignment.c.overall_first,
    ]
    if with_text:
        columns.append(_judgment.c.justification)
    return _ledger(select(*columns).select_from(_judgment)).where(wanted).order_by(_judgment.c.id)


def _verdict_query(wanted: ColumnElement[bool]) -> Select[Any]:
    """Answers; scores, checks and ranking as JSON text in one column, since an answer has one form."""
    body = func.coalesce(*(cast(_verdict.c[form], String) for form in ("scores", "checks", "ranking")))
    columns = [
        _verdict.c.judgment_id,
        _verdict.c.criterion,
        _verdict.c.preferred,
        _verdict.c.strength,
        body.label("body"),
    ]
    query = select(*columns).select_from(_verdict).join(_judgment, _judgment.c.id == _verdict.c.judgment_id)
    return _ledger(query).where(wanted)


def _fetch(connection: Connection, query: Select[Any]) -> Columns:
    """All rows of a query as one object array per column."""
    names = [column.name for column in query.selected_columns]
    rows = connection.execute(query).fetchall()
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: _objects(column) for name, column in zip(names, columns, strict=True)}


def _objects(values: Collection[Any]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = list(values)
    return array


def _take(columns: Columns, rows: np.ndarray) -> Columns:
    return {name: column[rows] for name, column in columns.items()}


def _latest_revisions(judgments: Columns) -> Columns:
    """Keep, of each assignment, the judgment with the highest revision; the order stays."""
    revision = judgments["revision"].astype(np.int64)
    if not revision.any():
        return judgments
    assignment = judgments["assignment_id"].astype(np.int64)
    order = np.lexsort((revision, assignment))
    last = np.r_[assignment[order][1:] != assignment[order][:-1], True]
    return _take(judgments, np.sort(order[last]))


def _comparisons(
    connection: Connection, campaign_id: int, *, as_of_event: int | None, only: Collection[int] | None
) -> _Comparisons:
    comparison = tables.comparison
    here = and_(comparison.c.campaign_id == campaign_id, known_at(null(), comparison.c.batch_id, as_of_event))
    if only is not None:
        here = and_(here, comparison.c.id.in_(only))
    query = select(comparison.c.id, comparison.c.external_id, comparison.c.n_completions)
    rows = _fetch(connection, query.where(here).order_by(comparison.c.id))
    ids = rows["id"].astype(np.int64)
    slot_lists = _pair_slots(connection, here) | _kway_slots(connection, here)
    codes, distinct = pd.factorize(_objects([slot_lists[i] for i in rows["id"]]))
    return _Comparisons(ids, rows["external_id"], rows["n_completions"].astype(np.int64), codes, tuple(distinct))


def _pair_slots(connection: Connection, here: ColumnElement[bool]) -> dict[int, tuple[str, ...]]:
    comparison, completion = tables.comparison, tables.completion
    query = (
        select(completion.c.comparison_id, func.min(completion.c.slot), func.max(completion.c.slot))
        .join(comparison, comparison.c.id == completion.c.comparison_id)
        .where(here, comparison.c.n_completions == 2)
        .group_by(completion.c.comparison_id)
    )
    return {i: (low, high) if low < high else (high, low) for i, low, high in connection.execute(query).all()}


def _kway_slots(connection: Connection, here: ColumnElement[bool]) -> dict[int, tuple[str, ...]]:
    comparison, completion = tables.comparison, tables.completion
    query = (
        select(completion.c.comparison_id, completion.c.slot)
        .join(comparison, comparison.c.id == completion.c.comparison_id)
        .where(here, comparison.c.n_completions > 2)
    )
    slots: dict[int, list[str]] = {}
    for comparison_id, slot in connection.execute(query).all():
        slots.setdefault(comparison_id, []).append(slot)
    return {comparison_id: tuple(sorted(found)) for comparison_id, found in slots.items()}


def _round_names(connection: Connection, campaign_id: int) -> dict[int, str]:
    round_ = tables.round_
    rows = connection.execute(select(round_.c.id, round_.c.name).where(round_.c.campaign_id == campaign_id))
    return {row.id: row.name for row in rows}


def _positions(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted number stands in the rising array `known`; -1 where it does not."""
    if len(known) == 0:
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, at, -1)


# --- from answers to pairs ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """The rows of the frame before names are put in: parallel arrays.

    `judgment` is a position in the judgments; `criterion`, `first`, `second` and `outcome` are texts.
    """

    judgment: np.ndarray
    criterion: np.ndarray
    first: np.ndarray
    second: np.ndarray
    outcome: np.ndarray
    value: np.ndarray
    has_strength: np.ndarray


def _expand(
    connection: Connection, verdicts: Columns, judgments: Columns, at_judgment: np.ndarray, comparisons: _Comparisons
) -> _Rows:
    """Every answer as its pairs."""
    version = judgments["rubric_version"][at_judgment]
    slots = comparisons.slots[judgments["at_comparison"][at_judgment].astype(np.int64)]
    strength = verdicts["strength"].astype(float)
    parts = (version, verdicts["criterion"], verdicts["preferred"], strength, verdicts["body"], slots)
    kind, examples = _distinct(parts)
    rubrics = _rubrics(connection, set(version))
    pairs = [
        _pairs_of(
            rubrics[version[row]],
            _Stored(*(verdicts[name][row] for name in ("judgment_id", "criterion", "preferred", "strength", "body"))),
            comparisons.slot_lists[slots[row]],
        )
        for row in examples
    ]
    counts = np.array([len(found) for found in pairs], np.int64)
    starts = np.cumsum(counts) - counts
    table = [pair for found in pairs for pair in found]
    repeats = counts[kind]
    row = np.repeat(np.arange(len(kind)), repeats)
    within = np.arange(len(row)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    at = starts[kind][row] + within if len(row) else np.zeros(0, np.int64)
    first, second, outcomes = (_objects([pair[i] for pair in table])[at] for i in range(3))
    value = np.array([pair[3] for pair in table], float)[at]
    judgment, criterion = at_judgment[row], verdicts["criterion"][row]
    order = np.lexsort((*(_codes(part) for part in (second, first, criterion)), judgment))
    given = ~np.isnan(strength)[row]
    parts = (judgment, criterion, first, second, outcomes, value, given)
    return _Rows(*(part[order] for part in parts))


@dataclass(frozen=True)
class _Stored:
    """One verdict row."""

    judgment_id: int
    criterion: str
    preferred: str | None
    strength: float | None
    body: str | None

    def answer(self) -> Answer:
        """The answer in its form: a JSON list is a ranking, an object of true and false checks, of numbers scores."""
        if self.body is None:
            return Answer(preferred=self.preferred, strength=self.strength)
        body = json.loads(self.body)
        if isinstance(body, list):
            return Answer(ranking=body)
        if all(isinstance(value, bool) for value in body.values()):
            return Answer(checks=body)
        return Answer(scores=body)


def _pairs_of(rubric: Rubric, stored: _Stored, slots: Sequence[str]) -> list[tuple[str, str, str, float]]:
    """(first, second, outcome, value) of every pair that an answer speaks of; value is NaN when missing."""
    try:
        answer = stored.answer()
        found = []
        for first, second in pairs_in_id_order(slots):
            value = rubric.signed_value(stored.criterion, answer, first, second)
            found.append((first, second, outcome(answer, first, second), np.nan if value is None else value))
        return found
    except AnswerError as error:
        raise StoreError(
            f"Judgment {stored.judgment_id}: its answer does not fit rubric version {rubric.version}: {error}. "
            "See `steelyard db check`."
        ) from error


def _rubrics(connection: Connection, versions: Collection[str]) -> dict[str, Rubric]:
    table = tables.rubric_version
    rows = connection.execute(select(table.c.version, table.c.content).where(table.c.version.in_(sorted(versions))))
    return {row.version: Rubric.from_dict(row.content) for row in rows}


def _codes(column: np.ndarray) -> np.ndarray:
    """Codes in sorted order; -1 for None and NaN."""
    return pd.factorize(column, sort=True)[0]


def _distinct(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Number the distinct rows of parallel columns.

    Returns:
        The number of each row, and for each number one row that has it.
    """
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes = pd.factorize(column)[0] + 1
        key = pd.factorize(key * (codes.max(initial=0) + 1) + codes)[0]
    _, examples = np.unique(key, return_index=True)
    return key, examples


# --- the frame ---------------------------------------------------------------------------------------------------


def _assemble(
    rows: _Rows, judgments: Columns, comparisons: _Comparisons, raters: pd.DataFrame, rounds: Mapping[int, str]
) -> pd.DataFrame:
    at = rows.judgment
    at_comparison = judgments["at_comparison"].astype(np.int64)
    at_rater = _positions(raters["id"].to_numpy(np.int64), judgments["rater_id"].astype(np.int64))
    round_names = _objects([rounds[i] for i in judgments["round_id"]])
    return pd.DataFrame(
        {
            "comparison_id": _names(comparisons.external_ids[at_comparison], at),
            "first": _names(rows.first),
            "second": _names(rows.second),
            "rater_id": _names(raters["rater_id"].to_numpy(object)[at_rater], at),
            "rater_kind": _names(raters["kind"].to_numpy(object)[at_rater], at),
            "round": _names(round_names, at),
            "judgment_id": judgments["id"].astype(np.int64)[at],
            "repeat_index": judgments["repeat_index"].astype(np.int64)[at],
            "purpose": _names(judgments["purpose"], at),
            "criterion": _names(rows.criterion),
            "outcome": _names(rows.outcome),
            "value": rows.value,
            "weight": (2 / comparisons.n_completions[at_comparison])[at],
            "first_shown_first": _first_shown_first(judgments["shown"][at], rows.first, rows.second),
            "confidence": judgments["confidence"].astype(float)[at],
            "seconds": judgments["active_seconds"].astype(float)[at],
            "at": _times(judgments["submitted_at"])[at],
            "place": _places(judgments["criteria_shown"][at], judgments["overall_first"][at], rows.criterion),
            "has_strength": rows.has_strength,
            "rubric_version": _names(judgments["rubric_version"], at),
        }
    )


def _names(values: np.ndarray, at: np.ndarray | None = None) -> pd.Categorical:
    """Texts as a categorical with sorted categories, optionally repeated by position."""
    codes, categories = pd.factorize(values, sort=True)
    return pd.Categorical.from_codes(codes if at is None else codes[at], pd.Index(categories, dtype="str"))


def _first_shown_first(shown: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Whether `first` stood before `second` on the screen; None where the order is unknown."""
    kind, examples = _distinct((shown, first, second))
    answers = _objects([_stands_before(shown[row], first[row], second[row]) for row in examples])
    return answers[kind]


def _stands_before(shown: str | None, first: str, second: str) -> bool | None:
    order = json.loads(shown) if shown is not None else None
    return None if order is None else order.index(first) < order.index(second)


def _places(shown: np.ndarray, overall_first: np.ndarray, criterion: np.ndarray) -> np.ndarray:
    """Where each criterion stood on screen: 0 at the top; a verdict asked first -1, else last; NaN where unknown."""
    kind, examples = _distinct((shown, overall_first, criterion))
    places = [_place(shown[row], overall_first[row], criterion[row]) for row in examples]
    return np.array(places, float)[kind]


def _place(shown: str | None, overall_first: bool | None, criterion: str) -> float:
    if shown is None:
        return np.nan
    order = json.loads(shown)
    if criterion == OVERALL:
        return -1 if overall_first else len(order)
    return order.index(criterion) if criterion in order else np.nan


def _times(values: np.ndarray) -> pd.DatetimeIndex:
    """Times as stored: text without zone on SQLite, aware times on PostgreSQL."""
    return pd.DatetimeIndex(pd.to_datetime(values, utc=True, format="ISO8601")).as_unit("us")
