"""The bridge report: what moved from one rubric version to the next, and whether old votes may be carried over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app.stats.bridge import CARRY, DO_NOT, MARGIN, MIN_UNITS, NOT_SHOWN, TOO_FEW, code_both, measure_shift, pair_values
from app.stats.coding import CodedVotes
from app.stats.report import Document, Report, heading, interval, make_report, number, percent, table, title_lines


@dataclass(frozen=True)
class Side:
    """One side of a bridge.

    Attributes:
        round: its name.
        rubric_version: the version that it is judged by.
        criteria: what that version asks, `overall` included.
    """

    round: str
    rubric_version: str
    criteria: Collection[str]

    def to_json(self) -> dict[str, str]:
        """Round and version."""
        return {"round": self.round, "rubric_version": self.rubric_version}


def bridge_report(
    old: pd.DataFrame,
    new: pd.DataFrame,
    *,
    kinds: Collection[str],
    as_of_event: int | None = None,
    points: Mapping[str, float] | None = None,
    margin: float = MARGIN,
    sides: tuple[Side, Side] | None = None,
) -> Report:
    """Report what moved from one rubric version to another: every shift is new minus old.

    Args:
        old: a vote frame under the old version.
        new: one under the new version, on some of the same comparisons.
        kinds: kinds of rater that count.
        as_of_event: the event that the votes go up to, or None.
        points: criterion -> what the value 1 is worth in points of its scale; 1 where it is left out.
        margin: points that count as no shift.
        sides: the old and the new round; by default only what their votes carry is known of them.

    Returns:
        `from` and `to`: round and rubric_version of each side, null where they are not given. `criteria` (overall
        first): criterion, shift, strength, same_side, verdict (carry over, do not, not shown, too few), n_needed,
        enough_to_show (20 comparisons judged under both). `only_old` and `only_new`: criteria that one version has
        alone. `may_carry_over`: True where every shared criterion and the overall verdict carry over, False where one
        does not, None where that is not shown. `margin`.
    """
    coded = code_both(old, new, kinds=tuple(kinds))
    both = pd.concat([old, new], ignore_index=True)
    names = [set(map(str, frame["criterion"].unique())) for frame in (old, new)]
    shared = [name for name in coded.criteria if name in names[0] & names[1]]
    asked = names if sides is None else [set(side.criteria) for side in sides]
    rows = [_row(coded, name, (points or {}).get(name, 1.0), margin) for name in shared]
    verdicts = [row["verdict"] for row in rows]
    document = heading(kinds, as_of_event, both, coded) | {
        "from": None if sides is None else sides[0].to_json(),
        "to": None if sides is None else sides[1].to_json(),
        "margin": margin,
        "criteria": rows,
        "only_old": sorted(asked[0] - asked[1]),
        "only_new": sorted(asked[1] - asked[0]),
        "may_carry_over": False if DO_NOT in verdicts else True if rows and set(verdicts) == {CARRY} else None,
    }
    document["reading"] = _reading(document)
    return make_report("bridge", document, _text(document))


def direction(document: Document) -> str:
    """From which version every shift is measured, and to which."""
    old, new = document["from"], document["to"]
    if old is None or new is None:
        return "Shifts are new minus old."
    return (
        f"From version {old['rubric_version'][:12]} (round {old['round']}) to version {new['rubric_version'][:12]} "
        f"(round {new['round']}): every shift is the new votes minus the old ones."
    )


def _row(coded: CodedVotes, name: str, points: float, margin: float) -> dict[str, Any]:
    found = measure_shift(pair_values(coded, name, points=points), margin=margin)
    return {
        "criterion": name,
        "shift": found.shift.to_json(n_name="n_comparisons"),
        "strength": found.strength.to_json(n_name="n_comparisons"),
        "same_side": found.same_side.to_json(n_name="n_comparisons"),
        "verdict": found.verdict,
        "n_needed": found.n_needed,
        "enough_to_show": found.shift.n >= MIN_UNITS,
    }


def _reading(document: Document) -> str:
    rows, margin = document["criteria"], f"{document['margin']:g} points"
    if not any(row["shift"]["n_comparisons"] for row in rows):
        return "No comparison was judged under both versions yet, so nothing can be compared."
    if document["may_carry_over"]:
        return f"Old votes may be carried over: no criterion, nor the overall verdict, moved by {margin} or more."
    moved = [row["criterion"] for row in rows if row["verdict"] == DO_NOT]
    if moved:
        return f"Old votes may not be carried over: {', '.join(moved)} moved by more than {margin}."
    few = [row for row in rows if row["verdict"] in (TOO_FEW, NOT_SHOWN)]
    needed = max((row["n_needed"] or MIN_UNITS for row in few), default=MIN_UNITS)
    listed = ", ".join(row["criterion"] for row in few)
    return (
        f"Not shown either way for {listed}: a shift of {margin} can neither be ruled out nor be told. About "
        f"{max(needed, MIN_UNITS):,} comparisons judged under both would tell."
    )


def _text(document: Document) -> list[str]:
    lines = [*title_lines("Bridge between two rubric versions", document), document["reading"], direction(document), ""]
    rows = [
        [
            row["criterion"],
            number(row["shift"]["value"], digits=2) if row["enough_to_show"] else "too few",
            interval(row["shift"], digits=2) if row["enough_to_show"] else "",
            number(row["strength"]["value"], digits=2) if row["enough_to_show"] else "",
            interval(row["strength"], digits=2) if row["enough_to_show"] else "",
            percent(row["same_side"]["value"]) if row["enough_to_show"] else "",
            f"{row['shift']['n_comparisons']:,}",
            row["verdict"],
        ]
        for row in document["criteria"]
    ]
    header = ("criterion", "shift", "", "bolder", "", "same side", "n", "old votes")
    lines += [f"shift in points, margin {document['margin']:g}", *table(rows, header=header), ""]
    for key, words in (("only_old", "only in the old version"), ("only_new", "only in the new version")):
        lines += [f"{words}: {', '.join(document[key])}"] if document[key] else []
    return [*lines, "Intervals are 95 %, clustered by comparison and rater; n are comparisons judged under both."]
