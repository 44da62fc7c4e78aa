"""A tension rule proposed from the votes, with its evidence: to be read and edited, never taken as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.stats.report import percent

CONTEXT = "context"


@dataclass(frozen=True)
class Proposal:
    """A rule for a pair of criteria.

    Attributes:
        between: the two criteria.
        precedence: the criterion that should prevail, or "context".
        guidance: what raters would read; a beginning.
        evidence: why, in sentences with n and intervals.
        is_change: whether it differs from the rule that the rubric has.
    """

    between: tuple[str, str]
    precedence: str
    guidance: str
    evidence: tuple[str, ...]
    is_change: bool


def propose_rule(pair: Mapping[str, Any]) -> Proposal | None:
    """Return a rule for a pair of the tension report, or None with fewer than 30 conflicts.

    A criterion is proposed where it prevails with its whole interval above one half, adjusted where that is defined and
    raw elsewhere, and raters do not form two communities; else the context decides.

    Args:
        pair: an entry of `pairs` in the document of `tension_report`.
    """
    if not pair["enough_to_show"]:
        return None
    first, second = pair["between"]
    split = bool(pair["heterogeneity"]["two_communities"])
    winner = None if split else _winner(pair)
    precedence = winner or CONTEXT
    loser = second if winner == first else first
    if winner:
        guidance = f"Prefer the response that is better on {winner}, even where it is worse on {loser}."
    else:
        guidance = f"Say when {first} matters more, and when {second} does."
    return Proposal(
        (first, second), precedence, guidance, tuple(_evidence(pair, split=split)), precedence != pair["rule"]
    )


def _winner(pair: Mapping[str, Any]) -> str | None:
    for key in ("adjusted_prevails", "prevails"):
        shares = pair[key]
        if shares[pair["between"][0]]["low"] is not None:
            return next((name for name in pair["between"] if shares[name]["low"] > 0.5), None)
    return None


def _evidence(pair: Mapping[str, Any], *, split: bool) -> list[str]:
    first, second = pair["between"]
    rate, raw, adjusted = pair["tension_rate"], pair["prevails"][first], pair["adjusted_prevails"][first]
    said = [
        f"They pull apart in {_share(rate)} of {pair['n_active']:,} judgments that favour a side on both."
        if rate["low"] is not None
        else f"They pull apart in {pair['n_conflicts']:,} judgments.",
    ]
    if raw["low"] is not None:
        said.append(f"{first} prevails over {second} in {_share(raw)} of {raw['n']:,} decided conflicts.")
    if adjusted["low"] is not None:
        said.append(f"If nothing else pulled, it would in {_share(adjusted)}.")
    if pair["unresolved"]["value"] is not None:
        said.append(f"{_share(pair['unresolved'])} of {pair['unresolved']['n']:,} conflicts end in a tie.")
    if split:
        z, n = pair["heterogeneity"]["z"], pair["heterogeneity"]["n_raters"]
        said.append(f"Raters follow different rules (Tarone's Z {z:.1f} over {n} raters): a rule would settle it.")
    if pair["rule"]:
        said.append(f"The rubric says {pair['rule']} now.")
    return said


def _share(estimate: Mapping[str, Any]) -> str:
    return f"{percent(estimate['value'])} [{percent(estimate['low'])}, {percent(estimate['high'])}]"
