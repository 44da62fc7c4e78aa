"""What is known of the responses: which model wrote them, how long they are, how they are formatted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from app.stats.coding import CodedVotes
from app.stats.frames import COMPLETION_COLUMNS, GOLD_COLUMNS, MISSING_OUTCOMES, OVERALL, check_completions

_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*+•]|\d+[.)])[ \t]+\S", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+\S", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")

FORMATS = ("n_list_items", "n_headings", "n_code_blocks", "n_bold")


def text_features(text: str) -> dict[str, int]:
    """Return length and Markdown formatting of a response: the number columns of a completion frame.

    An empty text has zeros; an unclosed fence counts as a block.
    """
    return {
        "n_characters": len(text),
        "n_words": len(text.split()),
        "n_list_items": len(_LIST_ITEM.findall(text)),
        "n_headings": len(_HEADING.findall(text)),
        "n_code_blocks": (len(_FENCE.findall(text)) + 1) // 2,
        "n_bold": len(_BOLD.findall(text)),
    }


def completions_from_native(lines: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the completion frame of native JSONL, one comparison a line."""
    rows = [
        {
            "comparison_id": str(line.get("id", f"line-{number}")),
            "completion_id": str(completion["id"]),
            "model": completion.get("model"),
            **text_features(completion["text"]),
        }
        for number, line in enumerate(lines, start=1)
        for completion in line["completions"]
    ]
    return check_completions(pd.DataFrame(rows, columns=list(COMPLETION_COLUMNS)))


def gold_from_native(lines: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the gold frame of native JSONL: the accepted overall answers and the directions per criterion.

    A key of a k-way comparison is left out: its pairs cannot be told from a single accepted response.
    """
    rows = []
    for number, line in enumerate(lines, start=1):
        gold = line.get("gold")
        ids = sorted(str(completion["id"]) for completion in line["completions"])
        if not gold or len(ids) != 2:
            continue
        answers = {OVERALL: gold.get("accepted") or ()} | dict(gold.get("criteria") or {})
        for criterion, accepted in answers.items():
            for answer in [accepted] if isinstance(accepted, str) else accepted:
                outcome = {ids[0]: "first", ids[1]: "second"}.get(str(answer), str(answer))
                if outcome not in MISSING_OUTCOMES:
                    rows.append((str(line.get("id", f"line-{number}")), *ids, criterion, outcome))
    return pd.DataFrame(rows, columns=list(GOLD_COLUMNS))


def by_unit(coded: CodedVotes, votes: pd.DataFrame, completions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return (first, second): for each unit the row of either response in the completion frame, -1 where unknown.

    Args:
        coded: coded votes.
        votes: the frame that was coded.
        completions: a completion frame, one row per comparison and completion.
    """
    check_completions(completions)
    row_of_unit = np.full(coded.n_units, -1, np.int64)
    row_of_unit[coded.unit] = coded.row
    voted = np.flatnonzero(row_of_unit >= 0)
    names = votes[["comparison_id", "first", "second"]].iloc[row_of_unit[voted]].astype(str)
    index = pd.MultiIndex.from_frame(completions[["comparison_id", "completion_id"]].astype(str))
    sides = []
    for side in ("first", "second"):
        at = np.full(coded.n_units, -1, np.int64)
        at[voted] = index.get_indexer(pd.MultiIndex.from_arrays([names["comparison_id"], names[side]]))
        sides.append(at)
    return sides[0], sides[1]
