"""The consensus report: what the votes support, by which model, and which comparisons stay contested."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from app.stats.coding import CLASSES, CodedVotes, code_votes
from app.stats.consensus import Consensus, consensus_frame, majority, one_coin, vote_counts
from app.stats.frames import OVERALL
from app.stats.gold import accepted_by_unit, accuracy_on_gold
from app.stats.report import (
    Document,
    Report,
    counted,
    estimate_row,
    heading,
    make_report,
    number,
    percent,
    table,
    title_lines,
)

MAX_CONTESTED = 50
TEXT_CONTESTED = 10


def consensus_report(
    votes: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    gold: pd.DataFrame | None = None,
) -> Report:
    """Report the consensus of the votes, overall and by criterion.

    Args:
        votes: a vote frame.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        gold: a gold frame to measure the consensus on, or None.

    Returns:
        `criteria` maps each criterion to n_units, votes_per_unit, n_contested (no class has more than half of two or
        more votes), and `methods`: per method its decisions per class, mean stated confidence, agreement with
        majority, accuracy on gold, n_iterations and converged. `contested` lists the 50 most contested units of
        "overall" (or the first criterion): names, votes per class, distribution, decision.
    """
    coded = code_votes(votes, kinds=kinds)
    criteria = {name: _criterion(coded.of(name), votes, gold, name) for name in coded.criteria}
    focus = OVERALL if OVERALL in coded.criteria or not coded.criteria else coded.criteria[0]
    document = heading(kinds, as_of_event, votes, coded) | {
        "criteria": criteria,
        "contested_criterion": focus,
        "contested": _contested(coded.of(focus), votes),
    }
    return make_report("consensus", document, _text(document))


def _criterion(coded: CodedVotes, votes: pd.DataFrame, gold: pd.DataFrame | None, name: str) -> dict[str, Any]:
    baseline = majority(coded)
    accepted = accepted_by_unit(coded, votes, gold, criterion=name)
    methods = {fit.method: _method(fit, baseline, accepted) for fit in (baseline, one_coin(coded))}
    _, counts = vote_counts(coded)
    contested = is_contested(counts)
    return {
        "n_units": len(baseline.unit),
        "votes_per_unit": float(baseline.n_votes.mean()) if len(baseline.unit) else None,
        "n_contested": int(contested.sum()),
        "methods": methods,
        "reading": _reading(len(baseline.unit), int(contested.sum()), methods),
    }


def is_contested(counts: np.ndarray) -> np.ndarray:
    """Return (U,) whether at least two votes were given and no class has more than half of them."""
    total = counts.sum(axis=1)
    return (total >= 2) & (counts.max(axis=1, initial=0) * 2 <= total)


def _method(fit: Consensus, baseline: Consensus, accepted: np.ndarray | None) -> dict[str, Any]:
    decisions = np.bincount(fit.decision, minlength=len(CLASSES))
    n = len(fit.unit)
    return {
        "n": n,
        "decisions": dict(zip(CLASSES, decisions.tolist(), strict=True)),
        "mean_confidence": float(fit.confidence.mean()) if n else None,
        "same_as_majority": float((fit.decision == baseline.decision).mean()) if n else None,
        "accuracy_on_gold": accuracy_on_gold(fit, accepted).to_json(n_name="n_gold"),
        "n_iterations": fit.n_iterations,
        "converged": fit.converged,
    }


def _contested(coded: CodedVotes, votes: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the units whose votes are most evenly split: widest split first, then most votes."""
    fit = one_coin(coded)
    _, counts = vote_counts(coded)
    chosen = np.flatnonzero(is_contested(counts))
    share = counts[chosen].max(axis=1, initial=0) / np.maximum(counts[chosen].sum(axis=1), 1)
    chosen = chosen[np.lexsort((-counts[chosen].sum(axis=1), share))][:MAX_CONTESTED]
    frame = consensus_frame(coded, fit, votes).iloc[chosen]
    return [
        {
            "comparison_id": row.comparison_id,
            "first": row.first,
            "second": row.second,
            "n_votes": row.n_votes,
            "votes": dict(zip(CLASSES, counts[unit].astype(int).tolist(), strict=True)),
            "distribution": {name: getattr(row, f"p_{name}") for name in CLASSES},
            "decision": row.decision,
        }
        for unit, row in zip(chosen, frame.itertuples(index=False), strict=True)
    ]


def _reading(n_units: int, n_contested: int, methods: Document) -> str:
    if n_units == 0:
        return "No votes, no consensus."
    same = methods["one_coin"]["same_as_majority"]
    return (
        f"{counted(n_contested, 'unit')} of {n_units:,} have no class with more than half of the votes; "
        f"weighing raters changes {percent(1 - same)} of the majority's decisions."
    )


def _text(document: Document) -> list[str]:
    lines = title_lines("Consensus", document)
    for name, result in document["criteria"].items():
        rows = []
        for method, fit in result["methods"].items():
            decisions = fit["decisions"]
            counts = [f"{decisions[label]:,}" for label in CLASSES]
            rows.append([method, *counts, number(fit["mean_confidence"]), number(fit["same_as_majority"])])
        header = ("method", *CLASSES, "stated confidence", "same as majority")
        lines += [f"{name}: {counted(result['n_units'], 'unit')}", *table(rows, header=header)]
        gold = [
            estimate_row(f"{method} on gold", fit["accuracy_on_gold"], n_name="n_gold", unit="gold units")
            for method, fit in result["methods"].items()
            if fit["accuracy_on_gold"]["value"] is not None
        ]
        lines += [*table(gold), f"  {result['reading']}", ""]
    return [*lines, *_contested_lines(document)]


def _contested_lines(document: Document) -> list[str]:
    contested = document["contested"][:TEXT_CONTESTED]
    if not contested:
        return []
    rows = []
    for row in contested:
        counts = [str(row["votes"][label]) for label in CLASSES]
        rows.append([f"{row['comparison_id']} ({row['first']}, {row['second']})", *counts, row["decision"]])
    header = ("most contested", *CLASSES, "one-coin")
    return [f"votes on the most contested ({document['contested_criterion']})", *table(rows, header=header)]
