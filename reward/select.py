"""Choose the next batch: where a vote teaches most, with a random share that keeps every measurement honest.

1. A share of the batch (30 %) is drawn uniformly from the whole pool, before anything else is looked at: its votes are
   an unbiased sample, whatever the model believes.
2. The rest is chosen one by one so as to add most to the information about the weights of a Bayesian logistic
   regression on frozen embeddings, fitted on the training pairs (`reward.laplace`); the model's own predictions say
   how open each comparison is.
3. The two arms are shuffled into one order, so that a batch that is cut short keeps its random share.

Closeness of the model's rewards alone is not offered: on real votes it went from the best rule to far worse than random
(it collects the pairs that nobody can tell apart). No saving is promised; the campaign's own curve against its random
arm shows what the choice is worth.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from app.stats.words import counted
from reward.embeddings import DEFAULT_ENCODER, Embedder, text_features
from reward.errors import RewardError
from reward.laplace import Posterior, fit_posterior, greedy_d_optimal
from reward.pairs import Messages, Pair, Snapshot, messages_of, open_snapshot, read_pairs

if TYPE_CHECKING:
    from reward.scorer import Scorer

POOL_NAME = "pool.parquet"
RANDOM_SHARE = 0.3
N_COMPONENTS = 48
MAX_POOL = 4_000
MAX_TRAINING_PAIRS = 4_000
PRIOR_PRECISION = 1.0


@dataclass(frozen=True)
class Candidate:
    """A comparison that nobody has judged yet.

    Attributes:
        comparison_id: its external id.
        prompt: the conversation before the responses.
        texts: its responses.
    """

    comparison_id: str
    prompt: Messages
    texts: tuple[str, ...]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Places of the responses of each implied pair."""
        return list(combinations(range(len(self.texts)), 2))


@dataclass(frozen=True)
class Selection:
    """What was chosen.

    Attributes:
        n: lines written.
        n_random: of these, drawn uniformly.
        n_pool: comparisons in the pool.
        n_considered: of these, looked at by the optimal arm.
        n_skipped: comparisons of the pool with fewer than two responses.
        n_training_pairs: pairs behind the posterior.
        information_gain: nats that the optimal arm adds to the log determinant.
        information_gain_random: what as many comparisons drawn by lot would add: the mean of 20 draws.
        model: run id.
        snapshot: hash.
        seed: of everything drawn.
        output: where the lines lie.
    """

    n: int
    n_random: int
    n_pool: int
    n_considered: int
    n_skipped: int
    n_training_pairs: int
    information_gain: float
    information_gain_random: float
    model: str
    snapshot: str
    seed: int
    output: str

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)

    def sentence(self) -> str:
        """All of it, in words."""
        told = f"{self.information_gain:.2f} nats; as many drawn by lot: {self.information_gain_random:.2f}"
        return (
            f"Chose {self.n:,} of {counted(self.n_pool, 'comparison')} into {self.output}: "
            f"{self.n - self.n_random:,} for what their votes would tell ({told}), {self.n_random:,} drawn by lot. "
            f"Import with: steelyard priorities import CAMPAIGN {self.output}"
        )


def read_pool(snapshot: Snapshot) -> tuple[list[Candidate], int]:
    """The pool of a snapshot, and how many of its comparisons have fewer than two responses.

    Raises:
        RewardError: nothing is left to judge.
    """
    import pyarrow.parquet as pq

    rows = pq.read_table(snapshot.directory / POOL_NAME).to_pylist()
    found = [
        Candidate(
            row["comparison_id"],
            messages_of(row["prompt"], place=f"{POOL_NAME}: {row['comparison_id']}"),
            tuple(completion["text"] for completion in row["completions"] or ()),
        )
        for row in rows
    ]
    usable = [candidate for candidate in found if len(candidate.texts) > 1]
    if not usable:
        raise RewardError(f"{snapshot.directory / POOL_NAME}: every comparison has been judged; there is no pool.")
    return usable, len(found) - len(usable)


def select(
    snapshot_dir: Path,
    model_dir: Path,
    *,
    n: int,
    output: Path,
    random_share: float = RANDOM_SHARE,
    seed: int = 0,
    encoder: str = DEFAULT_ENCODER,
    cache_dir: Path | None = None,
    device: str | None = None,
) -> Selection:
    """Choose `n` comparisons of a snapshot's pool and write one line for each, the most urgent first.

    A line is `{"comparison_id", "priority", "reason", "propensity", "arm", "model", "snapshot"}`. The propensity is the
    probability with which the line's own arm chose it: n_random / n_pool for `random`, 1 for `d_optimal`, which draws
    nothing.
    Estimates that must not depend on the model use the random arm alone.

    Args:
        snapshot_dir: training pairs and pool.
        model_dir: a finished model, for how open each comparison is.
        n: comparisons wanted; fewer where the pool is smaller.
        output: `.jsonl`; replaced when all is done.
        random_share: of the batch, drawn uniformly; from 0 to 1.
        seed: of everything drawn.
        encoder: whose embeddings.
        cache_dir: where embeddings are kept between calls.
        device: such as 'cuda'.

    Raises:
        ContractError: the snapshot is unsound.
        RewardError: no finished model, no pool, or a value outside its range.
    """
    from reward.scorer import Scorer

    if n < 1:
        raise RewardError(f"--n {n}: it must be above 0.")
    if not 0 <= random_share <= 1:
        raise RewardError(f"--random-share {random_share}: it must lie between 0 and 1.")
    snapshot = open_snapshot(snapshot_dir)
    pool, n_skipped = read_pool(snapshot)
    scorer = Scorer(model_dir, device=device)
    rng = np.random.default_rng(seed)
    n = min(n, len(pool))
    n_random = round(random_share * n)
    by_lot = rng.permutation(len(pool))[:n_random].tolist()
    rest = rng.permutation(sorted(set(range(len(pool))) - set(by_lot)))[:MAX_POOL].tolist()
    embedder = Embedder(encoder, cache_dir=cache_dir, device=device)
    training = training_pairs(snapshot, seed=seed)
    view = View.fit(embedder, training, [pool[i] for i in rest])
    probabilities = open_probabilities(scorer, [pool[i] for i in rest])
    weights = [2 / len(pool[i].texts) for i in rest]
    chosen = greedy_d_optimal(
        view.posterior, view.candidates, n - n_random, weights=weights, probabilities=probabilities
    )
    lines = [_optimal_line(pool[rest[i]], gain, probabilities[i], rank) for rank, (i, gain) in enumerate(chosen, 1)]
    lines += [_random_line(pool[i], n_random, len(pool)) for i in by_lot]
    chosen_by = {"model": scorer.run.run_id, "snapshot": snapshot.manifest.hash}
    write_priorities([{**lines[i], **chosen_by} for i in rng.permutation(len(lines))], output)
    return Selection(
        n=len(lines),
        n_random=n_random,
        n_pool=len(pool),
        n_considered=len(rest),
        n_skipped=n_skipped,
        n_training_pairs=len(training),
        information_gain=float(sum(gain for _, gain in chosen)),
        information_gain_random=_gain_by_lot(view, len(chosen), weights, probabilities, rng),
        model=scorer.run.run_id,
        snapshot=snapshot.manifest.hash,
        seed=seed,
        output=str(output),
    )


def training_pairs(snapshot: Snapshot, *, seed: int = 0) -> list[Pair]:
    """Pairs of the training split for the posterior; at most 4,000, drawn by seed."""
    pairs = read_pairs(snapshot, "train")
    kept = np.random.default_rng(seed).permutation(len(pairs))[:MAX_TRAINING_PAIRS]
    return [pairs[i] for i in sorted(kept)]


@dataclass(frozen=True)
class View:
    """Training pairs and candidates in one space of features, and what the training pairs say there.

    Attributes:
        posterior: of the weights.
        candidates: for each candidate the (pairs, features) differences of its pairs.
    """

    posterior: Posterior
    candidates: list[np.ndarray]

    @classmethod
    def fit(cls, embedder: Embedder, training: Sequence[Pair], candidates: Sequence[Candidate]) -> View:
        """Embed, reduce to the 48 directions in which responses differ most, and fit the posterior."""
        texts = [text for pair in training for text in (pair.chosen, pair.rejected)]
        flat = [text for candidate in candidates for text in candidate.texts]
        features = text_features(embedder, [*texts, *flat])
        known = features[: len(texts) : 2] - features[1 : len(texts) : 2]
        starts = np.cumsum([len(texts), *(len(candidate.texts) for candidate in candidates)])
        open_ones = [
            np.stack([features[start + i] - features[start + j] for i, j in candidate.pairs])
            for start, candidate in zip(starts[:-1], candidates, strict=True)
        ]
        basis = principal_directions(np.concatenate([known, *open_ones]), N_COMPONENTS)
        labels = np.array([pair.soft_label for pair in training])
        weights = np.array([pair.weight for pair in training])
        posterior = fit_posterior(known @ basis, labels, weights=weights, precision=PRIOR_PRECISION)
        return cls(posterior, [one @ basis for one in open_ones])


def principal_directions(differences: np.ndarray, n: int) -> np.ndarray:
    """The directions in which differences are largest, shape (features, n or fewer); not centred, as signs are free."""
    _, values, vectors = np.linalg.svd(differences, full_matrices=False)
    return vectors[: min(n, int((values > 1e-9 * values[0]).sum()))].T


def open_probabilities(scorer: Scorer, candidates: Sequence[Candidate]) -> list[np.ndarray]:
    """For each candidate, P(first wins) of its pairs by the model, its fitted temperature applied where it has one."""
    rewards = scorer.score([(one.prompt, text) for one in candidates for text in one.texts])
    temperature = _temperature(scorer)
    found, at = [], 0
    for one in candidates:
        mine = rewards[at : at + len(one.texts)]
        at += len(one.texts)
        found.append(np.array([expit((mine[i] - mine[j]) / temperature) for i, j in one.pairs]))
    return found


def _temperature(scorer: Scorer) -> float:
    from reward.runs import REPORT_NAME

    path = scorer.run.directory / REPORT_NAME
    evaluation = json.loads(path.read_text(encoding="utf-8"))["evaluation"] if path.is_file() else None
    return ((evaluation or {}).get("temperature") or {}).get("value") or 1.0


def _optimal_line(candidate: Candidate, gain: float, probabilities: np.ndarray, rank: int) -> dict[str, Any]:
    closest = float(probabilities[np.abs(probabilities - 0.5).argmin()])
    return {
        "comparison_id": candidate.comparison_id,
        "reason": f"choice {rank} of the model: a vote adds {gain:.3f} nats of information; the model gives its "
        f"favourite {max(closest, 1 - closest):.0%}",
        "propensity": 1.0,
        "arm": "d_optimal",
    }


def _random_line(candidate: Candidate, n_random: int, n_pool: int) -> dict[str, Any]:
    return {
        "comparison_id": candidate.comparison_id,
        "reason": f"drawn by lot: {n_random:,} of {n_pool:,}, for an unbiased measurement",
        "propensity": n_random / n_pool,
        "arm": "random",
    }


def _gain_by_lot(
    view: View, n: int, weights: list[float], probabilities: list[np.ndarray], rng: np.random.Generator
) -> float:
    """What `n` candidates drawn by lot would add, mean of 20 draws; pairs of a draw one after the other."""
    gains = []
    for _ in range(20):
        drawn = rng.permutation(len(view.candidates))[:n]
        x = np.concatenate([view.candidates[i] for i in drawn]) if n else np.zeros((0, len(view.posterior.mean)))
        p = np.concatenate([np.zeros(0), *(probabilities[i] for i in drawn)])
        w = np.concatenate([np.zeros(0), *(np.full(len(probabilities[i]), weights[i]) for i in drawn)])
        information = np.eye(x.shape[1]) + view.posterior.covariance @ ((x * (w * p * (1 - p))[:, None]).T @ x)
        gains.append(float(np.linalg.slogdet(information)[1]))
    return float(np.mean(gains))


def write_priorities(lines: Sequence[Mapping[str, Any]], output: Path) -> None:
    """Write lines, the first with priority 1 and the last just above 0; the file appears complete or not at all."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        for place, line in enumerate(lines):
            priority = 1 - place / len(lines)
            ordered = {"comparison_id": line["comparison_id"], "priority": round(priority, 6)}
            file.write(json.dumps({**ordered, **line}, ensure_ascii=False) + "\n")
    os.replace(partial, output)
