"""What rewards are worth against pairs: accuracy with intervals, likelihood, calibration, paired differences.

Every function takes margins, `reward(chosen) - reward(rejected)` per pair: positive means that the scorer agrees with
the labels. Pure numpy; results are `app.stats` estimates, so a number never comes without its n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from app.stats.intervals import percentile_interval, wilson
from app.stats.results import Estimate, undefined
from app.stats.words import counted

N_RESAMPLES = 2000
MIN_CLUSTERS = 10
N_BINS = 10
N_HISTOGRAM_BINS = 30
MIN_TEMPERATURE_PAIRS = 20


@dataclass(frozen=True)
class Accuracy:
    """How often a scorer agrees with the labels.

    Attributes:
        estimate: correct / (correct + wrong) with Wilson's interval; n leaves out the scorer's own ties.
        n_correct: pairs whose chosen response scores higher.
        n_wrong: pairs whose chosen response scores lower.
        n_tied: pairs on which the scorer cannot decide.
    """

    estimate: Estimate
    n_correct: int
    n_wrong: int
    n_tied: int

    def to_json(self) -> dict:
        """Value, interval, n and the three counts as plain JSON."""
        counts = {"n_correct": self.n_correct, "n_wrong": self.n_wrong, "n_tied": self.n_tied}
        return {**self.estimate.to_json(), **counts}


def pairwise_accuracy(margins: np.ndarray) -> Accuracy:
    """Share of pairs with a positive margin among those with a margin other than 0 (ties are counted apart).

    Undefined without a decided pair.
    """
    n_correct, n_wrong = int((margins > 0).sum()), int((margins < 0).sum())
    estimate = wilson(n_correct, n_correct + n_wrong)
    return Accuracy(estimate, n_correct, n_wrong, n_tied=len(margins) - n_correct - n_wrong)


def credit(margins: np.ndarray) -> np.ndarray:
    """1 for a right pair, 0 for a wrong one, 1/2 for a tie: the chance of being right when ties are drawn by lot."""
    return (np.sign(margins) + 1) / 2


def choose_clusters(prompts: Sequence[object], comparisons: Sequence[str]) -> tuple[np.ndarray, str]:
    """What a bootstrap resamples: prompts, or comparisons where there are fewer than 10 distinct prompts.

    Returns:
        (n,) integer cluster codes, and the name of what they stand for.
    """
    codes = _codes(prompts)
    if len(np.unique(codes)) >= MIN_CLUSTERS:
        return codes, "prompts"
    return _codes(comparisons), "comparisons"


def _codes(values: Sequence[object]) -> np.ndarray:
    seen: dict[object, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in values], dtype=np.int64)


def clustered_mean(values: np.ndarray, clusters: np.ndarray, *, unit: str, seed: int = 0) -> Estimate:
    """The mean of per-pair values with a percentile bootstrap over clusters.

    Args:
        values: (n,) such as `credit(margins)`, or the difference of two credits.
        clusters: (n,) codes from `choose_clusters`.
        unit: what a cluster is, for the name of the method.
        seed: of the resampling.

    Returns:
        The mean; undefined without values, without interval below 10 clusters.

    Source: Efron and Tibshirani (1993), chapter 13; cluster resampling as in Davison and Hinkley (1997), 3.8.
    """
    if len(values) == 0:
        return undefined("no pairs")
    sums = np.bincount(clusters, weights=values)
    sizes = np.bincount(clusters).astype(float)
    n_clusters = len(sums)
    if n_clusters < MIN_CLUSTERS:
        reason = f"no interval: {n_clusters} {unit}, and a bootstrap needs {MIN_CLUSTERS}"
        return Estimate(value=float(values.mean()), n=len(values), undefined_reason=reason)
    rng = np.random.default_rng(seed)
    draws = np.empty(N_RESAMPLES)
    for i in range(N_RESAMPLES):
        chosen = rng.integers(0, n_clusters, n_clusters)
        draws[i] = sums[chosen].sum() / sizes[chosen].sum()
    interval = percentile_interval(draws)
    method = f"percentile bootstrap over {n_clusters} {unit}"
    return Estimate(float(values.mean()), len(values), interval[0], interval[1], method=method)


def negative_log_likelihood(margins: np.ndarray, labels: np.ndarray | None = None) -> Estimate:
    """Mean of `-(p log s + (1-p) log(1-s))` with `s = sigmoid(margin)`, in nats; log 2 = .693 knows nothing.

    Args:
        margins: (n,) reward differences.
        labels: (n,) soft labels p; 1 for all where None.
    """
    if len(margins) == 0:
        return undefined("no pairs")
    p = np.ones_like(margins) if labels is None else labels
    losses = p * np.logaddexp(0, -margins) + (1 - p) * np.logaddexp(0, margins)
    return Estimate(float(losses.mean()), len(margins))


def label_entropy(labels: np.ndarray) -> Estimate:
    """Mean entropy of soft labels in nats: the soft likelihood that no scorer can fall below."""
    if len(labels) == 0:
        return undefined("no pairs")
    p = np.clip(labels, 1e-12, 1 - 1e-12)
    return Estimate(float(np.mean(-p * np.log(p) - (1 - p) * np.log1p(-p))), len(labels))


@dataclass(frozen=True)
class Calibration:
    """How far stated confidence is from the share of right answers.

    Attributes:
        error: expected calibration error, sum over bins of n_b / n * |accuracy_b - confidence_b|.
        bins: per non-empty bin: `low`, `high`, `n`, mean `confidence`, `accuracy` with Wilson's interval: the
            reliability diagram.
    """

    error: Estimate
    bins: tuple[dict[str, float], ...]

    def to_json(self) -> dict:
        """The error with its n, and the bins of the reliability diagram."""
        return {**self.error.to_json(), "bins": list(self.bins)}


def calibration(margins: np.ndarray) -> Calibration:
    """Expected calibration error over 10 equal bins of confidence `sigmoid(|margin|)`, from .5 to 1.

    Source: Naeini, Cooper and Hauskrecht (2015); Guo et al. (2017), equation 3.
    """
    if len(margins) == 0:
        return Calibration(undefined("no pairs"), ())
    confidence = 1 / (1 + np.exp(-np.abs(margins)))
    right = credit(margins)
    edges = np.linspace(0.5, 1, N_BINS + 1)
    index = np.clip(np.digitize(confidence, edges[1:-1]), 0, N_BINS - 1)
    bins, error = [], 0.0
    for b in range(N_BINS):
        inside = index == b
        if not inside.any():
            continue
        mean_confidence, accuracy = float(confidence[inside].mean()), float(right[inside].mean())
        error += inside.mean() * abs(accuracy - mean_confidence)
        bounds = {"low": float(edges[b]), "high": float(edges[b + 1])}
        interval = wilson(float(right[inside].sum()), int(inside.sum()))
        bins.append(
            {
                **bounds,
                "n": int(inside.sum()),
                "confidence": mean_confidence,
                "accuracy": accuracy,
                "accuracy_low": interval.low,
                "accuracy_high": interval.high,
            }
        )
    return Calibration(Estimate(float(error), len(margins)), tuple(bins))


@dataclass(frozen=True)
class Temperature:
    """The one number that makes stated confidence honest: `P(right) = sigmoid(margin / T)`.

    Attributes:
        estimate: T with a 95 % interval; above 1 the model is too sure, below 1 too timid.
        nll_after: likelihood with T fitted on the other folds.
        error_after: expected calibration error with T fitted on the other folds.
    """

    estimate: Estimate
    nll_after: Estimate
    error_after: Estimate

    def to_json(self) -> dict:
        """T with its interval, and the two measures after it."""
        after = {"nll_after": self.nll_after.to_json(), "error_after": self.error_after.to_json()}
        return {**self.estimate.to_json(), **after}


def fit_temperature(margins: np.ndarray, *, seed: int = 0) -> Temperature:
    """Maximise the likelihood of the labels over T; judge it on five folds that it was not fitted on.

    The likelihood is concave in 1/T: Newton's method, and an interval from its curvature. Undefined where every pair
    is right (T would be 0), where the model does worse than chance (T would be negative), and with fewer than 20 pairs.

    Source: Guo et al. (2017), section 4.2.
    """
    if len(margins) < MIN_TEMPERATURE_PAIRS:
        nothing = undefined(f"{counted(len(margins), 'pair')}; {MIN_TEMPERATURE_PAIRS} are needed", n=len(margins))
        return Temperature(nothing, nothing, nothing)
    slope, error = _slope(margins)
    if slope is None or error is None:
        nothing = undefined("every pair is right, or the model is worse than chance: no finite T", n=len(margins))
        return Temperature(nothing, nothing, nothing)
    low, high = slope - 1.96 * error, slope + 1.96 * error
    bounds = (1 / high, 1 / low) if low > 0 else (None, None)
    estimate = Estimate(1 / slope, len(margins), *bounds, method="maximum likelihood, interval from the curvature")
    fold = np.random.default_rng(seed).integers(0, 5, len(margins))
    scaled = np.empty_like(margins)
    for k in range(5):
        other, _ = _slope(margins[fold != k])
        scaled[fold == k] = margins[fold == k] * (slope if other is None else other)
    return Temperature(estimate, negative_log_likelihood(scaled), calibration(scaled).error)


def _slope(margins: np.ndarray) -> tuple[float | None, float | None]:
    """1/T of the best likelihood and its standard error; None where there is none above 0."""
    if not (margins < 0).any() or margins.mean() <= 0:
        return None, None
    b = 0.0
    for _ in range(100):
        miss = 1 / (1 + np.exp(np.clip(margins * b, -500, 500)))
        curvature = float((margins**2 * miss * (1 - miss)).sum())
        step = float((margins * miss).sum()) / max(curvature, 1e-12)
        b += float(np.clip(step, -5, 5))
        if abs(step) < 1e-10 * max(1, b):
            break
    return b, 1 / np.sqrt(max(curvature, 1e-12))


def margin_histogram(margins: np.ndarray, *, n_bins: int = N_HISTOGRAM_BINS) -> dict:
    """Counts of margins in equal bins, 0 always an edge: `edges` (bins + 1) and `counts` (bins).

    The bins are symmetric about 0 and reach to the largest margin, so that wrong pairs stand left, right pairs right.
    """
    largest = float(np.abs(margins).max()) if len(margins) else 0.0
    largest = largest or 1.0
    half = -(-n_bins // 2)
    edges = np.concatenate([-np.linspace(largest, 0, half, endpoint=False), np.linspace(0, largest, half + 1)])
    counts, _ = np.histogram(margins, edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def paired_test(first: np.ndarray, second: np.ndarray) -> dict:
    """McNemar's exact test of two scorers on the same pairs: discordant counts and a two-sided p-value.

    Ties of a scorer are left out. p = 1 without discordant pairs.

    Source: McNemar (1947); exact by the binomial distribution.
    """
    decided = (first != 0) & (second != 0)
    only_first = int(((first > 0) & (second < 0) & decided).sum())
    only_second = int(((first < 0) & (second > 0) & decided).sum())
    n = only_first + only_second
    p_value = min(1.0, 2 * float(bdtr(min(only_first, only_second), n, 0.5))) if n else 1.0
    return {"n_only_first_right": only_first, "n_only_second_right": only_second, "p_value": p_value}
