"""The comparisons of an import chunk: which are new, known or in conflict, and their rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.domain import (
    Campaign,
    Comparison,
    ImportedComparison,
    RankingMode,
    RefusedLine,
    Round,
    content_kinds,
)
from app.services.queueing import Waiting, enqueue
from app.store import tables
from app.store.bulk import insert_rows, is_among

_comparison = tables.comparison
_AS_STORED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_RECORD = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=list)


def text_hash(text: str) -> str:
    """The identity of a text in `content`."""
    return hashlib.sha256(text.encode()).hexdigest()


def prompt_text(comparison: Comparison) -> str:
    """A prompt as stored: the JSON text of its turns."""
    turns = [{"role": message.role, "content": message.content} for message in comparison.prompt]
    return _AS_STORED.encode(turns)


@dataclass(frozen=True)
class Fingerprint:
    """A comparison's prompt as stored, and the hashes that decide whether it is known."""

    prompt: str
    prompt_hash: str
    text_hashes: tuple[str, ...]
    content_hash: str
    record_hash: str
    is_bare: bool


@dataclass(frozen=True)
class Fingerprinted:
    """A line with its fingerprint: taken by whoever reads the lines, while others before it are written."""

    line: ImportedComparison
    fingerprint: Fingerprint


_KEY = ("accepted", "criteria", "explanation", "distribution")
"""What a gold key says; whether it measures just now is no part of what a comparison is."""


def fingerprint(comparison: Comparison) -> Fingerprint:
    """The fingerprint of a comparison."""
    prompt = prompt_text(comparison)
    prompt_hash = text_hash(prompt)
    text_hashes = tuple(text_hash(completion.text) for completion in comparison.completions)
    identity = [prompt_hash, *zip(comparison.completion_ids, text_hashes, strict=True)]
    content_hash = text_hash(json.dumps(identity))
    facts = [
        [(c.model, c.parameters, c.source, c.licence) for c in comparison.completions],
        None if comparison.gold is None else {name: getattr(comparison.gold, name) for name in _KEY},
        comparison.reference,
        comparison.meta,
        *([comparison.requires.to_list()] if comparison.requires else []),
    ]
    has_facts = comparison.gold or comparison.reference or comparison.meta or comparison.requires
    is_bare = not (has_facts or any(any(c) for c in facts[0]))
    record_hash = text_hash(_RECORD.encode([content_hash, facts]))
    return Fingerprint(prompt, prompt_hash, text_hashes, content_hash, record_hash, is_bare)


class ComparisonWriter:
    """Sorts out and writes the comparisons of one chunk, inside the chunk's transaction.

    Attributes:
        ids: external id -> row number, of known comparisons and, after `write`, of new ones.
        known_ids: row numbers that were there before this chunk.
        counts: `n_comparisons`, `n_comparisons_known`.
    """

    def __init__(self, connection: Connection, campaign: Campaign, batch_id: int) -> None:
        self._connection = connection
        self._campaign = campaign
        self._batch_id = batch_id
        self._read: dict[int, Fingerprint] = {}
        self._stored: dict[str, tuple[str, str]] = {}
        self._erased: set[str] = set()
        self._hashes: dict[str, Fingerprint] = {}
        self.ids: dict[str, int] = {}
        self.known_ids: dict[str, int] = {}
        self.counts = {"n_comparisons": 0, "n_comparisons_known": 0}

    def load(self, lines: Sequence[Fingerprinted]) -> None:
        """Read what the ledger knows of the chunk's comparisons, and which of their texts were withdrawn."""
        self._read = {id(one.line): one.fingerprint for one in lines}
        self._stored = self._read_stored([one.line.comparison.id for one in lines])
        self._erased = self._read_erased()

    def refusal(self, line: ImportedComparison) -> RefusedLine | None:
        """Why a line is refused: it contradicts the ledger or a line that was kept, or a text of it was withdrawn."""
        name, hashes = line.comparison.id, self._read[id(line)]
        reason = _contradiction(name, hashes, self._stored.get(name)) or _withdrawal(hashes, self._erased)
        return None if reason is None else RefusedLine(line.line, *reason)

    def keep(self, line: ImportedComparison) -> None:
        """Remember a line that will be written: later lines are checked against it."""
        hashes = self._read[id(line)]
        self._stored.setdefault(line.comparison.id, (hashes.content_hash, hashes.record_hash))
        self._hashes.setdefault(line.comparison.id, hashes)

    def write(
        self,
        lines: Sequence[ImportedComparison],
        *,
        round_of: Callable[[RankingMode], Sequence[Round]],
        meanwhile: Callable[[], object],
    ) -> Iterator[tuple[int, str]]:
        """Write the new ones; yields (line number, finding) for content that stands under another id too.

        Args:
            lines: what was kept.
            round_of: the rounds in which comparisons of a mode wait.
            meanwhile: called before the database works for long; not where nothing is new.
        """
        fresh: dict[str, ImportedComparison] = {}
        for line in lines:
            if line.comparison.id not in self.known_ids:
                fresh.setdefault(line.comparison.id, line)
        self.counts["n_comparisons"] = len(fresh)
        self.counts["n_comparisons_known"] = len(lines) - len(fresh)
        if not fresh:
            return
        twins = self._twins(fresh)
        meanwhile()
        self._write_texts(fresh)
        self._write_comparisons(fresh)
        self._write_completions(fresh)
        self._write_gold(fresh)
        self._write_content_kinds(fresh)
        self._enqueue(fresh, round_of)
        for name, other in twins:
            yield fresh[name].line, f"the content of {name!r} stands under the id {other!r} too; both are kept"

    def _read_stored(self, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        rows = self._connection.execute(
            select(
                _comparison.c.external_id, _comparison.c.id, _comparison.c.content_hash, _comparison.c.record_hash
            ).where(
                _comparison.c.campaign_id == self._campaign.id,
                is_among(self._connection, _comparison.c.external_id, names),
            )
        ).all()
        self.known_ids = {row.external_id: row.id for row in rows}
        self.ids = dict(self.known_ids)
        return {row.external_id: (row.content_hash, row.record_hash) for row in rows}

    def _read_erased(self) -> set[str]:
        hashes = {text for line in self._read.values() for text in (line.prompt_hash, *line.text_hashes)}
        content = tables.content
        is_erased = content.c.erased_at.is_not(None)
        found = select(content.c.hash).where(is_erased, is_among(self._connection, content.c.hash, hashes))
        return set(self._connection.scalars(found))

    def _twins(self, fresh: dict[str, ImportedComparison]) -> list[tuple[str, str]]:
        """Pairs of ids with the same content: a new one, and one stored or earlier in the chunk."""
        rows = self._connection.execute(
            select(_comparison.c.content_hash, _comparison.c.external_id).where(
                _comparison.c.campaign_id == self._campaign.id,
                is_among(
                    self._connection,
                    _comparison.c.content_hash,
                    {self._hashes[name].content_hash for name in fresh},
                ),
            )
        )
        owners = {row.content_hash: row.external_id for row in rows}
        twins = []
        for name in fresh:
            owner = owners.setdefault(self._hashes[name].content_hash, name)
            if owner != name:
                twins.append((name, owner))
        return twins

    def _write_texts(self, fresh: dict[str, ImportedComparison]) -> None:
        bodies: dict[str, str] = {}
        for name, line in fresh.items():
            hashes = self._hashes[name]
            bodies[hashes.prompt_hash] = hashes.prompt
            for text, completion in zip(hashes.text_hashes, line.comparison.completions, strict=True):
                bodies[text] = completion.text
        rows = [{"hash": text, "body": bodies[text]} for text in sorted(bodies)]  # one order for all: no deadlock
        insert_rows(self._connection, tables.content, rows, skip_known_by="hash")

    def _write_comparisons(self, fresh: dict[str, ImportedComparison]) -> None:
        rows = [
            {
                "campaign_id": self._campaign.id,
                "batch_id": self._batch_id,
                "external_id": name,
                "content_hash": self._hashes[name].content_hash,
                "record_hash": self._hashes[name].record_hash,
                "prompt_hash": self._hashes[name].prompt_hash,
                "mode": line.comparison.mode.value,
                "n_completions": len(line.comparison.completions),
                "meta": dict(line.comparison.meta),
                "reference": None if line.comparison.reference is None else dict(line.comparison.reference),
                "requires": line.comparison.requires.to_dict() or None,
            }
            for name, line in fresh.items()
        ]
        written = insert_rows(self._connection, _comparison, rows, returning=("external_id", "id"))
        self.ids |= {row.external_id: row.id for row in written}

    def _write_completions(self, fresh: dict[str, ImportedComparison]) -> None:
        rows = [
            {
                "comparison_id": self.ids[name],
                "slot": completion.id,
                "text_hash": text,
                "model": completion.model,
                "parameters": None if completion.parameters is None else dict(completion.parameters),
                "source": completion.source,
                "licence": completion.licence,
            }
            for name, line in fresh.items()
            for completion, text in zip(line.comparison.completions, self._hashes[name].text_hashes, strict=True)
        ]
        insert_rows(self._connection, tables.completion, rows)

    def _write_gold(self, fresh: dict[str, ImportedComparison]) -> None:
        rows = [
            {
                "comparison_id": self.ids[name],
                "accepted": list(line.comparison.gold.accepted),
                "criteria": dict(line.comparison.gold.criteria),
                "explanation": line.comparison.gold.explanation,
                "distribution": line.comparison.gold.distribution and dict(line.comparison.gold.distribution),
                "suspended_at": line.comparison.gold.suspended_at,
                "suspended_for": line.comparison.gold.suspended_for and dict(line.comparison.gold.suspended_for),
                "kept_at": line.comparison.gold.kept_at,
            }
            for name, line in fresh.items()
            if line.comparison.gold is not None
        ]
        insert_rows(self._connection, tables.gold_key, rows)

    def _write_content_kinds(self, fresh: dict[str, ImportedComparison]) -> None:
        rows = [
            {"comparison_id": self.ids[name], "kind": kind}
            for name, line in fresh.items()
            for kind in content_kinds(line.comparison.meta)
        ]
        if rows:
            insert_rows(self._connection, tables.comparison_content, rows)

    def _enqueue(
        self, fresh: dict[str, ImportedComparison], round_of: Callable[[RankingMode], Sequence[Round]]
    ) -> None:
        """Queue rows, closed until the batch is complete; gold waits in no queue."""
        for mode in RankingMode:
            waiting = [
                Waiting(self.ids[name], name, line.comparison.meta, line.comparison.requires.to_dict() or None)
                for name, line in fresh.items()
                if line.comparison.gold is None and line.comparison.mode is mode
            ]
            for round_ in round_of(mode) if waiting else ():
                if round_.rules.sample is None:
                    enqueue(self._connection, round_, waiting, is_open=False)


def _contradiction(name: str, hashes: Fingerprint, before: tuple[str, str] | None) -> tuple[str, str] | None:
    if before is None or before[1] == hashes.record_hash:
        return None
    if before[0] != hashes.content_hash:
        return "id", f"comparison {name!r} is known with another prompt or other responses: give it another id"
    if hashes.is_bare:
        return None
    return (
        "id",
        f"comparison {name!r} is known with other models, meta, reference or gold, or other "
        "requirements: a comparison never changes",
    )


def _withdrawal(hashes: Fingerprint, erased: set[str]) -> tuple[str, str] | None:
    if hashes.prompt_hash in erased:
        return "prompt", "this text was withdrawn and erased; it does not come back"
    if erased.intersection(hashes.text_hashes):
        return "completions", "one of these texts was withdrawn and erased; it does not come back"
    return None
