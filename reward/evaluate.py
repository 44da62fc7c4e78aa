"""Measure a trained reward model on held-out pairs, from its scores, beside what it has to beat.

Accuracy with intervals, ties apart; "the longer response wins" and a bag of words on the same pairs; the human ceiling
of the snapshot; likelihood and calibration; slices by length, criterion, tension and agreement; what cheap tricks
are worth to it; every number with its n.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.stats.results import Estimate, plain
from app.stats.words import counted
from reward import metrics
from reward.baselines import Baselines, TfidfBaseline, load_tfidf, longer_margins
from reward.best_of_n import best_of_n
from reward.contract import MANIFEST_NAME, file_hash
from reward.dataset import CutReport, tokenised_rows
from reward.disagreements import disagreements
from reward.errors import RewardError
from reward.frozen import FILE_NAME as FROZEN_NAME
from reward.frozen import FrozenBaseline, load_frozen
from reward.native import LABELS, is_native, read_native
from reward.overlap import FILE_NAME, count_overlap
from reward.pairs import Pair, Snapshot, open_snapshot, read_pair_file, read_pairs
from reward.probes import probe
from reward.runs import BASELINE_NAME, Run, read_run
from reward.slicing import slices

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
        source: plain JSON: kind, name, hash, split, label source, and how many had no decided label and are left out.
        human_ceiling: what the manifest says of how far people agree; plain JSON with `value` and the rest.
    """

    pairs: Sequence[Pair]
    source: Mapping[str, Any]
    human_ceiling: Mapping[str, Any]


def load_data(path: Path, *, split: str | None = None, labels: str = "reference") -> EvaluationData:
    """Pairs of a snapshot's held-out split, or of a JSONL or parquet file.

    Args:
        path: a snapshot directory, or a file with `chosen` and `rejected`, or of native comparisons.
        split: of a snapshot; the test split, or the validation split where there is none, when None.
        labels: of native comparisons: 'reference' or 'votes'.

    Raises:
        ContractError: the directory is not a sound snapshot.
        RewardError: the split or the file does not exist, or the file is malformed.
    """
    if path.is_dir():
        snapshot = open_snapshot(path)
        return snapshot_data(snapshot, split=split or held_out_split(snapshot))
    if split is not None:
        raise RewardError(f"--split {split} belongs to a snapshot; {path} is a file.")
    source = {"kind": "file", "name": path.name, "hash": "", "label_source": "the file's own labels"}
    if path.is_file() and is_native(path):
        native = read_native(path, labels=labels)
        pairs = native.pairs
        if not pairs:
            raise RewardError(f"{path}: no comparison has a decided label; try --labels votes or reference.")
        source |= {"label_source": LABELS[labels], "n_undecided": native.n_undecided}
    else:
        rows = read_pair_file(path)
        pairs = [pair for pair in rows if pair.soft_label != 0.5]
        if not pairs:
            raise RewardError(f"{path}: every label is a tie (soft_label .5); there is nothing to measure on.")
        source["n_undecided"] = len(rows) - len(pairs)
    source["hash"] = file_hash(path)
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
    kinds = " and ".join(content.get("counted_kinds") or [])
    source = {
        "kind": "snapshot",
        "name": snapshot.directory.name,
        "hash": snapshot.manifest.hash,
        "split": split,
        "label_source": f"consensus of {kinds} votes" if kinds else str(content.get("aggregation", "unnamed votes")),
        "aggregation": content.get("aggregation"),
        "counted_kinds": content.get("counted_kinds"),
        "n_undecided": snapshot.n_ties(split),
    }
    return EvaluationData(read_pairs(snapshot, split), source, human_ceiling(content))


def human_ceiling(content: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest's `human_ceiling`, an estimate as JSON or a bare number; undefined, with the reason, otherwise."""
    found = content.get("human_ceiling")
    if isinstance(found, Mapping) and "value" in found:
        return dict(found)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return {"value": float(found), "low": None, "high": None, "undefined_reason": None}
    if content.get("counted_kinds") == []:
        return {"value": None, "undefined_reason": "a file of pairs has no votes to measure it on"}
    return {"value": None, "undefined_reason": "the manifest names no human ceiling"}


def evaluate(
    model_dir: Path,
    data: Path,
    *,
    split: str | None = None,
    labels: str = "reference",
    device: str | None = None,
    against: Path | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Measure a finished model on a snapshot or a file.

    Args:
        model_dir: a finished model.
        data: a snapshot directory, or a `.jsonl` or `.parquet` file of pairs.
        split: of a snapshot.
        labels: of a file of native comparisons: 'reference' or 'votes'.
        device: such as 'cuda'.
        against: another finished model, to be compared on the same pairs.
        on_progress: called with the number of texts each batch scored.

    Returns:
        Plain JSON; its keys are those of `measure` with `model`, `data`, `cut`, `overlap` and `seconds`,
        and `against_model` where one was named.

    Raises:
        ContractError: the snapshot is unsound.
        RewardError: no finished model, or no usable pairs.
    """
    from reward.scorer import Scorer

    run = read_run(model_dir)
    rival = None if against is None else read_run(against)
    loaded = load_data(data, split=split, labels=labels)
    return evaluate_pairs(
        Scorer(model_dir, run=run, device=device),
        loaded,
        baselines=stored_baselines(model_dir, run.document),
        rival=rival,
        on_progress=on_progress,
    )


def stored_baselines(model_dir: Path, document: Mapping[str, Any]) -> Baselines:
    """What was fitted with the model, or the recorded reasons why there is none."""
    no_words, no_vectors = document.get("baseline_absent_reason"), document.get("frozen_baseline_absent_reason")
    if "frozen_baseline_absent_reason" not in document:
        no_vectors = "the model was trained before this baseline existed"
    return Baselines(
        tfidf=no_words or load_tfidf(model_dir / BASELINE_NAME),
        frozen=no_vectors or load_frozen(model_dir / FROZEN_NAME),
    )


def evaluate_pairs(
    scorer: Scorer,
    data: EvaluationData,
    *,
    baselines: Baselines,
    rival: Run | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Score the pairs and measure; with a rival, compare on the same pairs. See `evaluate`."""
    from reward.scorer import Scorer

    document, margins = _measured(scorer, data, baselines, on_progress)
    if rival is not None:
        other = Scorer(rival.directory, run=rival, device=str(scorer.device))
        rewards = score_pairs(other, data.pairs, on_progress=on_progress)[0]
        document["against_model"] = plain(compare_models(data.pairs, margins, rewards[:, 0] - rewards[:, 1], rival))
    return document


def score_pairs(
    scorer: Scorer, pairs: Sequence[Pair], *, on_progress: Callable[[int], None] | None = None
) -> tuple[np.ndarray, CutReport]:
    """Rewards of both responses of each pair, shape (pairs, 2), and what was cut.

    Raises:
        RewardError: there are no pairs.
    """
    if not pairs:
        raise RewardError("There are no pairs to evaluate on.")
    parts, cut = [], CutReport()
    for first in range(0, len(pairs), CHUNK_PAIRS):
        chunk = pairs[first : first + CHUNK_PAIRS]
        rows, part = tokenised_rows(chunk, renderer=scorer.renderer, target="soft", mean_weight=1.0)
        ids = [ids for row in rows for ids in (row["chosen_ids"], row["rejected_ids"])]
        parts.append(scorer.score_ids(ids, on_progress=on_progress).reshape(-1, 2))
        cut = cut.plus(part)
    return np.concatenate(parts), cut


def _measured(
    scorer: Scorer, data: EvaluationData, baselines: Baselines, on_progress: Callable[[int], None] | None
) -> tuple[dict[str, Any], np.ndarray]:
    start = time.monotonic()
    rewards, cut = score_pairs(scorer, data.pairs, on_progress=on_progress)
    margins = rewards[:, 0] - rewards[:, 1]
    run = scorer.run
    overlap = count_overlap(run.directory / FILE_NAME, data.pairs)
    measures = measure(
        data.pairs,
        margins,
        baseline=baselines.tfidf,
        frozen=baselines.frozen,
        ceiling=data.human_ceiling,
        rewards=rewards,
    )
    document = {
        "schema_version": EVALUATION_SCHEMA_VERSION,
        "model": {"run_id": run.run_id, "base": run.document["base"]["name"], "target": run.document["target"]},
        "data": dict(data.source),
        "cut": asdict(cut),
        "overlap": {
            **asdict(overlap),
            "caution": overlap.caution(len(data.pairs)),
            "note": overlap.note(len(data.pairs)),
        },
        **measures,
        "probes": probe(scorer, data.pairs, rewards),
        "seconds": time.monotonic() - start,
    }
    return plain(document), margins


def compare_models(pairs: Sequence[Pair], first: np.ndarray, second: np.ndarray, rival: Run) -> dict[str, Any]:
    """Two models on the same pairs: difference in credit with a clustered interval, and McNemar's exact test.

    Args:
        pairs: what was judged.
        first: (pairs,) margins of the model.
        second: (pairs,) margins of the other one.
        rival: the other one's run.
    """
    clusters, unit = metrics.choose_clusters([p.prompt for p in pairs], [p.comparison_id for p in pairs])
    difference = metrics.clustered_mean(metrics.credit(first) - metrics.credit(second), clusters, unit=unit)
    test = metrics.paired_test(first, second)
    beats = _beats(difference)
    words = {"yes": "is better than", "no": "is worse than"}.get(beats, "is not established to differ from")
    interval = "" if difference.low is None else f", 95 % interval {difference.low * 100:+.1f} to "
    interval += "" if difference.high is None else f"{difference.high * 100:+.1f}"
    return {
        "run_id": rival.run_id,
        "base": rival.document["base"]["name"],
        "accuracy": metrics.pairwise_accuracy(second).to_json(),
        "difference": difference.to_json(),
        "beats": beats,
        "overlap": asdict(count_overlap(rival.directory / FILE_NAME, pairs)),
        **test,
        "sentence": f"The model {words} {rival.run_id}: {(difference.value or 0) * 100:+.1f} points{interval}; only "
        f"the model is right on {counted(test['n_only_first_right'], 'pair')}, only the other on "
        f"{test['n_only_second_right']:,} (exact test, p = {test['p_value']:.3f}).",
    }


def measure(
    pairs: Sequence[Pair],
    margins: np.ndarray,
    *,
    baseline: TfidfBaseline | str,
    ceiling: Mapping[str, Any],
    frozen: FrozenBaseline | str = "not fitted",
    rewards: np.ndarray | None = None,
) -> dict[str, Any]:
    """All measures of one scorer's margins on pairs.

    Args:
        pairs: what was judged.
        margins: (pairs,) reward of the chosen minus reward of the rejected response.
        baseline: the bag of words, or why there is none.
        ceiling: the human ceiling as JSON.
        frozen: the baseline on frozen embeddings, or why there is none.
        rewards: (pairs, 2) of both responses, for best of n.

    Returns:
        JSON-ready: `n_pairs`, `n_prompts`, `n_comparisons`, `accuracy`, `accuracy_clustered`, `baselines`,
        `against_best_baseline`, `human_ceiling`, `verdict`, `nll`, `nll_soft`, `label_entropy`, `calibration` (with
        the reliability diagram), `temperature`, `margin_histogram`, `best_of_n`, `disagreements`, `slices`.
    """
    labels = np.array([pair.soft_label for pair in pairs])
    clusters, unit = metrics.choose_clusters([p.prompt for p in pairs], [p.comparison_id for p in pairs])
    rivals = {"longer_wins": longer_margins(pairs), "shorter_wins": -longer_margins(pairs)}
    fitted = {"tfidf": baseline, "frozen": frozen}
    absent = {name: scorer for name, scorer in fitted.items() if isinstance(scorer, str)}
    rivals |= {name: scorer.margins(pairs) for name, scorer in fitted.items() if not isinstance(scorer, str)}
    temperature = metrics.fit_temperature(margins)
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
        "temperature": temperature.to_json(),
        "margin_histogram": metrics.margin_histogram(margins),
        "best_of_n": best_of_n(pairs, rewards),
        "disagreements": disagreements(
            pairs,
            margins,
            witnesses=rivals,
            temperature=temperature.estimate.value,
            ceiling=ceiling.get("value"),
        ),
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


BASELINE_NAMES = {
    "longer_wins": "“the longer response wins”",
    "shorter_wins": "“the shorter response wins”",
    "tfidf": "the bag of words",
    "frozen": "the frozen embeddings",
}


def verdict(accuracy: Estimate, against: Mapping[str, Any]) -> str:
    """One sentence: does the model beat the best baseline by more than the interval?"""
    if accuracy.value is None:
        return "The model decides no pair: it gives both responses the same reward everywhere."
    difference, name = against["difference"], BASELINE_NAMES[against["name"]]
    start = f"The model agrees with the labels on {accuracy.value:.1%} of {counted(accuracy.n, 'pair')}"
    points = f"{abs(difference['value']) * 100:.1f} points {'above' if difference['value'] >= 0 else 'below'} {name}"
    if difference["value"] == 0:
        points = f"as often as {name}"
    if against["beats"] == "undefined":
        return f"{start}, {points}; {difference['undefined_reason']}."
    interval = f"95 % interval of the difference {difference['low'] * 100:+.1f} to {difference['high'] * 100:+.1f}"
    end = {
        "yes": "it beats the best baseline by more than the interval",
        "no": "it is worse than the best baseline by more than the interval",
        "not established": "no difference from the best baseline is established",
    }[against["beats"]]
    return f"{start}, {points} ({interval}): {end}."
