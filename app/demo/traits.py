"""Who the simulated raters are: ability, taste, pace and position bias, drawn from a seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from app.errors import InvalidInput

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

    @property
    def digest(self) -> str:
        """Four hexadecimal digits that tell these traits from others."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:4]


@dataclass(frozen=True)
class GivenTraits:
    """Traits that all simulated raters share instead of drawing their own; None leaves a trait to the draw.

    Attributes:
        noise: as in `Traits`; 0 sees what is there.
        position_bias: as in `Traits`.
        weights: criterion -> how much it counts; criteria left out count nothing. Scaled to sum to 1.
        pace: as in `Traits`.
    """

    noise: float | None = None
    position_bias: float | None = None
    weights: Mapping[str, float] | None = None
    pace: float | None = None

    def applied_to(self, drawn: Traits) -> Traits:
        """Drawn traits with the given ones in their place.

        Raises:
            InvalidInput: a number is out of range, or a weight is of no criterion of the campaign.
        """
        if self.noise is not None and not 0 <= self.noise < np.inf:
            raise InvalidInput(f"noise is {self.noise}: use 0 or more points.")
        if self.pace is not None and not 0 < self.pace < np.inf:
            raise InvalidInput(f"pace is {self.pace}: use more than 0 words per second.")
        given = {key: value for key, value in vars(self).items() if value is not None}
        if self.weights is not None:
            given["weights"] = _scaled(self.weights, list(drawn.weights))
        return replace(drawn, **given)


def _scaled(weights: Mapping[str, float], criteria: Sequence[str]) -> dict[str, float]:
    unknown = [key for key in weights if key not in criteria]
    if unknown:
        raise InvalidInput(f"No criterion {unknown[0]!r}: the campaign has {', '.join(criteria) or 'none'}.")
    total = sum(weights.values())
    if min(weights.values(), default=0) < 0 or not 0 < total < np.inf:
        raise InvalidInput(f"Weights {dict(weights)}: use 0 or more each, and more than 0 in all.")
    return {key: round(weights.get(key, 0.0) / total, 4) for key in criteria}


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
