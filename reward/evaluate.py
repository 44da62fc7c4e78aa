"""Measure a trained reward model on held-out pairs, from its scores, beside what it has to beat.

Accuracy with intervals, ties apart; "the longer response wins" and a bag of words on the same pairs; the human ceiling
of the snapshot; likelihood and calibration; slices by length, criterion, tension and agreement; every number
with its n.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.stats.results import Estimate, plain
from reward import metrics
from reward.baselines import TfidfBaseline, load_tfidf, longer_margins
from reward.contract import MANIFEST_NAME, file_hash
from reward.dataset import tokenised_rows
from reward.errors import RewardError
from reward.overlap import FILE_NAME, count_overlap
from reward.pairs import Pair, Snapshot, open_snapshot, read_pair_file, read_pairs
from reward.runs import BASELINE_NAME, read_run

if TYPE_CHECKING:
    from reward.scorer import Scorer

EVALUATION_SCHEMA_VERSION = 1
HELD_OUT_SPLITS = ("test", "validation")
CHUNK_PAIRS = 4096


@dataclass(frozen=True)
class EvaluationData:
    """Pairs to measure on, and where they come from.

    Attributes:
        pairs: the pairs.
        source: plain JSON: kind, name, hash, split, label source.
        human_ceiling: what the manifest says of how far people agree; plain JSON with `value` and the rest.
    """

    pairs: Sequence[Pair]
    source: Mapping[str, Any]
    human_ceiling: Mapping[str, Any]


def load_data(path: Path, *, split: str | None = None) -> EvaluationData:
    """Pairs of a snapshot's held-out split, or of a JSONL or parquet file.

    Args:
        path: a snapshot directory, or a file with `chosen` and `rejected`.
        split: of a snapshot; the test split, or the validation split where there is none, when None.

    Raises:
        ContractError: the directory is not a sound snapshot.
        RewardError: the split or the file does not exist, or the file is malformed.
    """
    if path.is_dir():
        snapshot = open_snapshot(path)
        return snapshot_data(snapshot, split=split or held_out_split(snapshot))
    if split is not None:
        raise RewardError(f"--split {split} belongs to a snapshot; {path} is a file.")
    pairs = read_pair_file(path)
    source = {"kind": "file", "name": path.name, "hash": file_hash(path), "label_source": "the file's own labels"}
    return EvaluationData(pairs, source, {"value": None, "undefined_reason": "a file of pairs has no votes"})


def held_out_split(snapshot: Snapshot) -> str | None:
    """'test', or 'validation' where there is no test split, or None."""
    return next((split for split in HELD_OUT_SPLITS if split in snapshot.files), None)


def snapshot_data(snapshot: Snapshot, *, split: str | None) -> EvaluationData:
    """Pairs of one split of a verified snapshot.

    Raises:
        RewardError: the snapshot has no such split.
    """
    if split is None or split not in snapshot.files:
        wanted = f"no {split!r} split" if split else f"none of the splits {', '.join(HELD_OUT_SPLITS)}"
        raise RewardError(
            f"{snapshot.directory / MANIFEST_NAME}: the snapshot has {wanted}, only {', '.join(snapshot.files)}; "
            "build one with held-out prompts, or name a split with --split."
        )
    content = snapshot.manifest.content
    kinds = " and ".join(content.get("counted_kinds") or ["unnamed"])
    source = {
        "kind": "snapshot",
        "name": snapshot.directory.name,
        "hash": snapshot.manifest.hash,
        "split": split,
        "label_source": f"consensus of {kinds} votes",
        "aggregation": content.get("aggregation"),
        "counted_kinds": content.get("counted_kinds"),
    }
    return EvaluationData(read_pairs(snapshot, split), source, human_ceiling(content))


def human_ceiling(content: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest's `human_ceiling`, an estimate as JSON or a bare number; undefined, with the reason, otherwise."""
    found = content.get("human_ceiling")
    if isinstance(found, Mapping) and "value" in found:
        return dict(found)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return {"value": float(found), "low": None, "high": None, "undefined_reason": None}
    return {"value": None, "undefined_reason": "the manifest names no human ceiling"}


def evaluate(
    model_dir: Path,
    data: Path,
    *,
    split: str | None = None,
    device: str | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Measure a finished model on a snapshot or a file.

    Args:
        model_dir: a finished model.
        data: a snapshot directory, or a `.jsonl` or `.parquet` file of pairs.
        split: of a snapshot.
        device: such as 'cuda'.
        on_progress: called with the number of texts each batch scored.

    Returns:
        Plain JSON; its keys are those of `measure` with `model`, `data`, `cut`, `overlap` and `seconds`.

    Raises:
        ContractError: the snapshot is unsound.
        RewardError: no finished model, or no usable pairs.
    """
    from reward.scorer import Scorer

    run = read_run(model_dir)
    loaded = load_data(data, split=split)
    baseline = stored_baseline(model_dir, run.document)
    return evaluate_pairs(Scorer(model_dir, run=run, device=device), loaded, baseline=baseline, on_progress=on_progress)


def stored_baseline(model_dir: Path, document: Mapping[str, Any]) -> TfidfBaseline | str:
    """The bag of words that was fitted with the model, or the recorded reason why there is none."""
    reason = document.get("baseline_absent_reason")
    return reason if reason else load_tfidf(model_dir / BASELINE_NAME)


def evaluate_pairs(
    scorer: Scorer,
    data: EvaluationData,
    *,
    baseline: TfidfBaseline | str,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Score the pairs and measure; see `evaluate`."""
    start = time.monotonic()
    margins, cut = [], None
    for first in range(0, len(data.pairs), CHUNK_PAIRS):
        chunk = data.pairs[first : first + CHUNK_PAIRS]
        rows, part = tokenised_rows(chunk, renderer=scorer.renderer, target="soft", mean_weight=1.0)
        ids = [ids for row in rows for ids in (row["chosen_ids"], row["rejected_ids"])]
        rewards = scorer.score_ids(ids, on_progress=on_progress)
        margins.append(rewards[::2] - rewards[1::2])
        cut = part if cut is None else cut.plus(part)
    if cut is None:
        raise RewardError("There are no pairs to evaluate on.")
    run = scorer.run
    overlap = count_overlap(run.directory / FILE_NAME, data.pairs)
    document = {
        "schema_version": EVALUATION_SCHEMA_VERSION,
        "model": {"run_id": run.run_id, "base": run.document["base"]["name"], "target": run.document["target"]},
        "data": dict(data.source),
        "cut": asdict(cut),
        "overlap": {**asdict(overlap), "caution": overlap.caution(len(data.pairs))},
        **measure(data.pairs, np.concatenate(margins), baseline=baseline, ceiling=data.human_ceiling),
        "seconds": time.monotonic() - start,
    }
    return plain(document)


def measure(
    pairs: Sequence[Pair], margins: np.ndarray, *, baseline: TfidfBaseline | str, ceiling: Mapping[str, Any]
) -> dict[str, Any]:
    """All measures of one scorer's margins on pairs.

    Args:
        pairs: what was judged.
        margins: (pairs,) reward of the chosen minus reward of the rejected response.
        baseline: the bag of words, or why there is none.
        ceiling: the human ceiling as JSON.

    Returns:
        JSON-ready: `n_pairs`, `n_prompts`, `n_comparisons`, `accuracy`, `accuracy_clustered`, `baselines`,
        `against_best_baseline`, `human_ceiling`, `verdict`, `nll`, `nll_soft`, `label_entropy`, `calibration`,
        `slices`.
    """
    labels = np.array([pair.soft_label for pair in pairs])
    clusters, unit = metrics.choose_clusters([p.prompt for p in pairs], [p.comparison_id for p in pairs])
    rivals = {"longer_wins": longer_margins(pairs)}
    absent = {"tfidf": baseline} if isinstance(baseline, str) else {}
    if not isinstance(baseline, str):
        rivals["tfidf"] = baseline.margins(pairs)
    accuracy = metrics.pairwise_accuracy(margins)
    against = _against_best(margins, rivals, clusters, unit)
    return {
        "n_pairs": len(pairs),
        "n_prompts": len({pair.prompt for pair in pairs}),
        "n_comparisons": len({pair.comparison_id for pair in pairs}),
        "accuracy": accuracy.to_json(),
        "accuracy_clustered": metrics.clustered_mean(metrics.credit(margins), clusters, unit=unit).to_json(),
        "baselines": {
            **{name: metrics.pairwise_accuracy(rival).to_json() for name, rival in rivals.items()},
            **{name: {"value": None, "undefined_reason": reason} for name, reason in absent.items()},
        },
        "against_best_baseline": against,
        "human_ceiling": dict(ceiling),
        "verdict": verdict(accuracy.estimate, against),
        "nll": metrics.negative_log_likelihood(margins).to_json(),
        "nll_soft": metrics.negative_log_likelihood(margins, labels).to_json(),
        "label_entropy": metrics.label_entropy(labels).to_json(),
        "calibration": metrics.calibration(margins).to_json(),
        "slices": [
            {"group": group, "name": name, **metrics.pairwise_accuracy(margins[inside]).to_json()}
            for group, name, inside in slices(pairs)
        ],
    }


def _against_best(
    margins: np.ndarray, rivals: Mapping[str, np.ndarray], clusters: np.ndarray, unit: str
) -> dict[str, Any]:
    """The paired difference in credit to the baseline that is right most often on these very pairs."""
    name = max(rivals, key=lambda rival: metrics.credit(rivals[rival]).mean())
    difference = metrics.credit(margins) - metrics.credit(rivals[name])
    estimate = metrics.clustered_mean(difference, clusters, unit=unit)
    return {"name": name, "difference": estimate.to_json(), "beats": _beats(estimate)}


def _beats(difference: Estimate) -> str:
    """'yes', 'no' (worse), 'not established', or 'undefined' where the difference has no interval."""
    if difference.low is None or difference.high is None:
        return "undefined"
    if difference.low > 0:
        return "yes"
    return "no" if difference.high < 0 else "not established"


BASELINE_NAMES = {"longer_wins": "“the longer response wins”", "tfidf": "the bag of words"}


def verdict(accuracy: Estimate, against: Mapping[str, Any]) -> str:
    """One sentence: does the model beat the best baseline by more than the interval?"""
    if accuracy.value is None:
        return "The model decides no pair: it gives both responses the same reward everywhere."
    difference, name = against["difference"], BASELINE_NAMES[against["name"]]
    start = f"The model agrees with the labels on {accuracy.value:.1%} of {accuracy.n:,} pairs"
    points = f"{abs(difference['value']) * 100:.1f} points {'above' if difference['value'] >= 0 else 'below'} {name}"
    if against["beats"] == "undefined":
        return f"{start}, {points}; {difference['undefined_reason']}."
    interval = f"95 % interval of the difference {difference['low'] * 100:+.1f} to {difference['high'] * 100:+.1f}"
    end = {
        "yes": "it beats the best baseline by more than the interval",
        "no": "it is worse than the best baseline by more than the interval",
        "not established": "no difference from the best baseline is established",
    }[against["beats"]]
    return f"{start}, {points} ({interval}): {end}."


def slices(pairs: Sequence[Pair]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Subsets of the pairs worth a look: (group, name, boolean mask), the empty ones left out."""
    lengths = longer_margins(pairs)
    yield from _kept("length", "the longer response is chosen", lengths > 0)
    yield from _kept("length", "the shorter response is chosen", lengths < 0)
    labels = np.array([pair.soft_label for pair in pairs])
    yield from _kept("agreement", "soft label .9 and above", labels >= 0.9)
    yield from _kept("agreement", "soft label .7 to .9", (labels >= 0.7) & (labels < 0.9))
    yield from _kept("agreement", "soft label below .7", labels < 0.7)
    for key in sorted({key for pair in pairs for key in pair.criteria}):
        values = np.array([pair.criteria.get(key, np.nan) for pair in pairs], dtype=float)
        yield from _kept("criterion", f"{key} favours the chosen", values > 0)
        yield from _kept("criterion", f"{key} favours the rejected", values < 0)
        yield from _kept("criterion", f"{key} favours neither", values == 0)
    for key in sorted({key for pair in pairs for key in pair.tensions}):
        shares = np.array([pair.tensions.get(key, 0.0) for pair in pairs], dtype=float)
        yield from _kept("tension", f"{key} pulled apart", shares > 0)
    if any(pair.tensions for pair in pairs):
        none = np.array([not any(share > 0 for share in pair.tensions.values()) for pair in pairs])
        yield from _kept("tension", "no tension", none)


def _kept(group: str, name: str, inside: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    if inside.any():
        yield group, name, inside
