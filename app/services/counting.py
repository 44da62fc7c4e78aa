"""The agreement report of a campaign of any size: its counts are kept, and votes that came since are patched in."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
from sqlalchemy import Connection

from app.domain import Purpose
from app.services import vote_events
from app.services.vote_events import Mark
from app.stats.agreement_counts import (
    AgreementCounts,
    CannotPatch,
    PairCounts,
    count_agreement,
    patch_agreement,
)
from app.stats.coding import code_votes
from app.stats.counts import CriterionCounts
from app.stats.patterns import LabelPatterns
from app.stats.report import Report
from app.stats.report_agreement import agreement_report, counted_agreement_report
from app.store.queries import last_event
from app.store.votes import judgments_frame

NOT_EXAM = tuple(purpose.value for purpose in Purpose if purpose is not Purpose.EXAM)
"""Purposes whose votes measure the set; an applicant's answers measure the applicant."""

MOST = 5_000
"""So many changed comparisons are patched in well under a second; more of them are counted afresh, with the rest."""


def make_agreement(
    connection: Connection, campaign_id: int, *, kinds: Collection[str], file: Path, code: str
) -> Report:
    """The agreement report as of now, patched where counts are kept, else from all votes; the counts are kept.

    Args:
        connection: a reading connection.
        campaign_id: the campaign.
        kinds: kinds of rater that count.
        file: where the counts are kept; none are for rankings.
        code: the version of the code; counts of another version are not used.
    """
    report = patched_agreement(connection, campaign_id, kinds=kinds, file=file, code=code)
    if report is not None:
        return report
    now = vote_events.mark(connection, campaign_id, last_event(connection))
    try:
        counts = _count(connection, campaign_id, kinds=kinds, as_of_event=now.event)
    except CannotPatch:
        votes = judgments_frame(connection, campaign_id, kinds=kinds, as_of_event=now.event, purposes=NOT_EXAM)
        return agreement_report(votes, kinds=kinds, as_of_event=now.event)
    keep(file, counts, now, code=code)
    return counted_agreement_report(counts, kinds=kinds, as_of_event=now.event)


def patched_agreement(
    connection: Connection, campaign_id: int, *, kinds: Collection[str], file: Path, code: str
) -> Report | None:
    """The agreement report as of now from kept counts; None where all votes must be counted.

    Args: as of `make_agreement`.
    """
    kept = load(file, code=code)
    if kept is None:
        return None
    counts, then = kept
    now = vote_events.mark(connection, campaign_id, last_event(connection))  # before looking, so that nothing is missed
    changed = vote_events.changed_comparisons(connection, campaign_id, then, most=MOST)
    if changed is None:
        return None
    if changed:
        try:
            before, after = (
                _count(connection, campaign_id, kinds=kinds, as_of_event=event, comparisons=changed)
                for event in (then.event, now.event)
            )
            counts = patch_agreement(counts, before=before, after=after)
        except CannotPatch:
            return None
        keep(file, counts, now, code=code)
    return counted_agreement_report(counts, kinds=kinds, as_of_event=now.event)


def write_whole(file: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".report-")
    with os.fdopen(handle, "wb") as opened:
        write(opened)
    Path(name).replace(file)


def keep(file: Path, counts: AgreementCounts, then: Mark, *, code: str) -> None:
    """Keep counts as arrays with their names as JSON."""
    arrays: dict[str, np.ndarray] = {name: getattr(counts.pairs, name) for name in ("outcomes", "values", "keys", "n")}
    for number, part in enumerate(counts.criteria.values()):
        arrays[f"values-{number}"] = part.values
        for name in ("nominal", "ordered"):
            patterns: LabelPatterns = getattr(part, name)
            arrays |= {f"{name}-rows-{number}": patterns.rows, f"{name}-units-{number}": patterns.n_units}
    names = {
        "code": code,
        "mark": asdict(then),
        "criteria": list(counts.criteria),
        "votes_of_rater": dict(counts.votes_of_rater),
        "n_comparisons": counts.n_comparisons,
        "n_judgments": counts.n_judgments,
        "pairs": {"criterion": counts.pairs.criterion, "raters": list(counts.pairs.raters)},
    }
    write_whole(file, lambda opened: np.savez(opened, names=np.array(json.dumps(names)), **arrays))


def load(file: Path, *, code: str) -> tuple[AgreementCounts, Mark] | None:
    """Kept counts and up to where they go; None where there are none of this version of the code."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
    except FileNotFoundError:
        return None
    names: Mapping[str, Any] = json.loads(str(arrays["names"]))
    if names["code"] != code:
        return None
    pairs = PairCounts(
        names["pairs"]["criterion"],
        tuple(names["pairs"]["raters"]),
        *(arrays[name] for name in ("outcomes", "values", "keys", "n")),
    )
    criteria = {
        criterion: CriterionCounts(
            *(
                LabelPatterns(arrays[f"{name}-rows-{n}"], arrays[f"{name}-units-{n}"])
                for name in ("nominal", "ordered")
            ),
            values=arrays[f"values-{n}"],
        )
        for n, criterion in enumerate(names["criteria"])
    }
    totals = {name: names[name] for name in ("votes_of_rater", "n_comparisons", "n_judgments")}
    return AgreementCounts(criteria, pairs=pairs, **totals), Mark(**names["mark"])


def _count(connection: Connection, campaign_id: int, *, kinds: Collection[str], **which: Any) -> AgreementCounts:
    votes = judgments_frame(connection, campaign_id, kinds=kinds, purposes=NOT_EXAM, **which)
    return count_agreement(code_votes(votes, kinds=kinds), votes)
