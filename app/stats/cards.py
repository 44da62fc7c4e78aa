"""Rater cards: everything the statistics say of each rater, gathered in one dict per rater."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.stats.coding import N_CLASSES, CodedVotes
from app.stats.conduct import SideRuns, duplicate_justifications, pace, runs_p_value, side_runs
from app.stats.consensus import Consensus
from app.stats.drift import STOP_AT, WARN_AT, Trend, cochran_armitage, cusum, rolling_accuracy, sittings, time_order
from app.stats.rater_quality import (
    Leanings,
    class_bias_document,
    confidence_report,
    decayed_accuracy,
    label_errors,
    leanings,
    self_consistency,
    swap_consistency,
)
from app.stats.raters import Tally, agreement_with_others, first_shown_wins, gold_accuracy, missing, ties

MOST_ANSWERS = 200
"""Gold answers whose path a card holds: the last ones."""
NO_JUSTIFICATIONS = "justifications not in the votes"


@dataclass(frozen=True)
class GoldAnswers:
    """A rater's answers on gold, oldest first.

    Attributes:
        right: (n,) whether each is among the key's accepted ones.
        confidence: (n,) stated levels, NaN where none.
    """

    right: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class CardMaterial:
    """What the cards are made of; arrays are indexed by rater code.

    Attributes:
        everything: the votes with missing ones.
        tallies: shares with the reason why one may be undefined.
        gold: answers on gold of the raters who have any.
        leanings: against the other raters.
        pace: see `conduct.pace`.
        runs: sides chosen.
        fatigue: trend of disagreement within sittings.
        kinds: kind of each rater.
    """

    everything: CodedVotes
    tallies: Mapping[str, tuple[Tally | None, str]]
    gold: Mapping[int, GoldAnswers]
    leanings: Leanings
    pace: pd.DataFrame
    runs: Mapping[int, SideRuns]
    fatigue: Mapping[int, Trend]
    kinds: np.ndarray


def gather(
    everything: CodedVotes,
    repeated: CodedVotes,
    votes: pd.DataFrame,
    *,
    accepted: np.ndarray | None,
    consensus: Consensus,
    n_words: np.ndarray | None = None,
) -> CardMaterial:
    """Compute what the cards hold.

    Args:
        everything: first votes on one criterion, missing ones kept.
        repeated: all votes on it, repeats kept, missing ones not.
        votes: the frame that was coded.
        accepted: (n_units, 4) classes that gold keys accept, by the unit codes of `everything`, or None.
        consensus: of the first votes.
        n_words: (n_units,) words on screen, or None.
    """
    coded = everything.keep(everything.outcome < N_CLASSES)
    return CardMaterial(
        everything=everything,
        tallies={
            "agreement_with_others": (agreement_with_others(coded), "nobody else judged the same"),
            "gold_accuracy": (gold_accuracy(coded, accepted), "no gold key among these judgments"),
            "self_consistency": (_aligned(self_consistency(repeated, votes), repeated, everything), "no blind repeats"),
            "swap_consistency": (
                _aligned(swap_consistency(repeated, votes), repeated, everything),
                "no swapped repeats",
            ),
            "label_error_rate": (label_errors(coded, consensus), "no votes"),
            "first_shown_wins": (first_shown_wins(coded, votes), "order on screen not recorded"),
            "tie_share": (ties(coded), "no votes"),
            "missing_share": (missing(everything), "no votes"),
            "duplicate_justifications": (duplicate_justifications(coded, votes), NO_JUSTIFICATIONS),
        },
        gold=gold_answers(coded, votes, accepted),
        leanings=leanings(coded),
        pace=pace(coded, votes, n_words),
        runs=side_runs(coded, votes),
        fatigue=fatigue_by_rater(coded, votes, disagreement(coded, consensus)),
        kinds=_kinds(everything, votes),
    )


def cards(material: CardMaterial) -> list[dict[str, Any]]:
    """Return one card per rater, most votes first."""
    n_votes = np.bincount(material.everything.rater, minlength=material.everything.n_raters)
    order = np.lexsort((np.arange(len(n_votes)), -n_votes))
    return [_card(material, int(code), int(n_votes[code])) for code in order if n_votes[code]]


def gold_answers(coded: CodedVotes, votes: pd.DataFrame, accepted: np.ndarray | None) -> dict[int, GoldAnswers]:
    """Return each rater's first answers on units with a key, oldest first; raters without any are absent."""
    if accepted is None:
        return {}
    order = time_order(coded, votes)
    order = order[accepted[coded.unit[order]].any(axis=1)]
    right = accepted[coded.unit[order], coded.outcome[order]]
    confidence = votes["confidence"].to_numpy(float)[coded.row[order]]
    rater = coded.rater[order]
    return {int(code): GoldAnswers(right[rater == code], confidence[rater == code]) for code in np.unique(rater)}


def disagreement(coded: CodedVotes, consensus: Consensus) -> np.ndarray:
    """Return (N,) whether a vote differs from the consensus of its unit; NaN where nobody else voted."""
    row = np.zeros(coded.n_units, np.int64)
    row[consensus.unit] = np.arange(len(consensus.unit))
    at = row[coded.unit]
    differs = (consensus.decision[at] != coded.outcome).astype(float)
    return np.where(consensus.n_votes[at] >= 2, differs, np.nan)


def fatigue_by_rater(coded: CodedVotes, votes: pd.DataFrame, differs: np.ndarray) -> dict[int, Trend]:
    """Return, per rater with timed votes, the trend of disagreement over the position in a sitting."""
    table = sittings(coded, votes)
    table = table[~np.isnan(differs[table["vote"]])]
    rater = coded.rater[table["vote"].to_numpy()]
    return {
        int(code): cochran_armitage(
            differs[part["vote"].to_numpy()], part["position"].to_numpy(), part["sitting"].to_numpy()
        )
        for code, part in table.groupby(rater)
    }


def _card(material: CardMaterial, code: int, n_votes: int) -> dict[str, Any]:
    everything = material.everything
    card: dict[str, Any] = {
        "rater": str(everything.rater_ids[code]),
        "kind": str(material.kinds[code]),
        "n_votes": n_votes,
    }
    for key, (tally, reason) in material.tallies.items():
        empty = Tally(np.zeros(1), np.zeros(1)).estimate(0, reason=reason)
        card[key] = (empty if tally is None else tally.estimate(code, reason=reason)).to_json()
    gold = material.gold.get(code, GoldAnswers(np.zeros(0, bool), np.zeros(0)))
    leaning = material.leanings
    has_others = bool(leaning.n[code])
    return card | {
        "recent_gold_accuracy": decayed_accuracy(gold.right).to_json(),
        "confidence": asdict(confidence_report(gold.confidence, gold.right)),
        "drift": _drift(gold),
        "class_bias": class_bias_document(leaning, code),
        "severity": float(leaning.severity[code]) if has_others else None,
        "extremity": float(leaning.extremity[code]) if has_others else None,
        "n_beside_others": int(leaning.n[code]),
        "pace": _pace(material.pace, code),
        "side_runs": _runs(material.runs.get(code)),
        "fatigue": asdict(material.fatigue.get(code, Trend(None, None, 0, 0, "no times"))),
    }


def _drift(gold: GoldAnswers) -> dict[str, Any]:
    """Return the CUSUM with its path over the last answers; `first` is the number of the first answer of the path."""
    n = len(gold.right)
    if n == 0:
        empty = {"n": 0, "level": None, "highest": None, "state": None, "first": None, "path": [], "accuracy": []}
        return empty | {"undefined_reason": "no gold answers"}
    found = cusum(gold.right)
    state = "stop" if found.level >= STOP_AT else "warn" if found.level >= WARN_AT else "steady"
    shown = slice(max(0, n - MOST_ANSWERS), None)
    return {
        "n": n,
        "level": found.level,
        "highest": found.highest,
        "state": state,
        "first": shown.start + 1,
        "path": np.round(found.path[shown], 3).tolist(),
        "accuracy": np.round(rolling_accuracy(gold.right)[shown], 3).tolist(),
        "undefined_reason": None,
    }


def _pace(table: pd.DataFrame, code: int) -> dict[str, Any]:
    if code not in table.index:
        return {"n": 0, "median_seconds": None, "relative": None, "n_below_floor": 0, "undefined_reason": "no times"}
    row = table.loc[code]
    return {
        "n": int(row["n"]),
        "median_seconds": float(row["median_seconds"]),
        "relative": None if np.isnan(row["relative"]) else float(row["relative"]),
        "n_below_floor": int(row["n_below_floor"]),
        "undefined_reason": None,
    }


def _runs(runs: SideRuns | None) -> dict[str, Any]:
    if runs is None:
        return {"n": 0, "longest": None, "runs": None, "p_value": None, "undefined_reason": "order not recorded"}
    reason = None if runs.z is not None else "fewer than 20 decided votes, or a single side"
    return {
        "n": runs.n,
        "longest": runs.longest,
        "runs": runs.runs,
        "p_value": runs_p_value(runs),
        "undefined_reason": reason,
    }


def _kinds(coded: CodedVotes, votes: pd.DataFrame) -> np.ndarray:
    row_of = np.zeros(coded.n_raters, np.int64)
    row_of[coded.rater] = coded.row
    return votes["rater_kind"].iloc[row_of].astype(str).to_numpy() if len(votes) else np.zeros(0, object)


def _aligned(tally: Tally, source: CodedVotes, target: CodedVotes) -> Tally:
    """Return a tally by the rater codes of another coding of the same frame."""
    code = {str(name): position for position, name in enumerate(source.rater_ids)}
    at = np.array([code.get(str(name), -1) for name in target.rater_ids], np.int64)
    hits, n = (
        np.where(at >= 0, values[at], 0.0) if len(values) else np.zeros(len(at)) for values in (tally.hits, tally.n)
    )
    return Tally(hits, n)
