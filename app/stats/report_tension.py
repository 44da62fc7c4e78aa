"""The tension report: where criteria pull apart, which prevails, and what the verdicts reveal of the rubric."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.stats.coding import code_votes
from app.stats.heterogeneity import TWO_COMMUNITIES, resolution_heterogeneity
from app.stats.report import (
    Document,
    Report,
    estimate_row,
    heading,
    interval,
    make_report,
    number,
    percent,
    table,
    title_lines,
)
from app.stats.results import Estimate
from app.stats.revealed import RevealedWeights, adjusted_prevails, declared_shares, is_inversion, revealed_weights
from app.stats.tension import (
    COMPARE_FROM,
    SHOW_FROM,
    Profiles,
    TensionPair,
    against_precedence,
    against_weights,
    between_raters,
    build_profiles,
    defiance_share,
    tension_pairs,
    torn_share,
    unexplained_share,
)

Precedence = tuple[str, str, str | None]
"""Two criteria and the one that should prevail; None where it depends on the context."""


def tension_report(
    votes: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    declared_weights: Mapping[str, float] | None = None,
    precedence: Sequence[Precedence] = (),
    vetoes: Collection[str] = (),
    seed: int = 0,
) -> Report:
    """Report tension between criteria.

    Args:
        votes: a vote frame; the criteria and "overall" of one judgment share its judgment_id.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        declared_weights: the rubric's weight per criterion, or None.
        precedence: the rubric's tension rules.
        vetoes: the criteria that decide alone; each prevails over every criterion that is none.
        seed: of the draws behind the intervals of revealed weights.

    Returns:
        `pairs` (most conflicts first): between, n_active, n_conflicts, tension_rate, mean_strength, prevails and
        adjusted_prevails per criterion, clean_prevails (no third criterion active), unresolved, enough_to_show (30
        conflicts), enough_to_compare (93), rule, against_rule, is_inversion, heterogeneity (Tarone's z over raters and
        the spread of their shrunken rates of the first). `revealed_weights` per criterion with declared and gap;
        `revealed_fit`; torn_share, unexplained_share, defiance_share, against_weights; `between_raters`.
    """
    coded = code_votes(votes, kinds=kinds)
    profiles = build_profiles(coded, votes)
    weights = revealed_weights(profiles, seed=seed)
    declared = declared_shares(declared_weights or {}, profiles.criteria)
    rules = {frozenset(rule[:2]): rule[2] for rule in precedence}
    others = [name for name in profiles.criteria if name not in vetoes]
    rules |= {frozenset((veto, other)): veto for veto in vetoes for other in others}
    pairs = [_pair(profiles, pair, weights, declared, rules) for pair in tension_pairs(profiles)]
    document = heading(kinds, as_of_event, votes, coded) | {
        "pairs": sorted(pairs, key=lambda pair: -pair["n_conflicts"]),
        "revealed_weights": {name: _weight(weights.shares[name], declared, name) for name in profiles.criteria},
        "revealed_fit": _fit(weights),
        "torn_share": torn_share(profiles).to_json(),
        "unexplained_share": unexplained_share(profiles).to_json(),
        "defiance_share": defiance_share(profiles).to_json(),
        "against_weights": against_weights(profiles, declared, vetoes=vetoes).to_json(),
        "between_raters": between_raters(profiles).to_json(n_name="n_pairs"),
    }
    document["reading"] = _reading(document)
    return make_report("tensions", document, _text(document))


def _pair(
    profiles: Profiles,
    pair: TensionPair,
    weights: RevealedWeights,
    declared: Mapping[str, float],
    rules: Mapping[frozenset[str], str | None],
) -> dict[str, Any]:
    first, second = pair.between
    adjusted = adjusted_prevails(weights, pair)
    between = frozenset(pair.between)
    winner = rules.get(between)
    return {
        "between": list(pair.between),
        "n_active": pair.n_active,
        "n_conflicts": pair.n_conflicts,
        "tension_rate": pair.rate.to_json(),
        "mean_strength": pair.strength,
        "prevails": {name: estimate.to_json() for name, estimate in pair.prevails.items()},
        "adjusted_prevails": {first: adjusted.to_json(), second: _complement(adjusted).to_json()},
        "clean_prevails": {first: pair.clean.to_json(), second: _complement(pair.clean).to_json()},
        "unresolved": pair.unresolved.to_json(),
        "enough_to_show": pair.n_conflicts >= SHOW_FROM,
        "enough_to_compare": pair.n_conflicts >= COMPARE_FROM,
        "rule": None if between not in rules else winner or "context",
        "against_rule": against_precedence(pair, winner).to_json() if winner else None,
        "is_inversion": is_inversion(adjusted, declared, pair.between),
        "heterogeneity": _heterogeneity(profiles, first, second),
    }


def _heterogeneity(profiles: Profiles, first: str, second: str) -> dict[str, Any]:
    found = resolution_heterogeneity(profiles, first, second)
    quantiles = np.quantile(found.rates, [0.1, 0.5, 0.9]).tolist() if found.n_raters else None
    return {
        "z": found.z,
        "p_value": found.p_value,
        "correlation": found.correlation,
        "n": found.n,
        "n_raters": found.n_raters,
        "shrunken_rates": quantiles and dict(zip(("low", "median", "high"), quantiles, strict=True)),
        "two_communities": None if found.z is None else found.z >= TWO_COMMUNITIES,
        "undefined_reason": found.undefined_reason,
    }


def _complement(estimate: Estimate) -> Estimate:
    """Return the same share seen from the other criterion."""
    if estimate.value is None:
        return estimate
    return Estimate(
        value=1 - estimate.value,
        n=estimate.n,
        low=None if estimate.high is None else 1 - estimate.high,
        high=None if estimate.low is None else 1 - estimate.low,
        method=estimate.method,
        undefined_reason=estimate.undefined_reason,
    )


def _weight(share: Estimate, declared: Mapping[str, float], name: str) -> dict[str, Any]:
    target = declared.get(name)
    gap = None if target is None or share.value is None else share.value - target
    return share.to_json() | {"declared": target, "gap": gap}


def _fit(weights: RevealedWeights) -> dict[str, Any]:
    fit = weights.fit
    if fit is None:
        return {"n_iterations": 0, "converged": None, "undefined_reason": weights.undefined_reason}
    return {
        "n_iterations": fit.n_iterations,
        "converged": fit.converged,
        "n": fit.n,
        "n_clusters": list(fit.n_clusters),
        "undefined_reason": None,
    }


def _reading(document: Document) -> str:
    if not document["pairs"]:
        return "The votes carry fewer than two criteria, so nothing can pull apart."
    torn = document["torn_share"]
    if torn["value"] is None:
        return "No judgment takes a side on two criteria, so nothing can pull apart."
    most = document["pairs"][0]
    sentence = f"{_share(torn)} of {torn['n']:,} judgments are torn"
    if not most["enough_to_show"]:
        return f"{sentence}; no pair of criteria has the {SHOW_FROM} conflicts that a finding needs."
    first, second = most["between"]
    wins = most["prevails"][first]
    if wins["value"] is None:
        return f"{sentence}, most often between {first} and {second}, without an overall verdict to settle it."
    winner = first if wins["value"] >= 0.5 else second
    won = most["prevails"][winner]
    return (
        f"{sentence}, most often between {first} and {second}, where {winner} prevails in {_share(won)} of "
        f"{won['n']:,} decided conflicts."
    )


def _share(estimate: Mapping[str, Any]) -> str:
    return f"{percent(estimate['value'])} [{percent(estimate['low'])}, {percent(estimate['high'])}]"


def _text(document: Document) -> list[str]:
    lines = [*title_lines("Tension between criteria", document), document["reading"], ""]
    if document["pairs"]:
        lines += ["pairs of criteria (share of the judgments on both that pull apart)", *_pair_table(document), ""]
        lines += [
            "which prevails when two pull apart (adjusted: if nothing else pulled)",
            *_prevails_table(document),
            "",
        ]
        lines += ["revealed weights", *_weight_table(document), ""]
    shares = (
        ("torn_share", "torn: some criteria pull apart", "n", "judgments on two or more"),
        ("unexplained_share", "unexplained: no criterion favours a side", "n", "decided judgments"),
        ("defiance_share", "defiance: against every active criterion", "n", "decided judgments"),
        ("against_weights", "against the weighted sum of the rubric", "n", "decided judgments"),
        ("between_raters", "same criteria, opposite verdicts", "n_pairs", "pairs of judgments"),
    )
    rows = [estimate_row(label, document[key], n_name=n, unit=unit) for key, label, n, unit in shares]
    return [*lines, "shares", *table(rows), "", "Intervals are 95 %; their method stands beside each number in --json."]


def _pair_table(document: Document) -> list[str]:
    rows = [
        [
            " / ".join(pair["between"]),
            f"{pair['n_active']:,}",
            f"{pair['n_conflicts']:,}",
            number(pair["tension_rate"]["value"]),
            interval(pair["tension_rate"]),
        ]
        for pair in document["pairs"]
    ]
    return table(rows, header=("criteria", "both active", "conflicts", "rate", ""))


def _prevails_table(document: Document) -> list[str]:
    rows = []
    for pair in document["pairs"]:
        first = pair["between"][0]
        raw, adjusted = pair["prevails"][first], pair["adjusted_prevails"][first]
        notes = [] if pair["enough_to_show"] else [f"fewer than {SHOW_FROM} conflicts"]
        notes += ["against the declared weights"] if pair["is_inversion"] else []
        notes += ["raters follow different rules"] if pair["heterogeneity"]["two_communities"] else []
        rows.append(
            [
                f"{first} over {pair['between'][1]}",
                number(raw["value"]),
                interval(raw),
                f"{raw['n']:,}",
                number(adjusted["value"]) if adjusted["value"] is not None else "",
                interval(adjusted),
                "; ".join(notes),
            ]
        )
    return table(rows, header=("pair", "prevails", "", "n", "adjusted", "", ""))


def _weight_table(document: Document) -> list[str]:
    weights = document["revealed_weights"]
    reason = document["revealed_fit"]["undefined_reason"]
    if reason:
        return [f"  undefined: {reason}"]
    rows = [
        [name, number(weight["value"]), interval(weight), number(weight["declared"]) if weight["declared"] else ""]
        for name, weight in weights.items()
    ]
    return table(rows, header=("criterion", "revealed", "", "declared"))
