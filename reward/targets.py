"""From votes to what a model is asked to learn: one label, weight and margin per pair.

| target | label of a pair |
|---|---|
| `soft` | the snapshot's soft label, as its aggregation gave it (the default) |
| `share` | the share of the votes; a tie, and a vote for neither, counts half |
| `posterior` | the posterior probability under the one-coin model of rater accuracy |
| `reliability` | the share of the votes, each weighted by its rater's estimated log odds of being right |
| `hard` | 1 for the side that the snapshot's label favours |
| `margin` | the same; the rewards shall differ by the lead of the votes, 2p - 1 (Touvron et al., 2023, 3.2.2) |

`share`, `posterior` and `reliability` are computed from `judgments.parquet`, from the votes on the training comparisons
alone, by `app.stats`. A pair whose snapshot label is a certainty that the votes contradict was settled by an
adjudicator: it keeps its label and is counted. What the alternatives are worth is measured in the notebook
`train_reward_model.ipynb`: shares win in likelihood on real votes, `reliability` where some raters vote at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reward.errors import RewardError
from reward.pairs import Pair, Snapshot

if TYPE_CHECKING:
    import pandas as pd

    from app.stats.coding import CodedVotes

TARGETS: Mapping[str, str] = {
    "soft": "the snapshot's soft label P(chosen wins)",
    "hard": "the majority, as certain",
    "share": "the share of the votes, ties half",
    "posterior": "the posterior under the one-coin model of rater accuracy",
    "reliability": "the share of the votes, each weighted by its rater's reliability",
    "margin": "the majority, as certain, with the lead of the votes as margin",
}
FROM_VOTES = ("share", "posterior", "reliability")
JUDGMENTS_NAME = "judgments.parquet"
COUNTED_PURPOSES = ("work", "gold")
ODDS_RANGE = (0.05, 4.0)
"""Bounds of a vote's weight (log odds) for `reliability`: nobody counts nothing, nobody counts all."""


@dataclass(frozen=True)
class TargetReport:
    """What became of the labels.

    Attributes:
        target: its name.
        meaning: in words.
        n_pairs: pairs.
        n_turned: pairs whose sides changed places, because the target favours the other one.
        n_settled: pairs that kept an adjudicator's label.
        n_without_votes: pairs without a counted vote, which kept the snapshot's label.
        mean_label: mean of the labels.
        rater_model: iterations and convergence of the rater model, where one was fitted.
    """

    target: str
    meaning: str
    n_pairs: int
    n_turned: int = 0
    n_settled: int = 0
    n_without_votes: int = 0
    mean_label: float = 1.0
    rater_model: Mapping[str, Any] | None = None


def apply_target(snapshot: Snapshot, pairs: Sequence[Pair], target: str) -> tuple[list[Pair], TargetReport]:
    """Pairs with the labels of a target; ties keep .5 unless the votes say otherwise.

    Args:
        snapshot: where the votes lie.
        pairs: training pairs.
        target: a key of TARGETS.

    Raises:
        RewardError: an unknown target, or one that needs votes of a snapshot that has none.
    """
    if target not in TARGETS:
        raise RewardError(f"The target {target!r} is not known; the targets are {', '.join(TARGETS)}.")
    if target == "soft":
        found, facts = list(pairs), {}
    elif target in FROM_VOTES:
        found, facts = _from_votes(snapshot, pairs, target)
    else:
        found, facts = [_certain(pair, with_margin=target == "margin") for pair in pairs], {}
    mean = float(np.mean([pair.soft_label for pair in found])) if found else 1.0
    return found, TargetReport(target, TARGETS[target], len(found), mean_label=mean, **facts)


def _certain(pair: Pair, *, with_margin: bool) -> Pair:
    margin = 2 * pair.soft_label - 1 if with_margin else pair.margin
    return replace(pair, soft_label=1.0 if pair.soft_label > 0.5 else 0.5, margin=margin)


def _from_votes(snapshot: Snapshot, pairs: Sequence[Pair], target: str) -> tuple[list[Pair], dict[str, Any]]:
    votes = read_votes(snapshot.directory / JUDGMENTS_NAME, {pair.comparison_id for pair in pairs})
    kinds = snapshot.manifest.content.get("counted_kinds") or ["human"]
    labels, facts = vote_labels(votes, kinds=kinds, target=target)
    found, turned, settled, absent = [], 0, 0, 0
    for pair in pairs:
        p = _label_of(pair, labels)
        if p is None:
            absent += 1
            found.append(pair)
        elif pair.soft_label == 1.0 and p < 0.5:
            settled += 1
            found.append(pair)
        else:
            turned += p < 0.5
            found.append(_turned(pair, 1 - p) if p < 0.5 else replace(pair, soft_label=p))
    return found, {"n_turned": turned, "n_settled": settled, "n_without_votes": absent, "rater_model": facts}


def _label_of(pair: Pair, labels: Mapping[tuple[str, str, str], float]) -> float | None:
    """P(chosen wins) of a pair from the labels by (comparison, first, second), or None without votes."""
    if (pair.comparison_id, pair.chosen_id, pair.rejected_id) in labels:
        return labels[pair.comparison_id, pair.chosen_id, pair.rejected_id]
    other = labels.get((pair.comparison_id, pair.rejected_id, pair.chosen_id))
    return None if other is None else 1 - other


def _turned(pair: Pair, soft_label: float) -> Pair:
    """The pair with its sides, and the signs relative to them, exchanged."""
    return replace(
        pair,
        chosen=pair.rejected,
        rejected=pair.chosen,
        chosen_id=pair.rejected_id,
        rejected_id=pair.chosen_id,
        criteria={key: -value for key, value in pair.criteria.items()},
        soft_label=soft_label,
    )


def read_votes(path: Path, comparisons: set[str] | None = None) -> pd.DataFrame:
    """The votes of a snapshot that count for labels, as a vote frame of `app.stats`.

    Args:
        path: `judgments.parquet`.
        comparisons: only these, or all when None.

    Raises:
        RewardError: no vote is left.
    """
    import pandas as pd

    votes = pd.read_parquet(path)
    kept = votes["purpose"].isin(COUNTED_PURPOSES)
    if comparisons is not None:
        kept &= votes["comparison_id"].isin(comparisons)
    votes = votes[kept].reset_index(drop=True)
    if not len(votes):
        raise RewardError(f"{path} holds no votes on these comparisons: use --target soft or hard.")
    return votes


def vote_labels(
    votes: pd.DataFrame, *, kinds: Sequence[str], target: str
) -> tuple[dict[tuple[str, str, str], float], dict[str, Any] | None]:
    """P(first wins) by (comparison, first, second) from votes on the overall verdict.

    Args:
        votes: a vote frame.
        kinds: kinds of rater that count.
        target: 'share', 'posterior' or 'reliability'.

    Returns:
        The labels, and facts of the rater model that was fitted (None for `share`).
    """
    from app.stats.coding import code_votes
    from app.stats.consensus import consensus_frame, majority, one_coin

    coded = code_votes(votes, kinds=kinds).of("overall")
    model = majority(coded) if target == "share" else one_coin(coded)
    facts = None if target == "share" else {"n_iterations": model.n_iterations, "converged": model.converged}
    frame = consensus_frame(coded, model, votes)
    values = frame["soft_label"].to_numpy()
    if target == "reliability":
        values = _weighted_share(coded, model.rater_accuracy, model.unit)
    keys = zip(*(frame[name].astype(str) for name in ("comparison_id", "first", "second")), strict=True)
    return dict(zip(keys, values.tolist(), strict=True)), facts


def _weighted_share(coded: CodedVotes, accuracy: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Share of `first` per unit, each vote weighted by log(q / (1 - q)) of its rater, within ODDS_RANGE; ties half."""
    weight = np.clip(np.log(accuracy / (1 - accuracy)), *ODDS_RANGE)[coded.rater]
    worth = np.array([1.0, 0.0, 0.5, 0.5])[coded.outcome]
    total = np.bincount(coded.unit, weights=weight, minlength=coded.n_units)
    return (np.bincount(coded.unit, weights=weight * worth, minlength=coded.n_units)[units]) / total[units]
