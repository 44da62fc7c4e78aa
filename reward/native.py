"""Native comparisons (`prompt`, `completions`, `reference`, `judgments`) as labelled pairs, to measure a model on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reward.pairs import Pair, facts_of, messages_of, read_rows
from reward.score import question_of

LABELS: Mapping[str, str] = {"reference": "the file's own references", "votes": "the majority of the file's votes"}


@dataclass(frozen=True)
class NativePairs:
    """Pairs with a decided label, and how many comparisons had none.

    Attributes:
        pairs: one per pair of completions with a label.
        n_undecided: comparisons of two without a label (none given, a tie, or as many votes for either).
    """

    pairs: list[Pair]
    n_undecided: int


def is_native(path: Path) -> bool:
    """Whether the first row of a file is a native comparison."""
    return "completions" in next((row for _, row in read_rows(path)), {})


def read_native(path: Path, *, labels: str) -> NativePairs:
    """Read the comparisons of a file.

    Args:
        path: `.jsonl` or `.parquet`.
        labels: 'reference', or 'votes': ties are votes for neither, rankings vote on each of their pairs.

    Raises:
        RewardError: a row is malformed.
    """
    pairs, n_undecided = [], 0
    for place, row in read_rows(path):
        texts = {name: text for name, (_, text) in zip(*_parts(row, place), strict=True)}
        base = Pair(prompt=messages_of(row["prompt"], place=place), chosen="", rejected="", **facts_of(row))
        verdicts = [row.get("reference") or {}] if labels == "reference" else row.get("judgments") or []
        found = [
            replace(
                base,
                chosen=texts[winner],
                rejected=texts[loser],
                chosen_id=winner,
                rejected_id=loser,
                comparison_id=str(row.get("id") or place.rpartition(": ")[2]),
                soft_label=share,
                weight=2 / len(texts),
                n_judgments=n if labels == "votes" else 0,
            )
            for winner, loser, share, n in _decided(verdicts, list(texts))
        ]
        pairs += found
        n_undecided += not found
    return NativePairs(pairs, n_undecided)


def _parts(row: Mapping[str, Any], place: str):
    question = question_of(row, place=place)
    return question.names, question.texts


def _decided(verdicts: list[Mapping[str, Any]], ids: list[str]) -> list[tuple[str, str, float, int]]:
    """(winner, loser, share of the votes for either, votes) of each pair that has a majority."""
    wins: Counter[tuple[str, str]] = Counter()
    n_votes = 0
    for verdict in verdicts:
        ranks = _ranks(verdict, ids)
        n_votes += bool(ranks)
        wins.update((i, j) for i in ranks for j in ranks if ranks[i] < ranks[j])
    found = []
    for at, i in enumerate(ids):
        for j in ids[at + 1 :]:
            a, b = wins[i, j], wins[j, i]
            if a != b:
                winner, loser = (i, j) if a > b else (j, i)
                found.append((winner, loser, max(a, b) / (a + b), n_votes))
    return found


def _ranks(verdict: Mapping[str, Any], ids: list[str]) -> dict[str, int]:
    """Completion id -> place, 0 the best; empty where the verdict prefers nothing."""
    if verdict.get("ranking"):
        return {str(name): place for place, group in enumerate(verdict["ranking"]) for name in group}
    preferred = verdict.get("preferred")
    if preferred not in ids:
        return {}
    return {name: 0 if name == preferred else 1 for name in ids} if len(ids) == 2 else {}
