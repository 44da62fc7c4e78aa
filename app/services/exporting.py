"""A whole campaign as native JSONL, in the order of the ledger, so that importing the file gives the same ledger.

Every revision, repeat, purpose, scope, report, question and answer, declared tension, review and decision goes along,
gold keys, requirements and references included. What the form cannot say stays behind: leases and drafts, work that was
skipped, what is known of raters and batches beyond single comparisons (skills, exams, audits: `steelyard db backup`
keeps them), and comparisons with a withdrawn text, which must not come back. These are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from app.domain import (
    Adjudication,
    Comparison,
    GoldKey,
    ImportedComparison,
)
from app.formats.native_writer import write
from app.services import events
from app.services.lookup import find_campaign
from app.store import queries
from app.store.engine import Store
from app.store.judgments import in_id_order, read_judgments, read_questions


@dataclass
class ExportCounts:
    """What an export wrote, and what it left behind.

    Attributes:
        n_comparisons: lines.
        n_judgments: judgments, every revision counted.
        n_adjudications: decisions, replaced ones included.
        n_questions: questions and reports outside judgments, with their answers.
        n_reviews: what reviewers and seniors said of judgments.
        n_gold: comparisons with a gold key.
        n_left_out_erased: comparisons left behind because a text was withdrawn.
        erased: their ids.
    """

    n_comparisons: int = 0
    n_judgments: int = 0
    n_adjudications: int = 0
    n_questions: int = 0
    n_reviews: int = 0
    n_gold: int = 0
    n_left_out_erased: int = 0
    erased: list[str] = field(default_factory=list)


def export_campaign(store: Store, campaign_name: str, file: Path | str, *, actor: str = "system") -> ExportCounts:
    """Write a campaign as native JSONL; the file appears under its name when it is complete.

    Args:
        store: the database.
        campaign_name: the campaign.
        file: where; an existing file is replaced.
        actor: who asked.

    Raises:
        NotFound: no such campaign.
    """
    path = Path(file)
    counts = ExportCounts()
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, _lines(connection, campaign.id, counts))
    with store.write() as connection:
        events.record(
            connection,
            actor=actor,
            action="campaign.exported",
            subject=f"campaign {campaign_name}",
            campaign_id=campaign.id,
            detail={name: value for name, value in asdict(counts).items() if name != "erased"},
        )
    return counts


def _lines(connection: Connection, campaign_id: int, counts: ExportCounts) -> Iterator[ImportedComparison]:
    decisions = _decisions(connection, campaign_id)
    row_ids = [fact.row_id for fact in queries.comparison_facts(connection, campaign_id)]
    for start in range(0, len(row_ids), queries.CHUNK):
        chunk = row_ids[start : start + queries.CHUNK]
        judgments, questions = read_judgments(connection, chunk), read_questions(connection, chunk)
        for stored in queries.read_comparisons(connection, chunk):
            if stored.erased:
                counts.n_left_out_erased += 1
                counts.erased.append(stored.id)
                continue
            line = ImportedComparison(
                0,
                _canonical(stored.comparison),
                tuple(judgments.get(stored.row_id, ())),
                tuple(decisions.get(stored.id, ())),
                questions=tuple(questions.get(stored.row_id, ())),
            )
            counts.n_comparisons += 1
            counts.n_judgments += len(line.judgments)
            counts.n_adjudications += len(line.adjudications)
            counts.n_questions += len(line.questions)
            counts.n_reviews += sum(len(one.reviews) for one in line.judgments)
            counts.n_gold += line.comparison.gold is not None
            yield line


def _decisions(connection: Connection, campaign_id: int) -> dict[str, list[Adjudication]]:
    """External id -> decisions, by round's name and position."""
    found: dict[str, list[Adjudication]] = {}
    decisions = queries.adjudications(connection, campaign_id)
    for decision in sorted(decisions, key=lambda one: (one.comparison_id, one.adjudication.round or "", one.position)):
        adjudication = replace(decision.adjudication, answer=in_id_order(decision.adjudication.answer))
        found.setdefault(decision.comparison_id, []).append(adjudication)
    return found


# --- one order of keys, whatever the database keeps --------------------------------------------------------------


def _canonical(comparison: Comparison) -> Comparison:
    """The same comparison, the keys of all objects sorted: some databases keep no order of keys."""
    gold = comparison.gold
    return replace(
        comparison,
        completions=tuple(
            replace(one, parameters=None if one.parameters is None else _sorted(one.parameters))
            for one in comparison.completions
        ),
        gold=None if gold is None else _canonical_gold(gold),
        reference=None if comparison.reference is None else _sorted(comparison.reference),
        meta=_sorted(comparison.meta),
    )


def _canonical_gold(gold: GoldKey) -> GoldKey:
    distribution = None if gold.distribution is None else _sorted(gold.distribution)
    reason = None if gold.suspended_for is None else _sorted(gold.suspended_for)
    return replace(gold, criteria=_sorted(gold.criteria), distribution=distribution, suspended_for=reason)


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
