"""Best of n: how often the response with the highest reward is the one that people put first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.stats.intervals import wilson
from app.stats.results import undefined
from reward.pairs import Pair


@dataclass(frozen=True)
class Choice:
    """One comparison of n responses.

    Attributes:
        rewards: (n,) of its distinct responses.
        is_best: (n,) whether no label puts another response before it.
        subset: of a benchmark, or empty.
    """

    rewards: np.ndarray
    is_best: np.ndarray
    subset: str

    @property
    def credit(self) -> float:
        """1 where the highest reward is on a best response; a share where several responses tie for it."""
        top = self.rewards >= self.rewards.max()
        return float((top & self.is_best).sum() / top.sum())

    @property
    def chance(self) -> float:
        """The credit of a choice by lot."""
        return float(self.is_best.mean())


def choices_of(pairs: Sequence[Pair], rewards: np.ndarray) -> list[Choice]:
    """The comparisons of more than two responses.

    Args:
        pairs: pairs of one comparison share `comparison_id` and prompt.
        rewards: (pairs, 2) of the chosen and the rejected response.

    Returns:
        One choice a comparison; those in which every response is rejected somewhere (a cycle) are left out.
    """
    groups: dict[tuple[str, Any], list[int]] = {}
    for i, pair in enumerate(pairs):
        groups.setdefault((pair.comparison_id, pair.prompt), []).append(i)
    return [choice for rows in groups.values() if len(rows) > 1 and (choice := _choice(pairs, rewards, rows))]


def _choice(pairs: Sequence[Pair], rewards: np.ndarray, rows: Sequence[int]) -> Choice | None:
    found: dict[tuple[str, str], list[float | bool]] = {}
    for i in rows:
        pair = pairs[i]
        chosen, rejected = (pair.chosen_id, pair.chosen), (pair.rejected_id, pair.rejected)
        found.setdefault(chosen, [float(rewards[i, 0]), True])
        found.setdefault(rejected, [float(rewards[i, 1]), True])
        if pair.soft_label > 0.5:
            found[rejected][1] = False
    is_best = np.array([bool(best) for _, best in found.values()])
    if len(found) < 3 or not is_best.any():
        return None
    return Choice(np.array([reward for reward, _ in found.values()]), is_best, pairs[rows[0]].subset)


def best_of_n(pairs: Sequence[Pair], rewards: np.ndarray | None) -> dict[str, Any]:
    """Best-of-n accuracy with Wilson's interval, the accuracy of a choice by lot, and the same per subset.

    RewardBench (Lambert et al., 2024) and its second edition (Malik et al., 2025: one chosen response against three
    rejected ones) average their subsets: `mean_of_subsets`.

    Returns:
        An estimate as JSON with `chance`, `mean_responses`, `subsets` and `mean_of_subsets`; undefined where no
        comparison has more than two responses.
    """
    choices = [] if rewards is None else choices_of(pairs, rewards)
    if not choices:
        return undefined("no comparison has more than two responses").to_json(chance=None, subsets=[])
    subsets = sorted({choice.subset for choice in choices if choice.subset})
    parts = [{"subset": name, **_summary([c for c in choices if c.subset == name])} for name in subsets]
    mean = float(np.mean([part["value"] for part in parts])) if parts else None
    return {**_summary(choices), "subsets": parts, "mean_of_subsets": mean}


def _summary(choices: Sequence[Choice]) -> dict[str, Any]:
    credit = sum(choice.credit for choice in choices)
    return wilson(credit, len(choices)).to_json(
        chance=float(np.mean([choice.chance for choice in choices])),
        mean_responses=float(np.mean([len(choice.rewards) for choice in choices])),
    )
