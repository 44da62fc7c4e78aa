"""The rows of a snapshot: pairs turned so that `chosen` wins, and the pool."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from app.services.consensus import criterion_values, tension_shares
from app.services.cycles import cycle_arms
from app.services.snapshot_material import Material
from app.store import queries
from app.store.queries import StoredComparison
from reward.contract import canonical_json


def stored_pairs(
    connection: Connection, material: Material
) -> Iterator[tuple[int, StoredComparison, list[tuple[Any, ...]]]]:
    """Each comparison that has rows in data or ties, with arguments for `PairFiles.add`, sorted by id."""
    is_written = material.pairs["folder"] != ""
    keyed = {"criteria": criterion_values(material.labels), "tensions": tension_shares(material.labels)}
    written = {name: {key: values[is_written] for key, values in columns.items()} for name, columns in keyed.items()}
    table = _RowTable(material.pairs[is_written], written)
    kinds, arms = _kinds(material), cycle_arms(connection, material.campaign.id)
    wanted = list(dict.fromkeys(table.comparison_id))
    rows = iter(range(len(table.comparison_id)))
    at = next(rows, None)
    stream = queries.read_comparisons(connection, [material.row_ids[name] for name in wanted])
    for n_done, stored in enumerate(stream, start=1):
        mine = []
        while at is not None and table.comparison_id[at] == stored.id:
            facts = (*_facts(stored), kinds.get(stored.id, ""), arms.get(stored.row_id))
            mine.append(table.arguments(at, stored, facts))
            at = next(rows, None)
        yield n_done, stored, mine


def pool_rows(connection: Connection, material: Material) -> Iterator[tuple[Any, ...]]:
    """The rows of `pool.parquet`, sorted by id."""
    for stored in queries.read_comparisons(connection, list(material.pool.values())):
        completions = [{"id": completion.id, "text": completion.text} for completion in stored.comparison.completions]
        yield stored.id, _prompt(stored), completions, canonical_json(dict(stored.comparison.meta))


def _prompt(stored: StoredComparison) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in stored.comparison.prompt]


def _kinds(material: Material) -> dict[str, str]:
    """Comparison -> kinds of rater whose votes made its label, joined by "+"."""
    found: dict[str, list[str]] = {}
    said = material.labels.votes[["comparison_id", "rater_kind"]].drop_duplicates()
    for name, kind in sorted(zip(said["comparison_id"].astype(str), said["rater_kind"].astype(str), strict=True)):
        found.setdefault(name, []).append(kind)
    return {name: "+".join(kinds) for name, kinds in found.items()}


def _facts(stored: StoredComparison) -> tuple[str | None, str]:
    """Where the responses come from, and the comparison's meta as JSON text."""
    sources = dict.fromkeys(one.source for one in stored.comparison.completions if one.source)
    return "; ".join(sources) or None, canonical_json(dict(stored.comparison.meta))


def _draws_second(comparison_id: str, first: str, second: str) -> bool:
    """For a tie: which side is called chosen, drawn by hash."""
    digest = hashlib.sha256(f"{comparison_id}\n{first}\n{second}".encode()).digest()
    return digest[0] % 2 == 1


def _keyed_lists(columns: Mapping[str, np.ndarray], n_rows: int) -> list[list[dict[str, Any]]]:
    """For each row the list of {key, value} of the columns that have a value there, sorted by key."""
    lists: list[list[dict[str, Any]]] = [[] for _ in range(n_rows)]
    for key in sorted(columns):
        for entries, value in zip(lists, columns[key].tolist(), strict=True):
            if value == value:
                entries.append({"key": key, "value": value})
    return lists


class _RowTable:
    """The pairs that are written, turned so that `chosen` wins, as plain Python values by column."""

    def __init__(self, pairs: pd.DataFrame, keyed: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        p_first = pairs["p_first"].to_numpy(float)
        is_tie = (pairs["folder"] == "ties").to_numpy()
        names = list(zip(*(pairs[name].tolist() for name in ("comparison_id", "first", "second")), strict=True))
        drawn = np.array([tie and _draws_second(*name) for tie, name in zip(is_tie, names, strict=True)], bool)
        swaps = np.where(is_tie, drawn, p_first < 0.5)
        self.comparison_id = pairs["comparison_id"].tolist()
        self._folder = pairs["folder"].tolist()
        self._split = pairs["split"].tolist()
        self._chosen = np.where(swaps, pairs["second"], pairs["first"]).tolist()
        self._rejected = np.where(swaps, pairs["first"], pairs["second"]).tolist()
        self._soft_label = np.where(is_tie, 0.5, np.maximum(p_first, 1 - p_first)).tolist()
        self._weight = pairs["weight"].tolist()
        strength = pairs["strength"].to_numpy(float)
        self._strength = [None if np.isnan(value) else value for value in strength.tolist()]
        self._n_judgments = pairs["n_votes"].tolist()
        sign = np.where(swaps, -1.0, 1.0)
        self._criteria = _keyed_lists(
            {key: values * sign + 0.0 for key, values in keyed["criteria"].items()}, len(pairs)
        )
        self._tensions = _keyed_lists(keyed["tensions"], len(pairs))

    def arguments(self, at: int, stored: StoredComparison, facts: tuple[str | None, ...]) -> tuple[Any, ...]:
        """Folder, split and row of the contract's columns (`facts` are the last), and the number of characters."""
        texts = {completion.id: completion.text for completion in stored.comparison.completions}
        chosen, rejected = texts[self._chosen[at]], texts[self._rejected[at]]
        row = (
            _prompt(stored),
            [{"role": "assistant", "content": chosen}],
            [{"role": "assistant", "content": rejected}],
            self._soft_label[at],
            self._weight[at],
            self._strength[at],
            self._n_judgments[at],
            stored.id,
            self._chosen[at],
            self._rejected[at],
            self._criteria[at],
            self._tensions[at],
            *facts,
        )
        n_characters = len(chosen) + len(rejected) + sum(len(message.content) for message in stored.comparison.prompt)
        return self._folder[at], self._split[at], row, n_characters
