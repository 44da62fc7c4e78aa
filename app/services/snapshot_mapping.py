"""Votes under several rubric versions as votes under one: only where somebody says which criterion is which.

A criterion that means the same in both versions (`rubrics.difference`) is itself; every other one must be named. The
overall verdict is the same question under every version. No vote is changed: each keeps its version in its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.domain import OVERALL
from app.errors import Conflict, InvalidInput
from rubrics.difference import changes_meaning
from rubrics.errors import suggest
from rubrics.model import Rubric

LEFT_OUT = ""
"""What a criterion is mapped to when its votes are to be left out."""


@dataclass(frozen=True)
class CriterionMapping:
    """How the criteria of older versions became those of the newest.

    Attributes:
        named: old key -> key of the newest version, or empty to leave out; as somebody named it.
        by_version: version -> old key -> new key, everything that was applied.
        n_votes_left_out: votes on criteria that were left out.
    """

    named: Mapping[str, str]
    by_version: Mapping[str, Mapping[str, str]]
    n_votes_left_out: int

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the manifest."""
        versions = {version: dict(sorted(keys.items())) for version, keys in sorted(self.by_version.items())}
        return {
            "named": dict(sorted(self.named.items())),
            "versions": versions,
            "n_votes_left_out": self.n_votes_left_out,
        }


def map_votes(
    votes: pd.DataFrame, rubrics: Mapping[str, Rubric], target: Rubric, named: Mapping[str, str]
) -> tuple[pd.DataFrame, CriterionMapping]:
    """Give the criteria of every vote the keys of the newest version.

    Args:
        votes: a vote frame with `rubric_version` and `criterion`.
        rubrics: version -> rubric, every version in the frame.
        target: the newest of them.
        named: old key -> key of the target, or empty.

    Raises:
        Conflict: a criterion means something else in the target, or is not there, and is not named.
        InvalidInput: a name that no version has, or two criteria of one version that become one.
    """
    by_version = keys_by_version(rubrics, target, named)
    used = votes["criterion"].astype(object)
    key = [
        OVERALL if criterion == OVERALL else by_version[version].get(criterion, LEFT_OUT)
        for version, criterion in zip(votes["rubric_version"].tolist(), used.tolist(), strict=True)
    ]
    is_kept = np.array([name != LEFT_OUT for name in key], bool)
    staying = [name for name in key if name != LEFT_OUT]
    kept = votes[is_kept].assign(criterion=pd.Categorical(staying, categories=sorted(set(staying))))
    kept = kept.sort_values(["judgment_id", "criterion", "first", "second"], kind="stable").reset_index(drop=True)
    return kept, CriterionMapping(dict(named), by_version, int((~is_kept).sum()))


def keys_by_version(
    rubrics: Mapping[str, Rubric], target: Rubric, named: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Version -> old key -> key of the target, or empty where its votes are left out; raises what `map_votes` does."""
    _check_names(rubrics, target, named)
    return {version: _keys(rubric, target, named) for version, rubric in rubrics.items()}


def unnamed(rubrics: Mapping[str, Rubric], target: Rubric, named: Mapping[str, str]) -> list[str]:
    """The criteria of the older versions that are not those of the target and that nobody named, sorted."""
    return sorted(
        {
            key
            for rubric in rubrics.values()
            for key in rubric.criterion_keys
            if key not in named and not _is_same(rubric, target, key)
        }
    )


def _keys(rubric: Rubric, target: Rubric, named: Mapping[str, str]) -> dict[str, str]:
    """Old key -> new key of one version."""
    if rubric.version == target.version:
        return {key: key for key in rubric.criterion_keys}
    missing = unnamed({rubric.version: rubric}, target, named)
    if missing:
        raise Conflict(
            f"Nothing says what becomes of {', '.join(missing)} of rubric version {rubric.version[:12]} under "
            f"{target.version[:12]}: name each as OLD=NEW (the criteria there are {', '.join(target.criterion_keys)}), "
            "or as OLD= to leave its votes out."
        )
    keys = {key: named.get(key, key) for key in rubric.criterion_keys}
    for key, new in keys.items():
        double = [other for other, same in keys.items() if same == new and other != key]
        if new != LEFT_OUT and double:
            raise InvalidInput(f"{key} and {double[0]} would both become {new}: leave one of them out.")
    return keys


def _is_same(rubric: Rubric, target: Rubric, key: str) -> bool:
    return key in target.criterion_keys and not changes_meaning(rubric, target, key)


def _check_names(rubrics: Mapping[str, Rubric], target: Rubric, named: Mapping[str, str]) -> None:
    known = {key for rubric in rubrics.values() for key in rubric.criterion_keys}
    for old, new in named.items():
        if old not in known:
            raise InvalidInput(f"The mapping names {old!r}, which no version has: {suggest(old, sorted(known))}")
        if new != LEFT_OUT and new not in target.criterion_keys:
            remedy = suggest(new, target.criterion_keys)
            raise InvalidInput(f"The mapping names {new!r}, which version {target.version[:12]} has not: {remedy}")
