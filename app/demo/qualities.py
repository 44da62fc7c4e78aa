"""What is really there for simulated raters to perceive: the quality of each completion on each criterion.

Where a comparison carries the author's view (`reference`) or a gold key, that view is the truth. Elsewhere the truth
is drawn from the comparison's id: the same for every simulation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.domain import OVERALL, Comparison
from rubrics.answers import BOTH_BAD, TIE
from rubrics.model import Rubric

SPREAD = 1.0
"""Standard deviation of a quality that nobody wrote down, in points of a 7-point scale."""

GOLD_STRENGTH = 2.5
"""How far apart the completions of a gold comparison are: unarguable for a careful reader."""


@dataclass(frozen=True)
class Truth:
    """The qualities of one comparison's completions.

    Attributes:
        qualities: criterion (and "overall", where somebody wrote it down) -> completion id -> points.
        is_both_bad: whether none of the completions is acceptable.
    """

    qualities: Mapping[str, Mapping[str, float]]
    is_both_bad: bool = False


def truth_of(comparison: Comparison, rubric: Rubric) -> Truth:
    """The truth of a comparison under a rubric (see the module's description)."""
    ids = comparison.completion_ids
    written = _written(comparison)
    keys = [criterion.key for criterion in rubric.applicable(comparison.meta)]
    qualities = {key: _qualities(written[key], ids) if key in written else _drawn(comparison, key) for key in keys}
    if OVERALL in written:
        qualities[OVERALL] = _qualities(written[OVERALL], ids)
    elif not keys:
        qualities[OVERALL] = _drawn(comparison, OVERALL)
    is_both_bad = comparison.gold is not None and BOTH_BAD in comparison.gold.accepted
    return Truth(qualities, is_both_bad)


def _written(comparison: Comparison) -> dict[str, Mapping[str, Any]]:
    """Criterion -> answer in the native shape, from the gold key or the reference."""
    if comparison.gold is not None:
        key = comparison.gold
        directions = {name: {"preferred": to, "strength": GOLD_STRENGTH} for name, to in key.criteria.items()}
        return {OVERALL: {"preferred": key.accepted[0], "strength": GOLD_STRENGTH}, **directions}
    reference = dict(comparison.reference or {})
    criteria = reference.pop("criteria", {})
    return {**({OVERALL: reference} if reference else {}), **criteria}


def _qualities(answer: Mapping[str, Any], ids: tuple[str, ...]) -> dict[str, float]:
    """An answer in the native shape as points per completion."""
    if "scores" in answer:
        return {name: float(score) for name, score in answer["scores"].items()}
    if "checks" in answer:
        return {name: 1.0 if yes else -1.0 for name, yes in answer["checks"].items()}
    if "ranking" in answer:
        return {name: -1.2 * place for place, group in enumerate(answer["ranking"]) for name in group}
    preferred = answer["preferred"]
    if preferred in (TIE, BOTH_BAD) or preferred not in ids:
        return dict.fromkeys(ids, 0.0)
    half = float(answer.get("strength") or 1.5) / 2
    return {name: half if name == preferred else -half for name in ids}


def _drawn(comparison: Comparison, key: str) -> dict[str, float]:
    digest = hashlib.sha256(f"{comparison.id}\0{key}".encode()).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:8]))
    return {name: float(chance.normal(0, SPREAD)) for name in comparison.completion_ids}
