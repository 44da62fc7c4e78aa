"""A whole campaign as native JSONL, in the order of the ledger, so that importing the file gives the same ledger.

Every revision, repeat, purpose, report, declared tension and decision goes along, gold keys and references included.
What the form cannot say stays behind: leases and drafts, work that was skipped, and comparisons with a withdrawn text,
which must not come back. What is left behind is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from app.domain import (
    Adjudication,
    Comparison,
    DeclaredTension,
    GoldKey,
    ImportedComparison,
    Judgment,
    Purpose,
    RaterKind,
    Report,
)
from app.formats.native_writer import write
from app.services import events
from app.services.lookup import find_campaign
from app.store import queries, tables
from app.store.engine import Store
from app.store.queries import StoredComparison
from app.store.visibility import visible
from rubrics.answers import Answer


@dataclass
class ExportCounts:
    """What an export wrote, and what it left behind.

    Attributes:
        n_comparisons: lines.
        n_judgments: judgments, every revision counted.
        n_adjudications: decisions, replaced ones included.
        n_gold: comparisons with a gold key.
        n_left_out_erased: comparisons left behind because a text was withdrawn.
        erased: their ids.
    """

    n_comparisons: int = 0
    n_judgments: int = 0
    n_adjudications: int = 0
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
        judgments = _judgments(connection, chunk)
        for stored in queries.read_comparisons(connection, chunk):
            if stored.erased:
                counts.n_left_out_erased += 1
                counts.erased.append(stored.id)
                continue
            line = _line(stored, judgments.get(stored.row_id, ()), decisions.get(stored.id, ()))
            counts.n_comparisons += 1
            counts.n_judgments += len(line.judgments)
            counts.n_adjudications += len(line.adjudications)
            counts.n_gold += line.comparison.gold is not None
            yield line


def _line(
    stored: StoredComparison, judgments: Sequence[Judgment], decisions: Sequence[Adjudication]
) -> ImportedComparison:
    return ImportedComparison(0, _canonical(stored.comparison), tuple(judgments), tuple(decisions))


def _decisions(connection: Connection, campaign_id: int) -> dict[str, list[Adjudication]]:
    """External id -> decisions, by round's name and position."""
    found: dict[str, list[Adjudication]] = {}
    decisions = queries.adjudications(connection, campaign_id)
    for decision in sorted(decisions, key=lambda one: (one.comparison_id, one.adjudication.round or "", one.position)):
        adjudication = replace(decision.adjudication, answer=_canonical_answer(decision.adjudication.answer))
        found.setdefault(decision.comparison_id, []).append(adjudication)
    return found


# --- judgments ---------------------------------------------------------------------------------------------------


def _judgments(connection: Connection, comparison_ids: Sequence[int]) -> dict[int, list[Judgment]]:
    """Comparison's row number -> its judgments in the order of the ledger, every revision."""
    judgment, assignment = tables.judgment, tables.assignment
    query = (
        select(
            judgment,
            assignment.c.comparison_id,
            assignment.c.repeat_index,
            assignment.c.purpose,
            assignment.c.shown,
            assignment.c.criteria_shown,
            tables.rater.c.name.label("rater"),
            tables.rater.c.kind.label("rater_kind"),
            tables.round_.c.name.label("round_name"),
        )
        .join(assignment, assignment.c.id == judgment.c.assignment_id)
        .join(tables.rater, tables.rater.c.id == assignment.c.rater_id)
        .join(tables.round_, tables.round_.c.id == assignment.c.round_id)
        .where(assignment.c.comparison_id.in_(comparison_ids), visible(judgment.c.batch_id))
        .order_by(judgment.c.id)
    )
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    answers = _by_judgment(connection, tables.verdict, ids)
    tensions = _by_judgment(connection, tables.declared_tension, ids)
    reports = _by_judgment(connection, tables.rater_report, ids)
    found: dict[int, list[Judgment]] = {}
    for row in rows:
        made = _judgment(row, answers.get(row.id, ()), tensions.get(row.id, ()), reports.get(row.id, ()))
        found.setdefault(row.comparison_id, []).append(made)
    return found


def _by_judgment(connection: Connection, table: Any, judgment_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The rows of a table that belong to these judgments, as they were written."""
    found: dict[int, list[Row[Any]]] = {}
    for start in range(0, len(judgment_ids), queries.CHUNK):
        chunk = judgment_ids[start : start + queries.CHUNK]
        query = select(table).where(table.c.judgment_id.in_(chunk))
        if "id" in table.c:
            query = query.order_by(table.c.id)
        for row in connection.execute(query):
            found.setdefault(row.judgment_id, []).append(row)
    return found


def _judgment(
    row: Row[Any], answers: Sequence[Row[Any]], tensions: Sequence[Row[Any]], reports: Sequence[Row[Any]]
) -> Judgment:
    return Judgment(
        rater=row.rater,
        rater_kind=RaterKind(row.rater_kind),
        answers={one.criterion: _stored_answer(one) for one in sorted(answers, key=lambda one: one.criterion)},
        justification=row.justification,
        tensions=tuple(
            DeclaredTension((one.first_criterion, one.second_criterion), one.prevailed, one.why) for one in tensions
        ),
        reports=tuple(Report(one.kind, one.text) for one in reports),
        confidence=row.confidence,
        seconds=row.active_seconds,
        at=row.submitted_at,
        shown=None if row.shown is None else tuple(row.shown),
        criteria_shown=None if row.criteria_shown is None else tuple(row.criteria_shown),
        revision=row.revision,
        repeat_index=row.repeat_index,
        purpose=Purpose(row.purpose),
        round=row.round_name,
        rubric_version=row.rubric_version,
    )


def _stored_answer(row: Row[Any]) -> Answer:
    if row.ranking is not None:
        return Answer(ranking=row.ranking)
    answer = Answer(preferred=row.preferred, strength=row.strength, scores=row.scores, checks=row.checks)
    return _canonical_answer(answer)


# --- one order of keys, whatever the database keeps --------------------------------------------------------------


def _canonical_answer(answer: Answer) -> Answer:
    """The same answer, its scores or checks in id order."""
    if answer.scores is not None:
        return Answer(scores=_sorted(answer.scores))
    if answer.checks is not None:
        return Answer(checks=_sorted(answer.checks))
    return answer


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
    return replace(gold, criteria=_sorted(gold.criteria), distribution=distribution)


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
