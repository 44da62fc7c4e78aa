"""The consensus report: what the votes support, by which model, and which comparisons stay contested."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from app.stats.calibration import cross_tempered, fit_temperature, stated_against_realised
from app.stats.choice import METHODS, can_anchor, choose_consensus, choose_method, held_out_consensus
from app.stats.coding import CLASSES, CodedVotes, code_votes
from app.stats.consensus import Consensus, consensus_frame, majority, vote_counts
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
        more votes), `chosen_method` with `chosen_because`, and `methods` (majority, one_coin, dawid_skene, and the
        chosen one anchored on gold where there are 20 keys, measured on gold it has not seen): decisions per class,
        mean stated confidence, agreement with majority, accuracy on gold, `calibration` (stated against realised, raw
        and after a temperature fitted on other gold units), n_iterations and converged. `contested` lists the 50 most
        contested units of "overall" (or the first criterion): names, votes per class, distribution, decision.
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
    accepted = accepted_by_unit(coded, votes, gold, criterion=name)
    chosen, reason = choose_method(coded)
    fits = _fits(coded, accepted, chosen)
    baseline = fits["majority"]
    if f"{chosen}_anchored" in fits:
        chosen, reason = f"{chosen}_anchored", f"{reason}; enough gold to anchor on"
    _, counts = vote_counts(coded)
    contested = is_contested(counts)
    methods = {method: _method(fit, baseline, accepted) for method, fit in fits.items()}
    return {
        "n_units": len(baseline.unit),
        "votes_per_unit": float(baseline.n_votes.mean()) if len(baseline.unit) else None,
        "n_contested": int(contested.sum()),
        "methods": methods,
        "chosen_method": chosen,
        "chosen_because": reason,
        "reading": _reading(len(baseline.unit), int(contested.sum()), chosen, methods),
    }


def _fits(coded: CodedVotes, accepted: np.ndarray | None, chosen: str) -> dict[str, Consensus]:
    """Return every method's consensus, and the chosen one anchored on gold, measured on gold it has not seen."""
    fits = {"majority": majority(coded)} | {name: fit(coded) for name, fit in METHODS.items()}
    if chosen in METHODS and can_anchor(accepted):
        fits[f"{chosen}_anchored"] = held_out_consensus(coded, chosen, accepted)
    return fits


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
        "calibration": _calibration(fit, accepted),
        "n_iterations": fit.n_iterations,
        "converged": fit.converged,
    }


def _calibration(fit: Consensus, accepted: np.ndarray | None) -> dict[str, Any]:
    """Return stated against realised accuracy on gold, the temperature, and the same after it."""
    if accepted is None:
        return {"undefined_reason": "no gold key"}
    rows = accepted[fit.unit].any(axis=1)
    posterior, keys = fit.posterior[rows], accepted[fit.unit[rows]]
    hit = keys[np.arange(len(keys)), fit.decision[rows]]
    temperature = fit_temperature(posterior, keys)
    result = {
        "raw": stated_against_realised(posterior.max(axis=1, initial=0), hit),
        "temperature": asdict(temperature),
        "undefined_reason": temperature.undefined_reason,
    }
    if temperature.value is not None:
        cooled = cross_tempered(posterior, keys)
        result["after_temperature"] = stated_against_realised(cooled.max(axis=1), hit)
    return result


def _contested(coded: CodedVotes, votes: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the units whose votes are most evenly split: widest split first, then most votes."""
    fit = choose_consensus(coded)
    _, counts = vote_counts(coded)
    chosen = np.flatnonzero(is_contested(counts))
    share = counts[chosen].max(axis=1, initial=0) / np.maximum(counts[chosen].sum(axis=1), 1)
    frame = consensus_frame(coded, fit, votes).iloc[chosen]
    names = [frame[name].astype(str).to_numpy(object) for name in ("second", "first", "comparison_id")]
    order = np.lexsort((*names, -counts[chosen].sum(axis=1), share))[:MAX_CONTESTED]
    chosen, frame = chosen[order], frame.iloc[order]
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


def _reading(n_units: int, n_contested: int, chosen: str, methods: Document) -> str:
    if n_units == 0:
        return "No votes, no consensus."
    if chosen == "majority":
        return f"{counted(n_contested, 'unit')} of {n_units:,} have no class with more than half of the votes."
    same = methods[chosen]["same_as_majority"]
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
        lines += [f"  chosen: {result['chosen_method']} ({result['chosen_because']})"]
        gold = [
            estimate_row(f"{method} on gold", fit["accuracy_on_gold"], n_name="n_gold", unit="gold units")
            for method, fit in result["methods"].items()
            if fit["accuracy_on_gold"]["value"] is not None
        ]
        lines += [*table(gold), *_calibration_lines(result["methods"]), f"  {result['reading']}", ""]
    return [*lines, *_contested_lines(document)]


def _calibration_lines(methods: Document) -> list[str]:
    """Return stated against realised accuracy of each method, where gold tells."""
    lines = []
    for method, fit in methods.items():
        calibration = fit["calibration"]
        if "raw" not in calibration or calibration["raw"]["stated"] is None:
            continue
        raw, temperature = calibration["raw"], calibration["temperature"]
        text = f"  {method}: states {percent(raw['stated'])}, reaches {percent(raw['realised']['value'])} on gold"
        if temperature["value"] is not None:
            after = calibration["after_temperature"]["stated"]
            text += f"; temperature {temperature['value']:.2f} brings the statement to {percent(after)}"
        lines.append(text)
    return lines


def _contested_lines(document: Document) -> list[str]:
    contested = document["contested"][:TEXT_CONTESTED]
    if not contested:
        return []
    rows = []
    for row in contested:
        counts = [str(row["votes"][label]) for label in CLASSES]
        rows.append([f"{row['comparison_id']} ({row['first']}, {row['second']})", *counts, row["decision"]])
    header = ("most contested", *CLASSES, "decision")
    return [f"votes on the most contested ({document['contested_criterion']})", *table(rows, header=header)]
