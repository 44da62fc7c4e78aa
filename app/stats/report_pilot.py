"""The pilot report: what to change in a rubric before anybody is paid to judge by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.stats.agreement import alpha_statistic, bootstrap, krippendorff_alpha, with_bootstrap
from app.stats.coding import N_CLASSES, CodedVotes, code_votes
from app.stats.counts import criterion_counts
from app.stats.frames import MISSING_OUTCOMES, OUTCOMES, OVERALL
from app.stats.intervals import wilson_clustered
from app.stats.pilot import MIN_UNITS, rank_ambiguity, rank_likeness
from app.stats.pilot_advice import advise
from app.stats.report import (
    Document,
    Report,
    heading,
    interval,
    make_report,
    number,
    percent,
    table,
    title_lines,
)
from app.stats.results import Estimate
from app.stats.tension import (
    SHOW_FROM,
    Profiles,
    build_profiles,
    defiance_share,
    tension_pairs,
    torn_share,
    unexplained_share,
)

MIN_JUDGMENTS = 30
"""Judgments from which a share is worth showing."""
N_DISPUTED = 5


def pilot_report(
    votes: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    scales: Mapping[str, str] | None = None,
    precedence: Sequence[tuple[str, str, str | None]] = (),
    seed: int = 0,
) -> Report:
    """Report what a pilot says of its rubric.

    Args:
        votes: a vote frame of one pilot.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        scales: criterion -> name of its scale (see `pilot.rank_ambiguity`).
        precedence: the rubric's tension rules, those that leave it to the context included.
        seed: of the resamples behind the intervals.

    Returns:
        `ambiguity` (the vaguest first): criterion, agreement, krippendorff_alpha_ordinal, vaguest_share, disputed
        (comparisons on which raters differ most), enough_to_show (20 comparisons with two votes). `redundancy` (the
        closest first): between, correlation, separated (share of the judgments in which the two do not favour the
        same), enough_to_show. `not_applicable` (the most first): criterion, not_applicable, cannot_judge,
        enough_to_show (30 answers). `tension` (the most torn first): between, tension_rate, n_conflicts, prevails,
        unresolved, has_rule, enough_to_show (30 judgments on both), enough_to_resolve (30 conflicts).
        `unexplained_share`, `defiance_share`, `torn_share`. `advice`: kind, criteria, sentence; the gravest first.
    """
    everything = code_votes(votes, kinds=kinds, keep_missing=True)
    coded = everything.keep(everything.outcome < N_CLASSES)
    profiles = build_profiles(coded, votes)
    criteria = tuple(name for name in everything.criteria if name != OVERALL)
    rules = {frozenset(rule[:2]) for rule in precedence}
    document = heading(kinds, as_of_event, votes, coded) | {
        "ambiguity": _ambiguity(coded, votes, criteria, scales, seed),
        "redundancy": _redundancy(coded, profiles, seed),
        "not_applicable": _not_applicable(everything, criteria),
        "tension": _tension(profiles, rules),
        "unexplained_share": unexplained_share(profiles).to_json(),
        "defiance_share": defiance_share(profiles).to_json(),
        "torn_share": torn_share(profiles).to_json(),
    }
    document["advice"] = advise(document, min_judgments=MIN_JUDGMENTS)
    document["reading"] = _reading(document)
    return make_report("pilot", document, _text(document))


def _ambiguity(
    coded: CodedVotes, votes: pd.DataFrame, criteria: tuple[str, ...], scales: Mapping[str, str] | None, seed: int
) -> list[dict[str, Any]]:
    named = _comparison_of_units(coded, votes)
    return [
        {
            "criterion": one.criterion,
            "agreement": one.agreement.to_json(n_name="n_comparisons"),
            "krippendorff_alpha_ordinal": _alpha(coded.of(one.criterion), seed).to_json(n_name="n_votes"),
            "vaguest_share": one.vaguest_share,
            "disputed": list(dict.fromkeys(named[unit] for unit in one.disputed))[:N_DISPUTED],
            "enough_to_show": one.agreement.n >= MIN_UNITS,
        }
        for one in rank_ambiguity(coded, criteria, scales=scales, seed=seed)
    ]


def _alpha(coded: CodedVotes, seed: int) -> Estimate:
    """Return Krippendorff's alpha (ordinal) of one criterion with its interval."""
    counts = criterion_counts(coded)
    statistic = alpha_statistic(counts.ordered, level="ordinal", values=counts.values)
    draws = bootstrap(counts.ordered, {"alpha": statistic}, seed=seed)
    alpha = krippendorff_alpha(counts.ordered, level="ordinal", values=counts.values)
    return with_bootstrap(alpha.estimate, draws["alpha"])


def _comparison_of_units(coded: CodedVotes, votes: pd.DataFrame) -> dict[int, str]:
    units, examples = np.unique(coded.unit, return_index=True)
    names = votes["comparison_id"].iloc[coded.row[examples]]
    return dict(zip(units.tolist(), map(str, names), strict=True))


def _redundancy(coded: CodedVotes, profiles: Profiles, seed: int) -> list[dict[str, Any]]:
    return [
        {
            "between": list(one.between),
            "correlation": one.correlation.to_json(n_name="n_comparisons"),
            "separated": _separated(profiles, *one.between).to_json(),
            "enough_to_show": one.correlation.n >= MIN_UNITS,
        }
        for one in rank_likeness(coded, profiles.criteria, seed=seed)
    ]


def _separated(profiles: Profiles, first: str, second: str) -> Estimate:
    """Return the share of the judgments on both criteria in which they do not favour the same response."""
    i, j = profiles.criteria.index(first), profiles.criteria.index(second)
    both = ~np.isnan(profiles.values[:, [i, j]]).any(axis=1)
    differ = (profiles.signs[:, i] != profiles.signs[:, j])[both]
    return wilson_clustered(differ, [profiles.rater[both], profiles.comparison[both]])


def _not_applicable(everything: CodedVotes, criteria: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = []
    for name in criteria:
        one = everything.of(name)
        clusters = [one.rater, one.unit_comparison[one.unit].astype(np.int64)]
        shares = {
            missing: wilson_clustered(one.outcome == OUTCOMES.index(missing), clusters).to_json()
            for missing in MISSING_OUTCOMES
        }
        rows.append({"criterion": name, **shares, "enough_to_show": len(one) >= MIN_JUDGMENTS})
    return sorted(rows, key=lambda row: (-(row["not_applicable"]["value"] or 0.0), row["criterion"]))


def _tension(profiles: Profiles, rules: set[frozenset[str]]) -> list[dict[str, Any]]:
    rows = [
        {
            "between": list(pair.between),
            "tension_rate": pair.rate.to_json(),
            "n_conflicts": pair.n_conflicts,
            "prevails": {name: share.to_json() for name, share in pair.prevails.items()},
            "unresolved": pair.unresolved.to_json(),
            "has_rule": frozenset(pair.between) in rules,
            "enough_to_show": pair.n_active >= MIN_JUDGMENTS,
            "enough_to_resolve": pair.n_conflicts >= SHOW_FROM,
        }
        for pair in tension_pairs(profiles)
    ]
    return sorted(rows, key=lambda row: (not row["enough_to_show"], -(row["tension_rate"]["value"] or 0.0)))


def _reading(document: Document) -> str:
    if not document["ambiguity"]:
        return "The votes carry no criteria, so there is nothing to pilot."
    shown = [row for row in document["ambiguity"] if row["enough_to_show"] and row["agreement"]["value"] is not None]
    if not shown:
        return f"No criterion has {MIN_UNITS} comparisons with two votes yet: let the pilot go on."
    n = len(document["advice"])
    vaguest = shown[0]
    agreement = vaguest["agreement"]
    said = (
        f"{vaguest['criterion']} is the vaguest criterion (agreement {number(agreement['value'])} "
        f"{interval(agreement)}, {agreement['n_comparisons']:,} comparisons)"
    )
    changes = "nothing else stands out" if n == 0 else f"{n} thing{'s' if n > 1 else ''} to look at"
    return f"{said}; {changes}."


def _text(document: Document) -> list[str]:
    lines = [*title_lines("Pilot", document), document["reading"], ""]
    if document["advice"]:
        lines += ["what to change", *(f"  - {one['sentence']}" for one in document["advice"]), ""]
    for title, header, rows in (
        ("ambiguity (the vaguest first)", ("criterion", "agreement", "", "n", "alpha", ""), _ambiguity_rows(document)),
        ("redundancy (the closest first)", ("criteria", "r", "", "n", "separated", ""), _redundancy_rows(document)),
        ("not applicable", ("criterion", "share", "", "n", ""), _missing_rows(document)),
        ("tension", ("criteria", "rate", "", "n", "rule"), _tension_rows(document)),
    ):
        lines += [title, *table(rows, header=header), ""] if rows else []
    shares = [
        [label, number(document[key]["value"]), interval(document[key]), f"{document[key]['n']:,}"]
        for label, key in (
            ("unexplained: no criterion favours a side", "unexplained_share"),
            ("defiance: against every active criterion", "defiance_share"),
            ("torn: some criteria pull apart", "torn_share"),
        )
    ]
    return [
        *lines,
        "shares",
        *table(shares),
        "",
        "Intervals are 95 %; their method stands beside each number in --json.",
    ]


def _ambiguity_rows(document: Document) -> list[list[str]]:
    return [
        [
            row["criterion"],
            *_gated(row, "agreement", n_name="n_comparisons"),
            *_gated(row, "krippendorff_alpha_ordinal", n_name="n_votes")[:2],
        ]
        for row in document["ambiguity"]
    ]


def _redundancy_rows(document: Document) -> list[list[str]]:
    return [
        [
            " / ".join(row["between"]),
            *_gated(row, "correlation", n_name="n_comparisons"),
            *_gated(row, "separated")[:2],
        ]
        for row in document["redundancy"]
    ]


def _missing_rows(document: Document) -> list[list[str]]:
    return [
        [
            row["criterion"],
            *_gated(row, "not_applicable"),
            f"cannot judge {percent(row['cannot_judge']['value'])}" if row["enough_to_show"] else "",
        ]
        for row in document["not_applicable"]
    ]


def _tension_rows(document: Document) -> list[list[str]]:
    return [
        [" / ".join(row["between"]), *_gated(row, "tension_rate"), "yes" if row["has_rule"] else "none"]
        for row in document["tension"]
    ]


def _gated(row: Document, key: str, *, n_name: str = "n") -> list[str]:
    """Return value, interval and n; "too few" below the gate."""
    estimate = row[key]
    n = f"{estimate[n_name]:,}"
    if not row["enough_to_show"]:
        return ["too few", "", n]
    return [number(estimate["value"]), interval(estimate), n]
