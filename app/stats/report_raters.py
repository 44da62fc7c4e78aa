"""The raters report: one card per rater, whatever its kind."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from app.stats.coding import N_CLASSES, CodedVotes, code_votes
from app.stats.frames import OVERALL
from app.stats.gold import accepted_by_unit
from app.stats.raters import (
    Tally,
    agreement_with_others,
    first_shown_wins,
    gold_accuracy,
    median_seconds,
    missing,
    ties,
)
from app.stats.report import Document, Report, heading, interval, make_report, number, table, title_lines

TEXT_RATERS = 30


def rater_report(
    votes: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    gold: pd.DataFrame | None = None,
    criterion: str = OVERALL,
) -> Report:
    """Report every rater of the counted kinds.

    Args:
        votes: a vote frame.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        gold: a gold frame, or None.
        criterion: whose votes are measured.

    Returns:
        `raters` (most judgments first): rater, kind, n_votes, agreement_with_others, gold_accuracy, first_shown_wins,
        tie_share, missing_share (all with Wilson's interval), median_seconds with n.
    """
    everything = code_votes(votes, kinds=kinds, keep_missing=True).of(criterion)
    coded = everything.keep(everything.outcome < N_CLASSES)
    accepted = accepted_by_unit(coded, votes, gold, criterion=criterion)
    tallies = {
        "agreement_with_others": (agreement_with_others(coded), "nobody else judged the same"),
        "gold_accuracy": (gold_accuracy(coded, accepted), "no gold key among these judgments"),
        "first_shown_wins": (first_shown_wins(coded, votes), "order on screen not recorded"),
        "tie_share": (ties(coded), "no votes"),
        "missing_share": (missing(everything), "no votes"),
    }
    document = heading(kinds, as_of_event, votes, coded) | {
        "criterion": criterion,
        "raters": _cards(everything, votes, tallies),
    }
    document["reading"] = _reading(document)
    return make_report("raters", document, _text(document))


def _cards(coded: CodedVotes, votes: pd.DataFrame, tallies: dict[str, tuple[Tally, str]]) -> list[dict[str, Any]]:
    """Return one card per rater; `coded` keeps missing verdicts."""
    n_votes = np.bincount(coded.rater, minlength=coded.n_raters)
    seconds = median_seconds(coded, votes)
    row_of = np.zeros(coded.n_raters, np.int64)
    row_of[coded.rater] = coded.row
    kinds = votes["rater_kind"].iloc[row_of].astype(str).to_numpy()
    cards = []
    for code in np.lexsort((np.arange(len(n_votes)), -n_votes)):
        if n_votes[code] == 0:
            break
        card = {"rater": str(coded.rater_ids[code]), "kind": kinds[code], "n_votes": int(n_votes[code])}
        card |= {key: tally.estimate(code, reason=reason).to_json() for key, (tally, reason) in tallies.items()}
        card["median_seconds"] = float(seconds[code]) if code in seconds.index else None
        cards.append(card)
    return cards


def _reading(document: Document) -> str:
    measured = [card for card in document["raters"] if card["gold_accuracy"]["value"] is not None]
    n = len(document["raters"])
    if not measured:
        return (
            f"None of {n:,} raters is measured on gold yet; agreement with others says who stands apart, not who errs."
        )
    weak = sum(card["gold_accuracy"]["high"] < 0.7 for card in measured)
    return f"{len(measured):,} of {n:,} raters are measured on gold; {weak:,} of them are clearly below 70 %."


def _text(document: Document) -> list[str]:
    rows = []
    for card in document["raters"][:TEXT_RATERS]:
        cells = [card["rater"], card["kind"], f"{card['n_votes']:,}"]
        for key in ("agreement_with_others", "gold_accuracy", "first_shown_wins"):
            share = card[key]
            cells += ["" if share["value"] is None else number(share["value"], digits=2), interval(share, digits=2)]
        seconds = card["median_seconds"]
        rows.append([*cells, "" if seconds is None else f"{seconds:.0f}"])
    header = ("rater", "kind", "votes", "with others", "", "gold", "", "first shown", "", "seconds")
    lines = [*title_lines("Raters", document), document["reading"], "", *table(rows, header=header)]
    rest = len(document["raters"]) - len(rows)
    return [*lines, f"  ... and {rest:,} more in --json"] if rest > 0 else lines
