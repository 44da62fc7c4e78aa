"""Reading the ledger: comparisons as a stream, decisions, withdrawn texts, the pool; votes from `app.store.votes`.

Everything here shows only what is visible (see `app.store.visibility`) and takes a reading connection, so that a
caller who asks twice on one connection sees one state. Nothing is sorted by the database's collation: lists of ids are
in the order of Python's comparison of texts, the same on every database.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import Connection, Row, and_, func, null, select

from app.domain import Adjudication, Cause, Comparison, Completion, GoldKey, Message
from app.requirements import from_dict
from app.store import tables
from app.store.visibility import visible
from app.store.votes import judgments_frame, known_at, raters_frame
from rubrics.answers import Answer

__all__ = [
    "PROMPT",
    "ComparisonFacts",
    "Decision",
    "StoredComparison",
    "Tombstone",
    "adjudications",
    "comparison_facts",
    "comparison_ids",
    "completions_frame",
    "gold_ids",
    "judged_ids",
    "judgment_counts",
    "judgments_frame",
    "last_event",
    "last_fact_event",
    "messages_of",
    "pool_ids",
    "raters_frame",
    "read_comparisons",
    "read_texts",
    "suspended_keys",
    "tombstones",
]

CHUNK = 500
"""Comparisons held in memory at a time; also the length of an IN list."""

DOUBTS = ("rater.paused", "rater.review", "rater.appeal_granted", "attempt.settled")
"""Events after which judgments weigh less, or fully again, or count as a senior settled them."""

PROMPT = "prompt"
"""Stands for the prompt where a completion's id stands for the completion: in `StoredComparison.erased`."""


@dataclass(frozen=True)
class StoredComparison:
    """A comparison as stored.

    Attributes:
        row_id: its number in the store.
        comparison: the comparison, completions in id order; an erased text is empty.
        erased: what was withdrawn: completion ids, and `PROMPT` for the prompt.
    """

    row_id: int
    comparison: Comparison
    erased: frozenset[str]

    @property
    def id(self) -> str:
        """The external id."""
        return self.comparison.id


class ComparisonFacts(NamedTuple):
    """One comparison without its texts."""

    row_id: int
    id: str
    prompt_hash: str
    meta: Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """An adjudication, on which comparison it was made, and whether it holds (a later one may have replaced it)."""

    comparison_id: str
    position: int
    adjudication: Adjudication
    holds: bool


@dataclass(frozen=True)
class Tombstone:
    """A withdrawn text: its hash, when and why it was erased, and where it stood.

    Attributes:
        places: (comparison's external id, completion id or `PROMPT`), sorted.
    """

    hash: str
    erased_at: datetime
    reason: str | None
    places: tuple[tuple[str, str], ...]


# --- comparisons -------------------------------------------------------------------------------------------------


def comparison_ids(connection: Connection, campaign_id: int, *, as_of_event: int | None = None) -> dict[str, int]:
    """External id -> row number of every visible comparison of a campaign, sorted by external id."""
    comparison = tables.comparison
    rows = connection.execute(
        select(comparison.c.external_id, comparison.c.id).where(
            comparison.c.campaign_id == campaign_id, known_at(null(), comparison.c.batch_id, as_of_event)
        )
    )
    found = {row.external_id: row.id for row in rows.all()}
    return {name: found[name] for name in sorted(found)}


def read_comparisons(
    connection: Connection, row_ids: Sequence[int], *, chunk_size: int = CHUNK
) -> Iterator[StoredComparison]:
    """Comparisons with their texts, keys, references and meta, in the order asked for; memory stays flat.

    Args:
        connection: a reading connection.
        row_ids: row numbers, as `comparison_ids` gives them.
        chunk_size: how many are read at a time.
    """
    for start in range(0, len(row_ids), chunk_size):
        chunk = row_ids[start : start + chunk_size]
        rows = _comparison_rows(connection, chunk)
        completions = _completions(connection, chunk)
        gold = _gold_keys(connection, chunk)
        for row_id in chunk:
            yield _stored(rows[row_id], completions[row_id], gold.get(row_id))


def comparison_facts(
    connection: Connection, campaign_id: int, *, as_of_event: int | None = None
) -> list[ComparisonFacts]:
    """What splits are made of: id, prompt's hash and meta of every visible comparison, in the order of the ledger."""
    comparison = tables.comparison
    query = select(comparison.c.id, comparison.c.external_id, comparison.c.prompt_hash, comparison.c.meta).where(
        comparison.c.campaign_id == campaign_id, known_at(null(), comparison.c.batch_id, as_of_event)
    )
    return [ComparisonFacts(*row) for row in connection.execute(query.order_by(comparison.c.id)).all()]


def read_texts(connection: Connection, hashes: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """(hash, text or None where it was erased), in the order asked for, read in chunks."""
    content = tables.content
    for start in range(0, len(hashes), CHUNK):
        chunk = hashes[start : start + CHUNK]
        query = select(content.c.hash, content.c.body).where(content.c.hash.in_(chunk))
        found = {row.hash: row.body for row in connection.execute(query).all()}
        yield from ((text_hash, found[text_hash]) for text_hash in chunk)


def completions_frame(connection: Connection, campaign_id: int) -> pd.DataFrame:
    """One row per completion of a campaign: `comparison_id`, `slot`, `model`, `n_characters`, `n_words`.

    Lengths are empty where the text was erased, `model` where the file named none. Sorted by comparison and slot.
    """
    comparison, completion = tables.comparison, tables.completion
    rows = connection.execute(
        select(comparison.c.external_id, completion.c.slot, completion.c.model, completion.c.text_hash)
        .join(comparison, comparison.c.id == completion.c.comparison_id)
        .where(comparison.c.campaign_id == campaign_id, visible(comparison.c.batch_id))
    )
    frame = pd.DataFrame(rows.all(), columns=["comparison_id", "slot", "model", "text_hash"], dtype=object)
    lengths = {
        text_hash: (None, None) if body is None else (len(body), len(body.split()))
        for text_hash, body in read_texts(connection, list(dict.fromkeys(frame["text_hash"])))
    }
    for position, name in enumerate(("n_characters", "n_words")):
        frame[name] = pd.array([lengths[text_hash][position] for text_hash in frame["text_hash"]], dtype="Int64")
    return frame.drop(columns="text_hash").sort_values(["comparison_id", "slot"], ignore_index=True)


def newest_version(connection: Connection, versions: Collection[str]) -> str:
    """The rubric version that was published last among these."""
    table = tables.rubric_version
    query = select(table.c.version).where(table.c.version.in_(sorted(versions)))
    return connection.scalars(query.order_by(table.c.published_at.desc(), table.c.version)).first() or ""


def messages_of(body: str | None) -> tuple[Message, ...]:
    """A stored prompt (JSON text of its turns) as messages; none where the text was erased."""
    return tuple(Message(turn["role"], turn["content"]) for turn in json.loads(body)) if body else ()


def _comparison_rows(connection: Connection, row_ids: Sequence[int]) -> dict[int, Row[Any]]:
    comparison, content = tables.comparison, tables.content
    query = select(
        comparison.c.id,
        comparison.c.external_id,
        comparison.c.meta,
        comparison.c.reference,
        comparison.c.requires,
        content.c.body,
    ).join(content, content.c.hash == comparison.c.prompt_hash)
    return {row.id: row for row in connection.execute(query.where(comparison.c.id.in_(row_ids))).all()}


def _completions(connection: Connection, row_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    completion, content = tables.completion, tables.content
    query = select(completion, content.c.body).join(content, content.c.hash == completion.c.text_hash)
    found: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(query.where(completion.c.comparison_id.in_(row_ids))).all():
        found.setdefault(row.comparison_id, []).append(row)
    return {row_id: sorted(rows, key=lambda row: row.slot) for row_id, rows in found.items()}


def _gold_keys(connection: Connection, row_ids: Sequence[int]) -> dict[int, GoldKey]:
    key = tables.gold_key
    rows = connection.execute(select(key).where(key.c.comparison_id.in_(row_ids)))
    names = ("criteria", "explanation", "distribution", "suspended_at", "suspended_for", "kept_at")
    return {
        row.comparison_id: GoldKey(tuple(row.accepted), **{name: getattr(row, name) for name in names}) for row in rows
    }


def _stored(row: Row[Any], completions: Sequence[Row[Any]], gold: GoldKey | None) -> StoredComparison:
    made = tuple(
        Completion(one.slot, one.body or "", one.model, one.parameters, one.source, one.licence) for one in completions
    )
    erased = {one.slot for one in completions if one.body is None}
    requires = from_dict(row.requires)
    comparison = Comparison(row.external_id, messages_of(row.body), made, gold, row.reference, row.meta, requires)
    return StoredComparison(row.id, comparison, frozenset(erased | ({PROMPT} if row.body is None else set())))


# --- decisions, tombstones, pool ---------------------------------------------------------------------------------


def adjudications(
    connection: Connection,
    campaign_id: int,
    *,
    as_of_event: int | None = None,
    rounds: Collection[str] | None = None,
) -> list[Decision]:
    """All decisions about a campaign's comparisons, by comparison, round (oldest first) and position.

    Of each comparison one decision holds: the highest position of the newest round that has any.
    """
    table, comparison, round_ = tables.adjudication, tables.comparison, tables.round_
    query = (
        select(table, comparison.c.external_id, round_.c.name.label("round_name"))
        .join(comparison, comparison.c.id == table.c.comparison_id)
        .join(round_, round_.c.id == table.c.round_id)
        .where(round_.c.campaign_id == campaign_id, known_at(table.c.event_id, table.c.batch_id, as_of_event))
        .where(visible(comparison.c.batch_id))
    )
    if rounds is not None:
        query = query.where(round_.c.name.in_(list(rounds)))
    rows = sorted(connection.execute(query), key=lambda row: (row.external_id, row.round_id, row.position))
    last = {row.external_id: row.id for row in rows}
    return [
        Decision(row.external_id, row.position, _adjudication(row), last[row.external_id] == row.id) for row in rows
    ]


def _adjudication(row: Row[Any]) -> Adjudication:
    return Adjudication(
        answer=Answer.from_dict(row.answer),
        cause=Cause(row.cause),
        reason=row.reason,
        by=row.adjudicator,
        at=row.decided_at,
        round=row.round_name,
    )


def tombstones(connection: Connection, campaign_id: int) -> list[Tombstone]:
    """The texts of a campaign that were withdrawn, by hash."""
    comparison, completion, content = tables.comparison, tables.completion, tables.content
    here = and_(comparison.c.campaign_id == campaign_id, visible(comparison.c.batch_id), content.c.body.is_(None))
    columns = (content.c.hash, content.c.erased_at, content.c.erased_reason, comparison.c.external_id)
    prompts = select(*columns).join(comparison, comparison.c.prompt_hash == content.c.hash).where(here)
    texts = (
        select(*columns, completion.c.slot)
        .join(completion, completion.c.text_hash == content.c.hash)
        .join(comparison, comparison.c.id == completion.c.comparison_id)
        .where(here)
    )
    rows = [(*row, PROMPT) for row in connection.execute(prompts)] + [tuple(row) for row in connection.execute(texts)]
    places: dict[tuple[str, datetime, str | None], list[tuple[str, str]]] = {}
    for text_hash, erased_at, reason, external_id, slot in rows:
        places.setdefault((text_hash, erased_at, reason), []).append((external_id, slot))
    ordered = sorted(places.items(), key=lambda item: item[0][0])
    return [Tombstone(*facts, places=tuple(sorted(found))) for facts, found in ordered]


def judged_ids(
    connection: Connection, campaign_id: int, *, kinds: Collection[str], as_of_event: int | None = None
) -> set[int]:
    """Row numbers of the comparisons that a rater of these kinds has judged, in any round and for any purpose."""
    judgment, assignment = tables.judgment, tables.assignment
    query = (
        select(assignment.c.comparison_id)
        .distinct()
        .join(judgment, judgment.c.assignment_id == assignment.c.id)
        .join(tables.round_, tables.round_.c.id == assignment.c.round_id)
        .join(tables.rater, tables.rater.c.id == assignment.c.rater_id)
        .where(tables.round_.c.campaign_id == campaign_id, tables.rater.c.kind.in_([str(kind) for kind in kinds]))
        .where(known_at(judgment.c.event_id, judgment.c.batch_id, as_of_event))
    )
    return set(connection.scalars(query).all())


def judgment_counts(
    connection: Connection, campaign_id: int, *, rounds: Collection[str] | None = None
) -> dict[str, int]:
    """Kind of rater -> judgments of a campaign, a revised one counted once."""
    judgment, assignment, rater, round_ = tables.judgment, tables.assignment, tables.rater, tables.round_
    query = (
        select(rater.c.kind, func.count(assignment.c.id.distinct()))
        .select_from(judgment)
        .join(assignment, assignment.c.id == judgment.c.assignment_id)
        .join(round_, round_.c.id == assignment.c.round_id)
        .join(rater, rater.c.id == assignment.c.rater_id)
        .where(round_.c.campaign_id == campaign_id, visible(judgment.c.batch_id))
        .group_by(rater.c.kind)
    )
    if rounds is not None:
        query = query.where(round_.c.name.in_(list(rounds)))
    return dict(connection.execute(query).all())


def gold_ids(connection: Connection, campaign_id: int) -> set[str]:
    """External ids of the comparisons that have a gold key, suspended ones included."""
    comparison, key = tables.comparison, tables.gold_key
    query = select(comparison.c.external_id).join(key, key.c.comparison_id == comparison.c.id)
    return set(connection.scalars(query.where(comparison.c.campaign_id == campaign_id, visible(comparison.c.batch_id))))


def suspended_keys(connection: Connection) -> set[int]:
    """Row numbers of the comparisons whose gold key is suspended: nobody is measured by it."""
    key = tables.gold_key
    return set(connection.scalars(select(key.c.comparison_id).where(key.c.suspended_at.is_not(None))))


def pool_ids(
    connection: Connection, campaign_id: int, *, kinds: Collection[str], as_of_event: int | None = None
) -> dict[str, int]:
    """External id -> row number of the comparisons that nobody of these kinds has judged, sorted by external id."""
    judged = judged_ids(connection, campaign_id, kinds=kinds, as_of_event=as_of_event)
    known = comparison_ids(connection, campaign_id, as_of_event=as_of_event)
    return {external_id: row_id for external_id, row_id in known.items() if row_id not in judged}


# --- events ------------------------------------------------------------------------------------------------------


def last_event(connection: Connection, campaign_id: int | None = None) -> int:
    """The number of the latest event, of one campaign or of all; 0 before the first."""
    event = tables.event
    query = select(func.max(event.c.id))
    if campaign_id is not None:
        query = query.where(event.c.campaign_id == campaign_id)
    return connection.scalar(query) or 0


def last_fact_event(connection: Connection, campaign_id: int) -> int:
    """The number of the latest event that changed what a campaign's snapshots are made of; 0 where there is none.

    These are judgments, decisions, completed imports, and labels of models that were withdrawn. Reading, taking
    snapshots and leasing do not count, so the number stays the same until somebody judges, decides or imports.
    """
    judgment, assignment, decision = tables.judgment, tables.assignment, tables.adjudication
    round_, batch = tables.round_, tables.import_batch
    judged = (
        select(func.max(judgment.c.event_id))
        .join(assignment, assignment.c.id == judgment.c.assignment_id)
        .join(round_, round_.c.id == assignment.c.round_id)
        .where(round_.c.campaign_id == campaign_id, visible(judgment.c.batch_id))
    )
    decided = (
        select(func.max(decision.c.event_id))
        .join(round_, round_.c.id == decision.c.round_id)
        .where(round_.c.campaign_id == campaign_id, visible(decision.c.batch_id))
    )
    imported = select(func.max(batch.c.event_id)).where(
        batch.c.campaign_id == campaign_id, batch.c.completed_at.is_not(None)
    )
    batch_of_model = tables.prejudging
    withdrawn = (
        select(func.max(batch_of_model.c.event_id))
        .join(round_, round_.c.id == batch_of_model.c.round_id)
        .where(round_.c.campaign_id == campaign_id)
    )
    event = tables.event
    doubted = select(func.max(event.c.id)).where(event.c.campaign_id == campaign_id, event.c.action.in_(DOUBTS))
    return max(connection.scalar(query) or 0 for query in (judged, decided, imported, withdrawn, doubted))
