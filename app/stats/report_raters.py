"""The raters report: one card per rater, whatever its kind."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from app.stats.cards import cards, disagreement, gather
from app.stats.choice import choose_consensus
from app.stats.coding import N_CLASSES, CodedVotes, code_votes
from app.stats.completions import by_unit
from app.stats.drift import cochran_armitage, sittings
from app.stats.frames import OVERALL
from app.stats.gold import accepted_by_unit
from app.stats.report import Document, Report, heading, interval, make_report, number, table, title_lines
from app.stats.words import counted

TEXT_RATERS = 30
FAST_SHARE = 0.4
WEAK = 0.7


def rater_report(
    votes: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    gold: pd.DataFrame | None = None,
    completions: pd.DataFrame | None = None,
    criterion: str = OVERALL,
) -> Report:
    """Report every rater of the counted kinds.

    Args:
        votes: a vote frame; with a column `justification`, repeated justifications are counted.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        gold: a gold frame, or None.
        completions: a completion frame, for the reading time of each comparison, or None.
        criterion: whose votes are measured.

    Returns:
        `raters` (most votes first): rater, kind, n_votes; agreement_with_others, gold_accuracy, self_consistency,
        swap_consistency (repeats shown in the other order), label_error_rate, first_shown_wins, tie_share,
        missing_share, duplicate_justifications (Wilson's interval); recent_gold_accuracy (decayed, low is the bound
        that 90 % of the belief lies above); confidence; drift (CUSUM: level, highest, state steady, warn or stop;
        `path` and rolling `accuracy` over the last 200 gold answers, from the answer number `first` on);
        class_bias per class, severity, extremity, n_beside_others; pace; side_runs; fatigue; `signs`, in words, of what
        deserves a look. `fatigue` of the whole set.
    """
    everything = code_votes(votes, kinds=kinds, keep_missing=True).of(criterion)
    coded = everything.keep(everything.outcome < N_CLASSES)
    accepted = accepted_by_unit(coded, votes, gold, criterion=criterion)
    consensus = choose_consensus(coded)
    material = gather(
        everything,
        code_votes(votes, kinds=kinds, keep_repeats=True).of(criterion),
        votes,
        accepted=accepted,
        consensus=consensus,
        n_words=_words(coded, votes, completions),
    )
    document = heading(kinds, as_of_event, votes, coded) | {
        "criterion": criterion,
        "raters": [card | {"signs": signs(card)} for card in cards(material)],
        "fatigue": _fatigue(coded, votes, disagreement(coded, consensus)),
    }
    document["reading"] = _reading(document)
    return make_report("raters", document, _text(document))


def signs(card: Document) -> list[str]:
    """Return what in a card deserves a look, in words. Signs are for people to judge, never verdicts."""
    found = []
    gold, drift, pace = card["gold_accuracy"], card["drift"], card["pace"]
    if gold["value"] is not None and gold["high"] < WEAK:
        found.append("below 70 % on gold")
    if drift["state"] in ("warn", "stop"):
        found.append("gold answers have become worse")
    if pace["n"] >= 10 and pace["n_below_floor"] >= FAST_SHARE * pace["n"]:
        found.append("faster than one can read")
    runs = card["side_runs"]
    if runs["p_value"] is not None and runs["p_value"] < 0.001:
        found.append("long runs of one side")
    first = card["first_shown_wins"]
    if first["value"] is not None and (first["low"] > 0.6 or first["high"] < 0.4):
        found.append("leans to one place on screen")
    copies = card["duplicate_justifications"]
    if copies["value"] is not None and copies["low"] > 0.2:
        found.append("repeats justifications")
    return found


def _words(coded: CodedVotes, votes: pd.DataFrame, completions: pd.DataFrame | None) -> np.ndarray | None:
    """Return (n_units,) words of the two responses of each unit, 0 where unknown; None without a completion frame."""
    if completions is None or len(coded) == 0:
        return None
    n_words = np.r_[completions["n_words"].to_numpy(float), 0.0]
    first, second = by_unit(coded, votes, completions)
    return n_words[first] + n_words[second]


def _fatigue(coded: CodedVotes, votes: pd.DataFrame, differs: np.ndarray) -> dict[str, Any]:
    table = sittings(coded, votes)
    table = table[~np.isnan(differs[table["vote"]])]
    return asdict(cochran_armitage(differs[table["vote"]], table["position"].to_numpy(), table["sitting"].to_numpy()))


def _reading(document: Document) -> str:
    measured = [card for card in document["raters"] if card["gold_accuracy"]["value"] is not None]
    n = len(document["raters"])
    marked = sum(bool(card["signs"]) for card in document["raters"])
    look = f"{counted(marked, 'card')} {'carries a sign' if marked == 1 else 'carry signs'} that deserve a look"
    if not measured:
        return f"None of {n:,} raters is measured on gold yet; agreement says who stands apart, not who errs; {look}."
    weak = sum(card["gold_accuracy"]["high"] < WEAK for card in measured)
    return f"{len(measured):,} of {n:,} raters are measured on gold, {weak:,} of them clearly below 70 %; {look}."


def _text(document: Document) -> list[str]:
    rows = []
    for card in document["raters"][:TEXT_RATERS]:
        cells = [card["rater"], card["kind"], f"{card['n_votes']:,}"]
        for key in ("agreement_with_others", "gold_accuracy", "first_shown_wins"):
            share = card[key]
            cells += ["" if share["value"] is None else number(share["value"], digits=2), interval(share, digits=2)]
        seconds = card["pace"]["median_seconds"]
        rows.append([*cells, "" if seconds is None else f"{seconds:.0f}", "; ".join(card["signs"])])
    header = ("rater", "kind", "votes", "with others", "", "gold", "", "first shown", "", "seconds", "")
    lines = [*title_lines("Raters", document), document["reading"], "", *table(rows, header=header)]
    rest = len(document["raters"]) - len(rows)
    return [*lines, f"  ... and {rest:,} more in --json"] if rest > 0 else lines
