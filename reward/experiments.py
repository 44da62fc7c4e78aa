"""Small experiments on cached features: which target to train on, and which comparisons to ask about next.

A linear model on fixed features is fitted in milliseconds, so that ten seeds cost seconds and every claim comes with
its spread. Splits are by group (topic, prompt): nothing of a test group is ever trained on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from reward import metrics
from reward.embeddings import Embedder, text_features
from reward.laplace import Posterior, fit_posterior, greedy_d_optimal, information_gain
from reward.select import N_COMPONENTS, principal_directions
from reward.targets import FROM_VOTES, vote_labels

TARGET_NAMES = ("share", "posterior", "reliability", "hard", "smoothed", "margin", "without splits")
STRATEGIES = ("random", "d_optimal", "d_optimal 70 %", "bald", "closest")
PRECISION = 1.0


@dataclass(frozen=True)
class VotedPairs:
    """Pairs with features and votes.

    Attributes:
        differences: (pairs, features) of the first minus the second response.
        group: (pairs,) code of the group.
        votes: vote frame; `comparison_id` is the number of the pair as text, `first` 'a', `second` 'b'.
        truth: (pairs,) P(first is better) to measure against: the share of all votes, or a simulation's own utility.
        longer: (pairs,) characters of the first minus the second, zeros where there are no texts.
    """

    differences: np.ndarray
    group: np.ndarray
    votes: pd.DataFrame
    truth: np.ndarray
    longer: np.ndarray = field(default_factory=lambda: np.zeros(0))


def simulate_pairs(n: int, *, seed: int, n_features: int = 12, n_raters: int = 12, overlap: int = 3) -> VotedPairs:
    """Simulated pairs: a linear utility, raters of whom a third vote at random.

    Good raters see the utility through logistic noise (Bradley and Terry); their votes agree with it about 80 % of the
    time.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_features))
    utility = x @ rng.normal(size=n_features) * 1.8 / np.sqrt(n_features) * 1.5
    rows = []
    for pair in range(n):
        for rater in rng.permutation(n_raters)[:overlap]:
            p = 0.5 if rater < n_raters // 3 else expit(utility[pair])
            rows.append((str(pair), f"r{rater}", "first" if rng.random() < p else "second"))
    return VotedPairs(x, np.arange(n) % 8, _vote_frame(rows), expit(utility), np.zeros(n))


def read_voted_pairs(path: Path, *, group_key: str, embedder: Embedder, limit: int | None = None) -> VotedPairs:
    """Pairs of a file of native comparisons, with their votes; pairs that nobody preferred a side of are left out.

    Args:
        path: JSONL with two completions and judgments a line.
        group_key: key of `meta` that names the group; the prompt where it is absent.
        embedder: for the features.
        limit: only the first so many usable lines.
    """
    texts, groups, rows, truth = [], [], [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        ids = [completion["id"] for completion in row["completions"]]
        votes = [(vote["rater"], vote.get("preferred")) for vote in row.get("judgments", ())]
        decided = [(rater, side) for rater, side in votes if side in ids]
        if len(ids) != 2 or not decided:
            continue
        number = str(len(groups))
        rows += [(number, rater, "first" if side == ids[0] else "second") for rater, side in decided]
        texts += [completion["text"] for completion in row["completions"]]
        groups.append(row.get("meta", {}).get(group_key) or json.dumps(row["prompt"]))
        truth.append(np.mean([side == ids[0] for _, side in decided]))
        if limit is not None and len(groups) >= limit:
            break
    features = text_features(embedder, texts)
    differences = features[::2] - features[1::2]
    basis = principal_directions(differences, N_COMPONENTS)
    longer = np.array([len(a) - len(b) for a, b in zip(texts[::2], texts[1::2], strict=True)], dtype=float)
    return VotedPairs(
        differences @ basis, pd.factorize(np.array(groups))[0], _vote_frame(rows), np.array(truth), longer
    )


def _vote_frame(rows: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["comparison_id", "rater_id", "outcome"])
    value = frame["outcome"].map({"first": 1.0, "second": -1.0}).astype(float)
    fixed = {"first": "a", "second": "b", "rater_kind": "human", "criterion": "overall", "repeat_index": 0}
    return frame.assign(value=value, weight=1.0, judgment_id=np.arange(len(frame)), **fixed)


def compare_targets(
    data: VotedPairs, *, seeds: Sequence[int], n_train: int = 1500, n_votes: int = 3, test_share: float = 0.25
) -> pd.DataFrame:
    """Train on each target from the same votes, seed by seed.

    For every seed, a quarter of the groups is held out, `n_train` of the other pairs are drawn, and `n_votes` votes of
    each. Measured on the held-out pairs that have a decided truth.

    Returns:
        One row per seed and target: `seed`, `target`, `accuracy` (against the majority of the truth), `nll` (against
        the truth as a probability), `calibration_error`, `n_train`, `n_test`.
    """
    return pd.DataFrame([row for seed in seeds for row in _one_seed(data, seed, n_train, n_votes, test_share)])


def _one_seed(data: VotedPairs, seed: int, n_train: int, n_votes: int, test_share: float) -> Iterator[dict]:
    rng = np.random.default_rng(seed)
    train, test = split_groups(data, rng, test_share)
    train = rng.permutation(train)[:n_train]
    votes = draw_votes(data.votes, train, n_votes, rng)
    for target in TARGET_NAMES:
        model = fit_target(data, votes, target)
        margins = model.margins(data.differences[test])
        signed = margins * np.sign(data.truth[test] - 0.5)
        yield {
            "seed": seed,
            "target": target,
            "accuracy": metrics.pairwise_accuracy(signed).estimate.value,
            "nll": metrics.negative_log_likelihood(margins, data.truth[test]).value,
            "calibration_error": soft_calibration_error(margins, data.truth[test]),
            "n_train": len(train),
            "n_test": len(test),
        }


def soft_calibration_error(margins: np.ndarray, truth: np.ndarray, *, n_bins: int = 10) -> float:
    """Mean absolute difference of predicted and true probability over ten equal bins of the prediction."""
    p = expit(margins)
    index = np.clip((p * n_bins).astype(int), 0, n_bins - 1)
    sizes = np.bincount(index, minlength=n_bins)
    gaps = np.abs(np.bincount(index, p - truth, minlength=n_bins))
    return float(gaps.sum() / sizes.sum())


def split_groups(data: VotedPairs, rng: np.random.Generator, test_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to train and to test on: no group in both; test rows have a decided truth."""
    groups = rng.permutation(np.unique(data.group))
    held_out = groups[: max(1, round(test_share * len(groups)))]
    inside = np.isin(data.group, held_out)
    return np.flatnonzero(~inside), np.flatnonzero(inside & (data.truth != 0.5))


def draw_votes(votes: pd.DataFrame, rows: np.ndarray, n_votes: int, rng: np.random.Generator) -> pd.DataFrame:
    """At most `n_votes` votes, drawn by lot, on each of some pairs."""
    kept = votes[votes["comparison_id"].isin({str(row) for row in rows})]
    kept = kept.assign(lot=rng.random(len(kept))).sort_values("lot")
    return kept.groupby("comparison_id", sort=False).head(n_votes).drop(columns="lot").sort_index()


def fit_target(data: VotedPairs, votes: pd.DataFrame, target: str) -> Posterior:
    """Fit the linear model to one target of some votes."""
    based_on = target if target in FROM_VOTES else "share"
    labels = vote_labels(votes, kinds=["human"], target=based_on)[0]
    rows = np.array([int(key[0]) for key in labels])
    p = np.array(list(labels.values()))
    lead, offsets, weights = 2 * p - 1, None, None
    if target in ("hard", "smoothed", "margin"):
        p = np.where(lead > 0, 1.0, np.where(lead < 0, 0.0, 0.5))
    if target == "smoothed":
        p = 0.9 * p + 0.05
    if target == "margin":
        offsets = lead  # sign and size: the side that leads shall lead by as much
    if target == "without splits":
        weights = (np.abs(lead) == 1).astype(float)
    return fit_posterior(data.differences[rows], p, weights=weights, offsets=offsets, precision=PRECISION)


def summarise(frame: pd.DataFrame, *, reference: str = "share") -> pd.DataFrame:
    """Mean of each target over the seeds, and its paired difference from a reference with its standard error."""
    rows = []
    base = frame[frame["target"] == reference].set_index("seed")
    for target, part in frame.groupby("target", sort=False):
        part = part.set_index("seed")
        row: dict[str, object] = {"target": target, "n_seeds": len(part)}
        for name in ("accuracy", "nll", "calibration_error"):
            difference = part[name] - base[name]
            error = difference.std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else np.nan
            row |= {name: part[name].mean(), f"{name} difference": difference.mean(), f"{name} standard error": error}
        rows.append(row)
    return pd.DataFrame(rows)


def learning_curves(
    data: VotedPairs, *, seeds: Sequence[int], n_start: int = 50, batch: int = 50, n_labels: int = 400
) -> pd.DataFrame:
    """Accuracy on held-out groups as votes come in, by strategy; one vote a pair, drawn from its votes.

    Strategies: `random`; `d_optimal`; `d_optimal 70 %` with the rest by lot, as `steelyard select` does; `bald` (the
    most informative ones, one by one); `closest` (smallest margin: shown because it can be far worse than random).

    Returns:
        One row per seed, strategy and number of labels: `seed`, `strategy`, `n`, `accuracy`.
    """
    rows = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        pool, test = split_groups(data, rng, 0.25)
        one_vote = draw_votes(data.votes, pool, 1, rng)
        label = dict(zip(one_vote["comparison_id"].astype(int), one_vote["outcome"] == "first", strict=True))
        pool = np.array(sorted(label))
        start = rng.permutation(pool)[:n_start]
        for strategy in STRATEGIES:
            lots = np.random.default_rng([seed, 1])
            for n, accuracy in _curve(data, label, pool, start, test, strategy, batch, n_labels, lots):
                rows.append({"seed": seed, "strategy": strategy, "n": n, "accuracy": accuracy})
    return pd.DataFrame(rows)


def _curve(
    data: VotedPairs,
    label: Mapping[int, bool],
    pool: np.ndarray,
    start: np.ndarray,
    test: np.ndarray,
    strategy: str,
    batch: int,
    n_labels: int,
    rng: np.random.Generator,
) -> Iterator[tuple[int, float]]:
    known = list(start)
    while True:
        model = fit_posterior(data.differences[known], np.array([float(label[i]) for i in known]), precision=PRECISION)
        signed = model.margins(data.differences[test]) * np.sign(data.truth[test] - 0.5)
        yield len(known), float(metrics.credit(signed).mean())
        rest = np.setdiff1d(pool, known)
        if len(known) >= n_labels or not len(rest):
            return
        known += choose(model, data.differences, rest, min(batch, len(rest)), strategy, rng)


def choose(
    model: Posterior, differences: np.ndarray, rest: np.ndarray, n: int, strategy: str, rng: np.random.Generator
) -> list[int]:
    """The next `n` of the rows that are left, by one of STRATEGIES."""
    if strategy == "random":
        return rng.permutation(rest)[:n].tolist()
    if strategy == "bald":
        return rest[np.argsort(-information_gain(model, differences[rest]))[:n]].tolist()
    if strategy == "closest":
        return rest[np.argsort(np.abs(model.margins(differences[rest])))[:n]].tolist()
    n_lots = round(0.3 * n) if strategy.endswith("70 %") else 0
    lots = rng.permutation(rest)[:n_lots]
    left = np.setdiff1d(rest, lots)
    chosen = greedy_d_optimal(model, [differences[[i]] for i in left], n - n_lots)
    return [*lots.tolist(), *(int(left[i]) for i, _ in chosen)]


def curve_difference(curves: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """A strategy against random, paired by seed: `n`, mean `difference` in accuracy, `low` and `high` (normal, 95 %).

    A strategy saves labels only where `low` is above 0.
    """
    table = curves.pivot_table(index=["seed", "n"], columns="strategy", values="accuracy")
    difference = (table[strategy] - table["random"]).unstack("n")
    mean, error = difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))
    frame = pd.DataFrame({"difference": mean, "low": mean - 1.96 * error, "high": mean + 1.96 * error})
    return frame.reset_index()
