"""What to change after a pilot, in plain words: only what the intervals carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.stats.report import percent
from app.stats.tension import SHOW_FROM

Document = Mapping[str, Any]

TENTATIVE = 0.667
"""Agreement below which one cannot even draw tentative conclusions (Krippendorff)."""
ALIKE = 0.7
"""A pair is called redundant when its correlation is above this, interval and all."""
OFTEN = 0.25
"""A share is called large when its interval lies above this."""


def advise(document: Document, *, min_judgments: int) -> list[dict[str, Any]]:
    """Return what a designer should change, the gravest first: kind, criteria and a sentence each.

    Kinds: `vague` (agreement below .667; the sentence says whether the interval is, too), `redundant` (correlation
    above .7, interval and all), `missing` (over a quarter of the verdicts unexplained), `defiance`, `not_applicable`
    (over a quarter of the answers), `tension` (two criteria without a rule pull apart in over a quarter of the
    judgments, and neither is vague: noise looks like tension). Nothing is said below the gate of its number.

    Args:
        document: of the pilot report.
        min_judgments: decided judgments from which shares count.
    """
    vague, redundant = list(_vague(document)), list(_redundant(document))
    found = [*vague, *redundant, *_missing(document, min_judgments), *_not_applicable(document)]
    blurred = {name for one in vague for name in one["criteria"]}
    return [*found, *(one for one in _tense(document) if blurred.isdisjoint(one["criteria"]))]


def _vague(document: Document) -> Iterator[dict[str, Any]]:
    for row in document["ambiguity"]:
        agreement = row["agreement"]
        if not row["enough_to_show"] or agreement["high"] is None or agreement["value"] >= TENTATIVE:
            continue
        sure = agreement["high"] < TENTATIVE
        what = "Rewrite" if sure else "Look at"
        doubt = "" if sure else " The interval leaves room for better."
        look = f" Read {', '.join(row['disputed'][:3])}: there they differ most." if row["disputed"] else ""
        yield _item(
            "vague",
            [row["criterion"]],
            f"{what} {row['criterion']}: agreement is {_said(agreement)} on {agreement['n_comparisons']} comparisons, "
            f"and {TENTATIVE} is the least one can build on.{doubt} Say in its guidance what counts and what does "
            f"not, and add an example.{look}",
        )


def _redundant(document: Document) -> Iterator[dict[str, Any]]:
    for row in document["redundancy"]:
        r, separated = row["correlation"], row["separated"]
        if not row["enough_to_show"] or r["low"] is None or r["low"] <= ALIKE:
            continue
        first, second = row["between"]
        yield _item(
            "redundant",
            row["between"],
            f"Merge {first} and {second}, or write down what tells them apart: they go together (r = {_said(r)} over "
            f"{r['n_comparisons']:,} comparisons), and {_share(separated)} of {separated['n']:,} judgments "
            "keep them apart.",
        )


def _missing(document: Document, min_judgments: int) -> Iterator[dict[str, Any]]:
    unexplained, defiance = document["unexplained_share"], document["defiance_share"]
    if _is_often(unexplained, min_judgments):
        yield _item(
            "missing",
            [],
            f"Look for a missing criterion: in {_share(unexplained)} of {unexplained['n']} decided judgments no "
            "criterion favours a side. Read their justifications for what decided.",
        )
    if _is_often(defiance, min_judgments):
        yield _item(
            "defiance",
            [],
            f"Ask raters what they follow: {_share(defiance)} of {defiance['n']} verdicts go against every criterion "
            "that favours a side.",
        )


def _not_applicable(document: Document) -> Iterator[dict[str, Any]]:
    for row in document["not_applicable"]:
        share = row["not_applicable"]
        if row["enough_to_show"] and _is_often(share, 0):
            yield _item(
                "not_applicable",
                [row["criterion"]],
                f"Ask {row['criterion']} only where it applies: raters say not applicable in {_share(share)} of "
                f"{share['n']} answers. Give it an applies_if on the comparisons' meta.",
            )


def _tense(document: Document) -> Iterator[dict[str, Any]]:
    for row in document["tension"]:
        rate = row["tension_rate"]
        if row["has_rule"] or not row["enough_to_show"] or not _is_often(rate, 0):
            continue
        first, second = row["between"]
        yield _item(
            "tension",
            row["between"],
            f"Write a tension rule for {first} and {second}: they pull apart in {_share(rate)} of {rate['n']} "
            f"judgments, and the rubric says nothing.{_who_prevails(row)}",
        )


def _who_prevails(row: Document) -> str:
    first, second = row["between"]
    share = row["prevails"][first]
    if not row["enough_to_resolve"] or share["value"] is None:
        return f" Which of them prevails takes {SHOW_FROM} conflicts to say; there are {row['n_conflicts']}."
    winner, estimate = (first, share) if share["value"] >= 0.5 else (second, row["prevails"][second])
    return f" So far {winner} prevails in {_share(estimate)} of {estimate['n']} decided conflicts."


def _item(kind: str, criteria: list[str], sentence: str) -> dict[str, Any]:
    return {"kind": kind, "criteria": list(criteria), "sentence": sentence}


def _is_often(share: Document, n_least: int) -> bool:
    return share["low"] is not None and share["low"] > OFTEN and share["n"] >= n_least


def _said(estimate: Document) -> str:
    return f"{estimate['value']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"


def _share(estimate: Document) -> str:
    return f"{percent(estimate['value'])} [{percent(estimate['low'])}, {percent(estimate['high'])}]"
