"""A posterior that may stop asking: raters' accuracy from gold, a temperature, and a test against majority.

Each rater is right with a probability of their own and wrong alike in every other class (one coin). The posterior of a
unit is the product over its votes, tempered so that .95 is right in .95 of the cases. Whether it is used is decided
on gold that it has not seen: where it is not at least as good as majority, or gold is scarce, it is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from app.stats.calibration import MIN_GOLD, fit_temperature, stated_against_realised, tempered
from app.stats.intervals import wilson
from app.stats.overlap import ASK, CONFIDENT, THRESHOLD, decide_overlap

N_CLASSES = 4
"""First, second, tie, both bad (`app.stats.coding.CLASSES`)."""

SHRINKAGE = 8.0
"""Answers that the average rater adds to everybody's own."""

N_FOLDS = 5
FLOOR, CEILING = 0.26, 0.99
"""Accuracies are kept between slightly more than chance in four classes and certainty."""


@dataclass(frozen=True)
class GoldVote:
    """One answer to a gold unit.

    Attributes:
        unit: the gold comparison.
        rater: who answered.
        label: class answered, 0 to 3.
        accepted: classes that the key accepts.
    """

    unit: str
    rater: str
    label: int
    accepted: tuple[int, ...]


@dataclass(frozen=True)
class StoppingModel:
    """What turns votes into a posterior, and whether it may stop anything.

    Attributes:
        accuracy: rater -> accuracy on gold, shrunk to the average.
        average: accuracy of a rater without gold answers.
        prior: (4,) share of the classes, the two sides alike.
        temperature: above 1 the bare posterior is overconfident; None where it could not be fitted.
        n_gold: gold answers.
        n_units: gold comparisons.
        is_usable: whether it may stop comparisons.
        reason: why, in words.
        held_out: accuracy, votes per unit, stated and realised confidence on gold that it had not seen.
    """

    accuracy: Mapping[str, float]
    average: float
    prior: tuple[float, ...]
    temperature: float | None
    n_gold: int
    n_units: int
    is_usable: bool
    reason: str
    held_out: Mapping[str, Any]

    def posterior(self, votes: Sequence[tuple[str, int]]) -> np.ndarray:
        """(4,) probabilities of the classes given (rater, class) votes, tempered; the prior without votes."""
        bare = _posterior(votes, self.accuracy, self.average, np.array(self.prior))
        return tempered(bare[None, :], self.temperature or 1.0)[0]

    def to_dict(self) -> dict[str, Any]:
        """As stored."""
        return {**asdict(self), "accuracy": dict(self.accuracy), "held_out": dict(self.held_out)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> StoppingModel:
        """The inverse of `to_dict`."""
        return cls(**{**document, "prior": tuple(document["prior"])})


def fit_stopping(
    votes: Sequence[GoldVote], *, largest: int, threshold: float = THRESHOLD, min_gold: int = MIN_GOLD
) -> StoppingModel:
    """Fit accuracies and temperature on gold, and test the posterior against majority on gold it has not seen.

    accuracy_r = (hits_r + 8 average) / (n_r + 8). Five folds of gold comparisons: accuracies come from the other four,
    the temperature from the posteriors so predicted (every prefix of two or more votes). The model is usable with at
    least `min_gold` answers and where stopping at the threshold is right at least as often as the majority of
    `largest` votes on the same comparisons.

    Args:
        votes: answers to gold, each rater's first to a comparison, in the order in which they came.
        largest: most votes that a comparison gets.
        threshold: posterior that stops.
        min_gold: answers below which the model is not usable.
    """
    average = _pooled(votes)
    prior = _prior(votes)
    accuracy = _accuracies(votes, average)
    units = _by_unit(votes)
    base = StoppingModel(accuracy, average, prior, None, len(votes), len(units), False, "", {})
    if len(votes) < min_gold:
        return _but(base, reason=f"{len(votes)} gold answers; {min_gold} are needed")
    folds = [_accuracies(_outside(units, fold), average) for fold in range(N_FOLDS)]
    posteriors, accepted = _prefixes(units, folds, average, prior, largest)
    if not len(posteriors):
        return _but(base, reason="no gold comparison has two answers")
    fitted = fit_temperature(posteriors, accepted, min_n=1)
    held_out = _held_out(units, folds, average, prior, fitted.value or 1.0, largest=largest, threshold=threshold)
    is_usable = held_out["accuracy"]["value"] >= held_out["majority"]["value"]
    verdict = "at least as good as majority" if is_usable else "not as good as majority"
    return _but(
        base,
        temperature=fitted.value,
        is_usable=is_usable,
        reason=f"{verdict} on {len(units)} gold comparisons that it had not seen",
        held_out=held_out,
    )


def _but(model: StoppingModel, **changes: Any) -> StoppingModel:
    return StoppingModel(**{**model.__dict__, **changes})


def _pooled(votes: Sequence[GoldVote]) -> float:
    hits = sum(one.label in one.accepted for one in votes)
    return (hits + 1) / (len(votes) + 2)


def _accuracies(votes: Sequence[GoldVote], average: float) -> dict[str, float]:
    tally: dict[str, list[int]] = {}
    for one in votes:
        entry = tally.setdefault(one.rater, [0, 0])
        entry[0] += one.label in one.accepted
        entry[1] += 1
    return {rater: (hits + SHRINKAGE * average) / (n + SHRINKAGE) for rater, (hits, n) in tally.items()}


def _prior(votes: Sequence[GoldVote]) -> tuple[float, ...]:
    """Shares of the classes among the answers, each class given one more; first and second alike."""
    counts = np.bincount([one.label for one in votes], minlength=N_CLASSES) + 1.0
    counts[:2] = counts[:2].mean()
    return tuple(float(share) for share in counts / counts.sum())


def _by_unit(votes: Sequence[GoldVote]) -> list[list[GoldVote]]:
    units: dict[str, list[GoldVote]] = {}
    for one in votes:
        units.setdefault(one.unit, []).append(one)
    return [units[name] for name in sorted(units)]


def _outside(units: Sequence[Sequence[GoldVote]], fold: int) -> list[GoldVote]:
    """The answers to the gold comparisons of the other folds."""
    return [one for place, unit in enumerate(units) if place % N_FOLDS != fold for one in unit]


def _posterior(
    votes: Sequence[tuple[str, int]], accuracy: Mapping[str, float], average: float, prior: np.ndarray
) -> np.ndarray:
    """log p(t) = log prior_t + sum_r [log p_r if vote = t, else log((1 - p_r) / 3)]."""
    logs = np.log(prior)
    for rater, label in votes:
        p = float(np.clip(accuracy.get(rater, average), FLOOR, CEILING))
        said = np.full(N_CLASSES, np.log((1 - p) / (N_CLASSES - 1)))
        said[label] = np.log(p)
        logs = logs + said
    powers = np.exp(logs - logs.max())
    return powers / powers.sum()


def _prefixes(
    units: Sequence[Sequence[GoldVote]],
    folds: Sequence[Mapping[str, float]],
    average: float,
    prior: tuple[float, ...],
    largest: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Bare posteriors after two and more votes on every gold comparison, from the other folds, and what is accepted."""
    posteriors, accepted = [], []
    for place, unit in enumerate(units):
        for n in range(2, min(len(unit), largest) + 1):
            said = [(one.rater, one.label) for one in unit[:n]]
            posteriors.append(_posterior(said, folds[place % N_FOLDS], average, np.array(prior)))
            accepted.append([label in unit[0].accepted for label in range(N_CLASSES)])
    return np.array(posteriors), np.array(accepted)


def _held_out(
    units: Sequence[Sequence[GoldVote]],
    folds: Sequence[Mapping[str, float]],
    average: float,
    prior: tuple[float, ...],
    temperature: float,
    *,
    largest: int,
    threshold: float,
) -> dict[str, Any]:
    """How often stopping is right, and majority, on the gold comparisons with enough answers to tell."""
    rows = []
    for place, unit in enumerate(units):
        if len(unit) < min(largest, 2):
            continue
        votes = [(one.rater, one.label) for one in unit[:largest]]
        accuracy = folds[place % N_FOLDS]
        posteriors = np.array(
            [_posterior(votes[: n + 1], accuracy, average, np.array(prior)) for n in range(len(votes))]
        )
        stopped = replay(votes, tempered(posteriors, temperature), threshold=threshold)
        counts = np.bincount([label for _, label in votes], minlength=N_CLASSES)
        accepted = unit[0].accepted
        rows.append((stopped[0] in accepted, stopped[1], stopped[2], int(counts.argmax()) in accepted))
    hit, cost, stated, majority = (np.array(column) for column in zip(*rows, strict=True))
    confident = ~np.isnan(stated.astype(float))
    return {
        "accuracy": wilson(int(hit.sum()), len(hit)).to_json(),
        "majority": wilson(int(majority.sum()), len(majority)).to_json(),
        "votes_per_comparison": float(cost.mean()),
        "n": len(hit),
        "n_stopped_by_posterior": int(confident.sum()),
        "confidence": stated_against_realised(stated[confident].astype(float), hit[confident]),
    }


def replay(votes: Sequence[tuple[str, int]], posteriors: np.ndarray, *, threshold: float) -> tuple[int, int, float]:
    """What the posterior policy makes of votes in their order, as many as there are being the largest overlap.

    Args:
        votes: (rater, class) in the order in which they came.
        posteriors: (n, 4) calibrated posterior after each vote.
        threshold: posterior that stops.

    Returns:
        The class taken, the votes asked for, and the posterior that stopped it (NaN where the votes did).
    """
    counts = np.zeros((1, N_CLASSES), np.int64)
    for n, (_, label) in enumerate(votes, start=1):
        counts[0, label] += 1
        made = decide_overlap(counts, largest=len(votes), posterior=posteriors[n - 1 : n], threshold=threshold)
        if made.action[0] != ASK:
            by_posterior = made.reason[0] == CONFIDENT
            return int(made.leader[0]), n, float(posteriors[n - 1].max()) if by_posterior else float("nan")
    return int(counts.argmax()), len(votes), float("nan")
