"""The bias report: what moves the votes besides quality."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from app.stats.coding import CLASSES, CodedVotes, code_votes
from app.stats.completions import by_unit
from app.stats.frames import OVERALL
from app.stats.intervals import wilson_clustered
from app.stats.raters import shown_first
from app.stats.report import Document, Report, estimate_row, heading, make_report, percent, table, title_lines
from app.stats.results import Estimate, undefined


def bias_report(
    votes: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    completions: pd.DataFrame | None = None,
    criterion: str = OVERALL,
) -> Report:
    """Report position and length bias of the set.

    Args:
        votes: a vote frame.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        completions: a completion frame with lengths, or None.
        criterion: whose votes are measured.

    Returns:
        `first_shown_wins` and `longer_wins`: shares of the decided votes, Wilson's interval on clusters (raters,
        comparisons); each undefined, with the reason, where order or lengths are unknown.
    """
    coded = code_votes(votes, kinds=kinds).of(criterion)
    document = heading(kinds, as_of_event, votes, coded) | {
        "criterion": criterion,
        "first_shown_wins": position_share(coded, votes).to_json(),
        "longer_wins": length_share(coded, votes, completions).to_json(),
    }
    document["reading"] = _reading(document)
    return make_report("bias", document, _text(document))


def position_share(coded: CodedVotes, votes: pd.DataFrame) -> Estimate:
    """Return the share of decided votes for the response shown first; .5 when the place does not matter.

    When one response was always shown first, place and response cannot be told apart; the share still says how the
    votes fell.
    """
    order, decided = shown_first(coded, votes)
    if not decided.any():
        return undefined("order on screen not recorded")
    won = (coded.outcome == CLASSES.index("first")) == (order > 0)
    return wilson_clustered(won[decided], _clusters(coded, decided))


def length_share(coded: CodedVotes, votes: pd.DataFrame, completions: pd.DataFrame | None) -> Estimate:
    """Return the share of decided votes for the longer response (by characters); equal lengths are left out."""
    if completions is None:
        return undefined("lengths of the responses not known")
    first, second = by_unit(coded, votes, completions)
    length = completions["n_characters"].to_numpy(float)
    known = (first >= 0) & (second >= 0)
    longer = np.where(known, np.sign(length[first] - length[second]), 0)[coded.unit]
    decided = (coded.outcome < CLASSES.index("tie")) & (longer != 0)
    won = (coded.outcome == CLASSES.index("first")) == (longer > 0)
    return wilson_clustered(won[decided], _clusters(coded, decided))


def _clusters(coded: CodedVotes, rows: np.ndarray) -> list[np.ndarray]:
    return [coded.rater[rows], coded.unit_comparison[coded.unit[rows]]]


def _reading(document: Document) -> str:
    position, length = document["first_shown_wins"], document["longer_wins"]
    parts = []
    if position["value"] is not None:
        clear = "which is more than noise" if not position["low"] <= 0.5 <= position["high"] else "which may be noise"
        parts.append(f"the response shown first wins {percent(position['value'])} of the decided votes, {clear}")
    if length["value"] is not None:
        parts.append(f"the longer response wins {percent(length['value'])}")
    sentence = "; ".join(parts) or "neither the order on screen nor lengths are known"
    return sentence[0].upper() + sentence[1:] + "."


def _text(document: Document) -> list[str]:
    rows = [
        estimate_row(label, document[key], n_name="n", unit="decided votes")
        for key, label in (("first_shown_wins", "first shown wins"), ("longer_wins", "longer response wins"))
    ]
    return [*title_lines("Bias of the set", document), *table(rows), "", document["reading"]]
