"""Who the simulated raters are: ability, taste, pace and position bias, drawn from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

FIRST_NAMES = (
    "Ada", "Bilal", "Carmen", "Dmitri", "Esi", "Farah", "Goran", "Hana", "Imre", "Jun", "Kofi", "Leila",
    "Mateo", "Noor", "Oona", "Pavel", "Quim", "Rosa", "Sven", "Tomoe", "Uma", "Vera", "Wanjiru", "Yusuf",
)  # fmt: skip


@dataclass(frozen=True)
class Traits:
    """What a simulated rater is like.

    Attributes:
        noise: standard deviation of what they perceive around what is there, in points of a 7-point scale.
        position_bias: points that the response shown first gains in their eyes; negative favours the last.
        weights: how much each criterion counts for them; sums to 1.
        tie_width: differences below this many points are a tie to them.
        pace: reading speed in words per second.
        boldness: how far their confidence exceeds what their perception warrants, in levels.
    """

    noise: float
    position_bias: float
    weights: Mapping[str, float]
    tie_width: float
    pace: float
    boldness: float

    def to_dict(self) -> dict[str, Any]:
        """The traits as the rater's `specification` in the ledger."""
        return {"simulated": asdict(self)}


def draw_traits(seed: int, index: int, *, criteria: Sequence[str], declared: Mapping[str, float]) -> Traits:
    """The traits of one simulated rater: the same for the same seed, number and rubric.

    Weights scatter around the declared ones (Dirichlet with concentration 12), so that raters differ in what they
    value and not only in what they see. About one rater in eight is careless (noise 2.2 instead of 0.5 to 1.2).

    Args:
        seed: of the simulation.
        index: number of the rater.
        criteria: keys of all criteria of the campaign's rubrics.
        declared: declared weight per criterion; missing ones count as the mean of the others.
    """
    chance = np.random.default_rng([seed, index])
    fallback = float(np.mean(list(declared.values()))) if declared else 1.0
    expected = np.array([max(declared.get(key, fallback), 0.02) for key in criteria])
    weights = chance.dirichlet(12 * expected / expected.sum()) if len(criteria) else expected
    is_careless = chance.random() < 0.125
    return Traits(
        noise=2.2 if is_careless else float(chance.uniform(0.5, 1.2)),
        position_bias=float(chance.normal(0.15, 0.25)),
        weights={key: round(float(weight), 4) for key, weight in zip(criteria, weights, strict=True)},
        tie_width=float(chance.uniform(0.2, 0.6)),
        pace=float(chance.lognormal(np.log(4.0), 0.25)),
        boldness=float(chance.normal(0.4, 0.6)),
    )


def rater_name(index: int) -> str:
    """A name that says what it is: `sim-ada`, and `sim-ada-2` when the list of names starts again."""
    turn, place = divmod(index, len(FIRST_NAMES))
    name = f"sim-{FIRST_NAMES[place].lower()}"
    return name if turn == 0 else f"{name}-{turn + 1}"
