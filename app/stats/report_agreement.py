"""The agreement report: how far raters agree, by criterion and by pair of raters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.stats.agreement import (
    N_BOOTSTRAP,
    alpha_statistic,
    bootstrap,
    krippendorff_alpha,
    percent_agreement,
    percent_agreement_statistic,
    with_bootstrap,
)
from app.stats.agreement_counts import AgreementCounts, largest_pairs, pairs_criterion
from app.stats.ceiling import human_ceiling
from app.stats.coding import CLASSES, N_CLASSES, CodedVotes, code_votes
from app.stats.coefficients import fleiss_kappa, gwet_ac
from app.stats.counts import CriterionCounts, criterion_counts
from app.stats.kappa import PairTables, agreement_weights, cohen_kappa, joint_table, rater_pairs
from app.stats.patterns import LabelPatterns
from app.stats.rankings import ranking_agreement
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

STRICT = (CLASSES.index("first"), CLASSES.index("second"))
MIN_SHARED = 20
MAX_PAIRS = 200
TEXT_PAIRS = 10


def agreement_report(
    votes: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    n_bootstrap: int = N_BOOTSTRAP,
    seed: int = 0,
) -> Report:
    """Report agreement between raters, overall and by criterion.

    Args:
        votes: a vote frame.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        n_bootstrap: resamples of the comparisons behind each bootstrap interval.
        seed: of the resamples.

    Returns:
        `criteria` maps each criterion to percent_agreement, percent_agreement_without_ties, krippendorff_alpha
        (nominal), krippendorff_alpha_ordinal and _interval (of the signed value), fleiss_kappa, gwet_ac1, gwet_ac2
        (quadratic), human_ceiling (agreement, kappa, strict), for rankings kendall_w and kendall_tau_b, `flags` and
        `reading`; `rater_pairs` the 200 pairs with the most shared units (at least 20),
        `rater_pairs_omitted` how many others met at all. Pairs are those of `rater_pairs_criterion`.
    """
    coded = code_votes(votes, kinds=kinds)
    criteria = {name: _criterion(coded.of(name), votes, n_bootstrap, seed) for name in coded.criteria}
    document = heading(kinds, as_of_event, votes, coded) | {"criteria": criteria} | _pairs(coded)
    return make_report("agreement", document, _text(document))


def counted_agreement_report(
    counts: AgreementCounts,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    n_bootstrap: int = N_BOOTSTRAP,
    seed: int = 0,
) -> Report:
    """Return the agreement report from counts, fresh or patched; the same as `agreement_report` of the votes.

    Args:
        counts: see `agreement_counts`.
        kinds: kinds of rater that were counted.
        as_of_event: the event that the counts go up to, or None.
        n_bootstrap: resamples of the comparisons behind each bootstrap interval.
        seed: of the resamples.
    """
    criteria = {
        name: criterion_document(part, n_bootstrap=n_bootstrap, seed=seed) for name, part in counts.criteria.items()
    }
    opening = {
        "kinds": sorted(kinds),
        "as_of_event": as_of_event,
        "n_comparisons": counts.n_comparisons,
        "n_raters": counts.n_raters,
        "n_judgments": counts.n_judgments,
    }
    tables, omitted = largest_pairs(counts.pairs, min_n=MIN_SHARED, largest=MAX_PAIRS)
    document = opening | {"criteria": criteria} | _pair_rows(counts.pairs.criterion, tables, omitted)
    return make_report("agreement", document, _text(document))


def criterion_document(counts: CriterionCounts, *, n_bootstrap: int = N_BOOTSTRAP, seed: int = 0) -> dict[str, Any]:
    """Return the count-based numbers of one criterion: nominal ones on the outcome, the others on the signed value.

    Args:
        counts: label counts, fresh or patched.
        n_bootstrap: resamples of the comparisons.
        seed: of the resamples.
    """
    nominal, ordered, values = counts.nominal, counts.ordered, counts.values
    draws = bootstrap(
        nominal,
        {
            "all": percent_agreement_statistic(nominal),
            "strict": percent_agreement_statistic(nominal, only=STRICT),
            "nominal": alpha_statistic(nominal),
        },
        n_resamples=n_bootstrap,
        seed=seed,
    )
    draws |= bootstrap(
        ordered,
        {level: alpha_statistic(ordered, level=level, values=values) for level in ("ordinal", "interval")},
        n_resamples=n_bootstrap,
        seed=seed,
    )
    strict = with_bootstrap(percent_agreement(nominal, only=STRICT), draws["strict"])
    result = {
        "percent_agreement": with_bootstrap(percent_agreement(nominal), draws["all"]).to_json(n_name="n_pairs"),
        "percent_agreement_without_ties": strict.to_json(n_name="n_pairs"),
        "krippendorff_alpha": _alpha(nominal, "nominal", None, draws),
        "krippendorff_alpha_ordinal": _alpha(ordered, "ordinal", values, draws),
        "krippendorff_alpha_interval": _alpha(ordered, "interval", values, draws),
        "fleiss_kappa": fleiss_kappa(nominal).to_json(n_name="n_units"),
        "gwet_ac1": gwet_ac(nominal, n_labels=_n_labels(nominal)).to_json(n_name="n_units"),
        "gwet_ac2": gwet_ac(ordered, weights=agreement_weights("quadratic", values)).to_json(n_name="n_units"),
        "human_ceiling": _ceiling(nominal, n_bootstrap, seed),
    }
    return result | {"flags": alpha_flags(result["krippendorff_alpha"]), "reading": _reading(result)}


def _criterion(coded: CodedVotes, votes: pd.DataFrame, n_bootstrap: int, seed: int) -> dict[str, Any]:
    counts = criterion_counts(coded)
    result = criterion_document(counts, n_bootstrap=n_bootstrap, seed=seed)
    if counts.nominal.cluster_counts is not None:
        rankings = ranking_agreement(coded, votes, n_bootstrap=n_bootstrap, seed=seed)
        result["kendall_w"] = rankings.kendall_w.to_json(n_name="n_comparisons")
        result["kendall_tau_b"] = rankings.kendall_tau_b.to_json(n_name="n_pairs")
    return result


def _alpha(patterns: LabelPatterns, level: str, values, draws) -> dict[str, Any]:
    alpha = krippendorff_alpha(patterns, level=level, values=values)
    estimate = with_bootstrap(alpha.estimate, draws[level])
    parts = {"observed_disagreement": alpha.observed, "expected_disagreement": alpha.expected}
    return {"level": level} | estimate.to_json(n_name="n_votes") | parts


def _ceiling(patterns: LabelPatterns, n_bootstrap: int, seed: int) -> dict[str, Any]:
    ceiling = human_ceiling(patterns, n_bootstrap=n_bootstrap, seed=seed)
    return {
        "agreement": ceiling.agreement.to_json(n_name="n_votes"),
        "kappa": ceiling.kappa.to_json(n_name="n_votes"),
        "strict": ceiling.strict.to_json(n_name="n_votes"),
    }


def _n_labels(patterns: LabelPatterns) -> int:
    """Return how many classes the voters use: both_bad and tie count only where somebody gave them."""
    used = (patterns.n_units @ patterns.rows) > 0
    return max(2, int(used.sum()))


def alpha_flags(alpha: Document) -> list[str]:
    """Return what is suspicious about an alpha: above .99, or not distinguishable from 0."""
    if alpha["value"] is None:
        return []
    if alpha["value"] > 0.99:
        return ["alpha above .99: real people hardly ever agree so well; were votes copied, or made from one source?"]
    if alpha["low"] is not None and alpha["low"] <= 0.0 <= alpha["high"]:
        return ["alpha is not distinguishable from 0: votes agree no more than chance; were ids or sides mixed up?"]
    return []


def _pairs(coded: CodedVotes) -> dict[str, Any]:
    """Return the largest pairs of raters on the overall verdict, or on the first criterion where there is none."""
    criterion = pairs_criterion(coded.criteria)
    one = coded.of(criterion)
    chosen, omitted = rater_pairs(one, min_n=MIN_SHARED, largest=MAX_PAIRS)
    positions = np.concatenate([pair.positions.ravel() for pair in chosen]) if chosen else np.zeros(0, np.int64)
    values = np.unique(np.round(one.value[positions], 9) + 0.0)
    tables = [
        PairTables(
            (str(one.rater_ids[pair.raters[0]]), str(one.rater_ids[pair.raters[1]])),
            joint_table(*one.outcome[pair.positions], N_CLASSES),
            joint_table(*np.searchsorted(values, one.value[pair.positions] - 1e-9), len(values)),
            values,
        )
        for pair in chosen
    ]
    return _pair_rows(criterion, tables, omitted)


def _pair_rows(criterion: str, tables: Sequence[PairTables], omitted: int) -> dict[str, Any]:
    """Return the part of the document about pairs of raters."""
    rows = []
    for pair in tables:
        kappa = cohen_kappa(pair.nominal)
        weighted = {
            f"cohen_kappa_{name}": cohen_kappa(pair.ordered, weights=agreement_weights(name, pair.values)).value
            for name in ("linear", "quadratic")
        }
        rows.append(
            {
                "raters": list(pair.raters),
                "n": pair.n,
                "percent_agreement": pair.nominal.trace() / pair.n,
                "cohen_kappa": kappa.value,
                "cohen_kappa_low": kappa.low,
                "cohen_kappa_high": kappa.high,
                **weighted,
                "method": kappa.method,
                "undefined_reason": kappa.undefined_reason,
            }
        )
    return {"rater_pairs_criterion": criterion, "rater_pairs": rows, "rater_pairs_omitted": omitted}


def _reading(result: Document) -> str:
    agreement, alpha = result["percent_agreement"], result["krippendorff_alpha"]
    if agreement["value"] is None:
        return "Nothing was judged by two raters, so agreement cannot be told."
    opening = f"Two raters give the same answer {percent(agreement['value'])} of the time"
    if alpha["value"] is None:
        return f"{opening}; alpha is undefined ({alpha['undefined_reason']})."
    verdict = (
        "firm enough to build on"
        if alpha["value"] >= 0.8
        else "good enough for tentative conclusions"
        if alpha["value"] >= 0.667
        else "better than chance, but single votes say little: use several per comparison"
        if alpha["low"] is None or alpha["low"] > 0
        else "no better than chance"
    )
    return f"{opening}; alpha {alpha['value']:.2f} is {verdict}."


_LABELS = (
    ("percent_agreement", "percent agreement", "n_pairs", "pairs of votes"),
    ("percent_agreement_without_ties", "  without ties", "n_pairs", "pairs of votes"),
    ("krippendorff_alpha", "Krippendorff's alpha, nominal", "n_votes", "votes"),
    ("krippendorff_alpha_ordinal", "  ordinal", "n_votes", "votes"),
    ("krippendorff_alpha_interval", "  interval", "n_votes", "votes"),
    ("fleiss_kappa", "Fleiss' kappa", "n_units", "units"),
    ("gwet_ac1", "Gwet's AC1", "n_units", "units"),
    ("gwet_ac2", "Gwet's AC2, quadratic", "n_units", "units"),
)


def _text(document: Document) -> list[str]:
    lines = title_lines("Agreement between raters", document)
    for name, result in document["criteria"].items():
        if result["percent_agreement"]["value"] is None:
            lines += [name, f"  {result['reading']}", ""]
            continue
        rows = [estimate_row(label, result[key], n_name=n, unit=unit) for key, label, n, unit in _LABELS]
        rows += _extra_rows(result)
        lines += [name, *table(rows), f"  {result['reading']}", *(f"  ! {flag}" for flag in result["flags"]), ""]
    return [*lines, *_pair_lines(document)]


def _extra_rows(result: Document) -> list[list[str]]:
    """Return the rows of the human ceiling, and of rankings where there are any."""
    ceiling = result["human_ceiling"]
    rows = [
        estimate_row("human ceiling: a vote against the rest", ceiling["agreement"], n_name="n_votes", unit="votes"),
        estimate_row("  corrected for chance", ceiling["kappa"], n_name="n_votes", unit="votes"),
        estimate_row("  decided votes only", ceiling["strict"], n_name="n_votes", unit="votes"),
    ]
    if "kendall_w" in result:
        rows.append(estimate_row("Kendall's W", result["kendall_w"], n_name="n_comparisons", unit="comparisons"))
        rows.append(
            estimate_row("Kendall's tau-b", result["kendall_tau_b"], n_name="n_pairs", unit="pairs of rankings")
        )
    return rows


def _pair_lines(document: Document) -> list[str]:
    pairs = document["rater_pairs"]
    if not pairs:
        return [f"No two raters share {MIN_SHARED} units."]
    rows = [
        [
            " & ".join(pair["raters"]),
            f"{pair['n']:,}",
            number(pair["percent_agreement"]),
            number(pair["cohen_kappa"]),
            interval({"low": pair["cohen_kappa_low"], "high": pair["cohen_kappa_high"]}),
        ]
        for pair in pairs[:TEXT_PAIRS]
    ]
    shown = f"{min(len(pairs), TEXT_PAIRS)} of {len(pairs) + document['rater_pairs_omitted']:,}"
    return [
        f"pairs of raters ({document['rater_pairs_criterion']}; {shown}, most shared units first)",
        *table(rows, header=("raters", "n", "agreement", "Cohen's kappa", "")),
        "",
        "Intervals are 95 %: percentages and alpha by bootstrap over comparisons, the others by their analytic errors.",
    ]
