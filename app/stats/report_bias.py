"""The bias report: what moves the votes besides quality."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from app.stats.agreement import alpha_statistic, bootstrap, krippendorff_alpha, with_bootstrap
from app.stats.bias import (
    NO_LENGTHS,
    NO_ORDER,
    DecidedVotes,
    criteria_columns,
    decided_votes,
    log_odds,
    sided_share,
)
from app.stats.coding import N_CLASSES, CodedVotes, code_votes
from app.stats.completions import FORMATS
from app.stats.frames import OVERALL
from app.stats.halo import criterion_before_pull, overall_first_pull, own_overall_pull
from app.stats.intervals import wilson
from app.stats.patterns import count_patterns
from app.stats.rater_quality import swap_consistency
from app.stats.report import Document, Report, estimate_row, heading, make_report, percent, table, title_lines
from app.stats.report_agreement import alpha_flags
from app.stats.results import Estimate, undefined
from app.stats.tension import Profiles, build_profiles

NO_FORMAT = "no two responses differ in it"
_FORMAT_LABELS = {
    "n_list_items": "more list items",
    "n_headings": "more headings",
    "n_code_blocks": "more code blocks",
    "n_bold": "more bold",
}
_HALO_LABELS = {
    "own_overall": "the rater's own verdict, beyond other raters'",
    "overall_first": "the verdict asked before them",
    "criterion_before": "the criterion shown just before",
}


def bias_report(
    votes: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    completions: pd.DataFrame | None = None,
    criterion: str = OVERALL,
) -> Report:
    """Report what moves the votes of a set besides quality.

    Args:
        votes: a vote frame.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        completions: a completion frame with lengths and formats, or None.
        criterion: whose votes are measured.

    Returns:
        Shares of the decided votes (Wilson's interval on clusters of raters and comparisons): `first_shown_wins`,
        `longer_wins` (by words), and per format `share`. `swap_consistency`: blind repeats in the other order with the
        same answer. Log odds from logistic regressions with the same clusters: `position` of being shown first;
        `length` per doubling of the words; `verbosity` the same at equal criteria, place and format; `formats` at equal
        length. `halo`: what is added to the share of criteria that side with the rater's `own_overall` verdict, with a
        verdict asked before them (`overall_first`), with the `criterion_before`. `krippendorff_alpha` with `flags`
        where it is suspicious. Each is undefined, with the reason, where order, lengths or criteria are unknown.
    """
    coded = code_votes(votes, kinds=kinds)
    target = coded.of(criterion)
    decided = decided_votes(target, votes, completions)
    document = heading(kinds, as_of_event, votes, target) | {
        "criterion": criterion,
        "n_decided": len(decided.won),
        "first_shown_wins": sided_share(decided, decided.order, reason=NO_ORDER).to_json(),
        "longer_wins": sided_share(decided, decided.doublings, reason=NO_LENGTHS).to_json(),
        "swap_consistency": _swapped(votes, kinds, criterion).to_json(n_name="n_repeats"),
        "position": log_odds(decided, _unknown_as_nan(decided.order), reason=NO_ORDER).to_json(),
        "length": log_odds(decided, decided.doublings, reason=NO_LENGTHS).to_json(),
        "verbosity": _verbosity(decided, coded, votes).to_json(),
        "formats": _formats(decided),
        "halo": _halo(build_profiles(coded, votes)),
    }
    document |= _sanity(target)
    document["reading"] = _reading(document)
    return make_report("bias", document, _text(document))


def _swapped(votes: pd.DataFrame, kinds: Collection[str], criterion: str) -> Estimate:
    """Return how many blind repeats in the other order got the same answer, over all raters."""
    tally = swap_consistency(code_votes(votes, kinds=kinds, keep_repeats=True).of(criterion), votes)
    n = int(tally.n.sum())
    return wilson(int(tally.hits.sum()), n) if n else undefined("no blind repeats in the other order")


def _unknown_as_nan(order: np.ndarray) -> np.ndarray:
    return np.where(order == 0, np.nan, order)


def _verbosity(decided: DecidedVotes, coded: CodedVotes, votes: pd.DataFrame) -> Estimate:
    """Return what length buys at equal criteria, place and format."""
    criteria = criteria_columns(decided, build_profiles(coded, votes))
    if criteria is None:
        return undefined("no criteria besides the verdict to hold equal")
    others = np.hstack([criteria, decided.order[:, None], decided.formats])
    return log_odds(decided, decided.doublings, others=others, reason=NO_LENGTHS)


def _formats(decided: DecidedVotes) -> dict[str, Any]:
    """Return, per format, the share of votes for the response with more of it, and its log odds at equal length."""
    length = np.nan_to_num(decided.doublings)[:, None]
    return {
        name: {
            "share": sided_share(decided, decided.formats[:, k], reason=NO_FORMAT).to_json(),
            "log_odds": log_odds(decided, decided.formats[:, k], others=length, reason=NO_FORMAT).to_json(),
        }
        for k, name in enumerate(FORMATS)
    }


def _halo(profiles: Profiles) -> dict[str, Any]:
    return {
        "own_overall": own_overall_pull(profiles).to_json(),
        "overall_first": overall_first_pull(profiles).to_json(),
        "criterion_before": criterion_before_pull(profiles).to_json(),
    }


def _sanity(coded: CodedVotes) -> dict[str, Any]:
    patterns = count_patterns(coded.unit, coded.outcome, N_CLASSES, cluster=coded.unit_comparison)
    draws = bootstrap(patterns, {"alpha": alpha_statistic(patterns)})["alpha"]
    alpha = with_bootstrap(krippendorff_alpha(patterns).estimate, draws).to_json(n_name="n_votes")
    return {"krippendorff_alpha": alpha, "flags": alpha_flags(alpha)}


def _reading(document: Document) -> str:
    position, length = document["first_shown_wins"], document["longer_wins"]
    parts = []
    if position["value"] is not None:
        clear = "which is more than noise" if not position["low"] <= 0.5 <= position["high"] else "which may be noise"
        parts.append(f"the response shown first wins {percent(position['value'])} of the decided votes, {clear}")
    if length["value"] is not None:
        parts.append(f"the longer response wins {percent(length['value'])}")
    verbosity = document["verbosity"]
    if verbosity["value"] is not None:
        verdict = "help" if verbosity["low"] > 0 else "hurt" if verbosity["high"] < 0 else "show no clear effect"
        parts.append(f"at equal criteria more words {verdict}")
    orders = {"overall_first": "a verdict asked first", "criterion_before": "the criterion before"}
    pulled = [words for key, words in orders.items() if (document["halo"][key]["low"] or 0.0) > 0]
    if pulled:
        parts.append(f"criteria are pulled towards {' and '.join(pulled)}")
    sentence = "; ".join(parts) or "neither the order on screen nor lengths are known"
    return sentence[0].upper() + sentence[1:] + "."


def _text(document: Document) -> list[str]:
    shares = [
        estimate_row("first shown wins", document["first_shown_wins"], n_name="n", unit="decided votes"),
        estimate_row("longer response wins", document["longer_wins"], n_name="n", unit="decided votes"),
    ]
    effects = [
        estimate_row("shown first", document["position"], n_name="n", unit="decided votes"),
        estimate_row("twice the words", document["length"], n_name="n", unit="decided votes"),
        estimate_row("  at equal criteria", document["verbosity"], n_name="n", unit="decided votes"),
    ]
    for name, label in _FORMAT_LABELS.items():
        effect = document["formats"][name]
        if effect["share"]["value"] is not None:
            shares.append(estimate_row(f"{label} wins", effect["share"], n_name="n", unit="decided votes"))
            effects.append(estimate_row(f"{label}, at equal length", effect["log_odds"], n_name="n", unit="votes"))
    halo = [
        estimate_row(label, document["halo"][key], n_name="n", unit="criterion values")
        for key, label in _HALO_LABELS.items()
        if document["halo"][key]["value"] is not None
    ]
    return [
        *title_lines("Bias of the set", document),
        document["reading"],
        "",
        "share of the decided votes (.5: it does not matter)",
        *table(shares),
        "",
        "log odds that it adds (0: it does not matter)",
        *table(effects),
        *(
            ["", "halo: what it adds to the share of criteria that take the same side (0: none)", *table(halo)]
            if halo
            else []
        ),
        *(f"! {flag}" for flag in document["flags"]),
    ]
